import json

import pytest
import torch

from heads.bones import joints_to_bones
from heads.losses import CompositionalLoss
from heads.pairs import all_pairs
from heads.skeleton import MPII
from ief.benchmarks.loss import loop_over_pairs
from ief.benchmarks.memory import tensor_peak
from ief.benchmarks.timing import Bench, Figure, Measurement, measure
from ief.cli import main
from ief.commands.bench import GROUPS
from ief.model.heatmaps import render_heatmaps


def test_the_loss_equals_the_loop_that_it_is_timed_against():
    joints, mask = torch.rand(5, 16, 2) * 200, torch.rand(5, 16) > 0.3
    mask[0] = False
    pairs, std = all_pairs(MPII), 1 + torch.rand(136, 2)
    bones = joints_to_bones(torch.rand(5, 16, 2) * 200, MPII).requires_grad_()
    ours, floor = CompositionalLoss(MPII, pairs, std)(bones, joints, mask), loop_over_pairs(bones, joints, mask, std)
    torch.testing.assert_close(ours, floor, rtol=1e-4, atol=0)
    gradients = [torch.autograd.grad(loss, bones)[0] for loss in (ours, floor)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


def test_the_heatmaps_equal_the_dense_exponential_within_the_cut():
    joints = torch.rand(2, 16, 2) * 64
    pixels = torch.arange(64.0)
    squares = [(pixels - joints[..., axis, None]).square() for axis in (0, 1)]
    dense = torch.exp(-(squares[0].unsqueeze(-2) + squares[1].unsqueeze(-1)) / 8)
    near = (squares[0] <= 64).unsqueeze(-2) & (squares[1] <= 64).unsqueeze(-1)
    torch.testing.assert_close(render_heatmaps(joints, 64, 2.0), torch.where(near, dense, 0), rtol=1e-4, atol=1e-6)


def test_ours_and_the_floor_are_called_equally_often_where_they_take_equally_long():
    calls = []

    def wait(name):
        calls.append(name)
        torch.ones(300, 300) @ torch.ones(300, 300)

    measured = measure(Bench("a", lambda: wait("ours"), lambda: wait("floor"), 0.01), 3, torch.device("cpu"))
    assert len(measured.ours) == len(measured.floor) == 3 and measured.met
    assert calls.count("ours") > 3 and calls.count("floor") > 3


def test_a_bar_is_met_by_the_median_of_the_ratios_of_each_turn():
    measured = Measurement("a", 2.0, [1.0, 1.0, 5.0], [2.0, 2.5, 5.0])
    assert measured.ratios == [2.0, 2.5, 1.0] and measured.met
    assert not Measurement("a", 2.1, measured.ours, measured.floor).met
    assert "bar 2: met" in measured.line() and measured.to_json()["ratio"] == {"median": 2.0, "min": 1.0, "max": 2.5}
    assert Measurement("a", None, [1.0], [1.0]).met is None
    assert not Figure("peak", 9.0, "GB", 8.0).met and "MISSED" in Figure("peak", 9.0, "GB", 8.0).line()


def test_the_peak_of_memory_counts_what_is_alive_at_once():
    def work():
        kept = torch.empty(3_000_000, dtype=torch.uint8)
        for _ in range(3):
            torch.empty(5_000_000, dtype=torch.uint8)  # freed at once
        torch.empty(1_000_000, dtype=torch.uint8)
        return len(kept)

    assert tensor_peak(work, torch.device("cpu")) == pytest.approx(0.008, rel=0.01)


@pytest.mark.slow
def test_every_group_measures_at_a_small_size(tmp_path, capsys):
    out = tmp_path / "bench.json"
    small = ["--backbone", "resnet18", "--size", "32", "--batch", "2", "--turns", "1", "--device", "cpu"]
    assert main(["bench", *small, "--json", str(out)]) == 0
    written = json.loads(out.read_text())
    assert {line["group"] for line in written["benches"]} == set(GROUPS)
    assert all(line["ratio"]["median"] > 0 for line in written["benches"] if line["group"] != "memory")
    printed = capsys.readouterr().out
    assert all(line["name"] in printed for line in written["benches"])


def test_an_unknown_group_is_one_clear_line(capsys):
    assert main(["bench", "weather"]) == 2
    assert "unknown group 'weather'; choose from loss," in capsys.readouterr().err
