"""The camera of images, where it is known: what takes 3D poses from pixels to mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checkpoints.errors import PoseError
from ief.inference.poses import Poses


@dataclass(frozen=True)
class ImageCamera:
    """One camera for all images, and how far from it their people are.

    Attributes:
        parameters: focal lengths fx, fy and principal point cx, cy in image pixels.
        root_depth: distance of everybody's root (the pelvis) from the camera along its axis, mm.
        distortion: k1, k2, k3, p1, p2 of `mpii_tools.depth.cameras`.

    Raises:
        PoseError: a number that is not finite, or a focal length or depth that is not above 0.
    """

    parameters: Sequence[float]
    root_depth: float
    distortion: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not np.isfinite([*self.parameters, self.root_depth, *self.distortion]).all():
            raise PoseError("camera: a number is not finite; give fx fy cx cy in pixels and the root's depth in mm")
        if not min(*self.parameters[:2], self.root_depth) > 0:
            raise PoseError("camera: focal lengths and the root's depth must be above 0")

    @property
    def scale(self) -> float:
        """Image pixels per mm at the root's depth."""
        return self.parameters[0] / self.root_depth

    def joints(self, poses: Poses) -> np.ndarray:
        """(P, K, 3) camera coordinates in mm, as `Poses.in_camera`."""
        return poses.in_camera(self.parameters, self.root_depth, self.distortion)
