"""Processor time and memory of `ief prepare` on YOLO-pose: drawn labels, four people in each of many images.

    python tests/benchmarks/labels.py [--people N]

The images are links to twenty of 320 x 240. Beside: the time that decoding them takes alone, on as many threads.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from checkpoints.threads import map_ahead
from mpii_tools.prepared.write import IMAGES_AHEAD, THREADS

PHOTOS, WIDTH, HEIGHT, EACH = 20, 320, 240, 4


def write_dataset(folder, people):
    """Images, labels of COCO's 17 joints, data.yaml."""
    rng = np.random.default_rng(0)
    for place in ("photos", "images", "labels"):
        (folder / place).mkdir()
    for number in range(PHOTOS):
        noise = rng.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{number}.jpg"), cv2.resize(noise, (WIDTH, HEIGHT)))
    rows = [" ".join(f"{value:.6f}" for value in rng.uniform(0.3, 0.7, 34)).split() for _ in range(500)]
    rows = ["0 0.5 0.5 0.5 0.5 " + " ".join(f"{x} {y} 2" for x, y in zip(row[::2], row[1::2], strict=True))
            for row in rows]  # fmt: skip
    for number in range(people // EACH):
        (folder / "images" / f"{number:06}.jpg").symlink_to(folder / "photos" / f"{number % PHOTOS}.jpg")
        text = "".join(f"{rows[(number + other) % 500]}\n" for other in range(EACH))
        (folder / "labels" / f"{number:06}.txt").write_text(text)
    (folder / "data.yaml").write_text("train: images\nkpt_shape: [17, 3]\nnames: [person]\n")


def decode_all(folder):
    """Processor seconds of decoding every image."""
    started = time.process_time()
    images = sorted((folder / "images").iterdir())
    sizes = map_ahead(lambda path: cv2.imread(str(path)).shape, images, THREADS, IMAGES_AHEAD)
    assert {*sizes} == {(HEIGHT, WIDTH, 3)}
    return time.process_time() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dataset(folder, args.people)
        decoding = decode_all(folder)
        command = [sys.executable, "-m", "ief", "prepare", "--annotations", str(folder), "--out", str(folder / "out")]
        child = subprocess.Popen([*command, "--size", "32"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20
    print(f"{args.people:,} people: status {status}, {took:.0f} s, {peak:.2f} GB; decoding alone {decoding:.0f} s")
