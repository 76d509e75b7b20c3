"""Damaged files of every kind: a few hundred always, 20,000 with `-m slow`."""

import sys
import time
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from campaign import SECONDS, feed, limited, make_input, run
from targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_reads_its_file_undamaged(name, tmp_path):
    """Else damage would be refused for another reason than the damage."""
    target = TARGETS[name]
    for other, data in target.beside().items():
        (tmp_path / other).write_bytes(data)
    target.write(tmp_path / target.file, target.fields())
    target.read(tmp_path / target.file)


def test_an_input_depends_on_target_and_number_alone(tmp_path, monkeypatch):
    """Not on the clock either: gzip streams, archives and .mat files carry the time of their writing."""
    written = []
    for seconds in (1.7e9, 1.7e9 + 60):
        (folder := tmp_path / str(seconds)).mkdir()
        monkeypatch.setattr(time, "time", lambda seconds=seconds: seconds)
        written.append({name: make_input(target, folder, name, 4).read_bytes() for name, target in TARGETS.items()})
    assert not [name for name in TARGETS if written[0][name] != written[1][name]]


def test_a_few_hundred_damaged_files():
    """In this process, which has imported what the readers need; the slow test's inputs get a child of their own."""
    outcomes = Counter()
    with limited():
        for name in TARGETS:
            for number in range(12):
                started = time.process_time()
                outcome = feed(name, number)
                assert outcome in ("read", "refused") and time.process_time() - started < SECONDS, (name, number)
                outcomes[outcome] += 1
    assert outcomes["refused"] > outcomes["read"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_twenty_thousand_damaged_files(name):
    outcomes, faults = run([name], 0, -(-20_000 // len(TARGETS)))
    assert not faults and outcomes["refused"]
