"""What one stage's training is: the options of its run, what they make of the data, the weights and its batches.

Nothing is seeded, built, printed or written here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from checkpoints import PoseError, is_main_rank
from checkpoints.pretrained import PretrainedWeights, download_pretrained_weights
from heads.skeleton import Skeleton
from ief.model.backbone import TIMM, load_timm_weights
from ief.model.run_folder import stage_file, stage_folder
from ief.model.stage import StageDesign
from ief.model.start import PretrainedStage, load_weights
from ief.training.options import OF_PREPARE, Preset, RunConfig
from ief.training.runtime import Runtime
from mpii_tools.prepared.batches import MixedBatches, TrainingBatches, check_mixable
from mpii_tools.prepared.read import PreparedSplit, load_prepared, read_description

ALSO = 500  # added to a stage's seed for the second dataset: beyond any stage's number
Pretrained = tuple[PretrainedWeights | PretrainedStage, ...]


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
    pretrained: Pretrained = ()

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


@dataclass(frozen=True)
class StageConfig:
    """One stage of a run; `dataclasses.replace(config, index=1)` is the next.

    Attributes:
        run: every option of the run.
        data: what the run reads.
        run_folder: what it writes to.
        index: the stage's number, 0 or above.
        restarts: epochs after which a finished training was lengthened, in order; none of one that was not.
    """

    run: RunConfig
    data: TrainingData
    run_folder: Path
    index: int = 0
    restarts: tuple[float, ...] = ()

    @cached_property
    def options(self) -> Preset:
        """How the stage trains: the run's options, but for those that the data decide.

        Their size and margin come with the crops, and a skeleton that cannot be mirrored has no flips.
        """
        flip = self.run.options.flip if self.data.skeleton.can_mirror else 0.0
        return replace(self.run.options, **{name: getattr(self.data.train, name) for name in OF_PREPARE}, flip=flip)

    @property
    def rooted(self) -> bool:
        """Whether poses are learned from the root joint on (`Preset.origin`), wherever in the crop it is."""
        return self.options.origin == "root" and self.data.dimensions == 3 and not self.data.also

    @property
    def folder(self) -> Path:
        """`RUN/stage<index>`."""
        return stage_folder(self.run_folder, self.index)

    @property
    def file(self) -> Path:
        """The finished stage's file."""
        return stage_file(self.run_folder, self.index)

    @property
    def seed(self) -> int:
        """Stages start from different random weights and see different orders and augmentations."""
        return self.run.seed * 1000 + self.index

    def lr(self, step: int) -> float:
        """The learning rate of a step."""
        first = self.options.lr * (self.options.lr_mult_later if self.index else 1)
        return scheduled_lr(first, self.options, (step - self.first_step) / (self.steps - self.first_step))

    @property
    def people_per_step(self) -> int:
        """How many of a step's people are of --data, by whom epochs are counted: all, or half with --also."""
        return self.options.batch_size // len(self.data.datasets)

    @property
    def steps(self) -> int:
        """Length of the training."""
        return self.count_steps(self.options.epochs)

    @property
    def first_step(self) -> int:
        """The step at which the schedule begins: a warm restart, of a training that is lengthened."""
        return self.count_steps(self.restarts[-1]) if self.restarts else 0

    def count_steps(self, epochs: float) -> int:
        """Steps until each person was seen so often."""
        return math.ceil(epochs * len(self.data.train) / self.people_per_step)

    def epoch(self, step: int) -> float:
        """How often each person was seen after `step` steps."""
        return min(step * self.people_per_step / len(self.data.train), self.options.epochs)

    @property
    def design(self) -> StageDesign:
        """What the stage is, but for its stride, which comes with the weights that it starts from."""
        options = self.options
        return StageDesign(
            backbone=options.backbone,
            method=self.run.method,
            size=options.size,
            sigma=options.sigma * options.size,
            skeleton=self.data.skeleton,
            absolute=self.index > 0 and options.continue_head,
            likelihood=options.loss == "rle",
            pose_indexed=self.index > 0 and options.pose_indexed,
            rooted=self.rooted,
            unlabeled=self.data.unlabeled(mirrored=options.flip > 0),
        )


def scheduled_lr(lr: float, preset: Preset, done: float) -> float:
    """The learning rate `lr` as the preset's schedule has it when the fraction `done` of the training is over."""
    lr = lr * min(1.0, (done + 1e-3) / preset.warmup if preset.warmup else 1.0)
    if preset.schedule == "steps":
        return lr * 0.1 ** sum(done >= milestone for milestone in preset.milestones)
    return lr * 0.5 * (1 + math.cos(math.pi * done))


def read_verified(folder: str, split: str) -> PreparedSplit:
    """`load_prepared`, of whose crops the main rank compares the checksum."""
    return load_prepared(folder, split, verify=is_main_rank())


def load_training_data(
    run: RunConfig,
    read: Callable[[str, str], PreparedSplit] = read_verified,
    read_weights: Callable[..., Pretrained] | None = None,
) -> TrainingData:
    """What a run reads.

    Args:
        read: folder and split -> the split; runs that are compared share one that remembers.
        read_weights: likewise, as `load_pretrained`.

    Raises:
        PoseError: when the data are not prepared, the weights are missing or corrupt, or the best weights are to be
            kept, or to end the training, and nothing is validated.
    """
    if not run.data:
        raise PoseError("give --data, the folder that `ief prepare` wrote")
    has_valid = "valid" in read_description(run.data)["splits"]
    needs = "--keep best" if run.options.keep == "best" else "--patience" if run.options.patience else ""
    if needs and (run.validate_every == 0 or not has_valid):
        reason = "--validate-every 0 validates nothing" if has_valid else f"{run.data} has no validation split"
        raise PoseError(f"{needs}: {reason}; --keep last without --patience needs none")
    return TrainingData(
        read(run.data, "train"),
        read(run.also, "train") if run.also else None,
        read(run.data, "valid") if has_valid else None,
        (read_weights or load_pretrained)(run.weights, run.options.backbone, run.stride),
    )


def load_pretrained(weights: str, backbone: str, stride: str | None) -> Pretrained:
    """What --weights names, for stages 0, 1, ...; none for random weights. Raises PoseError as `load_weights`."""
    if weights == "none":
        return ()
    if weights != "imagenet":
        return load_weights(weights, stride, backbone)
    return ((load_timm_weights if backbone.startswith(TIMM) else download_pretrained_weights)(backbone),)


def build_batches(config: StageConfig, runtime: Runtime) -> TrainingBatches | MixedBatches:
    """This rank's share of a stage's batches.

    Raises:
        PoseError: when the ranks' shares would differ, or two datasets cannot share batches.
    """
    data, size, ranks = config.data, config.options.batch_size, runtime.world_size
    if size % (ranks * len(data.datasets)):
        halves = "two halves, each " if data.also else ""
        raise PoseError(f"--batch-size {size}: must be {halves}a multiple of the number of processes, {ranks}")
    shared = (config.options.augmentation, config.people_per_step)
    where = (runtime.device, slice(runtime.rank, None, ranks), data.dimensions)
    batches = TrainingBatches(data.train, *shared, config.seed, *where, config.rooted)
    if not data.also:
        return batches
    check_mixable(data.train, data.also)
    return MixedBatches(batches, TrainingBatches(data.also, *shared, config.seed + ALSO, *where))
