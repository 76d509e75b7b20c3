"""Training batches: which persons a step sees and how each is augmented, a function of seed and step alone.

Nothing is carried from step to step, so a training resumes at any step, with any number of processes, on the very
samples it would have seen. Each pass shuffles all persons; passes follow one another without a gap, so a batch may
hold the end of one and the start of the next and no person is dropped.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heads.skeleton import Skeleton
from mpii_tools.augmentation import Augmentation, draw_affines, move_joints, sample_crops
from mpii_tools.prepared import PreparedSplit


@dataclass(frozen=True)
class Batch:
    """B augmented samples.

    Attributes:
        images: (B, 3, n, n) normalised input, or None where only poses were asked for.
        joints: (B, K, 2) input pixels, NaN where not supervised.
        mask: (B, K) bool, supervised joints.
        rows: (B,) the persons' rows in the split.
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
        device: where batches are made; a GPU holds all crops from the start.
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
        on_gpu = device.type == "cuda"
        self.crops = torch.from_numpy(np.ascontiguousarray(data.crops)).to(device) if on_gpu else data.crops

    def __call__(self, step: int, images: bool = True) -> Batch:
        """The batch of a step; with `images=False` its poses alone."""
        matrices, flipped = draw_affines(
            self.augmentation, self.batch, self.data.size, random_source(self.seed, "augment", step)
        )
        rows, matrices, flipped = self._rows(step)[self.share], matrices[self.share], flipped[self.share]
        joints = move_joints(self.joints[rows], matrices, flipped, self.skeleton.flip_permutation)
        mask = torch.isfinite(joints).all(dim=-1)
        sampled = sample_crops(self._crops(rows), matrices, self.data.size, self.data.border) if images else None
        return Batch(sampled, joints.to(self.device), mask.to(self.device), rows)

    def whole(self) -> TrainingBatches:
        """The same batches undivided: what statistics are measured on, alike in every process."""
        undivided = copy.copy(self)
        undivided.share = slice(None)
        return undivided

    def _crops(self, rows: np.ndarray) -> Tensor:
        if isinstance(self.crops, Tensor):
            return self.crops[torch.from_numpy(rows).to(self.device)]
        return torch.from_numpy(self.crops[rows])

    def _rows(self, step: int) -> np.ndarray:
        places = np.arange(step * self.batch, (step + 1) * self.batch)
        passes, within = np.divmod(places, len(self.data))
        orders = {int(p): shuffled(len(self.data), self.seed, int(p)) for p in np.unique(passes)}
        return np.array([orders[p][w] for p, w in zip(passes.tolist(), within.tolist(), strict=True)])


def shuffled(count: int, seed: int, turn: int) -> np.ndarray:
    """The order of the persons in pass `turn`, (count,) int64."""
    return torch.randperm(count, generator=random_source(seed, "order", turn)).numpy()


def random_source(seed: int, purpose: str, index: int) -> torch.Generator:
    """A generator of its own for each seed, purpose and index, with no state to carry."""
    state = np.random.SeedSequence([seed, index, *purpose.encode()]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))
