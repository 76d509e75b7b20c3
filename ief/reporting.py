"""The report of one or several runs: one HTML page, its figures as JSON beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from checkpoints.files import write_text
from evaluation.metrics import Tree
from evaluation.plots import joint_bars, pckh_curves, training_curves
from evaluation.report import render_report
from heads.errors import BadInput
from ief.run import STAGES, stage_folder


def load_metrics(run: Path) -> dict[str, Tree]:
    """`metrics.json` of a run. Raises BadInput where it is missing or torn."""
    path = run / "metrics.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{run}: has no metrics.json; finish it with `ief train` first") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: torn ({error}); `ief train` writes it again") from error


def load_curves(run: Path) -> dict[str, list[tuple[float, float]]]:
    """(step, loss) of each trained stage of a run."""
    curves = {}
    for index in range(STAGES):
        path = stage_folder(run, index) / "log.csv"
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                curves[f"stage {index}"] = [(float(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    return curves


def readable(name: str) -> str:
    """`mean_pose` -> `mean pose`, `stage1` -> `stage 1`."""
    return name.replace("_", " ").replace("stage", "stage ")


def write_report(
    runs: Sequence[Path], out: Path, title: str, lead: str = "", overlays: Sequence[tuple[str, np.ndarray]] = ()
) -> Path:
    """Write `out`/index.html and `out`/results.json for finished runs; returns the page's path.

    Raises:
        BadInput: where a run is not finished.
    """
    results, curves = {}, {}
    for run in runs:
        prefix = f"{run.name} " if len(runs) > 1 else ""
        results |= {f"{prefix}{readable(name)}": tree for name, tree in load_metrics(run).items()}
        curves |= {f"{prefix}{name}": curve for name, curve in load_curves(run).items()}
    plots = [
        ("PCKh over thresholds", pckh_curves(results)),
        ("PCKh@0.5 per joint", joint_bars(results, "pckh", "0.5", "per_joint")),
        ("Joint error, image pixels", joint_bars(results, "joint_error", "per_joint")),
        ("Bone error, image pixels", joint_bars(results, "bone_error", "per_bone")),
    ]
    if any(curves.values()):
        plots.append(("Training loss", training_curves(curves, "loss (standard deviations)")))
    write_text(out / "results.json", json.dumps(results, indent=1))
    return write_text(out / "index.html", render_report(title, results, lead=lead, overlays=overlays, plots=plots))
