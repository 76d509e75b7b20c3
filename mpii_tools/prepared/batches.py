"""Training batches without Dataset, DataLoader or Sampler: a batch is a function of seed and step alone.

Nothing is carried from step to step, so a training resumes bit for bit at any step, with any number of processes, on
the very samples it would have seen. Each epoch shuffles all people; epochs follow one another without a gap, so a batch
may hold the end of one and the start of the next and no person is dropped.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpii_tools.prepared.appearance import Appearance, change_appearance, draw_appearances
from mpii_tools.prepared.augmentation import draw_affines, move_joints, sample_crops
from mpii_tools.prepared.crop_memory import hold_crops
from mpii_tools.prepared.ranges import Augmentation
from mpii_tools.prepared.read import PreparedSplit


@dataclass(frozen=True)
class Batch:
    """B augmented samples.

    Attributes:
        images: (B, 3, n, n) normalized input, or None if only poses were asked for.
        joints: (B, K, D) x, y in input pixels, z in mm, NaN if not supervised.
        mask: (B, K, D) bool, supervised coordinates.
        person_ids: (B,) whose they are.
    """

    images: Tensor | None
    joints: Tensor
    mask: Tensor
    person_ids: np.ndarray


class TrainingBatches:
    """Augmented batches of a prepared split, by step.

    Args:
        data: the split.
        augmentation: ranges of the random changes.
        batch_size: samples per step, over all processes.
        seed: of order and augmentation.
        device: where batches are made; a GPU holds all crops from the start if they fit.
        samples: of each batch that this process sees: `slice(rank, None, world_size)`.
        dimensions: D of the joints, at least the split's own: what it lacks is NaN; None for the split's own.
    """

    def __init__(
        self,
        data: PreparedSplit,
        augmentation: Augmentation,
        batch_size: int,
        seed: int,
        device: torch.device,
        samples: slice = slice(None),
        dimensions: int | None = None,
    ) -> None:
        self.data, self.skeleton, self.augmentation = data, data.people.skeleton, augmentation
        self.batch_size, self.seed, self.device, self.samples = batch_size, seed, device, samples
        missing = (dimensions or data.dimensions) - data.dimensions
        self.joints = F.pad(torch.from_numpy(data.joints), (0, missing), value=torch.nan)
        self.crops = hold_crops(data.crops, device)

    def __call__(self, step: int, images: bool = True) -> Batch:
        """The batch of a step; with `images=False` its poses alone."""
        rng = generator(self.seed, "augment", step)
        matrices, flipped = draw_affines(self.augmentation, self.batch_size, self.data.size, rng)
        rows, matrices, flipped = self._rows(step), matrices[self.samples], flipped[self.samples]
        joints = move_joints(self.joints[rows], matrices, flipped, self.skeleton.flip_permutation)
        mask = torch.isfinite(joints)
        sampled = None
        if images:
            crops = self.crops(rows, self._rows(step + 1))
            sampled = sample_crops(crops, matrices, self.data.size, self.data.border)
            sampled = self._change_appearance(sampled, step)
        # Not waiting for the copies lets the CPU prepare the next step while a GPU is at this one.
        joints, mask = (values.to(self.device, non_blocking=True) for values in (joints, mask))
        return Batch(sampled, joints, mask, self.data.people.person_ids[rows])

    def steps(self, epochs: float) -> int:
        """How many steps show everybody `epochs` times."""
        return math.ceil(epochs * len(self.data) / self.batch_size)

    def whole(self) -> TrainingBatches:
        """The same batches with the samples of all processes: what statistics are measured on, the same in each."""
        whole = copy.copy(self)
        whole.samples = slice(None)
        return whole

    def _change_appearance(self, images: Tensor, step: int) -> Tensor:
        """This process's crops of a step, their colors changed or parts of them hidden."""
        if not (self.augmentation.color or self.augmentation.occlusion):
            return images
        rng = generator(self.seed, "appearance", step)
        drawn = draw_appearances(self.augmentation, self.batch_size, self.data.size, rng)
        ours = Appearance(*(values[self.samples] for values in (drawn.gain, drawn.offset, drawn.boxes)))
        return change_appearance(images, ours)

    def _rows(self, step: int) -> np.ndarray:
        """The split's rows of this process's samples of a step."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)[self.samples]
        epochs, within = np.divmod(places, len(self.data))
        orders = {epoch: shuffled(len(self.data), self.seed, epoch) for epoch in np.unique(epochs).tolist()}
        return np.array([orders[epoch][place] for epoch, place in zip(epochs.tolist(), within.tolist(), strict=True)])


@lru_cache(maxsize=4)
def shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the people in an epoch, (count,) int64, read-only."""
    order = torch.randperm(count, generator=generator(seed, "order", epoch)).numpy()
    order.setflags(write=False)
    return order


def generator(seed: int, purpose: str, index: int) -> torch.Generator:
    """A random generator of its own for each seed, purpose and index, with no state to carry."""
    state = np.random.SeedSequence([seed, index, *purpose.encode()]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))
