"""Finished runs in 3D whose poses are the ground truth and noise: what a report needs, without a training."""

import json

import numpy as np
from safetensors.numpy import save_file

from evaluation.metrics.json_3d import scores_3d_to_json
from evaluation.metrics.json_format import scores_to_json
from ief.reporting.scoring import score
from ief.reporting.scoring_3d import score_3d
from mpii_tools.depth.cameras import project
from mpii_tools.depth.files import save_depth
from mpii_tools.depth.table import make_depth
from mpii_tools.people import make_people
from mpii_tools.people_file import save_people
from mpii_tools.results.predictions import Predictions, save_predictions

CAMERA = (573.0, 573.0, 250.0, 250.0)
PIXEL = 8.0  # mm at the people's distance


def write_split(path, subjects=("S9", "S11"), actions=("Directions", "WalkingDog"), frames=8, extra=2, seed=0):
    """A sequence of each subject and action, smooth, and `extra` people without depth; returns people and depths."""
    rng = np.random.default_rng(seed)
    takes = [(subject, action) for subject in subjects for action in actions]
    body = rng.normal(0, 250, (1, 1, 16, 3))
    swing = rng.normal(0, 60, (len(takes), 1, 16, 3)) * np.sin(np.arange(frames) / 2)[:, None, None]
    joints = (body + swing).reshape(-1, 16, 3)
    joints[:, 6] = 0
    count = len(joints)
    camera = np.tile(CAMERA, (count, 1))
    pixels = project(joints + np.array([0, 0, 4500]), camera, np.zeros((count, 5)))
    missing = rng.random((count, 16)) < 0.05
    missing[:, 6] = False
    pixels[missing] = np.nan
    pixels = np.concatenate([pixels, rng.uniform(100, 400, (extra, 16, 2))])
    people = make_people(
        [f"{path.stem}{row}.jpg" for row in range(count + extra)], pixels, split=path.stem,
        center=np.full((count + extra, 2), 250.0), scale=np.ones(count + extra), head_size=np.full(count + extra, 25.0),
    )  # fmt: skip
    unknown = np.full(extra, np.nan)
    z = np.where(missing, np.nan, joints[..., 2])
    depth = make_depth(
        people.person_ids, np.concatenate([z, np.full((extra, 16), np.nan)]),
        camera=np.concatenate([camera, np.full((extra, 4), np.nan)]),
        root_depth=np.concatenate([np.full(count, 4500.0), unknown]),
        subject=[subject for subject, _ in takes for _ in range(frames)] + [""] * extra,
        action=[action for _, action in takes for _ in range(frames)] + [""] * extra,
        sequence=[f"{subject} {action}" for subject, action in takes for _ in range(frames)] + [""] * extra,
        frame=np.concatenate([np.tile(64 * np.arange(frames), len(takes)), np.full(extra, -1)]),
    )  # fmt: skip
    save_people(path, people)
    save_depth(path, depth)
    return people, depth


def write_run(folder, people, depth, noise, method="all", also=None, seed=0, data="studio"):
    """A run of one stage, `noise` mm off in each coordinate, with its mean pose; returns stage -> poses."""
    rng = np.random.default_rng(seed)
    gt = np.nan_to_num(depth.beside(people.joints), nan=200.0)
    unit = np.array([1 / PIXEL, 1 / PIXEL, 1.0])
    poses = {
        "mean_pose": np.broadcast_to(gt.mean(axis=0), gt.shape),
        "stage0": gt + rng.normal(0, noise, gt.shape) * unit,
    }
    trees = {}
    for stage, (name, joints) in enumerate(poses.items(), start=-1):
        path = folder / ("predictions-valid.npz" if name == "stage0" else f"predictions-valid-{name}.npz")
        folder.mkdir(parents=True, exist_ok=True)
        save_predictions(path, Predictions(joints, people.person_ids, stage=stage))
        found = score_3d(joints, people, depth, intervals=True)
        trees[name] = {**scores_to_json(score(joints, people, intervals=True)), "3d": scores_3d_to_json(found)}
    (folder / "metrics.json").write_text(json.dumps(trees))
    (folder / "stage0").mkdir()
    training = {"method": method, "data": data, "also": also, "preset": {"epochs": 2}}
    description = json.dumps({"training": training, "kept": {"weights": "last"}})
    save_file({"x": np.zeros(1, np.float32)}, folder / "stage0" / "stage.safetensors", {"description": description})
    return poses
