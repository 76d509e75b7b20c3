"""Predicting preprocessed crops and prepared splits: every stage's pose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from tqdm import tqdm

from ief.model.cascade import Cascade
from mpii_tools.prepared.augmentation import normalize_crops
from mpii_tools.prepared.read import PreparedSplit

# (B, n, n, 3) uint8 RGB crops -> (T, B, K, D) poses in crop pixels, the last stage's last.
Network = Callable[[np.ndarray], np.ndarray]


class CascadeNetwork:
    """A cascade as a `Network`: y_0 and each stage's pose.

    Args:
        cascade: in evaluation mode, on the device to run it on.
        flip: average each stage over the crop and its mirror.
    """

    def __init__(self, cascade: Cascade, flip: bool = False) -> None:
        self.cascade, self.flip = cascade.folded(), flip

    @torch.inference_mode()
    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """(B, n, n, 3) uint8 -> (T + 1, B, K, D) float64."""
        images = normalize_crops(torch.from_numpy(np.ascontiguousarray(crops)).to(self.cascade.mean_pose.device))
        poses = self.cascade(images, self.flip)
        return np.stack(np.broadcast_arrays(*(pose.double().cpu().numpy() for pose in poses)))


def predict_crops(network: Network, crops: np.ndarray, border: int, batch_size: int) -> np.ndarray:
    """The poses of preprocessed crops.

    Args:
        crops: (N, S, S, 3) uint8 RGB, S = input + 2 border.

    Returns:
        (T, N, K, D) float64, crop pixels.
    """
    inner = slice(border, crops.shape[1] - border)
    poses = []
    with tqdm(total=len(crops), desc="predicting", unit="person", disable=None) as progress:
        for start in range(0, len(crops), batch_size):
            poses.append(network(crops[start : start + batch_size, inner, inner]))
            progress.update(poses[-1].shape[1])
    return np.concatenate(poses, axis=1)


def predict_split(cascade: Cascade, data: PreparedSplit, batch_size: int = 32, flip: bool = False) -> np.ndarray:
    """The poses of a prepared split in image pixels, (T + 1, N, K, D) float64: y_0, then each of the T stages."""
    return predict_prepared(CascadeNetwork(cascade, flip), data, batch_size)


def predict_prepared(network: Network, data: PreparedSplit, batch_size: int) -> np.ndarray:
    """The poses of a prepared split by any `Network`, (T, N, K, D) float64 in image pixels."""
    return np.stack([data.to_image(pose) for pose in predict_crops(network, data.crops, data.border, batch_size)])
