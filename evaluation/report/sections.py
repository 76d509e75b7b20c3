"""The report's sections, each from plain figures; what there is nothing to show for is said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.metrics.evaluate import Tree
from evaluation.metrics.spread import Spread
from evaluation.report.page import Section
from evaluation.report.paper_tables import (
    Entry,
    bones_by_side,
    breakdown_table,
    joints_by_side,
    movement_table,
    readable,
    spread_table,
    table_7,
    table_8,
)
from evaluation.report.plots import joint_bars, movement_arrows, part_points, pckh_curves, spread_bars, training_curves
from evaluation.report.published import PublishedRow
from evaluation.report.tables import Table
from heads.skeleton import MPII, Skeleton

CURVE_POINTS = 150
Curve = Sequence[tuple[float, float]]


def runs_section(records: Mapping[str, Tree]) -> Section:
    """What was trained: one row a run, from the record in its stages; runs without a record are left out."""
    columns = {
        "Method": ("method",),
        "Data": ("data",),
        "People": ("persons",),
        "Network": ("preset", "backbone"),
        "Input px": ("size",),
        "Passes": ("preset", "passes"),
        "Batch": ("preset", "batch"),
        "Seed": ("seed",),
    }

    def field(record: Tree, path: Sequence[str]) -> str:
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


def table_7_section(entries: Sequence[Entry], text: Sequence[str] = ()) -> Section:
    """Table 7, under how its intervals came about."""
    return Section("Table 7: errors and PCKh by stage", text=tuple(text), tables={"table7": table_7(entries)})


def table_8_section(entries: Sequence[Entry], published: Mapping[str, PublishedRow]) -> Section:
    """Table 8 with published rows."""
    return Section("Table 8: PCKh by joint group", tables={"table8": table_8(entries, published)})


def joints_section(results: Mapping[str, Tree], skeleton: Skeleton = MPII) -> Section:
    """PCKh over thresholds, and per-joint and per-bone figures of some stages: a plot each, and tables a stage.

    Args:
        results: name -> dict of `evaluate`.
        skeleton: names, parents and sides of the joints.
    """
    tables = {
        f"{what}-{file_name(name)}": make(name, result, skeleton)
        for name, result in results.items()
        for what, make in (("joints", joints_by_side), ("bones", bones_by_side))
    }
    curves = (
        "Mean PCKh over the threshold; in the legend the area under it from 0 to 0.5, 100 for a perfect prediction."
    )
    if any("interval" in result for result in results.values()):
        curves += " Bands, and bars below: 95 % intervals over people."
    figures = {
        "pckh-curves": (curves, pckh_curves(results)),
        "pckh-per-joint": ("PCKh@0.5 of each joint.", joint_bars(results, "pckh", "0.5", "per_joint")),
        "joint-error": ("Mean distance of each joint to the truth.", joint_bars(results, "joint_error", "per_joint")),
        "bone-error": (
            "Mean error of each bone, named by the joint that it leads from to its parent.",
            joint_bars(results, "bone_error", "per_bone"),
        ),
    }
    return Section("Curves, joints and bones", tables=tables, figures=figures, folded=frozenset(tables))


def breakdown_section(breakdowns: Mapping[str, Mapping[str, Mapping[str, Tree]]], unit: str) -> Section:
    """Where the error sits.

    Args:
        breakdowns: 'size', 'annotated' and 'group' -> method -> dict of `breakdown`; without parts, said in words.
        unit: 'crop_px', or 'image_px' where no scale is known.
    """
    about = {
        "size": (
            "By person size",
            "person height in the image, 200 x scale (px)",
            "People in quarters by their size.",
        ),
        "annotated": ("By annotated joints", "annotated joints of a person", "People by how many joints they have."),
        "group": ("By joint group", "joint group", "All people; left and right together."),
    }
    words = unit.replace("_px", " pixels")
    figures, tables, text = {}, {}, []
    for key, (title, xlabel, caption) in about.items():
        methods = breakdowns[key]
        if not any(methods.values()):
            text.append(f"{title}: nothing to show, as no person has what it takes (MPII's scale, say).")
            continue
        figures[f"error-by-{key}"] = (f"{caption} Bars are 95 % intervals.", part_points(methods, title, xlabel, unit))
        error = breakdown_table(f"{title}: mean joint error in {words}", methods, "joint_error", unit)
        pckh = breakdown_table(f"{title}: PCKh@0.5 in %", methods, "pckh", "0.5", "groups", "Mean")
        tables |= {f"error-by-{key}": error, f"pckh-by-{key}": pckh}
    return Section("Where the error sits", tuple(text), tables, figures, folded=frozenset(tables))


def movement_section(
    moved: Mapping[str, Tree],
    before: np.ndarray,
    after: np.ndarray,
    truth: np.ndarray,
    captions: Sequence[str],
    run: str,
    skeleton: Skeleton = MPII,
) -> Section:
    """Stage 0 -> stage 1.

    Args:
        moved: run -> dict of `movement`.
        before, after, truth: (P, K, 2) of people to draw, image pixels.
        captions: P titles.
        run: whose poses are drawn.
        skeleton: names and parents of the joints.
    """
    everything = {name: tree["all"] for name, tree in moved.items()}
    tables = {"movement": movement_table("What stage 1 does to the joints of stage 0", everything)} | {
        f"movement-{file_name(name)}": movement_table(
            f"{name}: how each joint moves",
            {joint.replace("_", " "): part for joint, part in tree["per_joint"].items()},
        )
        for name, tree in moved.items()
    }
    figures = {}
    if len(captions):
        caption = (
            f"{run}: an arrow runs from a joint's place after stage 0 to its place after stage 1. "
            "The first are the people whom stage 1 helps most, the middle ones have the median change, the last are "
            "those whom it harms most. Above each, the change of the mean joint error."
        )
        figures["movement"] = (caption, movement_arrows(before, after, truth, captions, skeleton=skeleton))
    return Section("From stage 0 to stage 1", tables=tables, figures=figures, folded=frozenset(tables) - {"movement"})


def people_section(pictures: Sequence[tuple[str, np.ndarray]], run: str) -> Section:
    """Photographs of the worst and the median people of a run, or a sentence where there are none."""
    if not pictures:
        return Section("People", text=("No images were given, so nobody is drawn on one; --images DIR names them.",))
    text = (
        f"{run}: the worst and the median people by mean joint error in head sizes. Orange: the person's right side; "
        "blue: left; yellow: center; thin white: the truth; pink arrows: from stage 0 to stage 1."
    )
    return Section("People", text=(text,), pictures=pictures)


def spread_section(spread: Spread | None, whose: str, skeleton: Skeleton = MPII) -> Section:
    """Figure 1, right. `whose`: the people measured, in words; without a spread the section says so."""
    heading = "Figure 1: joints against bones"
    if spread is None:
        return Section(heading, text=("No annotations with MPII's center and scale were given to measure it on.",))
    kinds = spread.by_kind(skeleton).values()
    steadier = sum(bone < joint for joint, bone in kinds)
    text = (
        f"The paper's reason to regress bones: over {whose}, {steadier} of the {len(kinds)} kinds of bone "
        "vary less than the joint they lead to."
    )
    figures = {"figure1": ("Left and right averaged.", spread_bars(spread, skeleton))}
    tables = {"figure1": spread_table(spread, skeleton)}
    return Section(heading, (text,), tables, figures, folded=frozenset(tables))


def training_section(curves: Mapping[str, Mapping[str, Curve]]) -> Section:
    """Training curves. `curves`: stage -> run -> (step, loss) points; thinned to means for the plot."""
    drawn = {stage: {run: points for run, points in runs.items() if len(points)} for stage, runs in curves.items()}
    figures = {
        f"training-{file_name(stage)}": (
            f"Training loss of {readable(stage)}.",
            training_curves(
                {run: thin(points) for run, points in runs.items()},
                "loss (standard deviations)",
                title=f"{readable(stage)}: training loss",
            ),
        )
        for stage, runs in drawn.items()
        if runs
    }
    if not figures:
        return Section("Training", text=("No run folder holds a training log.",))
    return Section("Training", figures=figures)


def thin(points: Curve, most: int = CURVE_POINTS) -> list[tuple[float, float]]:
    """The points, or the means of equal stretches of them where there are more than `most`."""
    if len(points) <= most:
        return list(points)
    stretches = np.array_split(np.asarray(points, dtype=np.float64), most)
    return [tuple(stretch.mean(axis=0).tolist()) for stretch in stretches]


def file_name(name: str) -> str:
    """A name in lower-case letters, digits, '_' and '-'."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in name.lower()).strip("-")
