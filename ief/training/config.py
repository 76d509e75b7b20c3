"""What one stage's training is: the frozen configuration that the trainer works from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch

from checkpoints.errors import PoseError
from checkpoints.imagenet import PretrainedWeights
from heads.skeleton import Skeleton
from ief.model.cascade import Cascade
from ief.model.run_folder import stage_file, stage_folder
from ief.model.stage import Residuals, Stage, StageDesign
from ief.training.distributed import DistContext
from ief.training.presets import Preset
from ief.training.run_config import RunConfig
from ief.training.stopping import Stopping
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.read import PreparedSplit


@dataclass(frozen=True)
class StageConfig:
    """What to train, how, and where; `dataclasses.replace(config, index=1)` is the next stage's.

    Attributes:
        index: the stage's number, 0 or above.
        data: the prepared training split.
        run: the run folder.
        preset: every option of a training.
        method: a name of Table 1 (`heads.methods`).
        seed: of the random weights, the order of the samples and their augmentation.
        pretrained: ImageNet weights, or None for random ones.
        device: where to train.
        dist: this process among those of the training.
        checkpoint_seconds: time between two checkpoints, which is what a kill can cost.
        deterministic: whether `ief.training.determinism` is in force, for the record.
        stopping: tells when to save and stop.
        run_config: the command's options, to be written to the run's config.json; None writes none.
    """

    index: int
    data: PreparedSplit
    run: Path
    preset: Preset
    method: str = "all"
    seed: int = 0
    pretrained: PretrainedWeights | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dist: DistContext = field(default_factory=DistContext)
    checkpoint_seconds: float = 60.0
    deterministic: bool = False
    stopping: Stopping = field(default_factory=Stopping)
    run_config: RunConfig | None = None

    @property
    def skeleton(self) -> Skeleton:
        """The tree, which comes with the data."""
        return self.data.people.skeleton

    @property
    def unlabeled(self) -> tuple[int, ...]:
        """Joints that no training person has, nor, with flips, a mirrored one."""
        none = self.data.people.unlabeled
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
        return math.ceil(self.preset.epochs * len(self.data) / self.preset.batch_size)

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

    def new_stage(self, previous: Cascade, residuals: Residuals) -> Stage:
        """The stage at step 0: from the previous stage's weights if the preset continues them, else the pretrained."""
        torch.manual_seed(self.stage_seed)
        stage, start = Stage(self.design(previous), residuals, self.autocast_dtype), self.continued(previous)
        if start:
            stage.continue_from(start)
        elif self.pretrained:
            stage.start_from(self.pretrained)
        return stage.to(self.device, memory_format=torch.channels_last)

    def continued(self, previous: Cascade) -> Stage | None:
        """The previous stage, if this one starts from its weights."""
        return previous.stages[-1] if self.index and self.preset.continue_backbone else None

    def design(self, previous: Cascade) -> StageDesign:
        """What the new stage is, behind the cascade of the previous ones."""
        preset, start = self.preset, self.continued(previous)
        return StageDesign(
            backbone=preset.backbone,
            stride=start.design.stride if start else self.pretrained.stride if self.pretrained else "3x3",
            method=self.method,
            size=self.data.size,
            sigma=preset.sigma * self.data.size,
            skeleton=self.skeleton,
            absolute=self.index > 0 and preset.continue_head,
            likelihood=preset.loss == "rle",
            unlabeled=self.unlabeled,
        )

    def batches(self) -> TrainingBatches:
        """This rank's share of the stage's batches. Raises PoseError when the ranks' shares would differ."""
        preset, ranks = self.preset, self.dist.world_size
        if preset.batch_size % ranks:
            raise PoseError(f"--batch-size {preset.batch_size}: must be a multiple of the number of processes, {ranks}")
        return TrainingBatches(self.data, self.skeleton, preset.augmentation, preset.batch_size, self.stage_seed,
                               self.device, self.dist.rank, ranks)  # fmt: skip


@cache
def native_bf16() -> bool:
    """Whether this CPU has instructions for bf16; False if torch is too old to tell (before 2.11)."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
