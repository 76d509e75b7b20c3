"""Joint error and bone error (Table 7): mean Euclidean distances, in image pixels and in pixels of the crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.inputs import check_per_person, check_poses, has_size, ratio
from heads.skeleton import MPII, Skeleton

CROP = 224  # pixels on a side of the network's input
CROP_SIDE = 250.0  # the same side in image pixels, per unit of MPII's scale


@dataclass(frozen=True)
class Distances:
    """Distances of N people's joints (or bones), with what they count for.

    Attributes:
        values: (N, 2, P) for P joints or bones, in image pixels and in crop pixels; 0 where not counted.
        counted: (N, 2, P) bool; the crop's row is False throughout for a person of unknown scale.
    """

    values: np.ndarray
    counted: np.ndarray


@dataclass(frozen=True)
class MeanError:
    """A mean distance over all counted joints (or bones) of all people; NaN where nothing was counted.

    Attributes:
        image_px, crop_px: the mean, in image pixels and in pixels of the 224 x 224 crop.
        count: joints (or bones) that `image_px` is the mean of.
        per_part: joint (or the bone's child joint) -> (mean in image pixels, mean in crop pixels, count).
    """

    image_px: float
    crop_px: float
    count: int
    per_part: dict[str, tuple[float, float, int]]


def bone_names(skeleton: Skeleton) -> tuple[str, ...]:
    """A bone is named by its child joint. The root has none here: it would end at the frame's origin."""
    return tuple(name for name, parent in zip(skeleton.names, skeleton.parents, strict=True) if parent != -1)


def joint_distances(
    pred: ArrayLike,
    gt: ArrayLike,
    scale: ArrayLike | None = None,
    annotated: ArrayLike | None = None,
    *,
    skeleton: Skeleton = MPII,
) -> Distances:
    """|J_k - J_k^gt| of every annotated joint. Args, Raises: as `joint_error`."""
    pred, gt, annotated = check_poses(pred, gt, annotated, skeleton.names)
    return _in_both_units(pred - gt, annotated, scale)


def bone_distances(
    pred: ArrayLike,
    gt: ArrayLike,
    scale: ArrayLike | None = None,
    annotated: ArrayLike | None = None,
    *,
    skeleton: Skeleton = MPII,
) -> Distances:
    """|B_k - B_k^gt| with B_k = J_parent(k) - J_k (Eq. 4) of every bone with both its ends annotated.

    The K - 1 columns are those of `bone_names`. Args, Raises: as `joint_error`.
    """
    pred, gt, annotated = check_poses(pred, gt, annotated, skeleton.names)
    children = [skeleton.index(name) for name in bone_names(skeleton)]
    parents = [skeleton.parents[child] for child in children]
    offset = np.where(annotated[..., None], pred - gt, 0)
    counted = annotated[:, children] & annotated[:, parents]
    return _in_both_units(offset[:, parents] - offset[:, children], counted, scale)


def joint_error(
    pred: ArrayLike,
    gt: ArrayLike,
    scale: ArrayLike | None = None,
    annotated: ArrayLike | None = None,
    *,
    skeleton: Skeleton = MPII,
) -> MeanError:
    """Mean distance between predicted and true joints, over all annotated joints.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: (N, K, D) true joints, the same pixels; NaN where not annotated.
        scale: (N,) MPII's scale (person height / 200 px), which sets the crop's side: 250 * scale image
            pixels. A person whose scale is NaN or not positive counts in image pixels only; so do all for None.
        annotated: (N, K) bool; None takes the joints where `gt` is finite.
        skeleton: names and parents of the K joints.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    return _mean(joint_distances(pred, gt, scale, annotated, skeleton=skeleton), skeleton.names)


def bone_error(
    pred: ArrayLike,
    gt: ArrayLike,
    scale: ArrayLike | None = None,
    annotated: ArrayLike | None = None,
    *,
    skeleton: Skeleton = MPII,
) -> MeanError:
    """Mean distance between predicted and true bone vectors, over all bones with both ends annotated.

    Args, Raises: as `joint_error`. The root has no bone.
    """
    return _mean(bone_distances(pred, gt, scale, annotated, skeleton=skeleton), bone_names(skeleton))


def _in_both_units(offset: np.ndarray, counted: np.ndarray, scale: ArrayLike | None) -> Distances:
    people = len(offset)
    scale = np.full(people, np.nan) if scale is None else check_per_person(scale, people, "scale")
    crop_per_image = ratio(CROP, CROP_SIDE * np.where(has_size(scale), scale, 0))
    units = np.stack([np.ones(people), crop_per_image], axis=-1)[..., None]
    counted = counted[:, None] & np.isfinite(units)
    distance = np.linalg.norm(offset, axis=-1)[:, None] * units
    return Distances(values=np.where(counted, distance, 0), counted=counted)


def _mean(distances: Distances, names: tuple[str, ...]) -> MeanError:
    total, count = distances.values.sum(axis=0), distances.counted.sum(axis=0)
    image_px, crop_px = ratio(total.sum(axis=-1), count.sum(axis=-1)).tolist()
    parts = zip(*ratio(total, count).tolist(), count[0].tolist(), strict=True)
    return MeanError(image_px, crop_px, int(count[0].sum()), dict(zip(names, parts, strict=True)))
