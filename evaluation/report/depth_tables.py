"""The paper's Tables 2 to 6 with one's own 3D scores: by metric, by joint, by action and by subject."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.evaluate_3d import Score3D, Scores3D
from evaluation.report.tables import Cell, Table, cell

# Columns, in the paper's order and words but for PA scaled: metric of `Scores3D` -> head.
COLUMNS = {
    "joint_error": "Joint mm",
    "pa_joint_error": "PA Joint mm",
    "pa_joint_error_scaled": "PA scaled mm",
    "bone_error": "Bone mm",
    "bone_std": "Bone Std mm",
    "illegal_angle": "Illegal %",
}
OWN = ("bone_std", "illegal_angle")  # what the ground truth scores by itself
ABOUT_PA = "PA: after a rotation and a translation of each pose; PA scaled: after a scaling too."
ABOUT_OWN = "Ground truth: what it scores itself, which predictions need not go below."
Row = tuple[Cell | str, ...]


def metrics_3d_table(results: Mapping[str, Scores3D], signed: bool = False) -> Table:
    """All metrics, one row per method or stage, as in Table 2; the ground truth's own Bone Std and Illegal Angle last.

    Args:
        results: name -> scores.
        signed: values with a sign and another digit: for what `compare_3d` found.
    """
    first = next(iter(results.values()))
    columns = _measured(*results.values())
    rows = [(name, *(_cell(getattr(scores, column), signed) for column in columns)) for name, scores in results.items()]
    if first.gt_bone_std is not None:
        rows.append(("ground truth", *(_cell(getattr(first, f"gt_{column}", None)) for column in columns)))
    drawn = any(scores.bootstrap for scores in results.values())
    return Table(
        title=f"3D metrics of {first.people:,} people"
        + (f", {first.protocol}" if first.protocol else "")
        + (f"; in brackets the 95 % confidence interval over {first.sequences:,} sequences" if drawn else ""),
        head=("", *(COLUMNS[column] for column in columns)),
        rows=tuple(rows),
        note=" ".join([ABOUT_PA, *([ABOUT_OWN] if first.gt_bone_std is not None else [])]),
    )


def joints_3d_table(scores: Scores3D) -> Table:
    """One row per joint with the metrics of it, of its bone and of its angle, as in Table 3."""
    columns = [
        name
        for column in _measured(scores)
        for name in ([column, f"gt_{column}"] if column in OWN and scores.gt_bone_std is not None else [column])
    ]

    def row(joint: str) -> Row:
        parts = (getattr(scores, column).per_part for column in columns)
        return joint, *(cell(part[joint]) if joint in part else "-" for part in parts)

    return Table(
        title="Per joint: errors in mm; a bone runs from the joint to its parent; illegal angles in %",
        head=("", *(_head(column) for column in columns)),
        rows=(
            *map(row, scores.joint_error.per_part),
            ("all", *(_cell(getattr(scores, column)) for column in columns)),
        ),
        note="The root's own joint error is 0, and counts in that of all joints.",
    )


def actions_table(scores: Scores3D) -> Table:
    """One row per action, and their plain mean, which is the Avg of Tables 4 to 6."""
    columns = [column for column in _measured(scores) if column != "bone_std"]
    found = [getattr(scores, column) for column in columns]
    rows = [(action, *(cell(score.per_action[action]) for score in found)) for action in scores.joint_error.per_action]
    return Table(
        title="Per action",
        head=("", *(COLUMNS[column] for column in columns)),
        rows=(*rows, ("Avg", *(cell(score.action_mean) for score in found))),
        note="Avg: the mean of the actions, each alike.",
    )


def subjects_table(scores: Scores3D) -> Table:
    """One row per subject."""
    columns = _measured(scores)
    found = [getattr(scores, column).per_subject for column in columns]
    return Table(
        title="Per subject",
        head=("", *(COLUMNS[column] for column in columns)),
        rows=tuple((subject, *(cell(score[subject]) for score in found)) for subject in found[0]),
    )


def _measured(*results: Scores3D) -> list[str]:
    """The columns that any of the results has."""
    return [column for column in COLUMNS if any(getattr(scores, column) is not None for scores in results)]


def _cell(score: Score3D | None, signed: bool = False) -> Cell:
    return cell(score.overall if score else Estimate(None), 1 + signed, signed)


def _head(column: str) -> str:
    return f"gt {COLUMNS[column.removeprefix('gt_')]}" if column.startswith("gt_") else COLUMNS[column]
