"""Training steps of both stages, as `ief train` takes them, against a bare network's; their parts and their memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count, product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from heads.bones import joints_to_bones
from heads.losses import CompositionalLoss
from heads.pairs import ORIGIN
from heads.skeleton import MPII
from ief.benchmarks.timing import Function
from ief.benchmarks.workload import JOINTS, PAIRS, RESIDUALS, Workload
from ief.model.heatmaps import convolve_heatmaps, gaussian_factors
from ief.training.config import StageConfig, native_bf16
from ief.training.presets import PRESETS, Preset
from ief.training.trainer import StageTrainer
from mpii_tools.people import People
from mpii_tools.prepared.read import PreparedSplit

PARTS_BATCH = 64  # of the loss and the heatmaps
PEOPLE = 512
PAPER_MEMORY = 8.0  # GB that the preset `paper` has to fit


def loss(workload: Workload) -> Iterator[dict]:
    """P_all, forward and backward, against a Python loop over the pairs."""
    name = f"loss, P_all, batch {PARTS_BATCH}, forward and backward / loop over pairs"
    yield workload.compare(name, *losses(workload, PARTS_BATCH), 50)


def losses(workload: Workload, batch_size: int) -> list[Function]:
    """The gradient of the loss of a random batch: by `CompositionalLoss`, and by `loop_over_pairs`."""
    std = 1 + torch.rand(len(PAIRS), 2, device=workload.device)
    bones = joints_to_bones(workload.joints(batch_size), MPII).requires_grad_()
    gt, mask = workload.joints(batch_size), torch.rand(batch_size, JOINTS, device=workload.device) > 0.1
    of_batch = [CompositionalLoss(MPII, PAIRS, std).to(workload.device), partial(loop_over_pairs, std=std)]
    return [lambda loss=loss: torch.autograd.grad(loss(bones, gt, mask), bones)[0] for loss in of_batch]


def loop_over_pairs(bones: Tensor, gt: Tensor, mask: Tensor, std: Tensor) -> Tensor:
    """The loss of P_all, pair by pair: each walks up from both its ends to the root (shapes as in the loss)."""
    total = terms = 0
    for (u, v), scale in zip(PAIRS, std, strict=True):
        error, counts = torch.zeros_like(bones[:, 0]), torch.ones_like(mask[:, 0])
        for end, sign in ((u, -1), (v, 1)):
            if end != ORIGIN:
                error = error - sign * sum(bones[:, bone] for bone in MPII.ancestry[end]) - sign * gt[:, end]
                counts = counts & mask[:, end]
        total = total + torch.where(counts, (error.abs() / scale).sum(dim=1), 0)
        terms = terms + counts * bones.shape[-1]
    return (total / terms.clamp(min=1)).mean()


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
    loss = losses(workload, batch_size)[0]
    yield workload.compare(f"loss, batch {batch_size} / step of stage 0", loss, step, 100 if workload.on_gpu else 50)
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
    config = StageConfig(index, random_split(workload.size), Path("unused"), preset, device=workload.device)
    trainer, steps = StageTrainer(config), count()
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


def memory(workload: Workload) -> Iterator[dict]:
    """The most memory that two steps of `paper` and `swift` take, the larger of both stages, at two batch sizes."""
    sizes = (workload.batch_size,) if workload.batch_size else (64, 256) if workload.on_gpu else (32, 64)
    for batch_size, name in product(sizes, ("paper", "swift")):
        preset = replace(PRESETS[name], batch_size=batch_size)
        value = max(peak_memory(partial(two_steps, workload, preset, index), workload.device) for index in (0, 1))
        target = PAPER_MEMORY if preset == PRESETS["paper"] else None
        what = f"peak memory of tensors, {name}, {workload.size} px, batch {batch_size}"
        yield {"name": what, "value": value, "unit": "GB", "target": target, "met": target and value <= target}


def two_steps(workload: Workload, preset: Preset, index: int) -> None:
    """The first steps of a stage's training; the second has the optimizer's memory too."""
    step = training_step(workload, preset, index)
    step(), step()


def peak_memory(work: Function, device: torch.device) -> float:
    """GB that tensors on the device take at most while `work` runs; prepared crops are tensors on a GPU only."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) / 1e9
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    changes = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    return float(max(np.cumsum([event.nbytes() for event in changes]))) / 1e9
