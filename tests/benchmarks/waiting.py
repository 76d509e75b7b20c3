"""How OpenMP's threads wait for one another, with none, one and two other busy processes: `python` this file.

libgomp reads from its environment how to wait when torch is imported, so each way has a process of its own. They take
turns, one round each; whoever is not at work blocks on its input. With arguments this file is such a process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import product

import torch

from checkpoints.errors import PoseError
from ief.benchmarks.timing import Function, calls_per_round, line, seconds, summarize
from ief.benchmarks.training import training_step
from ief.benchmarks.workload import Workload
from ief.training.options import PRESETS

DEFAULT = "default"
WAYS = {DEFAULT: {}, "passive": {"OMP_WAIT_POLICY": "PASSIVE"}, "spin count 10000": {"GOMP_SPINCOUNT": "10000"}}
WORKS = ("training step", "forward")
BUSY = (0, 1, 2)  # other processes
# Python at work until its parent is gone.
BUSY_LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))"


def waiting(workload: Workload) -> Iterator[dict]:
    """Each other way to wait against OpenMP's default; nothing on a GPU, where none of it is at work."""
    if workload.on_gpu:
        return
    workload = replace(workload, batch_size=workload.batch_size or 8)
    with ExitStack() as stack:
        processes = {name: stack.enter_context(worker(workload, way)) for name, way in WAYS.items()}
        for count, work in product(BUSY, WORKS):
            with busy(count):
                times = [{name: ask(process, work) for name, process in processes.items()}
                         for _ in range(workload.rounds)]  # fmt: skip
            what = f"{work}, {workload.backbone}, batch {workload.batch_size}, {count} busy beside"
            for name in list(WAYS)[1:]:
                yield summarize(f"{what}, {name} / {DEFAULT}", [(row[name], row[DEFAULT]) for row in times], None)


@contextmanager
def worker(workload: Workload, way: Mapping[str, str]) -> Iterator[subprocess.Popen]:
    """A process that waits in one way and is warm, until the `with` ends."""
    chosen = {name for other in WAYS.values() for name in other}  # by the user, or by `ief` itself
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    command = [sys.executable, __file__, workload.backbone, str(workload.size), str(workload.batch_size)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, env={**kept, **way}, **pipes) as process:  # leaving closes its input, and it ends
        for work in WORKS:
            ask(process, work)
        yield process


def ask(process: subprocess.Popen, work: str) -> float:
    """Milliseconds per call of one round of `work` in a worker. Raises PoseError when the worker has died."""
    print(work, file=process.stdin, flush=True)
    answer = process.stdout.readline()
    if not answer:
        raise PoseError(f"a process of the bench ended with status {process.wait()}; its message is above")
    return float(answer)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """That many processes that never rest, until the `with` ends."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def works(workload: Workload) -> dict[str, Function]:
    """What is timed: a step of stage 0 as `ief train` takes it, and a forward of the bare network."""
    swift = replace(PRESETS["swift"], batch_size=workload.batch_size)
    forward = workload.forward(workload.bare(), workload.batch_size)
    return dict(zip(WORKS, (training_step(workload, swift), forward), strict=True))


def serve(arguments: Sequence[str]) -> None:
    """Answer each line of standard input, a name of WORKS, with the milliseconds per call of one round."""
    backbone, size, batch_size = arguments
    device = torch.device("cpu")
    functions = works(Workload(device, backbone, int(size), int(batch_size)))
    calls = {name: calls_per_round(function, device) for name, function in functions.items()}
    for text in sys.stdin:
        name = text.strip()
        print(1e3 * seconds(functions[name], calls[name], device) / calls[name], flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1:])
    else:
        for result in waiting(Workload(torch.device("cpu"), batch_size=4)):
            print(line(result), flush=True)
