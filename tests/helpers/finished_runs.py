"""Finished runs whose poses are the ground truth and noise: what a report needs, without a training."""

import json

import numpy as np
from safetensors.numpy import save_file

from ief.reporting.scoring import score_poses, to_tree
from mpii_tools.annotations.people_file import save_people
from mpii_tools.cameras import project
from mpii_tools.people import Depth, People
from mpii_tools.results.predictions import Predictions, save_predictions

CAMERA = (573.0, 573.0, 250.0, 250.0)
PIXEL = 8.0  # mm at the people's distance


def write_people(path, seed, count=30, **more):
    """People in 2D with gaps, of any skeleton; saved, and returned."""
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.6, 1.4, count)
    joints = 150 + rng.normal(0, 35, (count, len(more.get("skeleton", range(16))), 2)) * scale[:, None, None]
    joints[rng.random(joints.shape[:2]) < 0.15] = np.nan
    people = People(
        [f"{row:03}.jpg" for row in range(count)], joints,
        **{"center": np.full((count, 2), 150.0), "scale": scale, "head_size": 25 * scale, **more},
    )  # fmt: skip
    save_people(path, people)
    return people


def write_split(path, subjects=("S9", "S11"), actions=("Directions", "WalkingDog"), frames=8, extra=2, seed=0):
    """A sequence of each subject and action, smooth, and `extra` people without depth; saved, and returned."""
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
    unknown = np.full(extra, np.nan)
    z = np.where(missing, np.nan, joints[..., 2])
    depth = Depth(
        np.concatenate([z, np.full((extra, 16), np.nan)]),
        camera=np.concatenate([camera, np.full((extra, 4), np.nan)]),
        root_depth=np.concatenate([np.full(count, 4500.0), unknown]),
        subject=[subject for subject, _ in takes for _ in range(frames)] + [""] * extra,
        action=[action for _, action in takes for _ in range(frames)] + [""] * extra,
        sequence=[f"{subject} {action}" for subject, action in takes for _ in range(frames)] + [""] * extra,
        frame=np.concatenate([np.tile(64 * np.arange(frames), len(takes)), np.full(extra, -1)]),
    )  # fmt: skip
    people = People(
        [f"{path.stem}{row}.jpg" for row in range(count + extra)], pixels, split=path.stem,
        center=np.full((count + extra, 2), 250.0), scale=np.ones(count + extra), head_size=np.full(count + extra, 25.0),
        depth=depth,
    )  # fmt: skip
    save_people(path, people)
    return people


def write_run(folder, people, noise, method="", also=None, seed=0):
    """A run with its mean pose; returns stage -> poses.

    Args:
        noise: of each stage, in each coordinate: pixels, of poses in 3D mm.
        method, also: of its record; without a method it has none.
    """
    rng = np.random.default_rng(seed)
    gt = np.nan_to_num(people.coordinates, nan=200.0)
    unit = np.array([1 / PIXEL, 1 / PIXEL, 1.0]) if people.depth is not None else 1.0
    poses = {"mean_pose": np.broadcast_to(gt.mean(axis=0), gt.shape)}
    for index, std in enumerate(noise):
        poses[f"stage{index}"] = gt + rng.normal(0, std, gt.shape) * unit
        (stage := folder / f"stage{index}").mkdir(parents=True)
        points = "".join(f"{20 * step},{1 / step:.4f},0.001\n" for step in range(1, 30))
        (stage / "log.csv").write_text(f"step,loss,learning_rate\n{points}")
    for index, (name, joints) in enumerate(poses.items()):
        suffix = "" if index == len(poses) - 1 else f"-{name}"
        found = Predictions(joints, people.person_ids, people.joint_names, index - 1)
        save_predictions(folder / f"predictions-valid{suffix}.npz", found)
    write_metrics(folder, poses, people)
    if method:
        training = {"method": method, "data": "studio", "also": also, "preset": {"epochs": 2}}
        metadata = {"description": json.dumps({"training": training, "kept": {"weights": "last"}})}
        save_file({"x": np.zeros(1, np.float32)}, folder / "stage0" / "stage.safetensors", metadata)
    return poses


def write_metrics(folder, poses, people, intervals=True):
    """The metrics.json of a run."""
    trees = {name: to_tree(score_poses(pose, people, intervals=intervals)) for name, pose in poses.items()}
    (folder / "metrics.json").write_text(json.dumps(trees))
