"""What a training costs before it starts: steps, GFLOPs, hours, memory, disk; and the epochs that fit some minutes.

Runs that are compared in a budget of minutes get the same number of epochs, so that no result depends on what else the
machine was doing at the time. The speed is measured once, and the number it gives is kept in `budget.json`.
"""

import json
import math
import sys
import time
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from checkpoints import PoseError, log, write_text
from checkpoints.training_state import KEPT, checkpoint_files
from ief.model.cascade import Cascade
from ief.training.options import change_config
from ief.training.residuals import POSE_EPOCHS, STATISTICS_SAMPLES
from ief.training.runtime import Runtime
from ief.training.stage_config import StageConfig
from ief.training.trainer import StageTrainer
from ief.training.validation import FLOAT32, choose_interval

WARM_UP, TIMED = 3, 10  # steps that are taken to time one, per stage
FORWARD = 0.25  # a forward without a gradient, in steps of stage 0: of ResNet-18, -34 and -50 at 64 px on a CPU
SAVING = 0.05  # of a training's time, which its checkpoints and its start take
WORTHWHILE = 10  # a training this many times as long as the timing of its steps is timed before it starts
REPEATS = {2: 20, 3: 4}  # how often an epoch of the paper shows each person of MPII, and of Human3.6M
EPOCHS = range(1, 10**7 + 1)  # that a budget can give, in hundredths


@dataclass(frozen=True)
class StagePlan:
    """What one stage's training takes.

    Attributes:
        seconds: of a step here.
        parameters: of the stage.
        gflops: of it on one image, counting a multiplication and its addition as two.
        weights, checkpoint: bytes of the finished stage's file, and of a checkpoint.
    """

    seconds: float
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
            log.info("\n".join(describe_plan(runs or [chosen], plans, indices, runtime)))


def describe_schedule(config: StageConfig) -> str:
    """How long each stage of a run trains, also as the paper counts epochs."""
    options, repeats = config.options, REPEATS[config.data.dimensions]
    return (
        f"{config.run.method}, stages of {options.backbone} at {options.size} px: {len(config.data.train):,} people, "
        f"{options.epochs:g} epochs ({options.epochs / repeats:g} of the paper's, of {repeats} repetitions), "
        f"{config.steps:,} steps of {options.batch_size}"
    )


def describe_plan(
    runs: Sequence[StageConfig], plans: Sequence[StagePlan], indices: Collection[int], runtime: Runtime
) -> list[str]:
    """Lines for each stage that is trained, and what all runs take: hours, memory of this process so far, disk.

    Args:
        runs: stage 0 of each.
        plans: of all stages of the longest run.
        indices: the stages to train.
    """
    steps, trained = max(run.steps for run in runs), [plans[index] for index in indices]
    lines = [
        f"stage {index}: {1e3 * plan.seconds:.1f} ms a step, {format_hours(plan.seconds * steps)}; "
        f"{plan.parameters / 1e6:.1f} M parameters, {plan.gflops:.2f} GFLOPs an image"
        for index, plan in zip(indices, trained, strict=True)
    ]
    total = count_seconds(runs, [plan.seconds for plan in plans], runtime, indices)
    disk = len(runs) * sum(plan.weights for plan in trained)
    disk += (KEPT + 1) * max(plan.checkpoint for plan in trained)  # a new one before the oldest goes
    number = f"{len(runs)} runs, " if len(runs) > 1 else ""
    memory = f"{peak_memory(runtime.device) / 1e9:.1f} GB of {'the GPU' if runtime.device.type == 'cuda' else 'memory'}"
    return [*lines, f"in all {number}{format_hours(total)} with validations; {memory}, {disk / 1e9:.2g} GB of disk"]


def count_seconds(
    runs: Sequence[StageConfig], steps: Sequence[float], runtime: Runtime, indices: Collection[int] | None = None
) -> float:
    """How long stages of some runs train, with residuals, validations, scores and checkpoints.

    Args:
        runs: stage 0 of each.
        steps: seconds of a step of stages 0, 1, ...
        indices: the stages that are trained; None for all.
    """
    seconds = 0.0
    for run in runs:
        # A step is of the share of one process, which predicts all the people beside the steps.
        forward = FORWARD * steps[0] * runtime.world_size / run.options.batch_size
        for index in range(run.run.stages):
            if indices is None or index in indices:
                seconds += run.steps * steps[index] + forward * count_forwards(replace(run, index=index), runtime)
    return (1 + SAVING) * seconds


def count_forwards(config: StageConfig, runtime: Runtime) -> float:
    """People whose poses one stage predicts beside a stage's steps, those in float32 beside bf16 as FLOAT32.

    They are the samples of its residuals (`residuals.measure_residuals`), those of its validations, each by all stages
    so far, and those of the score at the end.
    """
    index, every, options = config.index, choose_interval(config, runtime), config.options
    samples = min(STATISTICS_SAMPLES, POSE_EPOCHS * len(config.data.train) * len(config.data.datasets))
    measured = 0 if options.continue_head else index * samples
    validations = math.ceil(options.epochs / every) if every else 0
    slower = FLOAT32 if runtime.autocast_dtype(options.precision) else 1
    return measured + slower * len(config.data.valid or ()) * (validations * (index + 1) + 1)


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
    residuals, previous, plans = None, None, []
    data = replace(config.data, valid=None)
    for index in range(config.run.stages):
        trainer = StageTrainer(replace(config, index=index, data=data), runtime)
        if previous is None:
            previous, residuals = trainer.start()
        trainer.build(previous, residuals)
        for step in range(WARM_UP + TIMED):
            if step == WARM_UP:
                started = time.perf_counter()
            trainer.step(step)[0].item()  # waits for the device
        plans.append(plan_stage(trainer, (time.perf_counter() - started) / TIMED))
        previous = Cascade(previous.mean_pose, [*previous.stages, trainer.averaged()]).to(runtime.device).eval()
    return plans


def plan_stage(trainer: StageTrainer, seconds: float) -> StagePlan:
    """The plan of a stage from its trainer after a few steps of `seconds`; no more training by it then."""
    stage, batch = trainer.averaged().eval(), trainer.batches(0)
    pose = trainer.current_pose(batch, 0, trainer.batches.samples)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        stage.predict(batch.images[:1], pose[:1])
    weights = sum(value.nbytes for value in stage.state_dict().values())
    memory = chain.from_iterable(state.values() for state in trainer.optimizer.state.values())
    copies = 1 + bool(trainer.ema) + (trainer.config.options.keep == "best")
    return StagePlan(
        trainer.runtime.max(seconds),
        sum(value.numel() for value in stage.parameters()),
        counter.get_total_flops() / 1e9,
        weights,
        copies * weights + sum(value.nbytes for value in memory if isinstance(value, torch.Tensor)),
    )


def epochs_for_budget(
    minutes: float, runs: Sequence[StageConfig], runtime: Runtime, path: Path, *,
    end: float = math.inf, least: float | None = None,
) -> float:  # fmt: skip
    """How often each stage sees each person, so that the trainings of all stages of some runs take `minutes`.

    Args:
        runs: stage 0 of each; one of those with the longest epochs is measured.
        path: `budget.json`, where the answer is kept; if it exists the answer is read from it.
        end: when they have to be done if that is earlier, on the clock of `time.monotonic`.
        least: epochs that are trained however slow the machine is, of the demo, which also trains at most those of its
            run; None for an error.

    Raises:
        PoseError: when the budget is too small for one epoch, or `path` holds another budget.
    """
    if kept := read_epochs(minutes, path):
        return kept
    measured = max(runs, key=lambda run: (run.run.stages, 1 / run.people_per_step))
    steps = [plan.seconds for plan in plan_training(measured, runtime)]

    def count(hundredths: int, some: Sequence[StageConfig] = runs) -> float:
        changed = [replace(run, run=change_config(run.run, epochs=hundredths / 100)) for run in some]
        return count_seconds(changed, steps, runtime)

    epochs = bisect_right(EPOCHS, min(60 * minutes, end - time.monotonic()), key=count) / 100
    if least is not None:
        if epochs < least:
            log.info(f"{minutes:g} minutes are too few on this machine; the least is trained all the same")
        epochs = min(max(epochs, least), measured.options.epochs)
    elif epochs < 1:
        raise PoseError(
            f"--minutes {minutes}: {len(runs)} runs need {count(100) / 60:.1f} minutes for a single epoch here"
        )
    runtime.barrier()
    if runtime.is_main:
        longest = count(100) / max(count(100, [run]) for run in runs)  # how many of it take as long as all of them
        budget = {"minutes": minutes, "methods": longest, "seconds_per_step": steps, "epochs": epochs}
        write_text(path, json.dumps(budget, indent=1))
    return epochs


def read_epochs(minutes: float, path: Path) -> float | None:
    """The epochs that were found to fit `minutes` when a budget was first asked for; None if it never was.

    Raises:
        PoseError: when the file is corrupt, or holds another budget.
    """
    try:
        budget = json.loads(path.read_text(encoding="utf-8"))
        kept, epochs = (float(budget[name]) for name in ("minutes", "epochs"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); remove it, and the speed is measured again") from error
    if kept != minutes:
        raise PoseError(f"{path}: belongs to a budget of {kept:g} minutes, now {minutes:g}; choose another folder")
    return epochs
