"""Skeletons by name and from JSON."""

import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII, Skeleton
from mpii_tools.skeletons import (
    SKELETONS,
    find_joints,
    get_skeleton,
    guess_skeleton,
    mirror_note,
    plain_name,
    skeleton_from_json,
    skeleton_to_json,
)

CHAIN = {"names": ["a", "b", "c"], "parents": [None, "a", 1]}


@pytest.mark.parametrize("name", SKELETONS)
def test_a_named_skeleton_is_whole(name):
    skeleton = get_skeleton(name)
    assert skeleton_from_json(json.loads(json.dumps(skeleton_to_json(skeleton)))) == skeleton
    assert len(skeleton.sigmas) == len(skeleton)
    grouped = [joint for _, joints in skeleton.groups for joint in joints]
    assert not grouped or sorted(grouped) == sorted(skeleton.names)
    flip = skeleton.flip_permutation
    for joint, parent in enumerate(skeleton.parents):  # a mirrored person has the same tree and the same sigmas
        assert skeleton.parents[flip[joint]] == (flip[parent] if parent >= 0 else -1)
    assert skeleton.names[flip[0]][:2] != skeleton.names[0][:2] or flip[0] == 0


def test_coco_s_sigmas_are_pycocotools_own():
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    np.testing.assert_allclose(SKELETONS["coco17"].sigmas, cocoeval.Params("keypoints").kpt_oks_sigmas)
    assert [MPII.names[index] for index in find_joints(SKELETONS["lsp14"], MPII.names)] == [*SKELETONS["lsp14"].names]


def test_json_takes_names_or_indices():
    assert skeleton_from_json(CHAIN) == Skeleton(("a", "b", "c"), (-1, 0, 1))
    full = CHAIN | {"flip_pairs": [["b", 2]], "groups": {"Ends": ["a", 2]}, "derived": {"a": ["b", "c"]},
                    "torso": [1, "c"], "sigmas": [0.1, 0.2, 0.3]}  # fmt: skip
    skeleton = skeleton_from_json(full)
    assert skeleton.flip_pairs == ((1, 2),) and skeleton.groups == (("Ends", ("a", "c")),)
    assert skeleton.derived == (("a", ("b", "c")),) and skeleton.torso == ("b", "c")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"parents": [None, "a", "d"]}, "'d' is no joint"),
        ({"parents": [None, "c", "b"]}, "cycle"),
        ({"parents": [None, "a"]}, "3 names but 2 parents"),
        ({"edges": [[0, 1]]}, "expected names, parents and any of"),
        ({"names": ["a", "b", 3]}, "3 is no name"),
        ({"groups": {"Ends": "ab"}}, "no list of joints"),
        ({"groups": [["a"]]}, "a field of another form"),
        ({"derived": {"d": ["a"]}}, "unknown joint 'd'"),
        ({"derived": {"a": ["b"], "b": ["c"]}}, "'a' must be derived from one or more joints that are labeled"),
        ({"torso": ["a", "a"]}, "two different joints"),
        ({"sigmas": [0.1]}, "1 sigmas; give 3"),
        ({"sigmas": [0.1, -1, 2]}, "3 sigmas; give 3 numbers above 0"),
    ],
)
def test_json_that_is_no_skeleton(tmp_path, change, says):
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(CHAIN | change))
    with pytest.raises(PoseError, match=says) as raised:
        get_skeleton(path)
    assert "tree.json: " in str(raised.value)


@pytest.mark.parametrize(
    ("skeleton", "can_mirror"),
    [
        *((skeleton, True) for skeleton in SKELETONS.values()),  # a hand among them, without a pair
        (skeleton_from_json(CHAIN), False),
        (skeleton_from_json(CHAIN | {"flip_pairs": []}), True),
        (skeleton_from_json(CHAIN | {"flip_pairs": [["b", "c"]]}), True),
        (guess_skeleton(["beak", "tail"])[0], False),
        (guess_skeleton(["beak", "left_wing", "right_wing"])[0], True),
        (guess_skeleton(SKELETONS["hand21"].names)[0], True),
        (Skeleton(("a", "b"), (-1, 0)), False),
    ],
)
def test_only_a_known_mirror_image_is_used(skeleton, can_mirror):
    assert skeleton.can_mirror == can_mirror
    back = skeleton_from_json(json.loads(json.dumps(skeleton_to_json(skeleton))))
    assert back == skeleton and back.can_mirror == can_mirror
    mine = skeleton not in SKELETONS.values() and not skeleton.flip_pairs
    assert bool(mirror_note(skeleton)) == mine and ("not used" in mirror_note(skeleton)) == (not can_mirror)


def test_names_meet_however_they_are_spelled():
    for spelled in ("Right Ankle", "RAnkle", "right_ankle", "rightAnkle", "R-ankle", "r ankle"):
        assert plain_name(spelled) == "r_ankle"
    spelled = [name.replace("_", " ").title() for name in MPII.names[::-1]]
    skeleton, order, known = guess_skeleton(spelled)
    assert skeleton is MPII and known and order == [*range(15, -1, -1)]


def test_unknown_joints_get_a_tree_along_their_edges():
    skeleton, order, known = guess_skeleton(["beak", "left_wing", "right_wing", "tail"], [(1, 2), (0, 1)])
    assert not known and order == [0, 1, 2, 3]
    assert skeleton.parents == (-1, 0, 1, 0)  # the tail hangs on the first
    assert skeleton.flip_pairs == ((2, 1),)
