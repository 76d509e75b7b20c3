"""How far long work is: a bar on a terminal, a plain line now and then in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from tqdm import tqdm

SHARE = 0.05  # of the work, after which a line is due
AT_LEAST, AT_MOST = 5.0, 20.0  # seconds between two lines; work that takes less than the first has none


class Lines:
    """What `tqdm` is on a terminal, as lines: iterate over it, or count with `update` inside a `with`.

    Args:
        iterable: what to iterate over, if it is not counted by `update`.
        desc: what is being done.
        total: number of units.
        unit: what is counted, in the singular.
        initial: units that were done before.
        file: where the lines go; None for stderr.
        clock: seconds, to measure time with.
    """

    def __init__(
        self,
        iterable: Iterable = (),
        desc: str = "",
        total: int = 0,
        unit: str = "step",
        initial: int = 0,
        file: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.iterable, self.desc, self.total, self.unit = iterable, desc, total, unit
        self.file, self.clock = file, clock
        self.done = self.said = self.initial = initial
        self.started = self.said_at = clock()
        self.values: dict[str, object] = {}

    def __iter__(self) -> Iterator:
        for item in self.iterable:
            yield item
            self.update()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is held open."""

    def set_postfix(self, values: dict[str, object], refresh: bool = True) -> None:
        """What the next lines say besides; they come when they are due, whatever `refresh` says."""
        self.values = values

    def update(self, count: int = 1) -> None:
        """Count `count` more units; writes a line if one is due."""
        self.done += count
        now = self.clock()
        waited, share = now - self.said_at, (self.done - self.said) / max(self.total, 1)
        ended = self.done >= self.total and count > 0
        if waited >= AT_MOST or (waited >= AT_LEAST and share >= SHARE) or (ended and now - self.started >= AT_LEAST):
            self.said, self.said_at = self.done, now
            print(self.line(now), file=self.file or sys.stderr, flush=True)

    def line(self, now: float) -> str:
        """`training: step 30 of 400 (7 %), 2:05 left, loss 0.53`."""
        here = self.done - self.initial
        spent = now - self.started
        left = spent * (self.total - self.done) / max(here, 1)
        when = f"{minutes(left)} left" if self.done < self.total else f"took {minutes(spent)}"
        place = f"{self.unit} {self.done:,} of {self.total:,} ({100 * self.done / max(self.total, 1):.0f} %)"
        return ", ".join([f"{self.desc}: {place}", when, *(f"{name} {value}" for name, value in self.values.items())])


def progress(
    iterable: Iterable = (), desc: str = "", total: int | None = None, unit: str = "step", *, initial: int = 0,
    shown: bool = True,
) -> tqdm | Lines:  # fmt: skip
    """Progress of long work on stderr: `tqdm` on a terminal, `Lines` elsewhere.

    Args:
        iterable, desc, unit, initial: as `Lines` takes them.
        total: number of units; None for the length of `iterable`.
        shown: False shows nothing; of several ranks one does.
    """
    total = len(iterable) if total is None else total
    if not shown or sys.stderr.isatty():
        return tqdm(iterable, desc, total, leave=None, unit=unit, initial=initial, disable=not shown)
    return Lines(iterable, desc, total, unit, initial)


def minutes(seconds: float) -> str:
    """`2:05`, or `1:02:05` from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
