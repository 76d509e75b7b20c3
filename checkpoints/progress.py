"""How far long work is: a bar on a terminal, a plain line now and then in a log file."""

import sys
from collections.abc import Callable, Iterable
from typing import TextIO

from tqdm import tqdm

from checkpoints import escape_name

DELAY, INTERVAL = 5.0, 20.0  # seconds: work that takes less than the first has no line; between two lines
LINE = "{desc}: {unit} {n:,} of {total:,} ({percentage:.0f} %), {remaining} left{postfix}"


class LogLines(tqdm):
    """tqdm for a log file: lines that follow one another, where a terminal's bar is written over itself."""

    @staticmethod
    def status_printer(file: TextIO) -> Callable[[str], None]:
        """What prints a line."""
        return lambda line: print(line, file=file, flush=True)

    def close(self) -> None:
        """Write the last line, if there was one before; nothing is wiped, as a terminal's bar is."""
        if not self.disable and self.last_print_t >= self.start_t + self.delay and self.n > self.last_print_n:
            self.refresh()
        self.disable = True
        self._decr_instances(self)


def progress(
    iterable: Iterable = (), desc: str = "", total: int | None = None, unit: str = "step", *, initial: int = 0,
    show: bool = True,
) -> tqdm:  # fmt: skip
    """Progress of long work on stderr: a bar on a terminal, `LogLines` elsewhere, nothing without a stderr.

    Args:
        iterable: what to iterate over, if it is not counted by `update` inside a `with`.
        desc: what is being done.
        total: number of units; None for the length of `iterable`.
        unit: what is counted, in the singular.
        initial: units that were done before.
        show: False shows nothing; of several ranks one does.
    """
    total = len(iterable) if total is None else total
    stream = sys.stderr
    show = show and stream is not None and not getattr(stream, "closed", False)  # a program may have no console
    if not show or getattr(stream, "isatty", bool)():
        # Not `console`'s stream itself, which would escape how a bar is drawn.
        return tqdm(iterable, escape_name(desc), total, None, getattr(stream, "inner", stream), unit=unit,
                    initial=initial, disable=not show)  # fmt: skip
    return LogLines(iterable, desc, total, unit=unit, initial=initial, bar_format=LINE, delay=DELAY,
                    mininterval=INTERVAL, maxinterval=INTERVAL, miniters=1, smoothing=0)  # fmt: skip
