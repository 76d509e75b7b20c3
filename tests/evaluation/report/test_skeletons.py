import cv2
import numpy as np
import pytest
from drawn import STANDING, color_at

from checkpoints.errors import PoseError
from evaluation.report import skeletons
from evaluation.report.skeletons import CENTER, GROUND_TRUTH, LEFT, RIGHT
from heads.skeleton import MPII

FLAT = STANDING[:, :2]


@pytest.fixture
def blank():
    return np.full((300, 200, 3), 128, np.uint8)


def test_limbs_are_on_the_joints_in_their_sides_color(blank):
    drawn = skeletons.draw_poses(blank, FLAT)
    assert color_at(drawn, 80, 250) == RIGHT and color_at(drawn, 120, 250) == LEFT  # between knees and ankles
    assert color_at(drawn, 100, 120) == CENTER and color_at(drawn, 10, 10) == (128, 128, 128)
    assert (blank == 128).all()


def test_a_missing_joint_leaves_out_its_limbs(blank):
    joints = FLAT.copy()
    joints[MPII.index("r_ankle")] = np.nan
    drawn = skeletons.draw_poses(blank, joints)
    assert color_at(drawn, 80, 250) == (128, 128, 128)
    assert color_at(drawn, 120, 250) == LEFT
    assert np.array_equal(skeletons.draw_poses(blank, np.full((16, 2), np.nan)), blank)


def test_wild_predictions_do_no_harm(blank):
    joints = FLAT.copy()
    joints[0], joints[5] = (1e12, -1e12), (-np.inf, 5)
    assert color_at(skeletons.draw_poses(blank, joints), 100, 120) == CENTER


def test_ground_truth_is_thin_white_and_beneath(blank):
    drawn = skeletons.draw_poses(blank, FLAT, gt=FLAT + np.array([30.0, 0.0]))
    assert color_at(drawn, 130, 150) == GROUND_TRUTH and color_at(drawn, 100, 120) == CENTER
    shin = drawn[250].tolist()
    assert 0 < shin.count(list(GROUND_TRUTH)) < shin.count(list(RIGHT)) + shin.count(list(LEFT))
    assert color_at(skeletons.draw_poses(blank, FLAT, gt=FLAT), 100, 120) == CENTER


def test_thickness_grows_with_the_person(blank):
    assert skeletons.thickness(FLAT) > 2 * skeletons.thickness(FLAT / 3) >= 3
    both = skeletons.draw_poses(blank, np.stack([FLAT, FLAT / 3]))
    assert color_at(both, 100, 120) == color_at(both, 33, 40) == CENTER


def test_a_close_up_takes_joints_along():
    image = np.zeros((400, 500, 3), np.uint8)
    joints = FLAT + np.array([200.0, 60.0])
    x, y = 280, 340  # the right ankle
    image[y - 3 : y + 4, x - 3 : x + 4] = (0, 255, 0)
    for side in (520, 130):
        piece, affine = skeletons.close_up(image, joints, side=side)
        moved = joints @ affine[:, :2].T + affine[:, 2]
        assert piece.shape == (side, side, 3)
        assert moved.min() > 0 and moved.max() < side
        rows, columns = np.nonzero(piece[..., 1] > 127)
        assert (columns.mean(), rows.mean()) == pytest.approx(moved[0], abs=1.0)


def test_a_close_up_stays_in_the_image_where_that_holds_it():
    image = np.full((100, 120, 3), 200, dtype=np.uint8)
    corner = np.array([[4.0, 5.0], [30.0, 40.0]])
    assert (skeletons.close_up(image, corner, 64, margin=0.5)[0] == 200).all()
    tall, affine = skeletons.close_up(image, np.array([[60.0, 0.0], [60.0, 99.0]]), 64, margin=0.5)
    assert (tall == 0).any() and (affine @ (60, 49.5, 1) == pytest.approx((32, 32)))  # too large: about its middle


def test_grid_places_every_image():
    images = [np.full((10 + index, 20, 3), 10 * index, np.uint8) for index in range(5)]
    sheet = skeletons.grid(images, columns=2, gap=3)
    assert sheet.shape == (3 * 14 + 2 * 3, 2 * 20 + 3, 3)
    for index in range(5):
        row, column = divmod(index, 2)
        assert (sheet[row * 17 + 7, column * 23 + 10] == 10 * index).all()
        assert (sheet == 10 * index).all(axis=-1).sum() >= images[index].size // 3
    assert skeletons.grid(images[:1], columns=4).shape == (10, 20, 3)


def test_jpeg_keeps_the_colors(blank):
    blank[:] = (200, 60, 20)
    back = cv2.imdecode(np.frombuffer(skeletons.to_jpeg(blank), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(back.astype(int) - blank).max() <= 3


def test_bad_input_is_named(blank):
    with pytest.raises(PoseError, match="uint8"):
        skeletons.draw_poses(blank / 255, FLAT)
    with pytest.raises(PoseError, match=r"expected \(people, 16, 2\)"):
        skeletons.draw_poses(blank, FLAT[:14])
    with pytest.raises(PoseError, match="no joint"):
        skeletons.close_up(blank, np.full((16, 2), np.nan))
