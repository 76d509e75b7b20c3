"""What a training runs on, which is not part of what is trained: its device, the ranks beside it, who may stop it.

`torchrun` starts several processes as one training (torch.distributed, DDP). With P ranks each takes its P-th of every
global batch, and DDP averages the gradients. On GPUs SyncBatchNorm normalizes over the global batch, so that the result
is that of one process. torch has no SyncBatchNorm for CPUs: there each rank normalizes by its own share of the batch,
and rank 0's running statistics are the ones that are kept.
"""

import inspect
import math
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from checkpoints import LostPeer, PoseError, Stopping
from checkpoints.locking import lock_folders
from ief.model.device import choose_device

T = TypeVar("T")
LAUNCH = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # that several processes need beside WORLD_SIZE
ADVICE = "start several processes with torchrun, or unset WORLD_SIZE for one alone"


@dataclass(frozen=True)
class Runtime:
    """What a training runs on: a device, in this process and maybe others.

    Attributes:
        device: where to train.
        rank, world_size: this process among those of the training.
        stopping: tells when to save and stop.
        checkpoint_seconds: time between two checkpoints, which is what a kill can cost.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    rank: int = 0
    world_size: int = 1
    stopping: Stopping = field(default_factory=Stopping)
    checkpoint_seconds: float = 60.0

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
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

    def max(self, number: float) -> float:
        """The largest of the ranks' numbers, the same on every rank; waits for them."""
        if self.world_size == 1:
            return number
        value = torch.tensor(float(number), dtype=torch.float64, device=self.device)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return value.item()

    def share(self, measure: Callable[[], T]) -> T:
        """What rank 0 measures, on every rank; the others wait for it."""
        values = [measure() if self.is_main else None]
        if self.world_size > 1:
            dist.broadcast_object_list(values, device=self.device)
        return values[0]

    def all_agree(self, number: float) -> bool:
        """Whether every rank has the same number; waits for them."""
        return self.max(number) == -self.max(-number)

    def autocast_dtype(self, precision: str) -> torch.dtype | None:
        """bf16 if it is asked for and the device multiplies it natively: elsewhere fp32 is faster."""
        wanted = precision == "bf16" and (self.device.type == "cuda" or native_bf16())
        return torch.bfloat16 if wanted else None


@contextmanager
def open_runtime(
    device: str | None = None,
    stop_after: float | None = None,
    checkpoint_seconds: float = 60.0,
    deterministic: bool = False,
    writes: Collection[Path] = (),
) -> Iterator[Runtime]:
    """The device, the ranks joined, signals heard, and folders locked until the `with` ends.

    Args:
        device: its name; None for a GPU if there is one.
        stop_after: minutes after which trainings save and stop; None for no limit.
        checkpoint_seconds: see `Runtime`.
        deterministic: whether every sum has one order.
        writes: folders that nobody else may write to meanwhile.

    Raises:
        PoseError: when the device cannot be used, the minutes are not above 0, or the seconds below 0; as
            `check_launch`, `init_distributed` and `lock_folders` do.
    """
    check_launch()
    if not checkpoint_seconds >= 0:
        raise PoseError(f"--checkpoint-seconds {checkpoint_seconds}: must be at least 0")
    chosen = choose_device(device)
    with (
        Stopping(stop_after).listening() as stopping,
        deterministic_algorithms() if deterministic else nullcontext(),
        init_distributed(chosen) as ranks,
        lock_folders(*(writes if ranks[0] == 0 else ())),
    ):
        yield Runtime(chosen, *ranks, stopping, checkpoint_seconds)


def check_launch() -> int:
    """The number of processes that the environment describes as `torchrun` does; 1 if it describes none.

    Raises:
        PoseError: when it describes several, and a variable is missing or no number that fits the others.
    """
    world_size = read_number("WORLD_SIZE", 1) if os.environ.get("WORLD_SIZE") else 1
    if world_size > 1:
        if missing := [name for name in LAUNCH if not os.environ.get(name)]:
            raise PoseError(f"WORLD_SIZE is {world_size}, but {' and '.join(missing)} not set; {ADVICE}")
        read_number("RANK", 0, world_size - 1)
        read_number("LOCAL_RANK", 0, world_size - 1)
        read_number("MASTER_PORT", 0, 65_535)
    return world_size


def read_number(name: str, low: int, high: float = math.inf) -> int:
    """The number in a variable of the environment. Raises PoseError for one that is none, or out of range."""
    text = os.environ[name].strip()
    if not text.isdecimal() or not low <= int(text) <= high:
        wanted = f"{low} or more" if high == math.inf else f"from {low} to {high}"
        raise PoseError(f"{name} is '{text}': must be a number, {wanted}; {ADVICE}")
    return int(text)


@contextmanager
def init_distributed(device: torch.device) -> Iterator[tuple[int, int]]:
    """Join the training that `torchrun` described in the environment, until the `with` ends: rank and world size.

    Raises:
        PoseError: as `check_launch` does, or when the processes do not meet.
        LostPeer: when another process of the training dies meanwhile.
    """
    world_size = check_launch()
    if world_size == 1:
        yield 0, 1
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
        yield dist.get_rank(), world_size
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


def wrap_ddp(module: nn.Module, runtime: Runtime) -> nn.Module:
    """`module` for training on several ranks: DDP, and on GPUs SyncBatchNorm; itself on a single one."""
    if runtime.world_size == 1:
        return module
    devices = [runtime.device.index] if runtime.device.type == "cuda" else None
    if devices:
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    ddp = nn.parallel.DistributedDataParallel
    # Buffers stay each rank's own in `forward`; torch 2.13 renamed the option, and warns of the old name.
    new = "forward_sync_buffers" in inspect.signature(ddp).parameters
    return ddp(module, device_ids=devices, **{"forward_sync_buffers" if new else "broadcast_buffers": False})


@contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """Until the `with` ends: the same bits in every run, whatever the number of threads.

    Only algorithms that repeat themselves (torch raises an error if it has none), cuDNN's without trial runs, cuBLAS
    with a fixed workspace, and one CPU thread, since a sum that threads share is rounded as they share it.
    """
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
