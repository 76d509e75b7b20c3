"""`ief demo`: the whole line on synthetic people, from drawing them to a report."""

from ief.commands.options import DEVICE, FOLDER, INTEGER, NUMBER, Namespace, argument, check_budget
from ief.training.options import PRESETS

EXAMPLE = """ief demo --out demo
         ief demo --dimensions 3 --out demo3d"""
MINUTES = {2: 5.0, 3: 8.0}
EPOCHS = f"1 to {PRESETS['demo'].epochs:g} (default: {MINUTES[2]:g}, in 3D {MINUTES[3]:g})"
ARGUMENTS = (
    argument("--out", FOLDER, "folder to write; an unfinished one resumes", required=True),
    argument("--images", INTEGER, "to train on, 30 or more; a third as many validate, half as many lack depth", 1200),
    argument(
        "--dimensions", {"type": int, "choices": (2, 3)}, "2: both stages; 3: one, people with and without depth", 2
    ),
    argument("--minutes", NUMBER, f"for all of it: as many epochs are trained as fit, {EPOCHS}"),
    argument("--epochs", NUMBER, "times a stage sees each person, above 0 (default: by --minutes)"),
    argument("--seed", INTEGER, "seed of the people and of training", 0),
    DEVICE,
)


def run(args: Namespace) -> None:
    """Draw, prepare, train, predict, evaluate, report."""
    check_budget(args.minutes, args.epochs)
    from ief.workflow.demo import demo

    args.minutes = args.minutes or MINUTES[args.dimensions]
    demo(**vars(args))
