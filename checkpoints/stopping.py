"""Stopping long work so that the same command resumes it: a scheduler's signal, Ctrl-C, the end of the time given.

Outside a training they end the program at once, by an exception; every file is written whole or not at all. Inside one
they wait for the current step, and a checkpoint is saved first.
"""

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from checkpoints.errors import PoseError

TIME_UP = 75  # "try again" among the statuses of sysexits.h; a signal's status is 128 + its number
# A terminal that closes sends SIGHUP, SLURM may warn by SIGUSR1; Windows has neither.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name)]
REASONS = {128 + number: f"stopped by {number.name}" for number in SIGNALS}
REASONS |= {128 + signal.SIGINT: "interrupted", TIME_UP: "the time of --stop-after is up"}


def is_main_rank() -> bool:
    """Whether this is the process that writes and prints, among those that `torchrun` started; True without it."""
    return os.environ.get("RANK", "0") == "0"


class Stopped(BaseException):
    """The work was stopped from outside. Like KeyboardInterrupt it is no error, and `except Exception` lets it pass.

    Args:
        status: the exit status, a key of REASONS.
        resumes: whether the same command goes on from what is kept.
    """

    def __init__(self, status: int, resumes: bool = True) -> None:
        cure = "the same command resumes where it stopped" if resumes else "run the same command again"
        super().__init__(f"{REASONS[status]}; {cure}")
        self.status = status


class LostPeer(Exception):
    """Another process of the training has died, and this one cannot continue without it."""

    status = 1


class Stopping:
    """Whether this process was asked to stop.

    Args:
        minutes: the time given, from now; None for no limit.
        resumes: of `Stopped`.

    Raises:
        PoseError: when the time is not above 0.
    """

    def __init__(self, minutes: float | None = None, resumes: bool = True) -> None:
        if minutes is not None and not minutes > 0:
            raise PoseError(f"--stop-after {minutes}: must be above 0 minutes")
        self.deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        self.caught, self.resumes = 0, resumes
        self.waiting = False

    @property
    def status(self) -> int:
        """The exit status that was asked for; 0 to continue."""
        if self.caught:
            return 128 + self.caught
        return TIME_UP if time.monotonic() >= self.deadline else 0

    def check(self) -> None:
        """Raises Stopped if a stop was asked for."""
        if self.status:
            raise Stopped(self.status, self.resumes)

    @contextmanager
    def listening(self) -> "Iterator[Stopping]":
        """Catch SIGNALS until the `with` ends (in the main thread, the only one that may).

        Of SIGHUP and SIGUSR1 only what would kill, or what a `Stopping` around this one catches: `nohup` has the first
        ignored, and a program may have its own use.
        """
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        heard = [
            each for each in SIGNALS
            if each in (signal.SIGTERM, signal.SIGINT) or signal.getsignal(each) == signal.SIG_DFL
            or isinstance(getattr(signal.getsignal(each), "__self__", None), Stopping)
        ]  # fmt: skip
        before = {number: signal.signal(number, self._catch) for number in heard}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Hold signals back until the `with` ends; its body looks at `status` between its steps."""
        self.waiting = True
        try:
            yield
        finally:
            self.waiting = False
        if self.caught:
            raise Stopped(self.status, self.resumes)

    def _catch(self, number: int, frame: object) -> None:
        again = number == self.caught == signal.SIGINT  # a second Ctrl-C does not wait
        self.caught = number
        if again or not self.waiting:
            raise Stopped(self.status, self.resumes)
