"""Several processes as one: what `torchrun` starts, and batch statistics over all of them.

With P processes each takes its P-th of every global batch. Gradients are averaged by DDP and batch normalization
sees the whole global batch, so the result is that of one process with the same global batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

from checkpoints.errors import PoseError
from ief.training.stopping import LostPeer


@dataclass(frozen=True)
class Processes:
    """This process among its peers; rank 0 alone writes files and shows progress."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait for all of them."""
        if self.count > 1:
            dist.barrier()

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the processes of a tensor on their devices; no GPU is waited for."""
        if self.count > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.count
        return value

    def largest(self, number: float, device: torch.device) -> float:
        """The largest of the processes' numbers, alike in all of them; waits for them."""
        if self.count == 1:
            return number
        value = torch.tensor(float(number), dtype=torch.float64, device=device)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return value.item()


@contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """Join the job that `torchrun` described in the environment, for the length of a `with`; alone without one.

    Raises:
        LostPeer: where another process of the job dies meanwhile.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count)
    except RuntimeError as error:
        # gloo has no error type of its own, only its name in the text.
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise LostPeer(
            f"process {dist.get_rank()} of {count} lost another one; see above what befell it; "
            "the same command goes on from the last saved state"
        ) from error
    finally:
        dist.destroy_process_group()


def choose_device(name: str | None = None) -> torch.device:
    """The device called `name`, else this process's GPU, else the CPU. Raises PoseError for one that is not here."""
    if name is not None:
        try:
            torch.zeros(1, device=name)
            return torch.device(name)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).split("\n")[0]
            raise PoseError(f"--device {name}: cannot be used ({reason}); choose cpu, or leave it out") from error
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def wrap(module: nn.Module, device: torch.device, processes: Processes) -> nn.Module:
    """`module` for training in this job: DDP and global batch statistics; itself where it is alone."""
    if processes.count == 1:
        return module
    if device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        return nn.parallel.DistributedDataParallel(module, device_ids=[device.index], broadcast_buffers=False)
    for parent in list(module.modules()):
        for child in parent.children():
            if type(child) is nn.BatchNorm2d:
                child.__class__ = GlobalBatchNorm
    return nn.parallel.DistributedDataParallel(module, broadcast_buffers=False)


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch normalization over the global batch, for the CPU: torch's SyncBatchNorm works on GPUs alone."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, C, H, W) of this process, normalized by the mean and variance over all processes' batches."""
        if not self.training:
            return super().forward(inputs)
        axes, count = (0, 2, 3), inputs.numel() // inputs.shape[1] * dist.get_world_size()
        mean = all_reduce(inputs.sum(axes)) / count
        centered = inputs - mean.view(1, -1, 1, 1)
        variance = all_reduce(centered.square().sum(axes)) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        gain = self.weight * (variance + self.eps).rsqrt()
        return centered * gain.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
