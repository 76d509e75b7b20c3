"""Training steps of both stages, as `ief train` takes them, against a bare network's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from heads.pairs import all_pairs
from heads.skeleton import MPII
from ief.benchmarks.timing import Bench
from ief.benchmarks.workload import JOINTS, Workload
from ief.model.cascade import Cascade
from ief.model.stage import Residuals
from ief.training.beginning import Training, batches_of, new_training, use_half
from ief.training.job import Job
from ief.training.optimizer import build_optimizer
from ief.training.presets import PRESETS, Preset
from ief.training.training import take_step
from mpii_tools.people import make_people
from mpii_tools.prepared.read import PreparedSplit

PERSONS = 512


def benches(workload: Workload) -> Iterator[Bench]:
    """Both stages with the optimizer and precision of `swift`."""
    on_gpu = workload.device.type == "cuda"
    batch = workload.batch or (64 if on_gpu else 8)
    preset = replace(PRESETS["swift"], backbone=workload.backbone, batch=batch, compile=workload.compile)
    plain = replace(preset, averaging=0.0)
    what = f"{workload.backbone}, {workload.size} px, batch {preset.batch}"
    step, bare = stepper(training(0, workload, plain)), bare_step(workload, preset)
    yield Bench(f"step of stage 0, {what} / bare training step", step, bare, 0.9)
    fixed = stepper(with_one_batch(training(0, workload, plain)))
    yield Bench(f"step of stage 0, {what} / on one fixed batch", step, fixed, 0.95)
    del fixed
    if use_half(preset, workload.device):
        whole = stepper(training(0, workload, replace(plain, precision="fp32")))
        yield Bench(f"step of stage 0, {what}, bf16 / fp32", step, whole, 1)
        del whole
    averaged = stepper(training(0, workload, preset))
    yield Bench(f"step of stage 0 with averaged weights, {what} / bare training step", averaged, bare)
    del averaged
    yield Bench(
        f"loss, batch {preset.batch} / step of stage 0", loss_alone(workload, preset), step, 100 if on_gpu else 50
    )
    del step
    floor = in_turn(bare, bare_forward(workload, preset))
    later = stepper(training(1, workload, plain))
    yield Bench(f"step of stage 1, {what} / bare training step + bare forward", later, floor, 0.9)
    del later, floor, bare


def training(index: int, workload: Workload, preset: Preset) -> Training:
    """A training of stage `index` at its start, on random crops and poses."""
    preset = replace(preset, passes=1e6)  # the schedule does not end while it is measured
    job = Job(random_split(workload.size), MPII, "all", Path("unused"), 0, None, workload.device)
    before = Cascade(torch.full((JOINTS, 2), workload.size / 2), [workload.stage() for _ in range(index)])
    before = before.to(workload.device).eval().requires_grad_(False)
    for stage in before.stages:
        stage.half = use_half(preset, workload.device)
    ones, spread = torch.ones(JOINTS, 2), torch.ones(len(all_pairs(MPII)), 2)
    residuals = Residuals(0 * ones, workload.size / 8 * ones, workload.size / 8 * spread)
    return new_training(index, job, preset, batches_of(index, job, preset), before, residuals)


def random_split(size: int) -> PreparedSplit:
    """Prepared noise: crops of 1.5 times the input, poses about their middle."""
    draw, border = np.random.default_rng(0), size // 4
    side = size + 2 * border
    people = make_people(
        [f"{row}.jpg" for row in range(PERSONS)],
        draw.normal(size / 2, size / 8, (PERSONS, JOINTS, 2)),
        center=np.full((PERSONS, 2), size / 2),
        scale=np.full(PERSONS, size / 250),
    )
    crops = draw.integers(0, 255, (PERSONS, side, side, 3), dtype=np.uint8)
    return PreparedSplit(people, crops, size, border, "noise", "train")


def stepper(begun: Training) -> Callable[[], object]:
    """The next step of a training, each time it is called."""
    steps = count()
    return lambda: take_step(begun, next(steps))


def with_one_batch(begun: Training) -> Training:
    """The training, seeing one and the same batch at every step."""
    batch = begun.batches(0)
    return replace(begun, batches=lambda step: batch)


def loss_alone(workload: Workload, preset: Preset) -> Callable[[], object]:
    """The loss of a batch and its gradient."""
    begun = training(0, workload, preset)
    batch = begun.batches(0, images=False)
    estimate = begun.learner.stage.encode(workload.joints(preset.batch)).requires_grad_()
    return lambda: torch.autograd.grad(begun.loss_of(estimate, batch.joints, batch.mask), estimate)


def bare_step(workload: Workload, preset: Preset) -> Callable[[], object]:
    """A training step of the bare network on one random batch: same precision, layout and optimizer."""
    network, images = workload.bare().train(), workload.inputs(preset.batch)
    labels = torch.randint(1000, (preset.batch,), device=workload.device)
    optimizer, called = build_optimizer(network, preset), workload.as_run(network)

    def step() -> Tensor:
        optimizer.zero_grad()
        with half(workload, preset):
            loss = F.cross_entropy(called(images).float(), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def bare_forward(workload: Workload, preset: Preset) -> Callable[[], Tensor]:
    """A forward of the bare network on one random batch."""
    network, images = workload.as_run(workload.bare().eval()), workload.inputs(preset.batch)

    @torch.no_grad()
    def forward() -> Tensor:
        with half(workload, preset):
            return network(images)

    return forward


def in_turn(*functions: Callable[[], object]) -> Callable[[], object]:
    """All of them, one after the other."""
    return lambda: [function() for function in functions]


def half(workload: Workload, preset: Preset) -> torch.autocast:
    """bf16 where training with `preset` takes it."""
    return torch.autocast(workload.device.type, torch.bfloat16, enabled=use_half(preset, workload.device))
