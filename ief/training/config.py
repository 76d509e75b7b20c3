"""What one stage's training is: the frozen configuration that the trainer works from."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from checkpoints.errors import PoseError
from checkpoints.pretrained import PretrainedWeights
from heads.skeleton import Skeleton
from ief.model.cascade import Cascade
from ief.model.fine_tuning import PretrainedStage, start_from
from ief.model.run_folder import stage_file, stage_folder
from ief.model.stage import Residuals, Stage, StageDesign
from ief.training.distributed import DistContext
from ief.training.presets import OF_PREPARE, Preset
from ief.training.run_config import RunConfig
from ief.training.stopping import Stopping
from ief.training.validation import Validation, default_interval
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.mixed import MixedBatches, check_mixable
from mpii_tools.prepared.read import PreparedSplit

ALSO = 500  # added to a stage's seed for the second dataset: beyond any stage's number


@dataclass(frozen=True)
class StageConfig:
    """What to train, how, and where; `dataclasses.replace(config, index=1)` is the next stage's.

    Attributes:
        index: the stage's number, 0 or above.
        data: the prepared training split.
        also: another one that half of each batch comes from, with depth or without; None for none.
        run: the run folder.
        preset: every option of a training; `flip` becomes 0 if the skeleton cannot be mirrored (`Skeleton.can_mirror`).
        method: a name of Table 1 (`heads.pairs`).
        seed: of the random weights, the order of the samples and their augmentation.
        pretrained: weights that stages 0, 1, ... start from, and all later ones from the last; none for random ones.
        device: where to train.
        dist: this process among those of the training.
        checkpoint_seconds: time between two checkpoints, which is what a kill can cost.
        deterministic: whether `ief.training.determinism` is in force, for the record.
        stopping: tells when to save and stop.
        run_config: the command's options, to be written to the run's config.json; None writes none.
        validation: how it is validated as it goes; None for not at all.
        tensorboard: whether to write for TensorBoard.
    """

    index: int
    data: PreparedSplit
    run: Path
    preset: Preset
    method: str = "all"
    seed: int = 0
    pretrained: tuple[PretrainedWeights | PretrainedStage, ...] = ()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dist: DistContext = field(default_factory=DistContext)
    checkpoint_seconds: float = 60.0
    deterministic: bool = False
    stopping: Stopping = field(default_factory=Stopping)
    run_config: RunConfig | None = None
    validation: Validation | None = None
    tensorboard: bool = False
    also: PreparedSplit | None = None

    def __post_init__(self) -> None:
        if self.preset.flip and not self.skeleton.can_mirror:
            object.__setattr__(self, "preset", replace(self.preset, flip=0.0))
            if self.run_config:
                options = replace(self.run_config.options, flip=0.0)
                object.__setattr__(self, "run_config", replace(self.run_config, options=options))

    @property
    def skeleton(self) -> Skeleton:
        """The tree, which comes with the data."""
        return self.data.people.skeleton

    @property
    def dimensions(self) -> int:
        """D of the poses, which comes with the data: 3 if some of the people have depth."""
        return max(data.dimensions for data in self.datasets)

    @property
    def datasets(self) -> list[PreparedSplit]:
        """The training split, and the other one if there is one."""
        return [self.data, self.also] if self.also else [self.data]

    @property
    def unlabeled(self) -> tuple[int, ...]:
        """Joints that no training person has, nor, with flips, a mirrored one."""
        none = np.logical_and.reduce([data.people.unlabeled for data in self.datasets])
        if self.preset.augmentation.flip:
            none &= none[list(self.skeleton.flip_permutation)]
        return tuple(none.nonzero()[0].tolist())

    @property
    def folder(self) -> Path:
        """`RUN/stage<index>`."""
        return stage_folder(self.run, self.index)

    @property
    def file(self) -> Path:
        """The finished stage's file."""
        return stage_file(self.run, self.index)

    @property
    def steps(self) -> int:
        """Length of the training."""
        return math.ceil(self.preset.epochs * len(self.data) / self.people_per_step)

    @property
    def people_per_step(self) -> int:
        """How many of a step's people are of `data`, by whom epochs are counted: all, or half with `also`."""
        return self.preset.batch_size // len(self.datasets)

    def epoch(self, step: int) -> float:
        """How often each person was seen after `step` steps."""
        return min(step * self.people_per_step / len(self.data), self.preset.epochs)

    @property
    def validate_every(self) -> float:
        """Epochs between two validations, 0 for none."""
        if self.validation is None or self.validation.every is not None:
            return self.validation.every if self.validation else 0
        bf16 = self.autocast_dtype is not None
        people = len(self.data) * len(self.datasets)  # that an epoch takes the time of
        return default_interval(people, len(self.validation.data), self.index, self.preset.epochs, bf16)

    def validates_after(self, step: int) -> bool:
        """Whether a validation follows after `step` steps: at the end, and where a multiple of its interval ends."""
        every = self.validate_every
        if not every or step == self.steps:
            return bool(every)
        return self.epoch(step) // every > self.epoch(step - 1) // every

    @property
    def options(self) -> dict[str, object]:
        """The values in force of the preset's options: those that `ief prepare` decides come with the data."""
        return {**asdict(self.preset), **{name: getattr(self.data, name) for name in OF_PREPARE}}

    @property
    def lr(self) -> float:
        """The stage's learning rate before the schedule."""
        return self.preset.lr * (self.preset.lr_mult_later if self.index else 1)

    @property
    def stage_seed(self) -> int:
        """Stages start from different random weights and see different orders and augmentations."""
        return self.seed * 1000 + self.index

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        """bf16 if the preset asks for it and the device multiplies it natively: elsewhere fp32 is faster."""
        native = self.device.type == "cuda" or native_bf16()
        return torch.bfloat16 if self.preset.precision == "bf16" and native else None

    @property
    def decided_by_device(self) -> dict[str, str]:
        """The device, and the precision in force: that of the preset, if the device has it."""
        return {"name": str(self.device), "precision": "bf16" if self.autocast_dtype else "fp32"}

    @property
    def start(self) -> PretrainedWeights | PretrainedStage | None:
        """The pretrained weights of this stage; None for random ones."""
        return self.pretrained[min(self.index, len(self.pretrained) - 1)] if self.pretrained else None

    def new_stage(self, previous: Cascade, residuals: Residuals) -> Stage:
        """The stage at step 0: from the previous stage's weights if the preset continues them, else the pretrained."""
        torch.manual_seed(self.stage_seed)
        stage, continued = Stage(self.design(previous), residuals, self.autocast_dtype), self.continued(previous)
        if continued:
            stage.continue_from(continued)
        elif self.start:
            said = start_from(stage, self.start, previous.mean_pose, self.index)
            if self.dist.is_main:
                print(said, file=sys.stderr)
        return stage.to(self.device, memory_format=torch.channels_last)

    def continued(self, previous: Cascade) -> Stage | None:
        """The previous stage, if this one starts from its weights; a pretrained stage that fits whole comes first."""
        if not (self.index and self.preset.continue_backbone):
            return None
        dimensions, start = previous.mean_pose.shape[-1], self.start
        whole = isinstance(start, PretrainedStage) and not start.difference(self._design(), dimensions, self.index)
        return None if whole else previous.stages[-1]

    def design(self, previous: Cascade) -> StageDesign:
        """What the new stage is, behind the cascade of the previous ones."""
        continued = self.continued(previous)
        return self._design(continued.design.stride if continued else self.start.stride if self.start else "3x3")

    def _design(self, stride: str = "3x3") -> StageDesign:
        preset = self.preset
        return StageDesign(
            backbone=preset.backbone,
            stride=stride,
            method=self.method,
            size=self.data.size,
            sigma=preset.sigma * self.data.size,
            skeleton=self.skeleton,
            absolute=self.index > 0 and preset.continue_head,
            likelihood=preset.loss == "rle",
            unlabeled=self.unlabeled,
        )

    def batches(self) -> TrainingBatches | MixedBatches:
        """This rank's share of the stage's batches.

        Raises:
            PoseError: when the ranks' shares would differ, or two datasets cannot share batches.
        """
        size, ranks, parts = self.preset.batch_size, self.dist.world_size, len(self.datasets)
        if size % (ranks * parts):
            halves = "two halves, each " if self.also else ""
            raise PoseError(f"--batch-size {size}: must be {halves}a multiple of the number of processes, {ranks}")
        shared = (self.preset.augmentation, size // parts)
        where = (self.device, slice(self.dist.rank, None, ranks), self.dimensions)
        first = TrainingBatches(self.data, *shared, self.stage_seed, *where)
        if self.also is None:
            return first
        check_mixable(self.data, self.also)
        return MixedBatches(first, TrainingBatches(self.also, *shared, self.stage_seed + ALSO, *where))


@cache
def native_bf16() -> bool:
    """Whether this CPU has instructions for bf16; False if torch is too old to tell (before 2.11)."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
