"""A cascade in torch as a `Network` (`ief.inference.stream`)."""

import math
import os

import numpy as np
import torch

from checkpoints import PoseError
from ief.inference.score_map import ScoreMap
from ief.model.cascade import Cascade
from mpii_tools.prepared.augmentation import normalize_crops


class CascadeNetwork:
    """A cascade as a `Network`: y_0 and each stage's pose.

    Args:
        cascade: in evaluation mode, on the device to run it on, with one stage or more.
        flip: average each stage over the crop and its mirror, if its skeleton can be mirrored.
        score_map: what scores of joints mean; None leaves them as the last stage gives them.
        limit: how far a joint of a given pose is moved at most / side of the crop.
    """

    def __init__(
        self, cascade: Cascade, flip: bool = False, score_map: ScoreMap | None = None, limit: float = math.inf
    ) -> None:
        design = cascade.stages[0].design
        self.cascade, self.flip = cascade.folded(), flip and design.skeleton.can_mirror
        self.size, self.skeleton, self.stage = design.size, design.skeleton, len(cascade.stages) - 1
        self.dimensions, self.rooted, self.score_map = cascade.mean_pose.shape[-1], design.rooted, score_map
        self.name = f"{self.stage + 1} stage{'s' if self.stage else ''} of {design.backbone}"
        self.limit, self.process = limit, os.getpid()

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state, process=os.getpid())  # a worker that was spawned, not forked

    @torch.inference_mode()
    def __call__(
        self, crops: np.ndarray, start: np.ndarray | None = None, times: int = 1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(B, n, n, 3) uint8 -> (T + 1, B, K, D), (B, K) and (B, K, 2), as float64; as `Network`.

        Raises:
            PoseError: after a fork, where the threads that torch had before it would be waited for without end.
        """
        if os.getpid() != self.process and torch.get_num_threads() > 1:
            raise PoseError("predictor: loaded before a fork, which its threads do not survive; load in each worker")
        crops = torch.from_numpy(np.require(crops, requirements="CW"))  # a copy of a read-only map, else torch warns
        images = normalize_crops(crops.to(self.cascade.mean_pose.device))
        if start is None:
            poses, sigma = self.cascade.predict(images, self.flip)
        else:
            start = torch.from_numpy(start).to(images)
            poses, sigma = self.cascade.refine(images, start, times, self.flip, self.limit)
        stages = [self.cascade.hide_unlabeled(pose).double().cpu().numpy() for pose in poses]
        scores = self.cascade.stages[-1].scores(sigma).double().cpu().numpy()
        sigma = sigma.double().cpu().numpy()
        if self.score_map:
            scores, sigma = self.score_map(scores), self.score_map.spread * sigma
        return np.stack(np.broadcast_arrays(*stages)), scores, sigma
