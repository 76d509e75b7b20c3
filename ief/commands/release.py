"""`ief release`: a run that is good enough -> weights for everybody, in half precision, with a model card."""

import argparse
from pathlib import Path

from ief.commands.options import add_device

EXAMPLE = """ief release --run runs/all --out checkpoints/released --license "research use only (Leeds Sports Pose)\""""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="DIR", help="finished run, scored on its validation people")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write, without a release; `ief predict` takes checkpoints/released unless told otherwise",
    )
    add("--license", required=True, metavar="TEXT", help="license of the training data, for the model card")
    add(
        "--least",
        type=float,
        default=55.0,
        metavar="X",
        help="PCKh@0.5 in %% that the last stage must reach on the validation people (default: 55)",
    )
    add("--images", type=int, default=200, metavar="N", help="images to draw, to look for failures on (default: 200)")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    """Check the run's scores, write its stages in half precision, measure what that changed, write the card."""
    from ief.workflow.release import release

    files, rounding = release(
        args.run, args.out, args.license, least=args.least, images=args.images, device=args.device
    )
    print("wrote " + "\n      ".join(f"{file} ({file.stat().st_size / 1e6:.2f} MB)" for file in files))
    print(f"float16 moved no joint of {rounding.people} drawn people by more than {rounding.moved:.3f} px of the input")
