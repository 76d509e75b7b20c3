"""Pinhole cameras of data that has labels in pixels and in millimeters but no cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEW = 4  # joints of a video from which a focal length can be told


def fit_lenses(poses: np.ndarray, labels: np.ndarray, videos: Sequence[str]) -> np.ndarray:
    """fx, fy, cx, cy (N, 4) for each person, the least-squares ones of the video; NaN where none fits.

    x = fx X / Z + cx is linear in fx and cx, and so is y. Lens distortion stays in the residual.

    Args:
        poses: (N, K, 3) camera coordinates, NaN if missing.
        labels: (N, K, 2) image pixels, NaN if missing.
        videos: (N,) whose people share a camera.
    """
    found = np.full((len(poses), 4), np.nan)
    names, index = np.unique(np.asarray(videos, dtype=np.str_), return_inverse=True)
    with np.errstate(all="ignore"):
        rays = poses[..., :2] / np.where(poses[..., 2:] > 0, poses[..., 2:], np.nan)
    order = np.argsort(index, kind="stable")
    for rows in np.split(order, np.searchsorted(index[order], np.arange(1, len(names)))):
        lines = [_line(rays[rows, :, axis].ravel(), labels[rows, :, axis].ravel()) for axis in (0, 1)]
        if lines[0][0] > 0 and lines[1][0] > 0:
            found[rows] = [lines[0][0], lines[1][0], lines[0][1], lines[1][1]]
    return found


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the least-squares line; NaN with under FEW points, or without one."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < FEW:
        return np.nan, np.nan
    with np.errstate(all="ignore"):
        around_x, around_y = x - x.mean(), y - y.mean()
        slope = (around_x * around_y).sum() / (around_x**2).sum()
        offset = y.mean() - slope * x.mean()
    return (float(slope), float(offset)) if np.isfinite(slope + offset) else (np.nan, np.nan)
