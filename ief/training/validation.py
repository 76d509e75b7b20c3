"""Validation as a training goes: what the weights that would be kept now score on the whole validation split.

It works on a copy of the stage, as its file would hold it: it draws no random number of the training's and changes no
weight and no statistic, so a training ends with the same weights with it and without.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from checkpoints import PoseError
from ief.inference.predictor import PosePredictor
from ief.model.cascade import Cascade
from ief.model.stage import Residuals, Stage
from ief.reporting.scoring import choose_measure, score_poses
from ief.training.runtime import Runtime
from ief.training.stage_config import StageConfig
from mpii_tools.prepared.read import PreparedSplit

COST = 0.03  # of a training's time, which validation takes at the default
FLOAT32 = 3  # a forward in float32, as poses are predicted, in forwards in bf16


class Metrics(NamedTuple):
    """Of the validation people, official convention; None for what they do not define (PCKh without head sizes).

    Attributes:
        pckh: mean PCKh@0.5 in percent, or PCK as the data have it.
        joint_error, bone_error: image pixels.
        joint_error_mm: Joint Error, of people with depth and a camera.
    """

    pckh: float | None
    joint_error: float | None
    bone_error: float | None
    joint_error_mm: float | None = None

    @property
    def quality(self) -> float | None:
        """What `--keep best` goes by: a smaller error in mm in 3D, else a higher PCKh; None if there is neither."""
        return self.pckh if self.joint_error_mm is None else -self.joint_error_mm


def choose_interval(config: StageConfig, runtime: Runtime) -> float:
    """Epochs between two validations of a stage, 0 for none: those of --validate-every, else `default_interval`."""
    data, every = config.data, config.run.validate_every
    if data.valid is None:
        return 0
    if every is not None:
        return every
    people = len(data.train) * len(data.datasets)  # that an epoch takes the time of
    bf16 = runtime.autocast_dtype(config.options.precision) is not None
    return default_interval(people, len(data.valid), config.index, config.options.epochs, bf16)


def validates_after(step: int, config: StageConfig, every: float) -> bool:
    """Whether a validation follows after `step` steps: at the end, and where a multiple of `every` epochs ends."""
    if not every or step == config.steps:
        return bool(every)
    return config.epoch(step) // every > config.epoch(step - 1) // every


def default_interval(training: int, validation: int, index: int, epochs: float, bf16: bool = False) -> int:
    """The smallest whole number of epochs between two validations that cost at most COST of a stage's training.

    What an image costs is counted in forwards of one stage: index + 3 in training, where the frozen stages have a
    forward and the trained one a backward of two more; index + 1 in validation, FLOAT32 times as much beside bf16.

    Args:
        training, validation: people of the two splits.
        index: number of the stage.
        epochs: length of the training; the last validation is at its end in any case.
        bf16: whether training computes in bf16.
    """
    cost = validation * (index + 1) * (FLOAT32 if bf16 else 1) / (training * (index + 3))  # in epochs
    every = max(1, math.ceil(cost / COST))
    while every < epochs and math.ceil(epochs / every) * cost > COST * epochs:
        every += 1
    return every


def count_stalled(rows: Sequence[Sequence[float | None]], first: int = -1) -> int:
    """How many validations in a row were no better than one before them, of rows of a training curve.

    Args:
        rows: step, loss, lr, and the `Metrics` if it was validated.
        first: the step after which they count.
    """
    qualities = [Metrics(*metrics).quality for step, _, _, *metrics in rows if step > first and any(metrics)]
    known = [-math.inf if quality is None else quality for quality in qualities]
    return len(known) - 1 - known.index(max(known)) if known else 0


class Validator:
    """Validates a stage in training, and remembers the best of its weights if those are to be kept.

    Args:
        data: the validation split.
        previous: the frozen stages before it.
        device: to predict on.
        keep_best: whether to remember.

    Attributes:
        poses: (N, K, D) image pixels, what the latest validation predicted.
        title: what the first of the metrics is, `PCKh@0.5` or `PCK@0.2`.
        best: step, metrics and weights of the best validation so far, by `Metrics.quality`; None if not remembered.
    """

    def __init__(self, data: PreparedSplit, previous: Cascade, device: torch.device, keep_best: bool) -> None:
        self.data, self.device, self.keep_best = data, device, keep_best
        self.mean_pose = previous.mean_pose.cpu()
        self.previous = [copy_stage(stage) for stage in previous.stages]
        self.poses: np.ndarray | None = None
        self.best: dict | None = None
        self.title = choose_measure(data.people).title

    def __call__(self, stage: Stage, step: int) -> Metrics:
        """The metrics of a stage after `step` steps: those that `ief evaluate` finds for the stage's predictions.

        Raises:
            PoseError: when the best is to be kept and the people define neither PCKh nor an error in mm.
        """
        data, candidate = self.data, copy_stage(stage)
        cascade = Cascade(self.mean_pose, [*self.previous, candidate]).to(self.device).eval()
        self.poses = PosePredictor.of(cascade).predict_split(data)[0][-1]
        scored = score_poses(self.poses, data.people)
        scores = scored[2]
        errors = (scores["joint_error"].overall.value, scores["bone_error"].overall.value)
        in_mm = scored[3]["joint_error"].overall.value if 3 in scored else None
        metrics = Metrics(scores.mean_pckh.value, *errors, in_mm)
        if self.keep_best:
            if metrics.quality is None:
                raise PoseError(f"--keep best: {data.name} has no PCKh on '{data.split}', its people have no head size")
            if self.best is None or metrics.quality > Metrics(*self.best["metrics"]).quality:
                weights = {name: value.cpu() for name, value in candidate.state_dict().items()}
                self.best = {"step": step, "metrics": list(metrics), "weights": weights}
        return metrics

    def name_metrics(self, metrics: Metrics) -> dict[str, float]:
        """The metrics that are defined, as they are called where they are seen."""
        names = (self.title, "joint error px", "bone error px", "joint error mm")
        return {name: value for name, value in zip(names, metrics, strict=True) if value is not None}


def copy_stage(stage: Stage) -> Stage:
    """A copy as reading the stage's file gives it: on the CPU, in float32, in evaluation mode."""
    weights = {name: value.cpu() for name, value in stage.state_dict().items()}
    with torch.random.fork_rng(devices=[]):  # its random weights, which are replaced, are not the training's
        copy = Stage(stage.design, Residuals.from_state(weights))
    copy.load_state_dict(weights)
    return copy.eval()
