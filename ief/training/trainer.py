"""Stage-wise training (Section 5.3): measure the residuals, train a stage on them, freeze it, train the next."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from checkpoints import PoseError, Stopped, checksum, log, remove_leftovers
from checkpoints.training_state import load_checkpoint, remove_checkpoints, save_checkpoint
from checkpoints.weights import read_header
from evaluation import PCKH
from heads.losses import CompositionalLoss
from heads.pairs import get_pairs, pair_weights
from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade, load_stage, save_stage
from ief.model.stage import Residuals, Stage
from ief.model.start import build_stage
from ief.training import resume
from ief.training.curve import LOG_STEPS, Curve, check_losses, check_weights
from ief.training.options import Preset, write_config
from ief.training.progress import StepProgress, list_loggers
from ief.training.residuals import keep_statistics, measure_residuals, measure_start, perturb, synthesize_errors
from ief.training.runtime import Runtime, wrap_ddp
from ief.training.stage_config import StageConfig, build_batches
from ief.training.validation import Validator, choose_interval, count_stalled, validates_after
from mpii_tools.prepared.batches import Batch


def train_stage(config: StageConfig, runtime: Runtime | None = None) -> Path:
    """Train one stage of a run, from its last checkpoint if there is one; a finished stage is left as it is.

    One that was trained for fewer epochs is lengthened to those of `config` from its weights, by a warm restart: the
    schedule of the learning rate begins again, over the epochs that are added.

    Args:
        config: what to train, how, and where.
        runtime: what to train it on; None for this process alone, on the CPU.

    Returns:
        the stage's file.

    Raises:
        PoseError: when the folder holds this stage of another training, the previous stage is missing, a file is
            corrupt, the loss is not finite, or the disk refuses.
        Stopped: when `runtime.stopping` asked for it; a checkpoint is saved.
    """
    runtime = runtime or Runtime()
    if config.file.exists():
        description, validate_every = load_stage(config.file)[2], choose_interval(config, runtime)
        restarts = resume.find_restarts(config.file, description, config, validate_every)
        if not restarts:
            if runtime.is_main:
                remove_checkpoints(config.folder)  # a kill may have come between the stage's file and this
            return config.file
        config = replace(config, restarts=restarts)
    trainer = StageTrainer(config, runtime)
    trainer.setup()
    with runtime.stopping.deferred():
        trainer.fit()
        if runtime.is_main:
            trainer.finish()
        runtime.barrier()
    return config.file


class StageTrainer:
    """One stage's training: `setup`, then `fit`, which takes every `step`, then `finish`.

    Attributes:
        config: what is trained, how, and where; `runtime`: what on.
        validate_every: epochs between two validations, 0 for none.
        batches: this rank's share of the training samples, a function of the step.
        previous: the frozen cascade whose last pose is y_t.
        stage: the weights in training; `model` is the same as it is called (DDP, torch.compile).
        ema: the moving average of the weights, which is then what is kept; or None.
        validator: validates as it goes, on the main rank, for which the others wait in their next step; or None.
        curve, steps_done: the losses and metrics so far, and the number of steps taken.
        dtype: that the networks compute in, beside float32; or None.
        follows: checksum of the previous stage's file, None for stage 0.
    """

    def __init__(self, config: StageConfig, runtime: Runtime) -> None:
        self.config, self.runtime, self.steps_done = config, runtime, 0
        list_loggers(config.run)  # refused before anything is read
        self.validate_every = choose_interval(config, runtime)
        self.batches = build_batches(config, runtime)

    def setup(self) -> None:
        """Everything ready for the next step: from the last checkpoint, or from the start. Raises as `train_stage`."""
        config, runtime = self.config, self.runtime
        if runtime.is_main:
            remove_leftovers(config.folder)
            (config.run_folder / "metrics.json").unlink(missing_ok=True)  # it is not that of what is trained now
        path, checkpoint = load_checkpoint(config.folder) or (None, None)
        if checkpoint:
            resume.check_checkpoint(path, checkpoint)
            resume.check_same_training(path, checkpoint, config, self.validate_every)
        if not runtime.all_agree(checkpoint["step"] if checkpoint else -1):
            raise PoseError(f"{config.folder}: the processes find different checkpoints; they need one shared folder")
        finished = load_stage(config.file)[0].state_dict() if config.restarts and not checkpoint else None
        weights = checkpoint["stage"] if checkpoint else finished
        residuals = Residuals.from_state(weights) if weights else None
        self.follows = None
        if config.index:
            previous = load_cascade(config.run_folder, stages=config.index)
            resume.check_previous(previous, config)
            before = replace(config, index=config.index - 1).file
            resume.check_previous_data(before, read_header(before), config)
            self.follows = checksum(before)
        elif checkpoint:
            previous = Cascade(checkpoint["mean_pose"])
        else:
            previous, measured = self.start()
            residuals = residuals or measured
        self.build(previous, residuals)
        if checkpoint:
            self.restore(checkpoint)
        elif finished:
            self.lengthen(finished)
        if runtime.is_main:
            # Without its flip, which the joints may rule out: on other data it is in force as it was asked for.
            in_force = replace(config.run, options=replace(config.options, flip=config.run.options.flip))
            device = {"name": str(runtime.device), "precision": "bf16" if self.dtype else "fp32"}
            write_config(config.run_folder, in_force, device)

    def start(self) -> tuple[Cascade, Residuals]:
        """A cascade of y_0 alone, and what it leaves to correct."""
        mean, residuals = self.runtime.share(lambda: measure_start(self.batches.whole(), self.config.run.method))
        return Cascade(mean), residuals

    def build(self, previous: Cascade, residuals: Residuals | None = None) -> None:
        """A new stage behind a frozen cascade, at step 0.

        Args:
            previous: the trained stages before this one.
            residuals: what they leave to correct; None measures it, behind one at least.
        """
        config, options, runtime, data = self.config, self.config.options, self.runtime, self.config.data
        device, self.dtype = runtime.device, runtime.autocast_dtype(options.precision)
        previous = previous.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        for stage in previous.stages:
            stage.autocast_dtype = self.dtype
        self.previous, self.validator = previous, None
        if self.validate_every and runtime.is_main:
            self.validator = Validator(data.valid, previous, device, options.keep == "best")
        if residuals is None and options.continue_head:
            residuals = keep_statistics(previous)
        elif residuals is None:
            whole, method, show = self.batches.whole(), config.run.method, runtime.is_main
            residuals = runtime.share(lambda: measure_residuals(whole, method, self.current_pose, show))
        stage, said = build_stage(
            config.design,
            residuals,
            previous,
            data.start(config.index),
            continue_backbone=options.continue_backbone,
            seed=config.seed,
            autocast_dtype=self.dtype,
        )
        if said and runtime.is_main:
            log.warning(said)
        self.stage = stage = stage.to(device, memory_format=torch.channels_last)
        self.model = wrap_ddp(stage, runtime).train()
        pairs = get_pairs(stage.method.pairs, data.skeleton)
        share = options.origin_share if stage.method.pairs == "all" else 0  # the others are what Table 1 says
        self.loss = CompositionalLoss(
            data.skeleton,
            pairs,
            stage.pair_std,  # after DDP, which gives every rank the first one's statistics
            stage.method.representation,
            options.reduction,
            stage.likelihood if stage.design.likelihood else options.loss,
            pair_weights(pairs, share or None),
        ).to(device)
        self.optimizer = build_optimizer(stage, options, stage.new_parameters())
        # The moving average's time constant grows with the training: a short one is not averaged with its random start.
        average = get_ema_multi_avg_fn(1 - 1 / max(options.ema * config.steps, 1))
        self.ema = AveragedModel(stage, multi_avg_fn=average, use_buffers=True) if options.ema else None
        self.curve = Curve()
        self.previous = previous.folded()
        if options.compile:
            self.model, self.previous = torch.compile(self.model), torch.compile(self.previous)

    def step(self, step: int) -> tuple[Tensor, float]:
        """One step down the gradient; returns this rank's loss, a scalar that is still on the device, and its lr."""
        batch = self.batches(step)
        output = self.model(batch.images, self.current_pose(batch, step, self.batches.samples))
        estimate, sigma = output if isinstance(output, tuple) else (output, None)
        loss = self.loss(estimate, batch.joints, batch.mask, sigma)
        lr = self.config.lr(step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["mult"]
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.ema:
            self.ema.update_parameters(self.stage)
        self.steps_done = step + 1
        return loss.detach(), lr

    def current_pose(self, batch: Batch, step: int, share: slice) -> Tensor:
        """y_t of a batch, (B, K, D) or (1, K, D) crop pixels: the frozen cascade's pose, with errors if asked for.

        Args:
            share: which samples of the global batch these are.
        """
        with torch.no_grad():
            pose = self.previous(batch.images)[-1]
        if self.config.index and self.config.options.start_errors:
            pose = synthesize_errors(pose, batch, self.config, step, share)
        if self.config.index and self.config.options.perturb:
            pose = perturb(pose, self.config, step, share)
        return pose

    def lengthen(self, weights: dict[str, Tensor]) -> None:
        """Continue from a finished stage's weights: the next step is the one after its last, of a new schedule."""
        config = self.config
        self.steps_done, self.curve = config.first_step, Curve.read(config.folder / "log.csv")
        self.averaged().load_state_dict(weights)
        self.stage.load_state_dict(weights)
        if self.validator and config.options.keep == "best":
            self.validator(self.averaged(), self.steps_done)  # what it was is kept if nothing better comes
        if self.runtime.is_main:
            log.warning(f"{config.folder}: lengthened from {config.restarts[-1]:g} epochs, by a warm restart")

    def fit(self) -> None:
        """The training loop, to its last step. Raises as `train_stage`."""
        config, curve, runtime = self.config, self.curve, self.runtime
        patience, saved = config.options.patience, time.monotonic()
        with StepProgress(config, self.steps_done, runtime.is_main) as progress:
            for step in progress:
                loss, lr = self.step(step)
                curve.recent.append(runtime.mean(loss))
                validates = validates_after(step + 1, config, self.validate_every)
                epoch_ends = math.floor(config.epoch(step + 1)) > math.floor(config.epoch(step))
                row_ends = len(curve.recent) >= LOG_STEPS or validates or epoch_ends or step + 1 == config.steps
                if row_ends:
                    self._check_losses()
                    metrics = self.validator(self.averaged(), step + 1) if validates and self.validator else None
                    progress.show(step + 1, curve.close(step + 1, lr, metrics), lr, metrics, self.validator)
                if validates and 0 < patience <= runtime.max(count_stalled(curve.rows, config.first_step)):
                    break
                asked = runtime.world_size == 1 or row_ends  # to agree on a stop, several ranks wait for one another
                stop = int(runtime.max(runtime.stopping.status)) if asked else 0
                if stop or time.monotonic() - saved >= runtime.checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
                if stop:
                    raise Stopped(stop)

    def save(self) -> None:
        """Write a checkpoint, and the curve so far; never one that is not finite."""
        if not self.runtime.is_main:
            return
        self._check_finite()
        checkpoint = {
            "training": resume.fingerprint(self.config, self.validate_every),
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
        self._write_curve()

    def restore(self, checkpoint: dict) -> None:
        """Continue from what `save` wrote: the next step is the one that would have come."""
        self.steps_done = checkpoint["step"]
        self.curve = Curve(checkpoint["curve"])
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
        self._write_curve()  # first: a stage that is there is done, and not looked at again
        stage, best = self.averaged().eval(), self.validator.best if self.validator else None
        if best:
            stage.load_state_dict(best["weights"])
        description = resume.describe_stage(config, self.validate_every, self.follows, best, self.steps_done)
        save_stage(config.file, stage, self.previous.mean_pose, description)
        remove_checkpoints(config.folder)

    def _write_curve(self) -> None:
        title = self.validator.title if self.validator else PCKH.title
        self.curve.write(self.config.folder, self.config.epoch, title)

    def averaged(self) -> Stage:
        """The stage as it is kept: with the moving average of its weights if there is one."""
        return self.ema.module if self.ema else self.stage

    def _check_losses(self) -> None:
        check_losses(self.curve, self.steps_done, self.config.folder, self.batches, self.runtime.is_main)

    def _check_finite(self) -> None:
        self._check_losses()
        memory = [state.values() for state in self.optimizer.state.values()]
        ema = self.ema.state_dict().values() if self.ema else ()
        check_weights(chain(self.stage.state_dict().values(), ema, *memory), self.steps_done, self.config.folder)


def build_optimizer(network: nn.Module, preset: Preset, new: Sequence[nn.Parameter] = ()) -> torch.optim.Optimizer:
    """The preset's optimizer over all parameters of a network.

    Args:
        new: those of them that learn at `preset.lr_mult_new` times the schedule's rate, which is their group's `mult`.
    """
    faster = {id(value) for value in new}
    groups = [{"params": [value for value in network.parameters() if id(value) not in faster], "mult": 1.0}]
    if new:
        groups.append({"params": list(new), "mult": preset.lr_mult_new})
    if preset.optimizer == "sgd":
        return torch.optim.SGD(groups, preset.lr, 0.9, weight_decay=preset.weight_decay, fused=True)
    return torch.optim.AdamW(groups, preset.lr, weight_decay=preset.weight_decay, fused=True)
