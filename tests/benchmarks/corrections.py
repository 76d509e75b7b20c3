"""What a run's last stage does with the pose that it is given.

`python tests/benchmarks/corrections.py RUN DATA`: on the validation people of prepared DATA, PCKh@0.5 (or the data's
own measure) of the stage before and of the last one, what it gains, what it gains once more on its own pose, and what
it makes of the truth, where that is annotated; then what it gains and makes of the truth where a joint is moved by
1/64 of the side at most. Differences are paired, with 95 % intervals over people.
"""

import sys

import numpy as np
import torch

from evaluation.metrics.bootstrap import Estimate
from ief.inference.predictor import LIMIT
from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade
from ief.reporting.scoring import score_poses
from mpii_tools.prepared.augmentation import normalize_crops
from mpii_tools.prepared.read import PreparedSplit, load_prepared

BATCH = 64


@torch.inference_mode()
def predict_poses(cascade: Cascade, data: PreparedSplit) -> dict[str, np.ndarray]:
    """The poses (N, K, D) in image pixels of every question above."""
    inner, rows = slice(data.border, data.border + data.size), []
    *before, last = cascade.stages
    for start in range(0, len(data), BATCH):
        images = normalize_crops(torch.tensor(data.crops[start : start + BATCH, inner, inner]))
        truth = torch.from_numpy(data.joints[start : start + BATCH])
        pose = Cascade(cascade.mean_pose, before)(images)[-1].expand(len(images), -1, -1)
        once = last.predict(images, pose)[0]
        given = torch.where(torch.isfinite(truth), truth, pose)
        limited = [cascade.refine(images, start, limit=LIMIT)[0][-1] for start in (pose, given)]
        rows.append((pose, once, last.predict(images, once)[0], given, last.predict(images, given)[0], *limited))
    names = ("before", "after", "once more", "truth", "given the truth", "limited", "truth limited")
    return {
        name: data.to_image(torch.cat(each).numpy()) for name, each in zip(names, zip(*rows, strict=True), strict=True)
    }


def show(estimate: Estimate, sign: str = "") -> str:
    """`+1.2 [0.4, 2.0]`."""
    return f"{estimate.value:{sign}.1f} [{estimate.low:{sign}.1f}, {estimate.high:{sign}.1f}]"


if __name__ == "__main__":
    run, folder = sys.argv[1:3]
    split = load_prepared(folder, "valid")
    poses = predict_poses(load_cascade(run).folded(), split)

    def score(name: str, minus: str | None = None) -> Estimate:
        """The Mean of a pose, or its difference from another's."""
        other = poses[minus] if minus else None
        return score_poses(poses[name], split.people, intervals=True, minus=other)[2].mean_pckh

    cells = (
        show(score("before")),
        show(score("after")),
        show(score("after", "before"), "+"),
        show(score("once more", "after"), "+"),
        show(score("given the truth")),
        show(score("limited", "before"), "+"),
        show(score("truth limited", "truth"), "+"),
    )
    print(f"| {run} on {folder} | {' | '.join(cells)} |")
