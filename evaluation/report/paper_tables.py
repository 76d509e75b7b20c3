"""Tables 7 and 8 of the paper with one's own figures, and the tables that say which joints and bones they hide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.metrics.conventions import GROUPS
from evaluation.metrics.evaluate import Tree
from evaluation.metrics.spread import Spread, kind_of
from evaluation.report.published import PAPER, TABLE_7_PCKH, PublishedRow
from evaluation.report.tables import TABLE_8_HEADS, Cell, Table, cell
from heads.skeleton import MPII, Skeleton

MEAN_PCKH = ("pckh", "0.5", "groups", "Mean")


@dataclass(frozen=True)
class Entry:
    """A stage of a run, scored: a line of the tables.

    Attributes:
        run: the run's name.
        method: its name in Table 1, or '' where unknown.
        stage: 'mean_pose', 'stage0', 'stage1', ...
        figures: dict of `evaluate`.
        reference: what `difference` compares with, in words; '' where there is nothing to compare.
        difference: dict of `compare`, this stage less the reference.
    """

    run: str
    method: str
    stage: str
    figures: Tree
    reference: str = ""
    difference: Tree = field(default_factory=dict)


def readable(stage: str) -> str:
    """`mean_pose` -> `mean pose`, `stage1` -> `stage 1`."""
    return stage.replace("_", " ").replace("stage", "stage ")


def table_7(entries: Sequence[Entry]) -> Table:
    """Joint error, bone error and PCKh@0.5 of every stage and run, the difference beside each, the paper's last.

    The columns of differences are left out where no entry has one. The mean pose, which is the same for all runs
    trained on the same data, stands there once.
    """
    compared = any(entry.difference for entry in entries)
    measured = (
        ("Joint px", "joint_error", "image_px"),
        ("Bone px", "bone_error", "image_px"),
        ("PCKh@0.5", *MEAN_PCKH),
    )
    crop = (("Joint crop px", "joint_error", "crop_px"), ("Bone crop px", "bone_error", "crop_px"))

    def row(entry: Entry) -> tuple[Cell | str, ...]:
        cells: list[Cell | str] = [entry.run]
        for _, *path in measured:
            cells.append(cell(entry.figures, *path))
            if compared:
                digits = 1 if path[0] == "pckh" else 2
                cells.append(
                    cell(entry.difference, *path, digits=digits, signed=True) if entry.difference else Cell(None)
                )
        paper = Cell(TABLE_7_PCKH.get((entry.method, entry.stage)))
        return (*cells, *(cell(entry.figures, *path) for _, *path in crop), paper)

    heads = [name for column, *_ in measured for name in ([column, f"Δ {column}"] if compared else [column])]
    rows, sections = _by_stage(entries, row)
    return Table(
        title="Mean joint and bone error in image pixels and in pixels of the 224 crop, mean PCKh@0.5 in %",
        head=("", *heads, *(name for name, *_ in crop), "Paper, on MPII: PCKh@0.5"),
        rows=rows,
        sections=sections,
        note=" ".join(filter(None, [_about_differences(entries), _about_paper("The last column is")])),
    )


def table_8(entries: Sequence[Entry], published: Mapping[str, PublishedRow]) -> Table:
    """PCKh@0.5 of the joint groups, one's own by stage and run, then the differences, then published rows."""

    def own(entry: Entry) -> tuple[Cell | str, ...]:
        return entry.run, *(cell(entry.figures, "pckh", "0.5", "groups", group) for group in GROUPS)

    def difference(entry: Entry) -> tuple[Cell | str, ...]:
        name = f"{entry.run}, {readable(entry.stage)}"
        return name, *(cell(entry.difference, "pckh", "0.5", "groups", group, signed=True) for group in GROUPS)

    rows, sections = _by_stage(entries, own)
    compared = [entry for entry in entries if entry.difference]
    if compared:
        sections += ((len(rows), "Δ in points"),)
        rows += tuple(map(difference, compared))
    if published:
        sections += ((len(rows), "As published, MPII test set"),)
        rows += tuple((row.label, *map(Cell, row.groups)) for row in published.values())
    notes = [_about_differences(entries)]
    if published:
        sources = "; ".join(dict.fromkeys(row.source for row in published.values()))
        notes.append(f"The published rows are not ours: they are on MPII's test set, from {sources}.")
    conventions = ", ".join(dict.fromkeys(entry.figures["convention"] for entry in entries))
    return Table(
        title=f"PCKh@0.5 in % by joint group ({conventions} convention)",
        head=("", *TABLE_8_HEADS),
        rows=rows,
        sections=sections,
        note=" ".join(filter(None, notes)),
    )


def joints_by_side(name: str, figures: Tree, skeleton: Skeleton = MPII) -> Table:
    """Annotated joints, PCKh@0.5 and joint error, right and left beside each other; center joints below."""
    counts = figures["counts"]["joint_error"]["per_joint"]
    return _by_side(
        f"{name}, per joint: PCKh@0.5 in %, joint error in image pixels",
        ("Annotated", "PCKh@0.5", "Error px"),
        lambda joint: (
            Cell(counts[joint], digits=0),
            cell(figures, "pckh", "0.5", "per_joint", joint),
            cell(figures, "joint_error", "per_joint", joint, "image_px"),
        ),
        skeleton,
    )


def bones_by_side(name: str, figures: Tree, skeleton: Skeleton = MPII) -> Table:
    """Bones with both ends annotated and their error, right and left beside each other; center bones below."""
    counts = figures["counts"]["bone_error"]["per_bone"]
    return _by_side(
        f"{name}, per bone from the first joint to its parent: bone error in image and in crop pixels",
        ("Annotated", "Error px", "Error crop px"),
        lambda joint: (
            Cell(counts[joint], digits=0),
            cell(figures, "bone_error", "per_bone", joint, "image_px"),
            cell(figures, "bone_error", "per_bone", joint, "crop_px"),
        ),
        skeleton,
        bones=True,
    )


def movement_table(title: str, rows: Mapping[str, Tree]) -> Table:
    """What a stage did to the pose before it. `rows`: name -> figures of `movement`, of all joints or of one."""
    return Table(
        title=title,
        head=("", "Annotated", "Moved px", "Nearer %", "Error before", "Error after", "Change px"),
        rows=tuple(
            (
                name,
                Cell(figures["joints"], digits=0),
                *(cell(figures, key) for key in ("moved", "closer", "before", "after")),
                cell(figures, "change", digits=2, signed=True),
            )
            for name, figures in rows.items()
        ),
        note="Image pixels; nearer: the share of joints that end nearer to the truth than they were.",
    )


def breakdown_table(title: str, breakdowns: Mapping[str, Mapping[str, Tree]], *path: str) -> Table:
    """One figure of each part of the data, a column a method.

    Args:
        title: one line with the unit.
        breakdowns: method -> dict of `breakdown`, all with the same parts.
        path: the figure in a part's dict.
    """
    first = next(iter(breakdowns.values()))
    return Table(
        title=title,
        head=("", "People", *breakdowns),
        rows=tuple(
            (label, Cell(part["persons"], digits=0), *(cell(parts[label], *path) for parts in breakdowns.values()))
            for label, part in first.items()
        ),
    )


def spread_table(spread: Spread, skeleton: Skeleton = MPII) -> Table:
    """Figure 1's numbers: how much each joint and its bone vary, left and right averaged."""
    kinds = spread.by_kind(skeleton)
    return Table(
        title="Standard deviation over people in pixels of the 224 crop, left and right averaged",
        head=("", "Joint", "Bone", "Bone / joint"),
        rows=tuple(
            (kind, Cell(joint), Cell(bone), Cell(bone / joint, digits=2)) for kind, (joint, bone) in kinds.items()
        ),
        note="A bone runs from the joint to its parent; the pelvis, the root, has its own position for a bone.",
    )


def _by_stage(
    entries: Sequence[Entry], row: Callable[[Entry], tuple[Cell | str, ...]]
) -> tuple[tuple[tuple[Cell | str, ...], ...], tuple[tuple[int, str], ...]]:
    """The entries' rows under a caption a stage; a mean pose that all runs share stands there once."""
    rows: list[tuple[Cell | str, ...]] = []
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
        f"Δ is the figure less that of {' or '.join(references)} for the same people; its interval is paired. "
        "A difference is beyond chance where its interval leaves out 0."
    )


def _about_paper(subject: str) -> str:
    return (
        f"{subject} the paper's own figure, on MPII with its full training ({PAPER}, Table 7); a dash: not known here."
    )


def _by_side(
    title: str,
    columns: tuple[str, ...],
    figures: Callable[[str], tuple[Cell, ...]],
    skeleton: Skeleton,
    bones: bool = False,
) -> Table:
    def name(joint: int) -> str:
        parent = skeleton.parents[joint]
        return f"{kind_of(joint, skeleton)} to {kind_of(parent, skeleton)}" if bones else kind_of(joint, skeleton)

    paired = {joint for pair in skeleton.flip_pairs for joint in pair}
    center = [j for j in range(len(skeleton)) if j not in paired and not (bones and skeleton.parents[j] == -1)]
    rows: list[tuple[Cell | str, ...]] = []
    for sides in skeleton.flip_pairs:
        beside = zip(*(figures(skeleton.names[joint]) for joint in sides), strict=True)
        rows.append((name(sides[0]), *(figure for pair in beside for figure in pair)))
    sections = [(0, "Right and left")] if rows else []
    if center:
        sections.append((len(rows), "Center line"))
        for joint in center:
            row = [part for figure in figures(skeleton.names[joint]) for part in (figure, "")]
            rows.append((name(joint), *row))
    heads = (f"{column} {side}" for column in columns for side in ("R", "L"))
    return Table(title=title, head=("", *heads), rows=tuple(rows), sections=tuple(sections))
