"""Pelvis and thorax by rule: what is filled, and that the rule is MPII's own."""

import numpy as np

from heads.skeleton import MPII
from mpii_tools.annotations.joints import derive_joints, find_exchanged
from mpii_tools.people import People

PELVIS, THORAX = MPII.index("pelvis"), MPII.index("thorax")


def people_without_torso(joints: np.ndarray):
    joints = joints.copy()
    joints[:, [PELVIS, THORAX]] = np.nan
    return People([f"{row}.jpg" for row in range(len(joints))], joints)


def test_only_missing_joints_with_both_neighbors_are_filled():
    joints = np.random.default_rng(0).normal(size=(4, 16, 2))
    people = people_without_torso(joints)
    people.joints[1, PELVIS] = [7, 7]
    people.joints[2, MPII.index("l_hip")] = np.nan
    people.joints[3, [MPII.index("r_shoulder"), MPII.index("l_hip")]] = np.nan
    filled = derive_joints(people)
    assert filled.derived[:, [PELVIS, THORAX]].tolist() == [[True, True], [False, True], [False, True], [False, False]]
    assert filled.derived.sum() == 4
    for joint, name in ((PELVIS, "hip"), (THORAX, "shoulder")):
        ends = joints[0, [MPII.index(f"r_{name}"), MPII.index(f"l_{name}")]]
        np.testing.assert_allclose(filled.joints[0, joint], ends.mean(axis=0))
    np.testing.assert_array_equal(filled.joints[1, PELVIS], [7, 7])
    np.testing.assert_array_equal(filled.annotated, people.annotated)
    assert not people.supervised[0, PELVIS]  # the input is left as it was


def test_least_squares_on_real_poses_gives_the_midpoints(shared):
    """Free weights on hips, shoulders, neck and knees (left = right, sum 1) come out as 1 on the midpoint itself."""
    rows = (shared / "mpii" / "train_poses.csv").read_text().split()
    joints = np.array([row.split(",")[1:] for row in rows], dtype=float).reshape(-1, 16, 2)

    def middle(*names):
        return joints[:, [MPII.index(name) for name in names]].mean(axis=1)

    hips, shoulders = middle("r_hip", "l_hip"), middle("r_shoulder", "l_shoulder")
    others = [middle("upper_neck"), middle("r_knee", "l_knee")]
    head = 0.75 * np.linalg.norm(middle("head_top") - middle("upper_neck"), axis=1)
    for joint, own, rest in ((PELVIS, hips, [shoulders, *others]), (THORAX, shoulders, [hips, *others])):
        target, weight = joints[:, joint], 1 / np.maximum(head, 5)[:, None]
        columns = np.stack([((other - own) * weight).ravel() for other in rest], axis=1)
        fitted = np.linalg.lstsq(columns, ((target - own) * weight).ravel())[0]
        assert np.abs(fitted).max() < 0.005
        filled = derive_joints(people_without_torso(joints)).joints[:, joint]
        residual = np.linalg.norm(filled - target, axis=1)
        assert np.median(residual) == 0.5
        assert (residual < 0.71).mean() > 0.99
        assert (residual / head)[head > 0].mean() < 0.009


def test_labels_exchanged_in_half_of_the_people_are_noted():
    """Standing people who turn about: no pair of theirs lies against the others, until labels are exchanged."""
    rng = np.random.default_rng(0)
    pose = np.zeros((16, 2))
    for number, (right, left) in enumerate(MPII.flip_pairs):
        pose[[right, left]] = [[-10, 30 * number], [10, 30 * number]]
    turn = rng.choice([-1, 1], (60, 1, 1)) * rng.uniform(0.5, 1, (60, 1, 1))
    joints = pose * np.concatenate([turn, np.ones_like(turn)], axis=2) + rng.normal(0, 2, (60, 16, 2))
    names = [f"{row}.jpg" for row in range(60)]
    assert find_exchanged(People(names, joints)) == {}
    right, left = MPII.flip_pairs[1]
    joints[::2, [right, left]] = joints[::2, [left, right]]
    ((what, who),) = find_exchanged(People(names, joints)).items()
    assert "r_knee and l_knee lie mirrored" in what and who == [f"{row}.jpg#1" for row in range(0, 60, 2)]
    assert find_exchanged(People(names[:12], joints[:12])) == {}  # too few to tell
