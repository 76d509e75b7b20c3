"""Time and memory of `ief evaluate --intervals` on drawn people, each in an own image.

    python tests/benchmarks/crowd.py [--people N] [--depth]

With depth they are in 3D, as many takes of two subjects as Human3.6M's test frames are.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing import Process
from pathlib import Path

import numpy as np

from heads.skeleton import MPII
from mpii_tools.annotations.people_file import save_people
from mpii_tools.people import Depth, People
from mpii_tools.results.predictions import Predictions, save_predictions

TEST_FRAMES = 543_000  # about as many as Human3.6M's test subjects have


def draw_people(folder, count, deep):
    """Files of people with a tenth of their joints missing, and of predictions 15 px (and mm) away in x, y (and z)."""
    rng = np.random.default_rng(0)
    joints = rng.normal(500, 100, (count, 16, 2))
    pred = joints + rng.normal(0, 15, joints.shape)
    joints[rng.random((count, 16)) < 0.1] = np.nan
    names = [f"{row:06d}/rgb.png" for row in range(count)]
    people = People(names, joints, center=np.full((count, 2), 500.0), scale=2.0, head_size=rng.uniform(40, 80, count))
    if deep:
        people, pred = add_depth(people, pred, rng)
    save_people(folder / "people.npz", people)
    save_predictions(folder / "predictions.npz", Predictions(pred, people.person_ids))


def add_depth(people, pred, rng):
    """The people with depths, pelvis 5 m away, in 120 takes of two subjects; and predictions with theirs."""
    take = np.arange(len(people)) * 120 // len(people)
    joints = people.joints.copy()
    joints[:, MPII.root] = pred[:, MPII.root]
    z = np.where(np.isnan(joints[..., 0]), np.nan, rng.normal(0, 200, joints.shape[:2]))
    z[:, MPII.root] = 0
    depth = Depth(
        z, camera=np.array([1145.0, 1145, 512, 512]), root_depth=np.full(len(people), 5000.0),
        subject=np.array(["S9", "S11"])[take % 2], action=np.array([f"A{k}" for k in range(15)])[take // 2 % 15],
        sequence=np.array([f"take {k}" for k in range(120)])[take],
    )  # fmt: skip
    found = np.nan_to_num(z) + rng.normal(0, 15, z.shape)
    return replace(people, joints=joints, depth=depth), np.concatenate([pred, found[..., None]], axis=-1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=TEST_FRAMES)
    parser.add_argument("--depth", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Drawn elsewhere: the memory of a process that starts another counts as that one's, too.
        (drawing := Process(target=draw_people, args=(Path(folder), args.people, args.depth))).start()
        drawing.join()
        files = ["--predictions", f"{folder}/predictions.npz", "--annotations", f"{folder}/people.npz"]
        started = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "ief", "evaluate", *files, "--intervals"])
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
    if status:
        sys.exit("it failed")
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9
    print(f"{args.people:,} people: {seconds:.0f} s ({cpu:.0f} s of CPU), {memory:.2f} GB of memory at most")
