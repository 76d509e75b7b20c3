"""`ief experiments`: the planned comparisons on real images, in one command that resumes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from ief.commands import train
from ief.commands.options import given
from ief.commands.table7 import report, train_and_score
from ief.training.experiments import COMPARISONS, PLAN, Experiment, by_folder
from ief.training.run_config import RUN_OPTIONS, RunConfig, changed

if TYPE_CHECKING:
    from evaluation.metrics.scores import Scores
    from ief.training.config import StageConfig
    from mpii_tools.people import People
    from mpii_tools.prepared.read import PreparedSplit

EXAMPLE = """ief experiments --data data/lsp224 --run runs/experiments
on a machine lent for ten minutes at a time: add --stop-after 9, and repeat until the status is 0"""
OPTIONS = {name: entry for name, entry in RUN_OPTIONS.items() if name not in ("method", "stages", "preset", "also")}
MINUTES = 25.0
TRAINING = 0.8  # of the minutes; the rest measures residuals, validates, predicts, scores and reports
FLIP = "flip"  # folder in a run of its predictions by flip averaging


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, except what the plan decides."""
    train.configure_training(parser, OPTIONS)
    parser.add_argument(
        "--groups",
        nargs="+",
        metavar="NAME",
        help=f"parts of the plan: {', '.join(by_folder(PLAN))} (default: all); `others` begin where `best` ended",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        help="time for all of it on this machine, instead of --epochs: its speed is measured once and every stage gets "
        f"the same number of epochs, a single one of the same compute as many more (default: {MINUTES:g})",
    )


def run(args: argparse.Namespace) -> None:
    """Train the runs of the plan, a group after the other, score them with and without flip averaging, compare."""
    train.check_budget(args.minutes, args.epochs)
    config, groups = train.chosen(args, OPTIONS), chosen_groups(args.groups)
    from mpii_tools.prepared.read import load_prepared

    valid, plan = load_prepared(config.data, "valid"), list(chain.from_iterable(groups.values()))
    with train.training(args, config) as first:
        epochs = args.epochs or fitting(args.minutes or MINUTES, plan, config, first, args)
        runs = {
            group: {args.run / one.name: planned(one, epochs, config, first, args) for one in members}
            for group, members in groups.items()
        }
        for group, configs in runs.items():
            take_over(groups[group], first, args.run)
            train_and_score(configs, valid)
            if first.dist.is_main:
                score_flipped(configs, valid)
        if first.dist.is_main:  # none of it needs a GPU
            first.stopping.check()  # it takes a while, and does not stop half-way
            for group, configs in runs.items():
                title = f"{group}: {epochs:g} epochs per stage"
                report(list(configs), valid, first.data, args.run / group / "report", title)
            write_comparison(args.run, plan, valid.people, epochs)


def chosen_groups(names: list[str] | None) -> dict[str, list[Experiment]]:
    """The groups of those names in the plan's order, all by default. Raises PoseError for an unknown name."""
    known = by_folder(PLAN)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise PoseError(f"--groups {unknown[0]}: unknown; choose from {', '.join(known)}")
    return {name: group for name, group in known.items() if not names or name in names}


def planned(
    one: Experiment, epochs: float, config: RunConfig, first: StageConfig, args: argparse.Namespace
) -> StageConfig:
    """The first stage of a planned run; options that the command line gives go before the plan's.

    Args:
        epochs: of the plan.
        config, first: the options of the command line, and the training that they describe.
    """
    options = {**one.options, **given(args, train.OF_TRAINING), "epochs": round(one.epochs * epochs, 2)}
    decided = {"preset": one.preset, "method": one.method, "stages": one.stages}
    config = changed(config, decided, options)
    return replace(first, method=one.method, run=args.run / one.name, preset=config.options, run_config=config)


def fitting(
    minutes: float, plan: list[Experiment], config: RunConfig, first: StageConfig, args: argparse.Namespace
) -> float:
    """The plan's epochs, so that it takes the minutes: measured once, as `best`, and kept in budget.json."""
    from ief.training.budget import epochs_within

    like = planned(Experiment("", ""), 1.0, config, first, args)
    methods = round(sum(one.cost for one in plan) / TRAINING, 2)
    return epochs_within(minutes, methods, like.run_config.stages, like, args.run / "budget.json")


def take_over(plan: list[Experiment], first: StageConfig, folder: Path) -> None:
    """Copy the trained stages that runs of the plan begin with. Raises PoseError when the disk refuses."""
    from checkpoints.files import require_file, write_bytes
    from ief.model.run_folder import stage_file

    for one in plan:
        for index in range(one.stages - 1 if one.start else 0):
            source, target = (stage_file(folder / name, index) for name in (one.start, one.name))
            if first.dist.is_main and not target.exists():
                for name in ("log.csv", target.name):
                    write_bytes(target.with_name(name), require_file(source.with_name(name)).read_bytes())
    first.dist.barrier()


def score_flipped(configs: Mapping[Path, StageConfig], valid: PreparedSplit) -> None:
    """Predict and score the runs by flip averaging, to RUN/flip; what is done is skipped."""
    from ief.reporting.scoring import score_run

    for run, config in configs.items():
        if not (run / FLIP / "metrics.json").exists():
            config.stopping.check()
            score_run(run, valid, config.device, flip=True, out=run / FLIP)


def write_comparison(folder: Path, plan: list[Experiment], people: People, epochs: float) -> None:
    """Write results.md and results.json: each run's scores, and the paired differences of `results`."""
    from evaluation.report.tables import summary_table
    from ief.reporting.results_page import write_tables

    scores, differences = results(folder, [one.name for one in plan], people)
    tables = {"scores": summary_table(scores), "differences": summary_table(differences, signed=True)}
    about = (f"* `{one.name}`: {one.about}; {one.epochs * epochs:.4g} epochs per stage" for one in plan)
    lead = "\n".join([f"# Experiments: {len(people):,} validation people\n", *about])
    print("wrote " + "\n      ".join(map(str, write_tables(folder, lead, tables, {"epochs": epochs}))))


def results(folder: Path, names: list[str], people: People) -> tuple[dict[str, Scores], dict[str, Scores]]:
    """The last stage's scores of each run, without and with flip averaging; and the differences.

    The differences are those of COMPARISONS, of each run's last two stages, and of flip averaging.
    """
    from ief.reporting.scoring import difference, load_poses, score

    stages = {name: list(load_poses(folder / name, people).values()) for name in names}
    flipped = {name: list(load_poses(folder / name / FLIP, people).values())[-1] for name in names}
    last = {name: poses[-1] for name, poses in stages.items()}
    pairs = {
        f"{name} minus {base}": (last[name], last[base]) for name, base in COMPARISONS if {name, base} <= last.keys()
    }
    for name, poses in stages.items():
        if len(poses) > 2:  # the mean pose is the first
            pairs[f"{name}, last stage minus the previous"] = (poses[-1], poses[-2])
        pairs[f"{name}, flip minus none"] = (flipped[name], poses[-1])
    shown = {**last, **{f"{name}, flip": found for name, found in flipped.items()}}
    scores = {name: score(found, people, intervals=True) for name, found in shown.items()}
    return scores, {name: difference(*pair, people) for name, pair in pairs.items()}
