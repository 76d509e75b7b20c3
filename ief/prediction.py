"""Predicting a prepared split: input pixels in, image pixels out, every stage's pose."""

from __future__ import annotations

import numpy as np
import torch
from tqdm import tqdm

from ief.cascade import Cascade
from mpii_tools.augmentation import centre_crops
from mpii_tools.prepared import PreparedSplit


@torch.inference_mode()
def predict_crops(cascade: Cascade, crops: np.ndarray, border: int, batch: int, flip: bool) -> np.ndarray:
    """The poses of ready crops.

    Args:
        crops: (N, S, S, 3) uint8 RGB, S = input + 2 border.
        flip: average each stage over the crop and its mirror.

    Returns:
        (T + 1, N, K, D) float64, input pixels: y_0, then each of the T stages.
    """
    device = cascade.mean_pose.device
    poses = np.empty((len(cascade.stages) + 1, len(crops), *cascade.mean_pose.shape))
    with tqdm(total=len(crops), desc="predicting", unit="person", disable=None) as progress:
        for start in range(0, len(crops), batch):
            rows = slice(start, min(start + batch, len(crops)))
            images = centre_crops(torch.from_numpy(np.array(crops[rows])).to(device), border)
            for place, pose in enumerate(cascade(images, flip)):
                poses[place, rows] = pose.cpu().numpy()
            progress.update(rows.stop - start)
    return poses


def predict_split(cascade: Cascade, data: PreparedSplit, batch: int = 32, flip: bool = False) -> np.ndarray:
    """The poses of a prepared split in image pixels, (T + 1, N, K, D) float64: y_0, then each of the T stages."""
    poses = predict_crops(cascade, data.crops, data.border, batch, flip)
    return np.stack([data.to_image(pose) for pose in poses])
