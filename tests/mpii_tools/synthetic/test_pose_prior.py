"""The pose prior: its algebra, its fit, and its samples against real poses."""

import sys
from pathlib import Path

import numpy as np
import pytest

from heads.skeleton import MPII
from mpii_tools.formats.npz import save_arrays
from mpii_tools.synthetic.pose_prior import (
    HEAD_LENGTH,
    VECTORS,
    PosePrior,
    is_upright,
    joints_from_vectors,
    load_prior,
    mirror,
    read_posture,
    sample_poses,
    vectors_from_joints,
)

sys.path.insert(0, str(Path(__file__).parent))
from fit_pose_prior import fit_prior, read_poses_csv, rounded

# shared/mpii/README.md: std of joints and of bones in the 224 crop, validation people, left and right averaged.
CROP_STD = {
    "ankle": (42.8, 23.6),
    "knee": (30.9, 27.2),
    "hip": (22.9, 10.8),
    "thorax": (19.5, 23.2),
    "upper_neck": (21.4, 7.7),
    "head_top": (30.1, 16.0),
    "shoulder": (24.1, 14.9),
    "elbow": (29.2, 17.7),
    "wrist": (35.4, 21.7),
}
BONES = [(k, parent) for k, parent in enumerate(MPII.parents) if parent >= 0]


@pytest.fixture(scope="module")
def sampled():
    return sample_poses(np.random.default_rng(0), 6000)


def standing(shoulders=20.0):
    """A frontal standing pose; a negative `shoulders` shows the back."""
    sign = np.sign(shoulders)
    at = {
        "pelvis": (0, 0),
        "thorax": (0, -60),
        "upper_neck": (0, -70),
        "head_top": (0, -70 - HEAD_LENGTH),
        **{f"{s}_{j}": (w * x * sign, y) for s, w in (("r", -1), ("l", 1)) for j, x, y in (
            ("hip", 12, 0), ("knee", 12, 50), ("ankle", 12, 100),
            ("shoulder", abs(shoulders), -60), ("elbow", 25, -25), ("wrist", 25, 5),
        )},
    }  # fmt: skip
    return np.array([at[name] for name in MPII.names], dtype=float)


def test_vectors_and_joints_are_inverse():
    vectors = np.random.default_rng(1).normal(size=(50, len(VECTORS), 2))
    joints = joints_from_vectors(vectors) + 7.0
    np.testing.assert_allclose(vectors_from_joints(joints), vectors, atol=1e-12)


def test_mirror_is_the_flipped_person():
    vectors = np.random.default_rng(2).normal(size=(20, len(VECTORS), 2))
    flipped = joints_from_vectors(vectors)[:, list(MPII.flip_permutation)] * [-1, 1]
    np.testing.assert_allclose(joints_from_vectors(mirror(vectors)), flipped, atol=1e-12)


def test_the_carried_prior_is_a_mixture_in_rounded_numbers():
    prior = load_prior()
    assert prior.weights.sum() == pytest.approx(1)
    assert (prior.stds > 0).all() and (prior.shortest < prior.longest).all()
    assert np.linalg.eigvalsh(prior.correlation).min() > 0
    np.testing.assert_allclose(np.diag(prior.correlation), 1, atol=0.05)
    again = rounded(prior)
    for name in ("means", "stds", "shortest", "longest"):
        np.testing.assert_array_equal(getattr(again, name), getattr(prior, name), err_msg=name)
    np.testing.assert_allclose(again.weights, prior.weights, atol=1e-3)
    np.testing.assert_allclose(again.correlation, prior.correlation, atol=0.04)  # lifted once more


def test_a_written_prior_comes_back(tmp_path):
    prior = load_prior()
    save_arrays(tmp_path / "prior.npz", vars(prior))
    back = load_prior(tmp_path / "prior.npz")
    assert all(np.array_equal(value, vars(back)[name]) for name, value in vars(prior).items())


def test_samples_keep_mpiis_head_and_the_limits(sampled):
    prior = load_prior()
    lengths = np.linalg.norm(vectors_from_joints(sampled), axis=-1)
    np.testing.assert_allclose(lengths[:, VECTORS.index("head")], HEAD_LENGTH)
    assert (lengths >= prior.shortest - 1e-9).all() and (lengths <= prior.longest + 1e-9).all()


def test_samples_are_symmetric_and_seeded(sampled):
    mean = sampled.mean(axis=0)
    mirrored = mean[list(MPII.flip_permutation)] * [-1, 1]
    np.testing.assert_allclose(mean, mirrored, atol=5 * sampled.std() / np.sqrt(len(sampled)))
    again = sample_poses(np.random.default_rng(0), 6000)
    np.testing.assert_array_equal(sampled, again)


def test_fit_recovers_a_known_component():
    carried = load_prior()
    std = np.full((1, 26), 4.0)
    wide = np.full(13, 1e3)
    known = PosePrior(np.ones(1), carried.means[:1], std, np.eye(26), np.zeros(13), wide)
    rng = np.random.default_rng(3)
    poses = sample_poses(rng, 1500, known) * rng.uniform(0.5, 6, (1500, 1, 1)) + 300
    fitted = fit_prior(poses, components=1, rounds=30)
    mean = fitted.means.reshape(1, 13, 2)
    away = min(np.abs(m - known.means.reshape(1, 13, 2)).max() for m in (mean, mirror(mean)))
    # A head drawn 36 long and rescaled to 33 takes nothing from the other vectors but its own length.
    assert away < 2.5
    body = [i for i in range(26) if i // 2 != VECTORS.index("head")]
    assert np.abs(fitted.stds[0, body] - np.hypot(4, 1)).max() < 0.5


def test_samples_spread_as_mpii_in_the_crop(sampled):
    crop = sampled * 224 / 250
    for name, (joint_std, bone_std) in CROP_STD.items():
        joints = [k for k, joint in enumerate(MPII.names) if joint.endswith(name)]
        here = np.mean([np.hypot(*crop[:, k].std(axis=0)) for k in joints])
        bone = np.mean([np.hypot(*(crop[:, k] - crop[:, MPII.parents[k]]).std(axis=0)) for k in joints])
        assert here == pytest.approx(joint_std, rel=0.12), name
        assert bone == pytest.approx(bone_std, rel=0.25), name


def test_samples_have_the_bones_of_the_real_poses(shared, sampled):
    real = read_poses_csv(shared / "mpii" / "train_poses.csv")
    head, neck = MPII.index("head_top"), MPII.index("upper_neck")
    real *= HEAD_LENGTH / np.linalg.norm(real[:, head] - real[:, neck], axis=-1)[:, None, None]
    for k, parent in BONES:
        ours, theirs = sampled[:, k] - sampled[:, parent], real[:, k] - real[:, parent]
        name = MPII.names[k]
        lengths = [np.median(np.linalg.norm(b, axis=-1)) for b in (ours, theirs)]
        assert lengths[0] == pytest.approx(lengths[1], rel=0.10), name
        np.testing.assert_allclose(ours.std(axis=0), theirs.std(axis=0), rtol=0.20, err_msg=name)


def test_posture_tells_front_from_back():
    rng = np.random.default_rng(4)
    front, back = read_posture(standing(20), rng), read_posture(standing(-20), rng)
    assert front.facing[1] > 0.9 and back.facing[1] < -0.9
    assert front.depth[MPII.index("pelvis")] == 0


def test_posture_looks_where_the_knees_point():
    pose = standing(20)
    pose[:, 0] *= 0.02  # seen from the side
    knees = [MPII.index("r_knee"), MPII.index("l_knee")]
    for direction in (-1, 1):
        bent = pose.copy()
        bent[knees, 0] += direction * 25
        posture = read_posture(bent, np.random.default_rng(5))
        assert posture.facing[0] * direction > 0.9
        # Looking right, the left shoulder is the far one.
        near = posture.depth[MPII.index("r_shoulder")] - posture.depth[MPII.index("l_shoulder")]
        assert near * direction > 0


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
@pytest.mark.parametrize("content", ["", "a.jpg,1,2,3\n", "a.jpg" + ",x" * 32 + "\n"])
def test_a_foreign_csv_is_refused(tmp_path, content):
    path = tmp_path / "poses.csv"
    path.write_text(content)
    with pytest.raises(ValueError):
        read_poses_csv(path)


def test_upright_people_stand_with_the_chest_to_the_viewer_and_are_drawn_as_often_as_they_come(sampled):
    poses = sample_poses(np.random.default_rng(1), 500, upright=True)
    at = {name: poses[:, k] for k, name in enumerate(MPII.names)}
    for side in "rl":
        for upper, lower in (("hip", "knee"), ("knee", "ankle")):
            bone = at[f"{side}_{lower}"] - at[f"{side}_{upper}"]
            assert (np.abs(np.degrees(np.arctan2(bone[:, 0], bone[:, 1]))) < 45).all() and (bone[:, 1] > 20).all()
    trunk = at["pelvis"] - at["upper_neck"]
    assert (np.abs(np.degrees(np.arctan2(trunk[:, 0], trunk[:, 1]))) < 25.5).all()
    assert (at["l_shoulder"][:, 0] > at["r_shoulder"][:, 0]).all()
    assert 0.25 < is_upright(vectors_from_joints(sampled)).mean() < 0.4

    assert is_upright(vectors_from_joints(standing()))
    assert not is_upright(vectors_from_joints(standing(-20.0)))  # the back
    assert not is_upright(vectors_from_joints(-standing()))  # on the hands
    lying = standing()[:, ::-1]
    assert not is_upright(vectors_from_joints(lying))
