"""Data prepared from images of noise, in an instant."""

import cv2
import numpy as np

from mpii_tools.people import People
from mpii_tools.prepared.write import CropSpec, prepare


def prepare_small(folder, seed=0, shift=0.0, size=32, margin=1.5, name="small"):
    """Five people to train on and three to validate, of the same eight for every seed."""
    rng = np.random.default_rng(0)
    images = {f"{i}.png": rng.integers(0, 255, (60, 80, 3), dtype=np.uint8) for i in range(8)}
    people = People(
        [*images], rng.uniform(10, 50, (8, 16, 2)) + shift, center=np.full((8, 2), 30.0), scale=np.full(8, 0.3),
        split=np.array(["train"] * 5 + ["valid"] * 3)[np.random.default_rng(seed).permutation(8)],
    )  # fmt: skip
    spec = CropSpec(size, margin)
    prepare(people, lambda image: cv2.imencode(".png", images[image])[1].tobytes(), folder, name, spec)
    return folder
