"""Bones regressed by a network of timm, under the compositional loss of all pairs."""

import timm
import torch

import heads

people = torch.rand(64, 17, 3)  # x, y in pixels and COCO's visibility
joints, visible = people[..., :2] * 224, people[..., 2] > 0.2
loss, codec = heads.compositional("coco17", joints, visible, pairs="all")

network = timm.create_model("mobilenetv4_conv_small", num_classes=17 * 2)
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
images = torch.rand(8, 3, 224, 224)
for _ in range(2):
    value = loss(codec.decode(network(images)), joints[:8], visible[:8])
    optimizer.zero_grad()
    value.backward()
    optimizer.step()

poses = codec.decode(network.eval()(images))  # (8, 17, 2) pixels
