"""Mixed batches: half of each shows people of one split, half of another, whichever of them has depth (Section 4)."""

from __future__ import annotations

import numpy as np
import torch

from checkpoints.errors import PoseError
from mpii_tools.prepared.batches import Batch, TrainingBatches
from mpii_tools.prepared.read import PreparedSplit


class MixedBatches:
    """Batches of two splits, by step; like `TrainingBatches`, a function of seed and step alone.

    Args:
        halves: of the same size and D, and of this process's samples of their global batches.

    Attributes:
        data: the first half's split.
        batch_size: samples per step, over all processes.
        samples: this process's samples of a global batch, whose first half is the first split's.
    """

    def __init__(self, *halves: TrainingBatches) -> None:
        self.halves = halves
        self.data, self.skeleton, self.samples = halves[0].data, halves[0].skeleton, halves[0].samples
        self.batch_size = sum(half.batch_size for half in halves)

    def __call__(self, step: int, images: bool = True) -> Batch:
        """The batch of a step; with `images=False` its poses alone."""
        parts = [half(step, images) for half in self.halves]
        joints, mask = (torch.cat([getattr(part, name) for part in parts]) for name in ("joints", "mask"))
        sampled = torch.cat([part.images for part in parts]) if images else None
        return Batch(sampled, joints, mask, np.concatenate([part.person_ids for part in parts]))

    def steps(self, epochs: float) -> int:
        """How many steps show everybody of the first split `epochs` times."""
        return self.halves[0].steps(epochs)

    def whole(self) -> MixedBatches:
        """The same batches with the samples of all processes."""
        return MixedBatches(*(half.whole() for half in self.halves))


def check_mixable(data: PreparedSplit, also: PreparedSplit) -> None:
    """Raises PoseError when two splits cannot share batches: crops of another size, or other joints."""
    if also.size != data.size:
        raise PoseError(
            f"--also {also.name}: prepared at {also.size} px, {data.name} at {data.size}; prepare both with one --size"
        )
    if also.people.skeleton != data.people.skeleton:
        here, there = (f"{len(one.people.joint_names)} joints" for one in (also, data))
        raise PoseError(
            f"--also {also.name}: its skeleton ({here}) is not that of {data.name} ({there}); prepare both with one "
            "--skeleton"
        )
