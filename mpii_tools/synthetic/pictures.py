"""What one picture of synthetic people shows: who stands where, who hides whom, and what an annotator writes of it."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from heads.skeleton import MPII
from mpii_tools.annotations.placement import crop_around
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL, HEAD_SIZE_PER_SCALE
from mpii_tools.synthetic.painting import Canvas, draw_look
from mpii_tools.synthetic.person import PARTS, Painter, joints_in_view
from mpii_tools.synthetic.pose_prior import guess_posture, measure_posture, sample_poses, unit_pixels
from mpii_tools.synthetic.scene import new_canvas, paint_occluder, paint_shadow, photograph
from mpii_tools.synthetic.studio import LOOK, ROOM, SIZE, Shot, in_image, subject_rng

HEIGHT, WIDTH = 360, 480
HEAD_BOX_DIAGONAL = HEAD_SIZE_PER_SCALE / HEAD_SIZE_PER_DIAGONAL  # image pixels per unit of scale
FEWEST_JOINTS = 5  # MPII labels no person with fewer

# Measured on Tompson's 2,958 validation people: the bottom edge of the picture cuts a person above the ankles, the
# knees or the hips.
CUTS = {"none": 0.725, "ankle": 0.12, "knee": 0.13, "hip": 0.025}  # whoever is cut at the knees has no ankles, too
SHORTEST_CUT = 65.0  # units of scale of a cut person that stay in the picture: head and chest at least
# Joints that something in front may hide, of people in the image alone and in three dimensions.
OCCLUDED = [k for k, name in enumerate(MPII.names) if name.endswith(("knee", "ankle", "hip", "wrist", "elbow"))]
OCCLUDED_3D = [k for k in OCCLUDED if not MPII.names[k].endswith("hip")]


Person = dict[str, Any]  # the columns of one drawn and labelled person, as `label` says


def draw_picture(rng: np.random.Generator, upright: bool = False) -> tuple[np.ndarray, list[Person]]:
    """One picture (HEIGHT, WIDTH, 3) uint8 BGR and its labelled people, first the main one (`upright` or not)."""
    canvas = new_canvas(rng, HEIGHT, WIDTH)
    placed = [place_main(rng, upright)]
    if rng.random() < 0.2:
        pose, scale = sample_poses(rng, 1, upright)[0], float(rng.uniform(0.6, 1.5))
        x = rng.choice([0, WIDTH]) + rng.normal(scale=25.0)  # near the left or right edge, often cut by it
        placed.append((pose, np.array([x, rng.uniform(0.4, 0.65) * HEIGHT]), scale))
    painters = {}
    for number in rng.permutation(len(placed)).tolist():  # the last is before the others
        pose, offset, scale = placed[number]
        joints, posture, look = pose * scale + offset, guess_posture(pose, rng), draw_look(rng)
        painters[number] = Painter(canvas, joints, scale, posture, look, 1 + number * len(PARTS))
    return _paint(rng, canvas, painters.values(), painters[0], OCCLUDED), _select_labelled(*(
        label(canvas.owner, painters[number].joints, offset, scale, scale, painters[number].first)
        for number, (_, offset, scale) in enumerate(placed)
    ))  # fmt: skip


def draw_shot(rng: np.random.Generator, seed: int, shot: Shot) -> tuple[np.ndarray, list[Person]]:
    """The picture (SIZE, SIZE, 3) uint8 BGR of a shot of the dataset of `seed`, and its person."""
    joints, unit = shot.camera.project(shot.points), float(unit_pixels(shot.points, shot.camera.intrinsics))
    if shot.subject:
        canvas = deepcopy(_paint_room(seed, shot.number))
        look = draw_look(subject_rng(seed, LOOK, shot.subject))
    else:
        canvas, look = new_canvas(rng, SIZE, SIZE), draw_look(rng)
    painter = Painter(canvas, joints, unit, measure_posture(shot.points), look)
    picture = _paint(rng, canvas, [painter], painter, () if shot.subject else OCCLUDED_3D)
    (center,), (scale,) = crop_around(joints[None])
    return picture, [label(canvas.owner, joints, center, scale, unit)]


@cache
def _paint_room(seed: int, number: int) -> Canvas:
    """What a camera of the studio sees while nobody is there."""
    return new_canvas(np.random.default_rng([seed, ROOM, number]), SIZE, SIZE)


def _paint(
    rng: np.random.Generator, canvas: Canvas, painters: Iterable[Painter], main: Painter, hidden: Sequence[int]
) -> np.ndarray:
    """The photograph of people, painted in order; sometimes with something before one of `main`'s `hidden` joints."""
    for painter in painters:
        paint_shadow(canvas, painter.joints, painter.scale)
        painter.paint()
    if len(hidden) and rng.random() < 0.3:
        paint_occluder(rng, canvas, main.joints[rng.choice(hidden)], main.scale)
    return photograph(rng, canvas.color)


def _select_labelled(main: Person, other: Person | None = None) -> list[Person]:
    """The main person, and the other if enough shows; they are scored unless the boxes of their joints overlap."""
    if (
        other is None
        or np.isfinite(other["joints"][:, 0]).sum() < FEWEST_JOINTS
        or not in_image(other["center"], HEIGHT, WIDTH)
    ):
        return [main]
    low, high = (np.array([f(person["joints"], axis=0) for person in (main, other)]) for f in (np.nanmin, np.nanmax))
    apart = bool((low.max(axis=0) > high.min(axis=0)).any())
    return [{**person, "scored": apart} for person in (main, other)]


def place_main(rng: np.random.Generator, upright: bool = False) -> tuple[np.ndarray, np.ndarray, float]:
    """Pose (16, 2) in units of scale, offset (2,) of its objpos in image pixels, and scale, of the main person.

    Most stand wholly in the picture. Some are nearer and cut by its bottom edge, as often as MPII's are.
    """
    cut = rng.choice(len(CUTS), p=list(CUTS.values()))
    hidden = [name[2:] in list(CUTS)[1 : cut + 1] for name in MPII.names]
    while True:
        pose = sample_poses(rng, 1, upright)[0]
        top, bottom = pose[:, 1].min() - 6, pose[:, 1].max() + 8
        if not cut:
            break
        bottom = pose[hidden, 1].min() - rng.uniform(2, 8)
        if bottom - top > SHORTEST_CUT and (pose[:, 1] < bottom).sum() >= FEWEST_JOINTS:
            break
    left, right = pose[:, 0].min() - 10, pose[:, 0].max() + 10
    scale = float(min(rng.uniform(0.65, 1.9 if cut else 1.5), HEIGHT / (bottom - top), WIDTH / (right - left)))
    room = np.array([WIDTH, HEIGHT]) - scale * np.array([right - left, bottom - top])
    share = np.array([rng.random(), 1.0 if cut else rng.beta(2, 1.5)])
    return pose, share * room - scale * np.array([left, top]), scale


def label(
    owner: np.ndarray, joints: np.ndarray, center: np.ndarray, scale: float, unit: float, first: int = 1
) -> Person:
    """What an annotator would write about a drawn person.

    Args:
        owner: (H, W) the finished canvas' owner map; `first` the person's first number there.
        joints: (16, 2) image pixels. unit: image pixels per unit of scale.
        center, scale: MPII's, (2,) and a number.

    Returns:
        image pixels, 0-based: `joints` (16, 2), NaN if not annotated; `visible` (16,) 1, 0, or -1 if not annotated;
        `center` (2,), objpos; `scale`; `head_size`, PCKh's unit, 25 units of scale whatever the pose; `head_box` (4,)
        x1, y1, x2, y2 with a diagonal of head_size / 0.6; `scored`, MPII's single_person.
    """
    inside, seen = in_image(joints, *owner.shape), joints_in_view(owner, joints, first)
    neck, top = joints[MPII.index("upper_neck")], joints[MPII.index("head_top")]
    half = 0.45 * unit * HEAD_BOX_DIAGONAL + np.abs(top - neck)  # longer along the head than across
    half *= 0.5 * HEAD_BOX_DIAGONAL * unit / np.hypot(*half)
    middle = 0.5 * (neck + top)
    return {
        "joints": np.where(inside[:, None], joints, np.nan),
        "visible": np.where(inside, seen, -1).astype(np.int8),
        "center": center,
        "scale": scale,
        "head_size": HEAD_SIZE_PER_SCALE * unit,
        "head_box": np.concatenate([middle - half, middle + half]),
        "scored": True,
    }
