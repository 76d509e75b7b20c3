import json

import pytest
import torch

from ief.benchmarks.timing import line, measure, summarize
from ief.cli import main
from ief.commands.bench import GROUPS

CPU = torch.device("cpu")


def test_both_sides_are_called_equally_often():
    calls = []

    def work(name):
        calls.append(name)
        torch.ones(300, 300) @ torch.ones(300, 300)

    times = measure((lambda: work("ours"), lambda: work("baseline")), 3, CPU)
    assert [len(times), *map(len, times)] == [3, 2, 2, 2] and min(map(min, times)) > 0
    assert summarize("a", times, 0.01)["met"]
    assert calls.count("ours") > 3 and calls.count("baseline") > 3


def test_a_target_is_met_by_the_median_ratio():
    times = [(1.0, 2.0), (1.0, 2.5), (5.0, 5.0)]
    result = summarize("a", times, 2.0)
    assert result["ratio"] == {"median": 2.0, "min": 1.0, "max": 2.5} and result["met"] and result["rounds"] == 3
    assert not summarize("a", times, 2.1)["met"] and summarize("a", times, None)["met"] is None
    assert "target 2: met" in line(result) and "target" not in line(summarize("a", times, None))


@pytest.mark.slow
def test_every_group_measures_at_a_small_size(tmp_path, capsys):
    out = tmp_path / "bench.json"
    small = ["--backbone", "resnet18", "--size", "32", "--batch-size", "2", "--rounds", "1", "--device", "cpu"]
    assert main(["bench", *small, "--json", str(out)]) == 0
    written = json.loads(out.read_text())
    assert {result["group"] for result in written["benches"]} == set(GROUPS)
    assert all(result["ratio"]["median"] > 0 for result in written["benches"])
    printed = capsys.readouterr().out
    assert all(result["name"] in printed for result in written["benches"])
