import math

import pytest
import torch
from trees import random_tree

from heads.likelihood import ResidualLikelihood
from heads.losses import LOSSES, SOFT, CompositionalLoss
from heads.pairs import all_pairs, joint_pairs
from heads.skeleton import MPII


def rough(dimensions=2, seed=0):
    """A likelihood whose flow is far from the identity."""
    torch.manual_seed(seed)
    likelihood = ResidualLikelihood(dimensions).double()
    for values in likelihood.parameters():
        values.data.normal_(std=0.2)
    return likelihood


def grid(reach, steps):
    """(steps^2, 2) points of a square and the area of each."""
    line = torch.linspace(-reach, reach, steps, dtype=torch.float64)
    return torch.cartesian_prod(line, line), (2 * reach / (steps - 1)) ** 2


def test_the_density_of_the_flow_integrates_to_one():
    points, area = grid(12.0, 121)
    with torch.no_grad():
        densities = rough().flow.log_prob(points).exp()
    assert float(densities.sum() * area) == pytest.approx(1.0, abs=1e-3)


def test_the_change_of_volume_is_the_jacobians():
    likelihood, error = rough(3), torch.randn(3, dtype=torch.float64)
    for coupling in likelihood.flow.couplings:
        jacobian = torch.autograd.functional.jacobian(lambda values, c=coupling: c(values)[0], error)
        torch.testing.assert_close(coupling(error)[1], torch.linalg.det(jacobian).abs().log())


def test_a_term_is_two_negative_log_likelihoods_of_one_error():
    """Both densities, written out in units of the training data, for single errors."""
    likelihood, rng = rough(), torch.Generator().manual_seed(1)
    error = torch.randn(2, 2, 3, generator=rng, dtype=torch.float64)
    raw = torch.randn(2, 3, 2, generator=rng, dtype=torch.float64)
    terms = likelihood(error, raw)
    for sample in range(2):
        for pair in range(3):
            sigma = 1 / (1 + torch.exp(-raw[sample, pair]))
            laplace = torch.distributions.Laplace(torch.zeros(2).double(), sigma / math.sqrt(2))
            one = error[sample, :, pair]
            log_phi = likelihood.flow.log_prob(one / sigma) - torch.log(sigma).sum()
            torch.testing.assert_close(terms[sample, :, pair].sum(), -laplace.log_prob(one).sum() - log_phi)


def test_the_best_constant_sigma_is_that_of_the_errors():
    """With a flow held at the identity, the optimum over sigma is known in closed form."""
    likelihood = ResidualLikelihood().double()
    for values in likelihood.parameters():
        values.data.zero_()
    torch.manual_seed(0)
    errors = torch.distributions.Laplace(0.0, 0.1).sample((1, 2, 20)).double()
    sigmas = torch.linspace(0.05, 0.4, 351, dtype=torch.float64)
    with torch.no_grad():
        raw = torch.logit(sigmas).view(-1, 1, 1).expand(-1, 20, 2)
        costs = likelihood(errors.expand(len(sigmas), -1, -1), raw).mean(dim=(1, 2))
    # d/ds of 2 log s + sqrt(2) m1 / s + m2 / 2 s^2 is 0 at 2 s^2 - sqrt(2) m1 s - m2 = 0.
    m1, m2 = errors.abs().mean(), errors.square().mean()
    expected = (math.sqrt(2) * m1 + (2 * m1**2 + 8 * m2).sqrt()) / 4
    assert float(sigmas[costs.argmin()]) == pytest.approx(float(expected), abs=2e-3)


@pytest.mark.parametrize("loss", ["soft_l1", "rle"])
def test_gradients_by_finite_differences(loss):
    chosen = rough() if loss == "rle" else loss
    tree = random_tree(0, 5)
    loss = CompositionalLoss(tree, joint_pairs(tree), torch.ones(5, 2), loss=chosen).double()
    rng = torch.Generator().manual_seed(0)
    bones, gt, raw = (torch.randn(2, 5, 2, generator=rng, dtype=torch.float64) for _ in range(3))
    mask = torch.rand(2, 5, generator=rng) > 0.3
    gt[~mask] = float("nan")
    bones.requires_grad_(), raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda b, r: loss(b, gt, mask, r), (bones, raw))


def test_soft_l1_is_l1_far_out_and_a_parabola_at_zero():
    soft, errors = LOSSES["soft_l1"], torch.tensor([-50.0, 0.0, 1e-3, 50.0], dtype=torch.float64)
    expected = torch.tensor([50 - SOFT, 0.0, 1e-6 / (2 * SOFT), 50 - SOFT], dtype=torch.float64)
    torch.testing.assert_close(soft(errors), expected, rtol=1e-4, atol=1e-9)
    assert torch.equal(LOSSES["l1"](errors), errors.abs())


def test_a_likelihoods_pair_counts_if_all_its_coordinates_do():
    likelihood, pairs = rough(), all_pairs(MPII)
    loss = CompositionalLoss(MPII, pairs, torch.ones(136, 2), loss=likelihood).double()
    bones, gt = torch.randn(2, 1, 16, 2, dtype=torch.float64)
    raw = torch.zeros(1, 136, 2, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(1, 16, 2, dtype=torch.bool)
    mask[0, 3, 0] = False
    loss(bones, gt, mask, raw).backward()
    silent = raw.grad[0].abs().sum(-1) == 0
    assert [3 in pair for pair in pairs] == silent.tolist()


def test_samples_with_and_without_depth_have_a_flow_each():
    """In one batch, each term is what its own likelihood, of two or three coordinates, makes of it."""
    likelihood, pairs = rough(3), joint_pairs(MPII)
    loss = CompositionalLoss(MPII, pairs, torch.ones(16, 3), "joints", loss=likelihood).double()
    joints, gt = torch.randn(2, 2, 16, 3, dtype=torch.float64)
    raw = torch.randn(2, 16, 3, dtype=torch.float64, requires_grad=True)
    gt[1, :, 2] = torch.nan
    found = loss(joints, gt, torch.isfinite(gt), raw)
    plane = rough(2)
    plane.flow = likelihood.plane
    error = (gt - joints).transpose(1, 2)
    deep, flat = likelihood(error[:1], raw[:1]), plane(error[1:, :2], raw[1:, :, :2])
    torch.testing.assert_close(found, (deep.mean() + flat.mean()) / 2)
    found.backward()
    assert (raw.grad[1, :, 2] == 0).all() and (raw.grad[0] != 0).all() and (raw.grad[1, :, :2] != 0).all()
