"""Human3.6M's 17 joints as MPII's 16, and the people, depths and findings that every format's become."""

from collections.abc import Sequence

import numpy as np

from mpii_tools.annotations.placement import crop_around
from mpii_tools.annotations.reading import NOT_AS, Reading, build_reading
from mpii_tools.cameras import project
from mpii_tools.people import BOX_MARGIN, Depth

OF_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]  # the 17 of Human3.6M's 32 joints that move
PELVIS, SPINE, NECK, NOSE, HEAD, L_SHOULDER, R_SHOULDER = 0, 7, 8, 9, 10, 11, 14
THORAX = 17  # the middle of the shoulders, put behind the 17
MPII_OF = [3, 2, 1, 4, 5, 6, PELVIS, THORAX, NECK, HEAD, 16, 15, R_SHOULDER, L_SHOULDER, 12, 13]
NAMES = (
    "pelvis", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "spine", "neck", "nose", "head", "l_shoulder",
    "l_elbow", "l_wrist", "r_shoulder", "r_elbow", "r_wrist",
)  # fmt: skip

BOX_OF_JOINTS = 1.2  # longer side of a person's box / that of the joints' own box, as PoseNet and mmpose have it
APART = 10.0  # image pixels
FARTHEST = 1e6  # mm; a joint farther from the camera is none
NO_CAMERA = "people without a camera: put Human3.6M's metadata.xml or cameras.json beside the annotations"
NO_LENS = "people whose camera lacks lens distortion: metadata.xml or cameras.json beside the annotations has it"
FITTED = "people whose camera was fitted to their 2D and 3D labels, without lens distortion"
MALFORMED = f"{NOT_AS} the form has them (annotation ids, or places counted from 0)"
BEYOND = "people with a joint over 1 km from the camera, taken as missing (is the pose in mm?)"
FAR = f"people with a 2D label more than {APART:.0f} px from the projected 3D one"


def to_mpii(poses: np.ndarray) -> np.ndarray:
    """MPII's 16 joints (N, 16, D) of Human3.6M's 17 (N, 17, D), in any unit.

    The order is the one that the paper's first author published later; the thorax is the middle of the shoulders.
    """
    return np.concatenate([poses, (poses[:, [L_SHOULDER]] + poses[:, [R_SHOULDER]]) / 2], axis=1)[:, MPII_OF]


def make_reading(
    form: str,
    images: Sequence[str] | np.ndarray,
    poses: np.ndarray,
    camera: np.ndarray,
    distortion: np.ndarray | float = np.nan,
    labels: np.ndarray | float = np.nan,
    *,
    split: np.ndarray,
    fitted: bool = False,
    left_out: Sequence[str] = (),
    **columns: Sequence[str] | Sequence[int],
) -> Reading:
    """N people with MPII's 16 joints, their depths, faults and notes.

    The 3D pose decides: where the camera is known, joints are its projection, so that picture, depth and camera agree
    and pixels lead back to the very pose; else they are the 2D labels. Center and scale are those of the box of the 17
    joints, of 1.2 times 1.25 its longer side, as in mmpose's files. The lens is taken for perfect where its distortion
    is unknown, which is noted.

    Args:
        form: the format, in words.
        images: (N,) file names.
        poses: (N, 17, 3) camera coordinates in mm; NaN if not annotated.
        camera, distortion: (N, 4) and (N, 5) as in `Depth`; NaN if unknown.
        labels: (N, 17, 2) image pixels; NaN in formats without.
        split: (N,) as in `People`.
        fitted: whether the camera follows from labels and poses.
        left_out: who is not among the N, each with the reason.
        columns: further ones of `Depth`.
    """
    seen = np.isfinite(camera).all(axis=1)
    distortion = np.broadcast_to(distortion, (len(images), 5))
    lens = np.nan_to_num(distortion)
    labels = np.broadcast_to(labels, (len(images), len(NAMES), 2))
    beyond = np.abs(poses) > FARTHEST
    poses = np.where(beyond.any(axis=2, keepdims=True), np.nan, poses)
    with np.errstate(all="ignore"):  # damaged files have any numbers
        places = np.where(seen[:, None, None], project(poses, camera, lens), labels)
        joints = np.where(seen[:, None, None], project(to_mpii(poses), camera, lens), to_mpii(labels))
        apart = (np.abs(places - labels) > APART).any(axis=(1, 2))
        z = to_mpii(poses)[..., 2] - poses[:, [PELVIS], 2]
        center, scale = crop_around(places, BOX_MARGIN * BOX_OF_JOINTS, 0.0)
    known = np.isfinite(joints).all(axis=-1) & np.isfinite(z)
    depth = Depth(np.where(known, z, np.nan), camera, lens, poses[:, PELVIS, 2], **columns)
    lensless = seen & ~np.isfinite(distortion).all(axis=1) & (not fitted)
    faults = {MALFORMED: list(left_out), BEYOND: beyond.any(axis=(1, 2)), FAR: apart}
    notes = {NO_CAMERA: ~seen, NO_LENS: lensless, FITTED: seen & fitted}
    place = {"center": center, "scale": scale, "split": split, "depth": depth}
    return build_reading(form, images, joints, np.isfinite(joints).all(axis=-1), faults, notes, first_pixel=0, **place)
