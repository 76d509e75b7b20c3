"""Predicting preprocessed crops and prepared splits: every stage's pose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from checkpoints.progress import progress
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


def predict_split(cascade: Cascade, data: PreparedSplit, batch_size: int = 32, flip: bool = False) -> np.ndarray:
    """The poses of a prepared split in image pixels, (T + 1, N, K, D) float64: y_0, then each of the T stages."""
    return predict_prepared(CascadeNetwork(cascade, flip), data, batch_size)


def predict_prepared(network: Network, data: PreparedSplit, batch_size: int) -> np.ndarray:
    """The poses of a prepared split by any `Network`, (T, N, K, D) float64 in image pixels."""
    inner, poses = slice(data.border, data.border + data.size), []
    with progress(desc="predicting", total=len(data), unit="person") as counter:
        for start in range(0, len(data), batch_size):
            crops = data.crops[start : start + batch_size, inner, inner]
            poses.append(network(crops))
            counter.update(len(crops))
    return np.stack([data.to_image(pose) for pose in np.concatenate(poses, axis=1)])
