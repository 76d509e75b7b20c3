"""Table 7 by one seed or the means of several, with intervals over people and over seeds: `results.md`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.evaluate import Scores, scores_of
from evaluation.metrics.inputs import GroundTruth
from evaluation.metrics.placement import placement
from evaluation.metrics.relative import relative_errors
from evaluation.metrics.seeds import over_seeds
from evaluation.report.paper_tables import Entry, readable, table_7
from evaluation.report.tables import Cell, Table, cell
from ief.reporting.results_page import write_tables
from ief.reporting.scoring import ground_truth, load_poses
from mpii_tools.people import People

BASE = "ief_star"  # what the others are compared with, as in Table 7
# What the rows of differences subtract, and from which: `joint` has the others' output, so its loss alone differs.
BASES = {BASE: ("joint", "bone", "both", "all"), "joint": ("bone", "both", "all"), "both": ("all",)}
Poses = Sequence[np.ndarray]  # of one seed each, (N, K, D)


@dataclass(frozen=True)
class Difference:
    """One row of differences.

    Attributes:
        name: what minus what.
        mean: of all seeds, its intervals over people.
        each: of each seed, without intervals.
    """

    name: str
    mean: Scores
    each: tuple[Scores, ...]


def write_seeds(folder: Path, runs: Mapping[str, Sequence[Path]], people: People) -> list[Path]:
    """Compare runs of one or several seeds, and write `results.md` and `results.json` to a folder; returns both files.

    Args:
        folder: to write to.
        runs: method -> its run of each seed, two methods or more with as many seeds and stages each, scored on
            `people`. Of poses in 3D x and y count.
        people: the validation people.

    Raises:
        PoseError: predictions that are missing, corrupt or of other people.
    """
    poses = {method: [load_poses(run, people) for run in each] for method, each in runs.items()}
    stages = list(next(iter(poses.values()))[0])
    by_stage = {
        stage: {method: [found[stage][..., :2] for found in each] for method, each in poses.items()} for stage in stages
    }
    gt = ground_truth(people, *(pose for methods in by_stage.values() for each in methods.values() for pose in each))
    count = len(next(iter(runs.values())))
    compared = {name: differences(part, by_stage) for name, part in parts(gt, people).items()}
    means = f", means of {count} seeds" if count > 1 else ""
    tables = {
        "table 7": table_7(entries(gt, by_stage, compared["all joints"])),
        "offset and shape": placement_table(gt, by_stage, means),
        "relative positions": relative_table(gt, by_stage, means),
        **{name: differences_table(rows, name, means) for name, rows in compared.items()},
    }
    lead = f"# Table 7{means}: {len(people):,} validation people"
    return write_tables(folder, lead, tables, {"seeds": count, "people": len(people)})


def parts(gt: GroundTruth, people: People) -> dict[str, GroundTruth]:
    """What is compared: all joints, then those labeled as visible and as hidden, where there are some of either."""
    labels = {"visible joints": people.visible == 1, "hidden joints": people.visible == 0}
    found = {name: replace(gt, annotated=gt.annotated & mask) for name, mask in labels.items()}
    return {"all joints": gt, **(found if all(part.annotated.any() for part in found.values()) else {})}


def entries(
    gt: GroundTruth, by_stage: Mapping[str, Mapping[str, Poses]], compared: Sequence[Difference]
) -> list[Entry]:
    """The rows of Table 7: each method's mean over its seeds and, of the differences, what it is minus `BASE`."""
    means = {row.name: row.mean for row in compared}
    found = []
    for stage, methods in by_stage.items():
        for method, each in methods.items():
            difference = means.get(minus(stage, method, BASE))
            found.append(Entry(method, method, stage, scores_of(gt, each), BASE if difference else "", difference))
    return found


def minus(stage: str, method: str, base: str) -> str:
    """The name of a difference of two methods at a stage."""
    return f"{readable(stage)}, {method} - {base}"


def placement_table(gt: GroundTruth, by_stage: Mapping[str, Mapping[str, Poses]], means: str) -> Table:
    """The two parts of the joint error: of every stage and method, and the differences of `BASES`."""

    def measure(ours: Poses, theirs: Poses = ()) -> tuple[Estimate, ...]:
        found = placement(gt, ours, theirs)
        return found.offset, found.shape

    return Table(
        title=f"Joint error in image pixels{means}: where the body is (offset), and the error without that shift "
        "(shape)",
        head=("", "Offset px", "Shape px"),
        rows=tuple(measured(measure, by_stage)),
        note="Differences are paired.",
    )


def relative_table(gt: GroundTruth, by_stage: Mapping[str, Mapping[str, Poses]], means: str) -> Table:
    """The errors of relative positions by the bones between two joints; rows as in `placement_table`."""
    rows = tuple(measured(lambda *poses: relative_errors(gt, *poses).values(), by_stage))
    return Table(
        title=f"Error of the relative position of two joints in image pixels{means}, by the number of bones between "
        "them",
        head=("bones between", *map(str, range(1, len(rows[0])))),
        rows=rows,
        note="One bone apart it is the bone error. Differences are paired.",
    )


def measured(
    measure: Callable[..., Iterable[Estimate]], by_stage: Mapping[str, Mapping[str, Poses]]
) -> Iterator[tuple[Cell | str, ...]]:
    """Rows of what `measure` finds in every stage's and method's poses, then of the differences of `BASES`."""
    trained = {stage: methods for stage, methods in by_stage.items() if stage != "mean_pose"}
    for stage, methods in trained.items():
        for method, poses in methods.items():
            yield (f"{readable(stage)}, {method}", *(cell(found, 2) for found in measure(poses)))
    for stage, methods in trained.items():
        for base, method in based(methods):
            found = measure(methods[method], methods[base])
            yield (minus(stage, method, base), *(cell(each, 2, signed=True) for each in found))


def based(methods: Collection[str]) -> list[tuple[str, str]]:
    """(base, method) of `BASES` that are both among these methods."""
    return [(base, method) for base, others in BASES.items() for method in others if {base, method} <= set(methods)]


def differences(gt: GroundTruth, by_stage: Mapping[str, Mapping[str, Poses]]) -> list[Difference]:
    """Those of `BASES` at every stage, and each method's stage minus the previous one."""

    def between(name: str, ours: Poses, theirs: Poses) -> Difference:
        each = (scores_of(gt, [one], [other], bootstrap=None) for one, other in zip(ours, theirs, strict=True))
        return Difference(name, scores_of(gt, ours, theirs), tuple(each))

    trained = [stage for stage in by_stage if stage != "mean_pose"]
    found = [
        between(minus(stage, method, base), by_stage[stage][method], by_stage[stage][base])
        for stage in trained
        for base, method in based(by_stage[stage])
    ]
    for previous, stage in pairwise(trained):
        for method, each in by_stage[stage].items():
            name = f"{method}, {readable(stage)} - {readable(previous)}"
            found.append(between(name, each, by_stage[previous][method]))
    return found


def differences_table(rows: Sequence[Difference], joints: str, means: str) -> Table:
    """Differences, each measure with its interval over people and, of several seeds, beside it over seeds.

    Args:
        joints: which are counted. means: of how many seeds, in words; empty for one.
    """
    measures = {
        "Joint px": (2, lambda scores: scores.joint_error.image_px),
        "Bone px": (2, lambda scores: scores.bone_error.image_px),
        rows[0].mean.pckh.measure.title: (1, lambda scores: scores.mean_pckh),
    }

    def cells(row: Difference) -> Iterator[Cell | str]:
        for digits, measure in measures.values():
            yield cell(measure(row.mean), digits, signed=True)
            if means:
                seeds = over_seeds([measure(scores).value for scores in row.each])
                yield cell(seeds, digits, signed=True).parts()[1] or "-"

    note = "In brackets 95 % confidence intervals over people: bootstrap, the trainings as they are"
    if means:
        note += (
            "; then over seeds: Student's t, the people as they are. A difference is beyond chance if neither holds 0"
        )
    return Table(
        title=f"Differences{means}, paired by person{' and by seed' if means else ''}: {joints}",
        head=("", *(head for name in measures for head in (name, *(["over seeds"] if means else ())))),
        rows=tuple((row.name, *cells(row)) for row in rows),
        note=f"{note}.",
    )
