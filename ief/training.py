"""Stage-wise training: measure the residuals, train a stage on them, freeze it, go on to the next (Section 5.3)."""

from __future__ import annotations

import csv
import io
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from tqdm import tqdm

from checkpoints.files import checksum, write_text
from checkpoints.imagenet import InitialWeights
from checkpoints.training_state import load_state, save_state
from heads.errors import BadInput
from heads.losses import CompositionalLoss
from heads.pairs import pair_set
from heads.skeleton import Skeleton
from ief.cascade import Cascade
from ief.distributed import Processes, wrap
from ief.optimisation import Learner, learning_rate, new_learner
from ief.presets import Preset
from ief.residuals import current_pose, mean_training_pose, measure_residuals
from ief.run import load_cascade, load_stage, save_stage, stage_file, stage_folder, state_file
from ief.stage import Residuals, Stage, StageDesign
from mpii_tools.batches import TrainingBatches
from mpii_tools.prepared import PreparedSplit

LOG_STEPS = 20


@dataclass(frozen=True)
class Job:
    """What to train, apart from the preset.

    Attributes:
        data: the prepared training split.
        skeleton: the tree.
        method: a name of Table 1.
        run: the run folder.
        seed: of the initial weights, the order and the augmentation.
        initial: ImageNet weights, or None for random ones.
        device: where to train.
        processes: this process among its peers.
        checkpoint_seconds: time between two saved states; what a kill can cost.
    """

    data: PreparedSplit
    skeleton: Skeleton
    method: str
    run: Path
    seed: int
    initial: InitialWeights | None
    device: torch.device
    processes: Processes = field(default_factory=Processes)
    checkpoint_seconds: float = 60.0


def train_stage(index: int, job: Job, preset: Preset) -> Path:
    """Train stage `index` of a run, from its last saved state where there is one; skipped where it is done.

    Returns:
        the stage's file.

    Raises:
        BadInput: where the folder holds this stage of another training, or the loss is no number.
        BadCheckpoint: where the stage before is missing or a file is torn.
    """
    path = stage_file(job.run, index)
    if index:
        preset = replace(preset, learning_rate=preset.learning_rate * preset.later_rate)
    record = describe(index, job, preset)
    if path.exists():
        check_same_training(path, load_stage(path)[2]["training"], record)
        return path
    state = load_state(state_file(job.run, index)) if state_file(job.run, index).exists() else None
    if state is not None:
        check_same_training(state_file(job.run, index), state["training"], record)

    batches = TrainingBatches(
        job.data,
        job.skeleton,
        preset.augmentation,
        preset.batch,
        seed_of_stage(job.seed, index),
        job.device,
        job.processes.rank,
        job.processes.count,
    )
    before, residuals = starting_point(index, job, preset, batches.whole(), state)
    steps = math.ceil(preset.passes * len(job.data) / preset.batch)
    learner = new_learner(build_stage(index, job, preset, before, residuals), preset, steps)
    if state:
        learner.restore(state)
    run_steps(index, job, preset, batches, before, learner, steps, record)
    if job.processes.first:
        follows = checksum(stage_file(job.run, index - 1)) if index else None
        description = {"stage": index, "follows": follows, "training": record, "torch": str(torch.__version__)}
        save_stage(path, learner.kept(), before.mean_pose, description)
        write_log(stage_folder(job.run, index) / "log.csv", learner.log)
        state_file(job.run, index).unlink(missing_ok=True)
    job.processes.barrier()
    return path


def describe(index: int, job: Job, preset: Preset) -> dict:
    """What a training is: two trainings with equal descriptions give equal weights on one machine."""
    return {
        "stage": index,
        "method": job.method,
        "seed": job.seed,
        "initial": job.initial.source if job.initial else None,
        "data": job.data.name,
        "persons": len(job.data),
        "size": job.data.size,
        "preset": preset.to_json(),
    }


def check_same_training(path: Path, found: dict, wanted: dict) -> None:
    """Raises BadInput where `path` belongs to a training other than the one that was asked for."""
    before = dict(flatten(found))
    differing = [f"{key} {before.get(key)}, now {value}" for key, value in flatten(wanted) if before.get(key) != value]
    if differing:
        raise BadInput(f"{path}: belongs to another training ({'; '.join(differing[:3])}); choose another --run")


def flatten(fields: dict, prefix: str = "") -> list[tuple[str, object]]:
    """Nested fields as (dotted name, value) pairs."""
    pairs = []
    for key, value in fields.items():
        pairs += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return pairs


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
        check_stage_fits(before, job)
    before = before.to(job.device, memory_format=torch.channels_last).eval().requires_grad_(False)
    for stage in before.stages:
        stage.half = use_half(preset, job.device)
    if state:
        return before, Residuals(*(state["residuals"][name] for name in ("mean", "std", "pair_std")))
    return before, measure_residuals(before, batches, job.method, preset.perturbation, not job.processes.first)


def check_stage_fits(before: Cascade, job: Job) -> None:
    """Raises BadInput where the trained stages are of another method, input size or skeleton."""
    design = before.stages[-1].design
    for name, found, wanted in (
        ("method", design.method, job.method),
        ("input size", design.size, job.data.size),
        ("joints", design.skeleton.names, job.skeleton.names),
    ):
        if found != wanted:
            raise BadInput(
                f"{job.run}: its trained stage has {name} {found}, this training {wanted}; choose another --run"
            )


def build_stage(index: int, job: Job, preset: Preset, before: Cascade, residuals: Residuals) -> Stage:
    """A new stage: from the initial weights, or from those of the stage before where the preset says so."""
    stride = job.initial.stride if job.initial else "3x3"
    sigma = preset.sigma * job.data.size
    design = StageDesign(preset.backbone, stride, job.method, job.data.size, sigma, job.skeleton)
    torch.manual_seed(seed_of_stage(job.seed, index))
    stage = Stage(design, residuals)
    if index and preset.continue_stage:
        stage.backbone.load_state_dict(before.stages[-1].backbone.state_dict())
    elif job.initial:
        stage.start_from(job.initial)
    stage.half = use_half(preset, job.device)
    return stage.to(job.device, memory_format=torch.channels_last)


def use_half(preset: Preset, device: torch.device) -> bool:
    """bf16 is for GPUs: on a CPU it is slower than fp32."""
    return preset.precision == "bf16" and device.type == "cuda"


def run_steps(
    index: int,
    job: Job,
    preset: Preset,
    batches: TrainingBatches,
    before: Cascade,
    learner: Learner,
    steps: int,
    record: dict,
) -> None:
    """The training loop, from the step where `learner` stands to the last of `steps`."""
    stage = learner.stage
    trained = wrap(stage, job.device, job.processes).train()
    pairs = pair_set(stage.method.pairs, job.skeleton)
    loss_of = CompositionalLoss(job.skeleton, pairs, stage.pair_std, stage.method.representation, preset.reduction)
    loss_of = loss_of.to(job.device)  # after `wrap`, which gives every process the first one's statistics
    recent, saved = torch.zeros((), device=job.device), time.monotonic()
    name, quiet = f"stage {index} ({job.method})", None if job.processes.first else True
    progress = tqdm(range(learner.step, steps), name, steps, initial=learner.step, unit="step", disable=quiet)
    for step in progress:
        batch = batches(step)
        pose = current_pose(before, batch, batches, step, preset.perturbation)
        loss = loss_of(trained(batch.images, pose), batch.joints, batch.mask)
        rate = learning_rate(preset, step / steps)
        learner.update(loss, rate)
        recent += loss.detach()
        if (step + 1) % LOG_STEPS == 0 or step + 1 == steps:
            mean_loss = float(recent) / (step % LOG_STEPS + 1)
            if not math.isfinite(mean_loss):
                raise BadInput(f"{job.run}: the loss is {mean_loss} near step {step}; lower --learning-rate")
            learner.log.append([step + 1, mean_loss, rate])
            progress.set_postfix(loss=f"{mean_loss:.4f}")
            recent.zero_()
            # States are saved on this grid alone, so that the running mean needs no saving.
            if time.monotonic() - saved > job.checkpoint_seconds:
                save_progress(index, job, before, learner, record)
                saved = time.monotonic()


def save_progress(index: int, job: Job, before: Cascade, learner: Learner, record: dict) -> None:
    """Write the state that this training goes on from, and its curve so far."""
    if job.processes.first:
        residuals = {name: getattr(learner.stage, name).cpu() for name in ("mean", "std", "pair_std")}
        fixed = {"training": record, "mean_pose": before.mean_pose.cpu(), "residuals": residuals}
        save_state(state_file(job.run, index), {**fixed, **learner.state()})
        write_log(stage_folder(job.run, index) / "log.csv", learner.log)


def write_log(path: Path, log: list[list[float]]) -> None:
    """The training curve as CSV: step, mean loss since the row before, learning rate."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss", "learning_rate"])
    writer.writerows([step, f"{loss:.6f}", f"{rate:.3e}"] for step, loss, rate in log)
    write_text(path, text.getvalue())
