"""What a second pass around the pose gains on whole images with one small person.

`python tests/benchmarks/refine.py RUN DATA [PEOPLE]`: validation people of prepared DATA, each on a larger image
that repeats the edges of their crop, so tall that a box's height is a given part of it.
"""

import sys

import cv2
import numpy as np

from evaluation.metrics.calibration import correct_joints
from ief.inference.predictor import PosePredictor
from ief.reporting.scoring import ground_truth
from mpii_tools.people import BOX_MARGIN
from mpii_tools.prepared.read import PreparedSplit, load_prepared

PARTS = (1 / 2, 1 / 3, 1 / 4)  # a person's box over the image, both in height


def measure(predictor: PosePredictor, data: PreparedSplit, rows: np.ndarray) -> None:
    """Print the share of joints within half a head (or the data's own measure) by part, once and twice looked at."""
    rng = np.random.default_rng(0)
    for part in PARTS:
        side = round(data.size / BOX_MARGIN / part)
        room = side - data.crops.shape[1]
        offsets = rng.integers(0, room + 1, (len(rows), 2))  # left, top
        images = [
            cv2.copyMakeBorder(data.crops[row], top, room - top, left, room - left, cv2.BORDER_REPLICATE)
            for row, (left, top) in zip(rows.tolist(), offsets.tolist(), strict=True)
        ]
        corners = offsets + data.border + (data.size - data.size / BOX_MARGIN) / 2
        boxes = np.hstack([corners, corners + data.size / BOX_MARGIN])[:, None]
        for name, options in (("whole image", {}), ("refined", {"refine": True}), ("given box", {"boxes": boxes})):
            poses = np.concatenate([each.joints for each in predictor(images, **options)])
            everybody = np.zeros((len(data), *poses.shape[1:]))
            everybody[rows] = poses - (offsets + data.border)[:, None]
            everybody = data.to_image(everybody)
            gt = ground_truth(data.people, everybody)
            share = np.nanmean(correct_joints(everybody, gt)[rows])
            print(f"{part:.2f} of {side} px, {name}: {gt.measure.title} {100 * share:.1f}", flush=True)


if __name__ == "__main__":
    run, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 150
    split = load_prepared(folder, "valid")
    measure(PosePredictor.load(run), split, np.unique(np.linspace(0, len(split) - 1, count).astype(int)))
