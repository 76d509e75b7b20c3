"""The report of one or several finished runs: read what they left, compare, write the page and its files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from checkpoints.files import write_bytes, write_text
from evaluation.metrics.angle_limits import AngleLimits
from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.breakdown import PARTS, PartScores, breakdown
from evaluation.metrics.calibration import Calibration
from evaluation.metrics.distances import CROP
from evaluation.metrics.evaluate import Scores
from evaluation.metrics.json_format import (
    Json,
    calibration_to_json,
    difference_to_json,
    movement_to_json,
    parts_to_json,
    scores_to_json,
)
from evaluation.metrics.measures import PCKH
from evaluation.metrics.movement import Movement, movement
from evaluation.metrics.pose_std import PoseStd, pose_std
from evaluation.metrics.relative import relative_errors
from evaluation.report import sections
from evaluation.report.page import Report, Section
from evaluation.report.paper_tables import Entry, readable, table_7, table_8
from evaluation.report.published import TABLE_8, PublishedRow
from evaluation.report.representation import representation_section
from ief.reporting.comparison_3d import Split3D
from ief.reporting.finished_run import FinishedRun, load_run, run_names
from ief.reporting.pictures import drawn_people, moved_people
from ief.reporting.report_3d import find_3d, results_3d, sections_in_3d
from ief.reporting.scoring import calibration, difference, ground_truth
from mpii_tools.crops import apply_affine, crop_matrices
from mpii_tools.depth.table import Depth
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import People

BASE = "ief_star"  # the method that the others are compared with


@dataclass(frozen=True)
class Findings:
    """What is known of the runs, before it becomes tables and plots.

    Attributes:
        runs: in the order given; the last one's poses are drawn.
        entries: every stage of every run, with its difference to the reference.
        breakdowns: 'size', 'annotated', 'group' -> run -> part -> scores; {} without people.
        relative: run -> bones between two joints -> the error of their relative position; {} without people.
        moved: run -> what its stage 1 does to the poses of its stage 0.
        calibrations: run -> its last stage's scores against correctness, as predicted and calibrated.
        std: Figure 1, None if there is nothing to measure it on.
        whose: the people of Figure 1, in words.
    """

    runs: Sequence[FinishedRun]
    entries: Sequence[Entry]
    breakdowns: dict[str, dict[str, dict[str, PartScores]]]
    relative: dict[str, dict[int, Estimate]]
    moved: dict[str, Movement]
    calibrations: dict[str, tuple[Calibration, Calibration]]
    std: PoseStd | None
    whose: str


def write_report(
    runs: Sequence[Path],
    out: Path,
    title: str,
    lead: str = "",
    *,
    people: People | None = None,
    training: People | None = None,
    load_image: LoadImage | None = None,
    published: Mapping[str, PublishedRow] = TABLE_8,
    left_out: list[str] | None = None,
    depth: Depth | None = None,
    training_depth: Depth | None = None,
    angle_limits: AngleLimits | None = None,
) -> Path:
    """Write `out`/index.html, results.json, tables/ and figures/ for finished runs.

    Args:
        runs: run folders; the last one's poses are drawn.
        out: folder to write.
        title, lead: of the page.
        people: the validation people of the runs' predictions. Without them, differences and breakdowns are left out.
        training: the training people, for Figure 1; None takes `people`.
        load_image: an image by name; None draws nobody on an image.
        published: rows to print below Table 8.
        left_out: gets a line for each image that could not be drawn on; the report does without.
        depth, training_depth: what is known of `people` and `training` in 3D; runs in 3D need it for differences.
        angle_limits: for Illegal Angle; None leaves it out.

    Returns:
        The page's path.

    Raises:
        PoseError: a run that is not finished, predictions of other people.
    """
    finished = [load_run(folder, name, people) for folder, name in zip(runs, run_names(runs), strict=True)]
    findings = Findings(
        finished,
        compared(finished, people),
        broken_down(finished, people),
        relative_positions(finished, people),
        movements(finished, people),
        calibrations(finished, people),
        *measured_std(people, training),
    )
    valid = Split3D(people, depth)
    found_3d = find_3d(finished, runs, valid, Split3D(training, training_depth), angle_limits)
    parts = sections_in_3d(found_3d, finished[-1], valid, load_image, left_out) if found_3d else []
    drawn = drawn_people(finished[-1], people, load_image, left_out)
    report = Report(title, lead, [*parts, *page_sections(findings, people, drawn, published)])
    for name, content in report.files().items():
        write_bytes(out / name, content)
    tree = {**results(findings, report, published), **({"3d": results_3d(found_3d)} if found_3d else {})}
    write_text(out / "results.json", json.dumps(tree, indent=1, allow_nan=False))
    return out / "index.html"


def page_sections(
    findings: Findings,
    people: People | None,
    drawn: list[tuple[str, np.ndarray]],
    published: Mapping[str, PublishedRow],
) -> list[Section]:
    """The page's sections, in order; `drawn` are captioned pictures of people."""
    runs, shown, entries = findings.runs, findings.runs[-1], findings.entries
    measure = entries[-1].scores.pckh.measure
    parts = [
        Section(f"Table 7: errors and {measure.name} by stage", about(findings, people), {"table7": table_7(entries)}),
        Section(f"Table 8: {measure.name} by joint group", tables={"table8": table_8(entries, published)}),
        sections.joints_section(featured(runs), shown.skeleton),
    ]
    if people is not None:
        # Crop pixels make people of all sizes comparable; without a scale there are only image pixels.
        unit = "crop_px" if np.isfinite(people.scale).any() else "image_px"
        parts.append(sections.breakdown_section(findings.breakdowns, findings.relative, unit, measure))
    if findings.moved:
        moved = moved_people(shown, people)
        parts.append(sections.movement_section(findings.moved, *moved, run=shown.name, skeleton=shown.skeleton))
    if findings.calibrations:
        parts.append(sections.scores_section(findings.calibrations, measure))
    return [
        *parts,
        sections.people_section(drawn, shown.name, measure),
        representation_section(findings.std, findings.whose, shown.skeleton),
        sections.training_section(
            {run.name: run.curves for run in runs}, {run.name: run.validations for run in runs}, measure
        ),
        sections.runs_section({run.name: run.record for run in runs}),
    ]


def results(findings: Findings, report: Report, published: Mapping[str, PublishedRow]) -> Json:
    """Everything that the page shows, for results.json."""
    runs = findings.runs
    stages = {run.name: {stage: scores_to_json(scores) for stage, scores in run.stages.items()} for run in runs}
    kinds = findings.std.by_kind(runs[-1].skeleton) if findings.std else {}
    measure = runs[-1].stages[runs[-1].last].pckh.measure
    return {
        "title": report.title,
        "runs": {run.name: {"method": run.method, "training": run.record, "stages": stages[run.name]} for run in runs},
        "differences": [
            {
                "run": entry.run,
                "stage": entry.stage,
                "reference": entry.reference,
                **difference_to_json(entry.difference),
            }
            for entry in findings.entries
            if entry.difference
        ],
        "breakdowns": {
            key: {run: parts_to_json(parts, measure) for run, parts in found.items()}
            for key, found in findings.breakdowns.items()
        },
        "movement": {run: movement_to_json(moved) for run, moved in findings.moved.items()},
        "scores": {
            run: {"as_predicted": calibration_to_json(before), "calibrated": calibration_to_json(after)}
            for run, (before, after) in findings.calibrations.items()
        },
        "figure1": {kind: {"joint": joint, "bone": bone} for kind, (joint, bone) in kinds.items()},
        "curves": {run.name: run.curves for run in runs},
        "validations": {run.name: run.validations for run in runs},
        "published": {name: asdict(row) for name, row in published.items()} if measure == PCKH else {},
        "tables": {name: table.to_json() for name, table in report.tables().items()},
    }


def featured(runs: Sequence[FinishedRun]) -> dict[str, Scores]:
    """The scores that plots compare: the stages of a single run, the last stages of several."""
    if len(runs) == 1:
        return {readable(stage): scores for stage, scores in runs[0].stages.items()}
    same = len({run.last for run in runs}) == 1
    return {run.name if same else f"{run.name}, {readable(run.last)}": run.stages[run.last] for run in runs}


def compared(runs: Sequence[FinishedRun], people: People | None) -> list[Entry]:
    """Every stage of every run, with its paired difference to the reference.

    The reference is the same stage of the run of `ief_star` (of the first run, if there is none); with a single run it
    is stage 0.
    """
    base = next((run for run in runs if run.method == BASE), runs[0])
    several = len(runs) > 1
    reference = f"{base.name} at the same stage" if several else "stage 0"

    def entry(run: FinishedRun, stage: str) -> Entry:
        scores = run.stages[stage]
        wanted = (run is not base and stage != "mean_pose") if several else stage != "stage0"
        other = base.poses.get(stage if several else "stage0")
        if not wanted or other is None or stage not in run.poses:
            return Entry(run.name, run.method, stage, scores)
        found = difference(run.poses[stage], other, people, scores.pckh.convention)
        return Entry(run.name, run.method, stage, scores, reference, found)

    return [entry(run, stage) for run in runs for stage in run.stages]


def about(findings: Findings, people: People | None) -> tuple[str, ...]:
    """What the scores are of, and what is left out for want of something, in words."""
    scores = findings.entries[-1].scores
    text = [f"{scores.people:,} validation people, {scores.pckh.convention} convention."]
    if any(entry.scores.bootstrap for entry in findings.entries):
        text[0] += " In brackets, or in small type, 95 % confidence intervals: 1,000 bootstrap resamples of people."
    silent = ", ".join(run.name for run in findings.runs if not run.poses)
    if people is None:
        text.append(
            "Differences, the parts of the data and the people are left out: they need the validation annotations "
            "(--data or --annotations)."
        )
    elif silent:
        text.append(f"Without predictions-valid.npz, and so without differences and parts of the data: {silent}.")
    return tuple(text)


def broken_down(runs: Sequence[FinishedRun], people: People | None) -> dict[str, dict[str, dict[str, PartScores]]]:
    """'size', 'annotated', 'group' -> run -> part -> scores of its last stage; {} without people."""
    if people is None:
        return {}

    def scores(run: FinishedRun, key: str) -> dict[str, PartScores]:
        gt = ground_truth(people, run.poses[run.last])
        convention = run.stages[run.last].pckh.convention
        return breakdown(run.poses[run.last], gt, PARTS[key](gt), convention=convention)

    return {key: {run.name: scores(run, key) for run in runs if run.last in run.poses} for key in PARTS}


def relative_positions(runs: Sequence[FinishedRun], people: People | None) -> dict[str, dict[int, Estimate]]:
    """Run -> bones between two joints -> its last stage's error of their relative position; {} without people."""
    poses = {run.name: run.poses[run.last] for run in runs if people is not None and run.last in run.poses}
    return {name: relative_errors(ground_truth(people, pose), [pose]) for name, pose in poses.items()}


def movements(runs: Sequence[FinishedRun], people: People | None) -> dict[str, Movement]:
    """Run -> what its stage 1 does to the poses of its stage 0; runs without both are left out."""
    return {
        run.name: movement(run.poses["stage0"], run.poses["stage1"], ground_truth(people, run.poses["stage1"]))
        for run in runs
        if {"stage0", "stage1"} <= set(run.poses)
    }


def calibrations(runs: Sequence[FinishedRun], people: People | None) -> dict[str, tuple[Calibration, Calibration]]:
    """Run -> its last stage's scores against correctness, as predicted and calibrated; runs without are left out."""
    found = {
        run.name: calibration(run.poses[run.last], run.scores[run.last], people, run.stages[run.last].pckh.convention)
        for run in runs
        if run.last in run.scores
    }
    return {name: both for name, both in found.items() if both}


def measured_std(people: People | None, training: People | None) -> tuple[PoseStd | None, str]:
    """Figure 1 of the training people (of the validation ones, if only they are given), and whose it is."""
    measured = people if training is None else training
    if measured is None:
        return None, ""
    matrices = crop_matrices(measured.crop_center, measured.crop_side, CROP)
    joints = apply_affine(matrices, measured.joints)
    annotated = measured.annotated & np.isfinite(joints).all(axis=-1)
    skeleton = measured.skeleton
    std = pose_std(joints, annotated, skeleton=skeleton) if annotated.any() else None
    if std is None or not std.by_kind(skeleton):
        return None, ""
    kind = "validation people (no training annotations were given)" if training is None else "training people"
    return std, f"{annotated.any(axis=1).sum():,} {kind}"
