"""A stage's training made ready for its next step: from its start, or from where it was stopped."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import torch
from torch import nn

from checkpoints.errors import PoseError
from checkpoints.files import checksum, remove_leftovers
from checkpoints.training_state import load_checkpoint
from heads.losses import CompositionalLoss
from heads.pairs import get_pairs
from ief.model.cascade import Cascade
from ief.model.run_folder import check_follows, load_cascade, stage_file, stage_folder
from ief.model.stage import Residuals, Stage, StageDesign
from ief.training.distributed import wrap
from ief.training.job import Job, check_same_training
from ief.training.optimizer import Learner, new_learner
from ief.training.presets import Preset
from ief.training.residuals import mean_training_pose, measure_residuals
from mpii_tools.prepared.batches import TrainingBatches

STATE = {"training", "follows", "mean_pose", "residuals", "step", "curve", "stage", "optimizer", "average"}


@dataclass
class Training:
    """A stage's training under way.

    Attributes:
        index: of the stage.
        job, preset: what is trained, and how.
        batches: this process's share of them.
        before: the frozen cascade before the stage.
        learner: the stage, its optimizer, its curve.
        trained: the stage as it is called in training.
        loss_of: the method's loss.
        steps: length of the training.
        record: `describe` of it; {} for one that is never saved.
        follows: checksum of the stage before, None for stage 0.
    """

    index: int
    job: Job
    preset: Preset
    batches: TrainingBatches
    before: Cascade
    learner: Learner
    trained: nn.Module
    loss_of: CompositionalLoss
    steps: int
    record: dict = field(default_factory=dict)
    follows: str | None = None

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return stage_folder(self.job.run, self.index)


def begin(index: int, job: Job, preset: Preset, record: dict) -> Training:
    """A training where its last saved state left it, or at its start.

    Raises:
        PoseError: where the state is another training's, or the processes see different ones.
        PoseError: where the stage before is missing, another than the state's, or no state is whole.
    """
    folder = stage_folder(job.run, index)
    if job.processes.first:
        remove_leftovers(folder)
        (job.run / "metrics.json").unlink(missing_ok=True)  # it will not describe what this training makes
    path, state = load_checkpoint(folder) or (None, None)
    if state:
        check_state(path, state, index, job, record)
    batches = batches_of(index, job, preset)
    before, residuals = starting_point(index, job, preset, batches.whole(), state)
    training = new_training(index, job, preset, batches, before, residuals)
    training.record = record
    training.follows = checksum(stage_file(job.run, index - 1)) if index else None
    learner = training.learner
    if state:
        learner.restore(state)
    if job.processes.largest(learner.step, job.device) != -job.processes.largest(-learner.step, job.device):
        raise PoseError(f"{folder}: the processes find different states in it; they need one shared folder")
    return training


def check_state(path: Path, state: dict, index: int, job: Job, record: dict) -> None:
    """Raises PoseError or PoseError where a state is not one of this training."""
    missing = STATE - state.keys() if isinstance(state, dict) else STATE
    if missing:
        raise PoseError(f"{path}: holds no '{min(missing)}', so it is no state of a training; remove it")
    check_same_training(path, state["training"], record)
    check_follows(path, state["follows"], job.run, index)


def new_training(
    index: int, job: Job, preset: Preset, batches: TrainingBatches, before: Cascade, residuals: Residuals
) -> Training:
    """A training at its start, from a new stage."""
    steps = math.ceil(preset.passes * len(job.data) / preset.batch)
    learner = new_learner(build_stage(index, job, preset, before, residuals), preset, steps)
    stage = learner.stage
    trained = wrap(stage, job.device, job.processes).train()
    pairs = get_pairs(stage.method.pairs, job.skeleton)
    penalty = stage.likelihood if stage.design.likelihood else preset.penalty
    kind = stage.method.representation
    loss_of = CompositionalLoss(job.skeleton, pairs, stage.pair_std, kind, preset.reduction, penalty)
    loss_of = loss_of.to(job.device)  # after `wrap`, which gives every process the first one's statistics
    before = before.folded()
    if preset.compile:
        trained, before = torch.compile(trained), torch.compile(before)
    return Training(index, job, preset, batches, before, learner, trained, loss_of, steps)


def batches_of(index: int, job: Job, preset: Preset) -> TrainingBatches:
    """This process's share of a stage's batches. Raises PoseError where the processes' shares would differ."""
    rank, count = job.processes.rank, job.processes.count
    if preset.batch % count:
        raise PoseError(f"--batch {preset.batch}: must be a multiple of the number of processes, {count}")
    seed = seed_of_stage(job.seed, index)
    return TrainingBatches(job.data, job.skeleton, preset.augmentation, preset.batch, seed, job.device, rank, count)


def preset_of_stage(preset: Preset, index: int) -> Preset:
    """The preset with the learning rate of stage `index`."""
    return replace(preset, learning_rate=preset.learning_rate * preset.later_rate) if index else preset


def seed_of_stage(seed: int, index: int) -> int:
    """Stages see different orders and augmentations."""
    return seed * 1000 + index


def starting_point(
    index: int, job: Job, preset: Preset, batches: TrainingBatches, state: dict | None
) -> tuple[Cascade, Residuals]:
    """The frozen cascade before this stage and the residuals it leaves, measured once and kept in the state."""
    if index == 0:
        mean_pose = state["mean_pose"] if state else mean_training_pose(batches)
        before = Cascade(mean_pose)
    else:
        before = load_cascade(job.run, stages=index)
        check_stage_fits(before, job, preset)
    before = before.to(job.device, memory_format=torch.channels_last).eval().requires_grad_(False)
    for stage in before.stages:
        stage.half = use_half(preset, job.device)
    if state:
        return before, Residuals(*(state["residuals"][name] for name in ("mean", "std", "pair_std")))
    if index and preset.continue_head:
        return before, absolute_statistics(before)
    return before, measure_residuals(before, batches, job.method, preset.perturbation, not job.processes.first)


def absolute_statistics(before: Cascade) -> Residuals:
    """What the last stage's output is normalized by, of the pose itself: a stage that keeps its head keeps them."""
    stage = before.stages[-1]
    start = 0 if stage.design.absolute else stage.encode(before.mean_pose)  # what stage 0 adds its output to
    return Residuals(stage.mean + start, stage.std, stage.pair_std)


def check_stage_fits(before: Cascade, job: Job, preset: Preset) -> None:
    """Raises PoseError where the trained stages are of another method, input, skeleton, or network to continue."""
    design, penalised = before.stages[-1].design, preset.penalty == "likelihood"
    if preset.continue_head and len(before.stages) > 1 and not design.absolute:
        raise PoseError(f"{job.run}: its last stage corrects poses, so its head cannot go on; choose another --run")
    for name, found, wanted in (
        ("method", design.method, job.method),
        ("input size", design.size, job.data.size),
        ("joints", design.skeleton.names, job.skeleton.names),
        ("backbone", design.backbone, preset.backbone if preset.continue_stage else design.backbone),
        ("likelihood", design.likelihood, penalised if preset.continue_head else design.likelihood),
    ):
        if found != wanted:
            raise PoseError(
                f"{job.run}: its trained stage has {name} {found}, this training {wanted}; choose another --run"
            )


def build_stage(index: int, job: Job, preset: Preset, before: Cascade, residuals: Residuals) -> Stage:
    """A new stage: from the initial weights, or from those of the stage before where the preset says so."""
    goes_on = index > 0 and preset.continue_stage
    stride = before.stages[-1].design.stride if goes_on else job.initial.stride if job.initial else "3x3"
    sigma = preset.sigma * job.data.size
    absolute, likelihood = index > 0 and preset.continue_head, preset.penalty == "likelihood"
    design = StageDesign(preset.backbone, stride, job.method, job.data.size, sigma, job.skeleton, absolute, likelihood)
    torch.manual_seed(seed_of_stage(job.seed, index))
    stage = Stage(design, residuals)
    if goes_on:
        continue_weights(stage, before.stages[-1])
    elif job.initial:
        stage.start_from(job.initial)
    stage.half = use_half(preset, job.device)
    return stage.to(job.device, memory_format=torch.channels_last)


def continue_weights(stage: Stage, earlier: Stage) -> None:
    """Give a new stage the weights of an earlier one: the ResNet's, and the heads' where it is absolute.

    The heatmap half stays zero: the earlier stage learnt it on other poses.
    """
    heads = ("head", *(("sigma_head", "likelihood") if stage.design.likelihood else ()))
    for name in ("backbone", *(heads if stage.design.absolute else ())):
        getattr(stage, name).load_state_dict(getattr(earlier, name).state_dict())


def use_half(preset: Preset, device: torch.device) -> bool:
    """Whether to train in bf16: where the preset says so, on a GPU or a CPU that multiplies it natively.

    Any other CPU would be slower with it than in fp32.
    """
    return preset.precision == "bf16" and (device.type == "cuda" or native_bf16())


@cache
def native_bf16() -> bool:
    """Whether this CPU has instructions for bf16; False where torch is too old to say (before 2.11)."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
