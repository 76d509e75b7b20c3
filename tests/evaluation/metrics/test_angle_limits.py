import math

import numpy as np
import pytest
import scipy.io
from angle_model import BINS, CHILDREN, DEGREES, write_angle_model

from checkpoints.errors import PoseError
from evaluation import illegal_angles, load_angle_limits
from evaluation.metrics.angle_limits import ANGLES
from heads.skeleton import MPII
from mpii_tools.skeletons import SKELETONS

LEFT_HANDED = (1, 1, -1)
# Joint -> (its bone's number in the model, the bone's end, the bone above and its start or None at the torso).
RULES = {
    "upper_neck": (8, "head_top", None), "r_shoulder": (3, "r_elbow", None), "l_shoulder": (6, "l_elbow", None),
    "r_hip": (10, "r_knee", None), "l_hip": (14, "l_knee", None), "r_elbow": (4, "r_wrist", "r_shoulder"),
    "l_elbow": (7, "l_wrist", "l_shoulder"), "r_knee": (11, "r_ankle", "r_hip"), "l_knee": (15, "l_ankle", "l_hip"),
}  # fmt: skip


def random_poses(people, seed=0):
    return np.random.default_rng(seed).normal(0, 300, (people, 16, 3))


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("angles")
    return write_angle_model(folder), load_angle_limits(folder)


@pytest.fixture(scope="module")
def akhter_black(threed):
    folder = threed / "angle_limits"
    if not (folder / "jointAngleModel_v2.mat").is_file():
        pytest.skip("the joint-angle model (../shared/threed/angle_limits) is not beside this checkout")
    return folder, load_angle_limits(folder)


def unit(vector):
    return np.array(vector) / math.sqrt(sum(x * x for x in vector))


def normal_of(fallback, reference, bone):
    """The authors' getNormal: the normal of a bone and the reference, of another direction where these are parallel."""
    if math.dist(bone, reference) < 1e-4 or math.dist(bone, -reference) < 1e-4:
        return unit(np.cross(bone, fallback))
    return unit(np.cross(reference, bone))


def literal(pose, joint, model):
    """One angle of one pose in a left-handed frame, step by step; True if it is illegal."""
    at = {name: pose[index] for index, name in enumerate(MPII.names)}
    number, end, above = RULES[joint]
    place = CHILDREN.index(number)
    girdle = "shoulder" if "shoulder" in (above or joint) or joint == "upper_neck" else "hip"
    x = unit(at[f"r_{girdle}"] - at[f"l_{girdle}"])
    z = unit(np.cross(x, at["pelvis"] - at["upper_neck"]))
    torso = np.array([x, np.cross(z, x), z])

    def bin_of(bone):
        a, b, c = torso @ unit(bone)
        azimuth, elevation = math.degrees(math.atan2(b, a)), math.degrees(math.atan2(c, math.hypot(a, b)))
        return math.floor((azimuth + 180) / DEGREES), math.floor((elevation + 90) / DEGREES)

    bone = unit(at[joint] - at[end])
    if above is None:
        return model["angleSprd"][0, place][bin_of(bone)] == 0
    parent = unit(at[above] - at[joint])
    where = bin_of(parent)
    normal = normal_of(torso.T @ model["di"][:, RULES[above][0] - 1], torso.T @ model["a"].ravel(), parent)
    local = np.array([parent, normal, np.cross(parent, normal)]) @ bone
    plane = model["sepPlane"][0, place][where]
    if np.isnan(plane).any() or plane[:3] @ local + plane[3] > 0:
        return True
    third = unit(np.cross(plane[:3], model["E2"][0, place][where]))
    second = np.cross(third, plane[:3])
    low, high, other_low, other_high = model["bounds"][0, place][where]
    return not (low <= second @ local <= high and other_low <= third @ local <= other_high)


def test_agrees_with_a_literal_walk_through_the_model(made_up):
    model, limits = made_up
    joints = random_poses(150)
    found = illegal_angles(joints, limits)
    wanted = [[literal(pose * LEFT_HANDED, joint, model) for joint in ANGLES] for pose in joints]
    assert np.array_equal(found, wanted)
    assert (found.mean(axis=0) > 0.1).all() and (found.mean(axis=0) < 0.95).all()


def test_an_unknown_joint_leaves_out_the_angles_that_take_it(made_up):
    _, limits = made_up
    joints = random_poses(5)
    whole = illegal_angles(joints, limits)
    for name, without in (
        ("r_wrist", {"r_elbow"}),
        ("r_shoulder", {"upper_neck", "r_shoulder", "l_shoulder", "r_elbow", "l_elbow"}),
        ("pelvis", set(ANGLES)),
        ("l_knee", {"l_hip", "l_knee"}),
        ("thorax", set()),
    ):
        partly = joints.copy()
        partly[:, MPII.index(name)] = np.nan
        found = illegal_angles(partly, limits)
        left_out = np.isin(ANGLES, list(without))
        assert np.isnan(found[:, left_out]).all() and np.array_equal(found[:, ~left_out], whole[:, ~left_out])


def test_a_pose_without_any_extent_has_an_answer(made_up):
    assert np.isfinite(illegal_angles(np.zeros((2, 16, 3)), made_up[1])).all()


@pytest.mark.parametrize("joint", ["r_elbow", "l_elbow", "r_knee", "l_knee"])
def test_a_limb_along_the_reference_takes_the_fallback(tmp_path, joint):
    """The bone above at 0, within and beyond the 1e-4 that the authors' code calls parallel, either way."""
    found, wanted, turned = [], [], []
    for seed in range(6):  # each model has one bin for all of these poses
        model = write_angle_model(tmp_path, seed)
        joints = np.array([along_reference(pose, row, joint, model) for row, pose in enumerate(random_poses(24, seed))])
        limits, reverse = load_angle_limits(tmp_path), {**model, "di": -model["di"]}
        found += illegal_angles(joints * LEFT_HANDED, limits)[:, ANGLES.index(joint)].tolist()
        wanted += [literal(pose, joint, model) for pose in joints]
        turned += [literal(pose, joint, reverse) for pose in joints]
    assert found == wanted
    parallel = np.arange(len(found)) % 3 < 2
    assert 0 < np.mean(np.array(found)[parallel]) < 1
    # The other order of the product would tell: it changes what is parallel, and nothing else.
    changed = np.array(turned) != wanted
    assert changed[parallel].any() and not changed[~parallel].any()


def along_reference(pose, row, joint, model):
    """A left-handed pose whose bone above the joint lies along the reference but for 0, 5e-5 or 2e-4, either way."""
    girdle, at = RULES[joint][2].partition("_")[2], MPII.index
    pose, reference = pose.copy(), model["a"].ravel()
    x = unit(pose[at(f"r_{girdle}")] - pose[at(f"l_{girdle}")])
    z = unit(np.cross(x, pose[at("pelvis")] - pose[at("upper_neck")]))
    off = (0, 5e-5, 2e-4)[row % 3] * unit(np.cross(reference, (0, 1, 0)))
    bone = np.array([x, np.cross(z, x), z]).T @ unit(reference + off)
    pose[at(joint)] = pose[at(RULES[joint][2])] - (300, -300)[row // 3 % 2] * bone
    return pose


def test_the_real_models_own_pose_is_legal_its_mirror_not(akhter_black):
    folder, limits = akhter_black
    points = scipy.io.loadmat(folder / "testPose.mat")["S1"].T  # left-handed
    names = ["pelvis", "upper_neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "head_top",
             "r_hip", "r_knee", "r_ankle", None, "l_hip", "l_knee", "l_ankle"]  # fmt: skip
    pose = np.zeros((1, 16, 3))  # but for the thorax, which no angle takes
    for name, point in zip(names, points, strict=False):
        if name:
            pose[0, MPII.index(name)] = point
    assert illegal_angles(pose * LEFT_HANDED, limits).sum() == 0
    assert illegal_angles(pose, limits).sum() >= 3


def test_real_poses_are_legal_and_the_wrong_handedness_is_not(akhter_black, h36m_poses):
    _, limits = akhter_black
    for subjects in (["S9", "S11"], ["S9"], ["S11"]):
        joints = h36m_poses["joints"][np.isin(h36m_poses["subject"], subjects)]
        assert 1.5 < 100 * illegal_angles(joints, limits).mean() < 3.5
        assert 100 * illegal_angles(joints * (-1, 1, 1), limits).mean() > 40


def test_bad_files_are_named(tmp_path):
    write_angle_model(tmp_path / "order", chlds=np.array([CHILDREN[::-1]], np.uint8))
    with pytest.raises(PoseError, match=r"order: .*joint-angle model.*chlds is"):
        load_angle_limits(tmp_path / "order")
    write_angle_model(tmp_path / "bins", jmp=np.uint8(15))
    with pytest.raises(PoseError, match=rf"has shape \({BINS[0]}, {BINS[1]}"):
        load_angle_limits(tmp_path / "bins")
    for degrees in (0, np.ones(3), "three"):
        write_angle_model(tmp_path / "width", jmp=degrees)
        with pytest.raises(PoseError, match=r"width: .*joint-angle model"):
            load_angle_limits(tmp_path / "width")
    scipy.io.savemat(tmp_path / "width" / "jointAngleModel_v2.mat", {"x": 1})
    with pytest.raises(PoseError, match=r"width: .*'chlds'"):
        load_angle_limits(tmp_path / "width")
    whole = (tmp_path / "order" / "staticPose.mat").read_bytes()
    write_angle_model(tmp_path / "cut")
    (tmp_path / "cut" / "staticPose.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PoseError, match=r"cut: .*staticPose\.mat"):
        load_angle_limits(tmp_path / "cut")


def test_another_skeleton_is_named(made_up):
    coco = SKELETONS["coco17"]
    with pytest.raises(PoseError, match="lack head_top, l_ankle"):
        illegal_angles(np.zeros((1, len(coco), 3)), made_up[1], coco)
