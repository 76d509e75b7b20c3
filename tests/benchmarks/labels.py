"""Processor time and memory of reading YOLO-pose, and of `ief prepare` on it: drawn labels, four people an image.

    python tests/benchmarks/labels.py [--people N] [--rounds R]

The images are links to twenty of 320 x 240. Beside: the time that decoding them takes alone, on as many threads as
`ief prepare` has. Each is a process of its own, with user and system time; compare the quietest of its rounds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

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


READ = "import sys; from mpii_tools.annotations.read import read_annotations; read_annotations(sys.argv[1])"
DECODE = """
import sys, cv2
from pathlib import Path
from checkpoints.threads import map_ahead
from mpii_tools.prepared.write import IMAGES_AHEAD, THREADS
images = sorted((Path(sys.argv[1]) / "images").iterdir())
for image in map_ahead(lambda path: cv2.imread(str(path)), images, THREADS, IMAGES_AHEAD):
    assert image.shape == (240, 320, 3)
"""


def measure(*arguments):
    """Processor seconds and GB of a Python process."""
    child = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dataset(folder, args.people)
        works = {"decoding": ["-c", DECODE, folder], "reading": ["-c", READ, folder]}
        prepare = ["-m", "ief", "prepare", "--annotations", folder, "--size", "32", "--out"]
        for number in range(args.rounds):
            rounds = works | {"prepare": [*prepare, folder / f"out{number}"]}
            for what, arguments in rounds.items():
                seconds, memory = measure(*arguments)
                print(f"{args.people:,} people, {what}: {seconds:.1f} s, {memory:.2f} GB", flush=True)
