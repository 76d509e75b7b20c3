"""`ief evaluate`: predictions and annotations -> PCKh (or PCK, or COCO's AP), joint and bone error, 3D metrics."""

import json

from checkpoints import refuse_folder, write_text
from evaluation import CONVENTIONS, MEASURES
from ief.commands.options import ANGLE_LIMITS, FILE, FIRST_PIXEL, FLAG, PATH, Namespace, argument

EXAMPLE = "ief evaluate --predictions runs/all/predictions-valid.npz --annotations data/mpii/valid.npz --intervals"
ARGUMENTS = (
    argument("--predictions", FILE, "predicted poses: .npz, .h5, .mat or .npy, or COCO results (.json)", required=True),
    argument("--annotations", PATH, "in any format that prepare reads, or a folder that prepare wrote", required=True),
    argument("--split", {"metavar": "NAME"}, "score only the people of this split of the annotations (default: all)"),
    FIRST_PIXEL,
    argument("--convention", {"choices": CONVENTIONS}, "toolkit to score as; official is MATLAB's", "official"),
    argument("--metric", {"choices": MEASURES}, "in head sizes, torsos or boxes (default: the first that there is)"),
    argument("--oks", FLAG, "also COCO's average precision; needs hotcoco and sigmas"),
    ANGLE_LIMITS,
    argument("--json", FILE, "also write the scores to this file"),
    argument("--against", FILE, "predictions of the same people: print both and the difference, with paired CIs"),
    argument("--keep-fillers", FLAG, "count joints that are 0, or at one place, for everybody"),
    argument("--people", {**FILE, "dest": "people_csv"}, "also write a CSV file: a row per person and joint"),
    argument("--intervals", FLAG, "add 95 %% bootstrap confidence intervals over people"),
)


def run(args: Namespace) -> None:
    """Score and print, and write the scores."""
    from ief.reporting.evaluate import evaluate_predictions

    options = dict(vars(args))
    out = options.pop("json")
    for path in filter(None, (out, args.people_csv)):
        refuse_folder(path)
    result = evaluate_predictions(**options)
    if out:
        write_text(out, json.dumps(result, indent=1))
