"""Progress of long work: lines in a log file, by a clock that the tests turn."""

import io
import re
import sys
from itertools import pairwise

import pytest
from tqdm import tqdm

from checkpoints.progress import AT_LEAST, Lines, progress


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def lines_of(seconds_per_step, steps, **settings):
    """When each line came, in seconds from the start, and the lines."""
    clock, file = Clock(), io.StringIO()
    times, found = [], Lines(range(steps), "work", steps, file=file, clock=clock, **settings)
    for _ in found:
        clock.now += seconds_per_step
        times.append(file.getvalue().count("\n"))
    lines = file.getvalue().splitlines()
    came = [number * seconds_per_step for number, (a, b) in enumerate(pairwise(times), start=1) if b > a]
    return came, lines


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, 100_000), (0.5, 2000), (3.0, 2000), (10.0, 30)])
def test_lines_come_within_thirty_seconds_of_one_another_and_never_closely(seconds, steps):
    came, lines = lines_of(seconds, steps)
    gaps = [later - earlier for earlier, later in zip([0.0, *came], came, strict=False)]
    assert max(gaps) <= 30.0 and min(gaps) >= AT_LEAST - 1e-6
    assert lines[-1].startswith(f"work: step {steps:,} of {steps:,} (100 %), took ")


def test_work_of_two_minutes_has_a_line_every_five_percent():
    came, lines = lines_of(0.1, 1200)
    assert len(lines) == 20 and [round(time) for time in came] == [6 * number for number in range(1, 20)]


def test_short_work_has_no_line():
    assert lines_of(0.01, 400) == ([], [])


def test_a_line_says_where_the_work_is_and_how_long_it_still_takes():
    clock, file = Clock(), io.StringIO()
    with Lines(desc="predicting", total=3000, unit="person", initial=1000, file=file, clock=clock) as bar:
        clock.now += 21
        bar.set_postfix({"loss": "0.5"}, refresh=False)
        bar.update(500)
        clock.now += 4000
        bar.update(500)
    first, second = file.getvalue().splitlines()
    assert first == "predicting: person 1,500 of 3,000 (50 %), 1:03 left, loss 0.5"  # 500 in 21 s, 1,500 to come
    assert second == "predicting: person 2,000 of 3,000 (67 %), 1:07:01 left, loss 0.5"


def test_a_terminal_gets_a_bar_and_a_file_lines(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(progress(range(3), "work"), tqdm)
    assert list(progress(range(3), "work")) == [0, 1, 2] and re.search(r"work: 100%.*3/3", sys.stderr.getvalue())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress(range(3), "work"), Lines)
    hidden = progress(range(3), "work", shown=False)
    assert list(hidden) == [0, 1, 2] and sys.stderr.getvalue() == ""
