"""`ief import`: a regression network of mmpose as stage 0 of a run."""

from heads.pairs import METHODS
from ief.commands.options import FILE, FOLDER, Namespace, argument

EXAMPLE = """ief import td-reg_res50_rle-8xb64-210e_mpii-256x256.pth --out runs/mmpose
         ief predict --run runs/mmpose photo.jpg --out poses"""
METHOD = f"of the run, for its later stages: {', '.join(METHODS)}"
ARGUMENTS = (
    argument("file", FILE, "mmpose's checkpoint of DeepPose or RLE, ResNet-50 to 152, MPII at 256 x 256"),
    argument("--out", FOLDER, "new run folder to write", required=True),
    argument("--method", {"choices": tuple(METHODS), "metavar": "NAME"}, METHOD, "all"),
)


def run(args: Namespace) -> None:
    """Write stage 0, and say what can follow."""
    from ief.workflow.mmpose import import_mmpose

    stage = import_mmpose(args.file, args.out, args.method)
    print(f"wrote {stage}")
    print(f"next: ief predict --run {args.out} IMAGE --out {args.out / 'poses'}")
    print(f"next: ief train --run {args.out} --stage 1 --method {args.method} --data DATA --preset mpii256")
