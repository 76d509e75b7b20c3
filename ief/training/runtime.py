"""What a training runs on: its device, the ranks beside it, and who may stop it. Not part of what is trained."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import torch

from ief.model.device import choose_device
from ief.training.distributed import DistContext, check_launch, init_distributed
from ief.training.stopping import Stopping


@dataclass(frozen=True)
class Runtime:
    """What a training runs on.

    Attributes:
        device: where to train.
        dist: this process among those of the training.
        stopping: tells when to save and stop.
        checkpoint_seconds: time between two checkpoints, which is what a kill can cost.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dist: DistContext = field(default_factory=DistContext)
    stopping: Stopping = field(default_factory=Stopping)
    checkpoint_seconds: float = 60.0

    def autocast_dtype(self, precision: str) -> torch.dtype | None:
        """bf16 if it is asked for and the device multiplies it natively: elsewhere fp32 is faster."""
        native = self.device.type == "cuda" or native_bf16()
        return torch.bfloat16 if precision == "bf16" and native else None

    def describe(self, precision: str) -> dict[str, str]:
        """What the device decides, as JSON values: its name, and the precision in force where `precision` is asked."""
        return {"name": str(self.device), "precision": "bf16" if self.autocast_dtype(precision) else "fp32"}


@contextmanager
def open_runtime(
    device: str | None = None,
    stop_after: float | None = None,
    checkpoint_seconds: float = 60.0,
    deterministic: bool = False,
) -> Iterator[Runtime]:
    """The device, the ranks joined, and signals heard until the `with` ends.

    Args:
        device: its name; None for a GPU if there is one.
        stop_after: minutes after which trainings save and stop; None for no limit.
        checkpoint_seconds: see `Runtime`.
        deterministic: whether every sum has one order.

    Raises:
        PoseError: when the device cannot be used, or the minutes are not above 0; as `check_launch` and
            `init_distributed` do.
    """
    check_launch()
    chosen = choose_device(device)
    with (
        Stopping(stop_after).listening() as stopping,
        deterministic_algorithms(deterministic),
        init_distributed(chosen) as dist,
    ):
        yield Runtime(chosen, dist, stopping, checkpoint_seconds)


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Until the `with` ends: the same bits in every run, whatever the number of threads; unless it is not wanted.

    Only algorithms that repeat themselves (torch raises an error if it has none), cuDNN's without trial runs, cuBLAS
    with a fixed workspace, and one CPU thread, since a sum that threads share is rounded as they share it.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first GPU matrix product starts
    cudnn, threads = torch.backends.cudnn, torch.get_num_threads()
    before = torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        cudnn.deterministic, cudnn.benchmark = before[1:]
        torch.set_num_threads(threads)


@cache
def native_bf16() -> bool:
    """Whether this CPU has instructions for bf16; False if torch is too old to tell (before 2.11)."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
