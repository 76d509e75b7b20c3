"""Damaged files of every kind: a few hundred always, 20,000 with `-m slow`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from campaign import make_input, run
from targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_reads_its_file_undamaged(name, tmp_path):
    """Else damage would be refused for another reason than the damage."""
    target = TARGETS[name]
    for other, data in target.beside().items():
        (tmp_path / other).write_bytes(data)
    target.write(tmp_path / target.file, target.fields())
    target.read(tmp_path / target.file)


def test_an_input_depends_on_target_and_number_alone(tmp_path):
    written = []
    for turn in range(2):
        (tmp_path / str(turn)).mkdir()
        names = [name for name in TARGETS if "npz" not in name and "tar" not in name and ".mat" not in name]
        written.append([make_input(TARGETS[name], tmp_path / str(turn), name, 4).read_bytes() for name in names])
    assert written[0] == written[1]


def test_a_few_hundred_damaged_files():
    outcomes, faults = run(list(TARGETS), 0, 12)
    assert not faults
    assert outcomes.total() == 12 * len(TARGETS) and outcomes["refused"] > outcomes["read"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_twenty_thousand_damaged_files(name):
    outcomes, faults = run([name], 0, -(-20_000 // len(TARGETS)))
    assert not faults
    assert outcomes["refused"]
