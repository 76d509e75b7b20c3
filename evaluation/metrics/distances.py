"""Joint error and bone error (Table 7): mean Euclidean distances, in image pixels and in pixels of the crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import Estimate, estimates
from evaluation.metrics.inputs import GroundTruth, has_size, ratio
from heads.skeleton import Skeleton

CROP = 224  # pixels on a side of the network's input
CROP_SIDE = 250.0  # the same side in image pixels, per unit of MPII's scale


@dataclass(frozen=True)
class PixelError:
    """A mean distance, in image pixels and in pixels of the 224 x 224 crop."""

    image_px: Estimate
    crop_px: Estimate


@dataclass(frozen=True)
class MeanError(PixelError):
    """A mean distance over all counted joints (or bones) of all people.

    Attributes:
        image_px, crop_px: the mean, in image pixels and in pixels of the 224 x 224 crop.
        per_part: joint (or the bone's child joint) -> the mean over people.
        counts: joint (or the bone's child joint) -> people that it is the mean of, in image pixels.
    """

    per_part: dict[str, PixelError]
    counts: dict[str, int]

    @property
    def count(self) -> int:
        """Joints (or bones) that `image_px` is the mean of."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Distances:
    """Distances of N people's joints (or bones), with what they count for.

    Attributes:
        values: (N, 2, P) for P joints or bones, in image pixels and in crop pixels; 0 if not counted.
        counted: (N, 2, P) bool; the crop's row is False throughout for a person of unknown scale.
    """

    values: np.ndarray
    counted: np.ndarray


def bone_names(skeleton: Skeleton) -> tuple[str, ...]:
    """A bone is named by its child joint. The root has none here: it would end at the frame's origin."""
    return tuple(name for name, parent in zip(skeleton.names, skeleton.parents, strict=True) if parent != -1)


def joint_distances(pred: ArrayLike, gt: GroundTruth) -> Distances:
    """|J_k - J_k^gt| of every annotated joint. Args, Raises: as `joint_error`."""
    return _in_both_units(gt.check(pred) - gt.joints, gt.annotated, gt.scale)


def bone_distances(pred: ArrayLike, gt: GroundTruth) -> Distances:
    """|B_k - B_k^gt| with B_k = J_parent(k) - J_k (Eq. 4) of every bone with both its ends annotated.

    The K - 1 bones are those of `bone_names`. Args, Raises: as `joint_error`.
    """
    offset = np.where(gt.annotated[..., None], gt.check(pred) - gt.joints, 0)
    child, parent = bone_ends(gt.skeleton)
    return _in_both_units(offset[:, parent] - offset[:, child], annotated_bones(gt), gt.scale)


def annotated_bones(gt: GroundTruth) -> np.ndarray:
    """(N, K - 1) bool: which bones have both their ends annotated."""
    child, parent = bone_ends(gt.skeleton)
    return gt.annotated[:, child] & gt.annotated[:, parent]


def joint_error(pred: ArrayLike, gt: GroundTruth) -> MeanError:
    """Mean distance between predicted and true joints, over all annotated joints.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: of the same people.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    return _mean(joint_distances(pred, gt), gt.skeleton.names)


def bone_error(pred: ArrayLike, gt: GroundTruth) -> MeanError:
    """Mean distance between predicted and true bone vectors, over all bones with both ends annotated.

    Args, Raises: as `joint_error`. The root has no bone.
    """
    return _mean(bone_distances(pred, gt), bone_names(gt.skeleton))


def means(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(S, 2, 1 + P) mean over all parts, then of each, from sums of distances and their numbers, both (S, 2, P)."""
    return np.concatenate([ratio(total.sum(-1), count.sum(-1))[..., None], ratio(total, count)], axis=-1)


def as_error(found: np.ndarray, names: Sequence[str], annotated: np.ndarray) -> MeanError:
    """The `means` (S, 2, 1 + P) by name, their rows below the first as confidence intervals.

    Args:
        found: in image and in crop pixels.
        names: P joints, or the bones' child joints.
        annotated: (N, P) bool, what counts in image pixels.
    """
    whole, *parts = (PixelError(*pair) for pair in estimates(found).T)
    counts = annotated.sum(axis=0).tolist()
    by_name = (dict(zip(names, each, strict=True)) for each in (parts, counts))
    return MeanError(whole.image_px, whole.crop_px, *by_name)


def _mean(distances: Distances, names: tuple[str, ...]) -> MeanError:
    total, count = distances.values.sum(axis=0)[None], distances.counted.sum(axis=0)[None]
    return as_error(means(total, count), names, distances.counted[:, 0])


def bone_ends(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """Child and parent index of each bone of `bone_names`."""
    children = [joint for joint, parent in enumerate(skeleton.parents) if parent != -1]
    return children, [skeleton.parents[child] for child in children]


def _in_both_units(offset: np.ndarray, counted: np.ndarray, scale: np.ndarray) -> Distances:
    crop_per_image = ratio(CROP, CROP_SIDE * np.where(has_size(scale), scale, 0))
    units = np.stack([np.ones(len(offset)), crop_per_image], axis=-1)[..., None]
    counted = counted[:, None] & np.isfinite(units)
    distance = np.linalg.norm(offset, axis=-1)[:, None] * units
    return Distances(values=np.where(counted, distance, 0), counted=counted)
