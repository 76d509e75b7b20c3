"""Datasets of synthetic people in three dimensions: a studio of Human3.6M's kind, and people never labeled in depth.

The pose comes first, in mm; the camera projects it, and the picture is drawn from the projection. So picture, joints,
depth and camera agree exactly. Everything follows from the seed, whatever the number of workers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np

from checkpoints.files import write_text
from heads.skeleton import MPII
from mpii_tools.annotations.placement import crop_around
from mpii_tools.depth.files import depth_path, save_depth
from mpii_tools.depth.table import Depth, make_depth
from mpii_tools.people import People, make_people
from mpii_tools.people_file import save_people
from mpii_tools.synthetic.clothes import draw_look
from mpii_tools.synthetic.painting import Canvas
from mpii_tools.synthetic.person import draw_person, joints_in_view
from mpii_tools.synthetic.person_3d import head_sizes, posture_of, unit_pixels
from mpii_tools.synthetic.pictures import check_counts, draw_all, image_name, is_complete, start_over, write_picture
from mpii_tools.synthetic.scene import new_canvas, paint_occluder, paint_shadow, photograph
from mpii_tools.synthetic.shots_3d import LOOK, PICTURE, ROOM, Shot, studio_shots, subject_number, wild_shots
from mpii_tools.synthetic.studio import SIZE

DRAWING = 1  # raise it when a change makes other pictures from the same seed
DONE_NAME = "synthetic-3d.json"
OCCLUDED = [k for k, name in enumerate(MPII.names) if name.endswith(("knee", "ankle", "wrist", "elbow"))]


@dataclass(frozen=True)
class Synthetic3D:
    """The files of a synthetic 3D dataset.

    Attributes:
        images: folder of the JPEG images, 500 x 500.
        people: the people, as `people_file` stores them; in the studio with their depth table beside.
        ground_truth: a file of the same people that has a depth table beside: `people` itself in the studio.
    """

    images: Path
    people: Path
    ground_truth: Path


def write_synthetic_3d(
    folder: str | os.PathLike, train: int, valid: int, seed: int = 0, workers: int | None = None
) -> Synthetic3D:
    """Draw seven subjects in a studio: 15 actions as smooth motion, four cameras, few looks, depths of everybody.

    A folder that a finished call with the same numbers wrote is kept. An unfinished one is started over.

    Args:
        folder: gets images/, people.npz and people-depth.npz.
        train: number of images of S1, S5, S6, S7 and S8. valid: of S9 and S11.
        seed: the same seed gives the same bytes.
        workers: processes; None for one per core.

    Raises:
        PoseError: a negative number, no image at all, or a folder that cannot be written.
    """
    counts = {"train": train, "valid": valid}
    return _write(Path(folder), "studio", counts, seed, workers, partial(studio_shots, seed))


def write_synthetic_wild(
    folder: str | os.PathLike, train: int, valid: int, test: int, seed: int = 0, workers: int | None = None
) -> Synthetic3D:
    """Draw people never labeled in depth: for everybody a body, look, place and camera of their own, and any pose.

    What training may see has no depth; that of all people is kept as the ground truth in a folder of its own.

    Args:
        folder: gets images/, people.npz, ground_truth/people.npz and ground_truth/people-depth.npz.
        train, valid, test: numbers of images.
        seed, workers: as in `write_synthetic_3d`; the same seed gives other people than the studio's.

    Raises:
        PoseError: as in `write_synthetic_3d`.
    """
    counts = {"train": train, "valid": valid, "test": test}
    return _write(Path(folder), "wild", counts, seed, workers, partial(wild_shots, seed))


def _write(
    folder: Path,
    kind: str,
    counts: dict[str, int],
    seed: int,
    workers: int | None,
    shots_of: Callable[[dict[str, int]], list[Shot]],
) -> Synthetic3D:
    """The dataset of `shots_of(counts)` in `folder`."""
    check_counts(folder, counts)
    people, ground_truth = folder / "people.npz", folder / "ground_truth" / "people.npz"
    data = Synthetic3D(folder / "images", people, people if kind == "studio" else ground_truth)
    done, parameters = folder / DONE_NAME, {"form": DRAWING, "kind": kind, "seed": seed, **counts}
    files = (data.people, data.ground_truth, depth_path(data.ground_truth))
    if is_complete(done, parameters, files, data.images, sum(counts.values())):
        return data
    start_over(done, data.images, *(f for table in (people, ground_truth) for f in (table, depth_path(table))))

    shots = shots_of(counts)
    visible = draw_all(partial(_write_shot, data.images, seed), list(enumerate(shots)), workers)
    table, depth = tables(shots, np.array(visible))
    for path in {data.people, data.ground_truth}:
        save_people(path, table)
    save_depth(data.ground_truth, depth)
    write_text(done, json.dumps(parameters) + "\n")
    return data


def tables(shots: list[Shot], visible: np.ndarray) -> tuple[People, Depth]:
    """The people of the shots and their depths; visible (N, 16) is what the pictures show."""
    points = np.stack([shot.points for shot in shots])
    intrinsics = np.stack([shot.camera.intrinsics for shot in shots])
    joints = np.stack([shot.camera.project(shot.points) for shot in shots])
    center, scale = crop_around(joints)
    people = make_people(
        [image_name(i) for i in range(len(shots))],
        joints,
        center=center,
        scale=scale,
        head_size=head_sizes(points, intrinsics),
        split=np.array([shot.split for shot in shots]),
        visible=visible,
    )
    root = points[:, MPII.root, 2]
    depth = make_depth(
        people.person_ids.tolist(),
        points[..., 2] - root[:, None],
        camera=intrinsics,
        distortion=np.stack([shot.camera.distortion for shot in shots]),
        root_depth=root,
        frame=np.array([shot.frame for shot in shots]),
        **{name: [getattr(shot, name) for shot in shots] for name in ("subject", "action", "sequence")},
    )
    return people, depth


def _write_shot(images: Path, seed: int, item: tuple[int, Shot]) -> np.ndarray:
    cv2.setNumThreads(1)  # the processes share the cores already
    index, shot = item
    rng = np.random.default_rng([seed, PICTURE, index, shot.number + 1])
    picture, visible = draw_shot(rng, seed, shot)
    write_picture(images / image_name(index), picture, rng)
    return visible


def draw_shot(rng: np.random.Generator, seed: int, shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """The picture (SIZE, SIZE, 3) uint8 BGR of a shot, and which joints it shows, (16,) of 1 and 0."""
    joints, unit = shot.camera.project(shot.points), float(unit_pixels(shot.points, shot.camera.intrinsics))
    if shot.subject:
        empty, look = (
            _room(seed, shot.number),
            draw_look(np.random.default_rng([seed, LOOK, subject_number(shot.subject)])),
        )
        canvas = Canvas(empty.color.copy(), empty.owner.copy(), empty.light, empty.ambient)
    else:
        canvas, look = new_canvas(rng, SIZE, SIZE), draw_look(rng)
    paint_shadow(canvas, joints, unit)
    draw_person(canvas, joints, unit, posture_of(shot.points), look)
    if not shot.subject and rng.random() < 0.3:
        paint_occluder(rng, canvas, joints[rng.choice(OCCLUDED)], unit)
    return photograph(rng, canvas.color), joints_in_view(canvas.owner, joints).astype(np.int8)


@cache
def _room(seed: int, number: int) -> Canvas:
    """What a camera of the studio sees while nobody is there."""
    return new_canvas(np.random.default_rng([seed, ROOM, number]), SIZE, SIZE)
