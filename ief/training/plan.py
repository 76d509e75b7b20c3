"""What a training will cost, before it starts: steps, parameters, GFLOPs, hours, memory, disk."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import chain

import torch
from torch.utils.flop_counter import FlopCounterMode

from checkpoints.console import log
from checkpoints.training_state import KEPT, checkpoint_files
from ief.training.budget import TIMED, WARM_UP, time_stages
from ief.training.residuals import POSE_EPOCHS, STATISTICS_SAMPLES
from ief.training.runtime import Runtime
from ief.training.stage_config import StageConfig
from ief.training.trainer import StageTrainer
from ief.training.validation import FLOAT32, choose_interval

FORWARD = 0.2  # a forward without a gradient, in steps of stage 0; of three small trainings on a CPU
WORTHWHILE = 10  # a training this many times as long as the timing of its steps is timed before it starts
REPEATS = {2: 20, 3: 4}  # how often an epoch of the paper shows each person of MPII, and of Human3.6M


@dataclass(frozen=True)
class StagePlan:
    """What one stage's training takes.

    Attributes:
        steps: of the training.
        seconds: that one takes here.
        forwards: people whose poses one stage predicts besides: residuals, validations, the score at the end.
        parameters: of the stage.
        gflops: of it on one image, counting a multiplication and its addition as two.
        weights, checkpoint: bytes of the finished stage's file, and of a checkpoint.
    """

    steps: int
    seconds: float
    forwards: float
    parameters: int
    gflops: float
    weights: int
    checkpoint: int


def announce(
    config: StageConfig, runtime: Runtime, indices: Sequence[int], *, asked: bool, runs: Sequence[StageConfig] = ()
) -> None:
    """Log what stages of a run will cost, unless their training has begun; a short training's steps are not timed.

    Args:
        config: stage 0 of the run.
        indices: the stages to train.
        asked: log all of it in any case.
        runs: stage 0 of all runs that are compared, whose longest this one is; none for this one alone.
    """
    chosen = replace(config, run=replace(config.run, stages=max(indices, default=0) + 1))
    stages = [replace(chosen, index=index) for index in indices]
    begun = runtime.share(lambda: any(one.file.exists() or checkpoint_files(one.folder) for one in stages))
    if begun and not asked:
        return
    if runtime.is_main:
        log.info(describe_schedule(config))
    if asked or config.steps >= WORTHWHILE * (WARM_UP + TIMED):
        plans = plan_training(chosen, runtime)
        if runtime.is_main:
            chosen = {index: plans[index] for index in indices}
            log.info("\n".join(describe_plan(config, chosen, runs or [config], runtime.device)))


def describe_schedule(config: StageConfig) -> str:
    """How long each stage of a run trains, also as the paper counts epochs."""
    options, repeats = config.options, REPEATS[config.data.dimensions]
    return (
        f"{config.run.method}, stages of {options.backbone} at {options.size} px: {len(config.data.train):,} people, "
        f"{options.epochs:g} epochs ({options.epochs / repeats:g} of the paper's, of {repeats} repetitions), "
        f"{config.steps:,} steps of {options.batch_size}"
    )


def describe_plan(
    config: StageConfig, plans: Mapping[int, StagePlan], runs: Sequence[StageConfig], device: torch.device
) -> list[str]:
    """Lines for each stage by its number, and what all runs take: hours, memory of this process so far, disk."""
    lines = [
        f"stage {index}: {1e3 * plan.seconds:.1f} ms a step, {format_hours(plan.seconds * plan.steps)}; "
        f"{plan.parameters / 1e6:.1f} M parameters, {plan.gflops:.2f} GFLOPs an image"
        for index, plan in plans.items()
    ]
    total = total_seconds([*plans.values()], config.options.batch_size)
    total *= sum(run.steps * run.run.stages for run in runs) / (config.steps * config.run.stages)
    disk = len(runs) * sum(plan.weights for plan in plans.values())
    disk += (KEPT + 1) * max(plan.checkpoint for plan in plans.values())  # a new one before the oldest goes
    number = f"{len(runs)} runs, " if len(runs) > 1 else ""
    memory = f"{peak_memory(device) / 1e9:.1f} GB of {'the GPU' if device.type == 'cuda' else 'memory'}"
    return [*lines, f"in all {number}{format_hours(total)} with validations; {memory}, {disk / 1e9:.2g} GB of disk"]


def total_seconds(plans: Sequence[StagePlan], batch_size: int) -> float:
    """How long the stages train, with residuals, validations and scores."""
    forward = FORWARD * plans[0].seconds / batch_size
    return sum(plan.steps * plan.seconds + plan.forwards * forward for plan in plans)


def format_hours(seconds: float) -> str:
    """`3.6 h`, or below an hour `12.3 min`."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def peak_memory(device: torch.device) -> float:
    """Bytes that tensors took at most on a GPU, or that this process took of the main memory; NaN on Windows."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    usage = import_module("resource").getrusage(0) if find_spec("resource") else None  # 0: of this process
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) if usage else math.nan


def plan_training(config: StageConfig, runtime: Runtime) -> list[StagePlan]:
    """What each stage of a run takes, by ten timed steps with random weights; nothing is kept.

    Args:
        config: stage 0 of the run.
    """
    if runtime.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(runtime.device)
    return [plan_stage(config, *each) for each in time_stages(config, runtime)]


def plan_stage(config: StageConfig, trainer: StageTrainer, seconds: float) -> StagePlan:
    """The plan of a stage from its trainer after a few steps of `seconds`; no more training by it then."""
    runtime, stage, batch = trainer.runtime, trainer.averaged().eval(), trainer.batches(0)
    pose = trainer.current_pose(batch, 0, trainer.batches.samples)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        stage.predict(batch.images[:1], pose[:1])
    weights = sum(value.nbytes for value in stage.state_dict().values())
    memory = chain.from_iterable(state.values() for state in trainer.optimizer.state.values())
    copies = 1 + bool(trainer.ema) + (config.options.keep == "best")
    return StagePlan(
        config.steps,
        runtime.max(seconds),
        count_forwards(replace(config, index=trainer.config.index), runtime),
        sum(value.numel() for value in stage.parameters()),
        counter.get_total_flops() / 1e9,
        weights,
        copies * weights + sum(value.nbytes for value in memory if isinstance(value, torch.Tensor)),
    )


def count_forwards(config: StageConfig, runtime: Runtime) -> float:
    """People whose poses one stage predicts beside a stage's steps, those in float32 beside bf16 as FLOAT32."""
    index, every = config.index, choose_interval(config, runtime)
    measured = index * min(STATISTICS_SAMPLES, POSE_EPOCHS * len(config.data.train))
    validations = math.ceil(config.options.epochs / every) if every else 0
    slower = FLOAT32 if runtime.autocast_dtype(config.options.precision) else 1
    return measured + slower * len(config.data.valid or ()) * (validations * (index + 1) + 1)
