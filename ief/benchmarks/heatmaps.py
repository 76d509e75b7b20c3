"""Rendering Gaussian heatmaps."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ief.benchmarks.timing import Bench
from ief.benchmarks.workload import JOINTS, Workload
from ief.model.heatmaps import render_heatmaps

BATCH = 64


def benches(workload: Workload) -> Iterator[Bench]:
    """Full-size maps against one dense exponential."""
    size, sigma = workload.size, workload.size / 32
    joints = workload.joints(BATCH)

    def dense() -> Tensor:
        pixels = torch.arange(size, dtype=torch.float32, device=workload.device)
        dx = pixels.view(1, 1, 1, -1) - joints[..., 0, None, None]
        dy = pixels.view(1, 1, -1, 1) - joints[..., 1, None, None]
        return torch.exp(-(dx**2 + dy**2) / (2 * sigma**2))

    def ours() -> Tensor:
        return render_heatmaps(joints, size, sigma)

    yield Bench(f"heatmaps {JOINTS}x{size}x{size}, batch {BATCH} / dense exponential", ours, dense, 10)
