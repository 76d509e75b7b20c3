"""From annotations and photos to the ready form (see mpii_tools.prepared), with a count of all that was left out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from heads.errors import BadInput
from mpii_tools.crops import crop_matrices
from mpii_tools.files import atomic_path
from mpii_tools.people import People
from mpii_tools.people_file import save_people
from mpii_tools.photos import decode_photo, warp
from mpii_tools.prepared import DESCRIPTION

THREADS = 4  # OpenCV leaves Python's lock while it decodes and warps


@dataclass(frozen=True)
class Preparation:
    """What was written: persons a split, and for each thing left out, the persons it befell."""

    splits: dict[str, int]
    notes: dict[str, list[str]]


def prepare(
    people: People, read_image: Callable[[str], bytes], folder: Path, name: str, size: int = 224, margin: float = 1.5
) -> Preparation:
    """Write the ready form of `people` to `folder`, one split after the other.

    Persons that cannot be used (no crop, no joint to train on, photo missing or torn) are left out and noted.

    Args:
        read_image: encoded bytes of an image by name; raises BadInput where it has none.
        folder: where to write; a finished older preparation there is replaced.
        name: the data set's name, kept with everything trained on it.
        size: side of the network's input in pixels.
        margin: side of a prepared crop / side of the input, the room for augmentation.

    Raises:
        BadInput: when no person can be used, or the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION).unlink(missing_ok=True)
    border = round(size * (margin - 1) / 2)
    usable, notes = drop_unusable(people)
    splits = {}
    for split in sorted(set(usable.split.tolist())):
        part = usable.select(usable.split == split)
        written, failed = write_split(part, read_image, folder, split or "all", size, border)
        splits[split or "all"] = written
        for what, persons in failed.items():
            notes.setdefault(what, []).extend(persons)
    if not any(splits.values()):
        raise BadInput(
            f"{folder}: no person of {name} could be prepared; first reason: {next(iter(notes), 'no person')}"
        )
    description = {
        "format": 1,
        "name": name,
        "input": size,
        "border": border,
        "splits": splits,
        "joint_names": list(people.joint_names),
        "left_out": {what: len(persons) for what, persons in notes.items()},
    }
    with atomic_path(folder / DESCRIPTION) as part:
        part.write_text(json.dumps(description, indent=1), encoding="utf-8")
    return Preparation(splits, notes)


def drop_unusable(people: People) -> tuple[People, dict[str, list[str]]]:
    """The persons that have a crop and, outside the test split, a joint; the others by reason."""
    crop_known = np.isfinite(people.crop_centre).all(axis=-1) & np.isfinite(people.crop_side) & (people.crop_side > 0)
    has_joint = people.supervised.any(axis=-1) | (people.split == "test")
    reasons = {
        "persons left out: no usable centre and scale": ~crop_known,
        "persons left out: no annotated joint": crop_known & ~has_joint,
    }
    notes = {what: people.person_ids[rows].tolist() for what, rows in reasons.items() if rows.any()}
    return people.select(crop_known & has_joint), notes


def write_split(
    people: People, read_image: Callable[[str], bytes], folder: Path, split: str, size: int, border: int
) -> tuple[int, dict[str, list[str]]]:
    """Write SPLIT.npz and SPLIT-crops.npy; the number of persons written and, by reason, those that failed."""
    side = size + 2 * border
    # The border continues the crop at its own resolution.
    matrices = crop_matrices(people.crop_centre, people.crop_side, size)
    matrices[:, :, 2] += border
    failed: dict[str, list[str]] = defaultdict(list)
    kept = []
    with atomic_path(folder / f"{split}-crops.npy") as path:
        crops = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(people), side, side, 3))
        progress = tqdm(
            cut_crops(people, matrices, read_image, side),
            f"preparing {split}",
            len(people),
            unit="person",
            disable=None,
        )
        for row, crop, fault in progress:
            if fault:
                failed["persons left out: photo missing or torn"].append(f"{people.person_ids[row]}: {fault}")
                continue
            crops[len(kept)] = crop
            kept.append(row)
        crops.flush()
        if len(kept) < len(people):
            shorten(path, crops, len(kept))
    save_people(folder / f"{split}.npz", people.select(np.array(kept, dtype=int)))
    return len(kept), dict(failed)


def cut_crops(
    people: People, matrices: np.ndarray, read_image: Callable[[str], bytes], side: int
) -> Iterator[tuple[int, np.ndarray | None, str | None]]:
    """(row, crop or None, fault or None) of every person, image by image: a photo is decoded once for its persons."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(people.images.tolist()):
        rows_of[image].append(row)

    def cut(item: tuple[str, list[int]]) -> list[tuple[int, np.ndarray | None, str | None]]:
        image, rows = item
        try:
            photo = decode_photo(read_image(image), image)
        except BadInput as error:
            return [(row, None, str(error)) for row in rows]
        return [(row, warp(photo, matrices[row], side), None) for row in rows]

    with ThreadPoolExecutor(THREADS) as pool:
        images = list(rows_of.items())
        for start in range(0, len(images), 64):  # a bounded number of crops in flight
            for done in pool.map(cut, images[start : start + 64]):
                yield from done


def shorten(path: Path, crops: np.memmap, count: int) -> None:
    """Rewrite a crops file for its first `count` crops, those that were filled."""
    np.save(path, np.array(crops[:count]))
