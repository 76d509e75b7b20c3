"""Skeletons by name and from JSON."""

import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII, Skeleton
from mpii_tools import skeletons
from mpii_tools.skeletons import SKELETONS, get_skeleton, guess_skeleton, mirror_note

CHAIN = {"names": ["a", "b", "c"], "parents": [None, "a", 1]}


@pytest.mark.parametrize("name", SKELETONS)
def test_a_named_skeleton_is_whole(name):
    skeleton = get_skeleton(name)
    assert skeletons.skeleton_from_json(json.loads(json.dumps(skeletons.skeleton_to_json(skeleton)))) == skeleton
    assert len(skeleton.sigmas) == len(skeleton)
    grouped = [joint for _, joints in skeleton.groups for joint in joints]
    assert not grouped or sorted(grouped) == sorted({*skeleton.names} - dict(skeleton.derived).keys())
    flip = skeleton.flip_permutation
    for joint, parent in enumerate(skeleton.parents):  # a mirrored person has the same tree and the same sigmas
        assert skeleton.parents[flip[joint]] == (flip[parent] if parent >= 0 else -1)
    assert skeleton.names[flip[0]][:2] != skeleton.names[0][:2] or flip[0] == 0


def test_coco_s_sigmas_are_pycocotools_own():
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    np.testing.assert_allclose(SKELETONS["coco17"].sigmas, cocoeval.Params("keypoints").kpt_oks_sigmas)
    lsp = SKELETONS["lsp14"]
    assert tuple(MPII.names[index] for index in skeletons.find_joints(lsp, MPII.names)) == lsp.names


def test_json_takes_names_or_indices():
    assert skeletons.skeleton_from_json(CHAIN) == Skeleton(("a", "b", "c"), (-1, 0, 1))
    full = CHAIN | {"flip_pairs": [["b", 2]], "groups": {"Ends": ["a", 2]}, "derived": {"a": ["b", "c"]},
                    "torso": [1, "c"], "sigmas": [0.1, 0.2, 0.3]}  # fmt: skip
    skeleton = skeletons.skeleton_from_json(full)
    assert skeleton.flip_pairs == ((1, 2),) and skeleton.groups == (("Ends", ("a", "c")),)
    assert skeleton.derived == (("a", ("b", "c")),) and skeleton.torso == ("b", "c")


@pytest.mark.parametrize(("change", "says"), [
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
])  # fmt: skip
def test_json_that_is_no_skeleton(tmp_path, change, says):
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(CHAIN | change))
    with pytest.raises(PoseError, match=rf"tree\.json: .*{says}"):
        get_skeleton(path)


@pytest.mark.parametrize(("skeleton", "can_mirror"), [
    *((skeleton, True) for skeleton in SKELETONS.values()),  # a hand among them, without a pair
    (skeletons.skeleton_from_json(CHAIN), False),
    (skeletons.skeleton_from_json(CHAIN | {"flip_pairs": []}), True),
    (skeletons.skeleton_from_json(CHAIN | {"flip_pairs": [["b", "c"]]}), True),
    (guess_skeleton(["beak", "tail"])[0], False), (guess_skeleton(["beak", "left_wing", "right_wing"])[0], True),
    (guess_skeleton(SKELETONS["hand21"].names)[0], True), (Skeleton(("a", "b"), (-1, 0)), False),
])  # fmt: skip
def test_only_a_known_mirror_image_is_used(skeleton, can_mirror):
    assert skeleton.can_mirror == can_mirror
    back = skeletons.skeleton_from_json(json.loads(json.dumps(skeletons.skeleton_to_json(skeleton))))
    assert back == skeleton and back.can_mirror == can_mirror
    mine = skeleton not in SKELETONS.values() and not skeleton.flip_pairs
    assert bool(mirror_note(skeleton)) == mine and ("not used" in mirror_note(skeleton)) == (not can_mirror)


def test_names_meet_however_they_are_spelled():
    for spelled in ("Right Ankle", "RAnkle", "right_ankle", "rightAnkle", "R-ankle", "r ankle"):
        assert skeletons.plain_name(spelled) == "r_ankle"
    spelled = [name.replace("_", " ").title() for name in MPII.names[::-1]]
    skeleton, order, guessed = guess_skeleton(spelled)
    assert skeleton is MPII and not guessed and order == [*range(15, -1, -1)]


def parents_of(skeleton):
    """Joint -> the one that it hangs on, None for the root."""
    return {
        name: skeleton.names[parent] if parent >= 0 else None
        for name, parent in zip(skeleton.names, skeleton.parents, strict=True)
    }


def test_unknown_joints_get_a_tree_along_their_edges():
    skeleton, order, guessed = guess_skeleton(["beak", "left_wing", "right_wing", "tail"], [(1, 2), (0, 1)])
    assert "edges" in guessed and order == [0, 1, 2, 3]
    assert skeleton.parents == (1, -1, 1, 1)  # from the middle; the tail hangs on it
    assert skeleton.flip_pairs == ((2, 1),)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_edges_are_rooted_at_their_center(count):
    """Where no joint is farther away than from anywhere else: by all paths of random trees."""
    rng = np.random.default_rng(count)
    edges = [(joint, int(rng.integers(joint))) for joint in range(1, count + 1)]
    apart = np.full((count + 1, count + 1), np.inf)
    np.fill_diagonal(apart, 0)
    for one, other in edges:
        apart[one, other] = apart[other, one] = 1
    for by in range(count + 1):
        apart = np.minimum(apart, apart[:, [by]] + apart[[by]])
    skeleton = guess_skeleton([f"joint {joint}" for joint in range(count + 1)], edges)[0]
    assert apart.max(axis=1)[skeleton.root] == apart.max(axis=1).min()
    for joint, parent in enumerate(skeleton.parents):
        assert parent < 0 or (joint, parent) in edges or (parent, joint) in edges


def test_without_edges_all_hang_on_the_given_joint():
    skeleton, _order, guessed = guess_skeleton([*"abcd"], middle=2)
    assert skeleton.parents == (2, 2, -1, 2) and "a star from c" in guessed and not skeleton.can_mirror


LIMBS = [
    f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
SPELLINGS = {
    "words": lambda side, part: f"{side}_{part}",
    "letters": lambda side, part: f"{side[0].upper()}-{part}",
    "behind": lambda side, part: f"{part}_{side[0]}",
    "camels": lambda side, part: f"{side[0].upper()}{part.title()}",
    "French": lambda side, part: f"{part} {'gauche' if side == 'left' else 'droite'}",
}


@pytest.mark.parametrize("spell", SPELLINGS)
def test_limbs_hang_as_in_a_body_however_they_are_spelled(spell):
    names = [SPELLINGS[spell](*name.split("_")) for name in LIMBS]
    skeleton, order, guessed = guess_skeleton(names, [(0, 11)])  # the edge says nothing where names do
    assert guessed and order == [*range(12), -1] and skeleton.derived == (("pelvis", (names[9], names[3])),)
    called = dict(zip([*names, "pelvis"], [*LIMBS, "pelvis"], strict=True))
    for joint, parent in parents_of(skeleton).items():
        side, _, part = called[joint].partition("_")
        above = {"elbow": "shoulder", "wrist": "elbow", "knee": "hip", "ankle": "knee"}.get(part)
        assert called.get(parent) == (f"{side}_{above}" if above else "pelvis" if part else None)
    assert skeleton.flip_pairs == tuple((joint + 6, joint) for joint in range(6))
    assert skeleton.torso == (names[0], names[9])
    coco = dict(zip(SKELETONS["coco17"].names, SKELETONS["coco17"].sigmas, strict=True))
    assert skeleton.sigmas[:12] == tuple(coco[name] for name in LIMBS)
    assert [group for group, _ in skeleton.groups] == ["Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"]


@pytest.mark.parametrize(("names", "wanted"), [
    ("RHip RKnee RAnkle", {"RHip": None, "RKnee": "RHip", "RAnkle": "RKnee"}),
    ("MidHip LHip RHip Neck Nose", {"MidHip": None, "LHip": "MidHip", "Neck": "MidHip", "Nose": "Neck"}),
    ("nose left_shoulder right_shoulder hat", {"nose": "thorax", "left_shoulder": "thorax", "thorax": None}),
    ("neck head left_wrist", {"neck": None, "head": "neck", "left_wrist": "neck"}),
])  # fmt: skip
def test_parts_of_a_body_hang_on_the_nearest_ancestor(names, wanted):
    found = parents_of(guess_skeleton(names.split())[0])
    assert wanted.items() <= found.items()


def test_further_joints_hang_along_the_edges_on_a_known_body():
    names = ["left_hip", "right_hip", "left_ankle", "left_toe", "left_nail", "hat"]
    skeleton = guess_skeleton(names, [(2, 3), (3, 4)])[0]
    found = parents_of(skeleton)
    assert found["left_toe"] == "left_ankle" and found["left_nail"] == "left_toe" and found["hat"] == "pelvis"
    assert skeleton.sigmas == (1 / 7,) * 7


def test_pairs_of_the_file_serve_names_without_sides():
    assert guess_skeleton([*"abcd"], pairs=[(1, 0), (3, 2)])[0].flip_pairs == ((1, 0), (3, 2))
    assert guess_skeleton(["r_a", "l_a", "b", "c"], pairs=[(3, 2)])[0].flip_pairs == ((0, 1),)
    with pytest.raises(ValueError, match="two flip pairs"):
        guess_skeleton([*"abc"], pairs=[(1, 0), (2, 1)])
