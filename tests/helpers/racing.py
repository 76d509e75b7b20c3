"""Two commands that write to one folder at once, as forks of a process that has imported what they need.

    python tests/helpers/racing.py OUT TIMINGS KILLS FIRST SECOND

FIRST and SECOND are JSON lists of arguments of `ief`; `{out}` in them is a folder. Prints a line of JSON: what each
command leaves in a folder of its own; how each timing and each kill ended.
"""

import json
import os
import shutil
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

import tiny_resnet  # noqa: F401  (registers the network)

from checkpoints.locking import LOCK


def begin(command, out, said):
    """The process of a command that writes to `out`; what it says goes to a file."""
    child = os.fork()
    if child == 0:
        descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1), os.dup2(descriptor, 2)
        status = main([argument.replace("{out}", str(out)) for argument in command])
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)
    return child, said


def end(child, said):
    """Process, status and last line of a command, once it has ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return child, status, (said.read_text().splitlines() or [""])[-1]


def contents(out):
    """Name -> SHA-256 of every file in a folder, hidden ones too."""
    files = {str(path.relative_to(out)): path for path in sorted(out.rglob("*")) if path.is_file()}
    files = {name.replace("-2", ""): path for name, path in files.items()}  # splits that were prepared again
    return {name: sha256(canonical(path)).hexdigest() for name, path in files.items()}


def canonical(path):
    """A file's bytes; of safetensors with a sorted header, whose order of keys is random."""
    data = path.read_bytes()
    if path.name == "prepared.json":
        return json.dumps({name: value for name, value in json.loads(data).items() if name != "second"}).encode()
    if path.suffix != ".safetensors":
        return data
    end = 8 + int.from_bytes(data[:8], "little")
    return json.dumps(json.loads(data[8:end]), sort_keys=True).encode() + data[end:]


def run(out, timings, kills, *commands):
    """What `main` prints; both commands run alone first."""
    alone, seconds = [], []
    for command in (*commands, *commands):
        started = time.monotonic()
        assert end(*begin(command, out, out.with_suffix(".0")))[1] == 0, out.with_suffix(".0").read_text()
        seconds.append(time.monotonic() - started)
        alone.append(contents(out))
        shutil.rmtree(out)
    assert alone[:2] == alone[2:] and alone[0] != alone[1]
    races, killed = [], []
    for timing in range(timings):
        first = begin(commands[0], out, out.with_suffix(".0"))
        time.sleep(max(seconds[2:]) * timing / timings)
        second = begin(commands[1], out, out.with_suffix(".1"))
        races.append([end(*first), end(*second), contents(out)])
        shutil.rmtree(out)
    for kill in range(kills):
        first = begin(commands[0], out, out.with_suffix(".0"))
        while not (out / LOCK).exists():
            time.sleep(0.001)
        time.sleep(0.1 * kill * seconds[2])
        os.kill(first[0], signal.SIGSTOP)  # it does not end before the second has been told
        refused = end(*begin(commands[1], out, out.with_suffix(".1")))
        os.kill(first[0], signal.SIGKILL)
        killed.append([end(*first), refused, end(*begin(commands[0], out, out.with_suffix(".1"))), contents(out)])
        shutil.rmtree(out)
    return {"alone": alone[:2], "races": races, "killed": killed}


if __name__ == "__main__":
    import ief.commands.predict
    import ief.commands.release
    import ief.commands.train
    import ief.reporting.scoring
    import ief.training.trainer  # noqa: F401
    from ief.cli import main

    out, timings, kills, *commands = sys.argv[1:]
    result = run(Path(out), int(timings), int(kills), *map(json.loads, commands))
    print(json.dumps(result), file=sys.stderr)
