"""Training batches: which people a step sees and how each is augmented, a function of seed and step alone.

Nothing is carried from step to step, so a training resumes at any step, with any number of processes, on the very
samples it would have seen. Each pass shuffles all people; passes follow one another without a gap, so a batch may
hold the end of one and the start of the next and no person is dropped.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from heads.skeleton import Skeleton
from mpii_tools.prepared.appearance import Appearance, change_appearance, draw_appearances
from mpii_tools.prepared.augmentation import draw_affines, move_joints, sample_crops
from mpii_tools.prepared.crop_memory import hold_crops
from mpii_tools.prepared.ranges import Augmentation
from mpii_tools.prepared.read import PreparedSplit


@dataclass(frozen=True)
class Batch:
    """B augmented samples.

    Attributes:
        images: (B, 3, n, n) normalized input, or None where only poses were asked for.
        joints: (B, K, 2) input pixels, NaN where not supervised.
        mask: (B, K) bool, supervised joints.
        rows: (B,) the people's rows in the split.
    """

    images: Tensor | None
    joints: Tensor
    mask: Tensor
    rows: np.ndarray


class TrainingBatches:
    """Augmented batches of a prepared split, by step.

    Args:
        data: the split.
        skeleton: names the joints that a mirror swaps.
        augmentation: ranges of the draws.
        batch: samples a step, over all processes.
        seed: of order and augmentation.
        device: where batches are made; a GPU holds all crops from the start, where they fit.
        rank, count: this process's share: every count-th sample of a batch, from rank on.
    """

    def __init__(
        self,
        data: PreparedSplit,
        skeleton: Skeleton,
        augmentation: Augmentation,
        batch: int,
        seed: int,
        device: torch.device,
        rank: int = 0,
        count: int = 1,
    ) -> None:
        self.data, self.skeleton, self.augmentation = data, skeleton, augmentation
        self.batch, self.seed, self.device = batch, seed, device
        self.share = slice(rank, None, count)
        self.joints = data.joints
        self.crops = hold_crops(data.crops, device)

    def __call__(self, step: int, images: bool = True) -> Batch:
        """The batch of a step; with `images=False` its poses alone."""
        matrices, flipped = draw_affines(
            self.augmentation, self.batch, self.data.size, random_source(self.seed, "augment", step)
        )
        rows, matrices, flipped = self._rows(step), matrices[self.share], flipped[self.share]
        joints = move_joints(self.joints[rows], matrices, flipped, self.skeleton.flip_permutation)
        mask = torch.isfinite(joints).all(dim=-1)
        sampled = None
        if images:
            crops = self.crops(rows, self._rows(step + 1))
            sampled = sample_crops(crops, matrices, self.data.size, self.data.border)
            sampled = self._appearing(sampled, step)
        # Not waiting for the copies lets the CPU prepare the next step while a GPU is at this one.
        joints, mask = (values.to(self.device, non_blocking=True) for values in (joints, mask))
        return Batch(sampled, joints, mask, rows)

    def whole(self) -> TrainingBatches:
        """The same batches undivided: what statistics are measured on, alike in every process."""
        undivided = copy.copy(self)
        undivided.share = slice(None)
        return undivided

    def _appearing(self, images: Tensor, step: int) -> Tensor:
        """The crops of this process's share of a step, their colors changed or parts of them hidden."""
        if not (self.augmentation.color or self.augmentation.occlusion):
            return images
        source = random_source(self.seed, "appearance", step)
        drawn = draw_appearances(self.augmentation, self.batch, self.data.size, source)
        share = Appearance(*(values[self.share] for values in (drawn.gain, drawn.offset, drawn.boxes)))
        return change_appearance(images, share)

    def _rows(self, step: int) -> np.ndarray:
        """Rows of this process's share of a step."""
        places = np.arange(step * self.batch, (step + 1) * self.batch)[self.share]
        passes, within = np.divmod(places, len(self.data))
        orders = {turn: shuffled(len(self.data), self.seed, turn) for turn in np.unique(passes).tolist()}
        return np.array([orders[turn][place] for turn, place in zip(passes.tolist(), within.tolist(), strict=True)])


@lru_cache(maxsize=4)
def shuffled(count: int, seed: int, turn: int) -> np.ndarray:
    """The order of the people in pass `turn`, (count,) int64, read-only."""
    order = torch.randperm(count, generator=random_source(seed, "order", turn)).numpy()
    order.setflags(write=False)
    return order


def random_source(seed: int, purpose: str, index: int) -> torch.Generator:
    """A generator of its own for each seed, purpose and index, with no state to carry."""
    state = np.random.SeedSequence([seed, index, *purpose.encode()]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))
