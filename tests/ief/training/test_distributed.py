import subprocess
import sys

import pytest
import torch
from torch import nn

from checkpoints.errors import PoseError
from ief.training.distributed import Processes, choose_device, joined_processes, wrap

CPU = torch.device("cpu")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3, 2), nn.BatchNorm2d(4), nn.Flatten()
    ).double()


def samples():
    return torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(1)).double() * 3 + 2


def two_steps(net, images):
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        net(images).abs().mean().backward()
        optimizer.step()


def as_one_of_several(path):
    """What each process of the job does when `torchrun` starts this file."""
    torch.set_num_threads(1)
    with joined_processes(CPU) as processes:
        assert processes.largest(processes.rank, CPU) == 1 and processes.mean(torch.tensor(processes.rank * 3.0)) == 1.5
        net = network()
        two_steps(wrap(net, CPU, processes).train(), samples()[processes.rank :: processes.count])
        if processes.first:
            torch.save(net.state_dict(), path)


def test_two_processes_with_half_a_batch_each_equal_one_with_the_whole(tmp_path):
    """Gradients, batch statistics and running statistics, in float64, where only a wrong formula could differ."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launcher, __file__, tmp_path / "net.pt"], check=True, capture_output=True, timeout=120)
    spread = torch.load(tmp_path / "net.pt", weights_only=True)
    alone = network().train()
    two_steps(alone, samples())
    assert set(spread) == set(alone.state_dict())
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(spread[name], tensor, rtol=1e-9, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")


def test_alone_nothing_is_wrapped():
    net = network()
    assert wrap(net, CPU, Processes()) is net and Processes().first
    with joined_processes(CPU) as processes:
        assert processes == Processes(0, 1)


def test_the_device_is_the_named_one():
    assert choose_device("cpu") == CPU
    with pytest.raises(PoseError, match=r"--device abacus: cannot be used .* choose cpu"):
        choose_device("abacus")


if __name__ == "__main__":
    as_one_of_several(sys.argv[1])
