"""`ief release`: a run -> weights for everybody, in a quarter of their room, with a model card."""

import argparse
from pathlib import Path

from ief.commands.options import add_device

EXAMPLE = "ief release --run runs/all --data lspet128 --out checkpoints/released --license 'for research'"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="DIR", help="run with finished stages")
    add(
        "--data",
        type=Path,
        required=True,
        nargs="+",
        metavar="DIR",
        help="folders that `ief prepare` wrote; their validation people score the weights, the first one's calibrate "
        "the scores of joints",
    )
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write, without a release; `ief predict` takes checkpoints/released unless told otherwise",
    )
    add("--license", required=True, metavar="TEXT", help="license of the training data, for the model card")
    add("--name", metavar="TEXT", help="of the weights (default: the run folder's)")
    add("--trained-on", metavar="TEXT", help="the training data in words, with ' + ' between them (default: its name)")
    add(
        "--storage",
        choices=("int8", "float16"),
        default="int8",
        help="of convolutions and linear layers; int8 has a scale per output channel (default: int8)",
    )
    add("--notes", type=Path, metavar="FILE", help="Markdown for the end of the card, such as what others measured")
    add("--push", metavar="OWNER/NAME", help="also upload the folder to the hub; needs huggingface_hub and a login")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    """Write the stages rounded, score them, write the card; upload it if asked."""
    from checkpoints.weights import push_run
    from ief.workflow.release import release

    files = release(
        args.run, args.out, args.data, args.license, name=args.name, trained_on=args.trained_on, storage=args.storage,
        notes=args.notes, device=args.device,
    )  # fmt: skip
    print("wrote " + "\n      ".join(f"{file} ({file.stat().st_size / 1e6:.2f} MB)" for file in files))
    if args.push:
        print(push_run(args.out, args.push))
