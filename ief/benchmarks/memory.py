"""The most memory that training takes, the crops that a GPU holds not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch.profiler import ProfilerActivity, profile

from ief.benchmarks.timing import Figure
from ief.benchmarks.training import PERSONS, stepper, training
from ief.benchmarks.workload import Workload
from ief.training.presets import PRESETS, Preset

PAPER_MEMORY = 8.0  # GB that the preset `paper` has to fit
STEPS = 2  # the second one has the optimizer's memory too


def benches(workload: Workload) -> Iterator[Figure]:
    """`paper` and `swift`, the larger of both stages, at two sizes of batch.

    On a CPU it is the memory that torch's tensors take at most, which is the same on a GPU but for what cuDNN works in.
    """
    on_gpu = workload.device.type == "cuda"
    measured, kind = (gpu_peak, "GPU memory") if on_gpu else (tensor_peak, "memory of tensors")
    for batch in (workload.batch,) if workload.batch else (64, 256) if on_gpu else (32, 64):
        for name in ("paper", "swift"):
            preset = replace(PRESETS[name], backbone=workload.backbone, batch=batch, compile=workload.compile)
            peak = max(measured(lambda i=i, p=preset: take_steps(i, workload, p), workload.device) for i in (0, 1))
            bar = PAPER_MEMORY if (name, batch) == ("paper", PRESETS["paper"].batch) else None
            yield Figure(f"peak {kind}, {name}, {workload.size} px, batch {batch}, crops apart", peak, "GB", bar)


def take_steps(index: int, workload: Workload, preset: Preset) -> int:
    """The first steps of a stage's training; returns the bytes of crops that lie on the device."""
    step = stepper(training(index, workload, preset))
    for _ in range(STEPS):
        step()
    return PERSONS * 3 * (workload.size + 2 * (workload.size // 4)) ** 2


def gpu_peak(work: Callable[[], int], device: torch.device) -> float:
    """GB of GPU memory that `work` takes at most, less the bytes that it returns."""
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    crops = work()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before - crops) / 1e9


def tensor_peak(work: Callable[[], int], device: torch.device) -> float:
    """GB that tensors on the CPU take at most while `work` runs; crops lie in no tensor there."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    changes = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak / 1e9
