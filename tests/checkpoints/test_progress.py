"""Progress of long work: lines in a log file, by a clock that the tests turn."""

import io
import re
import sys
from itertools import pairwise
from types import SimpleNamespace

import pytest
import tqdm.std

from checkpoints.progress import DELAY, LogLines, progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test adds to `now`."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(tqdm.std, "time", lambda: clock.now)
    return clock


def capture_stderr(monkeypatch, kind=io.StringIO):
    """What takes stderr's place; called in a test itself, as pytest sets stderr between its phases."""
    monkeypatch.setattr(sys, "stderr", kind())
    return sys.stderr


def times_and_lines(clock, seconds_per_step, steps, monkeypatch):
    """When each line came, in seconds from the start, and the lines."""
    log, counts = capture_stderr(monkeypatch), [0]
    for _ in progress(range(steps), "work"):
        counts.append(log.getvalue().count("\n"))
        clock.now += seconds_per_step
    lines = log.getvalue().splitlines()
    return [number * seconds_per_step for number, (a, b) in enumerate(pairwise(counts)) if b > a], lines


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, 100_000), (0.5, 2000), (3.0, 2000), (10.0, 30)])
def test_lines_are_neither_rare_nor_close(clock, monkeypatch, seconds, steps):
    came, lines = times_and_lines(clock, seconds, steps, monkeypatch)
    gaps = [later - earlier for earlier, later in pairwise([0.0, *came])]
    assert max(gaps) <= 30.0 and min(gaps) >= DELAY
    assert lines[-1].startswith(f"work: step {steps:,} of {steps:,} (100 %)")


def test_short_work_has_no_line(clock, monkeypatch):
    assert times_and_lines(clock, 0.01, 400, monkeypatch) == ([], [])


def test_a_line_says_how_far_and_how_long(clock, monkeypatch):
    log = capture_stderr(monkeypatch)
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

    log = capture_stderr(monkeypatch, Terminal)
    assert not isinstance(progress(range(3), "work"), LogLines)
    assert list(progress(range(3), "work")) == [0, 1, 2] and re.search(r"work: 100%.*3/3", log.getvalue())
    log = capture_stderr(monkeypatch)
    assert isinstance(progress(range(3), "work"), LogLines)
    assert list(progress(range(3), "work", show=False)) == [0, 1, 2] and log.getvalue() == ""
