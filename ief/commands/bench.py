"""`ief bench`: the speed of the loss, the heatmaps and the stages on this machine, each against a named floor."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.models import get_model

from heads.bones import joints_to_bones
from heads.losses import CompositionalLoss
from heads.pairs import ORIGIN, all_pairs
from heads.skeleton import MPII
from ief.cascade import Cascade
from ief.distributed import choose_device
from ief.heatmaps import render_heatmaps
from ief.stage import Residuals, Stage, StageDesign

EXAMPLE = "ief bench --size 224 --batch 8"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--backbone", default="resnet50", help="of the stages (default: resnet50)")
    parser.add_argument("--size", type=int, default=224, help="side of the input (default: 224)")
    parser.add_argument("--batch", type=int, default=8, help="of the stages (default: 8)")
    parser.add_argument("--runs", type=int, default=7, help="counted runs of each (default: 7)")
    parser.add_argument("--device", help="cpu, cuda, ... (default: a GPU where there is one)")


def run(args: argparse.Namespace) -> None:
    """Measure pairs of (ours, floor) in turn and print medians, spreads and the ratio."""
    device = choose_device(args.device)
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}; ms, median [min, max]")
    for name, ours, floor in (
        bench_loss(device),
        bench_heatmaps(args.size, device),
        bench_cascade(args.backbone, args.size, args.batch, device),
    ):
        timed = interleave([ours, floor], args.runs, device)
        (a, a_spread), (b, b_spread) = map(summarise, timed)
        ratio = statistics.median(y / x for x, y in zip(*timed, strict=True))
        print(f"{name:<60}{a:>9.2f} {a_spread:<20} floor {b:>9.2f} {b_spread:<20} floor / ours {ratio:.2f}")


def interleave(functions: list[Callable[[], object]], runs: int, device: torch.device) -> list[list[float]]:
    """Milliseconds of each function, run in turn so that a drift of the machine meets all of them."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(runs + 2):
        for place, function in enumerate(functions):
            start = time.perf_counter()
            function()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn >= 2:
                times[place].append((time.perf_counter() - start) * 1e3)
    return times


def summarise(times: list[float]) -> tuple[float, str]:
    """Median and spread."""
    return statistics.median(times), f"[{min(times):.2f}, {max(times):.2f}]"


def bench_loss(device: torch.device) -> tuple[str, Callable, Callable]:
    """P_all, batch 64, forward and backward, against a Python loop over the pairs."""
    pairs = all_pairs(MPII)
    loss = CompositionalLoss(MPII, pairs, torch.ones(len(pairs), 2)).to(device)
    joints = torch.randn(64, 16, 2, device=device)
    mask = torch.ones(64, 16, dtype=torch.bool, device=device)
    bones = joints_to_bones(torch.randn_like(joints), MPII).requires_grad_()

    def ours() -> None:
        loss(bones, joints, mask).backward()

    def looped() -> None:
        zero = torch.zeros(64, 2, device=device)
        predicted: dict[int, Tensor] = {ORIGIN: zero}
        for joint, path in enumerate(MPII.ancestry):
            predicted[joint] = -sum((bones[:, k] for k in path), zero)
        true = {ORIGIN: zero} | {joint: joints[:, joint] for joint in range(16)}
        total = zero.sum()
        for u, v in pairs:
            total = total + (predicted[v] - predicted[u] - true[v] + true[u]).abs().sum()
        (total / (64 * 2 * len(pairs))).backward()

    return "compositional loss, P_all, batch 64 / loop over pairs", ours, looped


def bench_heatmaps(size: int, device: torch.device) -> tuple[str, Callable, Callable]:
    """16 maps, batch 64, against one dense exponential."""
    joints = torch.rand(64, 16, 2, device=device) * size
    sigma = size / 32

    def dense() -> Tensor:
        pixels = torch.arange(size, dtype=torch.float32, device=device)
        dx = pixels.view(1, 1, 1, -1) - joints[..., 0, None, None]
        dy = pixels.view(1, 1, -1, 1) - joints[..., 1, None, None]
        return torch.exp(-(dx**2 + dy**2) / (2 * sigma**2))

    return f"heatmaps 16x{size}x{size}, batch 64 / dense exp", lambda: render_heatmaps(joints, size, sigma), dense


def bench_cascade(backbone: str, size: int, batch: int, device: torch.device) -> tuple[str, Callable, Callable]:
    """Two-stage inference against two forwards of the bare network in the same memory layout."""
    design = StageDesign(backbone=backbone, size=size, sigma=size / 32)
    residuals = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
    cascade = Cascade(torch.rand(16, 2) * size, [Stage(design, residuals) for _ in range(2)])
    cascade = cascade.to(device, memory_format=torch.channels_last).eval()
    bare = get_model(backbone, weights=None).to(device, memory_format=torch.channels_last).eval()
    images = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def ours() -> None:
        cascade(images)

    @torch.inference_mode()
    def twice_bare() -> None:
        bare(images)
        bare(images)

    return f"two stages, {backbone}, {size} px, batch {batch} / two bare forwards", ours, twice_bare
