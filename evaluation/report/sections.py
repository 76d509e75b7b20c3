"""The report's sections, each from scores; what there is nothing to show for is said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.breakdown import PartScores
from evaluation.metrics.calibration import Calibration
from evaluation.metrics.evaluate import Scores
from evaluation.metrics.measures import PCKH, Measure
from evaluation.metrics.movement import Movement
from evaluation.report import paper_tables, plots
from evaluation.report.page import Section
from evaluation.report.paper_tables import readable
from evaluation.report.tables import Cell, Table, cell
from heads.skeleton import MPII, Skeleton

CURVE_POINTS = 150
Curve = Sequence[tuple[float, float]]


def runs_section(records: Mapping[str, Mapping[str, Any]]) -> Section:
    """What was trained: one row per run, from the record in its stages; runs without a record are left out."""
    columns = {
        "Method": ("method",),
        "Data": ("data",),
        "People": ("people",),
        "Network": ("preset", "backbone"),
        "Input px": ("size",),
        "Epochs": ("preset", "epochs"),
        "Kept": ("kept",),
        "Batch size": ("preset", "batch_size"),
        "Seed": ("seed",),
    }

    def field(record: Mapping[str, Any], path: Sequence[str]) -> str:
        value = record
        for key in path:
            value = value.get(key, {})
        return "-" if value == {} else f"{value:g}" if isinstance(value, float) else str(value)

    rows = tuple(
        (name, *(field(record, path) for path in columns.values())) for name, record in records.items() if record
    )
    if not rows:
        return Section("Runs", text=("No run folder holds a trained stage, so how they were trained is not known.",))
    return Section("Runs", tables={"runs": Table("How each run was trained", ("", *columns), rows)})


def joints_section(results: Mapping[str, Scores], skeleton: Skeleton = MPII) -> Section:
    """PCKh over thresholds, and per-joint and per-bone scores of some stages: a plot each, and tables per stage.

    Args:
        results: name -> scores.
        skeleton: names, parents and sides of the joints.
    """
    tables = {
        f"{what}-{file_name(name)}": make(name, scores, skeleton)
        for name, scores in results.items()
        for what, make in (("joints", paper_tables.joints_by_side), ("bones", paper_tables.bones_by_side))
    }
    measure = next(iter(results.values())).pckh.measure
    curves = (
        f"Mean {measure.name} over the threshold; in the legend the area under it from 0 to 0.5, 100 for a perfect "
        "prediction."
    )
    if any(scores.bootstrap for scores in results.values()):
        curves += " Bands, and bars below: 95 % confidence intervals over people."

    def errors(part: str) -> dict[str, dict[str, Estimate]]:
        found = {name: getattr(scores, part).per_part for name, scores in results.items()}
        return {name: {joint: error.image_px for joint, error in parts.items()} for name, parts in found.items()}

    pckh = {name: scores.pckh.per_joint[measure.main] for name, scores in results.items()}
    pixels, key = "mean error (image px)", measure.name.lower()
    pckh_bars = plots.joint_bars(pckh, f"{measure.title} per joint", f"{measure.name} (%)", limit=100)
    joint_bars = plots.joint_bars(errors("joint_error"), "Joint error per joint", pixels)
    bone_bars = plots.joint_bars(errors("bone_error"), "Bone error per joint", pixels)
    figures = {
        f"{key}-curves": (curves, plots.pckh_curves(results)),
        f"{key}-per-joint": (f"{measure.title}{measure.note} of each joint.", pckh_bars),
        "joint-error": ("Mean distance of each joint to the ground truth.", joint_bars),
        "bone-error": ("Mean error of each bone, named by the joint that it leads from to its parent.", bone_bars),
    }
    return Section("Curves, joints and bones", tables=tables, figures=figures, folded=frozenset(tables))


def breakdown_section(
    breakdowns: Mapping[str, Mapping[str, Mapping[str, PartScores]]],
    relative: Mapping[str, Mapping[int, Estimate]],
    unit: str,
    measure: Measure = PCKH,
) -> Section:
    """Where the error is.

    Args:
        breakdowns: 'size', 'annotated' and 'group' -> method -> what `breakdown` found; without parts, said in words.
        relative: method -> what `relative_errors` found; {} leaves them out.
        unit: 'crop_px', or 'image_px' if no scale is known.
        measure: of the parts' scores.
    """
    about = {
        "size": ("By person size", "person height in the image, 200 x scale (px)", "People in quarters by their size."),
        "annotated": ("By annotated joints", "annotated joints of a person", "People by how many joints they have."),
        "group": ("By joint group", "joint group", "All people; left and right together."),
    }

    def error(part: PartScores) -> Estimate:
        return getattr(part.joint_error, unit)

    figures, tables, text = {}, {}, []
    for key, (title, xlabel, caption) in about.items():
        methods = breakdowns[key]
        if not any(methods.values()):
            text.append(f"{title}: nothing to show, as no person has what it takes (a scale, say).")
            continue
        values = {name: {label: error(part) for label, part in parts.items()} for name, parts in methods.items()}
        plot = plots.part_points(values, title, xlabel, f"mean joint error ({unit.replace('_', ' ')})")
        figures[f"error-by-{key}"] = (f"{caption} Bars are 95 % confidence intervals.", plot)
        for name, metric, words in (
            ("error", error, f"mean joint error in {unit.replace('_px', ' pixels')}"),
            (measure.name.lower(), lambda part: part.mean_pckh, f"{measure.title}{measure.note} in %"),
        ):
            tables[f"{name}-by-{key}"] = paper_tables.breakdown_table(f"{title}: {words}", methods, metric)
    if any(relative.values()):  # a single joint has no pairs
        figures["error-by-path"], tables["error-by-path"] = errors_by_path(relative)
    return Section("Where the error is", tuple(text), tables, figures, folded=frozenset(tables))


def errors_by_path(relative: Mapping[str, Mapping[int, Estimate]]) -> tuple[tuple[str, Figure], Table]:
    """Errors of relative positions by the number of bones between two joints: captioned plot, and table."""
    title, unit = "By the bones between two joints", "mean error of their relative position (image px)"
    values = {name: {str(length): error for length, error in found.items()} for name, found in relative.items()}
    caption = (
        "Relative positions of two joints (Eq. 6). With one bone between them it is the bone error; the loss of `all` "
        "supervises those far apart too. Bars are 95 % confidence intervals."
    )
    rows = ((name, *map(cell, found.values())) for name, found in values.items())
    table = Table(f"{title}: {unit}", ("bones between", *next(iter(values.values()))), tuple(rows))
    return (caption, plots.part_points(values, title, "bones on the path between two joints", unit)), table


def movement_section(
    moved: Mapping[str, Movement],
    before: np.ndarray,
    after: np.ndarray,
    true: np.ndarray,
    captions: Sequence[str],
    run: str,
    skeleton: Skeleton = MPII,
) -> Section:
    """Stage 0 -> stage 1.

    Args:
        moved: run -> how its joints moved.
        before, after, true: (P, K, 2) of people to draw, image pixels.
        captions: P titles.
        run: whose poses are drawn.
        skeleton: names and parents of the joints.
    """
    everything = {name: found.all for name, found in moved.items()}
    tables = {"movement": paper_tables.movement_table("What stage 1 does to the joints of stage 0", everything)} | {
        f"movement-{file_name(name)}": paper_tables.movement_table(
            f"{name}: how each joint moves", {joint.replace("_", " "): part for joint, part in found.per_joint.items()}
        )
        for name, found in moved.items()
    }
    figures = {}
    if len(captions):
        caption = (
            f"{run}: an arrow runs from a joint's place after stage 0 to its place after stage 1. "
            "The first are the people whom stage 1 helps most, the middle ones have the median change, the last are "
            "those whom it harms most. Above each, the change of the mean joint error."
        )
        figures["movement"] = (caption, plots.movement_arrows(before, after, true, captions, skeleton=skeleton))
    return Section("From stage 0 to stage 1", tables=tables, figures=figures, folded=frozenset(tables) - {"movement"})


def scores_section(calibrations: Mapping[str, tuple[Calibration, Calibration]], measure: Measure = PCKH) -> Section:
    """Whether the joints' scores know which joints are correct.

    Args:
        measure: of what is correct.
        calibrations: run -> what `calibrate` found of its scores as predicted, and of the cross-fitted ones.
    """
    text = (
        "A joint's score, from 0 to 1, says how sure the network is of it; a joint is correct within "
        f"{measure.main:g} {measure.unit} of the ground truth, as in {measure.title}. Calibrated scores are the "
        "predicted ones through a map that never falls, fitted to the share correct: for each half of the people on "
        "the other half, so that nobody's own joints are in it."
    )

    def row(name: str, found: Calibration) -> tuple[Cell | str, ...]:
        values = (found.score, found.correct, found.correlation, found.auc, found.error)
        return name, Cell(found.joints, digits=0), *(cell(value, digits=3) for value in values)

    table = Table(
        title="Scores of joints and their correctness",
        head=("", "Joints", "Mean score", "Share correct", "Correlation", "AUC", "Calibration error"),
        rows=tuple(
            row(f"{run}, {name}", found)
            for run, both in calibrations.items()
            for name, found in zip(("as predicted", "calibrated"), both, strict=True)
        ),
        note="Correlation: Pearson's r of score and correctness. AUC: the chance that a correct joint's score is above "
        "that of a wrong one. Calibration error: the mean distance of score and share correct over ten bins.",
    )
    caption = "Share correct over the mean score, in tenths of the score; on the diagonal scores mean what they say."
    figures = {
        f"reliability-{file_name(run)}": (
            f"{run}: {caption}",
            plots.reliability_plot({"as predicted": before, "calibrated": after}, f"{run}: reliability of scores"),
        )
        for run, (before, after) in calibrations.items()
    }
    return Section("Scores", (text,), {"scores": table}, figures)


def people_section(pictures: Sequence[tuple[str, np.ndarray]], run: str, measure: Measure = PCKH) -> Section:
    """Pictures of the worst and the median people of a run, or a sentence if there are none."""
    if not pictures:
        return Section("People", text=("No images were given, so nobody is drawn on one; --images DIR names them.",))
    text = (
        f"{run}: the worst and the median people by mean joint error in {measure.unit}. Orange: the person's right "
        "side; blue: left; yellow: center; thin white: the ground truth; pink arrows: from stage 0 to stage 1."
    )
    return Section("People", text=(text,), pictures=pictures)


def training_section(
    curves: Mapping[str, Mapping[str, Curve]],
    validations: Mapping[str, Mapping[str, Sequence[Sequence]]],
    measure: Measure = PCKH,
) -> Section:
    """Curves of the training loss, and of what was validated as the training went.

    Args:
        curves: run -> stage -> (step, loss) points; thinned to means for the plot.
        validations: run -> stage -> (step, PCKh, joint error, bone error, joint error in mm) of each validation, None
            where undefined.
        measure: of the validations' PCKh, or PCK.
    """
    shown = {measure.title: f"mean {measure.name} (%)", "Joint error": "joint error (image px)",
             "Bone error": "bone error (image px)", "Joint error in mm": "Joint Error (mm)"}  # fmt: skip
    figures = {}
    for stage in dict.fromkeys(stage for stages in curves.values() for stage in stages):
        drawn = {run: thin(stages[stage]) for run, stages in curves.items() if stages.get(stage)}
        if drawn:
            title = f"{readable(stage)}: training loss"
            plot = plots.training_curves(drawn, "loss (standard deviations)", title)
            figures[f"training-{file_name(stage)}"] = (f"Training loss of {readable(stage)}.", plot)
        validated = {run: stages[stage] for run, stages in validations.items() if stages.get(stage)}
        for column, (name, ylabel) in enumerate(shown.items(), start=1) if validated else ():
            points = {run: [(row[0], row[column]) for row in rows] for run, rows in validated.items()}
            if all(value is None for rows in points.values() for _, value in rows):
                continue
            plot = plots.training_curves(points, ylabel, f"{readable(stage)}: {name} of the validation people")
            caption = f"{name} of the validation people as {readable(stage)} trained."
            figures[f"validation-{file_name(name)}-{file_name(stage)}"] = (caption, plot)
    if not figures:
        return Section("Training", text=("No run folder holds a training log.",))
    return Section("Training", figures=figures)


def thin(points: Curve, most: int = CURVE_POINTS) -> list[tuple[float, float]]:
    """The points, or the means of equal stretches of them if there are more than `most`."""
    if len(points) <= most:
        return list(points)
    stretches = np.array_split(np.asarray(points, dtype=np.float64), most)
    return [tuple(stretch.mean(axis=0).tolist()) for stretch in stretches]


def file_name(name: str) -> str:
    """A name in lower-case letters, digits, '_' and '-'."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in name.lower()).strip("-")
