import math

import pytest
import torch

from checkpoints.errors import PoseError
from heads.likelihood import ResidualLikelihood
from heads.losses import CompositionalLoss
from heads.pairs import all_pairs, joint_pairs
from heads.penalties import PENALTIES, SOFT
from heads.skeleton import MPII


def rough(dimensions=2, seed=0):
    """A likelihood whose flow is far from the identity."""
    torch.manual_seed(seed)
    likelihood = ResidualLikelihood(dimensions).double()
    for values in likelihood.parameters():
        values.data.normal_(std=0.3)
    return likelihood


def grid(reach, steps):
    """(steps^2, 2) points of a square and the area that each stands for."""
    line = torch.linspace(-reach, reach, steps, dtype=torch.float64)
    return torch.cartesian_prod(line, line), (2 * reach / (steps - 1)) ** 2


def test_the_learnt_density_integrates_to_one():
    points, area = grid(15.0, 301)
    with torch.no_grad():
        densities = rough().log_density(points).exp()
    assert float(densities.sum() * area) == pytest.approx(1.0, abs=1e-3)


def test_the_change_of_volume_is_the_jacobians():
    likelihood, error = rough(3), torch.randn(3, dtype=torch.float64)
    for coupling in likelihood.couplings:
        jacobian = torch.autograd.functional.jacobian(lambda values, c=coupling: c(values)[0], error)
        torch.testing.assert_close(coupling(error)[1], torch.linalg.det(jacobian).abs().log())


def test_a_term_is_two_negative_log_likelihoods_of_one_error():
    """Both densities, written out in units of the training data, for single errors."""
    likelihood, draw = rough(), torch.Generator().manual_seed(1)
    error = torch.randn(2, 2, 3, generator=draw, dtype=torch.float64)
    raw = torch.randn(2, 3, 2, generator=draw, dtype=torch.float64)
    terms = likelihood(error, raw)
    for sample in range(2):
        for pair in range(3):
            spread = 1 / (1 + torch.exp(-raw[sample, pair]))
            laplace = torch.distributions.Laplace(torch.zeros(2).double(), spread / math.sqrt(2))
            one = error[sample, :, pair]
            learnt = likelihood.log_density(one / spread) - torch.log(spread).sum()
            torch.testing.assert_close(terms[sample, :, pair].sum(), -laplace.log_prob(one).sum() - learnt)


def test_the_best_constant_spread_is_that_of_the_errors():
    """With a flow held at the identity, the optimum over the spread is known in closed form."""
    likelihood = ResidualLikelihood().double()
    for values in likelihood.parameters():
        values.data.zero_()
    errors = torch.distributions.Laplace(0.0, 0.1).sample((1, 2, 100)).double()
    spreads = torch.linspace(0.05, 0.4, 351, dtype=torch.float64)
    costs = torch.stack([likelihood(errors, torch.logit(s).expand(1, 100, 2)).mean() for s in spreads])
    # d/ds of 2 log s + sqrt(2) m1 / s + m2 / 2 s^2 is 0 at 2 s^2 - sqrt(2) m1 s - m2 = 0.
    m1, m2 = errors.abs().mean(), errors.square().mean()
    expected = (math.sqrt(2) * m1 + (2 * m1**2 + 8 * m2).sqrt()) / 4
    assert float(spreads[costs.argmin()]) == pytest.approx(float(expected), abs=2e-3)


@pytest.mark.parametrize("penalty", ["soft_l1", "likelihood"])
def test_gradients_by_finite_differences(penalty):
    chosen = rough() if penalty == "likelihood" else penalty
    loss = CompositionalLoss(MPII, joint_pairs(MPII), torch.ones(16, 2), penalty=chosen).double()
    draw = torch.Generator().manual_seed(0)
    bones, truth, raw = (torch.randn(2, 16, 2, generator=draw, dtype=torch.float64) for _ in range(3))
    mask = torch.rand(2, 16, generator=draw) > 0.3
    truth[~mask] = float("nan")
    bones.requires_grad_(), raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda b, r: loss(b, truth, mask, r), (bones, raw))


def test_soft_l1_is_l1_far_out_and_a_parabola_at_zero():
    soft, errors = PENALTIES["soft_l1"], torch.tensor([-50.0, 0.0, 1e-3, 50.0], dtype=torch.float64)
    expected = torch.tensor([50 - SOFT, 0.0, 1e-6 / (2 * SOFT), 50 - SOFT], dtype=torch.float64)
    torch.testing.assert_close(soft(errors), expected, rtol=1e-4, atol=1e-9)
    assert torch.equal(PENALTIES["l1"](errors), errors.abs())


def test_with_a_likelihood_a_pair_counts_where_all_its_coordinates_do():
    likelihood, pairs = rough(), all_pairs(MPII)
    loss = CompositionalLoss(MPII, pairs, torch.ones(136, 2), penalty=likelihood).double()
    bones, truth = torch.randn(2, 1, 16, 2, dtype=torch.float64)
    raw = torch.zeros(1, 136, 2, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(1, 16, 2, dtype=torch.bool)
    mask[0, 3, 0] = False
    loss(bones, truth, mask, raw).backward()
    silent = raw.grad[0].abs().sum(-1) == 0
    assert [3 in pair for pair in pairs] == silent.tolist()


def test_an_unknown_penalty_is_a_clear_error():
    with pytest.raises(PoseError, match="unknown penalty 'l2'; choose l1 or soft_l1"):
        CompositionalLoss(MPII, joint_pairs(MPII), torch.ones(16, 2), penalty="l2")
