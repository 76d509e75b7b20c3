"""The method in one picture: mean pose, its heatmaps, stage 0's pose, its heatmaps, stage 1's pose, on one image."""

import cv2
import numpy as np
import torch

from evaluation.report.skeletons import draw_poses, grid, to_jpeg
from ief.inference.cascade_network import CascadeNetwork
from ief.model.cascade import Cascade
from ief.model.heatmaps import gaussian_factors
from mpii_tools.prepared.read import PreparedSplit

ZOOM = 4  # picture pixels per crop pixel
GLOW = np.array((255, 140, 0))  # RGB of a heatmap's peak


def method_picture(cascade: Cascade, data: PreparedSplit, row: int) -> bytes:
    """A JPEG of one person's way through a cascade: poses with the ground truth in white, heatmaps between them.

    Args:
        cascade: in evaluation mode.
        data: a prepared split at the cascade's input size.
        row: the person.
    """
    inner = slice(data.border, data.border + data.size)
    crop = np.ascontiguousarray(data.crops[row, inner, inner])
    poses = CascadeNetwork(cascade)(crop[None])[0][:, 0]
    large = cv2.resize(crop, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    placed = (np.concatenate([poses, data.joints[row, None]]) + 0.5) * ZOOM - 0.5  # pixel centers are at integers
    panels = []
    for index, pose in enumerate(poses):
        panels.append(draw_poses(large, placed[index], placed[-1], skeleton=data.people.skeleton))
        if index < len(cascade.stages):
            factors = gaussian_factors(torch.from_numpy(pose), data.size, cascade.stages[index].design.sigma)
            columns, rows = factors.unbind(dim=-2)
            maps = (rows.unsqueeze(-1) * columns.unsqueeze(-2)).amax(dim=0).numpy()  # the largest at each pixel
            # The image in dark gray, the heatmaps in orange over it.
            dim = np.repeat(large.mean(axis=-1, keepdims=True) * 0.4, 3, axis=-1)
            share = cv2.resize(maps, large.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
            panels.append((dim * (1 - share) + GLOW * share).astype(np.uint8))
    return to_jpeg(grid(panels, len(panels)))
