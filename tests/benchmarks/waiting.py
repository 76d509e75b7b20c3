"""How OpenMP's threads wait for one another, with none, one and two other busy processes: `python` this file.

libgomp reads from its environment how to wait when torch is imported, so each way has a process of its own. They take
turns, one round each; whoever is not at work blocks on its input. With an argument this file is such a process.
"""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import product

import torch

from ief.benchmarks.stages import Workload, training_step
from ief.benchmarks.timing import calls_per_round, line, seconds, summarize
from ief.training.options import PRESETS

WAYS = {"default": {}, "passive": {"OMP_WAIT_POLICY": "PASSIVE"}, "spin count 10000": {"GOMP_SPINCOUNT": "10000"}}
WORKS, BUSY, ROUNDS = ("training step", "forward"), (0, 1, 2), 9
WORKLOAD = Workload(torch.device("cpu"), batch_size=4)
# Python at work until its parent is gone.
BUSY_LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))"


@contextmanager
def worker(way):
    """A process that waits in one way and is warm, until the `with` ends."""
    chosen = {name for other in WAYS.values() for name in other}  # by the user, or by `ief` itself
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen([sys.executable, __file__, "serve"], env={**kept, **way}, **pipes) as process:
        for work in WORKS:
            ask(process, work)
        yield process  # leaving closes its input, and it ends


def ask(process, work):
    """Milliseconds per call of one round of `work` in a worker; ValueError once it has died."""
    print(work, file=process.stdin, flush=True)
    return float(process.stdout.readline())


@contextmanager
def busy(count):
    """That many processes that never rest, until the `with` ends."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def serve():
    """Answer each line of standard input, a name of WORKS, with the milliseconds per call of one round."""
    step = training_step(WORKLOAD, replace(PRESETS["swift"], batch_size=WORKLOAD.batch_size))
    functions = dict(zip(WORKS, (step, WORKLOAD.forward(WORKLOAD.bare(), WORKLOAD.batch_size)), strict=True))
    calls = {name: calls_per_round(function, WORKLOAD.device) for name, function in functions.items()}
    for name in map(str.strip, sys.stdin):
        print(1e3 * seconds(functions[name], calls[name], WORKLOAD.device) / calls[name], flush=True)


def compare_ways():
    """Each other way to wait against OpenMP's default."""
    with ExitStack() as stack:
        processes = {name: stack.enter_context(worker(way)) for name, way in WAYS.items()}
        for count, work in product(BUSY, WORKS):
            with busy(count):
                times = [{name: ask(process, work) for name, process in processes.items()} for _ in range(ROUNDS)]
            for name in list(WAYS)[1:]:
                what = f"{work}, {WORKLOAD.backbone}, batch {WORKLOAD.batch_size}, {count} busy beside"
                rows = [(row[name], row["default"]) for row in times]
                print(line(summarize(f"{what}, {name} / default", rows, None)), flush=True)


if __name__ == "__main__":
    serve() if len(sys.argv) > 1 else compare_ways()
