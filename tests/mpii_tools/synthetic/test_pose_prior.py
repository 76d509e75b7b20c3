"""The pose priors: their algebra, files, fits and samples against real poses; postures guessed and measured."""

import sys
from pathlib import Path

import numpy as np
import pytest
from standing import LENS, STANDING, see_from_ahead, stand

from evaluation.report.representation import average_kinds, pose_std
from heads.skeleton import MPII
from mpii_tools.annotations.human36m import protocols
from mpii_tools.people import HEAD_SIZE_PER_SCALE
from mpii_tools.synthetic import pose_prior
from mpii_tools.synthetic.pose_prior import VECTORS, joints_from_vectors, load_prior, vectors_from_joints

sys.path.insert(0, str(Path(__file__).parent))
from fit_pose_prior_3d import ACTIONS, read_human36m

# shared/mpii/README.md: std of joints and of bones in the 224 crop, validation people, left and right averaged.
CROP_STD = {
    "ankle": (42.8, 23.6), "knee": (30.9, 27.2), "hip": (22.9, 10.8), "thorax": (19.5, 23.2),
    "upper_neck": (21.4, 7.7), "head_top": (30.1, 16.0), "shoulder": (24.1, 14.9), "elbow": (29.2, 17.7),
    "wrist": (35.4, 21.7),
}  # fmt: skip
LEFT, UP, AHEAD = range(3)


@pytest.fixture(scope="module")
def sampled():
    return pose_prior.sample_poses(np.random.default_rng(0), 6000)


def turn(points, angle):
    """Points (N, ..., 3) turned about the vertical by angles, (N,) or one, in radians."""
    x, y, z = np.moveaxis(points, -1, 0)
    angle = np.reshape(angle, (-1, *[1] * (points.ndim - 2)))
    return np.stack([np.cos(angle) * x + np.sin(angle) * z, y, np.cos(angle) * z - np.sin(angle) * x], axis=-1)


@pytest.mark.parametrize("axes", [2, 3])
def test_vectors_and_joints_are_inverse(axes):
    vectors = np.random.default_rng(1).normal(size=(50, len(VECTORS), axes))
    joints = joints_from_vectors(vectors)
    np.testing.assert_allclose(vectors_from_joints(joints + 7.0), vectors, atol=1e-12)
    np.testing.assert_allclose(joints[:, MPII.index("l_hip")], -joints[:, MPII.index("r_hip")], atol=1e-12)


@pytest.mark.parametrize("axes", [2, 3])
def test_mirror_is_the_flipped_person(axes):
    vectors = np.random.default_rng(2).normal(size=(20, len(VECTORS), axes))
    flipped = joints_from_vectors(vectors)[:, list(MPII.flip_permutation)] * [-1, 1, 1][:axes]
    np.testing.assert_allclose(joints_from_vectors(pose_prior.mirror(vectors)), flipped, atol=1e-12)
    np.testing.assert_array_equal(pose_prior.mirror(pose_prior.mirror(vectors)), vectors)


def test_the_3d_prior_has_15_actions_and_no_poses():
    prior = load_prior("pose_prior_3d")
    assert (pose_prior.FOLDER / "pose_prior_3d.npz").stat().st_size < 300_000
    assert prior["actions"].tolist() == list(ACTIONS.values()) == list(protocols.ACTIONS)
    np.testing.assert_allclose(prior["weights"].sum(axis=1), 1)
    np.testing.assert_allclose(prior["overall"].sum(), 1)
    assert len(prior["means"]) < 100, "components, far fewer than the poses of the fit"
    np.testing.assert_array_equal(prior["lengths"], prior["lengths"][pose_prior.MIRRORED])


def test_samples_keep_mpiis_head_and_the_limits(sampled):
    prior = load_prior("pose_prior")
    lengths = np.linalg.norm(vectors_from_joints(sampled), axis=-1)
    np.testing.assert_allclose(lengths[:, VECTORS.index("head")], pose_prior.HEAD_LENGTH)
    assert (lengths >= prior["shortest"] - 1e-9).all() and (lengths <= prior["longest"] + 1e-9).all()


def test_samples_are_symmetric_and_seeded(sampled):
    mean = sampled.mean(axis=0)
    mirrored = mean[list(MPII.flip_permutation)] * [-1, 1]
    np.testing.assert_allclose(mean, mirrored, atol=5 * sampled.std() / np.sqrt(len(sampled)))
    np.testing.assert_array_equal(sampled, pose_prior.sample_poses(np.random.default_rng(0), 6000))
    directions = pose_prior.sample_directions(np.random.default_rng(2), 4000)
    np.testing.assert_allclose(directions.mean(axis=0), pose_prior.mirror(directions).mean(axis=0), atol=0.08)


def test_samples_spread_as_mpii_in_the_crop(sampled):
    crop = sampled * 224 / 250
    for name, (joint_std, bone_std) in CROP_STD.items():
        joints = [k for k, joint in enumerate(MPII.names) if joint.endswith(name)]
        here = np.mean([np.hypot(*crop[:, k].std(axis=0)) for k in joints])
        bone = np.mean([np.hypot(*(crop[:, k] - crop[:, MPII.parents[k]]).std(axis=0)) for k in joints])
        assert here == pytest.approx(joint_std, rel=0.12), name
        assert bone == pytest.approx(bone_std, rel=0.25), name


def test_3d_samples_spread_as_real_poses_do(shared):
    """Figure 1, middle, of the drawn and the real poses of the 15 actions, one body, headings at random."""
    real, actions = read_human36m(shared / "threed" / "poses")
    lengths, rng = load_prior("pose_prior_3d")["lengths"], np.random.default_rng(6)
    names, counts = np.unique(actions, return_counts=True)
    drawn = [pose_prior.sample_directions(rng, count, ACTIONS[name]) for name, count in zip(names, counts, strict=True)]
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, len(real))
    ours, theirs = (
        average_kinds(pose_std(turn(joints_from_vectors(directions * lengths[:, None]), angle)))
        for directions in (np.concatenate(drawn), pose_prior.unit(vectors_from_joints(real)))
    )
    for kind, values in theirs.items():
        assert ours[kind] == pytest.approx(values, rel=0.12, abs=1e-9), kind


def test_directions_are_of_upright_bodies_that_look_ahead():
    directions = pose_prior.sample_directions(np.random.default_rng(1), 500)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1)
    assert (directions[:, VECTORS.index("shoulders"), LEFT] > 0).mean() > 0.99
    assert (directions[:, VECTORS.index("spine"), UP] > 0).mean() > 0.97
    assert directions[:, VECTORS.index("r_thigh"), AHEAD].mean() > 0.1, "thighs bend forward"
    assert directions[:, VECTORS.index("r_shin"), AHEAD].mean() < 0, "knees bend backward"


def test_upright_people_stand_with_the_chest_ahead(sampled):
    poses = pose_prior.sample_poses(np.random.default_rng(1), 500, upright=True)
    at = {name: poses[:, k] for k, name in enumerate(MPII.names)}
    for side in "rl":
        for upper, lower in (("hip", "knee"), ("knee", "ankle")):
            bone = at[f"{side}_{lower}"] - at[f"{side}_{upper}"]
            assert (np.abs(np.degrees(np.arctan2(bone[:, 0], bone[:, 1]))) < 45).all() and (bone[:, 1] > 20).all()
    trunk = at["pelvis"] - at["upper_neck"]
    assert (np.abs(np.degrees(np.arctan2(trunk[:, 0], trunk[:, 1]))) < 25.5).all()
    assert (at["l_shoulder"][:, 0] > at["r_shoulder"][:, 0]).all()
    assert 0.25 < pose_prior.is_upright(vectors_from_joints(sampled)).mean() < 0.4

    assert pose_prior.is_upright(vectors_from_joints(stand()))
    for other in (stand(-20.0), -stand(), stand()[:, ::-1]):  # the back, on the hands, lying
        assert not pose_prior.is_upright(vectors_from_joints(other))


def test_a_guessed_posture_tells_front_from_back():
    rng = np.random.default_rng(4)
    front, back = (pose_prior.guess_posture(stand(shoulders), rng) for shoulders in (20, -20))
    assert front.facing[1] > 0.9 and back.facing[1] < -0.9
    assert front.depth[MPII.index("pelvis")] == 0


def test_a_guessed_posture_looks_where_the_knees_point():
    pose = stand(20)
    pose[:, 0] *= 0.02  # seen from the side
    for direction in (-1, 1):
        bent = pose.copy()
        bent[[MPII.index("r_knee"), MPII.index("l_knee")], 0] += direction * 25
        posture = pose_prior.guess_posture(bent, np.random.default_rng(5))
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
    np.testing.assert_allclose(pose_prior.measure_posture(points).facing, facing, atol=0.02)
    assert heading or points[MPII.index("r_wrist"), 0] < points[MPII.index("l_wrist"), 0], "a frontal view"


def test_measured_depth_is_in_units_of_scale_to_the_viewer():
    directions = STANDING.copy()
    directions[VECTORS.index("r_arm")] = 0, 0, 1  # ahead, towards the camera
    depth = pose_prior.measure_posture(see_from_ahead(0.0, directions=directions)).depth
    assert depth[MPII.root] == 0
    arm = load_prior("pose_prior_3d")["lengths"][VECTORS.index("r_arm")] / pose_prior.MM_PER_UNIT
    assert depth[MPII.index("r_elbow")] - depth[MPII.index("r_shoulder")] == pytest.approx(arm)


def test_measured_size_is_that_of_the_bones_in_any_pose():
    assert pose_prior.measure_posture(see_from_ahead(0.3, size=1.1)).size == pytest.approx(1.1)
    bent = pose_prior.sample_directions(np.random.default_rng(0), 1, "SittingDown")[0]
    assert pose_prior.measure_posture(see_from_ahead(0.3, size=0.9, directions=bent)).size == pytest.approx(0.9)


def test_the_common_person_is_as_tall_as_mpiis_scale_says():
    """200 units of scale: from the heels, 85 mm below the ankles, to the top of the head."""
    points = see_from_ahead(0.0)
    height = np.ptp(points[:, 1]) + 85.0
    assert height / pose_prior.MM_PER_UNIT == pytest.approx(200, rel=0.01)
    tall = height * LENS[0] / points[MPII.root, 2]
    assert HEAD_SIZE_PER_SCALE * pose_prior.unit_pixels(points, LENS) == pytest.approx(25.0 / 200.0 * tall, rel=0.01)
    near, far = pose_prior.unit_pixels(np.stack([points, 2 * points]), LENS)  # twice as large, twice as far
    assert near == pytest.approx(2 * far)
