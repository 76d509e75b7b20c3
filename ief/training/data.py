"""What a training reads: the prepared datasets, the weights to start from, and the batches of each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from checkpoints.errors import PoseError
from checkpoints.pretrained import PretrainedWeights, download_pretrained_weights
from heads.skeleton import Skeleton
from ief.model.fine_tuning import PretrainedStage, load_weights
from ief.training.distributed import DistContext
from ief.training.options import Preset, RunConfig
from mpii_tools.prepared.batches import MixedBatches, TrainingBatches, check_mixable
from mpii_tools.prepared.read import PreparedSplit, load_prepared, read_description

ALSO = 500  # added to a stage's seed for the second dataset: beyond any stage's number


@dataclass(frozen=True)
class TrainingData:
    """What a run reads.

    Attributes:
        train: the training split of --data.
        also: another one that half of each batch comes from, with depth or without; None for none.
        valid: the validation split of --data; None if it has none.
        pretrained: weights that stages 0, 1, ... start from, and all later ones from the last; none for random ones.
    """

    train: PreparedSplit
    also: PreparedSplit | None = None
    valid: PreparedSplit | None = None
    pretrained: tuple[PretrainedWeights | PretrainedStage, ...] = ()

    @property
    def datasets(self) -> list[PreparedSplit]:
        """The training split, and the other one if there is one."""
        return [self.train, self.also] if self.also else [self.train]

    @property
    def skeleton(self) -> Skeleton:
        """The tree of the people's joints."""
        return self.train.people.skeleton

    @property
    def dimensions(self) -> int:
        """D of the poses: 3 if some of the people have depth."""
        return max(data.dimensions for data in self.datasets)

    def unlabeled(self, mirrored: bool) -> tuple[int, ...]:
        """Joints that no training person has, nor, if they are `mirrored`, a mirrored one."""
        none = np.logical_and.reduce([data.people.unlabeled for data in self.datasets])
        if mirrored:
            none &= none[list(self.skeleton.flip_permutation)]
        return tuple(none.nonzero()[0].tolist())

    def start(self, index: int) -> PretrainedWeights | PretrainedStage | None:
        """The pretrained weights of stage `index`; None for random ones."""
        return self.pretrained[min(index, len(self.pretrained) - 1)] if self.pretrained else None


def load_training_data(
    run: RunConfig,
    read: Callable[[str, str], PreparedSplit] = load_prepared,
    read_weights: Callable[..., tuple[PretrainedWeights | PretrainedStage, ...]] | None = None,
) -> TrainingData:
    """What a run reads.

    Args:
        read: folder and split -> the split; runs that are compared share one that remembers.
        read_weights: likewise, as `load_pretrained`.

    Raises:
        PoseError: when the data are not prepared, the weights are missing or corrupt, or the best weights are to be
            kept and nothing is validated.
    """
    if not run.data:
        raise PoseError("give --data, the folder that `ief prepare` wrote")
    has_valid = "valid" in read_description(run.data)["splits"]
    if run.options.keep == "best" and (run.validate_every == 0 or not has_valid):
        reason = "--validate-every 0 validates nothing" if has_valid else f"{run.data} has no validation split"
        raise PoseError(f"--keep best: {reason}; --keep last needs none")
    return TrainingData(
        read(run.data, "train"),
        read(run.also, "train") if run.also else None,
        read(run.data, "valid") if has_valid else None,
        (read_weights or load_pretrained)(run.weights, run.options.backbone, run.stride),
    )


def load_pretrained(weights: str, backbone: str, stride: str | None) -> tuple[PretrainedWeights | PretrainedStage, ...]:
    """What --weights names, for stages 0, 1, ...; none for random weights. Raises PoseError as `load_weights`."""
    if weights == "none":
        return ()
    return (download_pretrained_weights(backbone),) if weights == "imagenet" else load_weights(weights, stride)


def build_batches(
    data: TrainingData, options: Preset, seed: int, device: torch.device, dist: DistContext
) -> TrainingBatches | MixedBatches:
    """This rank's share of a stage's batches.

    Raises:
        PoseError: when the ranks' shares would differ, or two datasets cannot share batches.
    """
    size, ranks = options.batch_size, dist.world_size
    if size % (ranks * len(data.datasets)):
        halves = "two halves, each " if data.also else ""
        raise PoseError(f"--batch-size {size}: must be {halves}a multiple of the number of processes, {ranks}")
    if data.also:
        check_mixable(data.train, data.also)
    shared = (options.augmentation, size // len(data.datasets))
    where = (device, slice(dist.rank, None, ranks), data.dimensions)
    parts = [
        TrainingBatches(split, *shared, each, *where)
        for split, each in zip(data.datasets, (seed, seed + ALSO), strict=False)
    ]
    return MixedBatches(*parts) if data.also else parts[0]
