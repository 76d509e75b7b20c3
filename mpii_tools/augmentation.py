"""Augmentation: one affine a sample, drawn, applied to the joints and to the uint8 crops, on any device.

Flip, rotation, scale and translation are one matrix about the crop's centre, so a sample is interpolated once and
its joints move by exactly the same map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# ImageNet's mean and std of RGB in [0, 1], as torchvision's and Caffe-derived weights expect them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the uniform draws (Section 5 of the paper: +-2 %, +-25 %, +-30 degrees, flip).

    Attributes:
        translation: fraction of the crop's side, each way and axis.
        scale: the zoom is 1 +- this.
        rotation: degrees, each way.
        flip: probability of a mirror image.
    """

    translation: float = 0.02
    scale: float = 0.25
    rotation: float = 30.0
    flip: float = 0.5


NONE = Augmentation(0.0, 0.0, 0.0, 0.0)


def draw_affines(augmentation: Augmentation, count: int, size: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random affines from crop pixels to augmented crop pixels, about the crop's centre.

    Args:
        size: side of the crop in pixels.
        draw: source of randomness, on the CPU.

    Returns:
        matrices (count, 2, 3) float64; flipped (count,) bool.
    """

    def uniform(reach: float, *shape: int) -> Tensor:
        return (2 * torch.rand(count, *shape, generator=draw, dtype=torch.float64) - 1) * reach

    angle = uniform(math.radians(augmentation.rotation))
    zoom = 1 + uniform(augmentation.scale)
    shift = uniform(augmentation.translation * size, 2)
    flipped = torch.rand(count, generator=draw) < augmentation.flip
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    mirror = torch.where(flipped, -1.0, 1.0).double()
    linear = torch.stack([cos * mirror, -sin, sin * mirror, cos], dim=-1).view(count, 2, 2)
    centre = torch.full((2, 1), (size - 1) / 2, dtype=torch.float64)
    return torch.cat([linear, centre - linear @ centre + shift.unsqueeze(-1)], dim=-1), flipped


def move_joints(joints: Tensor, matrices: Tensor, flipped: Tensor, flip_permutation: Sequence[int]) -> Tensor:
    """The joints (B, K, 2) of augmented crops; where a crop is mirrored, left and right change names.

    Args:
        joints: (B, K, 2) crop pixels; NaN stays NaN.
        matrices: (B, 2, 3) from `draw_affines`.
        flipped: (B,) bool.
        flip_permutation: each joint's mirror image.
    """
    matrices = matrices.to(joints)
    moved = joints @ matrices[:, :, :2].transpose(1, 2) + matrices[:, None, :, 2]
    return torch.where(flipped.view(-1, 1, 1).to(joints.device), moved[:, list(flip_permutation)], moved)


def sample_crops(crops: Tensor, matrices: Tensor, size: int, border: int) -> Tensor:
    """The normalised network input of augmented crops: one bilinear sampling a sample, one batch a call.

    Args:
        crops: (B, S, S, 3) uint8 ready crops, S = size + 2 border: the crop and a margin for augmentation.
        matrices: (B, 2, 3) from crop pixels to augmented crop pixels.
        size: side of the network's input.

    Returns:
        (B, 3, size, size) float32, RGB normalised by ImageNet's mean and std, channels last in memory; 0 (the mean
        colour) where the margin ends.
    """
    images = normalise_crops(crops)
    return F.grid_sample(images, _sampling_grid(matrices, size, border).to(images), align_corners=True)


def centre_crops(crops: Tensor, border: int) -> Tensor:
    """The normalised network input (B, 3, S - 2 border, S - 2 border) without augmentation: a plain slice."""
    end = crops.shape[1] - border
    return normalise_crops(crops[:, border:end, border:end])


def normalise_crops(crops: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float32, ImageNet's mean and std, channels last in memory."""
    mean = torch.tensor(MEAN, device=crops.device) * 255
    std = torch.tensor(STD, device=crops.device) * 255
    return ((crops.float() - mean) / std).permute(0, 3, 1, 2)


def _sampling_grid(matrices: Tensor, size: int, border: int) -> Tensor:
    """(B, size, size, 2) sampling positions in the ready crop, in grid_sample's units (-1 and 1 at pixel centres)."""
    linear = torch.linalg.inv(matrices[:, :, :2])
    offset = -linear @ matrices[:, :, 2:] + border
    # Pixels p = (g + 1) (n - 1) / 2 on both sides, n the side of the input and of the ready crop.
    half, ready_half = (size - 1) / 2, (size + 2 * border - 1) / 2
    centre = torch.full((2, 1), half, dtype=matrices.dtype)
    theta = torch.cat([linear * half, linear @ centre + offset - ready_half], dim=-1) / ready_half
    return F.affine_grid(theta, [len(matrices), 3, size, size], align_corners=True)
