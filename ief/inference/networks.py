"""What turns crops into poses: a cascade in torch here, an exported model in `ief.inference.onnx`."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from heads.skeleton import Skeleton
from ief.model.cascade import Cascade
from mpii_tools.prepared.augmentation import normalize_crops


class Network(Protocol):
    """Called with crops, gives every stage's poses and the last one's scores.

    Attributes:
        size: side of the crops in pixels.
        skeleton: the tree of the K joints.
        dimensions: D, 2 or 3, of the poses: x, y, and z in mm relative to the root.
        stage: number of the last stage, -1 if unknown.
    """

    size: int
    skeleton: Skeleton
    dimensions: int
    stage: int

    def __call__(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, n, n, 3) uint8 RGB -> (T, B, K, D) float64 crop pixels, the last stage's last; (B, K) scores or NaN."""


class CascadeNetwork:
    """A cascade as a `Network`: y_0 and each stage's pose.

    Args:
        cascade: in evaluation mode, on the device to run it on, with one stage or more.
        flip: average each stage over the crop and its mirror, if its skeleton can be mirrored.
    """

    def __init__(self, cascade: Cascade, flip: bool = False) -> None:
        design = cascade.stages[0].design
        self.cascade, self.flip = cascade.folded(), flip and design.skeleton.can_mirror
        self.size, self.skeleton, self.stage = design.size, design.skeleton, len(cascade.stages) - 1
        self.dimensions = cascade.mean_pose.shape[-1]

    @torch.inference_mode()
    def __call__(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, n, n, 3) uint8 -> (T + 1, B, K, D) and (B, K), both float64."""
        crops = torch.from_numpy(np.require(crops, requirements="CW"))  # a copy of a read-only map, else torch warns
        images = normalize_crops(crops.to(self.cascade.mean_pose.device))
        poses, scores = self.cascade.predict(images, self.flip)
        stacked = np.stack(
            np.broadcast_arrays(*(self.cascade.hide_unlabeled(pose).double().cpu().numpy() for pose in poses))
        )
        return stacked, scores.double().cpu().numpy()
