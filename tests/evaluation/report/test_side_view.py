"""The side view: where joints appear, what hides what, and how large people are when no camera says."""

import numpy as np
import pytest
from drawn import STANDING, color_at

from checkpoints.errors import PoseError
from evaluation.report import side_view
from evaluation.report.side_view import BONE_LENGTHS, FORESHORTENED, GRAY, GT, draw_side_view
from evaluation.report.skeletons import CENTER, LEFT, RIGHT, draw_poses, drop_outside
from heads.skeleton import MPII, Skeleton
from mpii_tools.cameras import project

WHITE = (255, 255, 255)


def shifted(points, x, y, z):
    return points + np.array([x, y, z], dtype=float)


def as_joints(points, depth, focal=1145.0):
    pixels = project(points, np.array([focal, focal, 500, 500]), np.zeros(5))
    return np.concatenate([pixels, points[..., 2:] - depth[:, None, None]], axis=-1)


def test_joints_behind_the_root_are_right_of_it():
    seen = draw_side_view(STANDING, 300, 200, scale=0.15)
    middle = 99.5
    assert color_at(seen, middle + 0.15 * 400, 140) == LEFT
    assert color_at(seen, middle - 0.15 * 400, 140) == RIGHT
    assert color_at(seen, middle + 0.15 * 100, 120) == LEFT
    assert color_at(seen, middle, 50) == CENTER and color_at(seen, 20, 50) == WHITE
    twice = draw_side_view(STANDING, 300, 200, scale=0.075)
    assert color_at(twice, middle + 0.15 * 400, 140) == WHITE and color_at(twice, middle + 0.075 * 400, 140) == LEFT


def test_what_is_nearer_to_the_viewer_hides_the_rest():
    legs = np.full((16, 3), np.nan)
    legs[[0, 1, 4, 5]] = STANDING[[0, 1, 4, 5]]
    assert color_at(draw_side_view(legs, 300, 200, scale=0.1), 99.5, 250) == LEFT
    legs[:, 0] = 200 - legs[:, 0]  # seen from the back: the right leg is at the right now
    assert color_at(draw_side_view(legs, 300, 200, scale=0.1), 99.5, 250) == RIGHT


def test_the_ground_line_is_a_meter_long_under_the_lowest_joint():
    seen = draw_side_view(STANDING, 400, 400, scale=0.15)
    columns = np.flatnonzero((seen[288] == GRAY).all(axis=-1))  # the lowest joint's 280, a fiftieth of the height below
    assert [columns.min(), columns.max()] == pytest.approx([199.5 - 75, 199.5 + 75], abs=1)


def test_several_people_stand_in_the_order_of_the_image():
    other = shifted(STANDING, 300, 0, 0)
    seen = draw_side_view(np.stack([other, STANDING]), 300, 400, scale=np.array([0.2, 0.1]))
    assert color_at(seen, 99.5 + 0.1 * 400, 140) == LEFT and color_at(seen, 299.5 + 0.2 * 400, 140) == LEFT
    assert color_at(seen, 99.5 + 0.2 * 400, 140) == WHITE


def test_ground_truth_is_gray_and_beneath():
    gt = shifted(STANDING, 0, 0, 150)
    seen = draw_side_view(STANDING, 300, 200, gt=gt, scale=0.15)
    assert color_at(seen, 99.5 + 0.15 * 150, 50) == GT and color_at(seen, 99.5, 50) == CENTER
    gt[:, 2], plain = np.nan, draw_side_view(STANDING, 300, 200, scale=0.15)
    np.testing.assert_array_equal(draw_side_view(STANDING, 300, 200, gt=gt, scale=0.15), plain)
    lost = STANDING.copy()
    lost[MPII.index("l_wrist")] = np.nan
    assert color_at(draw_side_view(lost, 300, 200, scale=0.15), 99.5 + 0.15 * 380, 139) == WHITE


def test_the_scale_solves_its_equation():
    joints = STANDING + np.random.default_rng(0).normal(0, 30, (5, 16, 3))
    joints[0, MPII.index("head_top")] = np.nan
    for person, scale in zip(joints, side_view.pixels_per_mm(joints), strict=True):
        total = expected = 0.0
        for joint, parent in enumerate(MPII.parents):
            if parent >= 0 and np.isfinite(person[joint]).all():
                dx, dy, dz = person[joint] - person[parent]
                total += ((dx**2 + dy**2) / scale**2 + dz**2) ** 0.5
                expected += BONE_LENGTHS[MPII.names[joint].removeprefix("r_").removeprefix("l_")]
        assert total == pytest.approx(expected, rel=1e-6)


def test_the_scale_of_real_poses_is_the_cameras(shared):
    """98 of 100 poses of motion capture, turned about the vertical at random, 3 to 6 m away."""
    poses = np.load(shared / "threed" / "poses" / "cmu_quarter_second.npz")["joints"].astype(float)
    bones = {name: poses[:, joint] - poses[:, MPII.parents[joint]] for joint, name in enumerate(MPII.names)}
    lengths = {name: BONE_LENGTHS.get(name.removeprefix("r_").removeprefix("l_")) for name in bones if name != "pelvis"}
    summed = sum(np.linalg.norm(bones[name], axis=1) for name in lengths)
    assert np.mean(summed) == pytest.approx(sum(lengths.values()), rel=0.04)
    rng = np.random.default_rng(0)
    angle, depth = rng.uniform(0, 2 * np.pi, (len(poses), 1)), rng.uniform(3000, 6000, len(poses))
    x, y, z = np.moveaxis(poses - poses[:, MPII.root, None], -1, 0)
    turned = [x * np.cos(angle) - z * np.sin(angle), -y, -x * np.sin(angle) - z * np.cos(angle) + depth[:, None]]
    ratio = side_view.pixels_per_mm(as_joints(np.stack(turned, axis=-1), depth)) / (1145.0 / depth)
    assert (np.abs(ratio - 1) < 0.12).mean() > 0.98


def test_wild_depths_do_no_harm():
    wild = STANDING * (1, 1, 1000)
    flat = side_view.pixels_per_mm(STANDING * (1, 1, 0))
    np.testing.assert_allclose(side_view.pixels_per_mm(wild), FORESHORTENED * flat)
    assert draw_side_view(wild, 300, 200).shape == (300, 200, 3)
    nobody = np.full((16, 3), np.nan)
    assert side_view.pixels_per_mm(nobody) == [1] and draw_side_view(nobody, 300, 200).shape == (300, 200, 3)
    tree = Skeleton(("a", "b"), (-1, 0))
    assert np.isfinite(side_view.pixels_per_mm(np.array([[0.0, 0, 0], [10, 0, 0]]), tree)).all()


def test_the_image_is_drawn_the_same_beside_a_panel():
    image = np.full((300, 200, 3), 128, np.uint8)
    far = shifted(STANDING, 150, 0, 0)  # in part outside the image
    both = side_view.add_side_view(image, np.stack([STANDING, far]))
    plain = draw_poses(image, drop_outside(np.stack([STANDING, far])[..., :2], image))
    np.testing.assert_array_equal(both[:, :200], plain)
    nobody = side_view.add_side_view(image, np.zeros((0, 16, 3)))
    assert nobody.shape == both.shape == (300, 426, 3) and (nobody[:, :200] == 128).all()
    np.testing.assert_array_equal(both[:, 201:], draw_side_view(np.stack([STANDING, far]), 300, 225))


def test_a_close_up_and_its_side_view_share_their_rows():
    image = np.full((400, 500, 3), 128, np.uint8)
    moved = shifted(STANDING, 200, 60, 0)
    picture = side_view.draw_front_and_side(image, moved, scale=0.15, side=520)
    assert picture.shape == (520, 1041, 3)
    zoom = 520 / (260 * 1.4)
    shin = round((250 - (150 - 260 * 0.7)) * zoom)  # the row of y = 250, between knee and ankle
    front, side = picture[:, :520], picture[:, 521:]
    for part in (front, side):
        assert (part[shin] == LEFT).all(axis=-1).any()
    wrist = np.argwhere((side == LEFT).all(axis=-1))[:, 1].max()
    assert wrist == pytest.approx(259.5 + 400 * 0.15 * zoom, abs=12)  # and the dot's radius
    with_gt = side_view.draw_front_and_side(image, moved, gt=shifted(moved, 20, 0, 100), scale=0.15, side=520)
    assert (with_gt[:, :520] == WHITE).all(axis=-1).any() and (with_gt[:, 521:] == GT).all(axis=-1).any()


def test_poses_of_another_shape_are_refused():
    for bad in (STANDING[:, :2], STANDING[:14]):
        with pytest.raises(PoseError, match=r"expected \(people, 16, 3\)"):
            draw_side_view(bad, 300, 200)
