"""The command line: `ief COMMAND ...`. Only the command that is asked for is imported."""

import argparse
import ctypes
import difflib
import errno
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from checkpoints import Console, LostPeer, PoseError, Stopped, Stopping, is_main_rank, log, prepare_console, write_bytes
from ief import __version__

COMMANDS = {
    "demo": "make synthetic people, train both stages on them, evaluate, write a report; no download",
    "prepare": "check a dataset and write the preprocessed crops that training reads",
    "train": "train stage 0, stage 1 or both; resumes where it was stopped",
    "predict": "poses of a prepared split, or of images",
    "submit": "write the file that MPII takes from predictions of the test people",
    "evaluate": "PCKh, joint and bone error of a file of predictions",
    "report": "who wins, tables, plots and pictures of runs and any predictions, as one HTML page",
    "table7": "train and compare the five methods of Table 1, or the runs of a plan, under one budget",
    "table2": "the same in 3D, with and without people who have no depth",
    "import": "make a regression network of mmpose stage 0 of a run",
    "release": "write a run's stages in int8 for others to use, with a model card",
    "export": "write both stages as one ONNX model",
    "bench": "measure the speed of training and inference on this machine",
}
OVERVIEW = """usage: ief COMMAND ...
       ief --version

Two-stage iterative regression of human pose in 2D and 3D.

{}

`ief COMMAND -h` explains one. Start with: ief demo --out demo"""
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}  # against others: ief/benchmarks/SPEED.md
WAITING_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
# How libraries without a Python error of their own for it say that an allocation failed: torch on the host (Linux and
# macOS; Windows), on a GPU and in its libraries, OpenCV, ONNX Runtime, the system itself.
OUT_OF_MEMORY = (
    "can't allocate memory", "not enough memory", "out of memory", "_STATUS_ALLOC_FAILED", "Insufficient memory",
    "Failed to allocate memory", "Cannot allocate memory", "failed to map segment from shared object", "bad_alloc",
    "bad allocation",
)  # fmt: skip
SHOWN = 300  # characters of an exception's message


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 for work done; 3 for work done but for inputs that it names; 2 for bad input, a full disk, too little memory or a
    training that diverged; 1 when another process of the training died, or for a fault of the program; and, to run the
    same command again: 75 for the end of --stop-after, 130 for Ctrl-C, 143 for SIGTERM, 129 and 138 for SIGHUP and
    SIGUSR1.
    """
    prepare_console()
    wait_passively()
    with redirect_stdout(Console(sys.stdout)) as out, redirect_stderr(Console(sys.stderr)), print_log():
        try:
            status = try_command(*(list(sys.argv[1:] if arguments is None else arguments) or [""]))
        finally:
            out.flush()
        if out.fault:
            print(f"ief: what it prints cannot be written ({out.fault.strerror})", file=sys.stderr)
    return status or BAD_INPUT * bool(out.fault)


class Printer(logging.Handler):
    """Prints what the library logs: its results (INFO) on stdout, what a user must know besides on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record's message, to be seen at once in a log file too."""
        print(record.getMessage(), file=sys.stderr if record.levelno >= logging.WARNING else sys.stdout, flush=True)


@contextmanager
def print_log() -> Iterator[None]:
    """Until the `with` ends, what is logged under `ief` is printed as it is; once, however deep in another."""
    log.setLevel(logging.INFO)
    before, log.handlers = log.handlers, [Printer()]
    try:
        yield
    finally:
        log.handlers = before


def try_command(name: str, *arguments: str) -> int:
    """Run one command, print a line for what went wrong, and return the exit status."""
    args = argparse.Namespace()
    try:
        if name not in COMMANDS:
            return print_overview(name)
        with Stopping(resumes=False).listening():  # what is half written is removed, whatever the command
            run_command(name, arguments, args)
    except (PoseError, LostPeer) as error:
        print(f"ief {name}: {error}", file=sys.stderr)
        return error.status
    except (Stopped, KeyboardInterrupt) as stop:
        stopped = stop if isinstance(stop, Stopped) else Stopped(INTERRUPTED, resumes=False)
        if is_main_rank():  # one line for all processes of a training
            print(f"\nief {name}: {stopped}", file=sys.stderr)
        return stopped.status
    except Exception as error:
        line, status = explain(error, args)
        print(f"ief {name}: {line}", file=sys.stderr)
        return status
    return 0


def run_command(name: str, arguments: Sequence[str], args: argparse.Namespace) -> None:
    """Import a command, read its arguments into `args`, and run it. Raises what it raises."""
    module, options = map(importlib.import_module, (f"ief.commands.{name}", "ief.commands.options"))
    parser = argparse.ArgumentParser(
        f"ief {name}",
        description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.",
        epilog=f"example: {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.declare(parser, module.ARGUMENTS)
    keep_freed_memory()
    parser.parse_args(arguments, args)
    for option, value in vars(args).items():
        if isinstance(value, (str, Path)):  # a shell expands no `--run=~/x`
            setattr(args, option, type(value)(os.path.expanduser(value)))
    module.run(args)


def explain(error: Exception, args: argparse.Namespace) -> tuple[str, int]:
    """One line for an exception that is no PoseError, and the exit status.

    Args:
        args: the command's, with `batch_size` if it has one, and `batch_size_in_force` if a preset may decide it.
    """
    if is_out_of_memory(error):
        size = getattr(args, "batch_size_in_force", None) or getattr(args, "batch_size", None)
        size = f" {size}" if size else ""
        advice = f"lower --batch-size{size}" if hasattr(args, "batch_size") else "give it less at a time"
        return f"out of memory ({one_line(error)}); {advice}, or close other programs", BAD_INPUT
    if isinstance(error, OSError):
        path = f"{error.filename}: " if error.filename else ""
        return f"{path}{error.strerror or error}; check the path, its permissions and room", BAD_INPUT
    return f"a fault of ief: {one_line(error)}; {save_traceback(error)}", FAILED


def is_out_of_memory(error: Exception) -> bool:
    """Whether the machine, or its GPU, has too little memory; torch is not imported to find out."""
    beyond = getattr(sys.modules.get("torch"), "OutOfMemoryError", MemoryError)
    if isinstance(error, (MemoryError, beyond)) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    # The text of RuntimeError, of cv2.error and of ONNX Runtime's; a KeyError's, say, could be any input's.
    foreign = type(error) is RuntimeError or type(error).__module__.partition(".")[0] in ("cv2", "onnxruntime", "torch")
    return foreign and any(words in str(error) for words in OUT_OF_MEMORY)


def one_line(error: Exception) -> str:
    """The type and the message of an exception, as much as a line holds."""
    text = "".join(traceback.format_exception_only(error))
    text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def save_traceback(error: Exception) -> str:
    """Write an exception's traceback to a file in the folder of temporary files; returns where it is. Never fails."""
    try:
        import tempfile

        text = "".join(traceback.format_exception(error)).encode("utf-8", errors="backslashreplace")
        return f"traceback in {write_bytes(Path(tempfile.gettempdir(), f'ief-{os.getpid()}-traceback.txt'), text)}"
    except Exception as refused:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"raised in {last.filename}, line {last.lineno}; no traceback could be written ({one_line(refused)})"


def print_overview(asked: str) -> int:
    """Print the list of commands, or the version; status 2 unless either was asked for."""
    if asked in ("-V", "--version"):
        print(f"ief {__version__}")
        return 0
    helps = asked in ("-h", "--help")
    if asked and not helps:
        meant = "".join(f"; did you mean {name}?" for name in difflib.get_close_matches(asked, COMMANDS, 1))
        print(f"ief: unknown command '{asked}'{meant}", file=sys.stderr)
    summaries = "\n".join(f"  {name:<13}{summary}" for name, summary in COMMANDS.items())
    print(OVERVIEW.format(summaries), file=sys.stdout if helps else sys.stderr, flush=True)
    return 0 if helps else BAD_INPUT


def wait_passively() -> None:
    """Let OpenMP's threads sleep while they wait for one another, unless the user has chosen how they wait.

    By default they spin, on a core that another process or the thread they wait for would need. libgomp reads
    this once, when torch is imported: after that it changes nothing.
    """
    if not any(name in os.environ for name in WAITING_VARIABLES):
        os.environ.update(WAITING)


def keep_freed_memory() -> None:
    """Ask the C library to keep large freed blocks for the next allocation; does nothing unless it is glibc.

    By default a tensor above 32 MB comes fresh from the kernel and goes back to it, page by page: on a CPU that is
    a third of a ResNet-50's forward at batch 32. The price is a peak of memory that is held until the end.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)  # never
