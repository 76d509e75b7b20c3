"""Stage-wise training: measure the residuals, train a stage on them, freeze it, go on to the next (Section 5.3)."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from checkpoints.training_state import checkpoint_files, remove_checkpoints, save_checkpoint, step_of
from ief.model.run_folder import check_follows, load_stage, save_stage, stage_file
from ief.training.beginning import Training, begin, preset_of_stage
from ief.training.job import Job, check_same_training, describe
from ief.training.optimizer import learning_rate
from ief.training.presets import Preset
from ief.training.residuals import current_pose
from ief.training.stopping import Stopped


def train_stage(index: int, job: Job, preset: Preset) -> Path:
    """Train stage `index` of a run, from its last saved state where there is one; skipped where it is done.

    Returns:
        the stage's file.

    Raises:
        PoseError: where the folder holds this stage of another training, or the loss is no number.
        PoseError: where the stage before is missing or a file is corrupt, or the disk refuses a new one.
        Stopped: where `job.stopping` asked for it; the state is saved.
    """
    path = stage_file(job.run, index)
    preset = preset_of_stage(preset, index)
    record = describe(index, job, preset)
    if path.exists():
        description = load_stage(path)[2]
        check_same_training(path, description.get("training", {}), record)
        check_follows(path, description.get("follows"), job.run, index)
        if job.processes.first:
            remove_checkpoints(path.parent)  # a kill may have come between the stage's file and this
        return path
    training = begin(index, job, preset, record)
    with job.stopping.deferred():
        run_steps(training)
        if job.processes.first:
            finish(training)
        job.processes.barrier()
    return path


def take_step(training: Training, step: int) -> tuple[Tensor, float]:
    """One step of the training; returns its loss, a scalar that is still on the device, and its learning rate."""
    batch = training.batches(step)
    pose = current_pose(training.before, batch, training.batches, step, training.preset.perturbation)
    output = training.trained(batch.images, pose)
    estimate, spread = output if isinstance(output, tuple) else (output, None)
    loss = training.loss_of(estimate, batch.joints, batch.mask, spread)
    rate = learning_rate(training.preset, step / training.steps)
    training.learner.update(loss, rate)
    return training.job.processes.mean(loss.detach()), rate


def run_steps(training: Training) -> None:
    """The training loop, from the step where the learner stands to the last."""
    job, learner, steps, curve = training.job, training.learner, training.steps, training.learner.curve
    name, quiet = f"stage {training.index} ({job.method})", None if job.processes.first else True
    saved = time.monotonic()
    if learner.step and job.processes.first:
        print(f"{training.folder}: going on after step {learner.step} of {steps}", file=sys.stderr)
    progress = tqdm(range(learner.step, steps), name, steps, initial=learner.step, unit="step", disable=quiet)
    for step in progress:
        loss, rate = take_step(training, step)
        curve.add(loss)
        row_ends = curve.full or step + 1 == steps
        if row_ends:
            check_losses(training)
            progress.set_postfix(loss=f"{curve.close(step + 1, rate):.4f}")
        stop = 0
        if job.processes.count == 1 or row_ends:  # several agree on it, which makes them wait for one another
            stop = int(job.processes.largest(job.stopping.status, job.device))
        if stop or time.monotonic() - saved >= job.checkpoint_seconds:
            save_progress(training)
            saved = time.monotonic()
        if stop:
            raise Stopped(stop)


def save_progress(training: Training) -> None:
    """Write the state that this training goes on from, and its curve so far; never one that is not finite."""
    job, learner = training.job, training.learner
    if not job.processes.first:
        return
    check_finite(training)
    residuals = {name: getattr(learner.stage, name).cpu() for name in ("mean", "std", "pair_std")}
    fixed = {
        "training": training.record,
        "follows": training.follows,
        "mean_pose": training.before.mean_pose.cpu(),
        "residuals": residuals,
    }
    save_checkpoint(training.folder, learner.step, {**fixed, **learner.state()})
    learner.curve.write(training.folder / "log.csv")


def finish(training: Training) -> None:
    """Write the trained stage; its states go once it is safe."""
    check_finite(training)
    learner, path = training.learner, stage_file(training.job.run, training.index)
    learner.curve.write(training.folder / "log.csv")  # first: a stage that is there is done, and not looked at again
    description = {
        "stage": training.index,
        "follows": training.follows,
        "training": training.record,
        "torch": str(torch.__version__),
    }
    save_stage(path, learner.kept(), training.before.mean_pose, description)
    remove_checkpoints(training.folder)


def check_finite(training: Training) -> None:
    """Raises PoseError where a loss or a weight is no finite number; waits for the device."""
    check_losses(training)
    if not training.learner.is_finite():
        raise PoseError(
            f"{training.folder}: the weights are no finite numbers after step {training.learner.step}; "
            f"{what_is_kept(training)}; lower --learning-rate"
        )


def check_losses(training: Training) -> None:
    """Raises PoseError for the first of the recent losses that is no finite number, naming its step and people."""
    learner = training.learner
    bad = learner.curve.bad()
    if bad is None:
        return
    place, loss = bad
    step = learner.step - learner.curve.filled + place
    ids = training.batches.data.people.person_ids[training.batches.whole()(step, images=False).rows].tolist()
    path = training.folder / "not-finite.json"
    if training.job.processes.first:
        write_text(path, json.dumps({"step": step + 1, "loss": str(loss), "persons": ids}, indent=1))
    raise PoseError(
        f"{training.folder}: the loss of step {step + 1} is {loss}, on {', '.join(ids[:3])}, ... "
        f"({len(ids)} people, all in {path.name}); {what_is_kept(training)}; "
        "lower --learning-rate, or look at these people"
    )


def what_is_kept(training: Training) -> str:
    """Which state a training that has gone wrong can go on from, in words."""
    states = checkpoint_files(training.folder)
    return f"the state after step {step_of(states[0])} is kept" if states else "no state had been saved yet"
