"""Datasets of synthetic people: in MPII's own format, or in three dimensions with the depths and cameras of a studio.

Image i is made from the seed and i alone, so the files are the same whatever the number of workers. In three
dimensions the pose comes first, in mm; the camera projects it, and the picture is drawn from the projection. So
picture, joints, depth and camera agree exactly.
"""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from checkpoints import PoseError, read_text, write_bytes, write_text
from checkpoints.progress import progress
from heads.skeleton import MPII
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import depth_path, save_people
from mpii_tools.people import Depth, People
from mpii_tools.synthetic.pictures import Person, draw_picture, draw_shot
from mpii_tools.synthetic.studio import PICTURE, Shot, image_name, studio_shots, wild_shots

Item = tuple[int, Shot | None]  # the number of a picture, and what it shows in three dimensions

KINDS = {  # and what holds `SyntheticData.annotations` and `truth`
    "image": ("mpii_human_pose_v1_synthetic.mat", "test_truth.npz"),
    "studio": ("people.npz", "people.npz"),
    "wild": ("people.npz", "ground_truth/people.npz"),
}
DRAWING = 3  # raise it when a change makes other pictures from the same seed
DONE_NAME = "synthetic.json"


@dataclass(frozen=True)
class SyntheticData:
    """The files of a synthetic dataset.

    Attributes:
        images: folder of the JPEG images.
        annotations: what training may see: MPII's RELEASE .mat, in which test people have no joints; in three
            dimensions the people as `people_file` stores them, in the studio with their depth table beside.
        truth: a file of people: the test people of the .mat with their joints; in three dimensions everybody, with
            their depth table beside, which is `annotations` itself in the studio.
    """

    images: Path
    annotations: Path
    truth: Path


def write_synthetic(
    folder: str | os.PathLike,
    train: int,
    valid: int,
    test: int = 0,
    seed: int = 0,
    workers: int | None = None,
    upright: bool = False,
    kind: str = "image",
) -> SyntheticData:
    """Draw `train + valid + test` images of people and write them to `folder` as a dataset.

    A folder that a finished call with the same numbers wrote is kept. An unfinished one is started over.

    Args:
        folder: gets images/ and the files of `SyntheticData`; with kind "image" `valid_images.txt`, too.
        train, valid, test: numbers of images; with kind "image", some show two labelled people. The studio has no test
            people: it trains on S1, S5, S6, S7 and S8, and validates on S9 and S11.
        seed: the same seed gives the same bytes.
        workers: processes; None for one per core.
        upright: of kind "image", whether all stand upright with the chest to the viewer, which is soon learnt; else
            they take any pose that MPII's people take.
        kind: "image" for poses in the image alone; "studio" for seven subjects in 15 actions as smooth motion, four
            cameras, few looks, depths of everybody; "wild" for people never labeled in depth, with a body, look, place
            and camera of their own for everybody, and any pose.

    Raises:
        PoseError: another kind, a negative number, no image at all, or a folder that cannot be written.
    """
    folder, counts = Path(folder), {"train": train, "valid": valid, "test": test}
    if kind not in KINDS or min(counts.values()) < 0 or not any(counts.values()) or (kind == "studio" and test):
        raise PoseError(
            f"{folder}: cannot draw {counts} images of kind {kind!r}; give {', '.join(KINDS)}, numbers of at least 0, "
            "not all of them 0, and no test people of the studio"
        )
    data = SyntheticData(folder / "images", *(folder / table for table in KINDS[kind]))
    done, splits = folder / DONE_NAME, np.repeat(list(counts), list(counts.values()))
    parameters = {"form": DRAWING, "seed": seed, "upright": upright, **counts}
    parameters |= {} if kind == "image" else {"kind": kind}
    files = [data.annotations, data.truth, folder / "valid_images.txt" if kind == "image" else depth_path(data.truth)]
    files += [data.images / image_name(index) for index in range(len(splits))]
    with suppress(OSError, ValueError):
        if json.loads(read_text(done)) == parameters and all(file.is_file() for file in files):
            return data
    try:  # what an earlier call of any kind left
        done.unlink(missing_ok=True)
        data.images.mkdir(parents=True, exist_ok=True)
        for file in chain(*map(folder.glob, ("images/*.jpg", "people*.npz", "ground_truth/people*.npz"))):
            file.unlink()
    except OSError as error:
        raise PoseError(f"{folder}: cannot be written ({error.strerror or error})") from error

    if kind == "image":
        shots = [None] * len(splits)
    else:
        shots = studio_shots(seed, train, valid) if kind == "studio" else wild_shots(seed, len(splits))
    pictures = draw_all(partial(_write_picture, data.images, seed, upright), list(enumerate(shots)), workers)
    people, head_boxes = tabulate_people(pictures, splits)
    if kind == "image":
        write_mpii_mat(data.annotations, people, head_boxes)
        save_people(data.truth, people.select(people.split == "test"))
    else:
        save_people(data.annotations, people)
        save_people(data.truth, replace(people, depth=tabulate_depth(shots)))
    write_text(done, json.dumps(parameters) + "\n")
    return data


def draw_all(draw: Callable[[Item], list[Person]], items: Sequence[Item], workers: int | None) -> list[list[Person]]:
    """What `draw` returns for every item, in order; `workers` is the number of processes, None for one per core."""
    workers = min(workers or os.cpu_count() or 1, len(items))
    counted = partial(progress, total=len(items), desc="drawing people", unit="image")
    if workers == 1:
        return list(counted(map(draw, items)))
    # Fresh processes: a forked one may inherit a lock of a thread pool that the parent runs.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawn, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        return list(counted(pool.map(draw, items, chunksize=8)))
    finally:
        pool.shutdown(cancel_futures=True)


def _write_picture(images: Path, seed: int, upright: bool, item: Item) -> list[Person]:
    """Draw picture `index` of the dataset and write it as a JPEG of common quality; its labelled people."""
    cv2.setNumThreads(1)  # the processes share the cores already
    index, shot = item
    rng = np.random.default_rng([seed, index] if shot is None else [seed, PICTURE, index, shot.number + 1])
    picture, people = draw_picture(rng, upright) if shot is None else draw_shot(rng, seed, shot)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(72, 94))])
    write_bytes(images / image_name(index), jpeg.tobytes(), durable=False)
    return people


def tabulate_people(pictures: Sequence[Sequence[Person]], splits: np.ndarray) -> tuple[People, np.ndarray]:
    """The drawn people of pictures with their `splits` as a table, and their head boxes (N, 4)."""
    rows = np.repeat(np.arange(len(pictures)), list(map(len, pictures)))
    column = {name: np.stack([person[name] for person in chain(*pictures)]) for name in pictures[0][0]}
    head_boxes, names = column.pop("head_box"), list(map(image_name, rows.tolist()))
    return People(names, split=splits[rows], **column), head_boxes


def tabulate_depth(shots: Sequence[Shot]) -> Depth:
    """The depths and cameras of people, one of each shot."""
    z = np.stack([shot.points[:, 2] for shot in shots])
    root = z[:, MPII.root]
    return Depth(
        z - root[:, None],
        camera=np.stack([shot.camera.intrinsics for shot in shots]),
        distortion=np.stack([shot.camera.distortion for shot in shots]),
        root_depth=root,
        frame=np.array([shot.frame for shot in shots]),
        **{name: [getattr(shot, name) for shot in shots] for name in ("subject", "action", "sequence")},
    )
