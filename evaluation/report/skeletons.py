"""Skeletons drawn on images, and contact sheets of them. Images are (H, W, 3) uint8 RGB, in and out."""

from collections.abc import Sequence

import cv2
import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII, Skeleton

# From Okabe and Ito's palette, told apart under every common color blindness and on light and dark grounds.
RIGHT = (230, 110, 0)
LEFT = (86, 180, 233)
CENTER = (240, 228, 66)
GROUND_TRUTH = (255, 255, 255)
OUTLINE = (20, 20, 20)
_SHIFT = 4  # OpenCV takes fixed-point coordinates with this many fractional bits
_FAR = 30000.0  # pixels; keeps wild predictions inside OpenCV's integers


def draw_poses(
    image: np.ndarray, joints: np.ndarray, gt: np.ndarray | None = None, *, skeleton: Skeleton = MPII
) -> np.ndarray:
    """The image with one or several skeletons on it; the person's right side orange, left side blue.

    Args:
        image: (H, W, 3) uint8 RGB; left as it is.
        joints: (K, 2) or (P, K, 2) x, y in pixels, 0-based; a NaN joint and its limbs are left out.
        gt: ground truth of the same shape, drawn thin and white beneath; None draws none.
        skeleton: names and parents of the K joints.

    Returns:
        A new (H, W, 3) uint8 image.

    Raises:
        PoseError: an image that is not (H, W, 3) uint8, or joints of another shape.
    """
    canvas = np.ascontiguousarray(check_image(image)).copy()
    predicted = check_people(joints, skeleton)
    if gt is not None:
        for person in check_people(gt, skeleton):
            draw_skeleton(canvas, person, skeleton, [GROUND_TRUTH] * len(skeleton), thickness(person) * 0.4)
    for person in predicted:
        draw_skeleton(canvas, person, skeleton, side_colors(skeleton), thickness(person))
    return canvas


def draw_ellipses(image: np.ndarray, joints: np.ndarray, radii: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """The image with an ellipse around each joint, in the color of its side.

    Args:
        image: (H, W, 3) uint8 RGB; left as it is.
        joints, radii: (P, K, 2) centers and half axes along x and y in pixels; one with a NaN has no ellipse.

    Returns:
        A new (H, W, 3) uint8 image.
    """
    canvas, colors = np.array(image, order="C"), side_colors(skeleton)
    places = np.clip(np.concatenate([joints, radii], axis=-1), -_FAR, _FAR) * 2**_SHIFT
    for person, joint in np.argwhere(np.isfinite(places).all(axis=-1)).tolist():
        x, y, *axes = np.rint(places[person, joint]).astype(int).tolist()
        for color, width in ((OUTLINE, 3), (colors[joint], 1)):
            cv2.ellipse(canvas, (x, y), axes, 0, 0, 360, color, width, cv2.LINE_AA, _SHIFT)
    return canvas


def drop_outside(joints: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The joints (..., K, D >= 2), x, y in image pixels, with NaN for those outside the image (H, W, 3)."""
    height, width = image.shape[:2]
    places = joints[..., :2]
    inside = ((places >= -0.5) & (places <= (width - 0.5, height - 0.5))).all(axis=-1)
    return np.where(inside[..., None], joints, np.nan)


def side_colors(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    """RGB of each joint, and of the limb from it to its parent, by the side that the flip pairs give it."""
    return [{"right": RIGHT, "left": LEFT, "center": CENTER}[side] for side in skeleton.sides]


def thickness(joints: np.ndarray) -> float:
    """Width in pixels of a limb of a person (K, 2): a fiftieth of its extent, at least 1.5."""
    seen = joints[np.isfinite(joints).all(axis=-1)]
    extent = float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0
    return float(np.clip(extent / 50, 1.5, 20))


def close_up(
    image: np.ndarray, joints: np.ndarray, side: int = 320, margin: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """A square piece of the image around one person, scaled to `side`, so that people of all sizes compare.

    Args:
        image: (H, W, 3) uint8 RGB.
        joints: (K, 2) pixels, the extent that must fit in; NaN is left out.
        side: of the result, in pixels.
        margin: space around the joints, as a fraction of their extent.

    Returns:
        The piece (side, side, 3), inside the image if that is large enough, else black beyond its edge, and the (2, 3)
        affine that takes image pixels to its pixels: `joints @ affine[:, :2].T + affine[:, 2]`.

    Raises:
        PoseError: no finite joint.
    """
    if not len(seen := joints[np.isfinite(joints).all(axis=-1)]):
        raise PoseError("close-up: the person has no joint with a position; leave it out")
    extent = max(float(np.ptp(seen, axis=0).max()), 8.0) * (1 + 2 * margin)
    corner = (seen.min(axis=0) + seen.max(axis=0)) / 2 - extent / 2
    room = np.array(image.shape[1::-1]) - extent
    corner = np.where(room > 0, np.clip(corner, 0, room), corner)
    scale = side / extent
    affine = np.column_stack([np.eye(2) * scale, -corner * scale])
    if scale < 1:  # the warp samples points: take away what the smaller image cannot hold
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    return cv2.warpAffine(image, affine, (side, side)), affine


def grid(images: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """A contact sheet: the images row by row, each centered in a cell of the largest one's size.

    Args:
        images: any number >= 1 of (h, w, 3) uint8 RGB.
        columns: images in a row.
        gap: white pixels between cells.

    Returns:
        One (H, W, 3) uint8 image.
    """
    cell = np.max([image.shape[:2] for image in images], axis=0)
    columns = min(columns, len(images))
    height, width = np.array([-(-len(images) // columns), columns]) * (cell + gap) - gap
    sheet = np.full((height, width, 3), 255, dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = np.array(divmod(index, columns)) * (cell + gap) + (cell - image.shape[:2]) // 2
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def to_jpeg(image: np.ndarray, quality: int = 85) -> bytes:
    """The image as JPEG. Raises PoseError for an image that is not (H, W, 3) uint8."""
    bgr = cv2.cvtColor(check_image(image), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise PoseError(f"image of shape {image.shape} cannot be written as JPEG; JPEG holds up to 65535 pixels")
    return data.tobytes()


def to_png(image: np.ndarray) -> bytes:
    """The image as PNG. Raises PoseError for an image that is not (H, W, 3) uint8."""
    return cv2.imencode(".png", cv2.cvtColor(check_image(image), cv2.COLOR_RGB2BGR))[1].tobytes()


def check_image(image: np.ndarray, name: str = "image") -> np.ndarray:
    """The image itself. Raises PoseError, naming it, if it is not (H, W, 3) uint8 with a pixel or more."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise PoseError(f"{name}: an array of {image.dtype} {image.shape}; give (height, width, 3) uint8 RGB")
    return image


def check_people(joints: np.ndarray, skeleton: Skeleton, dimensions: int = 2) -> np.ndarray:
    """Joints (K, D) or (P, K, D) as (P, K, D) float64. Raises PoseError for another shape."""
    joints = np.asarray(joints, dtype=np.float64)
    people = joints[None] if joints.ndim == 2 else joints
    if people.ndim != 3 or people.shape[1:] != (len(skeleton), dimensions):
        raise PoseError(f"joints have shape {joints.shape}; expected (people, {len(skeleton)}, {dimensions})")
    return people


def draw_skeleton(
    canvas: np.ndarray,
    joints: np.ndarray,
    skeleton: Skeleton,
    colors: Sequence[tuple[int, int, int]],
    width: float,
    nearness: np.ndarray | None = None,
) -> None:
    """Draw one skeleton on `canvas`, in place.

    Outline first, then color, so that crossing limbs stay apart; anti-aliased, to a sixteenth of a pixel.

    Args:
        canvas: (H, W, 3) uint8 RGB.
        joints: (K, 2) x, y in pixels; NaN joints and their limbs are left out.
        colors: RGB of each joint and of the limb to its parent.
        width: of a limb, in pixels.
        nearness: (K,) of the joints, which says what hides what; None draws them in the skeleton's order.
    """
    present = np.isfinite(joints).all(axis=-1)
    points = np.clip(joints, -_FAR, _FAR, where=present[:, None], out=np.zeros_like(joints)) * 2**_SHIFT
    points = np.rint(points).astype(int).tolist()
    limbs = [limb for limb in enumerate(skeleton.parents) if limb[1] != -1 and present[list(limb)].all()]
    dots = np.flatnonzero(present)
    if nearness is not None:
        limbs.sort(key=lambda limb: nearness[list(limb)].sum())
        dots = dots[np.argsort(nearness[dots], kind="stable")]
    for extra, shades in ((max(1.0, width / 4), [OUTLINE] * len(skeleton)), (0.0, colors)):
        line = max(1, round(width + 2 * extra))
        radius = round((0.85 * width + extra) * 2**_SHIFT)
        for joint, parent in limbs:
            cv2.line(canvas, points[joint], points[parent], shades[joint], line, cv2.LINE_AA, _SHIFT)
        for joint in dots:
            cv2.circle(canvas, points[joint], radius, shades[joint], -1, cv2.LINE_AA, _SHIFT)
