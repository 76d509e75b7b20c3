"""Stage-wise training: measure the residuals, train a stage on them, freeze it, go on to the next (Section 5.3)."""

from __future__ import annotations

import csv
import io
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from checkpoints.files import checksum, write_text
from checkpoints.imagenet import InitialWeights
from checkpoints.training_state import load_state, save_state
from heads.bones import joints_to_bones
from heads.composition import relative_positions
from heads.errors import BadInput
from heads.losses import CompositionalLoss
from heads.methods import method_called
from heads.normalisation import masked_mean_std
from heads.pairs import pair_set
from heads.skeleton import Skeleton
from ief.cascade import Cascade
from ief.distributed import Processes, wrap
from ief.presets import Preset
from ief.run import load_cascade, load_stage, save_stage, stage_file, stage_folder, state_file
from ief.stage import Residuals, Stage, StageDesign
from mpii_tools.batches import Batch, TrainingBatches, random_source
from mpii_tools.prepared import PreparedSplit

STATISTICS_SAMPLES = 4096  # samples that the residuals of a stage t > 0 are measured on
POSE_PASSES = 4  # augmented passes over the poses that y_0 and stage 0's residuals are measured on
STATISTICS_STEP = 10**9  # statistics are measured on draws that training does not reach
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
    stage = build_stage(index, job, preset, before, residuals)
    final = run_steps(index, job, preset, batches, before, stage, state, record)
    if job.processes.first:
        follows = checksum(stage_file(job.run, index - 1)) if index else None
        description = {"stage": index, "follows": follows, "training": record, "torch": str(torch.__version__)}
        save_stage(path, final, before.mean_pose, description)
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
    differing = [
        f"{key} {found.get(key)}, now {value}"
        for key, value in flatten(wanted)
        if dict(flatten(found)).get(key) != value
    ]
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
    return before, measure_residuals(before, job, preset, batches)


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


def mean_training_pose(batches: TrainingBatches) -> Tensor:
    """y_0: the mean (K, 2) of the augmented training poses, crop pixels; the crop's centre for a joint nobody has."""
    joints, mask = augmented_poses(batches)
    mean, _ = masked_mean_std(joints, mask)
    never = ~mask.any(dim=0)
    mean[never] = (batches.data.size - 1) / 2
    return mean.float()


def augmented_poses(batches: TrainingBatches) -> tuple[Tensor, Tensor]:
    """Joints (N, K, 2) and mask (N, K) of some augmented passes, without their images."""
    steps = math.ceil(POSE_PASSES * len(batches.data) / batches.batch)
    drawn = [batches(STATISTICS_STEP + step, images=False) for step in range(steps)]
    return torch.cat([batch.joints for batch in drawn]), torch.cat([batch.mask for batch in drawn])


def measure_residuals(before: Cascade, job: Job, preset: Preset, batches: TrainingBatches) -> Residuals:
    """Statistics of gt - y_t on augmented training samples (Eq. 1; Section 4 of the design for t > 0)."""
    if len(before.stages) == 0:
        joints, mask = augmented_poses(batches)
        return residuals_of(joints, before.mean_pose.expand_as(joints), mask, job.skeleton, job.method)
    measured = []
    steps = math.ceil(min(STATISTICS_SAMPLES, POSE_PASSES * len(batches.data)) / batches.batch)
    for step in tqdm(range(steps), "measuring residuals", unit="batch", disable=None if job.processes.first else True):
        batch = batches(STATISTICS_STEP + step)
        pose = current_pose(before, batch, preset, batches, STATISTICS_STEP + step)
        measured.append((batch.joints, pose, batch.mask))  # the images go: thousands would fill the memory
    joints, current, mask = (torch.cat(column) for column in zip(*measured, strict=True))
    return residuals_of(joints, current, mask, job.skeleton, job.method)


def residuals_of(joints: Tensor, current: Tensor, mask: Tensor, skeleton: Skeleton, method: str) -> Residuals:
    """Mean and std of gt - y_t in the method's representation, and std of its pairs.

    Args:
        joints, current: (N, K, D) gt and y_t in crop pixels; gt may be NaN where the mask is False.
        mask: (N, K) bool.
    """
    residual = joints - current
    measured = torch.where(mask.unsqueeze(-1), residual, torch.nan)
    chosen = method_called(method)
    encoded = joints_to_bones(measured, skeleton) if chosen.representation == "bones" else measured
    mean, std = masked_mean_std(encoded, torch.isfinite(encoded))
    apart = relative_positions(measured, pair_set(chosen.pairs, skeleton))
    _, pair_std = masked_mean_std(apart, torch.isfinite(apart))
    return Residuals(mean.float(), std.float(), pair_std.float())


def current_pose(before: Cascade, batch: Batch, preset: Preset, batches: TrainingBatches, step: int) -> Tensor:
    """y_t of a batch, (B, K, 2) or (1, K, 2): the frozen cascade's pose, perturbed where the preset says so."""
    with torch.no_grad():
        pose = before(batch.images)[-1]
    if preset.perturbation and len(before.stages):
        noise = torch.randn(batches.batch, *pose.shape[1:], generator=random_source(batches.seed, "perturb", step))
        pose = pose + noise[batches.share].to(pose) * preset.perturbation * batches.data.size
    return pose


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
    stage: Stage,
    state: dict | None,
    record: dict,
) -> Stage:
    """The training loop, from step 0 or from `state`. Returns the stage to keep, in evaluation mode."""
    steps = math.ceil(preset.passes * len(job.data) / preset.batch)
    optimiser = build_optimiser(stage, preset)
    average = None
    if preset.averaging:
        average = AveragedModel(stage, multi_avg_fn=get_ema_multi_avg_fn(preset.averaging), use_buffers=True)
    first, log = 0, []
    if state:
        first, log = state["step"], state["log"]
        stage.load_state_dict(state["stage"])
        optimiser.load_state_dict(state["optimiser"])
        if average:
            average.load_state_dict(state["average"])
    trained = wrap(stage, job.device, job.processes).train()
    pairs = pair_set(method_called(job.method).pairs, job.skeleton)
    loss_of = CompositionalLoss(job.skeleton, pairs, stage.pair_std, stage.method.representation, preset.reduction)
    loss_of = loss_of.to(job.device)  # after `wrap`, which gives every process the first one's statistics

    def save(step: int) -> None:
        if job.processes.first:
            save_state(
                state_file(job.run, index),
                {
                    "training": record,
                    "step": step,
                    "log": log,
                    "mean_pose": before.mean_pose.cpu(),
                    "residuals": {name: getattr(stage, name).cpu() for name in ("mean", "std", "pair_std")},
                    "stage": stage.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "average": average.state_dict() if average else None,
                },
            )
            write_log(stage_folder(job.run, index) / "log.csv", log)

    recent, saved = torch.zeros((), device=job.device), time.monotonic()
    progress = tqdm(
        range(first, steps),
        f"stage {index} ({job.method})",
        steps,
        initial=first,
        unit="step",
        disable=None if job.processes.first else True,
    )
    for step in progress:
        batch = batches(step)
        pose = current_pose(before, batch, preset, batches, step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(preset, step / steps)
        loss = loss_of(trained(batch.images, pose), batch.joints, batch.mask)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if average:
            average.update_parameters(stage)
        recent += loss.detach()
        if (step + 1) % LOG_STEPS == 0 or step + 1 == steps:
            mean_loss = float(recent) / (step % LOG_STEPS + 1)
            if not math.isfinite(mean_loss):
                raise BadInput(f"{job.run}: the loss is {mean_loss} near step {step}; lower --learning-rate")
            log.append([step + 1, mean_loss, learning_rate(preset, step / steps)])
            progress.set_postfix(loss=f"{mean_loss:.4f}")
            recent.zero_()
            # States are saved on this grid alone, so that the running mean needs no saving.
            if time.monotonic() - saved > job.checkpoint_seconds:
                save(step + 1)
                saved = time.monotonic()
    if job.processes.first:
        write_log(stage_folder(job.run, index) / "log.csv", log)
    return (average.module if average else stage).eval()


def build_optimiser(stage: nn.Module, preset: Preset) -> torch.optim.Optimizer:
    """The preset's optimiser. Raises BadInput for an unknown one."""
    if preset.optimiser == "sgd":
        return torch.optim.SGD(stage.parameters(), preset.learning_rate, 0.9, weight_decay=preset.weight_decay)
    if preset.optimiser == "adamw":
        return torch.optim.AdamW(stage.parameters(), preset.learning_rate, weight_decay=preset.weight_decay)
    raise BadInput(f"unknown optimiser '{preset.optimiser}'; choose sgd or adamw")


def learning_rate(preset: Preset, done: float) -> float:
    """The learning rate when the fraction `done` of the training is over. Raises BadInput for an unknown schedule."""
    rate = preset.learning_rate * min(1.0, (done + 1e-3) / preset.warmup if preset.warmup else 1.0)
    if preset.schedule == "steps":
        return rate * 0.1 ** sum(done >= milestone for milestone in preset.milestones)
    if preset.schedule == "cosine":
        return rate * 0.5 * (1 + math.cos(math.pi * done))
    raise BadInput(f"unknown schedule '{preset.schedule}'; choose steps or cosine")


def write_log(path: Path, log: list[list[float]]) -> None:
    """The training curve as CSV: step, mean loss since the row before, learning rate."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss", "learning_rate"])
    writer.writerows([step, f"{loss:.6f}", f"{rate:.3e}"] for step, loss, rate in log)
    write_text(path, text.getvalue())
