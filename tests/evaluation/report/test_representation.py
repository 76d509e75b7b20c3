"""Table 1 and Figure 1's left part, the tree, of any skeleton."""

import numpy as np
import pytest

from evaluation.report.representation import make_section, methods_table, skeleton_tree
from heads.skeleton import MPII, Skeleton
from mpii_tools.skeletons import SKELETONS

TREES = {
    **SKELETONS,
    "a chain": Skeleton(tuple(f"part_{place}" for place in range(30)), tuple(range(-1, 29))),
    "a star": Skeleton(("middle", *"abcdefghij"), (-1, *[0] * 10), ((1, 2), (9, 10))),
    "one joint": Skeleton(("point",), (-1,)),
}


def test_table_1_is_the_papers(printed):
    printed = printed["table1"]["rows"]
    table = methods_table()
    assert {row[1]: list(row[2:4]) for row in table.rows} == printed
    pairs = {row[0]: row[4].value for row in table.rows}
    assert pairs == {"ief_star": 16, "joint": 16, "bone": 16, "both": 31, "all": 136}
    assert methods_table(TREES["one joint"]).rows[4][4].value == 1


@pytest.mark.parametrize("name", TREES)
def test_every_bone_runs_from_its_joint_to_the_parent(name):
    skeleton = TREES[name]
    (axes,) = skeleton_tree(skeleton).axes
    words = [text for text in axes.texts if text.get_text()]
    at = {" ".join(text.get_text().split()): tuple(text.xy) for text in words}
    assert set(at) == {"origin", *(joint.replace("_", " ") for joint in skeleton.names)}
    place = [at[joint.replace("_", " ")] for joint in skeleton.names]
    arrows = [text for text in axes.texts if not text.get_text()]
    # An annotation's arrow runs from where its text is to the point that it annotates.
    bones = [(tuple(arrow.get_position()), tuple(arrow.xy)) for arrow in arrows]
    ends = [at["origin"] if parent == -1 else place[parent] for parent in skeleton.parents]
    assert bones == list(zip(place, ends, strict=True))
    assert len(set(at.values())) == len(skeleton) + 1  # nobody stands on another
    assert all(start[0] == end[0] + 1 for start, end in bones)


def test_right_and_left_are_on_their_sides_and_in_their_colors():
    (axes,) = skeleton_tree(MPII).axes
    row = {text.get_text(): text.xy[1] for text in axes.texts if text.get_text()}
    for joint in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder"):
        assert row[f"r {joint}"] < row["pelvis"] < row[f"l {joint}"]
    colors = [arrow.arrow_patch.get_edgecolor() for arrow in axes.texts if not arrow.get_text()]
    of_side = {side: {colors[joint] for joint in range(16) if MPII.sides[joint] == side} for side in MPII.sides}
    assert len(of_side) == 3 and all(len(found) == 1 for found in of_side.values())
    assert len(set.union(*of_side.values())) == 3


def test_without_people_the_tree_and_table_1_remain():
    section = make_section(None, SKELETONS["coco17"])
    assert list(section.tables) == ["table1"] and list(section.figures) == ["figure1-tree"]
    assert np.isclose(section.figures["figure1-tree"][1].get_figwidth(), 4.8)
