"""Several processes as one training: what `torchrun` starts (torch.distributed, DDP).

With P ranks each takes its P-th of every global batch, and DDP averages the gradients. On GPUs SyncBatchNorm
normalizes over the global batch, so that the result is that of one process. torch has no SyncBatchNorm for CPUs:
there each rank normalizes by its own share of the batch, and rank 0's running statistics are the ones that are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from checkpoints.errors import PoseError
from ief.training.stopping import LostPeer

LAUNCH = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # that several processes need beside WORLD_SIZE
ADVICE = "start several processes with torchrun, or unset WORLD_SIZE for one alone"


@dataclass(frozen=True)
class DistContext:
    """This process among those of the training; rank 0 alone writes files and shows progress."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait for all ranks."""
        if self.world_size > 1:
            dist.barrier()

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the ranks of a tensor on their devices; no GPU is waited for."""
        if self.world_size > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.world_size
        return value

    def max(self, number: float, device: torch.device) -> float:
        """The largest of the ranks' numbers, the same on every rank; waits for them."""
        if self.world_size == 1:
            return number
        value = torch.tensor(float(number), dtype=torch.float64, device=device)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return value.item()

    def all_agree(self, number: float, device: torch.device) -> bool:
        """Whether every rank has the same number; waits for them."""
        return self.max(number, device) == -self.max(-number, device)


def check_launch() -> int:
    """The number of processes that the environment describes as `torchrun` does; 1 if it describes none.

    Raises:
        PoseError: when it describes several, and a variable is missing or no number that fits the others.
    """
    world_size = read_number("WORLD_SIZE", 1) if os.environ.get("WORLD_SIZE") else 1
    if world_size == 1:
        return 1
    missing = [name for name in LAUNCH if not os.environ.get(name)]
    if missing:
        raise PoseError(f"WORLD_SIZE is {world_size}, but {' and '.join(missing)} not set; {ADVICE}")
    read_number("RANK", 0, world_size - 1)
    read_number("LOCAL_RANK", 0, world_size - 1)
    read_number("MASTER_PORT", 0, 65_535)
    return world_size


def read_number(name: str, low: int, high: int | None = None) -> int:
    """The number in a variable of the environment. Raises PoseError for one that is none, or out of range."""
    text = os.environ[name].strip()
    if not text.isdecimal() or not low <= int(text) <= (int(text) if high is None else high):
        wanted = f"{low} or more" if high is None else f"from {low} to {high}"
        raise PoseError(f"{name} is '{text}': must be a number, {wanted}; {ADVICE}")
    return int(text)


@contextmanager
def init_distributed(device: torch.device) -> Iterator[DistContext]:
    """Join the training that `torchrun` described in the environment, until the `with` ends; alone without one.

    Raises:
        PoseError: as `check_launch` does, or when the processes do not meet.
        LostPeer: when another process of the training dies meanwhile.
    """
    world_size = check_launch()
    if world_size == 1:
        yield DistContext()
        return
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (dist.DistError, ValueError) as error:
        where, reason = "{MASTER_ADDR}:{MASTER_PORT}".format_map(os.environ), str(error).split("\n")[0]
        raise PoseError(
            f"the {world_size} processes do not meet at {where}, MASTER_ADDR and MASTER_PORT ({reason}); start them "
            "with torchrun"
        ) from error
    try:
        yield DistContext(dist.get_rank(), world_size)
    except RuntimeError as error:
        # gloo has no error type of its own, only its name in the text.
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise LostPeer(
            f"process {dist.get_rank()} of {world_size} lost another one; its own message is above; "
            "the same command resumes from the last checkpoint"
        ) from error
    finally:
        dist.destroy_process_group()


def wrap_ddp(module: nn.Module, device: torch.device, context: DistContext) -> nn.Module:
    """`module` for training on several ranks: DDP, and on GPUs SyncBatchNorm; itself on a single one."""
    if context.world_size == 1:
        return module
    if device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    devices = [device.index] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(module, device_ids=devices, broadcast_buffers=False)
