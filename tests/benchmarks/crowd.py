"""Time and memory of `ief evaluate --intervals`: `python tests/benchmarks/crowd.py [PEOPLE]`, each in an own image."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mpii_tools.annotations.people_file import save_people
from mpii_tools.people import People
from mpii_tools.results.predictions import Predictions, save_predictions

TEST_FRAMES = 543_000  # about as many as Human3.6M's test subjects have


def draw_people(folder, count):
    """Files of people with a tenth of their joints missing, and of predictions 15 px away in x and in y."""
    rng = np.random.default_rng(0)
    joints = rng.normal(500, 100, (count, 16, 2))
    pred = joints + rng.normal(0, 15, joints.shape)
    joints[rng.random((count, 16)) < 0.1] = np.nan
    names = [f"{row:06d}/rgb.png" for row in range(count)]
    people = People(names, joints, center=np.full((count, 2), 500.0), scale=2.0, head_size=rng.uniform(40, 80, count))
    save_people(folder / "people.npz", people)
    save_predictions(folder / "predictions.npz", Predictions(pred, people.person_ids))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TEST_FRAMES
    with tempfile.TemporaryDirectory() as folder:
        draw_people(Path(folder), count)
        files = ["--predictions", f"{folder}/predictions.npz", "--annotations", f"{folder}/people.npz"]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ief", "evaluate", *files, "--intervals"], check=True)
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9
    print(f"{count:,} people: {seconds:.0f} s ({cpu:.0f} s of CPU), {memory:.2f} GB of memory at most")
