"""Heatmaps whose soft-argmax is trained by the compositional loss of joints (integral regression)."""

import torch

import heads

size, stride = 64, 4
joints = torch.rand(32, 16, 2) * size * stride  # pixels of the input
joints[0, 3] = torch.nan  # not annotated
loss = heads.CompositionalLoss.fit("mpii", joints, pairs="all")

heatmaps = torch.zeros(8, 16, size, size, requires_grad=True)  # what any network gives
share = heatmaps.flatten(2).softmax(dim=-1).view_as(heatmaps)
cells = torch.arange(size) * stride + (stride - 1) / 2
poses = torch.stack([share.sum(dim=2) @ cells, share.sum(dim=3) @ cells], dim=-1)  # (8, 16, 2) x, y in pixels
value = loss(poses, joints[:8])
value.backward()
