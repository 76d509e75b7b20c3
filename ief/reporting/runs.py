"""What a finished run's folder holds for the report: scores, predictions, curves and how it was trained."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import PoseError, name_corrupt, read_text
from checkpoints.files import distinct_names
from checkpoints.weights import read_header
from evaluation.metrics.json_format import Json, scores_from_json
from evaluation.report.material import PREDICTED, Run
from evaluation.report.tables import readable
from heads import METHODS, MPII
from ief.model.run_folder import METRICS
from ief.reporting.evaluate import drop_fillers, list_doubts
from ief.reporting.scoring import KEY, ScoresByDimension, load_predictions, score_poses
from mpii_tools.people import People
from mpii_tools.results.matching import align_annotated
from mpii_tools.results.predictions import read_predictions
from mpii_tools.skeletons import skeleton_from_json


def name_inputs(inputs: Sequence[str | Path]) -> dict[str, Path]:
    """Name -> a run's folder or a file of predictions, each given as its path or as NAME=PATH.

    Without a name it is the folder's or the file's, with as many folders before it as it takes to tell them apart.

    Raises:
        PoseError: nothing, the same path or name twice, or no such file or folder.
    """
    names, paths = [], []
    for given in map(str, inputs):
        name, _, path = ("", "", given) if Path(given).exists() else given.rpartition("=")
        names.append(name)
        paths.append(Path(path).resolve())
        if not path or not paths[-1].exists():
            raise PoseError(f"report: {given}: no such run folder or file of predictions; give its path, or NAME=PATH")
    named = {name or own: path for name, own, path in zip(names, distinct_names(paths), paths, strict=True)}
    if not paths or len({*paths}) < len(paths) or len(named) < len(paths):
        raise PoseError(
            "report: needs one or more different run folders or files of predictions, of different names, found "
            f"{', '.join(map(str, inputs)) or 'none'}"
        )
    return named


def load_file(path: Path, name: str, people: People | None, first_pixel: int | None, **options: Any) -> Run:
    """A file of predictions that `ief evaluate` reads, of those people who have an annotated joint, without fillers.

    Args:
        options: `limits` and `others` of `score_poses`.

    Raises:
        PoseError: no people, or a file that cannot be read or does not go with them.
    """
    if people is None:
        raise PoseError(f"{path}: a file of predictions needs the people: add --annotations or --data")
    aligned, shown = align_annotated(read_predictions(path, people.joint_names, first_pixel), people)
    annotated = shown.annotated.any(axis=1)
    shown = shown.select(annotated)
    joints, note = drop_fillers(path, aligned.joints[annotated], shown)
    doubts = [*filter(None, [note]), *list_doubts(joints, shown)]
    scores = {} if aligned.scores is None else {PREDICTED: aligned.scores[annotated]}
    stages = {PREDICTED: score_poses(joints, shown, intervals=True, **options)}
    return Run(name, "", {}, shown.skeleton, stages, poses={PREDICTED: joints}, scores=scores, doubts=doubts)


def load_run(folder: Path, name: str, people: People | None, **options: Any) -> Run:
    """What a run folder holds, with the scores of its predictions of `people`, else those of metrics.json.

    Those of metrics.json are also what is known of stages without predictions, and in 3D of people without depth.

    Args:
        options: `limits` and `others` of `score_poses`.

    Raises:
        PoseError: neither metrics.json nor, with people, predictions; predictions of other people.
    """
    record, design = load_record(folder)
    skeleton = MPII if people is None else people.skeleton
    skeleton = skeleton_from_json(design["skeleton"]) if "skeleton" in design else skeleton
    method = record.get("method", name if name in METHODS else "")
    predicted = load_predictions(folder, people) if people is not None else {}
    poses = {stage: each.joints for stage, each in predicted.items()}
    stages = load_metrics(folder) if not poses or (folder / "metrics.json").exists() else {}
    for stage, joints in poses.items():
        stages[stage] = stages.get(stage, {}) | score_poses(joints, people, intervals=True, **options)
    scores = {stage: each.scores for stage, each in predicted.items() if each.scores is not None}
    scores = {stage: each for stage, each in scores.items() if np.isfinite(each).any()}
    return Run(name, method, record, skeleton, stages, *load_curves(folder), poses, scores)


def load_metrics(run: Path) -> dict[str, ScoresByDimension]:
    """The scores by stage in `metrics.json` of a run. Raises PoseError if it is missing or corrupt."""
    if not (path := run / "metrics.json").exists():
        raise PoseError(f"{run}: has no metrics.json; finish it with `ief train` first")
    with name_corrupt(path, "`ief train` writes it again"):
        metrics = json.loads(read_text(path))
        if not metrics or not all({"convention", "joint_error"} <= set(tree) for tree in metrics.values()):
            raise PoseError(f"{path}: holds no scores of stages; `ief train` writes it again")
        return {
            stage: {2: scores_from_json(tree), **({3: scores_from_json(tree[KEY])} if KEY in tree else {})}
            for stage, tree in metrics.items()
        }


def load_record(run: Path) -> tuple[Json, Json]:
    """How stage 0 of a run was trained, and in `kept` which weights are kept; and its design; {} without a stage.

    `kept` is `last`, or `best validated, stage 0: epoch 12 of 25`.

    Raises:
        PoseError: a header that cannot be read. The weights are not looked at.
    """
    stages, best = [], []
    for path in sorted(run.glob("stage*/stage.safetensors")):
        with name_corrupt(path, "copy or train it again"):
            stage = read_header(path)
            stages.append(({**stage["training"]}, {**stage.get("design", {})}))
            kept = stage.get("kept", {})  # older stages, which do not say it, hold the last weights
            if kept.get("weights") == "best":
                epochs = f"{kept['epoch']:.4g} of {stage['training']['preset']['epochs']:g}"
                best.append(f"{readable(path.parent.name)}: epoch {epochs}")
    if not stages:
        return {}, {}
    kept = f"best validated, {', '.join(best)}" if best else "last"
    return {**stages[0][0], "kept": kept}, stages[0][1]


def load_curves(run: Path) -> tuple[dict[str, list], dict[str, list]]:
    """Stage -> (step, loss) points, and stage -> (step, *METRICS) of its validations, if any.

    Raises:
        PoseError: a corrupt log.
    """
    curves, validations = {}, {}
    for path in sorted(run.glob("stage*/log.csv")):
        with name_corrupt(path, "remove it, the report does without"):
            rows, stage = list(csv.DictReader(read_text(path).splitlines())), path.parent.name
            if not np.isfinite([float(value) for row in rows for value in row.values() if value]).all():
                raise ValueError("a number that is not finite")
            curves[stage] = [(float(row["step"]), float(row["loss"])) for row in rows]
            validated = [[row["step"], *map(row.get, METRICS)] for row in rows if any(map(row.get, METRICS))]
            if validated:
                validations[stage] = [tuple(float(value) if value else None for value in row) for row in validated]
    return curves, validations
