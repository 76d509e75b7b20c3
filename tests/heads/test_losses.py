import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import random_tree, walk

from checkpoints.errors import PoseError
from heads.bones import bones_to_joints, joints_to_bones
from heads.losses import CompositionalLoss
from heads.methods import METHODS, method_called
from heads.normalization import denormalize, masked_mean_std, normalize
from heads.pairs import all_pairs, bone_pairs, joint_pairs, pair_set
from heads.regression import RegressionHead
from heads.skeleton import MPII


def example(skeleton=MPII, batch=4, dimensions=2, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shape = (batch, len(skeleton), dimensions)
    truth = torch.randn(shape, generator=draw, dtype=torch.float64)
    bones = torch.randn(shape, generator=draw, dtype=torch.float64)
    mask = torch.rand(shape[:2], generator=draw) > 0.3
    return bones, truth, mask


def literal_loss(skeleton, pairs, std, bones, truth, mask):
    """Eq. 8 and Eq. 9 pair by pair, walking the tree."""
    batch, _, dimensions = bones.shape
    total = 0.0
    for n in range(batch):
        terms = []
        for p, (u, v) in enumerate(pairs):
            for d in range(dimensions):
                if all(end == -1 or mask[n, end, d] for end in (u, v)):
                    predicted = sum(sign * bones[n, bone, d] for sign, bone in walk(skeleton, u, v))
                    true = (truth[n, v, d] if v >= 0 else 0.0) - (truth[n, u, d] if u >= 0 else 0.0)
                    terms.append(abs(predicted - true) / std[p, d])
        total += sum(terms) / len(terms) if terms else 0.0
    return total / batch


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 3), st.sampled_from(["joint", "bone", "both", "all"]))
def test_loss_equals_the_literal_loop_for_any_tree_dimension_and_mask(seed, joints, dimensions, pairs):
    skeleton = random_tree(seed, joints)
    bones, truth, _ = example(skeleton, 3, dimensions, seed)
    mask = torch.rand(truth.shape, generator=torch.Generator().manual_seed(seed)) > 0.3  # per coordinate: Eq. 9
    truth[~mask] = float("nan")
    pairs = pair_set(pairs, skeleton)
    std = 0.5 + torch.rand(len(pairs), dimensions, generator=torch.Generator().manual_seed(seed))
    loss = CompositionalLoss(skeleton, pairs, std)
    expected = literal_loss(skeleton, pairs, std.double(), bones, truth, mask)
    assert float(loss(bones, truth, mask)) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("method", METHODS)
def test_gradients_by_finite_differences(method, reduction):
    method = method_called(method)
    pairs = pair_set(method.pairs, MPII)
    bones, truth, mask = example(batch=2)
    truth[~mask] = float("nan")
    loss = CompositionalLoss(MPII, pairs, torch.ones(len(pairs), 2), method.representation, reduction)
    assert torch.autograd.gradcheck(lambda b: loss(b, truth, mask), bones.requires_grad_())


def test_p_bone_is_the_bone_loss_and_p_joint_the_joint_positions():
    bones, truth, _ = example()
    everything = torch.ones(4, 16, dtype=torch.bool)
    bone_loss = (bones - joints_to_bones(truth, MPII)).abs().mean()
    joint_loss = (bones_to_joints(bones, MPII) - truth).abs().mean()
    one = torch.ones(16, 2)
    torch.testing.assert_close(CompositionalLoss(MPII, bone_pairs(MPII), one)(bones, truth, everything), bone_loss)
    torch.testing.assert_close(CompositionalLoss(MPII, joint_pairs(MPII), one)(bones, truth, everything), joint_loss)
    of_joints = CompositionalLoss(MPII, joint_pairs(MPII), one, "joints")
    torch.testing.assert_close(of_joints(bones_to_joints(bones, MPII), truth, everything), joint_loss)


def test_sum_is_equation_8_and_mean_divides_each_sample_by_its_terms():
    bones, truth, _ = example(batch=1)
    everything = torch.ones(1, 16, dtype=torch.bool)
    std = torch.ones(136, 2)
    total = CompositionalLoss(MPII, all_pairs(MPII), std, reduction="sum")(bones, truth, everything)
    mean = CompositionalLoss(MPII, all_pairs(MPII), std)(bones, truth, everything)
    torch.testing.assert_close(total, mean * 272)


def test_all_pairs_without_the_origin_leave_the_root_unsupervised():
    bones, truth, _ = example()
    everything = torch.ones(4, 16, dtype=torch.bool)
    pairs = all_pairs(MPII)
    inner = [pair for pair in pairs if -1 not in pair]
    assert len(inner) == 120

    def root_gradient(pairs):
        free = bones.clone().requires_grad_()
        CompositionalLoss(MPII, pairs, torch.ones(len(pairs), 2))(free, truth, everything).backward()
        return free.grad[:, MPII.root]

    assert torch.equal(root_gradient(inner), torch.zeros(4, 2, dtype=torch.float64))
    assert (root_gradient(pairs) != 0).all()


def test_a_sample_without_annotation_adds_nothing_and_no_nan():
    bones, truth, mask = example()
    truth[1], mask[1] = float("nan"), False
    bones.requires_grad_()
    loss = CompositionalLoss(MPII, all_pairs(MPII), torch.ones(136, 2))
    value = loss(bones, truth, mask)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(bones.grad).all()
    assert (bones.grad[1] == 0).all() and (bones.grad[0] != 0).any()
    rest = loss(bones[[0, 2, 3]], truth[[0, 2, 3]], mask[[0, 2, 3]])
    torch.testing.assert_close(value * 4, rest * 3)


def test_a_pair_counts_though_the_bones_between_are_not_annotated():
    _, truth, _ = example(batch=1)
    mask = torch.zeros(1, 16, dtype=torch.bool)
    wrists = [MPII.index("r_wrist"), MPII.index("l_wrist")]
    mask[0, wrists] = True
    bones = torch.zeros_like(truth).requires_grad_()
    CompositionalLoss(MPII, all_pairs(MPII), torch.ones(136, 2))(bones, truth, mask).backward()
    moved = {MPII.names[k] for k in bones.grad[0].abs().sum(-1).nonzero().flatten().tolist()}
    arms = {f"{side}_{part}" for side in "rl" for part in ("wrist", "elbow", "shoulder")}
    assert arms <= moved <= arms | {"thorax", "pelvis"}


def test_the_mean_of_the_normalization_cancels_in_the_loss():
    bones, truth, _ = example()
    everything = torch.ones(4, 16, dtype=torch.bool)
    pairs = bone_pairs(MPII)
    mean, std = masked_mean_std(joints_to_bones(truth, MPII), everything)
    explicit = (normalize(bones, mean, std) - normalize(joints_to_bones(truth, MPII), mean, std)).abs().mean()
    torch.testing.assert_close(
        CompositionalLoss(MPII, pairs, std)(bones, truth, everything), explicit, rtol=1e-6, atol=0
    )


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
    torch.testing.assert_close(std[2], std[:2].mean().expand(2))  # nothing measured: its siblings' scale
    assert (mean[2] == 0).all()
    torch.testing.assert_close(
        denormalize(normalize(values[mask[:, 0], :1], mean[:1], std[:1]), mean[:1], std[:1]), values[mask[:, 0], :1]
    )


def test_bad_arguments_are_clear_errors():
    with pytest.raises(PoseError, match="unknown reduction"):
        CompositionalLoss(MPII, joint_pairs(MPII), torch.ones(16, 2), reduction="median")
    with pytest.raises(PoseError, match=r"expected \(16, D\)"):
        CompositionalLoss(MPII, joint_pairs(MPII), torch.ones(15, 2))
    with pytest.raises(PoseError, match="unknown method"):
        method_called("angles")


def test_an_untrained_head_predicts_the_mean_residual():
    corrections = RegressionHead(64, 16, 3)(torch.randn(5, 64))
    assert corrections.shape == (5, 16, 3) and corrections.abs().max() < 0.1
