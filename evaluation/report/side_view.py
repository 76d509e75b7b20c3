"""3D poses seen from the side: depth to the right, y as in the image, so that it stands beside the image."""

import cv2
import numpy as np

from evaluation.metrics.ground_truth import nan_mean
from evaluation.report import skeletons
from heads.skeleton import MPII, Skeleton

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
    people = skeletons.check_people(joints, skeleton, 3)
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
    people = skeletons.check_people(joints, skeleton, 3)
    gts = skeletons.check_people(np.full_like(people, np.nan) if gt is None else gt, skeleton, 3)
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
        line = skeletons.thickness(people[row][:, :2])
        skeletons.draw_skeleton(canvas, true, skeleton, [GT] * len(skeleton), max(1.0, 0.4 * line))
        skeletons.draw_skeleton(canvas, pose, skeleton, skeletons.side_colors(skeleton), line, people[row][:, 0])
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
    (pose,) = skeletons.check_people(joints, skeleton, joints.shape[-1])
    true = np.full_like(pose, np.nan)
    if gt is not None:
        true[:, : gt.shape[-1]] = skeletons.check_people(gt, skeleton, gt.shape[-1])[0]
    front = skeletons.drop_outside(pose, image)
    piece, affine = skeletons.close_up(image, np.concatenate([front, true])[:, :2], side)

    def move(points: np.ndarray) -> np.ndarray:
        return np.column_stack([points[:, :2] @ affine[:, :2].T + affine[:, 2], points[:, 2:]])

    picture = skeletons.draw_poses(
        piece, move(front)[:, :2], None if gt is None else move(true)[:, :2], skeleton=skeleton
    )
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
    drawn = skeletons.draw_poses(image, skeletons.drop_outside(joints[..., :2], image), skeleton=skeleton)
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
