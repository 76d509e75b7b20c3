"""What the program prints, on a console that lacks characters, has no reader or no room, or is none."""

import logging
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from checkpoints.errors import escape_name

log = logging.getLogger("ief")  # of the whole library; commands print what it gets (`ief.cli`)

# What colors, retitles or wipes a terminal, or turns its text around; a line end and a tab do not.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Console:
    """A stream whose text is printed without control characters, which names of files may hold.

    When the reader (head, less) has gone or the disk is full, the work goes on, and what follows is printed to nowhere.

    Args:
        inner: the stream.

    Attributes:
        fault: why not all was written; None if it was, or nobody reads it.
    """

    def __init__(self, inner: TextIO) -> None:
        self.inner, self.fault = inner, None

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def write(self, text: str) -> int:
        """Print the text; returns its length."""
        self._try(self.inner.write, CONTROL.sub(lambda found: escape_name(found[0]), text))
        return len(text)

    def flush(self) -> None:
        """Print what is waiting."""
        self._try(self.inner.flush)

    def _try(self, act: Callable[..., object], *arguments: str) -> None:
        try:
            act(*arguments)
        except OSError as error:
            self.fault = None if isinstance(error, BrokenPipeError) else error
            with suppress(OSError, AttributeError):  # what is waiting goes there too, when the program ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.inner.fileno())


def prepare_console() -> None:
    """Print what the console's encoding lacks as an escape, such as \\u0394; without a console, print to nowhere.

    A service, pythonw or `2>&-` leaves None for a stream. Its descriptor is taken, or a file of ours would get it.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):  # not whatever a caller has put there
            stream.reconfigure(errors="backslashreplace")
