"""Where the error is: by joint and bone, person size, annotated joints, between two joints; and of which kind."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from evaluation import KINDS, GroundTruth, Scores, evaluate
from evaluation.metrics import DEFAULT_BOOTSTRAP, has_size, relative_errors
from evaluation.report import plots
from evaluation.report.material import Entry, Run, Section, View
from evaluation.report.tables import Cell, Table, cell, file_name, join_groups, joints_table, kinds_table, metric_cells
from heads.skeleton import BOX_PER_SCALE

Parts = dict[str, np.ndarray]  # of the data: its label on an axis or in a table -> (N,) bool, who is in it


def parts_by_size(gt: GroundTruth, count: int = 4) -> Parts:
    """`count` parts of about equally many people, from small to large, named by their height in image pixels.

    A height is 200 times MPII's scale. People of unknown scale, or without a joint, are in no part; with no known scale
    there is no part.
    """
    known = has_size(gt.scale) & gt.annotated.any(axis=1)
    height = BOX_PER_SCALE * np.where(known, gt.scale, np.nan)
    edges = np.unique(np.quantile(height[known], np.linspace(0, 1, count + 1))).tolist() if known.any() else []
    return {
        f"{low:.0f} to {high:.0f}": (height >= low) & ((height <= high) if high == edges[-1] else (height < high))
        for low, high in pairwise(edges if len(edges) != 1 else edges * 2)
    }


def parts_by_annotated(gt: GroundTruth) -> Parts:
    """People by how many of their K joints are annotated: up to half, to three quarters, all but some, all.

    Empty parts, and people without any joint, are left out.
    """
    joints, counts = len(gt.skeleton), gt.annotated.sum(axis=1)
    parts, edges = {}, sorted({0, joints // 2, 3 * joints // 4, joints - 1, joints})
    for low, high in pairwise(edges):
        inside = (counts > low) & (counts <= high)
        label = f"all {joints}" if low == joints - 1 else f"{high}" if low == high - 1 else f"{low + 1} to {high}"
        if inside.any():
            parts[label] = inside
    return parts


# How people are divided, the title, and a caption.
PARTS = {
    "size": (parts_by_size, "By person size", "People in quarters by their height in the image, 200 x scale, in px."),
    "annotated": (parts_by_annotated, "By annotated joints", "People by how many joints they have."),
}


def breakdown(pred: ArrayLike, gt: GroundTruth, parts: Parts) -> dict[str, Scores]:
    """The scores of each part, by its label, with confidence intervals over its people; see `evaluate`."""
    options = {"thresholds": (gt.measure.main,), "bootstrap": DEFAULT_BOOTSTRAP}
    return {label: evaluate(np.asarray(pred)[rows], gt.select(rows), **options) for label, rows in parts.items()}


def make_joints_section(results: Mapping[str, Scores]) -> Section:
    """PCKh over thresholds, and per-joint and per-bone scores of some stages: a plot each, and a table per stage.

    Args:
        results: name -> scores in 2D.
    """
    tables = {f"joints-{file_name(name)}": joints_table(scores, f"{name}. ") for name, scores in results.items()}
    measure, drawn = next(iter(results.values())).measure, any(scores.bootstrap for scores in results.values())
    curves = (
        f"Mean {measure.name} over the threshold; in the legend the area under it from 0 to 0.5, 100 for a perfect "
        f"prediction.{' Bands, and lines below: 95 % confidence intervals over people.' * drawn}"
    )
    main, pixels = measure.name_at(measure.main), "mean error (image px)"
    figures = {f"{measure.block}-curves": (curves, plots.pckh_curves(results))}
    for name, metric, title, xlabel, caption in (
        (f"{measure.block}-per-joint", main, f"{measure.title} per joint", f"{measure.name} (%)",
         f"{measure.title}{measure.note} of each joint."),
        ("joint-error", "joint_error", "Joint error per joint", pixels,
         "Mean distance of each joint to the ground truth."),
        ("bone-error", "bone_error", "Bone error per joint", pixels,
         "Mean error of each bone, named by the joint that it leads from to its parent."),
    ):  # fmt: skip
        values = {stage: scores[metric].per_part for stage, scores in results.items()}
        figures[name] = caption, plots.joint_dots(values, title, xlabel)
    return Section("Curves, joints and bones", tables=tables, figures=figures, folded=frozenset(tables))


def make_parts_section(runs: Sequence[Run], view: View, scaled: bool) -> Section:
    """The section, of the last stages of the runs that have predictions of it.

    Args:
        scaled: whether some person's scale is known. Crop pixels make people of all sizes comparable; without a scale
            there are only image pixels.
    """
    viewed = [(run.name, *view(2, run.poses[run.last])) for run in runs if run.last in run.poses]
    error, unit = ("joint_error_crop", "crop px") if scaled else ("joint_error", "image px")
    text, tables, drawn = [], {}, {}
    for key, (divide, title, caption) in PARTS.items():
        parts = {name: breakdown(pose, gt, divide(gt)) for name, gt, (pose,) in viewed}
        if not any(parts.values()):
            text.append(f"{title}: nothing to show, as no person has what it takes (a scale, say).")
            continue
        values = {name: {label: part[error].overall for label, part in each.items()} for name, each in parts.items()}
        rows = tuple(
            (label, Cell(part.people, digits=0), *(cell(each[label]) for each in values.values()))
            for label, part in next(iter(parts.values())).items()
        )
        words = f"{title}: mean joint error in {unit.replace('px', 'pixels')}"
        tables[f"error-by-{key}"] = Table(words, ("", "People", *parts), rows)
        drawn[f"error-by-{key}"] = caption, (values, title, f"mean joint error ({unit})")
    values = {name: {str(far): each for far, each in relative_errors(gt, poses).items()} for name, gt, poses in viewed}
    if any(values.values()):  # a single joint has no pairs
        title, xlabel = "By the bones between two joints", "mean error of their relative position (image px)"
        caption = (
            "Relative positions of two joints (Eq. 6). With one bone between them it is the bone error; the loss of "
            "`all` supervises those far apart too."
        )
        rows = tuple((name, *map(cell, each.values())) for name, each in values.items())
        tables["error-by-path"] = Table(f"{title}: {xlabel}", ("bones between", *next(iter(values.values()))), rows)
        drawn["error-by-path"] = caption, (values, title, xlabel)
    figures = {
        name: (f"{caption} Lines are 95 % confidence intervals.", plots.joint_dots(*each))
        for name, (caption, each) in drawn.items()
    }
    return Section("Where the error is", text, tables, figures, folded=frozenset(tables))


def make_kinds_section(entries: Sequence[Entry]) -> Section | None:
    """The Mean of each kind by method with the paired differences, dots, and a folded table per method.

    Args:
        entries: in 2D, of which the last of each name is shown, unless it was scored without kinds of error; None is
            returned if all were.
    """
    names, lasts = [f"kind_{kind}" for kind in KINDS], {entry.name: entry for entry in entries}
    named = {name: entry for name, entry in lasts.items() if "kind_good" in entry.scores.metrics}
    if not named:
        return None
    shares = [(name, *metric_cells(entry.scores, names)) for name, entry in named.items()]
    groups = [
        (f"Δ to {entry.reference}", [(name, *metric_cells(entry.difference, names, signed=True))])
        for name, entry in named.items() if entry.difference
    ]  # fmt: skip
    errors = {name: {kind: entry.scores[f"kind_{kind}"].overall for kind in KINDS[1:]} for name, entry in named.items()}
    tables = {f"kinds-{file_name(name)}": kinds_table(entry.scores, f"{name}. ") for name, entry in named.items()}
    example, rows = next(iter(tables.values())), join_groups([("Shares", shares), *groups])
    summary = Table("Kinds of error in % of the joints", example.head, rows, example.note)
    plot = plots.joint_dots(errors, "Kinds of error", "points gained if repaired")
    figures = {"error-kinds": ("What the Mean would gain if all joints of a kind were right, with 95 % CIs.", plot)}
    return Section("Kinds of error", tables={"kinds": summary, **tables}, figures=figures, folded=frozenset(tables))
