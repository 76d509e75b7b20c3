"""The command line: `ief COMMAND ...`. A command's module is imported only when it is asked for."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from checkpoints.errors import PoseError
from ief.training.memory import keep_freed_memory
from ief.training.stopping import LostPeer, Stopped

COMMANDS = {
    "demo": "make synthetic people, train both stages on them, evaluate, write a report; no download",
    "prepare": "check a dataset and write the preprocessed form that training reads",
    "train": "train stage 0, stage 1 or both; continues where it was stopped",
    "predict": "poses of a prepared split, or of images",
    "submit": "write the MPII server's file from predictions of the test people",
    "evaluate": "PCKh, joint and bone error of a file of predictions",
    "report": "tables, plots and pictures of finished runs, as one HTML page",
    "table7": "train and compare the five methods of Table 1 under one budget",
    "export": "write both stages as one ONNX model",
    "bench": "measure the speed of the loss, the heatmaps and the stages on this machine",
}
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 for work done; 2 for bad input, a full disk or a training that diverged; 1 where another process of the job
    died; and, where the same command goes on: 75 for the end of --stop-after, 130 for Ctrl-C, 143 for SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] not in COMMANDS:
        return overview(arguments)
    name = arguments[0]
    module = importlib.import_module(f"ief.commands.{name}")
    parser = argparse.ArgumentParser(
        f"ief {name}",
        description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.",
        epilog=f"example: {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    keep_freed_memory()
    try:
        module.run(parser.parse_args(arguments[1:]))
    except PoseError as error:
        print(f"ief {name}: {error}", file=sys.stderr)
        return BAD_INPUT
    except Stopped as stopped:
        if os.environ.get("RANK", "0") == "0":  # one line for all processes of a job
            print(f"\nief {name}: {stopped}", file=sys.stderr)
        return stopped.status
    except LostPeer as error:
        print(f"ief {name}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"\nief {name}: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; what is left in the buffer must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        print(f"ief {name}: {path}{error.strerror or error}; check the path, its permissions and room", file=sys.stderr)
        return BAD_INPUT
    return 0


def overview(arguments: Sequence[str]) -> int:
    """Print the list of commands; status 2 where an unknown one was asked for."""
    lines = ["usage: ief COMMAND ...", "", "Two-stage iterative regression of 2D human pose.", ""]
    lines += [f"  {name:<10}{summary}" for name, summary in COMMANDS.items()]
    lines += ["", "`ief COMMAND -h` explains one. Start with: ief demo --out demo"]
    asked = bool(arguments) and arguments[0] in ("-h", "--help")
    if arguments and not asked:
        print(f"ief: unknown command '{arguments[0]}'", file=sys.stderr)
    print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else BAD_INPUT
