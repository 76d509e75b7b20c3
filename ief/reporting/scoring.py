"""Scoring poses of people: arrays and files of predictions, a run's metrics.json, tables on the terminal.

Scoring arrays needs no torch: `ief evaluate` does without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from evaluation.metrics.bootstrap import Bootstrap
from evaluation.metrics.calibration import Calibration, calibrate, correct_joints, cross_fit
from evaluation.metrics.evaluate import Scores, compare, evaluate
from evaluation.metrics.inputs import GroundTruth, has_size
from evaluation.metrics.json_3d import scores_3d_to_json
from evaluation.metrics.json_format import scores_to_json
from evaluation.metrics.measures import MEASURES, PCKH, Measure
from evaluation.metrics.oks import OksScores, oks_scores
from evaluation.report.paper_tables import readable
from evaluation.report.tables import cell, groups_table, joints_table, summary_table
from ief.reporting.scoring_3d import KEY, score_3d
from mpii_tools.people import People
from mpii_tools.results.coco import person_scores
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import (
    Predictions,
    predicted_joints,
    read_predictions,
    save_predictions,
    with_camera,
)

if TYPE_CHECKING:
    import torch

    from mpii_tools.prepared.read import PreparedSplit


def ground_truth(people: People, *poses: np.ndarray, metric: str | None = None) -> GroundTruth:
    """What evaluation counts of annotated people: image pixels, without derived joints, in the people's skeleton.

    Args:
        poses: (N, K, 2) to be scored; joints that one of them has for nobody do not count.
        metric: a name of `evaluation.metrics.measures`; None chooses as `choose_measure`.
    """
    counted = people.annotated
    for pose in poses:
        if len(pose) == len(people) and pose.shape[1] == counted.shape[1]:
            counted = counted & predicted_joints(pose)
    rows = (people.joints, people.head_size, people.scale, counted, people.skeleton)
    return GroundTruth(*rows, MEASURES[metric] if metric else choose_measure(people))


def choose_measure(people: People) -> Measure:
    """PCKh where somebody's head size is known (or nobody's anything), else PCK by torso, else by box."""
    sizes = ((one, GroundTruth(people.joints, people.head_size, people.scale, people.annotated, people.skeleton, one))
             for one in MEASURES.values())  # fmt: skip
    return next((one for one, gt in sizes if has_size(gt.size).any()), PCKH)


def score(
    joints: np.ndarray,
    people: People,
    convention: str = "official",
    intervals: bool = False,
    metric: str | None = None,
) -> Scores:
    """PCKh (or PCK), joint and bone error of poses (N, K, D), x and y in image pixels; derived joints do not count."""
    joints = joints[..., :2]
    gt = ground_truth(people, joints, metric=metric)
    return evaluate(joints, gt, convention=convention, bootstrap=Bootstrap() if intervals else None)


def difference(
    joints: np.ndarray, other: np.ndarray, people: People, convention: str = "official", metric: str | None = None
) -> Scores:
    """The scores of poses (N, K, D) minus those of other poses of the same people, with paired confidence intervals."""
    joints, other = joints[..., :2], other[..., :2]
    return compare(joints, other, ground_truth(people, joints, other, metric=metric), convention=convention)


def oks(joints: np.ndarray, people: People, scores: np.ndarray | None = None) -> OksScores:
    """COCO's AP of poses (N, K, D), ranked by the mean of their joints' scores (N, K) where there are any."""
    joints, ranks = joints[..., :2], person_scores(scores, None, len(joints))
    return oks_scores(joints, ground_truth(people, joints), people.images.tolist(), people.area, ranks)


def calibration(
    joints: np.ndarray, scores: np.ndarray, people: People, convention: str = "official"
) -> tuple[Calibration, Calibration] | None:
    """Scores (N, K) of poses (N, K, 2) against correctness, at 0.5 head sizes for PCKh: as predicted, and cross-fitted.

    None if no annotated joint of a person with a head size has a score.
    """
    correct = correct_joints(joints, ground_truth(people, joints), convention=convention)
    before, after = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
    return (before, after) if before and after else None


def person_errors(joints: np.ndarray, people: People) -> np.ndarray:
    """(N,) mean joint error over each person's annotated joints in head sizes (or `choose_measure`'s); NaN without."""
    gt = ground_truth(people, joints)
    distances = np.linalg.norm(joints[..., :2] - people.joints, axis=-1)
    distances[~gt.annotated] = np.nan
    counted = np.isfinite(distances).sum(axis=1)
    total = np.nansum(distances, axis=1)
    return np.where(counted > 0, total / np.maximum(counted, 1), np.nan) / np.where(has_size(gt.size), gt.size, np.nan)


def stage_names(count: int) -> list[str]:
    """`mean_pose`, `stage0`, `stage1`, ... for `count` poses of a cascade."""
    return ["mean_pose", *(f"stage{index}" for index in range(count - 1))]


def score_run(
    run: Path, data: PreparedSplit, device: torch.device, flip: bool = False, out: Path | None = None
) -> dict[str, Scores]:
    """Predict a split with every stage of a run, write predictions and metrics.json, return the scores by stage.

    Writes `predictions-SPLIT.npz` (the last stage) and `predictions-SPLIT-NAME.npz` for the previous ones, to the
    folder `out`, by default the run's.
    """
    from ief.inference.predictor import PosePredictor
    from ief.model.run_folder import load_cascade

    out = out or run
    poses, scores = PosePredictor.of(load_cascade(run).to(device), flip).predict_split(data)
    save_poses(out, data, poses, scores)
    stages = zip(stage_names(len(poses)), poses, strict=True)
    results = {name: score(pose, data.people, intervals=True) for name, pose in stages}
    metrics = {name: scores_to_json(found) for name, found in results.items()}
    for name, pose in zip(metrics, poses, strict=True):
        if found := score_3d(pose, data.people, data.depth, intervals=True):
            metrics[name][KEY] = scores_3d_to_json(found)
    write_text(out / "metrics.json", json.dumps(metrics, indent=1))
    return results


def save_poses(run: Path, data: PreparedSplit, poses: np.ndarray, scores: np.ndarray) -> Path:
    """Write (T + 1, N, K, D) poses, x and y in image pixels, one file per stage; returns the last stage's file.

    An exported model gives its last poses alone, of a stage whose number is not known (-1).

    Args:
        scores: (N, K) of the last stage's joints, as `Predictions.scores`.
    """
    names, people = stage_names(len(poses)), data.people
    for stage, (name, pose) in enumerate(zip(names, poses, strict=True), start=-1):
        final = name == names[-1]
        path = run / f"predictions-{data.split}{'' if final else f'-{name}'}.npz"
        known = scores if final and np.isfinite(scores).any() else None
        found = Predictions(pose, people.person_ids, people.joint_names, stage, known, people.crop_center)
        save_predictions(path, with_camera(found, data.depth))
    return path


def load_poses(run: Path, people: People) -> dict[str, np.ndarray]:
    """Stage -> (N, K, 2) predictions of the people, from the run's predictions-valid*.npz.

    Raises:
        PoseError: a corrupt file, or predictions of other people.
    """
    return {stage: found.joints for stage, found in load_predictions(run, people).items()}


def known_scores(predicted: Mapping[str, Predictions]) -> dict[str, np.ndarray]:
    """Stage -> (N, K) scores of the joints, NaN where there is none; stages without any are left out."""
    scores = {stage: found.scores for stage, found in predicted.items()}
    return {stage: found for stage, found in scores.items() if found is not None and np.isfinite(found).any()}


def load_predictions(run: Path, people: People) -> dict[str, Predictions]:
    """Stage -> predictions of the people, in their order; see `load_poses`."""
    found = {}
    for path in run.glob("predictions-valid*.npz"):
        predictions = read_predictions(path)
        try:
            found[predictions.stage] = align(predictions, people)
        except PoseError as error:
            raise PoseError(f"{path}: {error}") from error
    return {"mean_pose" if stage < 0 else f"stage{stage}": found[stage] for stage in sorted(found)}


def print_summary(results: Mapping[str, Scores], signed: bool = False) -> None:
    """Table 7's and Table 8's columns of a run's stages; signed: of differences."""
    print(summary_table(results, signed).text())
    print(groups_table(results, signed=signed).text())


def print_difference(found: Scores, against: str) -> None:
    """What `difference` found, minus the predictions called `against`, with its paired confidence intervals."""
    print_summary({f"minus {against}": found}, signed=True)


def print_gains(run: Path, people: People) -> None:
    """What each stage of a run gains over the previous one, with the paired 95 % confidence interval over people.

    Args:
        run: with the predictions of the validation split.
        people: its people.
    """
    print("Gain over the previous stage, paired 95 % confidence interval over people:")
    for (previous, before), (stage, after) in pairwise(load_poses(run, people).items()):
        gain = difference(after, before, people)
        pckh, joint, bone = (
            cell(estimate, signed=True)
            for estimate in (gain.mean_pckh, gain.joint_error.image_px, gain.bone_error.image_px)
        )
        print(
            f"  {readable(stage)} - {readable(previous)}: "
            f"{gain.pckh.measure.title} {pckh} points, joint error {joint} px, bone error {bone} px"
        )


def print_result(scores: Scores) -> None:
    """Every table of one set of predictions."""
    named = {scores.pckh.convention: scores}
    groups = (groups_table(named, threshold) for threshold in scores.pckh.groups)
    for table in (summary_table(named), *groups, joints_table(scores)):
        print(table.text())


def print_oks(found: OksScores) -> None:
    """COCO's figures on a line, with whose area is not the annotations' own."""
    values = "  ".join(f"{name} {'-' if value is None else f'{value:.1f}'}" for name, value in found.values.items())
    print(f"COCO's OKS in % over {found.people:,} people\n{values}")
    if found.area_by_box or found.without_area:
        print(f"area by the box, 0.53 of its side squared: {found.area_by_box:,} people; none: {found.without_area:,}")
