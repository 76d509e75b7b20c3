"""How the training went: curves of the loss and of what was validated, and how each run was trained."""

from collections.abc import Sequence

import numpy as np

from evaluation.metrics import PCKH, Measure
from evaluation.report.material import Run, Section
from evaluation.report.plots import line_plot
from evaluation.report.tables import Table, file_name, readable

CURVE_POINTS = 150
# What is validated beside PCKh, and the label of its axis.
VALIDATED = (
    ("Joint error", "joint error (image px)"),
    ("Bone error", "bone error (image px)"),
    ("Joint error in mm", "Joint Error (mm)"),
)
Curve = Sequence[tuple[float, float]]


def make_section(runs: Sequence[Run], measure: Measure = PCKH) -> Section:
    """Curves of the training loss, and of what was validated as the training went. `measure`: of the validations."""
    shown = [(measure.title, f"mean {measure.name} (%)"), *VALIDATED]
    figures = {}
    for stage in dict.fromkeys(stage for run in runs for stage in run.curves):
        if drawn := {run.name: thin(run.curves[stage]) for run in runs if run.curves.get(stage)}:
            plot = line_plot(drawn, f"{readable(stage)}: training loss", "step", "loss (standard deviations)")
            figures[f"training-{file_name(stage)}"] = (f"Training loss of {readable(stage)}.", plot)
        validated = {run.name: run.validations[stage] for run in runs if run.validations.get(stage)}
        for column, (name, ylabel) in enumerate(shown, start=1) if validated else ():
            points = {run: [(row[0], row[column]) for row in rows] for run, rows in validated.items()}
            if all(value is None for rows in points.values() for _, value in rows):
                continue
            plot = line_plot(points, f"{readable(stage)}: {name} of the validation people", "step", ylabel)
            figures[f"validation-{file_name(name)}-{file_name(stage)}"] = (
                f"{name} of the validation people as {readable(stage)} trained.",
                plot,
            )
    text = () if figures else ("No run folder holds a training log.",)
    facts = {key: {run.name: getattr(run, key) for run in runs} for key in ("curves", "validations")}
    return Section("Training", text, figures=figures, facts=facts)


def thin(points: Curve, most: int = CURVE_POINTS) -> list[tuple[float, float]]:
    """The points, or the means of equal stretches of them if there are more than `most`."""
    if len(points) <= most:
        return list(points)
    stretches = np.array_split(np.asarray(points, dtype=np.float64), most)
    return [tuple(stretch.mean(axis=0).tolist()) for stretch in stretches]


def make_runs_section(runs: Sequence[Run]) -> Section:
    """What was trained: one row per run, from the record in its stages; runs without a record are left out."""
    columns = {"Method": "method", "Data": "data", "People": "people", "Network": "backbone", "Input px": "size",
               "Epochs": "epochs", "Kept": "kept", "Batch size": "batch_size", "Seed": "seed"}  # fmt: skip
    known = {run.name: {**run.record.get("preset", {}), **run.record} for run in runs if run.record}
    if not known:
        return Section("Runs", text=("No run folder holds a trained stage, so how they were trained is not known.",))
    values = {name: [each.get(key, "-") for key in columns.values()] for name, each in known.items()}
    rows = (
        (name, *(f"{one:g}" if isinstance(one, float) else str(one) for one in row)) for name, row in values.items()
    )
    return Section("Runs", tables={"runs": Table("How each run was trained", ("", *columns), tuple(rows))})
