"""Timing two functions against each other: in alternation, many times, as medians with their range and a ratio."""

import math
import platform
import re
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

Function = Callable[[], object]  # called for its time
ROUND_SECONDS = 0.1  # a function is called until a round takes this long, so that a short one is not lost in the noise
COLUMNS = ("ours_ms", "baseline_ms", "ratio")
HEADER = f"{'ms per call, median [min, max]':<72}{'ours':>28}{'baseline':>28}{'baseline / ours':>28}"


def measure(functions: Sequence[Function], rounds: int, device: torch.device) -> list[list[float]]:
    """Time functions; they alternate, so that a drift of the machine affects all of them.

    Returns:
        for each round, each function's ms per call.
    """
    timed = [(function, calls_per_round(function, device)) for function in functions]
    return [[1e3 * seconds(function, count, device) / count for function, count in timed] for _ in range(rounds)]


def calls_per_round(function: Function, device: torch.device) -> int:
    """Warm `function` up and return how many calls fill a round."""
    seconds(function, 2, device)
    return max(1, math.ceil(ROUND_SECONDS / seconds(function, 1, device)))


def seconds(function: Function, calls: int, device: torch.device) -> float:
    """The wall-clock time of `calls` calls, until the device has done them all."""
    wait = partial(torch.cuda.synchronize, device) if device.type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    for _ in range(calls):
        function()
    wait()
    return time.perf_counter() - start


def summarize(name: str, times: list[list[float]], target: float | None) -> dict:
    """One line of `ief bench`.

    Args:
        name: what is measured / against which baseline.
        times: (ours, baseline) in ms per call, for each round.
        target: the least ratio baseline / ours that is good enough, or None: 10 is ten times as fast as the baseline,
            0.9 nine tenths of its speed.

    Returns:
        JSON values: `name`, `ours_ms`, `baseline_ms` and `ratio` (of each round) as `{median, min, max}`, `rounds`,
        `target`, and `met`: whether the median ratio reaches the target, None without one.
    """
    columns = zip(*((ours, baseline, baseline / ours) for ours, baseline in times), strict=True)
    spreads = [{"median": statistics.median(values), "min": min(values), "max": max(values)} for values in columns]
    result = {"name": name, **dict(zip(COLUMNS, spreads, strict=True)), "rounds": len(times), "target": target}
    return {**result, "met": None if target is None else result["ratio"]["median"] >= target}


def line(result: dict) -> str:
    """What `summarize` returns, for the terminal."""
    columns = ["{median:.2f} [{min:.2f}, {max:.2f}]".format(**result[key]) for key in COLUMNS]
    target = f"   target {result['target']:.3g}: {'met' if result['met'] else 'MISSED'}" if result["target"] else ""
    return f"{result['name']:<72}" + "".join(f"{column:>28}" for column in columns) + target


def machine(device: torch.device) -> dict[str, object]:
    """What the results were measured on."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text(encoding="utf-8") if info.exists() else "")
    cpu = [*names, platform.machine()][0]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu
    versions = {"torch": str(torch.__version__), "python": platform.python_version()}
    return {"device": name, "cpu": cpu, "threads": torch.get_num_threads(), **versions}
