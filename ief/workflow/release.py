"""A run -> weights for everybody, in a quarter of their room, with a model card that says what they are good for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file, write_text
from checkpoints.weights import read_header
from evaluation.metrics.calibration import (
    calibrate,
    correct_joints,
    coverage,
    cross_fit,
    cross_spread,
    fit_spread,
    squared_distances,
)
from heads.skeleton import MPII
from ief.inference.predictor import PosePredictor
from ief.inference.score_map import ScoreMap
from ief.model.device import choose_device
from ief.model.release import release_stages
from ief.model.run_folder import load_cascade
from ief.reporting.evaluate import score_oks
from ief.reporting.model_card import ScoredPeople, model_card
from ief.reporting.scoring import ground_truth, score_poses, stage_names, to_tree
from mpii_tools.prepared.read import PreparedSplit, load_prepared


def release(
    run: Path,
    out: Path,
    data: Sequence[Path],
    license: str,
    *,
    name: str | None = None,
    trained_on: str | None = None,
    storage: str = "int8",
    notes: Path | None = None,
    device: str | None = None,
) -> list[Path]:
    """Write a run's stages rounded, score what is loaded from them, calibrate its scores, and write the card.

    Args:
        run: with finished stages.
        out: folder to write, without a release.
        data: prepared datasets, whose validation people score the weights; the scores of joints are calibrated on the
            first one's.
        license: of the training data, for the card.
        name: of the weights; None for the run's folder.
        trained_on: the training data in words; None for the prepared data's name.
        storage: one of `checkpoints.storage.STORAGES`.
        notes: a file of Markdown for the end of the card.
        device: to predict on; None for a GPU if there is one.

    Returns:
        the files.

    Raises:
        PoseError: a run of other joints than MPII's, data that cannot be read or do not fit, and as `release_stages`
            does.
    """
    more = require_file(notes).read_text(encoding="utf-8") if notes else ""
    splits = [load_prepared(folder, "valid") for folder in data]
    before = load_cascade(run).to(choose_device(device))
    if before.stages[0].design.skeleton.names != MPII.names:
        names = ", ".join(before.stages[0].design.skeleton.names[:3])
        raise PoseError(f"{run}: places joints {names}, ...; a release places MPII's, so choose another run")
    about = {"name": name or run.resolve().name, **({"trained_on": trained_on} if trained_on else {})}
    files = release_stages(run, out, storage, about)
    after = load_cascade(out).to(choose_device(device))
    scored: list[ScoredPeople] = []
    score_map = None
    for split in splits:
        exact, *_ = PosePredictor.of(before).predict_split(split)
        poses, raw, sigma = PosePredictor.of(after).predict_split(split)
        gt = ground_truth(split.people, poses[-1])
        correct, calibrated = correct_joints(poses[-1], gt), None
        squared = squared_distances(poses[-1], np.where(gt.annotated[..., None], gt.joints, np.nan), sigma)
        if not scored and (score_map := ScoreMap.fit(raw, correct, gt.measure.title, fit_spread(squared))):
            files.append(score_map.save(out))
            calibrated = cross_fit(raw, correct)  # nobody's own joints are in the map that his are judged by
            squared = cross_spread(squared)
        elif score_map:
            calibrated, squared = score_map(raw), squared / score_map.spread**2
        scored.append(score_people(split, exact, poses, calibrated, correct, squared))
    metrics = {stage: to_tree({2: scores}) for stage, scores in scored[0].stages.items()}
    files.append(write_text(out / "metrics.json", json.dumps(metrics, indent=1)))
    headers = [read_header(file) for file in files if file.suffix == ".safetensors"]
    size = sum(file.stat().st_size for file in files)
    return [*files, write_text(out / "README.md", model_card(headers, license, size, scored, score_map) + more)]


def score_people(
    split: PreparedSplit, exact: np.ndarray, poses: np.ndarray, calibrated: np.ndarray | None, correct: np.ndarray,
    squared: np.ndarray,
) -> ScoredPeople:  # fmt: skip
    """What the card says of a dataset's validation people.

    Args:
        exact, poses: (T + 1, N, K, D) of the weights before and after rounding, image pixels.
        calibrated, correct, squared: (N, K) scores, correctness and squared distances, in standard deviations, of the
            last poses' joints.
    """
    people = split.people
    named = zip(stage_names(len(poses)), poses, strict=True)
    stages = {name: score_poses(pose, people, intervals=True)[2] for name, pose in named}
    change = score_poses(poses[-1], people, minus=exact[-1])[2]
    moved = np.linalg.norm(poses[-1] - exact[-1], axis=-1)[people.annotated]
    oks = None
    if people.skeleton.sigmas and np.isfinite(people.area).all():  # as COCO's annotations have them
        oks = score_oks(poses[-1], people, calibrated, None)
    calibration = None if calibrated is None else calibrate(calibrated, correct)
    return ScoredPeople(split.name, stages, change, moved, oks, calibration, calibrated, correct, coverage(squared))
