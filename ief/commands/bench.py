"""`ief bench`: the project's own speed measurements, each against a named baseline, in one run."""

import argparse
import json
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from ief.commands.options import add_device

EXAMPLE = """ief bench
         ief bench network training --device cuda --json bench.json"""

GROUPS = ("training", "network")  # functions of `ief.benchmarks.stages` that yield lines


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("groups", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(GROUPS)} (default: all)")
    add("--backbone", metavar="NAME", default="resnet50", help="torchvision ResNet to run (default: resnet50)")
    add("--size", type=int, metavar="N", default=224, help="side of the input in pixels (default: 224)")
    add("--batch-size", type=int, metavar="N", help="samples per call of the networks (default: each bench's own)")
    add("--images", type=Path, metavar="DIR", help="folder of images to start from (default: some are drawn)")
    add("--rounds", type=int, metavar="N", default=9, help="timed rounds per bench, at least 1 (default: 9)")
    add("--compile", action="store_true", help="run the networks, ours and the baselines, through torch.compile")
    add_device(parser)
    add("--json", type=Path, metavar="FILE", help="write medians and ranges to this file too")


def run(args: argparse.Namespace) -> None:
    """Measure the groups asked for and print a line for each bench as it is done."""
    unknown = [name for name in args.groups if name not in GROUPS]
    if unknown:
        raise PoseError(f"unknown group '{unknown[0]}'; choose from {', '.join(GROUPS)}")
    from ief.benchmarks import stages
    from ief.benchmarks.timing import HEADER, line, machine
    from ief.model.device import choose_device

    device, lines = choose_device(args.device), []
    workload = stages.Workload(
        device, args.backbone, args.size, args.batch_size, args.images, args.rounds, args.compile
    )
    about = machine(device)
    print(", ".join(f"{key} {value}" for key, value in about.items()), HEADER, sep="\n")
    for name in args.groups or GROUPS:
        for result in getattr(stages, name)(workload):
            print(line(result), flush=True)
            lines.append({"group": name, **result})
    if args.json:
        print(write_text(args.json, json.dumps({"machine": about, "benches": lines}, indent=1)))
