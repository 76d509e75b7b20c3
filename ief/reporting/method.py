"""The method in one picture: mean pose, its heatmaps, stage 0's pose, its heatmaps, stage 1's pose, on one image."""

import io
from itertools import pairwise

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from evaluation.report.skeletons import draw_poses
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
        name = "y_0,\nthe mean training pose" if index == 0 else f"y_{index},\nafter stage {index - 1}"
        panels.append((name, draw_poses(large, placed[index], placed[-1], skeleton=data.people.skeleton)))
        if index < len(cascade.stages):
            factors = gaussian_factors(torch.from_numpy(pose), data.size, cascade.stages[index].design.sigma)
            columns, rows = factors.unbind(dim=-2)
            maps = (rows.unsqueeze(-1) * columns.unsqueeze(-2)).amax(dim=0).numpy()  # the largest at each pixel
            panels.append((f"stage {index} sees the image\nand the heatmaps of y_{index}", draw_heatmaps(large, maps)))
    return to_row(panels)


def draw_heatmaps(image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The image in dark gray, the heatmaps in orange over it."""
    dim = np.repeat(image.mean(axis=-1, keepdims=True) * 0.4, 3, axis=-1)
    share = cv2.resize(maps, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    return (dim * (1 - share) + GLOW * share).astype(np.uint8)


def to_row(panels: list[tuple[str, np.ndarray]]) -> bytes:
    """JPEG of captioned images side by side, with an arrow from each to the next."""
    figure = Figure((2.6 * len(panels), 3.1), layout="constrained")
    axes = figure.subplots(1, len(panels))
    for place, (caption, image) in zip(axes, panels, strict=True):
        place.imshow(image)
        place.set_title(caption, fontsize=9)
        place.set_axis_off()
    for left, right in pairwise(axes):
        style = {"arrowstyle": "-|>", "mutation_scale": 14, "color": "#444444", "axesA": left, "axesB": right}
        figure.add_artist(ConnectionPatch((1, 0.5), (0, 0.5), *["axes fraction"] * 2, **style))
    file = io.BytesIO()
    figure.savefig(file, format="jpg", dpi=110, pil_kwargs={"quality": 88})
    return file.getvalue()
