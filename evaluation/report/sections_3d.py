"""The report's sections on poses in 3D: Tables 2 to 6 of the paper, Figures 1 (middle), 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.metrics.pose_std import PoseStd
from evaluation.report import paper_tables, plots
from evaluation.report.page import Section
from evaluation.report.paper_tables_3d import (
    METRICS,
    Entry3D,
    actions_3d_table,
    second_dataset_table,
    table_2,
    table_3,
    under,
)
from evaluation.report.plots_3d import Sequence3D, sequence_figure
from evaluation.report.published_3d import ACTION_TABLES
from evaluation.report.representation import steadier_bones
from heads.skeleton import MPII, Skeleton

Pair = tuple[Entry3D | None, Entry3D | None]  # a baseline, and the method shown beside it
NOBODY: Pair = (None, None)


def metrics_3d_section(entries: Sequence[Entry3D], gains: Sequence[Entry3D], text: Sequence[str]) -> Section:
    """Table 2, and what a second dataset gives. `text`: what the scores are of, and what is left out."""
    tables = {"table2": table_2(entries)}
    tables |= {"second-dataset": second_dataset_table(gains)} if gains else {}
    return Section("Table 2: metrics in 3D", tuple(text), tables)


def joints_3d_section(pairs: Mapping[bool, Pair]) -> Section:
    """Table 3, a table per metric. `pairs`: whether a second dataset was trained on too -> baseline and another."""
    mixed = False not in pairs
    baseline, shown = pairs[mixed]
    text = (f"Right and left together. {_trained(baseline, shown)} The paper's: on Human3.6M alone, Protocol 2.",)
    tables = {f"table3-{metric.replace('_', '-')}": table_3(metric, baseline, shown) for metric in METRICS}
    return Section("Table 3: by joint and bone", text, tables)


def actions_section(pairs: Mapping[bool, Pair]) -> Section:
    """Tables 4 to 6; those whose protocol or kind of training none of one's own have are folded.

    Args:
        pairs: as `joints_3d_section`. Of which protocol one's own are, if that is known, decides where they stand.
    """
    own = {
        name: tuple(under(table.protocol, entry) for entry in pairs.get(table.mixed, NOBODY))
        for name, table in ACTION_TABLES.items()
    }
    tables = {name: actions_3d_table(int(name.removeprefix("table")), *pair) for name, pair in own.items()}
    folded = frozenset(name for name, pair in own.items() if pair == NOBODY)
    known = any(entry.scores.protocol for pair in pairs.values() for entry in pair if entry)
    text = [
        "Protocol 1 trains on subjects 1, 5, 6, 7, 8 and 9 and tests on 11; Protocol 2 trains without 9 and tests on "
        "both. One's own values "
        + (
            "stand beside the published ones of their own protocol alone."
            if known
            else "are of the same validation people in all three tables: their protocol is not known."
        )
    ]
    text += [_trained(*pair) for _, pair in sorted(pairs.items())]
    return Section("Tables 4 to 6: by action", tuple(text), tables, folded=folded)


def std_3d_section(std: PoseStd | None, whose: str, skeleton: Skeleton = MPII) -> Section:
    """Figure 1, middle. `whose`: the people measured, in words; a sentence if nobody was measured."""
    heading = "Figure 1, middle: joints against bones in 3D"
    if std is None:
        return Section(heading, text=("No people with depth and a camera were given to measure it on.",))
    steadier = steadier_bones(std, skeleton)
    text = f"Over {whose}, relative to the root, {steadier} (a bone at the root is its joint)."
    figures = {"figure1-3d": ("Left and right averaged, mm.", plots.std_bars(std, skeleton, "mm"))}
    tables = {"figure1-3d": paper_tables.std_table(std, skeleton, "mm")}
    return Section(heading, (text,), tables, figures, folded=frozenset(tables))


def sequence_section(sequence: Sequence3D | None) -> Section:
    """Figure 2; a sentence if there is no sequence to draw."""
    heading = "Figure 2: wrists along a sequence"
    if sequence is None:
        return Section(heading, text=("No sequence with numbered frames, known depths and cameras was given.",))
    text = (
        f"{sequence.title}: of the sequences, the one whose wrists move most. Above, the error of the wrists and of "
        "the bones from them to the elbows; below, the poses at the marked frames, seen from 45 degrees to the side.",
    )
    caption = "Errors of both wrists, averaged, roots together; in the legend their means over the sequence."
    return Section(heading, text, figures={"figure2": (caption, sequence_figure(sequence))})


def people_3d_section(pictures: Sequence[tuple[str, np.ndarray]], run: str) -> Section:
    """Figure 3: pictures (`front_and_side`) of a run's poses, or a sentence if there are none."""
    heading = "Figure 3: image and side view"
    if not pictures:
        return Section(heading, text=("No images were given, so nobody is drawn on one; --images DIR names them.",))
    text = (
        f"{run}: people from the best to the worst predicted, in the image and from the side. Orange: the person's "
        "right side; blue: left; yellow: center; thin: the ground truth, from the side only where its depth is known.",
    )
    return Section(heading, text, pictures=pictures, wide=True)


def _trained(*entries: Entry3D | None) -> str:
    found = dict.fromkeys(entry.data for entry in entries if entry)
    names = " and ".join(dict.fromkeys(entry.name for entry in entries if entry))
    return f"{names}: trained on {', '.join(found)}."
