"""Feeds damaged files to every reader: only PoseError may come out, soon, and in little memory.

    python tests/fuzz/campaign.py --inputs 20000
    python tests/fuzz/campaign.py --target "Newell's .h5" --replay 17

An input is made from its target and number alone, so that a fault can be replayed. Readers run in a child process:
one that dies, spends more than SECONDS of processor time on an input or takes more than MEMORY is a fault, too.
"""

import argparse
import ast
import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
import zlib
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
sys.path.insert(0, str(Path(__file__).parent))
from mutations import mutate_bytes, mutate_fields
from targets import TARGETS, Target

from checkpoints.errors import PoseError

SECONDS = 5
MEMORY = 1 << 30
CLOCK = mock.patch.multiple(time, time=lambda: 1e9, asctime=lambda *_: time.ctime(1e9))  # gzip, zip and .mat write it
SILENCE = 120  # seconds, besides 0.2 an input, after which a child is taken to wait forever


@CLOCK
def make_input(target: Target, folder: Path, name: str, number: int) -> Path:
    """Write damaged input `number` of a target, and what belongs beside it; even numbers have damaged bytes."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), number])
    path = folder / target.file
    for other, data in target.beside().items():
        (folder / other).write_bytes(data)
    fields = target.fields()
    if number % 2 == 0:
        target.write(path, fields)
        path.write_bytes(mutate_bytes(path.read_bytes(), rng))
        return path
    while True:
        # Some nonsense no writer takes; draw another.
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.write(path, mutate_fields(fields, rng))
            return path


def feed(name: str, number: int) -> str:
    """What became of one input: 'read', 'refused', or the foreign error."""
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = make_input(target, Path(folder), name, number)
        try:
            target.read(path)
        except PoseError as error:
            return "refused" if "\n" not in str(error) else f"two lines: {error!r}"
        except Exception as error:
            return f"{type(error).__name__}: {error} at {traceback.extract_tb(error.__traceback__)[-1]}"
    return "read"


@contextlib.contextmanager
def limited():
    """Inputs get MEMORY bytes besides what the process holds; nobody's warnings are shown."""
    held = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) << 10
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY, hard))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def serve(places: list[tuple[str, int]]) -> None:
    """The child: feed inputs, a line of outcome each, under limits of memory and processor time."""
    with limited(), open(os.dup(1), "w") as answers:
        sys.stdout = sys.stderr
        for name, number in places:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its signal kills
            answers.write(f"{feed(name, number)!r}\n")
            answers.flush()


def run(names: list[str], first: int, count: int) -> tuple[Counter, list[str]]:
    """Outcomes of inputs `first` to `first + count` of some targets, and the faults in words."""
    outcomes, faults = Counter(), []
    places = [(name, number) for name in names for number in range(first, first + count)]
    while places:
        command = [sys.executable, __file__, "--serve"]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        child.stdin.write(repr(places))
        child.stdin.close()
        watch = threading.Timer(SILENCE + 0.2 * len(places), child.kill)
        watch.start()
        for line in child.stdout:
            (name, number), *places = places
            outcome = ast.literal_eval(line)
            outcomes[outcome if outcome in ("read", "refused") else "fault"] += 1
            if outcome not in ("read", "refused"):
                faults.append(f"{name} {number}: {outcome}")
        status = child.wait()
        watch.cancel()
        if status:  # it died at the first of those that are left
            (name, number), *places = places
            took = {-signal.SIGPROF: f"took more than {SECONDS} s", -signal.SIGKILL: "waits forever"}
            faults.append(f"{name} {number}: {took.get(status, f'died with status {status}')}")
            outcomes["fault"] += 1
    return outcomes, faults


def main() -> int:
    """Run a campaign, print a row per target; status 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000, help="over all targets (default: 20000)")
    parser.add_argument("--target", choices=TARGETS, help="only this one")
    parser.add_argument("--replay", type=int, metavar="NUMBER", help="feed one input here, with its traceback")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(ast.literal_eval(sys.stdin.read()))
        return 0
    if args.replay is not None:
        with tempfile.TemporaryDirectory() as folder:
            TARGETS[args.target].read(make_input(TARGETS[args.target], Path(folder), args.target, args.replay))
        return 0
    names, damage = [args.target] if args.target else list(TARGETS), []
    for name in names:
        outcomes, faults = run([name], 0, -(-args.inputs // len(names)))
        print(f"{name:<20} {dict(outcomes)}", *faults, sep="\n", flush=True)
        damage += faults
    return bool(damage)


if __name__ == "__main__":
    sys.exit(main())
