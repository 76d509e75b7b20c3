"""The loss as a part of somebody else's program: a small network, a loop of its own, drawn people.

`python tests/benchmarks/loss_elsewhere.py [STEPS] [SEEDS]`: people of 64 px are MPII's poses in lines, of which a
rectangle is hidden. One network is trained under each loss, from the same weights on the same images. Printed are the
share of joints within half a head's length and the joint error in pixels, of new people, means over the seeds; and the
same less what the loss of joints gives, with 95 % confidence intervals over people.
"""

import sys
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import nn

import heads
from mpii_tools.people import CENTER_SHIFT, CROP_SIDE
from mpii_tools.synthetic.pose_prior import HEAD_LENGTH, sample_poses

SIZE, BATCH, LR, TRAIN, VALID = 64, 32, 1e-3, 4000, 1000
HALF_HEAD = HEAD_LENGTH * SIZE / CROP_SIDE / 2
COLORS = {"right": (220, 60, 60), "left": (60, 60, 220), "center": (60, 200, 60)}
LOSSES = {  # representation, pairs, share of the origin's pairs
    "joints, P_joint": ("joints", "joint", None),
    "joints, P_all": ("joints", "all", None),
    "joints, P_all, half on the origin's pairs": ("joints", "all", 0.5),
    "bones, P_joint": ("bones", "joint", None),
    "bones, P_all": ("bones", "all", None),
    "bones, P_all, half on the origin's pairs": ("bones", "all", 0.5),
}


def draw(count, seed):
    """Images (count, 3, n, n) and the joints (count, 16, 2) of people, pixels."""
    rng, images = np.random.default_rng(seed), np.empty((count, SIZE, SIZE, 3), np.uint8)
    poses = (sample_poses(rng, count) - [0, CENTER_SHIFT]) * (SIZE / CROP_SIDE) + (SIZE - 1) / 2
    for image, pose in zip(images, poses, strict=True):
        image[:] = rng.integers(0, 256, 3) // 2 + rng.integers(0, 64, image.shape)
        for joint, parent in enumerate(heads.MPII.parents):
            ends = [(16 * pose[end]).astype(int).tolist() for end in (joint, parent if parent >= 0 else joint)]
            color = np.add(COLORS[heads.MPII.sides[joint]], rng.integers(-60, 35, 3))
            cv2.line(image, *ends, color.tolist(), int(rng.integers(1, 4)), cv2.LINE_AA, 4)
        x, y = rng.integers(0, SIZE - 16, 2)
        image[y : y + rng.integers(4, 24), x : x + rng.integers(4, 24)] = rng.integers(0, 256, 3)
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 64 - 2, torch.from_numpy(poses).float()


def build_network():
    """Five convolutions and a linear layer."""
    widths = (3, 16, 32, 64, 128, 128)
    layers = [
        part
        for one, two in pairwise(widths)
        for part in (nn.Conv2d(one, two, 3, 2, 1, bias=False), nn.BatchNorm2d(two), nn.ReLU())
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 128, 16 * 2))


def train(name, images, joints, new, steps, seed):
    """One network under one loss; its poses (N, 16, 2) of new images."""
    representation, pairs, share = LOSSES[name]
    loss, codec = heads.compositional("mpii", joints, None, pairs, representation=representation, origin_share=share)
    torch.manual_seed(seed)
    network = build_network()
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, steps)
    for _ in range(steps):
        rows = torch.randint(len(images), (BATCH,))
        value = loss(codec.decode(network(images[rows])), joints[rows])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return torch.cat([codec.decode(network.eval()(part)) for part in new.split(100)]).numpy()


def interval(values):
    """The mean of (seeds, people, joints), and its 95 % confidence interval over people."""
    people = values.mean(axis=(0, 2))
    drawn = people[np.random.default_rng(0).integers(0, len(people), (2000, len(people)))].mean(axis=1)
    return people.mean(), *np.percentile(drawn, (2.5, 97.5))


if __name__ == "__main__":
    steps, seeds = (int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((1, 600), (2, 3)))
    (images, joints), (new, truth) = draw(TRAIN, 0), draw(VALID, 1)
    baseline = None
    for name in LOSSES:
        poses = np.stack([train(name, images, joints, new, steps, seed) for seed in range(seeds)])
        error = np.linalg.norm(poses - truth.numpy(), axis=-1)
        values = (100.0 * (error < HALF_HEAD), error)
        baseline = baseline or values
        cells = [f"{one.mean():.2f}" for one in values]
        cells += [
            "{:+.2f} [{:+.2f}, {:+.2f}]".format(*interval(one - two)) for one, two in zip(values, baseline, strict=True)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
