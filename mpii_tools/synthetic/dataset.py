"""A dataset of synthetic people in MPII's own format: JPEG images and a RELEASE .mat.

Image i is made from the seed and i alone, so the files are the same whatever the number of workers.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from checkpoints.files import write_text
from heads.skeleton import MPII
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL, HEAD_SIZE_PER_SCALE, People, make_people
from mpii_tools.people_file import save_people
from mpii_tools.synthetic.clothes import draw_look
from mpii_tools.synthetic.person import PARTS, draw_person, joints_in_view
from mpii_tools.synthetic.pictures import check_counts, draw_all, image_name, is_complete, start_over, write_picture
from mpii_tools.synthetic.pose_prior import read_posture, sample_poses
from mpii_tools.synthetic.scene import new_canvas, paint_occluder, paint_shadow, photograph

HEIGHT, WIDTH = 360, 480
HEAD_BOX_DIAGONAL = HEAD_SIZE_PER_SCALE / HEAD_SIZE_PER_DIAGONAL  # image pixels per unit of scale
FEWEST_JOINTS = 5  # MPII labels no person with fewer
DRAWING = 3  # raise it when a change makes other pictures from the same seed

DONE_NAME = "synthetic.json"

# Measured on Tompson's 2,958 validation people: the bottom edge of the picture cuts a person above the ankles, the
# knees or the hips.
CUTS = {"none": 0.725, "ankle": 0.12, "knee": 0.13, "hip": 0.025}  # whoever is cut at the knees has no ankles, too
SHORTEST_CUT = 65.0  # units of scale of a cut person that stay in the picture: head and chest at least
OCCLUDED = [k for k, name in enumerate(MPII.names) if name.endswith(("knee", "ankle", "hip", "wrist", "elbow"))]


@dataclass(frozen=True)
class SyntheticData:
    """The files of a synthetic dataset.

    Attributes:
        images: folder of the JPEG images.
        annotations: MPII's RELEASE .mat; test people have no joints in it.
        truth: the ground truth of the test people, as `people_file` stores people.
    """

    images: Path
    annotations: Path
    truth: Path


@dataclass(frozen=True)
class Person:
    """One drawn and labelled person; image pixels, 0-based.

    Attributes:
        joints: (16, 2) NaN if not annotated.
        visible: (16,) 1, 0, or -1 if not annotated.
        center: (2,) objpos. scale: MPII's.
        head_box: (4,) x1, y1, x2, y2 with a diagonal of 25 / 0.6 * scale.
        scored: MPII's single_person.
    """

    joints: np.ndarray
    visible: np.ndarray
    center: np.ndarray
    scale: float
    head_box: np.ndarray
    scored: bool = True


def write_synthetic(
    folder: str | os.PathLike,
    train: int,
    valid: int,
    test: int,
    seed: int = 0,
    workers: int | None = None,
    upright: bool = False,
) -> SyntheticData:
    """Draw `train + valid + test` images of people and write them to `folder` as an MPII dataset.

    A folder that a finished call with the same numbers wrote is kept. An unfinished one is started over.

    Args:
        folder: gets images/, the .mat, `valid_images.txt` and `test_truth.npz`.
        train, valid, test: numbers of images; some show two labelled people.
        seed: the same seed gives the same bytes.
        workers: processes; None for one per core.
        upright: whether all stand upright with the chest to the viewer, which is soon learnt; else they take any
            pose that MPII's people take.

    Raises:
        PoseError: a negative number, no image at all, or a folder that cannot be written.
    """
    folder = Path(folder)
    counts = {"train": train, "valid": valid, "test": test}
    check_counts(folder, counts)
    mat, truth = folder / "mpii_human_pose_v1_synthetic.mat", folder / "test_truth.npz"
    data = SyntheticData(folder / "images", mat, truth)
    done, parameters = folder / DONE_NAME, {"form": DRAWING, "seed": seed, "upright": upright, **counts}
    files = (mat, truth, folder / "valid_images.txt")
    if is_complete(done, parameters, files, data.images, sum(counts.values())):
        return data
    start_over(done, data.images)

    splits = np.repeat(list(counts), list(counts.values()))
    pictures = draw_all(partial(_write_picture, data.images, seed, upright), range(len(splits)), workers)
    people, head_boxes = _as_people(pictures, splits)
    write_mpii_mat(data.annotations, people, head_boxes)
    save_people(data.truth, people.select(people.split == "test"))
    write_text(done, json.dumps(parameters) + "\n")
    return data


def _write_picture(images: Path, seed: int, upright: bool, index: int) -> list[Person]:
    cv2.setNumThreads(1)  # the processes share the cores already
    rng = np.random.default_rng([seed, index])
    picture, people = draw_picture(rng, upright)
    write_picture(images / image_name(index), picture, rng)
    return people


def draw_picture(rng: np.random.Generator, upright: bool = False) -> tuple[np.ndarray, list[Person]]:
    """One picture (HEIGHT, WIDTH, 3) uint8 BGR and its labelled people, first the main one (`upright` or not)."""
    canvas = new_canvas(rng, HEIGHT, WIDTH)
    placed = [place_main(rng, upright)]
    if rng.random() < 0.2:
        placed.append(place_at_edge(rng, upright))
    firsts = [1 + number * len(PARTS) for number in range(len(placed))]
    for number in rng.permutation(len(placed)):  # the last is before the others
        pose, offset, scale = placed[number]
        joints = pose * scale + offset
        paint_shadow(canvas, joints, scale)
        posture = read_posture(pose, rng)
        draw_person(canvas, joints, scale, posture, draw_look(rng), firsts[number])
    if rng.random() < 0.3:
        pose, offset, scale = placed[0]
        paint_occluder(rng, canvas, pose[rng.choice(OCCLUDED)] * scale + offset, scale)

    people = [label(canvas.owner, *place, first) for place, first in zip(placed, firsts, strict=True)]
    return photograph(rng, canvas.color), _labelled(*people)


def _labelled(main: Person, other: Person | None = None) -> list[Person]:
    """The main person, and the other if enough shows; they are scored unless the boxes of their joints overlap."""
    if other is None or np.isfinite(other.joints[:, 0]).sum() < FEWEST_JOINTS or not _inside(other.center):
        return [main]
    low, high = (np.array([f(p.joints, axis=0) for p in (main, other)]) for f in (np.nanmin, np.nanmax))
    apart = bool((low.max(axis=0) > high.min(axis=0)).any())
    return [replace(person, scored=apart) for person in (main, other)]


def place_main(rng: np.random.Generator, upright: bool = False) -> tuple[np.ndarray, np.ndarray, float]:
    """Pose (16, 2) in units of scale, offset (2,) of its objpos in image pixels, and scale, of the main person.

    Most stand wholly in the picture. Some are nearer and cut by its bottom edge, as often as MPII's are.
    """
    cut = rng.choice(len(CUTS), p=list(CUTS.values()))
    hidden = [name[2:] in list(CUTS)[1 : cut + 1] for name in MPII.names]
    while True:
        pose = sample_poses(rng, 1, upright=upright)[0]
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


def place_at_edge(rng: np.random.Generator, upright: bool = False) -> tuple[np.ndarray, np.ndarray, float]:
    """As `place_main`, a second person near the left or right edge, often cut by it."""
    pose, scale = sample_poses(rng, 1, upright=upright)[0], float(rng.uniform(0.6, 1.5))
    x = rng.choice([0, WIDTH]) + rng.normal(scale=25.0)
    return pose, np.array([x, rng.uniform(0.4, 0.65) * HEIGHT]), scale


def label(owner: np.ndarray, pose: np.ndarray, offset: np.ndarray, scale: float, first: int) -> Person:
    """What an annotator would write about a drawn person.

    Args:
        owner: (H, W) the finished canvas' owner map; `first` the person's first number there.
        pose, offset, scale: as `place_main` gives them.
    """
    joints = pose * scale + offset
    inside = _inside(joints)
    seen = joints_in_view(owner, joints, first)
    neck, top = joints[MPII.index("upper_neck")], joints[MPII.index("head_top")]
    half = 0.45 * scale * HEAD_BOX_DIAGONAL + np.abs(top - neck)  # longer along the head than across
    half *= 0.5 * HEAD_BOX_DIAGONAL * scale / np.hypot(*half)
    middle = 0.5 * (neck + top)
    return Person(
        joints=np.where(inside[:, None], joints, np.nan),
        visible=np.where(inside, seen, -1).astype(np.int8),
        center=offset,
        scale=scale,
        head_box=np.concatenate([middle - half, middle + half]),
    )


def _inside(points: np.ndarray) -> np.ndarray:
    """(...) bool: which of the points (..., 2) are in the picture."""
    return ((points >= 0) & (points <= (WIDTH - 1, HEIGHT - 1))).all(axis=-1)


def _as_people(pictures: list[list[Person]], splits: np.ndarray) -> tuple[People, np.ndarray]:
    """The drawn people as a table, and their head boxes (N, 4)."""
    of_picture = np.repeat(np.arange(len(pictures)), [len(shown) for shown in pictures])
    everyone = list(chain.from_iterable(pictures))
    scale = np.array([p.scale for p in everyone])
    people = make_people(
        [image_name(i) for i in of_picture.tolist()],
        np.stack([p.joints for p in everyone]),
        center=np.stack([p.center for p in everyone]),
        scale=scale,
        head_size=HEAD_SIZE_PER_SCALE * scale,
        split=splits[of_picture],
        scored=np.array([p.scored for p in everyone]),
        visible=np.stack([p.visible for p in everyone]),
    )
    return people, np.stack([p.head_box for p in everyone])
