"""Augmentation of what a crop looks like: its colors, and a rectangle that hides a part of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mpii_tools.prepared.ranges import Augmentation

OCCLUDER = (0.1, 0.4)  # smallest and largest side of the rectangle / side of the crop


@dataclass(frozen=True)
class Appearance:
    """How B normalized crops change.

    Attributes:
        gain, offset: (B, 3), of the channels: x becomes gain * x + offset.
        boxes: (B, 4) left, top, right, bottom in crop pixels of what is hidden; empty if right <= left.
    """

    gain: Tensor
    offset: Tensor
    boxes: Tensor


def draw_appearances(augmentation: Augmentation, count: int, size: int, rng: torch.Generator) -> Appearance:
    """Random changes of `count` crops of side `size`.

    Contrast and brightness change by up to `augmentation.color`, each channel by half as much again; with
    probability `augmentation.occlusion` a rectangle is hidden.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=rng)

    color = augmentation.color
    gain = (1 + uniform(-color, color, 1)) * (1 + uniform(-color / 2, color / 2, 3))
    offset = uniform(-color, color, 1) + uniform(-color / 2, color / 2, 3)
    sides, place = uniform(*OCCLUDER, 2) * size, uniform(0, 1, 2)
    start = place * (size - sides)
    hidden = torch.rand(count, 1, generator=rng) < augmentation.occlusion
    boxes = torch.where(hidden, torch.cat([start, start + sides], dim=1), 0)
    return Appearance(gain, offset, boxes)


def change_appearance(images: Tensor, appearance: Appearance) -> Tensor:
    """Apply `appearance` to the crops, in place; what is hidden becomes 0, the mean color.

    Args:
        images: (B, 3, n, n) normalized by ImageNet's mean and std.
    """

    def on_device(values: Tensor, *shape: int) -> Tensor:
        return values.to(images.device, non_blocking=True).view(-1, *shape)

    images.mul_(on_device(appearance.gain, 3, 1, 1)).add_(on_device(appearance.offset, 3, 1, 1))
    pixels = torch.arange(images.shape[-1], device=images.device)
    left, top, right, bottom = (on_device(side, 1) for side in appearance.boxes.unbind(dim=1))
    columns, rows = (pixels >= left) & (pixels < right), (pixels >= top) & (pixels < bottom)
    return images.masked_fill_((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), 0.0)
