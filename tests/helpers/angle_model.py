"""A made-up joint-angle model in the files of Akhter and Black's, with wide bins: their own cannot be carried along."""

import numpy as np
from scipy.io import savemat

DEGREES = 30
BINS = (13, 7)
CHILDREN = (3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16)
LIMBS = (4, 7, 11, 12, 15, 16)


def write_angle_model(folder, seed=0, **changes):
    """Writes both files with random limits; `changes` replace variables of the model. Returns all that was written."""
    rng = np.random.default_rng(seed)
    cells = {name: np.empty((1, len(CHILDREN)), dtype=object) for name in ("angleSprd", "sepPlane", "E2", "bounds")}
    for place, bone in enumerate(CHILDREN):
        for column in cells.values():
            column[0, place] = np.zeros((0, 0))
        if bone not in LIMBS:
            cells["angleSprd"][0, place] = (rng.random(BINS) < 0.6).astype(np.uint8)
            continue
        normal = rng.normal(size=(*BINS, 3))
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        second = rng.normal(size=(*BINS, 3))
        plane = np.concatenate([normal, rng.uniform(-0.6, 0.2, (*BINS, 1))], axis=-1)
        plane[rng.random(BINS) < 0.1] = np.nan
        low, high = rng.uniform(-1, -0.3, (*BINS, 2)), rng.uniform(0.3, 1, (*BINS, 2))
        cells["sepPlane"][0, place] = plane
        cells["E2"][0, place] = second / np.linalg.norm(second, axis=-1, keepdims=True)
        cells["bounds"][0, place] = np.stack([low[..., 0], high[..., 0], low[..., 1], high[..., 1]], axis=-1)
    model = {**cells, "chlds": np.array([CHILDREN], np.uint8), "jmp": np.uint8(DEGREES)} | changes
    static = {"a": rng.normal(size=(3, 1)), "di": rng.normal(size=(3, 16))}
    static["a"] /= np.linalg.norm(static["a"])  # as theirs is
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "jointAngleModel_v2.mat", model, do_compression=True)
    savemat(folder / "staticPose.mat", static)
    return model | static
