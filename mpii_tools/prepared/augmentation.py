"""Augmentation: one random affine per sample, applied to the joints and to the uint8 crops, on any device.

Flip, rotation, scale and translation are one matrix about the crop's center, so a sample is interpolated once and
its joints move by exactly the same map. What a crop looks like changes after it: colors, and a rectangle that hides.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from mpii_tools.crops import apply_affine
from mpii_tools.prepared.ranges import Augmentation

# ImageNet's mean and std of RGB in [0, 1], as torchvision's and Caffe-derived weights expect them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
LOWER_BODY = ("pelvis", "hip", "knee", "ankle", "heel", "foot", "toe")  # parts of the names of its joints
ROOM, MAX_ZOOM = 1.25, 3.0  # side of the crop / twice the half body's reach from its center; pixels are not made up
OCCLUDER = (0.1, 0.4)  # smallest and largest side of the rectangle that hides / side of the crop


def draw_affines(augmentation: Augmentation, count: int, size: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random affines from crop pixels to augmented crop pixels, about the crop's center.

    Args:
        size: side of the crop in pixels.
        rng: on the CPU.

    Returns:
        matrices (count, 2, 3) float64; flipped (count,) bool.
    """

    def uniform(reach: float, *shape: int) -> Tensor:
        return (2 * torch.rand(count, *shape, generator=rng, dtype=torch.float64) - 1) * reach

    angle = uniform(math.radians(augmentation.rotation))
    zoom = 1 + uniform(augmentation.scale)
    shift = uniform(augmentation.translation * size, 2)
    flipped = torch.rand(count, generator=rng) < augmentation.flip
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    mirror = torch.where(flipped, -1.0, 1.0).double()
    linear = torch.stack([cos * mirror, -sin, sin * mirror, cos], dim=-1).view(count, 2, 2)
    center = torch.full((2, 1), (size - 1) / 2, dtype=torch.float64)
    return torch.cat([linear, center - linear @ center + shift.unsqueeze(-1)], dim=-1), flipped


def zoom_half_bodies(joints: Tensor, lower: Tensor, probability: float, size: int, draws: Tensor) -> Tensor:
    """Affines that let the upper or the lower half of a body fill the crop, as HRNet's and mmpose's training does.

    Who has fewer than half of the joints, or two or fewer in that half, stays whole.

    Args:
        joints: (B, K, D) x, y in crop pixels, NaN if not annotated.
        lower: (K,) bool, the joints of the lower half.
        probability: of a half.
        size: side of the crop in pixels.
        draws: (B, 2) from 0 to 1: whether a half, and which.

    Returns:
        (B, 2, 3) float64 from crop pixels to the half body's, the identity for who stays whole.
    """
    joints = joints[..., :2].double()
    known = joints.isfinite().all(dim=-1)
    half = torch.where(draws[:, 1:] < 0.5, lower, ~lower) & known
    few = (half.sum(dim=1) <= 2) | (2 * known.sum(dim=1) < len(lower))
    there = half.unsqueeze(-1)
    center = torch.where(there, joints, 0).sum(dim=1) / half.sum(dim=1, keepdim=True).clamp(min=1)
    reach = torch.where(there, (joints - center.unsqueeze(1)).abs(), 0).amax(dim=(1, 2))
    zoom = (size / (2 * ROOM * reach)).clamp(1, MAX_ZOOM)
    zoom = torch.where(few | (draws[:, 0] >= probability), 1, zoom).view(-1, 1, 1)
    shift = torch.where(zoom == 1, 0, (size - 1) / 2 - zoom * center.unsqueeze(-1))
    return torch.cat([zoom * torch.eye(2, dtype=torch.float64), shift], dim=-1)


def move_joints(joints: Tensor, matrices: Tensor, flipped: Tensor, flip_permutation: Sequence[int]) -> Tensor:
    """The joints (B, K, D) of augmented crops; in a mirrored crop, left and right change names. Depth stays.

    Args:
        joints: (B, K, D) x, y in crop pixels, z in mm; NaN stays NaN.
        matrices: (B, 2, 3) from `draw_affines`.
        flipped: (B,) bool.
        flip_permutation: each joint's mirror image.
    """
    moved = apply_affine(matrices.to(joints), joints)
    return torch.where(flipped.view(-1, 1, 1).to(joints.device), moved[:, list(flip_permutation)], moved)


def sample_crops(crops: Tensor, matrices: Tensor, size: int, border: int) -> Tensor:
    """The normalized network input of augmented crops: one bilinear interpolation per sample, on the crops' device.

    Args:
        crops: (B, S, S, 3) uint8 preprocessed crops, S = size + 2 border: the crop and a margin for augmentation.
        matrices: (B, 2, 3) from crop pixels to augmented crop pixels, on the CPU.
        size: side of the network's input.

    Returns:
        (B, 3, size, size) float32, RGB normalized by ImageNet's mean and std, channels last in memory; 0 (the mean
        color) beyond the margin.
    """
    linear, half = torch.linalg.inv(matrices[:, :, :2]), (size + 2 * border - 1) / 2
    # From augmented crop pixels to the preprocessed crop, whose corner pixels are -1 and 1.
    theta = torch.cat([linear / half, (border - linear @ matrices[:, :, 2:]) / half - 1], dim=-1)
    theta = theta.to(crops.device, torch.float32, non_blocking=True)
    images = torch.empty((len(crops), 3, size, size), device=crops.device, memory_format=torch.channels_last)
    # One by one on a CPU: what a sample goes through stays in its cache, which halves the time.
    step = len(crops) if crops.is_cuda else 1
    for start in range(0, len(crops), step):
        rows = slice(start, start + step)
        images[rows] = F.grid_sample(
            normalize_crops(crops[rows]), _sampling_grid(theta[rows], size), align_corners=True
        )
    return images


def normalize_crops(crops: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float32, ImageNet's mean and std, channels last in memory."""
    factor, offset = _row_normalization(crops.shape[2], crops.device)
    # Whole rows at a time: three values per pixel are too few for vector instructions.
    return torch.addcmul(offset, crops.flatten(2).float(), factor).view(crops.shape).permute(0, 3, 1, 2)


@lru_cache(maxsize=8)  # making them again would halt a GPU's queue at every batch
def _row_normalization(width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Factor and offset, (3 width,) each, that normalize a row of RGB pixels."""
    mean, std = torch.tensor(MEAN, dtype=torch.float64) * 255, torch.tensor(STD, dtype=torch.float64) * 255
    return tuple(row.float().repeat(width).to(device) for row in (1 / std, -mean / std))


def _sampling_grid(theta: Tensor, size: int) -> Tensor:
    """(B, size, size, 2) where to sample: theta (B, 2, 3) of every pixel of the augmented crops.

    Column and row parts are added as complex numbers x + iy: one vectorized sum, exact, whereas a GPU may round a
    matrix product to TF32.
    """
    pixels = torch.arange(size, device=theta.device, dtype=theta.dtype).view(-1, 1)
    columns = torch.view_as_complex(pixels * theta[:, None, :, 0])
    rows = torch.view_as_complex(pixels * theta[:, None, :, 1] + theta[:, None, :, 2])
    return torch.view_as_real(columns[:, None] + rows[:, :, None])


def draw_appearances(
    augmentation: Augmentation, count: int, size: int, rng: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Random changes of B = `count` crops of side `size`.

    Contrast and brightness change by up to `augmentation.color`, each channel by half as much again; with
    probability `augmentation.occlusion` a rectangle is hidden.

    Returns:
        gain and offset (B, 3) of the channels: x becomes gain * x + offset; and (B, 4) left, top, right, bottom in crop
        pixels of what is hidden, empty if right <= left.
    """

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=rng)

    color = augmentation.color
    gain = (1 + uniform(-color, color, 1)) * (1 + uniform(-color / 2, color / 2, 3))
    offset = uniform(-color, color, 1) + uniform(-color / 2, color / 2, 3)
    sides, place = uniform(*OCCLUDER, 2) * size, uniform(0, 1, 2)
    start = place * (size - sides)
    hides = torch.rand(count, 1, generator=rng) < augmentation.occlusion
    return gain, offset, torch.where(hides, torch.cat([start, start + sides], dim=1), 0)


def change_appearance(images: Tensor, gain: Tensor, offset: Tensor, boxes: Tensor) -> Tensor:
    """Change normalized crops as `draw_appearances` says, in place; what is hidden becomes 0, the mean color.

    Args:
        images: (B, 3, n, n) normalized by ImageNet's mean and std.
    """

    def on_device(values: Tensor, *shape: int) -> Tensor:
        return values.to(images.device, non_blocking=True).view(-1, *shape)

    images.mul_(on_device(gain, 3, 1, 1)).add_(on_device(offset, 3, 1, 1))
    pixels = torch.arange(images.shape[-1], device=images.device)
    left, top, right, bottom = (on_device(side, 1) for side in boxes.unbind(dim=1))
    columns, rows = (pixels >= left) & (pixels < right), (pixels >= top) & (pixels < bottom)
    return images.masked_fill_((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), 0.0)
