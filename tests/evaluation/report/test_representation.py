"""Table 1, the tree of Figure 1 of any skeleton, and its spreads: the paper's, and those of a loop."""

import math

import numpy as np
import pytest

from evaluation.metrics.conventions import name_kind
from evaluation.report.representation import average_kinds, make_section, methods_table, pose_std
from evaluation.report.skeletons import side_colors
from heads.skeleton import MPII, Skeleton
from mpii_tools.crops import apply_affine, crop_matrices
from mpii_tools.skeletons import SKELETONS


def test_table_1_is_the_papers(printed):
    printed = printed["table1"]["rows"]
    table = methods_table()
    assert {row[1]: list(row[2:4]) for row in table.rows} == printed
    pairs = {row[0]: row[4].value for row in table.rows}
    assert pairs == {"ief_star": 16, "joint": 16, "bone": 16, "both": 31, "all": 136}
    assert methods_table(Skeleton(("point",), (-1,))).rows[4][4].value == 1


@pytest.mark.parametrize("name", SKELETONS)
def test_the_mean_pose_is_drawn_if_there_are_people(name):
    skeleton = SKELETONS[name]
    section = make_section(None, skeleton)
    assert list(section.tables) == ["table1"] and not section.figures and not section.pictures
    mean = np.random.default_rng(0).uniform(20, 200, (len(skeleton), 2))
    ((_, picture),) = make_section(np.stack([mean + 3, mean - 3]), skeleton).pictures
    joint = skeleton.parents.index(skeleton.root) if len(skeleton) > 1 else skeleton.root
    colors = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    assert picture.shape == (224, 224, 3) and side_colors(skeleton)[joint] in colors


# shared/mpii/README.md: joint / bone, left and right averaged, 224-crop px, validation people.
FIGURE_1 = {
    "ankle": (42.8, 23.6), "knee": (30.9, 27.2), "hip": (22.9, 10.8), "thorax": (19.5, 23.2), "upper neck": (21.4, 7.7),
    "head top": (30.1, 16.0), "shoulder": (24.1, 14.9), "elbow": (29.2, 17.7), "wrist": (35.4, 21.7),
}  # fmt: skip
# shared/threed/README.md: the same in mm, of poses relative to the pelvis, (right, left) where the sides differ. (The
# page says left/right, but by Human3.6M's order of joints its first values are those of the right.)
FIGURE_1_3D = {
    "wrist": ((442, 408), (250, 242)), "elbow": ((361, 329), (202, 208)), "ankle": ((290, 333), (219, 205)),
    "knee": ((272, 308), (252, 263)), "head_top": ((256,), (106,)), "shoulder": ((235, 196), (139, 139)),
    "upper_neck": ((178,), (29,)), "hip": ((133, 133), (133, 133)), "thorax": ((166,), (166,)),
}  # fmt: skip


def test_figure_1_of_the_validation_people(real):
    people = real("valid_annolist.mat")
    joints = apply_affine(crop_matrices(people.crop_center, people.crop_side, 224), people.joints)
    found = average_kinds(pose_std(np.where(people.annotated[..., None], joints, np.nan)))
    assert set(found) == {*FIGURE_1, "pelvis"}
    for kind, wanted in FIGURE_1.items():
        assert tuple(found[kind].values()) == pytest.approx(wanted, abs=0.2)


def test_figure_1_in_3d_of_the_real_poses(h36m_poses):
    """From every side about the vertical: four quarter turns have the variances of a random heading exactly."""
    joints = h36m_poses["joints"]
    x, y, z = np.moveaxis(joints - joints[:, MPII.root, None], -1, 0)
    views = [np.stack(view, axis=-1) for view in ((x, y, z), (z, y, -x), (-x, y, -z), (-z, y, x))]
    joint_std, bone_std = pose_std(np.concatenate(views))
    for kind, (joint, bone) in FIGURE_1_3D.items():
        names = [f"{side}_{kind}" for side in "rl"] if f"l_{kind}" in MPII.names else [kind]
        at = [MPII.index(name) for name in names]
        assert joint_std[at] == pytest.approx(joint, abs=3), kind
        assert bone_std[at] == pytest.approx(bone, abs=3), kind


def test_agrees_with_a_loop_over_people():
    rng = np.random.default_rng(0)
    joints = rng.normal(50, 10, (40, 16, 2))
    joints[rng.random((40, 16)) < 0.3] = np.nan
    joint_std, bone_std = pose_std(joints)
    for joint, parent in enumerate(MPII.parents):
        places, bones = [], []
        for pose in joints:
            if not math.isnan(pose[joint, 0]):
                places.append(pose[joint])
                if parent >= 0 and not math.isnan(pose[parent, 0]):
                    bones.append(pose[parent] - pose[joint])
        bones = bones if parent >= 0 else places
        for values, found in ((places, joint_std[joint]), (bones, bone_std[joint])):
            center = sum(values) / len(values)
            variance = sum(float(((value - center) ** 2).sum()) for value in values) / len(values)
            assert found == pytest.approx(math.sqrt(variance))


def test_kinds_without_a_value_are_left_out():
    joints = np.random.default_rng(0).normal(0, 1, (10, 16, 2))
    joints[:, np.isin(MPII.names, ["thorax", "pelvis"])] = np.nan
    kinds = average_kinds(pose_std(joints))
    # The hips, the shoulders and the neck hang on what LSP does not annotate.
    assert set(kinds) == {"ankle", "knee", "head top", "elbow", "wrist"}


def test_kinds_follow_the_flip_pairs():
    skeleton = Skeleton(("root", "a_knee", "b_knee", "r_hat"), (-1, 0, 0, 0), ((1, 2),))
    assert [name_kind(joint, skeleton) for joint in range(4)] == ["root", "knee", "knee", "r hat"]
