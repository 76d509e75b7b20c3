"""Which joints and bones are wrong: curves, bars and tables per joint and bone; Table 3 of the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.metric import METRICS
from evaluation.metrics.pose_std import kind_of
from evaluation.metrics.scores import Scores
from evaluation.report import plots
from evaluation.report.material import Pair
from evaluation.report.page import Section
from evaluation.report.published import TABLE_3, TABLE_3_NOTES
from evaluation.report.tables import Cell, Row, Table, cell, file_name
from heads.skeleton import MPII, Skeleton

IN_TABLE_3 = {metric.name: metric for metric in METRICS[3] if metric.title}


def make_section(results: Mapping[str, Scores], skeleton: Skeleton = MPII) -> Section:
    """PCKh over thresholds, and per-joint and per-bone scores of some stages: a plot each, and tables per stage.

    Args:
        results: name -> scores in 2D.
        skeleton: names, parents and sides of the joints.
    """
    tables = {
        f"{what}-{file_name(name)}": make(name, scores, skeleton)
        for name, scores in results.items()
        for what, make in (("joints", joints_by_side), ("bones", bones_by_side))
    }
    measure = next(iter(results.values())).measure
    curves = (
        f"Mean {measure.name} over the threshold; in the legend the area under it from 0 to 0.5, 100 for a perfect "
        "prediction."
    )
    if any(scores.bootstrap for scores in results.values()):
        curves += " Bands, and bars below: 95 % confidence intervals over people."

    def bars(metric: str, *axes: str, limit: float | None = None) -> plots.Figure:
        return plots.joint_bars({name: scores[metric].per_part for name, scores in results.items()}, *axes, limit)

    pixels, key, main = "mean error (image px)", measure.block, measure.name_at(measure.main)
    figures = {
        f"{key}-curves": (curves, plots.pckh_curves(results)),
        f"{key}-per-joint": (f"{measure.title}{measure.note} of each joint.",
                             bars(main, f"{measure.title} per joint", f"{measure.name} (%)", limit=100)),
        "joint-error": ("Mean distance of each joint to the ground truth.",
                        bars("joint_error", "Joint error per joint", pixels)),
        "bone-error": ("Mean error of each bone, named by the joint that it leads from to its parent.",
                       bars("bone_error", "Bone error per joint", pixels)),
    }  # fmt: skip
    return Section("Curves, joints and bones", tables=tables, figures=figures, folded=frozenset(tables))


def joints_by_side(name: str, scores: Scores, skeleton: Skeleton = MPII) -> Table:
    """Annotated joints, PCKh@0.5 and joint error, right and left beside each other; center joints below."""
    measure, error, pckh = scores.measure, scores["joint_error"], scores.pckh.per_part
    return _pair_sides(
        f"{name}, per joint: {measure.title}{measure.note} in %, joint error in image pixels",
        ("Annotated", measure.title, "Error px"),
        lambda joint: (Cell(error.counts[joint], digits=0), cell(pckh[joint]), cell(error.per_part[joint])),
        skeleton,
    )


def bones_by_side(name: str, scores: Scores, skeleton: Skeleton = MPII) -> Table:
    """Bones with both ends annotated and their error, right and left beside each other; center bones below."""
    error, crop = scores["bone_error"], scores["bone_error_crop"].per_part
    return _pair_sides(
        f"{name}, per bone from the first joint to its parent: bone error in image and in crop pixels",
        ("Annotated", "Error px", "Error crop px"),
        lambda joint: (Cell(error.counts[joint], digits=0), cell(error.per_part[joint]), cell(crop[joint])),
        skeleton,
        bones=True,
    )


def _pair_sides(
    title: str,
    columns: tuple[str, ...],
    cells: Callable[[str], tuple[Cell, ...]],
    skeleton: Skeleton,
    bones: bool = False,
) -> Table:
    measured = [joint for joint in range(len(skeleton)) if not (bones and joint == skeleton.root)]

    def name(*joints: int) -> str:
        ends = dict.fromkeys(kind_of(skeleton.parents[joint], skeleton) for joint in joints) if bones else ()
        return " to ".join([kind_of(joints[0], skeleton), *filter(None, [" and ".join(ends)])])

    def side(joint: int) -> tuple[Cell | str, ...]:
        return cells(skeleton.names[joint]) if joint in measured else ("",) * len(columns)

    sides = []
    for pair in skeleton.flip_pairs:  # two joints have two bones, of which the root has none
        cells_beside = (part for both in zip(*map(side, pair), strict=True) for part in both)
        sides.append((name(*(joint for joint in pair if joint in measured)), *cells_beside))
    center = [
        (name(joint), *(part for own in side(joint) for part in (own, "")))
        for joint in measured
        if skeleton.sides[joint] == "center"
    ]
    heads = (f"{column} {side}" for column in columns for side in ("R", "L"))
    return Table.of_groups(title, ("", *heads), [("Right and left", sides), ("Center line", center)])


def make_table_3_section(pairs: Mapping[bool, Pair]) -> Section:
    """Table 3, a table per metric. `pairs`: whether a second dataset was trained on too -> baseline and another."""
    pair = pairs[False not in pairs]
    text = (f"Right and left together. {describe_training(pair)} The paper's: on Human3.6M alone, Protocol 2.",)
    tables = {f"table3-{metric.replace('_', '-')}": table_3(metric, pair) for metric in IN_TABLE_3}
    return Section("Table 3: by joint and bone", text, tables)


def table_3(name: str, pair: Pair = ()) -> Table:
    """A metric of Table 3 by kind of joint, right and left together: the baseline, another method, and the paper's two.

    Args:
        name: of the metric.
        pair: one's own, trained on the same data; a missing one has no columns.
    """
    metric, unit = IN_TABLE_3[name], "%" if IN_TABLE_3[name].unit == "percent" else "mm"
    own = [entry for entry in pair if _list_kinds(entry.scores, name)]
    columns = {entry.name: (_list_kinds(entry.scores, name), 1) for entry in own}
    columns |= {f"Δ {entry.name}": (_list_kinds(entry.difference, name), 2) for entry in own if entry.difference}
    gt = next(filter(None, (_list_kinds(entry.scores, f"gt_{name}") for entry in own)), None)
    columns |= {"gt": (gt, 1)} if gt else {}
    printed = {kind: [values[name] for values in both] for kind, both in TABLE_3.items()}
    kinds = dict.fromkeys([*(kind for found, _ in columns.values() for kind in found), *printed])

    def row(kind: str) -> Row | None:
        ours = [cell(found.get(kind, Estimate(None)), digits, digits > 1) for found, digits in columns.values()]
        line = [*ours, *map(Cell, printed.get(kind, (None, None)))]
        return (kind, *line) if any(part.value is not None for part in line) else None

    return Table(
        title=f"{metric.title} in {unit} by "
        + ("bone, from the joint to its parent" if metric.part == "bone" else "joint"),
        head=("", *columns, "Paper: Baseline", "Paper: Ours (all)"),
        rows=tuple(filter(None, map(row, [*(kind for kind in kinds if kind != "all"), "all"]))),
        note=TABLE_3_NOTES[name],
    )


def _list_kinds(scores: Scores, metric: str) -> dict[str, Estimate]:
    """Kind of joint -> value, under "all" the overall one; {} if the metric was not measured."""
    score = scores.metrics.get(metric)
    return {} if score is None or score.overall.value is None else {**score.groups["per_kind"], "all": score.overall}


def describe_training(pair: Pair) -> str:
    """What some methods were trained on, in words."""
    names = " and ".join(dict.fromkeys(entry.name for entry in pair))
    return f"{names}: trained on {', '.join(dict.fromkeys(entry.trained_on for entry in pair))}."
