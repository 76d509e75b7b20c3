"""Tables 7 and 8 of the paper with one's own scores, and the tables that show which joints and bones they hide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.breakdown import PartScores
from evaluation.metrics.evaluate import Scores
from evaluation.metrics.measures import PCKH
from evaluation.metrics.movement import JointMovement
from evaluation.metrics.pose_std import PoseStd, kind_of
from evaluation.report.published import PAPER, TABLE_7, PublishedRow
from evaluation.report.tables import Cell, Table, cell, group_heads
from heads.skeleton import MPII, Skeleton

Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Entry:
    """A stage of a run, scored: a row of the tables.

    Attributes:
        run: the run's name.
        method: its name in Table 1, or '' if unknown.
        stage: 'mean_pose', 'stage0', 'stage1', ...
        scores: of the stage.
        reference: what `difference` compares with, in words; '' without a difference.
        difference: what `compare` found, this stage minus the reference; None if there is nothing to compare with.
    """

    run: str
    method: str
    stage: str
    scores: Scores
    reference: str = ""
    difference: Scores | None = None


def readable(stage: str) -> str:
    """`mean_pose` -> `mean pose`, `stage1` -> `stage 1`."""
    return stage.replace("_", " ").replace("stage", "stage ")


def like_mpii(scores: Scores) -> bool:
    """Whether scores are PCKh of MPII's joints, beside which published values may stand."""
    return scores.pckh.measure == PCKH and tuple(scores.joint_error.counts) == MPII.names


def table_7(entries: Sequence[Entry]) -> Table:
    """Joint error, bone error and PCKh@0.5 of every stage and run, the difference beside each, the paper's last.

    Of other joints than MPII's, or in another measure than PCKh, there is nothing of the paper.

    The columns of differences are left out if no entry has one. The mean pose, which is the same for all runs trained
    on the same data, has one row. The paper's rows that no entry stands for follow in a section of their own, so that
    all of its values are there.
    """
    compared = any(entry.difference for entry in entries)
    with_paper = all(like_mpii(entry.scores) for entry in entries)

    def measured(scores: Scores) -> tuple[Estimate, ...]:
        return scores.joint_error.image_px, scores.bone_error.image_px, scores.mean_pckh

    def row(entry: Entry) -> Row:
        cells = [[cell(estimate)] for estimate in measured(entry.scores)]
        if entry.difference:
            changes = zip(measured(entry.difference), (2, 2, 1), strict=True)
            cells = [[*own, cell(*change, signed=True)] for own, change in zip(cells, changes, strict=True)]
        elif compared:
            cells = [[*own, Cell(None)] for own in cells]
        crop = (cell(error.crop_px) for error in (entry.scores.joint_error, entry.scores.bone_error))
        paper = map(Cell, TABLE_7.get((entry.method, entry.stage), (None, None, None)) if with_paper else ())
        return (entry.run, *(part for own in cells for part in own), *crop, *paper)

    measure = entries[-1].scores.pckh.measure
    columns = ("Joint px", "Bone px", measure.title)
    heads = [head for column in columns for head in ([column, f"Δ {column}"] if compared else [column])]
    heads += ["Joint crop px", "Bone crop px"]
    rows, sections = _by_stage(entries, row)
    ours = {(entry.method, entry.stage) for entry in entries}
    others = {key: scores for key, scores in TABLE_7.items() if with_paper and key not in ours}
    if others:
        sections += ((len(rows), "In the paper, not among these runs"),)
        empty = [""] * len(heads)
        rows += tuple(
            (f"{method}, {readable(stage)}", *empty, *map(Cell, scores)) for (method, stage), scores in others.items()
        )
    about_paper = with_paper and (
        f"The last three columns are the paper's own values, on MPII with its full training ({PAPER}, Table 7)."
    )
    return Table(
        title="Mean joint and bone error in image pixels and in pixels of the 224 crop, mean "
        f"{measure.title}{measure.note} in %",
        head=("", *heads, *(f"Paper, on MPII: {column}" for column in columns if with_paper)),
        rows=rows,
        sections=sections,
        note=" ".join(filter(None, [_about_differences(entries), about_paper])),
    )


def table_8(entries: Sequence[Entry], published: Mapping[str, PublishedRow]) -> Table:
    """PCKh@0.5 of the joint groups, one's own by stage and run, then the differences, then published rows by source.

    Published rows stand beside PCKh of MPII's joints alone.
    """
    measure = entries[-1].scores.pckh.measure
    published = published if all(like_mpii(entry.scores) for entry in entries) else {}

    def row(name: str, scores: Scores, signed: bool = False) -> Row:
        return name, *(cell(group, signed=signed) for group in scores.pckh.groups[measure.main].values())

    rows, sections = _by_stage(entries, lambda entry: row(entry.run, entry.scores))
    compared = [entry for entry in entries if entry.difference]
    if compared:
        sections += ((len(rows), "Δ in points"),)
        rows += tuple(row(f"{e.run}, {readable(e.stage)}", e.difference, signed=True) for e in compared)
    for source in dict.fromkeys(row.source for row in published.values()):
        sections += ((len(rows), f"As published, MPII test set: {source}"),)
        rows += tuple((row.label, *map(Cell, row.groups)) for row in published.values() if row.source == source)
    notes = [_about_differences(entries)]
    if published:
        notes.append("The published rows are not ours: they are on MPII's test set.")
        notes += [row.note for row in published.values()]
    conventions = ", ".join(dict.fromkeys(entry.scores.pckh.convention for entry in entries))
    return Table(
        title=f"{measure.title}{measure.note} in % by joint group ({conventions} convention)",
        head=("", *group_heads(entries[-1].scores)),
        rows=rows,
        sections=sections,
        note=" ".join(filter(None, notes)),
    )


def joints_by_side(name: str, scores: Scores, skeleton: Skeleton = MPII) -> Table:
    """Annotated joints, PCKh@0.5 and joint error, right and left beside each other; center joints below."""
    measure, error = scores.pckh.measure, scores.joint_error
    pckh = scores.pckh.per_joint[measure.main]
    return _by_side(
        f"{name}, per joint: {measure.title}{measure.note} in %, joint error in image pixels",
        ("Annotated", measure.title, "Error px"),
        lambda joint: (Cell(error.counts[joint], digits=0), cell(pckh[joint]), cell(error.per_part[joint].image_px)),
        skeleton,
    )


def bones_by_side(name: str, scores: Scores, skeleton: Skeleton = MPII) -> Table:
    """Bones with both ends annotated and their error, right and left beside each other; center bones below."""
    error = scores.bone_error
    return _by_side(
        f"{name}, per bone from the first joint to its parent: bone error in image and in crop pixels",
        ("Annotated", "Error px", "Error crop px"),
        lambda joint: (
            Cell(error.counts[joint], digits=0),
            cell(error.per_part[joint].image_px),
            cell(error.per_part[joint].crop_px),
        ),
        skeleton,
        bones=True,
    )


def movement_table(title: str, rows: Mapping[str, JointMovement]) -> Table:
    """What a stage did to the previous pose. `rows`: name -> the movement of all joints or of one."""
    return Table(
        title=title,
        head=("", "Annotated", "Moved px", "Nearer %", "Error before", "Error after", "Change px"),
        rows=tuple(
            (
                name,
                Cell(found.joints, digits=0),
                *map(cell, (found.moved, found.closer, found.before, found.after)),
                cell(found.change, digits=2, signed=True),
            )
            for name, found in rows.items()
        ),
        note="Image pixels; nearer: the share of joints that end nearer to the ground truth than they were.",
    )


def breakdown_table(
    title: str, breakdowns: Mapping[str, Mapping[str, PartScores]], metric: Callable[[PartScores], Estimate]
) -> Table:
    """One metric of each part of the data, one column per method.

    Args:
        title: one line with the unit.
        breakdowns: method -> what `breakdown` found, all with the same parts.
        metric: which of a part's scores.
    """
    first = next(iter(breakdowns.values()))
    return Table(
        title=title,
        head=("", "People", *breakdowns),
        rows=tuple(
            (label, Cell(part.people, digits=0), *(cell(metric(parts[label])) for parts in breakdowns.values()))
            for label, part in first.items()
        ),
    )


def std_table(std: PoseStd, skeleton: Skeleton = MPII, unit: str = "pixels of the 224 crop") -> Table:
    """Figure 1's numbers: how much each joint and its bone vary, left and right averaged."""
    return Table(
        title=f"Standard deviation over people in {unit}, left and right averaged",
        head=("", "Joint", "Bone", "Bone / joint"),
        rows=tuple(
            (kind, Cell(joint), Cell(bone), Cell(bone / joint, digits=2))
            for kind, (joint, bone) in std.by_kind(skeleton).items()
        ),
        note="A bone runs from the joint to its parent; the root has its own position for a bone.",
    )


def _by_stage(
    entries: Sequence[Entry], row: Callable[[Entry], Row]
) -> tuple[tuple[Row, ...], tuple[tuple[int, str], ...]]:
    """The entries' rows under one caption per stage; a mean pose that all runs share has one row."""
    rows: list[Row] = []
    sections = []
    for stage in dict.fromkeys(entry.stage for entry in entries):
        lines = [row(entry) for entry in entries if entry.stage == stage]
        if stage == "mean_pose" and len(lines) > 1 and len({line[1:] for line in lines}) == 1:
            lines = [("all runs", *lines[0][1:])]
        sections.append((len(rows), readable(stage).capitalize()))
        rows += lines
    return tuple(rows), tuple(sections)


def _about_differences(entries: Sequence[Entry]) -> str:
    references = list(dict.fromkeys(entry.reference for entry in entries if entry.difference))
    if not references:
        return ""
    return (
        f"Δ is the value minus that of {' or '.join(references)} for the same people; its interval is paired. "
        "A difference is beyond chance if its interval leaves out 0."
    )


def _by_side(
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

    center = [joint for joint in measured if skeleton.sides[joint] == "center"]
    rows: list[Row] = []
    for sides in skeleton.flip_pairs:  # two joints have two bones, of which the root has none
        beside = zip(*map(side, sides), strict=True)
        rows.append(
            (name(*(joint for joint in sides if joint in measured)), *(part for pair in beside for part in pair))
        )
    sections = [(0, "Right and left")] if rows else []
    if center:
        sections.append((len(rows), "Center line"))
    rows += [(name(j), *(part for own in cells(skeleton.names[j]) for part in (own, ""))) for j in center]
    heads = (f"{column} {side}" for column in columns for side in ("R", "L"))
    return Table(title=title, head=("", *heads), rows=tuple(rows), sections=tuple(sections))
