"""`ief release`: a run -> weights for everybody, in a quarter of their room, with a model card."""

from ief.commands.options import DEVICE, FILE, FOLDER, TEXT, Namespace, argument

EXAMPLE = "ief release --run runs/all --data lspet128 --out checkpoints/released --license 'for research'"
SCORED = "prepared folders; their validation people score the weights, the first one's calibrate scores of joints"
ARGUMENTS = (
    argument("--run", FOLDER, "run with finished stages", required=True),
    argument("--data", {**FOLDER, "nargs": "+"}, SCORED, required=True),
    argument("--out", FOLDER, "new folder to write; `predict` takes checkpoints/released by default", required=True),
    argument("--license", TEXT, "license of the training data, for the model card", required=True),
    argument("--name", TEXT, "of the weights (default: the run folder's)"),
    argument("--trained-on", TEXT, "the training data in words, with ' + ' between them (default: its name)"),
    argument("--storage", {"choices": ("int8", "float16")}, "of weights; int8 has a scale per output channel", "int8"),
    argument("--notes", FILE, "Markdown for the end of the card, such as what others measured"),
    argument("--push", {"metavar": "OWNER/NAME"}, "also upload it to the hub; needs huggingface_hub and a login"),
    DEVICE,
)


def run(args: Namespace) -> None:
    """Write the stages rounded, score them, write the card; upload it if asked."""
    from checkpoints.weights import push_run
    from ief.workflow.release import release

    options = dict(vars(args))
    push = options.pop("push")
    files = release(**options)
    print("wrote " + "\n      ".join(f"{file} ({file.stat().st_size / 1e6:.2f} MB)" for file in files))
    if push:
        print(push_run(args.out, push))
