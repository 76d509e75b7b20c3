"""Postures: guessed from image poses, and measured from three dimensions."""

import numpy as np
import pytest
from standing import LENS, STANDING, see_from_ahead, stand

from heads.skeleton import MPII
from mpii_tools.people import HEAD_SIZE_PER_SCALE
from mpii_tools.synthetic.pose_prior import (
    MM_PER_UNIT,
    VECTORS,
    guess_posture,
    load_prior,
    measure_posture,
    sample_directions,
    unit_pixels,
)


def test_a_guessed_posture_tells_front_from_back():
    rng = np.random.default_rng(4)
    front, back = guess_posture(stand(20), rng), guess_posture(stand(-20), rng)
    assert front.facing[1] > 0.9 and back.facing[1] < -0.9
    assert front.depth[MPII.index("pelvis")] == 0


def test_a_guessed_posture_looks_where_the_knees_point():
    pose = stand(20)
    pose[:, 0] *= 0.02  # seen from the side
    knees = [MPII.index("r_knee"), MPII.index("l_knee")]
    for direction in (-1, 1):
        bent = pose.copy()
        bent[knees, 0] += direction * 25
        posture = guess_posture(bent, np.random.default_rng(5))
        assert posture.facing[0] * direction > 0.9
        # Looking right, the left shoulder is the far one.
        near = posture.depth[MPII.index("r_shoulder")] - posture.depth[MPII.index("l_shoulder")]
        assert near * direction > 0


@pytest.mark.parametrize(
    ("heading", "facing"), [(0, (0, 1)), (np.pi, (0, -1)), (np.pi / 2, (1, 0)), (-np.pi / 2, (-1, 0)),
                            (np.pi / 4, (np.sqrt(0.5), np.sqrt(0.5)))]
)  # fmt: skip
def test_measured_facing_is_where_the_chest_looks(heading, facing):
    """In the image, x grows towards the room's x as this camera sees it from ahead."""
    points = see_from_ahead(heading)
    np.testing.assert_allclose(measure_posture(points).facing, facing, atol=0.02)
    assert heading or points[MPII.index("r_wrist"), 0] < points[MPII.index("l_wrist"), 0], "a frontal view"


def test_measured_depth_is_in_units_of_scale_to_the_viewer():
    directions = STANDING.copy()
    directions[VECTORS.index("r_arm")] = 0, 0, 1  # ahead, towards the camera
    depth = measure_posture(see_from_ahead(0.0, directions=directions)).depth
    assert depth[MPII.root] == 0
    arm = load_prior("pose_prior_3d")["lengths"][VECTORS.index("r_arm")] / MM_PER_UNIT
    assert depth[MPII.index("r_elbow")] - depth[MPII.index("r_shoulder")] == pytest.approx(arm)


def test_measured_size_is_that_of_the_bones_in_any_pose():
    assert measure_posture(see_from_ahead(0.3, size=1.1)).size == pytest.approx(1.1)
    bent = sample_directions(np.random.default_rng(0), 1, "SittingDown")[0]
    assert measure_posture(see_from_ahead(0.3, size=0.9, directions=bent)).size == pytest.approx(0.9)


def test_the_common_person_is_as_tall_as_mpiis_scale_says():
    """200 units of scale: from the heels, 85 mm below the ankles, to the top of the head."""
    points = see_from_ahead(0.0)
    height = np.ptp(points[:, 1]) + 85.0
    assert height / MM_PER_UNIT == pytest.approx(200, rel=0.01)
    tall = height * LENS[0] / points[MPII.root, 2]
    assert HEAD_SIZE_PER_SCALE * unit_pixels(points, LENS) == pytest.approx(25.0 / 200.0 * tall, rel=0.01)
    near, far = unit_pixels(np.stack([points, 2 * points]), LENS)  # twice as large, twice as far
    assert near == pytest.approx(2 * far)
