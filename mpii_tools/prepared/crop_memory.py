"""Where the crops are while a training runs: in the GPU's memory, or in the prepared file, one step ahead."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

FRACTION = 0.5  # of a GPU's free memory that crops may take; the rest is for the training
UPLOAD = 2**28  # bytes copied to the GPU at a time


class OnDevice:
    """All crops in the device's memory, as uint8: a step moves only its row numbers.

    Args:
        crops: (N, S, S, 3) uint8, a memory map as a rule; read once, piece by piece.
    """

    def __init__(self, crops: np.ndarray, device: torch.device) -> None:
        self.crops = torch.empty(crops.shape, dtype=torch.uint8, device=device)
        count = max(1, UPLOAD * len(crops) // max(crops.nbytes, 1))
        for start in range(0, len(crops), count):
            self.crops[start : start + count] = torch.from_numpy(np.array(crops[start : start + count]))

    def __call__(self, rows: np.ndarray, following: np.ndarray) -> Tensor:
        """The crops (B, S, S, 3) of `rows`."""
        return self.crops[torch.from_numpy(rows).to(self.crops.device, non_blocking=True)]


class OnHost:
    """Crops read from the prepared file; those of the following step by a thread while this one is computed.

    Args:
        crops: (N, S, S, 3) uint8, a memory map as a rule, and it may be larger than the memory.
    """

    def __init__(self, crops: np.ndarray, device: torch.device) -> None:
        self.crops, self.device = crops, device
        self.reader = ThreadPoolExecutor(1, "crops")
        self.ahead: tuple[np.ndarray, Future[Tensor]] | None = None

    def __call__(self, rows: np.ndarray, following: np.ndarray) -> Tensor:
        """The crops (B, S, S, 3) of `rows`, on the device; begins to read those of `following`."""
        if self.ahead is not None and np.array_equal(self.ahead[0], rows):
            crops = self.ahead[1].result()
        else:
            crops = self._read(rows)
        self.ahead = following, self.reader.submit(self._read, following)
        return crops.to(self.device, non_blocking=True)

    def _read(self, rows: np.ndarray) -> Tensor:
        # Pinned memory is copied to the GPU while the CPU works on; torch keeps it until that is done.
        shape = (len(rows), *self.crops.shape[1:])
        read = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        # Not mode="raise": that would read into a buffer of its own first.
        np.take(self.crops, rows, axis=0, out=read.numpy(), mode="clip")
        return read


def hold_crops(crops: np.ndarray, device: torch.device) -> OnDevice | OnHost:
    """The crops in the GPU's memory if they take no more than `FRACTION` of what is free, else in their file."""
    if device.type == "cuda" and crops.nbytes <= FRACTION * torch.cuda.mem_get_info(device)[0]:
        return OnDevice(crops, device)
    return OnHost(crops, device)
