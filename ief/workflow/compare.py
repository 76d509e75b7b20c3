"""Runs that differ by some options alone: one budget, resumable as a whole, scored, and one report."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from checkpoints import PoseError, read_text
from evaluation import AngleLimits
from heads.pairs import METHODS
from ief.reporting.report import write_report
from ief.reporting.scoring import score_run
from ief.reporting.seeds import write_seeds
from ief.training.options import RunConfig, change_config
from ief.training.plan import announce, epochs_for_budget
from ief.training.progress import save_pictures
from ief.training.runtime import Runtime, open_runtime
from ief.training.stage_config import StageConfig, load_pretrained, load_training_data, read_verified
from ief.training.trainer import train_stage
from ief.workflow.training import tell_about_data
from mpii_tools.images.decode import LoadImage

TAKEN = re.compile(r"report|results\.\w+|differences\.png|budget\.json|people|data|seed\d+")  # in the folder
ALONE, BOTH = "3d", "3d+2d"  # folders of Table 2's runs on --data alone, and with --also


def table_7(config: RunConfig) -> dict[str, RunConfig]:
    """The five methods of Table 1."""
    return {method: replace(config, method=method) for method in METHODS}


def table_2(config: RunConfig) -> dict[str, RunConfig]:
    """The five methods on the first dataset alone, and on both."""
    parts = {ALONE: replace(config, also=None), BOTH: config}
    return {f"{folder}/{name}": run for folder, part in parts.items() for name, run in table_7(part).items()}


def read_plan(path: Path, config: RunConfig) -> dict[str, RunConfig]:
    """The runs of a plan, a JSON object of names -> options that they change: `{"rle": {"loss": "rle"}, ...}`.

    Raises:
        PoseError: when the file is missing or corrupt, or gives an option that no run can have.
    """
    try:
        plan = json.loads(read_text(path))
        if not plan or not all(isinstance(changes, dict) for changes in plan.values()):
            raise PoseError("needs an object with a run or more, each an object of options")
        return {name: change_config(config, **changes) for name, changes in plan.items()}
    except (ValueError, AttributeError, TypeError) as error:  # a PoseError is a ValueError
        raise PoseError(f"{path}: no plan of runs ({error})") from error


def compare_runs(
    configs: Mapping[str, RunConfig],
    folder: str | Path,
    title: str,
    *,
    seeds: Sequence[int] = (),
    minutes: float | None = None,
    device: str | None = None,
    stop_after: float | None = None,
    checkpoint_seconds: float = 60.0,
    dry_run: bool = False,
    load_image: LoadImage | None = None,
    angle_limits: AngleLimits | None = None,
) -> list[Path]:
    """Train and score runs, the first stages of all first, and report on them; what is done is skipped.

    For example, what `ief table7` does:

        config = change_config(RunConfig(), data="data/mpii", preset="best")
        compare_runs(table_7(config), "runs/table7", "Five methods")

    Args:
        configs: name -> run, to be trained in the folder of that name; the names of methods also get Table 7 with its
            differences in `results.md`.
        folder: to write to: the runs, and their report in `report`.
        title: of the report.
        seeds: train all of it once by each, in `seedN`; none for the runs' own, in the folder itself.
        minutes: budget of all trainings, which replaces the runs' epochs by one number that fits; None for their own.
        device, stop_after, checkpoint_seconds, dry_run: see `ief.workflow.train`.
        load_image: reads an image of the validation people by name, for the report's pictures.
        angle_limits: for the Illegal Angle of 3D poses.

    Returns:
        the pages and tables that were written, none on other ranks than the first.

    Raises:
        PoseError, Stopped: as `ief.workflow.train`; PoseError too when `minutes` are too few for an epoch, or
            the runs cannot be compared (`check_comparable`).
    """
    check_comparable(configs)
    folder, first = Path(folder), next(iter(configs.values()))
    parts = {folder / f"seed{seed}": {"seed": seed} for seed in seeds} or {folder: {}}
    options = (device, stop_after, checkpoint_seconds, first.deterministic)
    writes = [] if dry_run else [folder, *(part / name for part in parts for name in configs)]
    with open_runtime(*options, writes) as runtime:
        read, read_weights = cache(read_verified), cache(load_pretrained)  # once for all runs
        data = {name: load_training_data(config, read, read_weights) for name, config in configs.items()}
        runs = {
            part / name: StageConfig(replace(config, **changes), data[name], part / name)
            for part, changes in parts.items()
            for name, config in configs.items()
        }
        train, people = next(iter(data.values())).train, read(first.data, "valid").people
        tell_about_data([*configs.values()][-1], [*data.values()][-1], runtime)  # the one with --also, if any has it
        if minutes is not None:
            epochs = epochs_for_budget(minutes, list(runs.values()), runtime, folder / "budget.json")
            runs = {path: replace(one, run=change_config(one.run, epochs=epochs)) for path, one in runs.items()}
        longest = max(runs.values(), key=lambda run: (run.run.stages, run.steps))
        announce(longest, runtime, range(longest.run.stages), asked=dry_run, runs=[*runs.values()])
        if dry_run:
            return []
        written = []
        for part, changes in parts.items():
            folders = [part / name for name in configs]
            train_and_score([runs[path] for path in folders], runtime)
            if runtime.is_main:
                named = ", ".join([title, *(f"seed {seed}" for seed in changes.values())])
                shown = {"people": people, "training": train.people, "load_image": load_image}
                written.append(write_report(folders, part / "report", named, angle_limits=angle_limits, **shown))
        if runtime.is_main and len(configs) > 1 and all(name == config.method for name, config in configs.items()):
            by_method = {name: [part / name for part in parts] for name in configs}
            written += write_seeds(folder, by_method, people)
    return written


def check_comparable(configs: Mapping[str, RunConfig]) -> None:
    """Raises PoseError for no run, a name that is no folder beside the report, or runs that no report has in common."""
    if not configs:
        raise PoseError("nothing to compare; give one run or more")
    for name in configs:
        parts = name.split("/")
        if not name.isprintable() or {"", ".", ".."} & set(parts) or TAKEN.fullmatch(parts[0]):
            raise PoseError(f"run {name!r}: its name is its folder's; give one that is not taken, nor a path upwards")
    for option in ("data", "deterministic"):
        if len({getattr(config, option) for config in configs.values()}) > 1:
            raise PoseError(f"the runs differ in --{option}, which holds for all that are compared; give it once")


def train_and_score(runs: Sequence[StageConfig], runtime: Runtime) -> None:
    """Train every stage of some runs, the first stages of all first, and score them; what is done is skipped."""
    for index in range(max(run.run.stages for run in runs)):
        for run in runs:
            if index < run.run.stages:
                train_stage(replace(run, index=index), runtime)
    for run in runs:
        if runtime.is_main and not (run.run_folder / "metrics.json").exists():  # the last file of a score
            runtime.stopping.check()
            score_run(run.run_folder, run.data.valid, runtime.device)
            save_pictures(run.run_folder, run.data.valid)
