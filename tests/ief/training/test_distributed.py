"""Several ranks: one launch of `torchrun` does what the tests here look at."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import tiny_resnet
import torch
from processes import TORCHRUN, checkpoints_of, finish_here, train
from torch import nn

from checkpoints.tensors import load_tensors
from ief.cli import main
from ief.model.run_folder import stage_file
from ief.training import runtime
from ief.training.residuals import STATISTICS_STEP
from ief.training.runtime import Runtime, init_distributed, wrap_ddp
from ief.training.trainer import StageTrainer
from mpii_tools.prepared.batches import TrainingBatches

CPU = torch.device("cpu")
OPTIONS = ["--epochs", "1.5", "--lr", "0.003", "--perturb", "0.02", "--loss", "rle", "--color", "0.2"]


def network():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3, 2), nn.BatchNorm2d(4), nn.Flatten()
    return nn.Sequential(*layers).double()


def samples():
    return torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(1)).double() * 3 + 2


def two_steps(net, images):
    """With frozen statistics of the batch normalization: what ranks on a CPU share is the gradient."""
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        net(images).abs().mean().backward()
        optimizer.step()


def note_statistics(noted):
    """Write down what this process draws for statistics, without and with images, and what it goes on with."""
    draw, build = TrainingBatches.__call__, StageTrainer.build

    def count(batches, step, images=True):
        batch = draw(batches, step, images)
        noted["samples"][images] += len(batch.joints) if step >= STATISTICS_STEP else 0
        return batch

    def look(trainer, *start):
        build(trainer, *start)
        noted["statistics"] += [trainer.previous.mean_pose.tolist(), trainer.stage.mean.tolist()]

    TrainingBatches.__call__, StageTrainer.build = count, look


def as_one_of_several(path, *command):
    """What each process does when `torchrun` starts this file: two steps of a small network, then a training."""
    torch.set_num_threads(1)
    with init_distributed(CPU) as ranks:
        ours = Runtime(CPU, *ranks)
        assert ours.max(ours.rank) == 1 and ours.mean(torch.tensor(ours.rank * 3.0)) == 1.5
        assert ours.all_agree(7) and not ours.all_agree(ours.rank)
        net = network().eval()
        two_steps(wrap_ddp(net, ours), samples()[ours.rank :: ours.world_size])
        if ours.is_main:
            torch.save(net.state_dict(), path)
        runtime.init_distributed = lambda device: nullcontext(ranks)  # a process joins once
        note_statistics(noted := {"samples": [0, 0], "statistics": []})
        assert main(command) == 0
        Path(path).with_name(f"noted{ours.rank}.json").write_text(json.dumps(noted))


@pytest.fixture(scope="module")
def launched(tiny_data, tmp_path_factory):
    """A folder with `net.pt` and the run `two`, both from two ranks."""
    folder = tmp_path_factory.mktemp("ranks")
    command = [*TORCHRUN, __file__, folder / "net.pt", *train(tiny_data, folder / "two", *OPTIONS)[2:]]
    paths = [os.path.dirname(tiny_resnet.__file__), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "broadcast_buffers" not in done.stderr, done.stderr[-3000:]
    return folder


def test_two_ranks_with_half_a_batch_equal_one(launched):
    """In float64, where only a wrong formula could differ."""
    shared = torch.load(launched / "net.pt", weights_only=True)
    alone = network().eval()
    two_steps(alone, samples())
    torch.testing.assert_close(shared, dict(alone.state_dict()), rtol=1e-9, atol=1e-12)
    assert not torch.equal(shared["0.weight"], network().state_dict()["0.weight"])


def test_two_ranks_train_as_one_from_the_same_statistics(launched, tiny_data, tmp_path):
    """Statistics are equal; weights are not, on a CPU: each rank normalizes by its own share of the batch."""
    finish_here(train(tiny_data, tmp_path, *OPTIONS, "--stage", "0"))
    one, two = (load_tensors(stage_file(run, 0)) for run in (tmp_path, launched / "two"))
    assert two[1]["training"] == one[1]["training"]
    for name in ("mean", "std", "pair_std", "mean_pose"):
        assert torch.equal(one[0][name], two[0][name]), name
    start, end = (np.load(launched / "two" / f"predictions-valid{stage}.npz")["joints"] for stage in ("-mean_pose", ""))
    assert np.isfinite(end).all() and np.abs(end - start).max() > 1.0
    assert not checkpoints_of(launched / "two") and not checkpoints_of(launched / "two", 1)


def test_one_of_two_ranks_draws_the_statistics_once(launched):
    """24 people four times: 96 poses for y_0 and stage 0 together, 96 images for stage 1."""
    first, second = (json.loads((launched / f"noted{rank}.json").read_text()) for rank in range(2))
    assert (first["samples"], second["samples"]) == ([96, 96], [0, 0])
    assert first["statistics"] == second["statistics"] and len(first["statistics"]) == 4


def test_alone_nothing_is_wrapped():
    net = network()
    assert wrap_ddp(net, Runtime()) is net and Runtime().is_main and Runtime().all_agree(3)


@pytest.mark.parametrize("name", ["broadcast_buffers", "forward_sync_buffers"])
def test_each_torch_gets_the_option_that_it_has(monkeypatch, name):
    def before_2_13(module, device_ids=None, broadcast_buffers=True):
        return "broadcast_buffers", broadcast_buffers

    def since_2_13(module, device_ids=None, broadcast_buffers=None, forward_sync_buffers=None):
        assert broadcast_buffers is None  # which it warns of
        return "forward_sync_buffers", forward_sync_buffers

    ddp = before_2_13 if name == "broadcast_buffers" else since_2_13
    monkeypatch.setattr(nn.parallel, "DistributedDataParallel", ddp)
    assert wrap_ddp(network(), Runtime(world_size=2)) == (name, False)


if __name__ == "__main__":
    as_one_of_several(*sys.argv[1:])
