import json
import subprocess
import time
from contextlib import contextmanager, nullcontext
from itertools import count

import pytest
import torch

from checkpoints.errors import PoseError
from heads.bones import joints_to_bones
from heads.losses import CompositionalLoss
from heads.skeleton import MPII
from ief.benchmarks import training, waiting
from ief.benchmarks.timing import line, measure, summarize
from ief.benchmarks.workload import PAIRS, Workload
from ief.cli import main
from ief.commands.bench import GROUPS

CPU = torch.device("cpu")


def test_the_loss_equals_the_loop_that_it_is_timed_against():
    joints, mask = torch.rand(5, 16, 2) * 200, torch.rand(5, 16) > 0.3
    mask[0] = False
    std, bones = 1 + torch.rand(136, 2), joints_to_bones(torch.rand(5, 16, 2) * 200, MPII).requires_grad_()
    ours = CompositionalLoss(MPII, PAIRS, std)(bones, joints, mask)
    baseline = training.loop_over_pairs(bones, joints, mask, std)
    torch.testing.assert_close(ours, baseline, rtol=1e-4, atol=0)
    gradients = [torch.autograd.grad(loss, bones)[0] for loss in (ours, baseline)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


class Comparing(Workload):
    """Checks that ours and the baseline give the same, in place of their time."""

    def compare(self, name, ours, baseline, target=None):
        torch.testing.assert_close(ours(), baseline(), rtol=1e-3, atol=1e-3)
        return {"name": name}


@pytest.mark.parametrize("group", [training.loss, training.heatmaps])
def test_ours_and_the_baseline_compute_the_same(group):
    assert len(list(group(Comparing(CPU, size=32)))) == 1


def test_ours_and_the_baseline_are_called_equally_often_if_they_take_equally_long():
    calls = []

    def work(name):
        calls.append(name)
        torch.ones(300, 300) @ torch.ones(300, 300)

    times = measure((lambda: work("ours"), lambda: work("baseline")), 3, CPU)
    assert [len(times), *map(len, times)] == [3, 2, 2, 2] and min(map(min, times)) > 0
    assert summarize("a", times, 0.01)["met"]
    assert calls.count("ours") > 3 and calls.count("baseline") > 3


def test_a_target_is_met_by_the_median_of_the_ratios_of_each_round():
    times = [(1.0, 2.0), (1.0, 2.5), (5.0, 5.0)]
    result = summarize("a", times, 2.0)
    assert result["ratio"] == {"median": 2.0, "min": 1.0, "max": 2.5} and result["met"] and result["rounds"] == 3
    assert not summarize("a", times, 2.1)["met"] and summarize("a", times, None)["met"] is None
    assert "target 2: met" in line(result) and "target" not in line(summarize("a", times, None))
    peak = {"name": "peak", "value": 9.0, "unit": "GB", "target": 8.0, "met": False}
    assert "9.000 GB" in line(peak) and "target 8: MISSED" in line(peak)


def test_the_peak_of_memory_counts_what_is_alive_at_once():
    def work():
        kept = torch.empty(3_000_000, dtype=torch.uint8)
        for _ in range(3):
            torch.empty(5_000_000, dtype=torch.uint8)  # freed at once
        torch.empty(1_000_000, dtype=torch.uint8)
        return len(kept)

    assert training.peak_memory(work, CPU) == pytest.approx(0.008, rel=0.01)


def test_memory_is_measured_for_both_presets_and_the_papers_has_a_target(monkeypatch):
    monkeypatch.setattr(training, "peak_memory", lambda work, device: 8.5)
    results = list(training.memory(Workload(CPU)))
    assert [(result["target"], result["met"]) for result in results] == [(None, None)] * 2 + [
        (8.0, False),
        (None, None),
    ]


def test_each_way_to_wait_is_compared_with_the_default_in_the_same_round(monkeypatch):
    """Workers that answer with the number of the question, as a machine that slows down would."""
    asked, numbers, beside = [], count(1), []

    @contextmanager
    def busy(number):
        beside.append(number)
        yield

    def ask(name, work):
        asked.append((name, work))
        return float(next(numbers))

    names = iter(waiting.WAYS)
    monkeypatch.setattr(waiting, "worker", lambda workload, way: nullcontext(next(names)))
    monkeypatch.setattr(waiting, "ask", ask)
    monkeypatch.setattr(waiting, "busy", busy)
    results = list(waiting.waiting(Workload(CPU, rounds=2)))
    assert beside == [0, 0, 1, 1, 2, 2] and len(results) == 12
    assert [name for name, _ in asked[:6]] == [*waiting.WAYS] * 2
    assert [work for _, work in asked[:12]] == ["training step"] * 6 + ["forward"] * 6
    assert results[0]["name"] == "training step, resnet50, batch 8, 0 busy beside, passive / default"
    assert results[0]["ratio"] == {"median": (1 / 2 + 4 / 5) / 2, "min": 1 / 2, "max": 4 / 5}


@pytest.mark.slow
def test_a_worker_waits_as_it_is_told_and_not_as_its_user_or_the_program_chose(monkeypatch, capfd):
    """libgomp itself tells how it waits."""
    monkeypatch.setenv("OMP_DISPLAY_ENV", "verbose")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    workload = Workload(CPU, "resnet18", 32, 2)
    with waiting.worker(workload, {"GOMP_SPINCOUNT": "123"}) as process:
        assert waiting.ask(process, "forward") > 0
    assert process.returncode == 0
    told = capfd.readouterr().err
    if "GOMP_SPINCOUNT" not in told:
        pytest.skip("this torch runs on another OpenMP than GNU's")
    assert "GOMP_SPINCOUNT = '123'" in told and "POLICY = 'ACTIVE'" not in told
    with pytest.raises(PoseError, match="ended with status"), waiting.worker(Workload(CPU, "no_such", 32, 2), {}):
        pass


def test_busy_processes_are_busy_and_end(monkeypatch):
    started, popen = [], subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **kwargs: started.append(popen(*args, **kwargs)) or started[-1]
    )
    with waiting.busy(2):
        time.sleep(0.3)
        assert len(started) == 2 and all(process.poll() is None for process in started)
    assert all(process.returncode is not None for process in started)


@pytest.mark.slow
def test_every_group_measures_at_a_small_size(tmp_path, capsys):
    out = tmp_path / "bench.json"
    small = ["--backbone", "resnet18", "--size", "32", "--batch-size", "2", "--rounds", "1", "--device", "cpu"]
    assert main(["bench", *small, "--json", str(out)]) == 0
    written = json.loads(out.read_text())
    assert {result["group"] for result in written["benches"]} == set(GROUPS)
    assert all(result["ratio"]["median"] > 0 for result in written["benches"] if result["group"] != "memory")
    printed = capsys.readouterr().out
    assert all(result["name"] in printed for result in written["benches"])


def test_an_unknown_group_is_one_clear_line(capsys):
    assert main(["bench", "weather"]) == 2
    assert "unknown group 'weather'; choose from loss," in capsys.readouterr().err
