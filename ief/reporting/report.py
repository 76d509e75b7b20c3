"""The report of one or several finished runs: read what they left, compare, write the page and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from checkpoints.files import write_bytes, write_text
from evaluation.metrics.breakdown import Part, breakdown, parts_by_annotated, parts_by_group, parts_by_size
from evaluation.metrics.distances import CROP
from evaluation.metrics.evaluate import Tree
from evaluation.metrics.movement import movement
from evaluation.metrics.spread import Spread, pose_spread
from evaluation.report.page import Report, Section
from evaluation.report.paper_tables import Entry, readable
from evaluation.report.published import TABLE_8, PublishedRow
from evaluation.report.sections import (
    breakdown_section,
    joints_section,
    movement_section,
    people_section,
    runs_section,
    spread_section,
    table_7_section,
    table_8_section,
    training_section,
)
from evaluation.report.tables import Cell
from ief.reporting.finished_run import FinishedRun, load_run, run_names
from ief.reporting.pictures import draw_people, worst_and_median
from ief.reporting.scoring import difference, person_errors
from mpii_tools.crops import apply_affine, crop_matrices
from mpii_tools.people import People

BASE = "ief_star"  # the method that the others are compared with
PANELS = 3  # people in a row of the movement figure


@dataclass(frozen=True)
class Findings:
    """What the runs say, before it becomes tables and plots.

    Attributes:
        runs: in the order given; the last one's poses are drawn.
        entries: every stage of every run, with its difference to the reference.
        breakdowns: 'size', 'annotated', 'group' -> run -> part -> figures; {} without people.
        moved: run -> what its stage 1 does to the poses of its stage 0.
        spread: Figure 1, None where there is nothing to measure it on.
        whose: the people of Figure 1, in words.
    """

    runs: Sequence[FinishedRun]
    entries: Sequence[Entry]
    breakdowns: dict[str, dict[str, dict[str, Tree]]]
    moved: dict[str, Tree]
    spread: Spread | None
    whose: str


def write_report(
    runs: Sequence[Path],
    out: Path,
    title: str,
    lead: str = "",
    *,
    people: People | None = None,
    training: People | None = None,
    read_image: Callable[[str], bytes] | None = None,
    published: Mapping[str, PublishedRow] = TABLE_8,
) -> Path:
    """Write `out`/index.html, results.json, tables/ and figures/ for finished runs.

    Args:
        runs: run folders; the last one's poses are drawn.
        out: folder to write.
        title, lead: of the page.
        people: the validation people of the runs' predictions. Without them, differences and breakdowns are left out.
        training: the training people, for Figure 1; None takes `people`.
        read_image: encoded bytes of a image by name; None draws nobody on a image.
        published: rows to stand below Table 8.

    Returns:
        The page's path.

    Raises:
        PoseError: a run that is not finished, predictions of other people, a image that is missing.
    """
    finished = [load_run(folder, name, people) for folder, name in zip(runs, run_names(runs), strict=True)]
    spread, whose = measured_spread(people, training)
    findings = Findings(
        finished, compared(finished, people), broken_down(finished, people), movements(finished, people), spread, whose
    )
    report = Report(title, lead, sections(findings, people, read_image, published))
    for name, content in report.files().items():
        write_bytes(out / name, content)
    write_text(out / "results.json", json.dumps(results(findings, report, published), indent=1, allow_nan=False))
    return out / "index.html"


def sections(
    findings: Findings,
    people: People | None,
    read_image: Callable[[str], bytes] | None,
    published: Mapping[str, PublishedRow],
) -> list[Section]:
    """The page's sections, in order."""
    runs, shown = findings.runs, findings.runs[-1]
    parts = [
        table_7_section(findings.entries, about(findings, people)),
        table_8_section(findings.entries, published),
        joints_section(featured(runs)),
    ]
    if people is not None:
        parts.append(breakdown_section(findings.breakdowns, error_unit(people)))
    if findings.moved:
        parts.append(movement_section(findings.moved, *moved_people(shown, people), run=shown.name))
    return [
        *parts,
        people_section(drawn_people(shown, people, read_image), shown.name),
        spread_section(findings.spread, findings.whose),
        training_section(by_stage({run.name: run.curves for run in runs})),
        runs_section({run.name: run.record for run in runs}),
    ]


def results(findings: Findings, report: Report, published: Mapping[str, PublishedRow]) -> Tree:
    """Everything that the page says, for results.json."""
    runs = findings.runs
    return {
        "title": report.title,
        "runs": {run.name: {"method": run.method, "training": run.record, "stages": run.stages} for run in runs},
        "differences": [
            {"run": entry.run, "stage": entry.stage, "reference": entry.reference, **entry.difference}
            for entry in findings.entries
            if entry.difference
        ],
        "breakdowns": findings.breakdowns,
        "movement": findings.moved,
        "figure1": spread_tree(findings.spread),
        "curves": {run.name: run.curves for run in runs},
        "published": {name: asdict(row) for name, row in published.items()},
        "tables": {name: table.to_json() for name, table in report.tables().items()},
    }


def featured(runs: Sequence[FinishedRun]) -> dict[str, Tree]:
    """The figures that plots compare: the stages of a single run, the last stages of several."""
    if len(runs) == 1:
        return {readable(stage): tree for stage, tree in runs[0].stages.items()}
    alike = len({run.last for run in runs}) == 1
    return {run.name if alike else f"{run.name}, {readable(run.last)}": run.stages[run.last] for run in runs}


def compared(runs: Sequence[FinishedRun], people: People | None) -> list[Entry]:
    """Every stage of every run, with its paired difference to the reference.

    The reference is the same stage of the run of `ief_star` (of the first run, where there is none); with a single
    run it is stage 0.
    """
    base = next((run for run in runs if run.method == BASE), runs[0])
    several = len(runs) > 1
    reference = f"{base.name} at the same stage" if several else "stage 0"

    def entry(run: FinishedRun, stage: str) -> Entry:
        tree = run.stages[stage]
        wanted = (run is not base and stage != "mean_pose") if several else stage != "stage0"
        other = base.poses.get(stage if several else "stage0")
        if not wanted or other is None or stage not in run.poses:
            return Entry(run.name, run.method, stage, tree)
        found = difference(run.poses[stage], other, people, tree["convention"])
        return Entry(run.name, run.method, stage, tree, reference, found)

    return [entry(run, stage) for run in runs for stage in run.stages]


def about(findings: Findings, people: People | None) -> list[str]:
    """What the figures are of, and what is left out for want of something, in words."""
    figures = findings.entries[-1].figures
    text = [f"{figures['persons']:,} validation people, {figures['convention']} convention."]
    if any("interval" in entry.figures for entry in findings.entries):
        text[0] += " In brackets, or in small type, 95 % intervals: 1,000 bootstrap resamples of people."
    silent = ", ".join(run.name for run in findings.runs if not run.poses)
    if people is None:
        text.append(
            "Differences, the parts of the data and the people are left out: they need the validation annotations "
            "(--data or --annotations)."
        )
    elif silent:
        text.append(f"Without predictions-valid.npz, and so without differences and parts of the data: {silent}.")
    return text


def error_unit(people: People | None) -> str:
    """Crop pixels make people of all sizes comparable; without a scale there are only image pixels."""
    return "crop_px" if people is not None and np.isfinite(people.scale).any() else "image_px"


def broken_down(runs: Sequence[FinishedRun], people: People | None) -> dict[str, dict[str, dict[str, Tree]]]:
    """'size', 'annotated', 'group' -> run -> part -> figures of its last stage; {} without people."""
    if people is None:
        return {}
    joints = len(people.joint_names)
    parts = {
        "size": parts_by_size(people.scale, joints),
        "annotated": parts_by_annotated(people.annotated),
        "group": parts_by_group(people.joint_names, len(people)),
    }
    truth = (people.joints, people.head_size, people.scale, people.annotated)
    predicted = [run for run in runs if run.last in run.poses]

    def figures(run: FinishedRun, found: list[Part]) -> dict[str, Tree]:
        return breakdown(run.poses[run.last], *truth, found, convention=run.stages[run.last]["convention"])

    return {key: {run.name: figures(run, found) for run in predicted} for key, found in parts.items()}


def movements(runs: Sequence[FinishedRun], people: People | None) -> dict[str, Tree]:
    """Run -> what its stage 1 does to the poses of its stage 0; runs without both are left out."""
    return {
        run.name: movement(run.poses["stage0"], run.poses["stage1"], people.joints, people.annotated)
        for run in runs
        if {"stage0", "stage1"} <= set(run.poses)
    }


def moved_people(run: FinishedRun, people: People) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Poses before, after and true, and captions, of those whom stage 1 helps most, in the middle, and harms most."""
    if "stage1" not in run.poses:
        nobody = np.zeros((0, len(people.joint_names), 2))
        return nobody, nobody, nobody, []
    before, after = run.poses["stage0"], run.poses["stage1"]
    change = person_errors(after, people) - person_errors(before, people)
    order = np.argsort(change)[: np.isfinite(change).sum()].tolist()
    middle = len(order) // 2 - PANELS // 2
    enough = len(order) >= 3 * PANELS
    rows = [*order[:PANELS], *order[middle : middle + PANELS], *order[-PANELS:][::-1]] if enough else order
    captions = [f"{Cell(change[row], digits=2, signed=True)} head sizes".replace("-", "\N{MINUS SIGN}") for row in rows]
    return before[rows], after[rows], np.where(people.annotated[rows][..., None], people.joints[rows], np.nan), captions


def drawn_people(
    run: FinishedRun, people: People | None, read_image: Callable[[str], bytes] | None
) -> list[tuple[str, np.ndarray]]:
    """Captioned close-ups of the worst and the median people of a run's last stage."""
    if people is None or read_image is None or run.last not in run.poses:
        return []
    errors = person_errors(run.poses[run.last], people)
    labels = worst_and_median(errors)
    before = run.poses.get("stage0") if run.last != "stage0" else None
    pictures = draw_people(people, run.poses[run.last], read_image, list(labels), before=before)
    return [
        (f"{label}: {name}, {errors[row]:.2f} head sizes", picture)
        for (row, label), (name, picture) in zip(labels.items(), pictures, strict=True)
    ]


def measured_spread(people: People | None, training: People | None) -> tuple[Spread | None, str]:
    """Figure 1 of the training people (of the validation ones, where only they are given), and whose it is."""
    measured = people if training is None else training
    if measured is None:
        return None, ""
    matrices = crop_matrices(measured.crop_center, measured.crop_side, CROP)
    joints = apply_affine(matrices, measured.joints)
    annotated = measured.annotated & np.isfinite(joints).all(axis=-1)
    spread = pose_spread(joints, annotated) if annotated.any() else None
    if spread is None or not spread.by_kind():
        return None, ""
    kind = "validation people (no training annotations were given)" if training is None else "training people"
    return spread, f"{annotated.any(axis=1).sum():,} {kind}"


def spread_tree(spread: Spread | None) -> Tree:
    """Figure 1 for JSON: joint kind -> {"joint", "bone"} in pixels of the 224 crop."""
    kinds = spread.by_kind() if spread else {}
    return {kind: {"joint": joint, "bone": bone} for kind, (joint, bone) in kinds.items()}


def by_stage(curves: Mapping[str, Mapping[str, list]]) -> dict[str, dict[str, list]]:
    """run -> stage -> points, turned into stage -> run -> points."""
    stages = dict.fromkeys(stage for found in curves.values() for stage in found)
    return {stage: {run: found[stage] for run, found in curves.items() if stage in found} for stage in stages}
