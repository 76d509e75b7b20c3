"""What a report is made from: finished runs, the people whom they are scored on, and its sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from evaluation.metrics import GroundTruth, Json, Scores, compare, difference_to_json
from evaluation.report.tables import Table, readable
from heads.skeleton import Skeleton

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Number of dimensions, poses (N, K, D) with x, y in image pixels and z in mm -> the ground truth that counts for them,
# in image pixels or in mm, and the poses likewise; None where that is not known.
View = Callable[..., tuple[GroundTruth, list[np.ndarray]] | None]
UNKNOWN = "data that is not recorded"
PREDICTED = "predictions"  # the only stage of what is no run: a file's poses
BASE, SHOWN = "ief_star", "all"  # the methods of Tables 3 to 6; the others are compared with the first


@dataclass(frozen=True)
class Entry:
    """A stage of a run, scored: a row of the tables.

    Attributes:
        name: of the row.
        method: its name in Table 1, or '' if unknown.
        stage: 'mean_pose', 'stage0', 'stage1', ...
        scores: of the stage.
        data, also: names of what it was trained on, and of the second dataset, if there was one.
        poses: (N, K, D) predictions, if they are known.
        reference: what `difference` compares with, in words; '' without a difference.
        difference: what `compare` returns, this stage minus the reference; None if there is nothing to compare with.
        base: the reference's poses.
    """

    name: str
    method: str
    stage: str
    scores: Scores
    data: str = ""
    also: str | None = None
    poses: np.ndarray | None = None
    reference: str = ""
    difference: Scores | None = None
    base: np.ndarray | None = None

    @property
    def trained_on(self) -> str:
        """All that it was trained on."""
        return f"{self.data} and {self.also}" if self.also else self.data


@dataclass(frozen=True)
class Run:
    """What a finished run left.

    Attributes:
        name: in the tables.
        method: of Table 1, '' if unknown.
        record: how stage 0 was trained, {} if it is not there; under `kept`, which weights of every stage.
        skeleton: of its joints.
        stages: 'mean_pose', 'stage0', 'stage1' (or `PREDICTED` alone) -> number of dimensions -> scores; every stage
            has those in 2D.
        curves: stage -> (step, loss) points.
        validations: stage -> (step, PCKh, joint error, bone error, joint error in mm) of each validation, None where
            undefined.
        poses: stage -> (N, K, D) predictions of the people reported on, x, y in image pixels, z in mm; {} without them.
        scores: stage -> (N, K) scores of those joints in 0..1, NaN where there is none; only stages that have some.
        doubts: what makes them doubtful, or does not count.
    """

    name: str
    method: str
    record: Json
    skeleton: Skeleton
    stages: dict[str, dict[int, Scores]]
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    validations: dict[str, list[tuple[float | None, ...]]] = field(default_factory=dict)
    poses: dict[str, np.ndarray] = field(default_factory=dict)
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    @property
    def is_file(self) -> bool:
        """Whether it is a file of predictions, of whose training nothing is known."""
        return PREDICTED in self.stages

    @property
    def last(self) -> str:
        """The last stage's name."""
        return list(self.stages)[-1]

    def scores_in(self, dimensions: int) -> dict[str, Scores]:
        """Stage -> scores; only stages that have some in so many dimensions."""
        return {stage: scores[dimensions] for stage, scores in self.stages.items() if dimensions in scores}

    def entry(self, stage: str, dimensions: int, name: str) -> Entry:
        """One of its stages as a row of a table."""
        scores, data = self.stages[stage][dimensions], self.record.get("data", UNKNOWN)
        return Entry(name, self.method, stage, scores, data, self.record.get("also"), self.poses.get(stage))


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        heading: of the section.
        text: paragraphs above its contents.
        tables: file name without suffix -> table.
        figures: file name without suffix -> (caption, figure).
        pictures: (caption, (H, W, 3) uint8 RGB) images.
        folded: names of the tables that are opened by a tap on their title.
        wide: whether the pictures are twice as wide as high, so that a phone shows one in a row.
        facts: what results.json holds of it, beside the tables: key -> values.
        people: what the page's script lets a reader look up (`ief.reporting.people`); {} for nothing.
        files: further ones of the report: path -> content.
    """

    heading: str
    text: Sequence[str] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, tuple[str, Figure]] = field(default_factory=dict)
    pictures: Sequence[tuple[str, np.ndarray]] = ()
    folded: frozenset[str] = frozenset()
    wide: bool = False
    facts: Json = field(default_factory=dict)
    people: Json = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


Pair = Sequence[Entry]  # a baseline and the method shown beside it; one or both may be missing


def subtract_base(entry: Entry, base: Entry, view: View, reference: str, compared: Sequence[Entry] = ()) -> Entry:
    """The entry with its difference to another, paired; as it was where poses, or their depth, are not known.

    Args:
        reference: the other one, in words.
        compared: entries with differences, of which that of the same two, either way round, is taken.
    """
    if entry.poses is None or base.poses is None:
        return entry
    found = replace(entry, reference=reference, base=base.poses)
    for each in (each for each in compared if each.difference and each.scores.dimensions == entry.scores.dimensions):
        if each.poses is entry.poses and each.base is base.poses:
            return replace(found, difference=each.difference)
        if each.poses is base.poses and each.base is entry.poses:
            return replace(found, difference=each.difference.negate())
    if (viewed := view(entry.scores.dimensions, entry.poses, base.poses)) is None:
        return entry
    return replace(found, difference=compare(*viewed[1], viewed[0], convention=entry.scores.convention or "official"))


def differences_to_json(entries: Sequence[Entry], *more: str) -> list[Json]:
    """The differences of those that have one. `more`: which of their other attributes are told."""
    names = (*more, "reference")
    return [
        {"run": entry.name, **{name: getattr(entry, name) for name in names}, **difference_to_json(entry.difference)}
        for entry in entries
        if entry.difference
    ]


def list_entries(runs: Sequence[Run], dimensions: int) -> list[Entry]:
    """The stages of a single run, the last stages of several; all have scores in so many dimensions."""
    if len(runs) == 1:
        return [runs[0].entry(stage, dimensions, readable(stage)) for stage in runs[0].scores_in(dimensions)]
    lasts = [list(run.scores_in(dimensions))[-1] for run in runs]
    return [
        run.entry(last, dimensions, run.name if len(set(lasts)) == 1 else f"{run.name}, {readable(last)}")
        for run, last in zip(runs, lasts, strict=True)
    ]


def describe_differences(entries: Sequence[Entry]) -> str:
    """What Δ means in a table of these entries; '' if there is none."""
    if not (references := dict.fromkeys(entry.reference for entry in entries if entry.difference)):
        return ""
    return (
        f"Δ is the value minus that of {' or '.join(references)} for the same people; its interval is paired. "
        "A difference by itself is beyond chance if its interval leaves out 0."
    )


def describe_people(entries: Sequence[Entry]) -> list[str]:
    """Whom the scores are of, how a pose becomes mm, and how the intervals were drawn, in words."""
    scores = entries[-1].scores
    over, text = "people", f"{scores.people:,} validation people, {scores.convention} convention."
    if scores.dimensions == 3:
        subjects = ", ".join(scores["joint_error"].groups["per_subject"]) or "not known"
        protocol = f"{scores.protocol} of Human3.6M" if scores.protocol else "their protocol is not known"
        over, text = "sequences", f"{scores.people:,} validation people of {scores.sequences:,} sequences, "
        text += f"subjects {subjects}; {protocol}. Predicted x, y and z are taken to mm with the camera and the ground "
        text += "truth's depth of the pelvis."
    drawn = f"In brackets, or in small type, 95 % confidence intervals: 1,000 bootstrap resamples of {over}."
    return [text, *[drawn][: any(entry.scores.bootstrap for entry in entries)]]
