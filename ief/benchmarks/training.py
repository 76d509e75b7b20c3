"""Training steps of both stages, as `ief train` takes them, against a bare network's; and their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ief.benchmarks.timing import Function
from ief.benchmarks.workload import JOINTS, RESIDUALS, Workload
from ief.model.heatmaps import convolve_heatmaps, gaussian_factors
from ief.training.options import PRESETS, Preset, RunConfig
from ief.training.runtime import Runtime, native_bf16
from ief.training.stage_config import StageConfig, TrainingData
from ief.training.trainer import StageTrainer
from mpii_tools.people import People
from mpii_tools.prepared.read import PreparedSplit

PARTS_BATCH = 64  # of the heatmaps
PEOPLE = 512


def heatmaps(workload: Workload) -> Iterator[dict]:
    """The convolution over a pose's heatmaps, from their 1-D factors, against rendering the maps and a conv2d."""
    joints, size, sigma = workload.joints(PARTS_BATCH), workload.size, workload.size / 32
    weight = torch.randn(64, JOINTS, 7, 7, device=workload.device)

    def rendered() -> Tensor:
        columns, rows = gaussian_factors(joints, size, sigma).unbind(dim=-2)
        return F.conv2d(rows.unsqueeze(-1) * columns.unsqueeze(-2), weight, None, 2, 3)

    name = f"heatmaps {JOINTS}x{size}x{size}, convolved, batch {PARTS_BATCH} / rendered + conv2d"
    yield workload.compare(name, lambda: convolve_heatmaps(joints, size, sigma, weight, 2, 3), rendered, 2)


def training(workload: Workload) -> Iterator[dict]:
    """Both stages with the optimizer and precision of `swift`."""
    swift = replace(PRESETS["swift"], batch_size=workload.batch_size or (64 if workload.on_gpu else 8))
    step, fixed = training_step(workload, swift), training_step(workload, swift, one_batch=True)
    dtype, batch_size = torch.bfloat16 if workload.on_gpu or native_bf16() else None, swift.batch_size
    bare, forward = bare_step(workload, batch_size, dtype), workload.forward(workload.bare(), batch_size, dtype)
    what = f"{workload.backbone}, {workload.size} px, batch {batch_size}"
    yield workload.compare(f"step of stage 0, {what} / bare training step", step, bare, 0.9)
    yield workload.compare(f"step of stage 0, {what} / on one fixed batch", step, fixed, 0.95)
    if dtype:
        fp32 = training_step(workload, replace(swift, precision="fp32"))
        yield workload.compare(f"step of stage 0, {what}, bf16 / fp32", step, fp32, 1)
    later = training_step(workload, swift, 1)
    name = f"step of stage 1, {what} / bare training step + bare forward"
    yield workload.compare(name, later, lambda: (bare(), forward()), 0.9)


def training_step(workload: Workload, preset: Preset, index: int = 0, one_batch: bool = False) -> Function:
    """The next step of a training of stage `index`, without EMA on random crops, each time it is called.

    Args:
        one_batch: see the same batch at every step.
    """
    # The schedule does not end while it is measured.
    preset = replace(preset, backbone=workload.backbone, compile=workload.compile, epochs=1e5, ema=0.0)
    run, data = RunConfig(weights="none", options=preset), TrainingData(random_split(workload.size))
    trainer = StageTrainer(StageConfig(run, data, Path("unused"), index), Runtime(workload.device))
    steps = count()
    trainer.build(workload.cascade(index), RESIDUALS)
    if one_batch:
        batch, samples = trainer.batches(0), trainer.batches.samples
        trainer.batches = lambda step: batch
        trainer.batches.samples = samples
    return lambda: trainer.step(next(steps))


def random_split(size: int) -> PreparedSplit:
    """Prepared noise: crops of 1.5 times the input, poses about their middle."""
    rng, side, center = np.random.default_rng(0), size + 2 * (size // 4), np.full((PEOPLE, 2), size / 2)
    joints = rng.normal(size / 2, size / 8, (PEOPLE, JOINTS, 2))
    people = People(["noise.jpg"] * PEOPLE, joints, center=center, scale=np.full(PEOPLE, size / 250))
    crops = rng.integers(0, 255, (PEOPLE, side, side, 3), dtype=np.uint8)
    return PreparedSplit(people, crops, size, size // 4, "noise", "train")


def bare_step(workload: Workload, batch_size: int, dtype: torch.dtype | None) -> Function:
    """A training step of the bare network on one random batch: same precision, layout and optimizer."""
    network, images = workload.bare().train(), workload.inputs(batch_size)
    labels = torch.randint(1000, (batch_size,), device=workload.device)
    called = torch.compile(network) if workload.compile else network
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(workload.device.type, dtype, enabled=dtype is not None):
            loss = F.cross_entropy(called(images).float(), labels)
        loss.backward()
        optimizer.step()

    return step
