"""The most memory that a training takes: `python tests/benchmarks/memory.py [cpu|cuda]`."""

import sys
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from ief.benchmarks.stages import Workload, training_step
from ief.training.options import PRESETS


def memory(workload):
    """The most memory that two steps of `paper` and `swift` take, the larger of both stages, at two batch sizes."""
    sizes = (workload.batch_size,) if workload.batch_size else (64, 256) if workload.on_gpu else (32, 64)
    for batch_size, name in product(sizes, ("paper", "swift")):
        preset = replace(PRESETS[name], batch_size=batch_size)
        value = max(peak_memory(partial(two_steps, workload, preset, index), workload.device) for index in (0, 1))
        what = f"peak memory of tensors, {name}, {workload.size} px, batch {batch_size}"
        yield {"name": what, "value": value, "unit": "GB"}


def two_steps(workload, preset, index):
    """The first steps of a stage's training; the second has the optimizer's memory too."""
    step = training_step(workload, preset, index)
    step(), step()


def peak_memory(work, device):
    """GB that tensors on the device take at most while `work` runs; prepared crops are tensors on a GPU only."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) / 1e9
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    changes = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    return float(max(np.cumsum([event.nbytes() for event in changes]))) / 1e9


if __name__ == "__main__":
    for result in memory(Workload(torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu"))):
        print(f"{result['name']}: {result['value']:.3f} {result['unit']}")
