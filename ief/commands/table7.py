"""`ief table7`: five methods x two stages under one budget, then the report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from heads.methods import METHODS
from heads.skeleton import MPII
from ief.commands import train
from ief.distributed import choose_device, joined_processes
from ief.presets import preset_called
from ief.reporting import write_report
from ief.run import STAGES
from ief.scoring import score_run
from ief.training import Job, train_stage
from mpii_tools.prepared import load_prepared

EXAMPLE = "ief table7 --data data/mpii --run runs/table7 --preset swift --passes 20"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, the method and the stage aside."""
    train.configure(parser)
    parser.set_defaults(method="all", stage="both")


def run(args: argparse.Namespace) -> None:
    """Train every method with the same seed, order, weights and budget; finished stages are skipped."""
    preset = preset_called(args.preset, **{name: getattr(args, name) for name in train.CHANGES})
    device = choose_device(args.device)
    with joined_processes(device) as processes:
        data, valid = load_prepared(args.data, "train"), load_prepared(args.data, "valid")
        job = Job(
            data,
            MPII,
            "all",
            args.run,
            args.seed,
            train.initial_weights(args, preset),
            device,
            processes,
            args.checkpoint_seconds,
        )
        runs = [args.run / method for method in METHODS]
        for index in range(STAGES):
            for method, folder in zip(METHODS, runs, strict=True):
                train_stage(index, replace(job, method=method, run=folder), preset)
        if processes.first:
            for folder in runs:
                score_run(folder, valid, device)
            print(write_report(runs, Path(args.run) / "report", "Five methods, two stages"))
