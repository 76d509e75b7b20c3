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

from ief.training.stopping import LostPeer


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


@contextmanager
def init_distributed(device: torch.device) -> Iterator[DistContext]:
    """Join the training that `torchrun` described in the environment, until the `with` ends; alone without one.

    Raises:
        LostPeer: when another process of the training dies meanwhile.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield DistContext()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
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
