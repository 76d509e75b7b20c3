"""The loss of P_all against a Python loop over its pairs, forward and backward: `python tests/benchmarks/loss.py`."""

from functools import partial

import torch

from heads.bones import joints_to_bones
from heads.losses import CompositionalLoss
from heads.pairs import ORIGIN, all_pairs
from heads.skeleton import MPII
from ief.benchmarks.timing import line
from ief.benchmarks.workload import JOINTS, Workload

PARTS_BATCH, PAIRS = 64, all_pairs(MPII)


def loss(workload):
    """P_all, forward and backward, against a Python loop over the pairs."""
    name = f"loss, P_all, batch {PARTS_BATCH}, forward and backward / loop over pairs"
    yield workload.compare(name, *losses(workload, PARTS_BATCH), 50)


def losses(workload, batch_size):
    """The gradient of the loss of a random batch: by `CompositionalLoss`, and by `loop_over_pairs`."""
    std = 1 + torch.rand(len(PAIRS), 2, device=workload.device)
    poses, gt = (workload.size * torch.rand(batch_size, JOINTS, 2, device=workload.device) for _ in range(2))
    bones, mask = joints_to_bones(poses, MPII).requires_grad_(), torch.rand(gt.shape[:2], device=workload.device) > 0.1
    of_batch = [CompositionalLoss(MPII, PAIRS, std).to(workload.device), partial(loop_over_pairs, std=std)]
    return [lambda loss=loss: torch.autograd.grad(loss(bones, gt, mask), bones)[0] for loss in of_batch]


def loop_over_pairs(bones, gt, mask, std):
    """The loss of P_all, pair by pair: each walks up from both its ends to the root (shapes as in the loss)."""
    total = terms = 0
    for (u, v), scale in zip(PAIRS, std, strict=True):
        error, counts = torch.zeros_like(bones[:, 0]), torch.ones_like(mask[:, 0])
        for end, sign in ((u, -1), (v, 1)):
            if end != ORIGIN:
                error = error - sign * sum(bones[:, bone] for bone in MPII.ancestry[end]) - sign * gt[:, end]
                counts = counts & mask[:, end]
        total = total + torch.where(counts, (error.abs() / scale).sum(dim=1), 0)
        terms = terms + counts * bones.shape[-1]
    return (total / terms.clamp(min=1)).mean()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for result in loss(Workload(torch.device("cpu"))):
        print(line(result))
