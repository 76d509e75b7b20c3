"""`ief bench`: the project's own speed measurements, each against a named baseline, in one run."""

import json

from checkpoints import write_text
from ief.commands.options import DEVICE, FILE, INTEGER, Namespace, argument, refuse

EXAMPLE = """ief bench
         ief bench network training --device cuda --json bench.json"""
GROUPS = ("training", "network")  # functions of `ief.benchmarks.stages` that yield lines
ARGUMENTS = (
    argument("groups", {"nargs": "*", "metavar": "NAME"}, f"what to measure: {', '.join(GROUPS)} (default: all)"),
    argument("--backbone", {"metavar": "NAME"}, "torchvision ResNet to run", "resnet50"),
    argument("--size", INTEGER, "side of the input in pixels", 224),
    argument("--batch-size", INTEGER, "samples per call of the networks (default: each bench's own)"),
    argument("--rounds", INTEGER, "timed rounds per bench, at least 1", 9),
    DEVICE,
    argument("--json", FILE, "write medians and ranges to this file too"),
)


def run(args: Namespace) -> None:
    """Measure the groups asked for and print a line for each bench as it is done."""
    refuse({f"unknown group '{name}'; choose from {', '.join(GROUPS)}": name not in GROUPS for name in args.groups})
    from ief.benchmarks import stages
    from ief.benchmarks.timing import HEADER, line, machine
    from ief.model.device import choose_device

    device, lines = choose_device(args.device), []
    workload = stages.Workload(device, args.backbone, args.size, args.batch_size, args.rounds)
    about = machine(device)
    print(", ".join(f"{key} {value}" for key, value in about.items()), HEADER, sep="\n")
    for name in args.groups or GROUPS:
        for result in getattr(stages, name)(workload):
            print(line(result), flush=True)
            lines.append({"group": name, **result})
    if args.json:
        print(write_text(args.json, json.dumps({"machine": about, "benches": lines}, indent=1)))
