"""Drawn people: joints lie on their parts, and what is nearer hides what is farther."""

from dataclasses import replace

import numpy as np
import pytest
from standing import LENS, STANDING, see_from_ahead, stand

from heads.skeleton import MPII
from mpii_tools.synthetic.painting import Canvas, Cloth, draw_look
from mpii_tools.synthetic.person import PARTS, Painter, joints_in_view
from mpii_tools.synthetic.pose_prior import VECTORS, Posture, guess_posture, measure_posture, sample_poses, unit_pixels
from mpii_tools.synthetic.studio import SIZE, studio_shots, wild_shots

WIDTH = 320
RED, BLUE, GREEN = np.eye(3)[[0, 2, 1]]
FRONT = (0, 1)
UPRIGHT = stand() + np.array([WIDTH / 2, 160])
SHOTS = [*studio_shots(3, 12, 4), *wild_shots(3, 16)]


def blank(side=WIDTH):
    color = np.full((side, side, 3), 0.5, np.float32)
    return Canvas(color, np.zeros((side, side), np.int16), np.array([0.0, 0.0, 1.0]), 0.5)


def plain_look():
    look = draw_look(np.random.default_rng(0))
    return replace(look, skin=Cloth(RED, RED), hair=Cloth(BLUE, BLUE), top=Cloth(GREEN, GREEN), sleeve=2.0, trouser=2.0)


def drawn(joints=UPRIGHT, facing=FRONT):
    canvas, posture = blank(), Posture(np.zeros(16), np.array(facing, float), 1.0)
    Painter(canvas, joints, 1.0, posture, plain_look()).paint()
    return canvas


def drawn_3d(points, joints, lens):
    canvas, look = blank(SIZE), draw_look(np.random.default_rng(0))
    Painter(canvas, joints, float(unit_pixels(points, lens)), measure_posture(points), look).paint()
    return canvas


def at(joints, *names, share=0.5):
    """Column and row of the pixel between two joints, or of one."""
    ends = joints[[MPII.index(name) for name in names]]
    return tuple(np.rint(ends[0] + share * (ends[-1] - ends[0])).astype(int))


def uncovered(canvas, joints):
    x, y = np.rint(joints).astype(int).T
    return [MPII.names[k] for k in np.flatnonzero(canvas.owner[y, x] <= 0)]


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 40))])
def test_every_joint_lies_on_the_person(seed):
    rng = np.random.default_rng(seed)
    pose = sample_poses(rng, 1)[0]
    scale = 280 / max(np.ptp(pose, axis=0).max(), 150)
    joints = pose * scale
    joints += WIDTH / 2 - (joints.min(axis=0) + joints.max(axis=0)) / 2
    canvas = blank()
    Painter(canvas, joints, scale, guess_posture(pose, rng), draw_look(rng)).paint()
    assert uncovered(canvas, joints) == []
    assert np.isfinite(canvas.color).all()
    # Nothing but the person was painted.
    assert (np.abs(canvas.color - 0.5).max(axis=-1)[canvas.owner == 0] < 0.5).all()


@pytest.mark.parametrize("shot", SHOTS[::2], ids=lambda shot: shot.sequence)
def test_every_joint_in_3d_lies_on_the_person(shot):
    joints = shot.camera.project(shot.points)
    assert uncovered(drawn_3d(shot.points, joints, shot.camera.intrinsics), joints) == []


def test_all_joints_of_a_standing_person_are_in_view():
    owner = drawn().owner
    assert joints_in_view(owner, UPRIGHT).all()
    for part, ends in {"shin": ("knee", "ankle"), "forearm": ("elbow", "wrist")}.items():
        for side in "rl":
            x, y = at(UPRIGHT, *(f"{side}_{end}" for end in ends))
            assert owner[y, x] == 1 + PARTS.index(f"{side}_{part}")


@pytest.mark.parametrize("facing", [FRONT, (-1, 0), (1, 0)])
def test_the_face_is_ahead_and_hair_behind(facing):
    x, y = at(UPRIGHT, "upper_neck", "head_top", share=0.42)  # below the eyes
    ahead = drawn(facing=facing).color[y, x + 7 * facing[0]]
    behind = drawn(facing=(facing[0], -facing[1])).color[y, x - 7 * facing[0]]
    assert ahead[0] > 2 * ahead[2] and behind[2] > 2 * behind[0]


@pytest.mark.parametrize("toward", [1, -1])
def test_an_arm_in_3d_hides_the_chest_or_is_hidden(toward):
    """The right forearm across the body, before or behind the trunk."""
    directions = STANDING.copy()
    slant = np.array([0.35, -0.6, 0.7 * toward])
    directions[VECTORS.index("r_arm")] = slant / np.linalg.norm(slant)
    directions[VECTORS.index("r_forearm")] = 1, 0, 0
    points = see_from_ahead(0.0, directions=directions)
    joints = points[:, :2] / points[:, 2:] * LENS[:2] + LENS[2:]
    x, y = at(joints, "r_elbow", "r_wrist")
    assert PARTS[drawn_3d(points, joints, LENS).owner[y, x] - 1] == ("r_forearm" if toward > 0 else "trunk")


def test_a_person_outside_changes_nothing():
    canvas = drawn(UPRIGHT + 5000.0)
    assert (canvas.owner == 0).all() and (canvas.color == 0.5).all()
    assert not joints_in_view(canvas.owner, UPRIGHT + 5000.0).any()
