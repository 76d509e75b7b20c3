import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import random_tree, walk

from heads.bones import ancestor_matrix, bones_to_joints, joints_to_bones
from heads.composition import composition_matrix, relative_positions
from heads.pairs import ORIGIN, all_pairs, bone_pairs, both_pairs, get_pairs, joint_pairs
from heads.skeleton import MPII

trees = st.builds(random_tree, st.integers(0, 10**6), st.integers(1, 14))


@settings(max_examples=60, deadline=None)
@given(trees, st.integers(1, 3), st.integers(0, 10**6))
def test_bones_and_joints_are_inverse_maps(skeleton, dimensions, seed):
    joints = torch.randn(5, len(skeleton), dimensions, generator=torch.Generator().manual_seed(seed)).double()
    bones = joints_to_bones(joints, skeleton)
    for k, parent in enumerate(skeleton.parents):
        start = joints[:, parent] if parent >= 0 else 0
        assert torch.equal(bones[:, k], start - joints[:, k])
    torch.testing.assert_close(bones_to_joints(bones, skeleton), joints)


@settings(max_examples=60, deadline=None)
@given(trees, st.integers(1, 3), st.integers(0, 10**6))
def test_composition_equals_a_literal_walk_along_the_path(skeleton, dimensions, seed):
    joints = torch.randn(2, len(skeleton), dimensions, generator=torch.Generator().manual_seed(seed)).double()
    bones = joints_to_bones(joints, skeleton)
    pairs = all_pairs(skeleton)
    composed = composition_matrix(skeleton, pairs).double() @ bones
    start = torch.zeros(2, dimensions, dtype=torch.float64)
    paths = [walk(skeleton, u, v) for u, v in pairs]
    walked = torch.stack([sum((sign * bones[:, bone] for sign, bone in path), start) for path in paths], dim=1)
    torch.testing.assert_close(composed, walked)
    # One sign for prediction and ground truth: the walk over the latter's bones is J_v - J_u.
    torch.testing.assert_close(relative_positions(joints, pairs), walked)


def test_pair_sets_have_the_sizes_of_the_design():
    sets = {name: get_pairs(name, MPII) for name in ("joint", "bone", "both", "all")}
    assert {name: len(pairs) for name, pairs in sets.items()} == {"joint": 16, "bone": 16, "both": 31, "all": 136}
    assert (MPII.root, ORIGIN) in sets["joint"] and (MPII.root, ORIGIN) in sets["bone"]
    unordered = {frozenset(pair) for pair in sets["all"]}
    assert len(unordered) == 136 and {frozenset(p) for p in sets["both"]} <= unordered
    assert set(sets["both"]) == set(sets["joint"]) | set(sets["bone"])
    assert both_pairs(MPII)[:16] == joint_pairs(MPII)


def test_bone_pairs_are_the_bones_and_joint_pairs_the_positions():
    joints = torch.randn(3, 16, 2)
    torch.testing.assert_close(relative_positions(joints, bone_pairs(MPII)), joints_to_bones(joints, MPII))
    torch.testing.assert_close(relative_positions(joints, joint_pairs(MPII)), -joints)
    assert torch.equal(composition_matrix(MPII, bone_pairs(MPII)), torch.eye(16))
    assert torch.equal(composition_matrix(MPII, joint_pairs(MPII)), ancestor_matrix(MPII))
