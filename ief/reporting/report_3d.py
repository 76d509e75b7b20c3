"""The 3D half of a report: the runs' scores in mm, their differences, and what Figures 1 to 3 show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.metrics.angle_limits import AngleLimits
from evaluation.metrics.evaluate_3d import Scores3D
from evaluation.metrics.json_3d import difference_3d_to_json, scores_3d_to_json
from evaluation.metrics.json_format import Json
from evaluation.metrics.pose_std import PoseStd, pose_std
from evaluation.report import sections_3d
from evaluation.report.page import Section
from evaluation.report.paper_tables_3d import Entry3D
from evaluation.report.plots_3d import Sequence3D
from evaluation.report.sections_3d import Pair
from heads.skeleton import Skeleton
from ief.reporting.comparison_3d import Compared3D, Split3D, compare_rows, table_rows
from ief.reporting.finished_run import FinishedRun
from ief.reporting.pictures_3d import drawn_people_3d
from ief.reporting.scoring_3d import load_metrics_3d, score_3d
from ief.reporting.sequence_3d import choose_sequence
from mpii_tools.images.decode import LoadImage


@dataclass(frozen=True)
class Findings3D:
    """What is known of the runs in 3D.

    Attributes:
        stages: run -> stage -> scores.
        compared: rows of the tables, with their differences.
        sequence: of Figure 2, None if there is none to draw.
        std: Figure 1, middle; None if there is nothing to measure it on.
        whose: the people of Figure 1, in words.
        skeleton: of the joints.
    """

    stages: dict[str, dict[str, Scores3D]]
    compared: Compared3D
    sequence: Sequence3D | None
    std: PoseStd | None
    whose: str
    skeleton: Skeleton

    @property
    def pairs(self) -> dict[bool, Pair]:
        """Whether a second dataset was trained on too -> the baseline, and the method beside it if there is one."""
        entries = self.compared.entries
        padded = {mixed: [*(entries[row] for row in rows), None] for mixed, rows in self.compared.featured.items()}
        return {mixed: (found[0], found[1]) for mixed, found in padded.items()}


def find_3d(
    runs: Sequence[FinishedRun],
    folders: Sequence[Path],
    valid: Split3D,
    training: Split3D,
    limits: AngleLimits | None = None,
) -> Findings3D | None:
    """What runs of `folders` reach in 3D; None if none of them has a score there.

    Scores are of the predictions where the validation people's depth is known, else those of metrics.json.

    Raises:
        PoseError: a corrupt metrics.json.
    """
    stages = {run.name: _scores(run, folder, valid, limits) for run, folder in zip(runs, folders, strict=True)}
    rows = table_rows(runs, stages)
    if not rows:
        return None
    compared = compare_rows(rows, valid, limits)
    drawn = [rows[index] for index in compared.featured[min(compared.featured)]]
    poses = {row.name: row.poses for row in drawn if row.poses is not None}
    sequence = choose_sequence(valid.people, valid.depth, poses) if valid.known and poses else None
    std = _measured_std(training if training.known else valid, training.known)
    return Findings3D(stages, compared, sequence, *std, runs[-1].skeleton)


def sections_in_3d(
    found: Findings3D, run: FinishedRun, valid: Split3D, load_image: LoadImage | None, left_out: list[str] | None
) -> list[Section]:
    """The sections of the page, in order; `run`: whose poses are drawn."""
    drawn = drawn_people_3d(run, valid.people, valid.depth, load_image, left_out) if load_image else []
    return [
        sections_3d.metrics_3d_section(found.compared.entries, found.compared.gains, about(found, valid)),
        sections_3d.joints_3d_section(found.pairs),
        sections_3d.actions_section(found.pairs),
        sections_3d.std_3d_section(found.std, found.whose, found.skeleton),
        sections_3d.sequence_section(found.sequence),
        sections_3d.people_3d_section(drawn, run.name),
    ]


def about(found: Findings3D, valid: Split3D) -> list[str]:
    """What the scores are of, how a pose becomes mm, and what is left out for want of something, in words."""
    scores = found.compared.entries[-1].scores
    subjects = ", ".join(scores.joint_error.per_subject)
    text = [
        f"{scores.people:,} validation people of {scores.sequences:,} sequences"
        + (f", subjects {subjects}" if subjects else "")
        + f". {protocol_of(scores)} Predicted x, y and z are taken to mm with the camera and the ground truth's "
        "depth of the pelvis."
    ]
    if scores.bootstrap:
        text.append("In brackets, or in small type, 95 % confidence intervals: 1,000 bootstrap resamples of sequences.")
    if scores.illegal_angle is None:
        text.append("Illegal Angle was not measured: it needs the joint-angle model (--angle-limits).")
    if not valid.known:
        text.append("Differences and Figure 2 are left out: they need validation annotations with depth and cameras.")
    return text


def protocol_of(scores: Scores3D) -> str:
    """A sentence: by which protocol of Human3.6M the people were chosen."""
    return f"{scores.protocol} of Human3.6M." if scores.protocol else "Their protocol of Human3.6M is not known."


def results_3d(found: Findings3D) -> Json:
    """What the sections show, for results.json; the tables are beside it."""

    def changes(entries: Sequence[Entry3D]) -> list[Json]:
        return [
            {"run": entry.name, "reference": entry.reference, **difference_3d_to_json(entry.difference)}
            for entry in entries
            if entry.difference
        ]

    sequence, kinds = found.sequence, found.std.by_kind(found.skeleton) if found.std else {}
    errors = {run: np.stack(both) for run, both in sequence.errors().items()} if sequence else {}
    return {
        "protocol": found.compared.entries[-1].scores.protocol,
        "runs": {
            run: {stage: scores_3d_to_json(scores) for stage, scores in stages.items()}
            for run, stages in found.stages.items()
        },
        "differences": changes(found.compared.entries),
        "second_dataset": changes(found.compared.gains),
        "figure1": {kind: {"joint": joint, "bone": bone} for kind, (joint, bone) in kinds.items()},
        "figure2": {
            "sequence": sequence.title,
            "frames": sequence.frames.tolist(),
            "wrist": {
                run: dict(zip(("joint_mm", "bone_mm"), _plain(both), strict=True)) for run, both in errors.items()
            },
        }
        if sequence
        else {},
    }


def _plain(values: np.ndarray) -> list:
    """Nested lists of numbers, None for what is not finite."""
    return np.where(np.isfinite(values), values.astype(object), None).tolist()


def _scores(run: FinishedRun, folder: Path, valid: Split3D, limits: AngleLimits | None) -> dict[str, Scores3D]:
    """Stage -> scores of a run."""
    if not (valid.known and run.poses_3d):
        return load_metrics_3d(folder) if (folder / "metrics.json").exists() else {}
    scored = {
        stage: score_3d(poses, valid.people, valid.depth, intervals=True, limits=limits)
        for stage, poses in run.poses_3d.items()
    }
    return {stage: scores for stage, scores in scored.items() if scores}


def _measured_std(split: Split3D, training: bool) -> tuple[PoseStd | None, str]:
    """Figure 1, middle, of people in camera axes relative to their root, and whose it is. The root has no value."""
    if not split.known:
        return None, ""
    people, skeleton = split.people, split.people.skeleton
    joints = split.depth.to_camera(split.depth.beside(people.joints))
    joints = joints - joints[:, [skeleton.root]]
    annotated = people.annotated & people.annotated[:, [skeleton.root]] & np.isfinite(joints).all(axis=-1)
    if not annotated.any():
        return None, ""
    std = pose_std(joints, annotated, skeleton=skeleton)
    std = replace(std, joint=np.where(np.arange(len(skeleton)) == skeleton.root, np.nan, std.joint))
    kind = "training people" if training else "validation people (no training people with depth were given)"
    return (std, f"{annotated.any(axis=1).sum():,} {kind}") if std.by_kind(skeleton) else (None, "")
