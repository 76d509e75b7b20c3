"""Stage-wise training (Section 5.3): measure the residuals, train a stage on them, freeze it, train the next."""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from checkpoints.errors import PoseError
from checkpoints.files import remove_leftovers
from checkpoints.training_state import load_checkpoint, remove_checkpoints, save_checkpoint
from heads.losses import CompositionalLoss
from heads.pairs import get_pairs, pair_weights
from ief.model.cascade import Cascade
from ief.model.run_folder import save_stage
from ief.model.stage import Residuals, Stage
from ief.training import compatibility
from ief.training.config import StageConfig
from ief.training.curve import Curve
from ief.training.distributed import wrap_ddp
from ief.training.divergence import check_losses, check_weights
from ief.training.optimizer import build_ema, build_optimizer, scheduled_lr
from ief.training.perturbation import perturb
from ief.training.progress import StepProgress
from ief.training.residuals import absolute_statistics, mean_training_pose, measure_residuals
from ief.training.run_config import write_config
from ief.training.stopping import Stopped
from ief.training.validation import Validator
from mpii_tools.prepared.batches import Batch


def train_stage(config: StageConfig) -> Path:
    """Train one stage of a run, from its last checkpoint if there is one; a finished stage is left as it is.

    Returns:
        the stage's file.

    Raises:
        PoseError: when the folder holds this stage of another training, the previous stage is missing, a file is
            corrupt, the loss is not finite, or the disk refuses.
        Stopped: when `config.stopping` asked for it; a checkpoint is saved.
    """
    if config.file.exists():
        compatibility.check_finished(config)
        if config.dist.is_main:
            remove_checkpoints(config.folder)  # a kill may have come between the stage's file and this
        return config.file
    trainer = StageTrainer(config)
    trainer.setup()
    with config.stopping.deferred():
        trainer.fit()
        if config.dist.is_main:
            trainer.finish()
        config.dist.barrier()
    return config.file


class StageTrainer:
    """One stage's training: `setup`, then `fit`, which takes every `step`, then `finish`.

    Attributes:
        config: what is trained, how, and where.
        batches: this rank's share of the training samples, a function of the step.
        previous: the frozen cascade whose last pose is y_t.
        stage: the weights in training; `model` is the same as it is called (DDP, torch.compile).
        ema: the moving average of the weights, which is then what is kept; or None.
        validator: validates as it goes, on the main rank, for which the others wait in their next step; or None.
        curve, steps_done: the losses and metrics so far, and the number of steps taken.
        follows: checksum of the previous stage's file, None for stage 0.
    """

    def __init__(self, config: StageConfig) -> None:
        self.config = config
        self.batches = config.batches()
        self.steps_done = 0

    def setup(self) -> None:
        """Everything ready for the next step: from the last checkpoint, or from the start. Raises as `train_stage`."""
        config = self.config
        if config.dist.is_main:
            remove_leftovers(config.folder)
            (config.run / "metrics.json").unlink(missing_ok=True)  # it will not describe what this training makes
        path, checkpoint = load_checkpoint(config.folder) or (None, None)
        if checkpoint:
            compatibility.check_checkpoint(path, checkpoint, config)
        self.build(self._previous(checkpoint), Residuals.of(checkpoint["stage"]) if checkpoint else None)
        self.follows = compatibility.previous_checksum(config)
        if checkpoint:
            self.restore(checkpoint)
        if not config.dist.all_agree(self.steps_done, config.device):
            raise PoseError(f"{config.folder}: the processes find different checkpoints; they need one shared folder")
        if config.run_config and config.dist.is_main:
            write_config(config.run, config.run_config, config.options, config.decided_by_device)

    def _previous(self, checkpoint: dict | None) -> Cascade:
        if self.config.index == 0:
            return Cascade(checkpoint["mean_pose"] if checkpoint else mean_training_pose(self.batches.whole()))
        return compatibility.load_previous(self.config)

    def build(self, previous: Cascade, residuals: Residuals | None = None) -> None:
        """A new stage behind a frozen cascade, at step 0.

        Args:
            previous: the trained stages before this one.
            residuals: what they leave to correct; None measures it.
        """
        config, preset, device = self.config, self.config.preset, self.config.device
        previous = previous.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        for stage in previous.stages:
            stage.autocast_dtype = config.autocast_dtype
        self.previous, self.validator = previous, None
        if config.validation and config.dist.is_main:
            self.validator = Validator(config.validation, previous, device, preset.keep == "best")
        self.stage = config.new_stage(previous, residuals or self._residuals())
        self.model = wrap_ddp(self.stage, device, config.dist).train()
        stage, pairs = self.stage, get_pairs(self.stage.method.pairs, config.skeleton)
        share = preset.origin_share if stage.method.pairs == "all" else 0  # the others are what Table 1 says
        self.loss = CompositionalLoss(
            config.skeleton,
            pairs,
            stage.pair_std,  # after DDP, which gives every rank the first one's statistics
            stage.method.representation,
            preset.reduction,
            stage.likelihood if stage.design.likelihood else preset.loss,
            pair_weights(pairs, share or None),
        ).to(device)
        self.optimizer = build_optimizer(stage, preset, stage.new_parameters())
        self.ema, self.curve = build_ema(stage, preset, config.steps), Curve(device)
        self.previous = previous.folded()
        if preset.compile:
            self.model, self.previous = torch.compile(self.model), torch.compile(self.previous)

    def _residuals(self) -> Residuals:
        config, dist = self.config, self.config.dist
        if config.index and config.preset.continue_head:
            return absolute_statistics(self.previous)
        pose_of = self.current_pose if config.index else None
        return measure_residuals(self.batches.whole(), config.method, self.previous.mean_pose, pose_of, dist.is_main)

    def step(self, step: int) -> tuple[Tensor, float]:
        """One step down the gradient; returns its loss, a scalar that is still on the device, and its lr."""
        batch = self.batches(step)
        output = self.model(batch.images, self.current_pose(batch, step, self.batches.samples))
        estimate, sigma = output if isinstance(output, tuple) else (output, None)
        loss = self.loss(estimate, batch.joints, batch.mask, sigma)
        lr = scheduled_lr(self.config.lr, self.config.preset, step / self.config.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["mult"]
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.ema:
            self.ema.update_parameters(self.stage)
        self.steps_done = step + 1
        return self.config.dist.mean(loss.detach()), lr

    def current_pose(self, batch: Batch, step: int, share: slice) -> Tensor:
        """y_t of a batch, (B, K, D) or (1, K, D) crop pixels: the frozen cascade's pose, with noise if it is asked for.

        Args:
            share: which samples of the global batch these are.
        """
        with torch.no_grad():
            pose = self.previous(batch.images)[-1]
        if self.config.preset.perturb and self.config.index:
            pose = perturb(pose, self.config, step, share)
        return pose

    def fit(self) -> None:
        """The training loop, to its last step. Raises as `train_stage`."""
        config, dist, curve = self.config, self.config.dist, self.curve
        saved = time.monotonic()
        with StepProgress(config, self.steps_done) as progress:
            for step in progress:
                loss, lr = self.step(step)
                curve.add(loss)
                validates = config.validates_after(step + 1)
                row_ends = curve.full or validates or step + 1 == config.steps
                if row_ends:
                    self._check_losses()
                    metrics = self.validator(self.averaged(), step + 1) if validates and self.validator else None
                    progress.show(step + 1, curve.close(step + 1, lr, metrics), lr, metrics, self.validator)
                asked = dist.world_size == 1 or row_ends  # to agree on a stop, several ranks wait for one another
                stop = int(dist.max(config.stopping.status, config.device)) if asked else 0
                if stop or time.monotonic() - saved >= config.checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
                if stop:
                    raise Stopped(stop)

    def save(self) -> None:
        """Write a checkpoint, and the curve so far; never one that is not finite."""
        if not self.config.dist.is_main:
            return
        self._check_finite()
        checkpoint = {
            "training": compatibility.record(self.config),
            "follows": self.follows,
            "mean_pose": self.previous.mean_pose.cpu(),
            "step": self.steps_done,
            "curve": self.curve.state(),
            "stage": self.stage.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "best": self.validator.best if self.validator else None,
        }
        save_checkpoint(self.config.folder, self.steps_done, checkpoint)
        self.curve.write(self.config.folder / "log.csv")

    def restore(self, checkpoint: dict) -> None:
        """Continue from what `save` wrote: the next step is the one that would have come."""
        self.steps_done = checkpoint["step"]
        self.curve.restore(checkpoint["curve"])
        self.stage.load_state_dict(checkpoint["stage"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        if self.ema:
            self.ema.load_state_dict(checkpoint["ema"])
        if self.validator:
            self.validator.best = checkpoint.get("best")

    def finish(self) -> None:
        """Write the trained stage; its checkpoints go once it is safe."""
        self._check_finite()
        config = self.config
        self.curve.write(config.folder / "log.csv")  # first: a stage that is there is done, and not looked at again
        stage, best = self.averaged().eval(), self.validator.best if self.validator else None
        if best:
            stage.load_state_dict(best["weights"])
        save_stage(config.file, stage, self.previous.mean_pose, compatibility.describe(config, self.follows, best))
        remove_checkpoints(config.folder)

    def averaged(self) -> Stage:
        """The stage as it is kept: with the moving average of its weights if there is one."""
        return self.ema.module if self.ema else self.stage

    def _check_losses(self) -> None:
        def people_of(step: int) -> list[str]:
            return self.batches.whole()(step, images=False).person_ids.tolist()

        check_losses(self.curve, self.steps_done, self.config.folder, people_of, self.config.dist.is_main)

    def _check_finite(self) -> None:
        self._check_losses()
        memory = [state.values() for state in self.optimizer.state.values()]
        ema = self.ema.state_dict().values() if self.ema else ()
        check_weights(chain(self.stage.state_dict().values(), ema, *memory), self.steps_done, self.config.folder)
