"""The compositional loss over all pairs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from heads.bones import joints_to_bones
from heads.losses import CompositionalLoss
from heads.pairs import ORIGIN, all_pairs
from heads.skeleton import MPII
from ief.benchmarks.timing import Bench, one_thread
from ief.benchmarks.workload import JOINTS, Workload

BATCH = 64


def benches(workload: Workload) -> Iterator[Bench]:
    """P_all, forward and backward, against a Python loop over the pairs."""
    pairs = all_pairs(MPII)
    std = 1 + torch.rand(len(pairs), 2, device=workload.device)
    loss = CompositionalLoss(MPII, pairs, std).to(workload.device)
    joints = workload.joints(BATCH)
    mask = torch.rand(BATCH, JOINTS, device=workload.device) > 0.1
    bones = joints_to_bones(workload.joints(BATCH), MPII).requires_grad_()

    def ours() -> Tensor:
        return torch.autograd.grad(loss(bones, joints, mask), bones)[0]

    def looped() -> Tensor:
        return torch.autograd.grad(loop_over_pairs(bones, joints, mask, std), bones)[0]

    with one_thread():
        yield Bench(f"loss, P_all, batch {BATCH}, forward and backward / loop over pairs", ours, looped, 50)


def loop_over_pairs(bones: Tensor, joints: Tensor, mask: Tensor, std: Tensor) -> Tensor:
    """The loss of P_all, a pair at a time: each walks up from both its ends to the root (shapes as in the loss)."""
    total = terms = 0
    for (u, v), deviation in zip(all_pairs(MPII), std, strict=True):
        predicted = true = torch.zeros_like(bones[:, 0])
        counts = torch.ones_like(mask[:, 0])
        for end, sign in ((u, -1), (v, 1)):
            if end == ORIGIN:
                continue
            predicted = predicted - sign * sum(bones[:, bone] for bone in MPII.ancestry[end])
            true = true + sign * joints[:, end]
            counts = counts & mask[:, end]
        term = ((predicted - true).abs() / deviation).sum(dim=1)
        total = total + torch.where(counts, term, 0)
        terms = terms + counts * bones.shape[-1]
    return (total / terms.clamp(min=1)).mean()
