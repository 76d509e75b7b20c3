"""The one error of the whole project that a user can put right."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from os import PathLike
from types import ModuleType

SHOWN = 200  # inputs that `Incomplete` names one by one


class PoseError(ValueError):
    """One line: the file, the person or field, what was found, what to do.

    Bad input, a corrupt file, a full disk. The command line prints it without a traceback and exits with `status`.
    """

    status = 2


def escape_name(name: str) -> str:
    """A name with `%n`, `%x1b`, `%udcfc` for what cannot be printed: a line end, a color, a byte that is no UTF-8."""
    if name.isprintable():
        return name
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode().replace("\\", "%") for char in name
    )


@contextmanager
def name_fault(path: str | PathLike, what: str, cure: str, *faults: type[Exception]) -> Iterator[None]:
    """Turns `faults` in reading a file into a PoseError: which file, what it is not, the reason, what to do."""
    try:
        yield
    except faults as error:
        raise PoseError(f"{path}: {what} ({error}); {cure}") from error


@contextmanager
def name_corrupt(path: str | PathLike, cure: str, *more: type[Exception]) -> Iterator[None]:
    """Turns what goes wrong in reading a file, `more` among it, into a PoseError that names it and says what to do."""
    try:
        yield
    except PoseError as error:
        raise (error if str(path) in str(error) else PoseError(f"{path}: {error}; {cure}")) from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError, *more) as error:
        raise PoseError(f"{path}: corrupt, or not of this project ({error}); {cure}") from error


def import_extra(name: str, extra: str) -> ModuleType:
    """An optional package. Raises PoseError, with what to install, where it is missing."""
    try:
        return import_module(name)
    except ImportError:
        raise PoseError(f"{name.partition('.')[0]} is not installed: pip install '.[{extra}]'") from None


class Incomplete(PoseError):
    """All is written but for a part of the input: a command raises it at its end.

    Args:
        left_out: one line for each input that was left out, with its reason.
    """

    status = 3

    def __init__(self, left_out: Sequence[str]) -> None:
        lines = [f"{len(left_out):,} left out, everything else is written:", *map(escape_name, left_out[:SHOWN])]
        if len(left_out) > SHOWN:
            lines.append(f"... and {len(left_out) - SHOWN:,} more")
        super().__init__("\n  ".join(lines))
        self.left_out = tuple(left_out)
