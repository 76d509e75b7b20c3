"""Progress of long work: lines in a log file, by a clock that the tests turn."""

import io
import re
import sys
from itertools import pairwise

import pytest
import tqdm.std

from checkpoints.progress import DELAY, LogLines, progress


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(tqdm.std, "time", clock)
    return clock


@pytest.fixture
def log():
    """What takes stderr's place; set in a test itself, as pytest sets stderr between its phases."""
    return io.StringIO()


def times_and_lines(clock, log, seconds_per_step, steps, monkeypatch):
    """When each line came, in seconds from the start, and the lines."""
    monkeypatch.setattr(sys, "stderr", log)
    times = [0]
    for _ in progress(range(steps), "work"):
        times.append(log.getvalue().count("\n"))
        clock.now += seconds_per_step
    lines = log.getvalue().splitlines()
    return [number * seconds_per_step for number, (a, b) in enumerate(pairwise(times)) if b > a], lines


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, 100_000), (0.5, 2000), (3.0, 2000), (10.0, 30)])
def test_lines_are_neither_rare_nor_close(clock, log, monkeypatch, seconds, steps):
    came, lines = times_and_lines(clock, log, seconds, steps, monkeypatch)
    gaps = [later - earlier for earlier, later in pairwise([0.0, *came])]
    assert max(gaps) <= 30.0 and min(gaps) >= DELAY
    assert lines[-1].startswith(f"work: step {steps:,} of {steps:,} (100 %)")


def test_short_work_has_no_line(clock, log, monkeypatch):
    assert times_and_lines(clock, log, 0.01, 400, monkeypatch) == ([], [])


def test_a_line_says_how_far_and_how_long(clock, log, monkeypatch):
    monkeypatch.setattr(sys, "stderr", log)
    with progress(desc="predicting", total=3000, unit="person", initial=1000) as bar:
        clock.now += 21
        bar.set_postfix({"loss": "0.5"}, refresh=False)
        bar.update(500)
        clock.now += 4000
        bar.update(500)
    first, second = log.getvalue().splitlines()
    assert first == "predicting: person 1,500 of 3,000 (50 %), 01:03 left, loss=0.5"  # 500 in 21 s, 1,500 to come
    assert second.startswith("predicting: person 2,000 of 3,000 (67 %), 1:07:01 left")


def test_a_terminal_gets_a_bar_and_a_file_lines(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    assert not isinstance(progress(range(3), "work"), LogLines)
    assert list(progress(range(3), "work")) == [0, 1, 2] and re.search(r"work: 100%.*3/3", sys.stderr.getvalue())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress(range(3), "work"), LogLines)
    hidden = progress(range(3), "work", show=False)
    assert list(hidden) == [0, 1, 2] and sys.stderr.getvalue() == ""
