"""Small inputs of COCO's and pytorch-pose's forms, and of other skeletons: a row each."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from coco_files import coco_tree, write_tree
from real_data import Case
from untrained import save_run

from heads.skeleton import MPII, Skeleton
from ief.cli import main
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import save_people
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared, read_description
from mpii_tools.results.predictions import Predictions, save_predictions
from mpii_tools.skeletons import SKELETONS, find_joints, skeleton_from_json

COCO, SIDE = SKELETONS["coco17"], 120
PREPARE = ["prepare", "--size", "32", "--out", "out", "--images", ".", "--annotations"]


def people(skeleton: Skeleton = COCO, count: int = 4, **columns: object) -> People:
    """People in the middle of small images, their joints in whole pixels."""
    rng, size = np.random.default_rng(1), len(skeleton)
    pose = rng.permuted(np.arange(25, 95), axis=0)[: 2 * size].reshape(1, -1, 2)
    joints = pose + rng.integers(-3, 4, (count, size, 2))
    columns = {"center": np.full((count, 2), 60.0), "scale": np.full(count, 0.4)} | columns
    return People([f"{row}.png" for row in range(count)], joints, skeleton=skeleton, **columns)


def images(folder: Path, count: int = 4) -> None:
    for row in range(count):
        noise = np.random.default_rng(row).integers(0, 255, (6, 6, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{row}.png"), cv2.resize(noise, (SIDE, SIDE)))


def coco_file(change=lambda tree: None, skeleton: Skeleton = COCO, name: str = "train.json"):
    """Prepares a COCO file of `people`, changed."""

    def build(folder: Path) -> list[str]:
        images(folder)
        tree = coco_tree(people(skeleton))
        change(tree)
        return [*PREPARE, str(write_tree(folder / name, tree))]

    return build


def json_list(entry, name: str = "train.json"):
    """Prepares a list of `entry(row, joints as lists from 1)`."""

    def build(folder: Path) -> list[str]:
        images(folder)
        joints = (people(MPII).joints + 1).tolist()
        return [*PREPARE, str(write_tree(folder / name, [entry(row, pose) for row, pose in enumerate(joints)]))]

    return build


def hrnet(row: int, pose: list, **fields: object) -> dict:
    return {"image": f"{row}.png", "center": [61, 61], "scale": 0.4, "joints": pose} | fields


def pytorch_pose(row: int, pose: list) -> dict:
    flagged = [[*point, float(joint % 2)] for joint, point in enumerate(pose)]
    flagged[9] = [0.0, 0.0, 0.0]
    return {"dataset": "MPI", "isValidation": float(row == 3), "img_paths": f"{row}.png", "objpos": [61.0, 61.0],
            "joint_self": flagged, "scale_provided": 0.4, "joint_others": [], "people_index": 2.0}  # fmt: skip


def prepared_as(skeleton: Skeleton, split: str = "train", rows=slice(None), missing: tuple = ()):
    """The prepared people have the joints of `people(skeleton)`, apart from those (row, joint) that are missing."""

    def check(folder: Path) -> None:
        found, wanted = load_prepared(folder / "out", split).people, people(skeleton).joints[rows]
        for row, joint in missing:
            wanted[row, joint] = np.nan
        assert found.skeleton == skeleton
        assert skeleton_from_json(read_description(folder / "out")["skeleton"]) == skeleton
        np.testing.assert_array_equal(found.joints, wanted)

    return check


def crowd_and_nobody(tree: dict) -> None:
    tree["annotations"][0]["iscrowd"] = 1
    tree["annotations"][1] |= {"num_keypoints": 0, "keypoints": [0] * 51}


def alpha_pose(tree: dict) -> None:
    """MPII's joints under spelled-out names, from the head down."""
    names = tree["categories"][0]["keypoints"]
    spelled = [re.sub("^r_", "Right ", re.sub("^l_", "Left ", name)) for name in names]
    tree["categories"][0]["keypoints"] = ["Head" if name == "head_top" else name for name in spelled[::-1]]
    for entry in tree["annotations"]:
        entry["keypoints"] = np.reshape(entry["keypoints"], (16, 3))[::-1].ravel().tolist()


def zero_flagged_visible(tree: dict) -> None:
    tree["annotations"][2]["keypoints"][:3] = [0, 0, 2]
    del tree["annotations"][3]["bbox"]


def one_broken(tree: dict) -> None:
    tree["annotations"][0]["keypoints"] = [1, 2]


def instances(tree: dict) -> None:
    for entry in tree["annotations"]:
        del entry["keypoints"]


def chicken(tree: dict) -> None:
    tree["categories"][0] |= {"keypoints": ["beak", "left_wing", "right_wing"], "skeleton": [[1, 2], [3, 2]]}
    for entry in tree["annotations"]:
        entry["keypoints"] = entry["keypoints"][:9]


def as_chicken(folder: Path) -> None:
    skeleton = load_prepared(folder / "out", "train").people.skeleton
    assert skeleton == Skeleton(("beak", "left_wing", "right_wing"), (1, -1, 1), ((2, 1),), sigmas=(1 / 3,) * 3)


def visibility(folder: Path) -> list[str]:
    forms = [["1", "visible", *["0"] * 13, "2"], [[1, 1]] * 3 + [[0, 0]] * 13, [None] * 14 + [1, 2], None]
    return json_list(lambda row, pose: hrnet(row, pose, joints_vis=forms[row]))(folder)


def visibility_as(folder: Path) -> None:
    annotated = load_prepared(folder / "out", "train").people.annotated
    assert [np.flatnonzero(row).tolist() for row in annotated] == [[0, 1, 15], [0, 1, 2], [14, 15], [*range(16)]]


def triples(row: int, pose: list) -> dict:
    return hrnet(row, [[*point, float(joint != row)] for joint, point in enumerate(pose)])


def unflagged(row: int, pose: list) -> dict:
    return hrnet(row, [[0, 0], *pose[1:]] if row == 1 else pose)


def pytorch_pose_as(folder: Path) -> None:
    prepared_as(MPII, "valid", slice(3, 4), ((0, 9),))(folder)
    train = load_prepared(folder / "out", "train").people
    assert train.person_ids.tolist() == ["0.png#2", "1.png#2", "2.png#2"]
    assert train.visible[0].tolist() == [-1 if joint == 9 else joint % 2 for joint in range(16)]


def faces(tree: dict) -> None:
    """Of half of the people no more than nose and eyes are labeled, 1 % to 5 % of the crop apart."""
    for entry in tree["annotations"][:2]:
        entry["keypoints"] = [61, 40, 2, 63, 38, 2, 59, 38, 2, *[0] * 42]
        entry["num_keypoints"] = 3


def two_trees(folder: Path) -> list[str]:
    """COCO's people, and MPII's in other images."""
    images(folder, 8)
    poses = (people(MPII).joints + 1).tolist()
    write_tree(folder / "mpii.json", [hrnet(row + 4, pose) for row, pose in enumerate(poses)])
    return [*coco_file(name="person_keypoints_val2017.json")(folder), "train=mpii.json"]


def as_shoulders(folder: Path) -> None:
    """Each split has the three joints of `SHOULDERS` that its own annotations hold: MPII has no nose."""
    for split, own in (("valid", COCO), ("train", MPII)):
        found = load_prepared(folder / "out", split).people
        places = [place for place in find_joints(skeleton_from_json(SHOULDERS), own.names) if place is not None]
        np.testing.assert_array_equal(found.joints[:, : len(places)], people(own).joints[:, places])
        assert np.isnan(found.joints[:, len(places) :]).all() and len(places) == (2 if own is MPII else 3)


def another_tree(folder: Path) -> list[str]:
    """A second split whose joints hang on one another otherwise."""
    images(folder)
    save_people(folder / "a.npz", people(split="train"))
    save_people(folder / "b.npz", people(replace(COCO, parents=(-1, *[0] * 16)), split="valid"))
    assert main([*PREPARE, "a.npz"]) == 0
    return [*PREPARE, "b.npz"]


SHOULDERS = {"names": ["l_shoulder", "r_shoulder", "nose"], "parents": [2, 2, None],
             "flip_pairs": [["r_shoulder", "l_shoulder"]]}  # fmt: skip


def shoulders_of_two(folder: Path) -> list[str]:
    return [*two_trees(folder), "--skeleton", str(write_tree(folder / "shoulders.json", SHOULDERS))]


COCO_KEYPOINTS = [

    Case("people of whom only the face is labeled", coco_file(faces), 0, ("no faults", "4 train people")),

    Case("crowds and people without joints", coco_file(crowd_and_nobody), 0,
         ("a crowd (iscrowd is 1)", "no labeled joint (num_keypoints is 0)"), prepared_as(COCO, rows=slice(2, 4))),
    Case("AlphaPose's MPII", coco_file(alpha_pose, MPII), 0, ("COCO keypoints, 4 people",), prepared_as(MPII)),
    Case("a joint at 0 0 and a person without bbox", coco_file(zero_flagged_visible), 0,
         ("at 0, 0, taken as missing", "made from their joints"), prepared_as(COCO, missing=((2, 0),))),
    Case("a broken annotation", coco_file(one_broken), 3, ("not as COCO has them", "1: 'keypoints' has numbers"),
         prepared_as(COCO, rows=slice(1, 4))),
    Case("COCO's instances", coco_file(instances), 2, ("person_keypoints file, not its instances",)),
    Case("keypoints that no skeleton has", coco_file(chicken), 0, ("tree is guessed",), as_chicken),
    Case("pytorch-pose's JSON", json_list(pytorch_pose, "mpii_annotations.json"), 0, ("MPII JSON of pytorch-pose",),
         pytorch_pose_as),
    Case("visibility as text, rows and null", visibility, 0, (), visibility_as),
    Case("x y v triples", json_list(triples), 0, (), prepared_as(MPII, missing=[(row, row) for row in range(4)])),
    Case("missing joints at 0 0 without flags", json_list(unflagged), 0, ("joints at 0, 0 and no joints_vis",),
         prepared_as(MPII, missing=((1, 0),))),
]  # fmt: skip


def with_skeleton(tree: object, annotated: Skeleton = MPII):
    """Prepares people with `--skeleton`: a name, or a tree that becomes a file."""

    def build(folder: Path) -> list[str]:
        images(folder)
        save_people(folder / "people.npz", people(annotated, split="train"))
        name = tree if isinstance(tree, str) else write_tree(folder / "skeleton.json", tree)
        return [*PREPARE, "people.npz", "--skeleton", str(name)]

    return build


ARM = {
    "names": ["middle", "l_shoulder", "l_elbow", "l_wrist", "r_shoulder", "thumb"],
    "parents": [None, "middle", "l_shoulder", "l_elbow", "middle", "l_wrist"],
    "flip_pairs": [["r_shoulder", "l_shoulder"]],
    "groups": {"Arm": ["l_elbow", "l_wrist"]},
    "derived": {"middle": ["l_shoulder", "r_shoulder"]},
}


def as_arm(folder: Path) -> None:
    data, full = load_prepared(folder / "out", "train").people, people(MPII)
    assert data.skeleton == skeleton_from_json(ARM) and data.unlabeled.tolist() == [False] * 5 + [True]
    shoulders = full.joints[:, [MPII.index("l_shoulder"), MPII.index("r_shoulder")]]
    np.testing.assert_allclose(data.joints[:, 0], shoulders.mean(axis=1))
    assert data.derived[:, 0].all() and not data.derived[:, 1:].any()


def as_lsp(folder: Path) -> None:
    found = load_prepared(folder / "out", "train").people
    order = [MPII.index(name) for name in SKELETONS["lsp14"].names]
    np.testing.assert_array_equal(found.joints, people(MPII).joints[:, order])


def evaluation(*options: str, skeleton: Skeleton = COCO, unpredicted: int | None = None, **columns: object):
    """Evaluates poses that are 3, 4 pixels off, and for everybody the wrist of joint 9 by 300."""

    def build(folder: Path) -> list[str]:
        truth = people(skeleton, **columns)
        poses = truth.joints + np.array([3, 4])
        poses[:, 9] += 300
        if unpredicted is not None:
            poses[:, unpredicted] = np.nan
        save_people(folder / "valid.npz", truth)
        save_predictions(folder / "p.npz", Predictions(poses, truth.person_ids, truth.joint_names))
        files = ["--predictions", "p.npz", "--annotations", "valid.npz", "--json", "scores.json"]
        return ["evaluate", *files, *options]

    return build


def scored(measure: str, joints: int, wrong: int = 1, **more: object):
    """The Mean leaves out the wrong joints of `joints`; the other 5 px are within the unit's share."""

    def check(folder: Path) -> None:
        scores = json.loads((folder / "scores.json").read_text())
        assert scores.get("metric", "pckh") == measure
        threshold = {"pckh": "0.5", "box": "0.1"}.get(measure, "0.2")
        mean = scores["pckh" if measure == "pckh" else "pck"][threshold]["groups"]["Mean"]
        assert mean == pytest.approx(100 * (joints - wrong) / joints)
        assert {name: scores[name] for name in more} == more

    return check


def close_oks(folder: Path) -> None:
    """OKS by its own formula; AP is the share of the ten thresholds that everybody's passes, as all are alike."""
    variance = (2 * np.array(COCO.sigmas)) ** 2
    distance = np.full(17, 25.0)
    distance[9] = 303**2 + 304**2
    area = 0.53 * 80**2
    similarity = np.exp(-distance / (2 * area * variance)).mean()
    passed = 100 * np.mean(similarity >= np.arange(0.5, 1, 0.05))
    values = json.loads((folder / "scores.json").read_text())["oks"]["values"]
    assert values["AP"] == pytest.approx(passed) and 0 < passed < 100


def predicted_by_another(folder: Path) -> list[str]:
    """A split of COCO's joints for a network of MPII's."""
    assert main(coco_file(name="valid.json")(folder)) == 0
    save_run(folder / "run")
    return ["predict", "--run", "run", "--data", "out", "--device", "cpu"]


def submitted_with_a_gap(folder: Path) -> list[str]:
    """Test people with predictions that have nobody's pelvis."""
    test = people(MPII, split=np.array(["test", "test", "test", "train"]))
    write_mpii_mat(folder / "release.mat", test)
    poses = test.joints[:3].copy()
    poses[:, 6] = np.nan
    save_predictions(folder / "p.npz", Predictions(poses, test.person_ids[:3]))
    return ["submit", "--annotations", "release.mat", "--predictions", "p.npz", "--out", "pred.mat"]


OTHER_SKELETONS = [
    Case("a name that has half of the joints", with_skeleton("coco17"), 0,
         ("joints that nobody has in train: NaN in predictions", "nose, left_eye, right_eye"),
         lambda folder: None),
    Case("MPII as LSP's 14", with_skeleton("lsp14"), 0, ("left out: not in the skeleton",), as_lsp),
    Case("a file with a derived joint", with_skeleton(ARM), 0, ("thumb", "got a joint by rule"), as_arm),
    Case("a cycle", with_skeleton(ARM | {"parents": [None, 2, 1, 0, 0, 0]}), 2,
         ("skeleton.json: skeleton: the parents form a cycle",)),
    Case("a joint that is not there", with_skeleton(ARM | {"torso": ["l_hip", "middle"]}), 2, ("'l_hip' is no joint",)),
    Case("no such skeleton", with_skeleton("octopus"), 2, ("--skeleton octopus: no such file", "animal17")),
    Case("two skeletons in one dataset", two_trees, 2, ("mpii.json: its joints are 16, r_ankle", "--skeleton for all")),
    Case("two skeletons made one", shoulders_of_two, 0, ("mpii.json left out: not in the skeleton",), as_shoulders),
    Case("a split of another tree added", another_tree, 2, ("holds train prepared otherwise (skeleton: parents)",)),
    Case("no joint in common", with_skeleton("hand21", Skeleton(("beak", "tail"), (-1, 0))), 2,
         ("people.npz: none of --skeleton's joints",)),
    Case("PCK by torso for want of heads", evaluation(), 0, ("PCK@0.2 of the torso",), scored("torso", 17)),
    Case("PCK by box", evaluation("--metric", "box"), 0, ("PCK@0.05 of the longer side of the box",),
         scored("box", 17)),
    Case("PCK by box for want of a torso", evaluation(skeleton=SKELETONS["hand21"]), 0, ("Forefinger",),
         scored("box", 21)),
    Case("PCKh where there are heads", evaluation(head_size=np.full(4, 12.0), skeleton=MPII), 0, ("PCKh@0.5",),
         scored("pckh", 14)),
    Case("COCO's AP", evaluation("--oks"), 0, ("AP75", "area by the box"), close_oks),

    Case("a split of other joints than the network's", predicted_by_another, 2,
         ("prepared with joints nose, left_eye", "the network places r_ankle")),
    Case("a submission with a gap", submitted_with_a_gap, 2, ("must place all 16 joints",)),
    Case("a joint that nobody could learn", evaluation(unpredicted=9), 0, ("do not count: left_wrist",),
         scored("torso", 17, wrong=0)),
]  # fmt: skip
