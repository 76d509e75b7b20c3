"""From world to camera coordinates, by whichever of two conventions puts the people into their boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.depth.cameras import project

ROOM = 0.05  # of a box's longer side, around it
ENOUGH = 0.9  # of the people must be in their boxes


def to_camera(
    path: Path, world: np.ndarray, rotation: np.ndarray, translation: np.ndarray, camera: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """Poses (N, K, 3) in camera coordinates: R (X - t) or R X + t, as files with the same fields mean one or the other.

    Args:
        path: the file, for messages.
        world: (N, K, 3) world coordinates in mm.
        rotation, translation: (N, 3, 3) and (N, 3), R and t.
        camera: (N, 4) fx, fy, cx, cy.
        boxes: (N, 4) x, y, width, height of the person in image pixels.

    Raises:
        PoseError: neither convention puts ENOUGH people into their boxes.
    """
    with np.errstate(all="ignore"):  # damaged files have any numbers
        turned = np.swapaxes(rotation, 1, 2)
        readings = {
            "R (X - t)": (world - translation[:, None]) @ turned,
            "R X + t": world @ turned + translation[:, None],
        }
        inside = {how: _inside(poses, camera, boxes) for how, poses in readings.items()}
    best = max(inside, key=inside.get)
    if inside[best] < ENOUGH:
        found = " and ".join(f"{100 * share:.0f} % by {how}" for how, share in inside.items())
        raise PoseError(
            f"{path}: its cameras do not fit its boxes: {found} of the people are in theirs; give the cameras and "
            "boxes of these very poses"
        )
    return readings[best]


def _inside(poses: np.ndarray, camera: np.ndarray, boxes: np.ndarray) -> float:
    """The share of people all of whose joints, seen without lens distortion, are in their box."""
    places = project(poses, camera, np.zeros((len(poses), 5)))
    room = ROOM * boxes[:, None, 2:].max(axis=2, keepdims=True)
    low = boxes[:, None, :2] - room
    high = boxes[:, None, :2] + boxes[:, None, 2:] + room
    return float(((places >= low) & (places <= high)).all(axis=(1, 2)).mean())
