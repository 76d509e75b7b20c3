"""Timing two functions against each other: in turn, many times, as medians with their spread and a ratio."""

from __future__ import annotations

import math
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

TURN_SECONDS = 0.1  # a function is called until a turn takes this long, so that a short one is not lost in the noise


@dataclass(frozen=True)
class Bench:
    """One line of `ief bench`: ours, and the floor that it is held against.

    Attributes:
        name: what is measured, and against what: "heatmaps 16x224x224 / dense exp".
        ours, floor: functions without arguments that do the same amount of work.
        bar: the least ratio floor time / our time that is good enough; None where none was set. 10 says ten times
            as fast as the floor, 0.9 says nine tenths of its speed.
    """

    name: str
    ours: Callable[[], object]
    floor: Callable[[], object]
    bar: float | None = None


@dataclass(frozen=True)
class Figure:
    """A line that is no timing: a peak of memory, a loss of accuracy.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: its unit.
        bar: the largest value that is good enough, or None.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        return None if self.bar is None else self.value <= self.bar

    def line(self) -> str:
        """One line for the terminal."""
        bar = "" if self.bar is None else f"   bar at most {self.bar:g}: {verdict(self.met)}"
        return f"{self.name:<72}{self.value:>10.3f} {self.unit}{bar}"

    def to_json(self) -> dict:
        """The line as plain values."""
        return {"name": self.name, "value": self.value, "unit": self.unit, "bar": self.bar, "met": self.met}


@dataclass(frozen=True)
class Measurement:
    """A measured bench.

    Attributes:
        name, bar: of the bench.
        ours, floor: milliseconds a call, one entry a turn; the entries of one turn were measured side by side.
    """

    name: str
    bar: float | None
    ours: list[float]
    floor: list[float]

    @property
    def ratios(self) -> list[float]:
        """Floor time / our time of each turn: how many times as fast as the floor."""
        return [floor / ours for ours, floor in zip(self.ours, self.floor, strict=True)]

    @property
    def met(self) -> bool | None:
        """Whether the median ratio meets the bar; None where there is none."""
        return None if self.bar is None else statistics.median(self.ratios) >= self.bar

    def line(self) -> str:
        """One line for the terminal."""
        bar = "" if self.bar is None else f"   bar {self.bar:.3g}: {verdict(self.met)}"
        columns = (spread_text(self.ours), spread_text(self.floor), spread_text(self.ratios))
        return f"{self.name:<72}" + "".join(f"{column:>28}" for column in columns) + bar

    def to_json(self) -> dict:
        """Medians and spreads as plain values."""
        columns = {"ours_ms": self.ours, "floor_ms": self.floor, "ratio": self.ratios}
        spreads = {key: spread(values) for key, values in columns.items()}
        return {"name": self.name, **spreads, "turns": len(self.ours), "bar": self.bar, "met": self.met}


HEADER = f"{'ms a call, median [min, max]':<72}{'ours':>28}{'floor':>28}{'floor / ours':>28}"


def measure(bench: Bench, turns: int, device: torch.device) -> Measurement:
    """Time a bench in `turns` turns; ours and the floor take turns, so that a drift of the machine meets both."""
    functions = (bench.ours, bench.floor)
    calls = [calls_a_turn(function, device) for function in functions]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        for function, count, column in zip(functions, calls, times, strict=True):
            column.append(seconds(function, count, device) / count * 1e3)
    return Measurement(bench.name, bench.bar, *times)


def calls_a_turn(function: Callable[[], object], device: torch.device) -> int:
    """Warm `function` up and say how many calls fill a turn."""
    seconds(function, 2, device)
    return max(1, math.ceil(TURN_SECONDS / seconds(function, 1, device)))


def seconds(function: Callable[[], object], calls: int, device: torch.device) -> float:
    """What `calls` calls take by the clock, until the device has done them all."""
    synchronise(device)
    start = time.perf_counter()
    for _ in range(calls):
        function()
    synchronise(device)
    return time.perf_counter() - start


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was given; a CPU already has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: what takes microseconds would measure how two threads find each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def machine(device: torch.device) -> dict[str, object]:
    """What the figures were measured on."""
    cpu = next((line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")), "")
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": gpu or cpu or platform.processor() or platform.machine(),
        "cpu": cpu or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def spread(values: list[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def spread_text(values: list[float]) -> str:
    """`median [min, max]`."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


def verdict(met: bool | None) -> str:
    """How a bar reads on the terminal."""
    return "met" if met else "MISSED"
