"""A joint's side stands anywhere in its name, in words, letters and spellings of many programs."""

import pytest

from heads.skeleton import COCO17
from mpii_tools.skeletons import SKELETONS, find_joints, guess_skeleton

SUFFIXED = ["nose", *("_".join(name.split("_")[::-1]) for name in COCO17.names[1:])]
AP10K = [
    "left_eye", "right_eye", "nose", "neck", "root_of_tail", "left_shoulder", "left_elbow", "left_front_paw",
    "right_shoulder", "right_elbow", "right_front_paw", "left_hip", "left_knee", "left_back_paw", "right_hip",
    "right_knee", "right_back_paw",
]  # fmt: skip


@pytest.mark.parametrize(("names", "pairs"), [
    ("nose ear_left ear_right", ["ear_right ear_left"]),
    ("nose leye reye lhand rhand", ["reye leye", "rhand lhand"]),
    ("head shoulder.L shoulder.R", ["shoulder.R shoulder.L"]),


    ("front_left_paw front_right_paw", ["front_right_paw front_left_paw"]),
    ("forelegL1 forelegR1 forelegL2 forelegR2", ["forelegR1 forelegL1", "forelegR2 forelegL2"]),
    ("LSHO RSHO C7 T10", ["RSHO LSHO"]),  # markers of Vicon
    ("leftear rightear tailbase", ["rightear leftear"]),  # DeepLabCut's mice
    ("earleft earright", ["earright earleft"]), ("Lt-Knee Rt-Knee", ["Rt-Knee Lt-Knee"]),

    ("antenna-Left antenna-RIGHT", ["antenna-RIGHT antenna-Left"]),
    ("wing2_l wing2_r wing1_l", ["wing2_r wing2_l"]),
    ("lip rib lung nose", []),  # a letter is a side only if the other side is there
    ("tail beak", []),
    ("leftear earleft rightear", []),  # which of the two is the other's?
    ("肩_L 肩_R 頭", ["肩_R 肩_L"]),
])  # fmt: skip
def test_pairs_are_names_equal_but_for_their_side(names, pairs):
    skeleton = guess_skeleton(names.split())[0]
    assert [" ".join(skeleton.names[joint] for joint in pair) for pair in skeleton.flip_pairs] == pairs
    assert skeleton.can_mirror == bool(pairs)


@pytest.mark.parametrize(("skeleton", "names"), [
    ("coco17", SUFFIXED),
    ("coco17", [name.replace("left", "L").replace("right", "R") for name in SUFFIXED]),
    ("coco17", [name.replace("left_", "l").replace("right_", "r") for name in COCO17.names]),
    ("animal17", AP10K),
    ("animal17", [name.replace("front", "fore").replace("back", "hind") for name in AP10K]),
    ("lsp14", ["neck", "head", *(name.title() for name in SKELETONS["lsp14"].names[:12])]),
])  # fmt: skip
def test_joints_are_found_however_their_side_is_said(skeleton, names):
    found, order, guessed = guess_skeleton(names)
    assert found is SKELETONS[skeleton] and not guessed and sorted(order) == list(range(len(names)))
    assert None not in find_joints(SKELETONS[skeleton], names)
