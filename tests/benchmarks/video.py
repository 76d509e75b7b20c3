"""Videos: who is taken for whom where people cross, what smoothing gives, and the memory that length takes.

`python tests/benchmarks/video.py [crossing|numbering|smoothing|memory]`
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import numpy as np
import torch
from pictures import draw_clip
from processes import IEF
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from untrained import save_run
from walkers import FPS, Onlooker, count_exchanges, draw_crossing, draw_walk, measure_smoothing

from ief.inference.detector import PersonDetector
from ief.inference.video import Tracker
from mpii_tools.annotations.human36m.protocols import ACTIONS


def crossing():
    """Of 20 clips of two people who cross: those after whom a number is the other's, and those with a new one."""
    clips = [draw_crossing(seed) for seed in range(20)]
    for hidden, what in ((2.0, "both always seen"), (0.7, "one hidden behind 70 %"), (0.5, "one hidden behind 50 %")):
        for noise, missed in ((0.02, 0.0), (0.02, 0.1), (0.04, 0.1)):
            counts = [
                count_exchanges(Onlooker(clip, noise, hidden, missed, seed) for clip in clips) for seed in range(8)
            ]
            print(
                f"{what}, {missed:.0%} not found, noise of {noise:.0%} of the size: "
                f"exchanged in {[exchanged for exchanged, _ in counts]}, a new number in {[new for _, new in counts]}"
            )


def numbering():
    """What a frame takes of CPU time to find (untrained SSDLite) and to number, and the memory that frames add."""
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        torch.save(ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None).state_dict(), file.name)
        find_people, frame = PersonDetector(Path(file.name)), np.zeros((360, 640, 3), np.uint8)
    rng, tracker = np.random.default_rng(0), Tracker()
    find_people(frame)
    start = time.process_time()
    for _ in range(50):
        find_people(frame)
    print(f"finding: {20 * (time.process_time() - start):.0f} ms a frame")
    start, boxes = time.process_time(), rng.uniform(0, 600, (4, 2))
    for place in range(10_000):
        boxes = np.where(rng.random((4, 1)) < 0.01, rng.uniform(0, 600, (4, 2)), boxes)  # somebody new
        tracker.number_people(np.hstack([boxes, boxes + np.array([60, 200])])[rng.random(4) < 0.9], place / FPS)
        if place == 999:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took, more = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"numbering: {took / 10:.2f} ms a frame; {more / 1024:.1f} MB more after 10,000 frames than after 1,000")


def smoothing():
    """Jitter and error after smoothing, as parts of those before, of drawn people in Human3.6M's actions."""
    for noise in (0.01, 0.02, 0.04):
        ratios = []
        for seed, action in enumerate(ACTIONS):
            rng = np.random.default_rng(seed)
            ratios.append(measure_smoothing(rng, draw_walk(rng, 10 * FPS, action), noise))
        jitter, error, lag = np.mean(ratios, axis=0)
        print(f"noise of {noise:.0%} of the size: jitter {jitter:.2f}, error {error:.2f}, lag {1000 * lag:.0f} ms")


def memory():
    """The most memory that `ief predict` of 1,000 and of 10,000 frames takes, as a file and as a stream."""
    with tempfile.TemporaryDirectory() as name:
        run, clip = save_run(Path(name) / "run"), Path(name) / "clip.avi"
        for frames in (1000, 10_000):
            draw_clip(clip, frames)
            for what, source in (("file", clip), ("stream", f"file://{clip}")):
                command = [*IEF, "predict", "--run", run, source, "--device", "cpu", "--out", Path(name) / "out"]
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                peak = os.wait4(process.pid, 0)[2].ru_maxrss / 1024
                print(f"{frames:,} frames of a {what}: {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or ("crossing", "numbering", "smoothing", "memory"):
        globals()[name]()
