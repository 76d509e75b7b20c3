"""Scoring poses of a prepared split: a run's metrics.json, and the tables on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from checkpoints.files import write_text
from evaluation.metrics.evaluate import Tree, compare, evaluate
from evaluation.report.tables import groups_table, joints_table, summary_table
from ief.inference.predictor import predict_split
from ief.model.run_folder import load_cascade
from mpii_tools.people import People
from mpii_tools.prepared.read import PreparedSplit
from mpii_tools.results.predictions import Predictions, save_predictions


def score(joints: np.ndarray, people: People, convention: str = "official", intervals: bool = False) -> Tree:
    """PCKh, joint and bone error of poses (N, K, 2) in image pixels; derived joints do not count."""
    return evaluate(
        joints,
        people.joints,
        people.head_size,
        people.scale,
        people.annotated,
        convention=convention,
        intervals=intervals,
    )


def difference(joints: np.ndarray, other: np.ndarray, people: People, convention: str = "official") -> Tree:
    """The figures of `score` less those of other poses (N, K, 2) of the same people, with paired intervals."""
    truth = (people.joints, people.head_size, people.scale, people.annotated)
    return compare(joints, other, *truth, convention=convention)


def person_errors(joints: np.ndarray, people: People) -> np.ndarray:
    """(N,) mean joint error over each person's annotated joints in head sizes; NaN where there are none."""
    distances = np.linalg.norm(joints - people.joints, axis=-1)
    distances[~people.annotated] = np.nan
    counted = np.isfinite(distances).sum(axis=1)
    total = np.nansum(distances, axis=1)
    return np.where(counted > 0, total / np.maximum(counted, 1), np.nan) / people.head_size


def stage_names(count: int) -> list[str]:
    """`mean_pose`, `stage0`, `stage1`, ... for `count` poses of a cascade."""
    return ["mean_pose", *(f"stage{index}" for index in range(count - 1))]


def score_run(run: Path, data: PreparedSplit, device: torch.device, flip: bool = False) -> dict[str, Tree]:
    """Predict a split with every stage of a run, write predictions and metrics.json, return the metrics.

    Writes `predictions-SPLIT.npz` (the last stage) and `predictions-SPLIT-NAME.npz` for what came before it.
    """
    poses = predict_split(load_cascade(run).to(device), data, flip=flip)
    names = stage_names(len(poses))
    save_poses(run, data, poses)
    metrics = {name: score(pose, data.people, intervals=True) for name, pose in zip(names, poses, strict=True)}
    write_text(run / "metrics.json", json.dumps(metrics, indent=1))
    return metrics


def save_poses(run: Path, data: PreparedSplit, poses: np.ndarray) -> Path:
    """Write (T + 1, N, K, 2) poses in image pixels, a file a stage; returns the last stage's file."""
    names = stage_names(len(poses))
    for stage, (name, pose) in enumerate(zip(names, poses, strict=True)):
        suffix = "" if name == names[-1] else f"-{name}"
        path = run / f"predictions-{data.split}{suffix}.npz"
        save_predictions(path, Predictions(pose, data.people.person_ids, data.people.joint_names, stage - 1))
    return path


def print_summary(metrics: dict[str, Tree]) -> None:
    """Table 7's and Table 8's columns of a run's stages."""
    print(summary_table(metrics).text())
    print(groups_table(metrics).text())


def print_difference(found: Tree, against: str) -> None:
    """What `difference` found, less the predictions called `against`, by its paired intervals."""
    named = {f"less {against}": found}
    for table in (summary_table(named, signed=True), groups_table(named, signed=True)):
        print(table.text())


def print_result(result: Tree) -> None:
    """Every table of one set of predictions."""
    named = {result["convention"]: result}
    for table in (summary_table(named), groups_table(named), groups_table(named, "0.1"), joints_table(result)):
        print(table.text())
