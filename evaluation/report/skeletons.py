"""Skeletons drawn on images and contact sheets of them, and 3D poses from the side. Images are (H, W, 3) uint8 RGB.

Seen from the side, depth is to the right and y as in the image, so that the view stands beside the image.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from checkpoints.errors import PoseError
from evaluation.metrics.ground_truth import nan_mean
from heads.skeleton import MPII, Skeleton

# From Okabe and Ito's palette, told apart under every common color blindness and on light and dark grounds.
RIGHT = (230, 110, 0)
LEFT = (86, 180, 233)
CENTER = (240, 228, 66)
GROUND_TRUTH = (255, 255, 255)
OUTLINE = (20, 20, 20)
_SHIFT = 4  # OpenCV takes fixed-point coordinates with this many fractional bits
_FAR = 30000.0  # pixels; keeps wild predictions inside OpenCV's integers

# mm from each joint to its parent: the mean of two skeletons, CMU motion capture's and Human3.6M's universal one.
# Together 4.2 m, 4.07 m for one and 4.33 m for the other.
BONE_LENGTHS = {
    "ankle": 476.0, "knee": 460.0, "hip": 115.0, "thorax": 460.0, "upper_neck": 58.0, "head_top": 221.0,
    "shoulder": 161.0, "elbow": 266.0, "wrist": 254.0,
}  # fmt: skip
OTHER_LENGTH = 280.0  # of a bone that is not among them: their mean
# Bones are together at most this many times longer than they look: 2.3 in 17,000 views of the two datasets' poses.
FORESHORTENED = 2.5
STEPS = 60  # of the bisection: to a float's last digit

GRAY, TEXT = (170, 170, 170), (90, 90, 90)
GT = (120, 120, 120)  # the ground truth, on white
LABEL = "away from the camera ->"
GROUND = 500.0  # mm of the ground line on either side of the root: a meter in all


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


def pixels_per_mm(joints: np.ndarray, skeleton: Skeleton = MPII) -> np.ndarray:
    """How large people appear, estimated from their poses alone.

    With it the lengths of a pose's bones in 3D add up to what a common person's do (`BONE_LENGTHS`): the s of
    sum over bones of sqrt((dx^2 + dy^2) / s^2 + dz^2) = sum of lengths, by bisection. The poses there, seen from 3 to
    6 m away, come within 12 % of focal length / root's depth, 98 of 100 of them; somebody whose bones are shorter,
    such as a child, is taken for somebody further away.

    Args:
        joints: (K, 3) or (P, K, 3) x, y in pixels and z in mm; a NaN joint and its bones do not count.

    Returns:
        (P,) pixels per mm. Where the depths alone exceed the lengths no scale fits, and where they come close it runs
        away: it is at most `FORESHORTENED` times that of the pose without depth. 1 for people without a bone.

    Raises:
        PoseError: joints of another shape.
    """
    people = check_people(joints, skeleton, 3)
    child = np.array([joint for joint, parent in enumerate(skeleton.parents) if parent >= 0], dtype=int)
    bones = people[:, child] - people[:, np.array(skeleton.parents)[child]]
    known = np.isfinite(bones).all(axis=-1)
    kinds = [skeleton.names[joint].removeprefix("r_").removeprefix("l_") for joint in child]
    total = known @ np.array([BONE_LENGTHS.get(kind, OTHER_LENGTH) for kind in kinds])
    bones = np.where(known[..., None], bones, 0)
    seen, depth = np.linalg.norm(bones[..., :2], axis=-1), np.abs(bones[..., 2])
    usable = seen.sum(axis=1) > 0
    # In mm per pixel the sum grows: at `high` it is enough even without depth.
    high = np.where(usable, total / np.where(usable, seen.sum(axis=1), 1), 1.0)
    low = high / FORESHORTENED
    for _ in range(STEPS):
        middle = (low + high) / 2
        short = np.hypot(seen * middle[:, None], depth).sum(axis=1) < total
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(usable, 1 / high, 1.0)


def draw_side_view(
    joints: np.ndarray,
    height: int,
    width: int,
    *,
    gt: np.ndarray | None = None,
    scale: float | np.ndarray | None = None,
    skeleton: Skeleton = MPII,
) -> np.ndarray:
    """People from the side, as somebody sees them who stands to the right of them: away from the camera is right.

    A joint's row is its y, as in the image; its column is that of its person's root plus z times the scale. The roots
    of several people are spread evenly, in the order of their x: how far apart they stand in depth is not known. A
    gray line under each marks the ground, at the lowest joint, one meter long. Seen by a camera that looks down,
    people lean, as the image's y is not the vertical.

    Args:
        joints: (K, 3) or (P, K, 3) x, y in pixels of the image beside, z in mm relative to the root; a NaN joint and
            its limbs are left out.
        height, width: of the result, in pixels.
        gt: ground truth of the same shape, drawn thin and gray beneath, at the same scale; None draws none.
        scale: pixels per mm, one or (P,): the camera's focal length over the root's depth. None: `pixels_per_mm`.
        skeleton: names and parents of the K joints.

    Returns:
        (height, width, 3) uint8 RGB on white.

    Raises:
        PoseError: joints of another shape.
    """
    people = check_people(joints, skeleton, 3)
    gts = check_people(np.full_like(people, np.nan) if gt is None else gt, skeleton, 3)
    scales = np.broadcast_to(pixels_per_mm(people, skeleton) if scale is None else scale, len(people))
    canvas = np.full((height, width, 3), 255, np.uint8)
    root, x = people[:, skeleton.root, 0], people[..., 0]
    order = np.argsort(np.where(np.isfinite(root), root, nan_mean(x, axis=1)), kind="stable")
    for place, row in enumerate(order.tolist()):
        column = (place + 0.5) / len(people) * width - 0.5
        pose, true = (
            np.column_stack([column + scales[row] * each[:, 2], each[:, 1]]) for each in (people[row], gts[row])
        )
        _draw_ground(canvas, pose, column, scales[row])
        line = thickness(people[row][:, :2])
        draw_skeleton(canvas, true, skeleton, [GT] * len(skeleton), max(1.0, 0.4 * line))
        draw_skeleton(canvas, pose, skeleton, side_colors(skeleton), line, people[row][:, 0])
    if (size := min(height, width) / 700) >= 0.25:  # there is room for what right means
        place = round(0.04 * width), round(0.97 * height)
        cv2.putText(canvas, LABEL, place, cv2.FONT_HERSHEY_SIMPLEX, size, TEXT, 1, cv2.LINE_AA)
    return canvas


def draw_front_and_side(
    image: np.ndarray,
    joints: np.ndarray,
    skeleton: Skeleton = MPII,
    *,
    gt: np.ndarray | None = None,
    scale: float | None = None,
    side: int = 320,
) -> np.ndarray:
    """A close-up of one person: the piece of the image with the skeleton, and of poses in 3D the side view beside it.

    Args:
        image: (H, W, 3) uint8 RGB.
        joints: (K, D) x, y in image pixels, z in mm relative to the root.
        skeleton: names and parents of the K joints.
        gt: (K, 2 or D) ground truth, drawn thin beneath; without z, in the image only. None draws none.
        scale: image pixels per mm, as in `draw_side_view`.
        side: of each square, in pixels.

    Returns:
        (side, side, 3) uint8 RGB; in 3D (side, 2 side + 1, 3): the squares with a gray line between them.

    Raises:
        PoseError: an image that is not (H, W, 3) uint8, joints of another shape, or no finite joint.
    """
    (pose,) = check_people(joints, skeleton, joints.shape[-1])
    true = np.full_like(pose, np.nan)
    if gt is not None:
        true[:, : gt.shape[-1]] = check_people(gt, skeleton, gt.shape[-1])[0]
    front = drop_outside(pose, image)
    piece, affine = close_up(image, np.concatenate([front, true])[:, :2], side)

    def move(points: np.ndarray) -> np.ndarray:
        return np.column_stack([points[:, :2] @ affine[:, :2].T + affine[:, 2], points[:, 2:]])

    picture = draw_poses(piece, move(front)[:, :2], None if gt is None else move(true)[:, :2], skeleton=skeleton)
    if pose.shape[-1] == 2:
        return picture
    scale = None if scale is None else scale * affine[0, 0]
    return join_pictures(picture, draw_side_view(move(pose), side, side, gt=move(true), scale=scale, skeleton=skeleton))


def add_side_view(
    image: np.ndarray, joints: np.ndarray, skeleton: Skeleton = MPII, scale: float | np.ndarray | None = None
) -> np.ndarray:
    """The image with skeletons on it, and everybody's side view beside it, three quarters of its longer side wide.

    Args:
        image: (H, W, 3) uint8 RGB.
        joints: (P, K, 3) x, y in pixels of the image, z in mm; joints outside the image are not drawn on it.
        scale: as in `draw_side_view`.

    Returns:
        (H, W', 3) uint8 RGB; W' depends on the image's size alone, so that the frames of a video stay alike.

    Raises:
        PoseError: an image that is not (H, W, 3) uint8, or joints of another shape.
    """
    drawn = draw_poses(image, drop_outside(joints[..., :2], image), skeleton=skeleton)
    height, width = drawn.shape[:2]
    # Even in all, as the codecs of videos want it.
    panel = 3 * max(height, width) // 4
    panel += (width + 1 + panel) % 2
    return join_pictures(drawn, draw_side_view(joints, height, panel, scale=scale, skeleton=skeleton))


def join_pictures(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two pictures (H, W, 3) of the same height with a gray line between them."""
    return np.concatenate([left, np.full((len(left), 1, 3), GRAY, np.uint8), right], axis=1)


def _draw_ground(canvas: np.ndarray, seen: np.ndarray, column: float, scale: float) -> None:
    """A line under the lowest joint of (K, 2), and a thin one up the root's column."""
    if not len(placed := seen[np.isfinite(seen).all(axis=1)]):
        return
    height, width = canvas.shape[:2]
    top, bottom = np.clip([placed[:, 1].min(), placed[:, 1].max() + 0.02 * height], -height, 2 * height)
    left, right = np.clip([column - GROUND * scale, column + GROUND * scale], -width, 2 * width)
    corners = np.rint([[left, bottom], [right, bottom], [column, bottom], [column, top]]).astype(int).tolist()
    cv2.line(canvas, corners[0], corners[1], GRAY, max(1, height // 300))
    cv2.line(canvas, corners[2], corners[3], (225, 225, 225), 1)
