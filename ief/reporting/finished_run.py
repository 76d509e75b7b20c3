"""What a finished run's folder holds for the report: figures, predictions, curves and how it was trained."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from checkpoints.errors import PoseError
from evaluation.metrics.distances import joint_error
from evaluation.metrics.evaluate import Tree
from heads.methods import METHODS
from ief.model.run_folder import stage_file
from ief.reporting.scoring import score
from mpii_tools.people import People
from mpii_tools.results.predictions import align, read_predictions


@dataclass(frozen=True)
class FinishedRun:
    """What a run folder holds for the report.

    Attributes:
        name: in the tables.
        method: of Table 1, '' where unknown.
        record: how stage 0 was trained, {} where it is not there.
        stages: 'mean_pose', 'stage0', 'stage1' -> dict of `evaluate`.
        curves: stage -> (step, loss) points.
        poses: stage -> (N, K, 2) predictions of the people reported on, image pixels; {} without people.
    """

    name: str
    method: str
    record: Tree
    stages: dict[str, Tree]
    curves: dict[str, list[tuple[float, float]]]
    poses: dict[str, np.ndarray]

    @property
    def last(self) -> str:
        """The last stage's name."""
        return list(self.stages)[-1]


def run_names(runs: Sequence[Path]) -> list[str]:
    """The folders' names, with as many parents before them as it takes to tell them apart.

    Raises:
        PoseError: no run, or the same folder twice.
    """
    paths = [folder.resolve() for folder in runs]
    if not paths or len(set(paths)) < len(paths):
        raise PoseError(f"report: needs one or more different run folders, found {', '.join(map(str, runs)) or 'none'}")
    parts = 1
    while len({"/".join(path.parts[-parts:]) for path in paths}) < len(paths):
        parts += 1
    return ["/".join(path.parts[-parts:]) for path in paths]


def load_run(folder: Path, name: str, people: People | None) -> FinishedRun:
    """What a run folder holds; stages that metrics.json lacks, or scored on others than `people`, are scored here.

    Raises:
        PoseError: neither metrics.json nor, with people, predictions; predictions of other people.
    """
    record = load_record(folder)
    method = record.get("method", name if name in METHODS else "")
    poses = load_poses(folder, people) if people is not None else {}
    metrics = load_metrics(folder) if not poses or (folder / "metrics.json").exists() else {}
    stages = {}
    for stage in dict.fromkeys([*metrics, *poses]):
        tree = metrics.get(stage, {})
        if stage in poses and not describes(tree, poses[stage], people):
            tree = score(poses[stage], people, tree.get("convention", "official"), intervals=True)
        stages[stage] = tree
    return FinishedRun(name, method, record, stages, load_curves(folder), poses)


def load_metrics(run: Path) -> dict[str, Tree]:
    """`metrics.json` of a run. Raises PoseError where it is missing or corrupt."""
    path = run / "metrics.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        if not metrics or not all({"convention", "persons", "pckh", "joint_error"} <= set(t) for t in metrics.values()):
            raise PoseError(f"{path}: holds no figures of stages; `ief train` writes it again")
        return metrics
    except FileNotFoundError:
        raise PoseError(f"{run}: has no metrics.json; finish it with `ief train` first") from None
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); `ief train` writes it again") from error


def load_record(run: Path) -> Tree:
    """How stage 0 of a run was trained, from its file's header; {} where the run holds no trained stage.

    Raises:
        PoseError: a header that cannot be read. The weights are not looked at.
    """
    path = stage_file(run, 0)
    if not path.exists():
        return {}
    try:
        with safe_open(path, framework="np") as file:
            return json.loads((file.metadata() or {})["description"])["training"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise PoseError(f"{path}: no stage of this project, or corrupt ({error}); copy or train it again") from error


def load_poses(run: Path, people: People) -> dict[str, np.ndarray]:
    """Stage -> (N, K, 2) predictions of the people, from the run's predictions-valid*.npz.

    Raises:
        PoseError: a corrupt file, or predictions of other people.
    """
    found = {}
    for path in run.glob("predictions-valid*.npz"):
        predictions = read_predictions(path)
        try:
            found[predictions.stage] = align(predictions, people).joints
        except PoseError as error:
            raise PoseError(f"{path}: {error}") from error
    return {"mean_pose" if stage < 0 else f"stage{stage}": found[stage] for stage in sorted(found)}


def load_curves(run: Path) -> dict[str, list[tuple[float, float]]]:
    """Stage -> (step, loss) points. Raises PoseError for a corrupt log."""
    curves = {}
    for path in sorted(run.glob("stage*/log.csv")):
        try:
            rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
            curves[path.parent.name] = [(float(row["step"]), float(row["loss"])) for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise PoseError(f"{path}: corrupt ({error}); remove it, the report does without") from error
    return curves


def describes(tree: Tree, poses: np.ndarray, people: People) -> bool:
    """Whether a dict of `evaluate` holds intervals and is of these poses and people."""
    if "interval" not in tree or tree["persons"] != len(people):
        return False
    now = joint_error(poses, people.joints, people.scale, people.annotated)
    return bool(np.isclose(now.image_px, tree["joint_error"]["image_px"], rtol=1e-9))
