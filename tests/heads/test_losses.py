import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import random_tree, walk

from heads.bones import bones_to_joints, joints_to_bones
from heads.composition import composition_matrix
from heads.losses import CompositionalLoss
from heads.normalization import denormalize, masked_mean_std, normalize
from heads.pairs import METHODS, all_pairs, bone_pairs, get_pairs, joint_pairs, pair_weights
from heads.skeleton import MPII
from ief.model.stage import RegressionHead

ONES = torch.ones(16, 2)


def example(skeleton=MPII, batch=4, dimensions=2, seed=0):
    rng = torch.Generator().manual_seed(seed)
    shape = (batch, len(skeleton), dimensions)
    gt = torch.randn(shape, generator=rng, dtype=torch.float64)
    bones = torch.randn(shape, generator=rng, dtype=torch.float64)
    mask = torch.rand(shape[:2], generator=rng) > 0.3
    return bones, gt, mask


def literal_loss(skeleton, pairs, std, bones, gt, mask, weights=None):
    """Eq. 8 and, by its mask, Eq. 9 pair by pair, walking the tree; a pair of weight 2 counts as if there twice."""
    batch, _, dimensions = bones.shape
    total = 0.0
    for n in range(batch):
        terms, weighed = [], 0.0
        for p, (u, v) in enumerate(pairs):
            for d in range(dimensions):
                if all(end == -1 or mask[n, end, d] for end in (u, v)):
                    predicted = sum(sign * bones[n, bone, d] for sign, bone in walk(skeleton, u, v))
                    target = (gt[n, v, d] if v >= 0 else 0.0) - (gt[n, u, d] if u >= 0 else 0.0)
                    weight = weights[p] if weights else 1.0
                    terms.append(weight * abs(predicted - target) / std[p, d])
                    weighed += weight
        total += sum(terms) / weighed if terms else 0.0
    return total / batch


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 3), st.sampled_from(["joint", "bone", "both", "all"]))
def test_loss_equals_the_literal_loop(seed, joints, dimensions, pairs):
    skeleton = random_tree(seed, joints)
    bones, gt, _ = example(skeleton, 3, dimensions, seed)
    mask = torch.rand(gt.shape, generator=torch.Generator().manual_seed(seed)) > 0.3  # per coordinate: Eq. 9
    gt[~mask] = float("nan")
    pairs = get_pairs(pairs, skeleton)
    std = 0.5 + torch.rand(len(pairs), dimensions, generator=torch.Generator().manual_seed(seed))
    for share in (None, 0.25, 0.5):
        weights = torch.tensor(pair_weights(pairs, share)).tolist()  # as float32 holds them
        loss = CompositionalLoss(skeleton, pairs, std, weights=weights)
        expected = literal_loss(skeleton, pairs, std.double(), bones, gt, mask, weights)
        assert float(loss(bones, gt, mask)) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("share", [0.12, 0.3, 0.5, 0.7])
def test_the_pairs_with_the_origin_have_their_share_of_the_loss(share):
    """All joints are moved alike: the pairs among them stay, each pair's error with the origin is 1."""
    weights = pair_weights(all_pairs(MPII), share)
    loss = CompositionalLoss(MPII, all_pairs(MPII), torch.ones(136, 2), weights=weights)
    moved = torch.zeros(1, 16, 2)
    whole = loss(joints_to_bones(moved + 1, MPII), moved, torch.ones(1, 16, dtype=torch.bool))
    assert whole.item() == pytest.approx(share, rel=1e-5) and sum(weights) == pytest.approx(136)


def test_without_a_share_all_pairs_weigh_alike():
    assert set(pair_weights(all_pairs(MPII))) == set(pair_weights(joint_pairs(MPII), 0.5)) == {1.0}


@pytest.mark.parametrize("reduction", ["mean", "constant", "sum"])
@pytest.mark.parametrize("method", METHODS)
def test_gradients_by_finite_differences(method, reduction):
    method = METHODS[method]
    pairs = get_pairs(method.pairs, MPII)
    bones, gt, mask = example(batch=2)
    gt[~mask] = float("nan")
    loss = CompositionalLoss(MPII, pairs, torch.ones(len(pairs), 2), method.representation, reduction)
    assert torch.autograd.gradcheck(lambda b: loss(b, gt, mask), bones.requires_grad_())


def test_p_bone_is_the_bone_loss_and_p_joint_the_joint_loss():
    bones, gt, _ = example()
    everything = torch.ones(4, 16, dtype=torch.bool)
    bone_loss = (bones - joints_to_bones(gt, MPII)).abs().mean()
    joint_loss = (bones_to_joints(bones, MPII) - gt).abs().mean()
    one = torch.ones(16, 2)
    torch.testing.assert_close(CompositionalLoss(MPII, bone_pairs(MPII), one)(bones, gt, everything), bone_loss)
    torch.testing.assert_close(CompositionalLoss(MPII, joint_pairs(MPII), one)(bones, gt, everything), joint_loss)
    of_joints = CompositionalLoss(MPII, joint_pairs(MPII), one, "joints")
    torch.testing.assert_close(of_joints(bones_to_joints(bones, MPII), gt, everything), joint_loss)


TERMS = 2 * 136  # of a person with all joints; halved over the two people of a batch


@pytest.mark.parametrize(("reduction", "weight", "ratio"), [
    ("mean", 0.5 / TERMS, 16 * 17 / (5 * 6)), ("constant", 0.5 / TERMS, 1), ("sum", 0.5, 1),
])  # fmt: skip
def test_a_term_weighs_what_the_reduction_says(reduction, weight, ratio):
    """Of a person with 5 joints as of one with 16, but under the mean over a sample's own terms."""
    mask = torch.ones(2, 16, dtype=torch.bool)
    mask[1, 5:] = False
    estimate = torch.zeros(2, 16, 2, dtype=torch.float64, requires_grad=True)
    gt = -torch.ones(2, 16, 2, dtype=torch.float64) * torch.arange(1, 17).view(-1, 1)
    CompositionalLoss(MPII, all_pairs(MPII), torch.ones(136, 2), "joints", reduction)(estimate, gt, mask).backward()
    # By joint: the sign of its own error, and of what it is further off than each other one that counts.
    error = gt[0, :, 0]
    signs = torch.stack([1 + (error[:n] - error[:5, None]).sign().sum(dim=1) for n in (16, 5)])
    each = estimate.grad[:, :5, 0] / signs
    torch.testing.assert_close(each, weight * torch.tensor([[1.0], [ratio]], dtype=torch.float64).expand(2, 5))


def test_pairs_without_the_origin_leave_the_root_unsupervised():
    bones, gt, _ = example()
    everything = torch.ones(4, 16, dtype=torch.bool)
    pairs = all_pairs(MPII)
    inner = [pair for pair in pairs if -1 not in pair]
    assert len(inner) == 120

    def root_gradient(pairs):
        free = bones.clone().requires_grad_()
        CompositionalLoss(MPII, pairs, torch.ones(len(pairs), 2))(free, gt, everything).backward()
        return free.grad[:, MPII.root]

    assert torch.equal(root_gradient(inner), torch.zeros(4, 2, dtype=torch.float64))
    bones[:, MPII.root] += 100  # every joint's error has one sign, so that the 16 pairs with the origin all pull alike
    pull = torch.full((4, 2), 16 / (2 * len(pairs) * 4), dtype=torch.float64)
    torch.testing.assert_close(root_gradient(pairs), pull, rtol=1e-6, atol=0)


def test_a_sample_without_annotation_adds_nothing_and_no_nan():
    bones, gt, mask = example()
    gt[1], mask[1] = float("nan"), False
    bones.requires_grad_()
    loss = CompositionalLoss(MPII, all_pairs(MPII), torch.ones(136, 2))
    value = loss(bones, gt, mask)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(bones.grad).all()
    assert (bones.grad[1] == 0).all() and (bones.grad[0] != 0).any()
    rest = loss(bones[[0, 2, 3]], gt[[0, 2, 3]], mask[[0, 2, 3]])
    torch.testing.assert_close(value * 4, rest * 3)


def test_a_pair_counts_across_bones_without_annotation():
    _, gt, _ = example(batch=1)
    mask = torch.zeros(1, 16, dtype=torch.bool)
    wrists = [MPII.index("r_wrist"), MPII.index("l_wrist")]
    mask[0, wrists] = True
    bones = torch.zeros_like(gt).requires_grad_()
    CompositionalLoss(MPII, all_pairs(MPII), torch.ones(136, 2))(bones, gt, mask).backward()
    moved = {MPII.names[k] for k in bones.grad[0].abs().sum(-1).nonzero().flatten().tolist()}
    arms = {f"{side}_{part}" for side in "rl" for part in ("wrist", "elbow", "shoulder")}
    assert arms <= moved <= arms | {"thorax", "pelvis"}


def test_mean_and_std_count_annotated_values_only():
    values = torch.randn(50, 3, 2, dtype=torch.float64)
    mask = torch.rand(50, 3) > 0.4
    mask[:, 2] = False
    values[~mask] = float("nan")
    mean, std = masked_mean_std(values, mask)
    for m in range(2):
        kept = values[mask[:, m], m]
        torch.testing.assert_close(mean[m], kept.mean(0))
        torch.testing.assert_close(std[m], kept.std(0, correction=0))
    torch.testing.assert_close(std[2], std[:2].mean(0))  # nothing measured: its siblings' scale
    assert (mean[2] == 0).all()
    there = values[mask[:, 0], :1]
    torch.testing.assert_close(denormalize(normalize(there, mean[:1], std[:1]), mean[:1], std[:1]), there)


def test_a_coordinate_without_spread_borrows_within_its_axis():
    """The root's z is 0 for everybody: it gets the other joints' scale in mm, and no pixel's."""
    values = torch.randn(40, 4, 3, dtype=torch.float64) * torch.tensor([2.0, 3.0, 400.0])
    values[:, 0, 2], values[:, 1, 1] = 0.0, 7.0
    mean, std = masked_mean_std(values, torch.ones(40, 4, 3, dtype=torch.bool))
    expected = values.std(0, correction=0)
    torch.testing.assert_close(std[0, 2], expected[1:, 2].mean())
    torch.testing.assert_close(std[1, 1], expected[[0, 2, 3], 1].mean())
    assert mean[0, 2] == 0 and mean[1, 1] == 7
    std[0, 2], std[1, 1] = expected[0, 2], expected[1, 1]
    torch.testing.assert_close(std, expected)
    assert (masked_mean_std(torch.zeros(5, 2, 3), torch.ones(5, 2, dtype=torch.bool))[1] == 1).all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("method", METHODS)
def test_a_mixed_batch_is_its_halves(method, reduction):
    """Eq. 9: xy is supervised for all, z for those who have it."""
    chosen = METHODS[method]
    pairs = get_pairs(chosen.pairs, MPII)
    rng = torch.Generator().manual_seed(3)
    std = 0.5 + torch.rand(len(pairs), 3, generator=rng)
    loss = CompositionalLoss(MPII, pairs, std, chosen.representation, reduction).double()
    estimate, gt = torch.randn(2, 6, 16, 3, generator=rng, dtype=torch.float64)
    estimate.requires_grad_()
    gt[3:, :, 2] = torch.nan
    mask = torch.isfinite(gt)
    whole = loss(estimate, gt, mask)
    whole.backward()
    assert (estimate.grad[3:, :, 2] == 0).all() and (estimate.grad[:3, :, 2] != 0).any(1).all()
    assert (estimate.grad[:, :, :2] != 0).any(1).all()
    deep, flat = loss(estimate[:3], gt[:3], mask[:3]), loss(estimate[3:], gt[3:], mask[3:])
    torch.testing.assert_close(2 * whole, deep + flat)
    # A 2D sample's loss is what a loss in two dimensions makes of it.
    plane = CompositionalLoss(MPII, pairs, std[:, :2], chosen.representation, reduction).double()
    torch.testing.assert_close(flat, plane(estimate[3:, :, :2], gt[3:, :, :2], mask[3:, :, :2]))


def test_an_untrained_head_predicts_the_mean_residual():
    corrections = RegressionHead(64, 16, 3)(torch.randn(5, 64))
    assert corrections.shape == (5, 16, 3) and corrections.abs().max() < 0.1


@pytest.mark.parametrize(("call", "message"), [
    (lambda pairs: pair_weights(pairs, 1), "origin share 1: must be above 0 and below 1"),
    (lambda pairs: get_pairs("some", MPII), "unknown pair set 'some'"),
    (lambda pairs: composition_matrix(MPII, pairs, "angles"), "unknown representation 'angles'; choose joints or"),
    (lambda pairs: CompositionalLoss(MPII, pairs, torch.ones(15, 2)), r"expected \(16, D\)"),
    (lambda pairs: CompositionalLoss(MPII, pairs, ONES, reduction="median"), "unknown reduction"),
    (lambda pairs: CompositionalLoss(MPII, pairs, ONES, loss="l2"), "unknown loss 'l2'; choose l1, soft_l1 or"),
    (lambda pairs: CompositionalLoss(MPII, pairs, ONES, weights=[1.0]), r"weights of shape \(1,\), expected \(16,"),
])  # fmt: skip
def test_bad_arguments_are_clear_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(joint_pairs(MPII))
