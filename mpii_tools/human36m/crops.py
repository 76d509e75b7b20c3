"""The square that a crop shows: around the box of the joints, or two meters around the pelvis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.depth.table import Depth
from mpii_tools.people import BOX_MARGIN, People, place_squares

BOX_OF_JOINTS = 1.2  # longer side of a person's box / that of the joints' own box, as PoseNet and mmpose have it
PELVIS_SIDE = 2000.0  # mm


def crop_of_joints(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPII center (N, 2) and scale (N,) of squares around the joints' box, of 1.2 times 1.25 its longer side.

    That is the `center` and `scale` of mmpose's files, 1.2 of the longer side / 200.

    Args:
        joints: (N, K, 2) image pixels, NaN if missing; a person without a joint gets NaN.
    """
    low, high = np.fmin.reduce(joints, axis=1), np.fmax.reduce(joints, axis=1)
    return place_squares((low + high) / 2, BOX_MARGIN * BOX_OF_JOINTS * (high - low).max(axis=1))


def crop_around_pelvis(people: People, depth: Depth) -> People:
    """The people with center and scale of a square of 2000 mm around the pelvis, at its depth (Sun et al., ECCV 2018).

    Raises:
        PoseError: somebody whose camera, root's depth or pelvis is not known.
    """
    root = people.joints[:, people.skeleton.root]
    missing = ~depth.placed | ~np.isfinite(root).all(axis=1)
    if missing.any():
        raise PoseError(
            f"--crop pelvis: {missing.sum():,} people, first {people.person_ids[missing][0]}, have no camera or no "
            "pelvis; put the cameras beside the annotations, or take --crop box"
        )
    side = PELVIS_SIDE * depth.camera[:, :2].mean(axis=1) / depth.root_depth
    center, scale = place_squares(root, side)
    return replace(people, center=center, scale=scale)
