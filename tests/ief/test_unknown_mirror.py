"""Joints of which nobody knows what a mirrored image shows: none is used, up to `--flip`, and it is said."""

import json

import cv2
import numpy as np
import pytest
import tiny_resnet  # noqa: F401  (a network of that name)
from coco_files import coco_tree, write_tree
from commands import run_ief

from heads.skeleton import Skeleton
from ief import PosePredictor
from ief.model.run_folder import load_cascade, load_stage, stage_file
from mpii_tools.annotations.people_file import load_people
from mpii_tools.people import People
from mpii_tools.skeletons import SKELETONS

LINE = "no left and right among the joints: a mirrored image is not used; give flip_pairs in --skeleton"
SIZE = 32
FISH = Skeleton(("snout", "fin", "tail"), (-1, 0, 1))
OPTIONS = ["--backbone", "tiny_resnet", "--weights", "none", "--batch-size", "4", "--epochs", "2", "--stages", "1",
         "--rotation", "0", "--translation", "0", "--scale", "0", "--device", "cpu"]  # fmt: skip


def prepare(folder, skeleton, *options):
    """A dataset of eight whose joints are all left of the middle."""
    rng, names = np.random.default_rng(0), [f"{row}.png" for row in range(8)]
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    joints, box = rng.uniform(10, 20, (8, len(skeleton), 2)), {"center": np.full((8, 2), 32.0), "scale": 0.25}
    tree = coco_tree(People(names, joints, split="train", skeleton=skeleton, **box))
    files = ["--annotations", f"train={write_tree(folder / 'all.json', tree)}", "--images", folder]
    run_ief("prepare", *files, "--out", folder / "data", "--size", "32", *options)


def trained(folder):
    """The run of a training with the paper's preset, whose flips are 0.5."""
    run_ief("train", "--data", folder / "data", "--run", folder / "run", *OPTIONS)
    return folder / "run"


def flips_of(run):
    """The probability in force, by the run's record and by its stage's; and the mean x of the mean pose."""
    options = json.loads((run / "config.json").read_text())["options"]
    training = load_stage(stage_file(run, 0))[2]["training"]["preset"]
    return options["flip"], training["flip"], float(load_cascade(run).mean_pose[:, 0].mean())


def test_unknown_mirrors_are_not_used_and_every_command_says_so(tmp_path, capsys):
    prepare(tmp_path, FISH)
    assert capsys.readouterr().out.count(LINE) == 1
    run, image, poses = trained(tmp_path), tmp_path / "0.png", []
    assert capsys.readouterr().err.count(LINE) == 1
    config, record, x = flips_of(run)
    assert config == 0.5 and record == 0  # as asked, for other data, and as in force
    assert x < (SIZE - 1) / 2 - 4  # where the joints are, and not in the middle
    for flip in ([], ["--flip"]):
        out = tmp_path / f"poses{len(flip)}"
        run_ief("predict", "--run", run, image, "--out", out, "--device", "cpu", *flip)
        assert capsys.readouterr().err.count(LINE) == len(flip)
        poses.append(np.load(out / "predictions-images.npz")["joints"])
    np.testing.assert_array_equal(*poses)
    flipping, plain = (PosePredictor.load(run, "cpu", flip=flip) for flip in (True, False))
    np.testing.assert_array_equal(flipping(image).joints, plain(image).joints)
    assert trained(tmp_path) == run  # the same command finds its own training


def own_fish(folder, **fields):
    """A file of the fish for --skeleton."""
    tree = {"names": FISH.names, "parents": [None, 0, 1], **fields}
    return ["--skeleton", write_tree(folder / "fish.json", tree)]


@pytest.mark.parametrize("own", [True, False])
def test_joints_that_keep_their_names_are_mirrored(tmp_path, capsys, own):
    """A hand, and joints of one's own whose JSON says so by an empty list."""
    prepare(tmp_path, *([FISH, *own_fish(tmp_path, flip_pairs=[])] if own else [SKELETONS["hand21"]]))
    run = trained(tmp_path)
    said = "".join(capsys.readouterr())
    assert LINE not in said and said.count("flip_pairs is []") == 2 * own
    config, record, x = flips_of(run)
    assert config == record == 0.5 and abs(x - (SIZE - 1) / 2) < 4
    assert PosePredictor.load(run, "cpu", flip=True).network.flip


def test_own_joints_without_the_field_are_not_mirrored(tmp_path, capsys):
    prepare(tmp_path, FISH, *own_fish(tmp_path))
    assert LINE in capsys.readouterr().out
    assert not load_people(tmp_path / "data" / "train.npz").skeleton.can_mirror
