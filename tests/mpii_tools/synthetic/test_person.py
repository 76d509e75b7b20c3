"""Drawn people: joints lie on their parts, and what is nearer hides what is farther."""

from dataclasses import replace

import numpy as np
import pytest

from heads.skeleton import MPII
from mpii_tools.synthetic.clothes import draw_look
from mpii_tools.synthetic.painting import Canvas, Cloth
from mpii_tools.synthetic.person import PARTS, draw_person, joints_in_view
from mpii_tools.synthetic.pose_prior import Posture, read_posture, sample_poses

HEIGHT = WIDTH = 320
RED, BLUE, GREEN = np.eye(3)[[0, 2, 1]]


def blank():
    color = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    return Canvas(color, np.zeros((HEIGHT, WIDTH), np.int16), np.array([0.0, 0.0, 1.0]), 0.5)


def plain_look(**changes):
    look = draw_look(np.random.default_rng(0))
    plain = dict(skin=Cloth(RED, RED), hair=Cloth(BLUE, BLUE), top=Cloth(GREEN, GREEN), sleeve=2.0, trouser=2.0)
    return replace(look, **{**plain, **changes})


def upright():
    """Joints (16, 2) of a frontal standing person in the picture's middle, at 1 pixel a unit."""
    half = {"hip": 12, "knee": 13, "ankle": 13, "shoulder": 20, "elbow": 30, "wrist": 34}
    height = {"hip": 0, "knee": 50, "ankle": 98, "shoulder": -60, "elbow": -27, "wrist": 2}
    middle = {"pelvis": 0, "thorax": -60, "upper_neck": -70, "head_top": -103.3}
    at = []
    for name in MPII.names:
        joint = name[2:]
        side = {"r_": -1, "l_": 1}.get(name[:2], 0)
        at.append((side * half[joint], height[joint]) if side else (0, middle[name]))
    return np.array(at, dtype=float) + np.array([WIDTH / 2, 160])


def drawn(joints, facing, depth=None, look=None, canvas=None, first=1):
    canvas = canvas or blank()
    posture = Posture(np.zeros(16) if depth is None else depth, np.array(facing, float), 1.0)
    draw_person(canvas, joints, 1.0, posture, look or plain_look(), first)
    return canvas


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 40))])
def test_every_joint_lies_on_the_person(seed):
    rng = np.random.default_rng(seed)
    pose = sample_poses(rng, 1)[0]
    scale = 280 / max(np.ptp(pose, axis=0).max(), 150)
    joints = pose * scale
    joints += WIDTH / 2 - (joints.min(axis=0) + joints.max(axis=0)) / 2
    canvas = blank()
    draw_person(canvas, joints, scale, read_posture(pose, rng), draw_look(rng))
    pixels = np.rint(joints).astype(int)
    covered = canvas.owner[pixels[:, 1], pixels[:, 0]] > 0
    assert covered.all(), [MPII.names[k] for k in np.flatnonzero(~covered)]
    assert np.isfinite(canvas.color).all()
    # Nothing but the person was painted.
    assert (np.abs(canvas.color - 0.5).max(axis=-1)[canvas.owner == 0] < 0.5).all()


def test_all_joints_of_a_standing_person_are_in_view():
    joints = upright()
    canvas = drawn(joints, (0, 1))
    assert joints_in_view(canvas.owner, joints).all()


def test_each_limb_is_painted_at_its_own_joints():
    joints = upright()
    owner = drawn(joints, (0, 1)).owner
    for side in "rl":
        for part, ends in {"shin": ("knee", "ankle"), "forearm": ("elbow", "wrist")}.items():
            middle = sum(joints[MPII.index(f"{side}_{end}")] for end in ends) / 2
            x, y = np.rint(middle).astype(int)
            assert owner[y, x] == 1 + PARTS.index(f"{side}_{part}")


def test_face_in_front_and_hair_behind():
    joints = upright()
    neck, top = joints[MPII.index("upper_neck")], joints[MPII.index("head_top")]
    x, y = np.rint(neck + 0.4 * (top - neck)).astype(int)  # below the eyes
    front, back = (drawn(joints, (0, towards)).color[y, x] for towards in (1, -1))
    assert front[0] > 2 * front[2], "skin on the front of the head"
    assert back[2] > 2 * back[0], "hair on the back of the head"


@pytest.mark.parametrize("aside", [-1, 1])
def test_in_profile_the_face_looks_aside(aside):
    joints = upright()
    canvas = drawn(joints, (aside, 0))
    neck, top = joints[MPII.index("upper_neck")], joints[MPII.index("head_top")]
    x, y = neck + 0.45 * (top - neck)
    ahead, behind = (canvas.color[round(y), round(x + s * aside * 7)] for s in (1, -1))
    assert ahead[0] > 2 * ahead[2] and behind[2] > 2 * behind[0]


def test_the_far_arm_is_hidden_by_the_trunk():
    joints = upright()
    elbows = [MPII.index("r_elbow"), MPII.index("l_elbow")]
    joints[elbows, 0] = WIDTH / 2  # both before or behind the trunk
    for near, far in (elbows, elbows[::-1]):
        depth = np.zeros(16)
        for side, z in ((near, 25.0), (far, -25.0)):
            letter = MPII.names[side][0]
            depth[[MPII.index(f"{letter}_{j}") for j in ("shoulder", "elbow", "wrist")]] = z
        owner = drawn(joints, (0, 1), depth).owner
        seen = joints_in_view(owner, joints)
        assert seen[near] and not seen[far]


def test_who_is_painted_later_hides_the_other():
    joints = upright()
    canvas = drawn(joints, (0, 1))
    drawn(joints, (0, 1), canvas=canvas, first=1 + len(PARTS))
    assert not joints_in_view(canvas.owner, joints, 1).any()
    assert joints_in_view(canvas.owner, joints, 1 + len(PARTS)).all()


def test_a_person_outside_changes_nothing():
    canvas = drawn(upright() + 5000.0, (0, 1))
    assert (canvas.owner == 0).all() and (canvas.color == 0.5).all()
    assert not joints_in_view(canvas.owner, upright() + 5000.0).any()


def test_sleeves_and_trousers_end_where_they_say():
    joints = upright()
    wrist, elbow = joints[MPII.index("r_wrist")], joints[MPII.index("r_elbow")]
    x, y = np.rint(0.5 * (wrist + elbow)).astype(int)
    covered = drawn(joints, (0, 1)).color[y, x]
    bare = drawn(joints, (0, 1), look=plain_look(sleeve=0.5)).color[y, x]
    assert covered[1] > 2 * covered[0] and bare[0] > 2 * bare[1]
