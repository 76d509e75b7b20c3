"""Illegal Angle: joint angles outside the pose-dependent limits of Akhter and Black (CVPR 2015).

Their model is files that a user gets from the authors (the license allows no copy here). It has 9 angles of the joints
here: where the neck, shoulders and hips send their bones, seen from the torso, and the elbows and knees theirs, seen
from the bone above. All frames of the model are left-handed.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checkpoints import PoseError, name_fault, require_file
from heads.skeleton import MPII, Skeleton

MODEL, STATIC = "jointAngleModel_v2.mat", "staticPose.mat"
# Joint -> the end of the bone whose direction is limited, and that bone's number in the model, from 1.
TORSO = {"upper_neck": ("head_top", 8), "r_shoulder": ("r_elbow", 3), "l_shoulder": ("l_elbow", 6),
         "r_hip": ("r_knee", 10), "l_hip": ("l_knee", 14)}  # fmt: skip
LIMBS = {"r_elbow": ("r_wrist", 4), "l_elbow": ("l_wrist", 7), "r_knee": ("r_ankle", 11), "l_knee": ("l_ankle", 15)}
ANGLES = (*TORSO, *LIMBS)
GIRDLES = (("r_shoulder", "l_shoulder"), ("r_hip", "l_hip"))  # right to left is the x axis of a torso frame
GIRDLE = [0, 0, 0, 1, 1]  # of each joint of TORSO
ABOVE = slice(1, 5)  # joints of TORSO whose bones end where those of LIMBS begin, in their order
SPINE = ("pelvis", "upper_neck")  # the model's belly, for which the pelvis serves as well, and its neck
BONES = (3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16)  # the model's own order of the bones it limits
PARALLEL = 1e-4  # distance of two unit vectors, in the authors' getNormal


@dataclass(frozen=True, eq=False)
class AngleLimits:
    """The limits by bin of azimuth and elevation of a bone seen from the torso: A x E bins.

    Attributes:
        bin_degrees: width of a bin; A = 360 / bin_degrees + 1, E = 180 / bin_degrees + 1.
        spread: (5, A, E) bool, the legal bins of the joints of `TORSO`.
        axes: (4, A, E, 3, 3) of the joints of `LIMBS`, by bin of the bone above: the normal of the separating plane and
            two axes of the plane, orthonormal; NaN if no direction is legal.
        offset: (4, A, E) of the plane.
        bounds: (4, A, E, 4) least and greatest coordinate along the first axis of the plane, then along the second.
        reference: (3,) fixed direction of the torso that completes the frame of a limb.
        fallback: (4, 3) the one that does where the bone above is parallel to it.
    """

    bin_degrees: float
    spread: np.ndarray
    axes: np.ndarray
    offset: np.ndarray
    bounds: np.ndarray
    reference: np.ndarray
    fallback: np.ndarray


def load_angle_limits(folder: str | os.PathLike) -> AngleLimits:
    """The model of Akhter and Black from a folder with their jointAngleModel_v2.mat and staticPose.mat.

    Raises:
        PoseError: a file is missing, unreadable or holds something else.
    """
    from scipy.io import loadmat  # the other metrics need numpy alone

    what = f"{MODEL} and {STATIC} are not Akhter and Black's joint-angle model"
    with name_fault(folder, what, "get both again", Exception):  # scipy has no one error for a corrupt file
        model, static = (loadmat(require_file(Path(folder) / name)) for name in (MODEL, STATIC))
        if tuple(model["chlds"].ravel()) != BONES:
            raise ValueError(f"chlds is {model['chlds'].ravel().tolist()} and not {list(BONES)}")
        degrees = float(model["jmp"].item())
        bins = (round(360 / degrees) + 1, round(180 / degrees) + 1)

        def table(name: str, joints: dict[str, tuple[str, int]], *shape: int) -> np.ndarray:
            cells = [np.asarray(model[name].ravel()[BONES.index(bone)], np.float64) for _, bone in joints.values()]
            if wrong := [cell.shape for cell in cells if cell.shape != (*bins, *shape)]:
                raise ValueError(f"a part of {name} has shape {wrong[0]} and not {(*bins, *shape)}")
            return np.stack(cells)

        plane = table("sepPlane", LIMBS, 4)
        above = [TORSO[joint][1] - 1 for joint in list(TORSO)[ABOVE]]
        return AngleLimits(
            degrees,
            table("angleSprd", TORSO) != 0,
            _frames(plane[..., :3], table("E2", LIMBS, 3)).swapaxes(-1, -2),
            plane[..., 3] / np.linalg.norm(plane[..., :3], axis=-1),
            table("bounds", LIMBS, 4),
            static["a"].astype(np.float64).reshape(3),
            static["di"].astype(np.float64).reshape(3, -1).T[above],
        )


def illegal_angles(joints: np.ndarray, limits: AngleLimits, skeleton: Skeleton = MPII) -> np.ndarray:
    """Which joint angles are illegal.

    Args:
        joints: (N, K, 3) in a right-handed frame, such as a camera's with x right, y down and z away; any unit.
        limits: the model.
        skeleton: of the K joints.

    Returns:
        (N, 9), joints as in `ANGLES`: 1 if illegal, 0 if legal, NaN if a joint that the angle takes is NaN.

    Raises:
        PoseError: the skeleton lacks one of MPII's joints.
    """
    if lacking := set(MPII.names) - set(skeleton.names):
        raise PoseError(f"Illegal Angle takes all of MPII's joints; these people lack {', '.join(sorted(lacking))}")
    joints = np.asarray(joints, dtype=np.float64) * (1, 1, -1)  # to the left-handed frames of the model
    joints = np.where(np.isfinite(joints).all(axis=-1, keepdims=True), joints, np.nan)

    def measure_bones(pairs: list[tuple[str, str]]) -> np.ndarray:
        start, end = ([skeleton.index(name) for name in names] for names in zip(*pairs, strict=True))
        return _unit(joints[:, start] - joints[:, end])

    bones = measure_bones([(joint, end) for joint, (end, _) in (TORSO | LIMBS).items()])
    torso = _frames(measure_bones(list(GIRDLES)), measure_bones([SPINE]))[:, GIRDLE]
    # A NaN joint makes the directions NaN of the angles that take it, and of no other.
    frames = np.concatenate([torso, _limb_frames(torso[:, ABOVE], bones[:, ABOVE], limits)], axis=1)
    directions = np.einsum("...ij,...i->...j", frames, bones)
    known = np.isfinite(directions).all(axis=-1)
    upper, lower = np.split(np.where(known[..., None], directions, 0), [len(TORSO)], axis=1)
    x, y, z = np.moveaxis(upper, -1, 0)
    angles = np.arctan2(y, x) + np.pi, np.arctan2(z, np.hypot(x, y)) + np.pi / 2
    azimuth, elevation = ((np.degrees(angle) // limits.bin_degrees).astype(np.intp) for angle in angles)
    legal_upper = limits.spread[np.arange(len(TORSO)), azimuth, elevation]
    at = (np.arange(len(LIMBS)), azimuth[:, ABOVE], elevation[:, ABOVE])  # the bins of the bones above the limbs
    across, first, second = np.moveaxis(np.einsum("nlij,nlj->nli", limits.axes[at], lower), -1, 0)
    low, high, second_low, second_high = np.moveaxis(limits.bounds[at], -1, 0)
    inside = (low <= first) & (first <= high) & (second_low <= second) & (second <= second_high)
    legal = np.concatenate([legal_upper, inside & (across + limits.offset[at] <= 0)], axis=1)
    return np.where(known, ~legal, np.nan)


def _limb_frames(torso: np.ndarray, above: np.ndarray, limits: AngleLimits) -> np.ndarray:
    """(N, 4, 3, 3) frames of the limbs: along the bone above, then the normal of it and the torso's reference.

    Where the two are parallel, either way, the bone above comes first in the product with the fallback, as in the
    authors' code: the other order would turn the frame by half a turn about the bone.
    """
    reference = torso @ limits.reference
    normal = np.cross(reference, above)
    other = np.cross(above, np.einsum("nlij,lj->nli", torso, limits.fallback))
    apart = [np.linalg.norm(above - side * reference, axis=-1, keepdims=True) for side in (1, -1)]
    return _frames(above, np.where(np.minimum(*apart) < PARALLEL, other, normal))


def _frames(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., 3, 3) orthonormal frames: in columns `first`, `second` made orthogonal to it, and their cross product."""
    first = _unit(first)
    second = _unit(second - (first * second).sum(axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1; a zero vector stays one."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.array(vectors), where=length > 0)
