"""`ief bench`: the project's own speed measurements, each against a named floor, in one run."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from ief.benchmarks.timing import HEADER, Bench, machine, measure
from ief.benchmarks.workload import Workload
from ief.training.distributed import choose_device

EXAMPLE = """ief bench
         ief bench network training --device cuda --json bench.json"""

# Each is the module of that name in ief.benchmarks, with a function `benches(workload)` that yields its lines.
GROUPS = ("loss", "heatmaps", "crops", "network", "training", "memory")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "groups", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(GROUPS)} (default: all)"
    )
    parser.add_argument("--backbone", default="resnet50", help="of the stages (default: resnet50)")
    parser.add_argument("--size", type=int, default=224, help="side of the input in pixels (default: 224)")
    parser.add_argument("--batch", type=int, help="samples a call of the networks (default: each bench's own)")
    parser.add_argument("--images", type=Path, metavar="DIR", help="images to start from (default: some are drawn)")
    parser.add_argument("--turns", type=int, default=9, help="timed turns of each bench (default: 9)")
    parser.add_argument("--compile", action="store_true", help="networks go through torch.compile, ours and the floors")
    parser.add_argument("--device", help="cpu, cuda, ... (default: a GPU where there is one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write medians and spreads there too")


def run(args: argparse.Namespace) -> None:
    """Measure the groups asked for and print a line for each bench as it is done."""
    unknown = [name for name in args.groups if name not in GROUPS]
    if unknown:
        raise PoseError(f"unknown group '{unknown[0]}'; choose from {', '.join(GROUPS)}")
    device = choose_device(args.device)
    workload = Workload(device, args.backbone, args.size, args.batch, args.images, args.compile)
    about, lines = machine(workload.device), []
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    print(HEADER)
    for name in args.groups or GROUPS:
        for bench in importlib.import_module(f"ief.benchmarks.{name}").benches(workload):
            line = measure(bench, args.turns, workload.device) if isinstance(bench, Bench) else bench
            print(line.line(), flush=True)
            lines.append({"group": name, **line.to_json()})
    if args.json:
        print(write_text(args.json, json.dumps({"machine": about, "benches": lines}, indent=1)))
