"""A stage while it learns: optimizer, schedule, average of the weights, and all that a resumed run needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from checkpoints.errors import PoseError
from ief.model.stage import Stage
from ief.training.curve import Curve
from ief.training.presets import Preset


@dataclass
class Learner:
    """A stage in training.

    Attributes:
        stage: the weights being trained.
        optimizer: over the stage's parameters.
        average: the moving average of the weights, or None.
        curve: the losses so far.
        step: steps taken.
    """

    stage: Stage
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    curve: Curve
    step: int = 0

    def state(self) -> dict:
        """All of it as plain data, for `restore`."""
        return {
            "step": self.step,
            "curve": self.curve.state(),
            "stage": self.stage.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict() if self.average else None,
        }

    def restore(self, state: dict) -> None:
        """Continue from what `state` returned: the next step is the one that would have come."""
        self.step = state["step"]
        self.curve.restore(state["curve"])
        self.stage.load_state_dict(state["stage"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load_state_dict(state["average"])

    def is_finite(self) -> bool:
        """Whether weights, their average and the optimizer's memory hold finite numbers alone; waits for the device."""
        memory = [value for state in self.optimizer.state.values() for value in state.values()]
        averaged = self.average.state_dict().values() if self.average else ()
        tensors = [*self.stage.state_dict().values(), *averaged, *memory]
        floats = [value for value in tensors if isinstance(value, torch.Tensor) and value.is_floating_point()]
        return all(bool(value.isfinite().all()) for value in floats)

    def update(self, loss: torch.Tensor, rate: float) -> None:
        """One step down the gradient of a scalar `loss` at learning rate `rate`."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.average:
            self.average.update_parameters(self.stage)
        self.step += 1

    def kept(self) -> Stage:
        """The stage to keep, in evaluation mode: the average where there is one."""
        return (self.average.module if self.average else self.stage).eval()


def new_learner(stage: Stage, preset: Preset, steps: int) -> Learner:
    """A learner at step 0 of a training of `steps`. Raises PoseError for an unknown optimizer."""
    average = None
    if preset.averaging:
        decay = 1 - 1 / max(preset.averaging * steps, 1)
        average = AveragedModel(stage, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    return Learner(stage, build_optimizer(stage, preset, stage.new_parameters()), average, Curve(stage.mean.device))


def build_optimizer(network: nn.Module, preset: Preset, new: Sequence[nn.Parameter] = ()) -> torch.optim.Optimizer:
    """The preset's optimizer over all parameters of a network. Raises PoseError for an unknown one.

    Args:
        new: those of them that learn at `preset.new_rate` times the schedule's rate, which is the group's `share`.
    """
    faster = {id(value) for value in new}
    groups = [{"params": [value for value in network.parameters() if id(value) not in faster], "share": 1.0}]
    if new:
        groups.append({"params": list(new), "share": preset.new_rate})
    if preset.optimizer == "sgd":
        return torch.optim.SGD(groups, preset.learning_rate, 0.9, weight_decay=preset.weight_decay, fused=True)
    if preset.optimizer == "adamw":
        return torch.optim.AdamW(groups, preset.learning_rate, weight_decay=preset.weight_decay, fused=True)
    raise PoseError(f"unknown optimizer '{preset.optimizer}'; choose sgd or adamw")


def learning_rate(preset: Preset, done: float) -> float:
    """The learning rate when the fraction `done` of the training is over. Raises PoseError for an unknown schedule."""
    rate = preset.learning_rate * min(1.0, (done + 1e-3) / preset.warmup if preset.warmup else 1.0)
    if preset.schedule == "steps":
        return rate * 0.1 ** sum(done >= milestone for milestone in preset.milestones)
    if preset.schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * done))
    raise PoseError(f"unknown schedule '{preset.schedule}'; choose steps or cosine")
