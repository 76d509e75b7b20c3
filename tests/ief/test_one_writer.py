"""Two commands that write to one folder: the second is told who writes, and changes nothing."""

import json
import os
import platform
import subprocess
import sys

import cv2
import numpy as np
import pytest
import racing
from coco_files import coco_tree, write_tree
from commands import said_by
from pictures import write_picture
from processes import IEF, SMALL, train

from checkpoints.locking import lock_folder
from heads.skeleton import COCO17
from mpii_tools.people import People

COMMANDS = {
    "train": lambda data, run, out: train(data, out)[len(IEF) :],
    "table7": lambda data, run, out: ["table7", "--data", data, "--run", out.parent, *SMALL],
    "prepare": lambda data, run, out: [
        "prepare", "--annotations", data, "--images", write_picture(run / "x.png").parent, "--size", "32", "--out", out
    ],
    "release": lambda data, run, out: ["release", "--run", run, "--data", data, "--license", "none", "--out", out],
    "split": lambda data, run, out: ["predict", "--run", run, "--data", data, "--out", out],
    "image": lambda data, run, out: ["predict", "--run", run, write_picture(run / "x.png"), "--out", out],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_command_in_a_folder_is_told_the_first(tiny_data, run, tmp_path, command):
    out = tmp_path / "table" / "all"
    words = COMMANDS[command](tiny_data, run, out)
    with lock_folder(out):
        before = sorted(tmp_path.rglob("*"))
        assert f"{out}: process {os.getpid()}@{platform.node()[:16]} is writing to it" in said_by(*words)
        assert sorted(tmp_path.rglob("*")) == before
    assert not os.listdir(tmp_path)


def write_people(folder):
    """COCO's annotations of twenty people in each image of a folder: cutting them takes longer than starting."""
    names = np.repeat(sorted(path.name for path in folder.glob("*.png")), 20)
    joints = np.random.default_rng(0).integers(20, 380, (len(names), 17, 2)).astype(float)
    people = People(names, joints, center=np.full((len(names), 2), 200.0), scale=1.8, skeleton=COCO17)
    return write_tree(folder / "people.json", coco_tree(people))


RACES = {  # what differs between the two
    "prepare": lambda data, run, images, other: [
        "prepare", "--annotations", write_people(images / "0"), "--images", images / "0", "--size", "128",
        "--valid-share", "0.3", "--seed", other, "--out", "{out}"
    ],
    "train": lambda data, run, images, other: train(data, "{out}", *DEMO, "--seed", other)[len(IEF) :],
    "predict": lambda data, run, images, other: [
        "predict", "--run", run, *sorted((images / other).iterdir()), "--out", "{out}", "--device", "cpu"
    ],
    "release": lambda data, run, images, other: [
        "release", "--run", images / "run", "--data", data, "--license", f"license {other}", "--out", "{out}"
    ],
}  # fmt: skip
DEMO = ["--preset", "demo", "--epochs", "4"]


@pytest.mark.slow
@pytest.mark.parametrize("command", RACES)
def test_one_of_two_at_once_wins_whole(tiny_data, run, finished, tmp_path, command):
    """Twenty timings, from both at once to the second at the first one's end; then three kills of the winner."""
    (tmp_path / "run").symlink_to(finished)  # a release tells how it was trained
    for number in range(120):
        (folder := tmp_path / str(number % 2)).mkdir(exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (400, 400, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number // 2}.png"), noise)
    pair = [json.dumps([str(each) for each in RACES[command](tiny_data, run, tmp_path, other)]) for other in "01"]
    options = [str(tmp_path / "out"), "20", "3", *pair]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, racing.__file__, *options], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    result, refused = json.loads(done.stderr.splitlines()[-1]), 0
    host = platform.node()[:16]
    for *ends, files in result["races"]:
        for (pid, status, _), (_, other, said), whole in zip(ends, ends[::-1], result["alone"], strict=True):
            if status == 0 and other == 2 and f"process {pid}@{host} is writing to it" in said:
                refused += 1
                assert files == whole
        assert sorted(status for _, status, _ in ends) in ([0, 0], [0, 2]) and files in result["alone"]
    assert refused >= 3
    for (pid, status, _), (_, other, said), again, files in result["killed"]:
        assert (status, other) == (-9, 2) and f"process {pid}@{host} is writing to it" in said
        assert again[1] == 0 and files == result["alone"][0]
