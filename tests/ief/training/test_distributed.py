import subprocess
import sys

import pytest
import torch
from torch import nn

from checkpoints.errors import PoseError
from ief.model.device import choose_device
from ief.training.distributed import DistContext, init_distributed, wrap_ddp

CPU = torch.device("cpu")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3, 2), nn.BatchNorm2d(4), nn.Flatten()
    ).double()


def samples():
    return torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(1)).double() * 3 + 2


def two_steps(net, images):
    """With frozen statistics of the batch normalization: what ranks on a CPU share is the gradient."""
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        net(images).abs().mean().backward()
        optimizer.step()


def as_one_of_several(path):
    """What each process does when `torchrun` starts this file."""
    torch.set_num_threads(1)
    with init_distributed(CPU) as dist:
        assert dist.max(dist.rank, CPU) == 1 and dist.mean(torch.tensor(dist.rank * 3.0)) == 1.5
        assert dist.all_agree(7, CPU) and not dist.all_agree(dist.rank, CPU)
        net = network().eval()
        two_steps(wrap_ddp(net, CPU, dist), samples()[dist.rank :: dist.world_size])
        if dist.is_main:
            torch.save(net.state_dict(), path)


def test_two_ranks_with_half_a_batch_each_equal_one_with_the_whole(tmp_path):
    """In float64, where only a wrong formula could differ."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launcher, __file__, tmp_path / "net.pt"], check=True, capture_output=True, timeout=120)
    shared = torch.load(tmp_path / "net.pt", weights_only=True)
    alone = network().eval()
    two_steps(alone, samples())
    assert set(shared) == set(alone.state_dict())
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(shared[name], tensor, rtol=1e-9, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")
    start = network().state_dict()
    assert not torch.equal(shared["0.weight"], start["0.weight"])


def test_alone_nothing_is_wrapped():
    net = network()
    assert wrap_ddp(net, CPU, DistContext()) is net and DistContext().is_main
    assert DistContext().all_agree(3, CPU)
    with init_distributed(CPU) as dist:
        assert dist == DistContext(0, 1)


def test_the_device_is_the_named_one():
    assert choose_device("cpu") == CPU
    with pytest.raises(PoseError, match=r"--device abacus: cannot be used .* choose cpu"):
        choose_device("abacus")


if __name__ == "__main__":
    as_one_of_several(sys.argv[1])
