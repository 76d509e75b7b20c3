"""Which runs in 3D are compared with which: rows of Table 2, their differences, what a second dataset gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.metrics.angle_limits import AngleLimits
from evaluation.metrics.evaluate_3d import Scores3D
from evaluation.report.paper_tables import readable
from evaluation.report.paper_tables_3d import Entry3D
from ief.reporting.finished_run import FinishedRun
from ief.reporting.scoring_3d import difference_3d
from mpii_tools.depth.table import Depth
from mpii_tools.people import People

BASE, SHOWN = "ief_star", "all"  # the methods of Tables 3 to 6, where there are such runs
UNKNOWN = "data that is not recorded"


@dataclass(frozen=True)
class Split3D:
    """People, and what is known of them in 3D; None where it was not given."""

    people: People | None = None
    depth: Depth | None = None

    @property
    def known(self) -> bool:
        """Whether poses of these people can be scored in mm."""
        return self.people is not None and self.depth is not None and bool(self.depth.placed.any())


@dataclass(frozen=True)
class Row3D:
    """A stage of a run, before it is compared.

    Attributes:
        run: whose.
        stage: 'mean_pose', 'stage0', ...
        name: in the tables.
        scores: of the stage.
    """

    run: FinishedRun
    stage: str
    name: str
    scores: Scores3D

    @property
    def data(self) -> tuple[str, str | None]:
        """Names of the dataset and of the second one, which may be None."""
        return self.run.record.get("data", UNKNOWN), self.run.record.get("also")

    @property
    def poses(self) -> np.ndarray | None:
        """(N, K, 3) x, y in image pixels and z in mm, if they are known."""
        return self.run.poses_3d.get(self.stage)

    def entry(self) -> Entry3D:
        """The row without a difference."""
        data, also = self.data
        return Entry3D(self.name, self.run.method, f"{data} and {also}" if also else data, bool(also), self.scores)


@dataclass(frozen=True)
class Compared3D:
    """Runs, compared.

    Attributes:
        entries: rows of Table 2, each with its difference to the baseline trained on the same data.
        gains: of each method trained with and without a second dataset: what the second one changes.
        featured: whether a second dataset was trained on too -> the baseline's row and the one shown beside it in
            Tables 3 to 6 and Figure 2, numbers in `entries`; without another run the baseline's alone.
    """

    entries: list[Entry3D]
    gains: list[Entry3D]
    featured: dict[bool, list[int]]


def table_rows(runs: Sequence[FinishedRun], stages: Mapping[str, Mapping[str, Scores3D]]) -> list[Row3D]:
    """The stages of a single run; of several the last ones, and the mean pose of the first run of each dataset.

    Args:
        stages: run -> stage -> scores; runs without any are left out.
    """
    runs = [run for run in runs if stages[run.name]]
    if len(runs) == 1:
        return [Row3D(runs[0], stage, readable(stage), found) for stage, found in stages[runs[0].name].items()]
    lasts = {run.name: list(stages[run.name])[-1] for run in runs}
    alike = len(set(lasts.values())) == 1
    rows: list[Row3D] = []
    for run in runs:
        last, scores = lasts[run.name], stages[run.name]
        row = Row3D(run, last, run.name if alike else f"{run.name}, {readable(last)}", scores[last])
        if "mean_pose" in scores and last != "mean_pose" and row.data not in {other.data for other in rows}:
            rows.append(Row3D(run, "mean_pose", "mean pose", scores["mean_pose"]))
        rows.append(row)
    return rows


def compare_rows(rows: Sequence[Row3D], valid: Split3D, limits: AngleLimits | None = None) -> Compared3D:
    """Differences of the rows to the baseline of their data; of a single run, to the mean pose.

    Without the validation people's depth, or a row's predictions, there are none.
    """
    entries = [row.entry() for row in rows]
    single = len({row.run.name for row in rows}) == 1
    featured = {}
    for data in dict.fromkeys(row.data for row in rows):
        alike = [index for index, row in enumerate(rows) if row.data == data]
        trained = [index for index in alike if single or rows[index].stage != "mean_pose"] or alike
        base = next((index for index in trained if not single and rows[index].run.method == BASE), trained[0])
        others = [index for index in trained if index != base]
        for index in others:
            found = _difference(rows[index], rows[base], valid, limits)
            entries[index] = replace(entries[index], reference=rows[base].name if found else "", difference=found)
        shown = [index for index in others if rows[index].run.method == SHOWN and not single] or others
        featured.setdefault(bool(data[1]), [base, *shown[-1:]])
    return Compared3D(entries, _gains(rows, valid, limits), featured)


def _gains(rows: Sequence[Row3D], valid: Split3D, limits: AngleLimits | None) -> list[Entry3D]:
    """Each method's run with a second dataset minus its run without, if both were trained on the same first one."""
    trained = [row for row in rows if row.run.method and row.stage != "mean_pose"]
    gains = []
    for row in trained:
        alone = [other for other in trained if other.run.method == row.run.method and other.data == (row.data[0], None)]
        if row.data[1] and alone and (found := _difference(row, alone[0], valid, limits)):
            gains.append(replace(row.entry(), reference=alone[0].name, difference=found))
    return gains


def _difference(row: Row3D, other: Row3D, valid: Split3D, limits: AngleLimits | None) -> Scores3D | None:
    if not valid.known or row.poses is None or other.poses is None:
        return None
    return difference_3d(row.poses, other.poses, valid.people, valid.depth, limits)
