"""`--deterministic`: runs that repeat bit for bit, whatever the number of threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Until the `with` ends: every sum in one order, every run. Nothing changes unless it is wanted.

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
