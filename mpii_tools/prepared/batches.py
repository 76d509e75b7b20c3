"""Training batches without Dataset, DataLoader or Sampler: a batch is a function of seed and step alone.

Nothing is carried from step to step, so a training resumes bit for bit at any step, with any number of processes, on
the very samples it would have seen. Each epoch shuffles all people; epochs follow one another without a gap, so a batch
may hold the end of one and the start of the next and no person is dropped. `MixedBatches` are of two splits, whichever
of them has depth (Section 4).
"""

import copy
import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from checkpoints.errors import PoseError
from mpii_tools.crops import compose_affine
from mpii_tools.prepared.augmentation import (
    LOWER_BODY,
    change_appearance,
    draw_affines,
    draw_appearances,
    move_joints,
    sample_crops,
    zoom_half_bodies,
)
from mpii_tools.prepared.ranges import Augmentation
from mpii_tools.prepared.read import PreparedSplit

FRACTION = 0.5  # of a GPU's free memory that crops may take; the rest is for the training
UPLOAD = 2**28  # bytes copied to the GPU at a time


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
        rooted: move each pose in x and y, so that its root joint is at the center of the crop.

    Raises:
        PoseError: for half bodies of joints that tell no half.
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
        rooted: bool = False,
    ) -> None:
        self.data, self.skeleton, self.augmentation = data, data.people.skeleton, augmentation
        self.batch_size, self.seed, self.device, self.samples = batch_size, seed, device, samples
        self.rooted = rooted
        missing = (dimensions or data.dimensions) - data.dimensions
        self.joints = F.pad(torch.from_numpy(data.joints), (0, missing), value=torch.nan)
        self.crops = hold_crops(data.crops, device)
        names = self.skeleton.names
        self.lower = torch.tensor([any(part in name.lower() for part in LOWER_BODY) for name in names])
        if augmentation.half_body and not 0 < self.lower.sum() < len(names):
            raise PoseError(f"--half-body: the joints {', '.join(names[:3])}, ... tell no lower from an upper half")

    def __call__(self, step: int, images: bool = True) -> Batch:
        """The batch of a step; with `images=False` its poses alone."""
        drawing = self.augmentation, self.batch_size, self.data.size
        matrices, flipped = draw_affines(*drawing, generator(self.seed, "augment", step))
        rows, matrices, flipped = self._rows(step), matrices[self.samples], flipped[self.samples]
        if probability := self.augmentation.half_body:
            draws = torch.rand(self.batch_size, 2, generator=generator(self.seed, "half", step))[self.samples]
            halves = zoom_half_bodies(self.joints[rows], self.lower, probability, self.data.size, draws)
            matrices = torch.from_numpy(compose_affine(matrices.numpy(), halves.numpy()))
        joints = move_joints(self.joints[rows], matrices, flipped, self.skeleton.flip_permutation)
        if self.rooted:
            joints[..., :2] += (self.data.size - 1) / 2 - joints[:, [self.skeleton.root], :2]
        mask = torch.isfinite(joints)
        sampled = None
        if images:
            sampled = sample_crops(self.crops(rows, self._rows(step + 1)), matrices, self.data.size, self.data.border)
            if self.augmentation.color or self.augmentation.occlusion:
                changes = draw_appearances(*drawing, generator(self.seed, "appearance", step))
                change_appearance(sampled, *(values[self.samples] for values in changes))
        # Not waiting for the copies lets the CPU prepare the next step while a GPU is at this one.
        joints, mask = (values.to(self.device, non_blocking=True) for values in (joints, mask))
        return Batch(sampled, joints, mask, self.data.people.person_ids[rows])

    def steps(self, epochs: float) -> int:
        """How many steps show everybody `epochs` times."""
        return math.ceil(epochs * len(self.data) / self.batch_size)

    def whole(self) -> "TrainingBatches":
        """The same batches with the samples of all processes: what statistics are measured on, the same in each."""
        whole = copy.copy(self)
        whole.samples = slice(None)
        return whole

    def _rows(self, step: int) -> np.ndarray:
        """The split's rows of this process's samples of a step."""
        places = range(step * self.batch_size, (step + 1) * self.batch_size)[self.samples]
        count = len(self.data)
        return np.array([shuffled(count, self.seed, place // count)[place % count] for place in places])


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
        sampled = torch.cat([part.images for part in parts]) if images else None
        joints, mask = (torch.cat([getattr(part, name) for part in parts]) for name in ("joints", "mask"))
        return Batch(sampled, joints, mask, np.concatenate([part.person_ids for part in parts]))

    def steps(self, epochs: float) -> int:
        """How many steps show everybody of the first split `epochs` times."""
        return self.halves[0].steps(epochs)

    def whole(self) -> "MixedBatches":
        """The same batches with the samples of all processes."""
        return MixedBatches(*(half.whole() for half in self.halves))


def check_mixable(data: PreparedSplit, also: PreparedSplit) -> None:
    """Raises PoseError when two splits cannot share batches: crops of another size, or other joints."""
    if also.size != data.size:
        raise PoseError(
            f"--also {also.name}: of {also.size} px, {data.name} of {data.size}; prepare both with one --size"
        )
    if also.people.skeleton != data.people.skeleton:
        here, there = (f"{one.name} ({len(one.people.joint_names)} joints)" for one in (also, data))
        raise PoseError(f"--also {here}: its skeleton is not that of {there}; prepare both with one --skeleton")


class OnDevice:
    """All crops in the device's memory, as uint8: a step moves only its row numbers.

    Args:
        crops: (N, S, S, 3) uint8, a memory map as a rule; read once, piece by piece.
    """

    def __init__(self, crops: np.ndarray, device: torch.device) -> None:
        self.crops = torch.empty(crops.shape, dtype=torch.uint8, device=device)
        count = max(1, UPLOAD * len(crops) // max(crops.nbytes, 1))
        for start in range(0, len(crops), count):
            self.crops[start : start + count] = torch.from_numpy(np.array(crops[start : start + count]))

    def __call__(self, rows: np.ndarray, following: np.ndarray) -> Tensor:
        """The crops (B, S, S, 3) of `rows`."""
        return self.crops[torch.from_numpy(rows).to(self.crops.device, non_blocking=True)]


class OnHost:
    """Crops read from the prepared file; those of the following step by a thread while this one is computed.

    Args:
        crops: (N, S, S, 3) uint8, a memory map as a rule, and it may be larger than the memory.
    """

    def __init__(self, crops: np.ndarray, device: torch.device) -> None:
        self.crops, self.device = crops, device
        self.reader = ThreadPoolExecutor(1, "crops")
        self.ahead: tuple[np.ndarray, Future[Tensor]] | None = None

    def __call__(self, rows: np.ndarray, following: np.ndarray) -> Tensor:
        """The crops (B, S, S, 3) of `rows`, on the device; begins to read those of `following`."""
        ready = self.ahead is not None and np.array_equal(self.ahead[0], rows)
        crops = self.ahead[1].result() if ready else self._read(rows)
        self.ahead = following, self.reader.submit(self._read, following)
        return crops.to(self.device, non_blocking=True)

    def _read(self, rows: np.ndarray) -> Tensor:
        # Pinned memory is copied to the GPU while the CPU works on; torch keeps it until that is done.
        read = torch.empty((len(rows), *self.crops.shape[1:]), dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        # Not mode="raise": that would read into a buffer of its own first.
        np.take(self.crops, rows, axis=0, out=read.numpy(), mode="clip")
        return read


def hold_crops(crops: np.ndarray, device: torch.device) -> OnDevice | OnHost:
    """The crops in the GPU's memory if they take no more than `FRACTION` of what is free, else in their file."""
    if device.type == "cuda" and crops.nbytes <= FRACTION * torch.cuda.mem_get_info(device)[0]:
        return OnDevice(crops, device)
    return OnHost(crops, device)
