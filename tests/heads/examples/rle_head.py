"""An RLE head as in mmpose and Ultralytics: x, y and their sigmas of each joint; then sigmas of all pairs."""

import torch

import heads

joints = torch.rand(64, 17, 2) * 256
features = torch.rand(8, 512)  # of any backbone

# Their loss: x, y, sigma of x, sigma of y of every joint. P_joint has one pair, with the origin, per joint.
loss, codec = heads.compositional("coco17", joints, pairs="joint", loss=heads.ResidualLikelihood())
output = torch.nn.Linear(512, 17 * 4)(features).unflatten(-1, (17, 4))
value = loss(codec.decode(output[..., :2]), joints[:8], raw_sigma=output[..., 2:])

# Ours: as many sigmas as pairs.
loss, codec = heads.compositional("coco17", joints, pairs="all", loss=heads.ResidualLikelihood())
linear = torch.nn.Linear(512, 17 * 2 + len(loss.weights) * 2)
output, sigma = linear(features).split([17 * 2, len(loss.weights) * 2], dim=-1)
value = value + loss(codec.decode(output), joints[:8], raw_sigma=sigma.unflatten(-1, (-1, 2)))
value.backward()  # the flow learns with the network: give loss.parameters() to the optimizer, too
