"""From annotations and images to preprocessed crops, with a count of all that was left out."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from checkpoints.progress import progress
from mpii_tools.annotations.reading import Findings, merge
from mpii_tools.annotations.splits import SHARED
from mpii_tools.crops import crop_matrices
from mpii_tools.depth.files import depth_path, save_depth
from mpii_tools.depth.table import Depth
from mpii_tools.images.decode import decode_crops
from mpii_tools.images.header import read_header
from mpii_tools.people import People
from mpii_tools.people_file import save_people
from mpii_tools.prepared.earlier import Earlier, find_earlier
from mpii_tools.prepared.faults import drop_unusable
from mpii_tools.prepared.read import DESCRIPTION
from mpii_tools.skeletons import skeleton_to_json

ReadImage = Callable[[str], bytes]

THREADS = 4  # OpenCV leaves Python's lock while it decodes and warps
IMAGES_AHEAD = 64  # whose crops are in memory at a time
PARTIAL = ".preparing"

NO_IMAGE = "people left out: image missing, or unclear which is meant"
BAD_IMAGE = "people left out: image corrupt, too large, or no image"
OUTSIDE = "people left out: center outside the image"
OF_IMAGES = (NO_IMAGE, BAD_IMAGE)  # what an image, not its annotation, takes people for


@dataclass
class Preparation:
    """What was found and written.

    Attributes:
        faults: what is wrong with people and images -> who is affected.
        notes: what is worth knowing and no fault -> images.
        splits: split -> its number of people.
        kept: splits that an earlier preparation wrote there and that stay -> their numbers of people.
        replaced: splits of an earlier preparation in whose place new ones came -> the numbers of people they had.
        written: whether the preprocessed crops were written: not if nobody can be used, or `strict` met a fault.
    """

    faults: dict[str, list[str]]
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    splits: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    written: bool = False


@dataclass(frozen=True)
class ImageCrops:
    """What came of one image.

    Attributes:
        crops: row of a person -> crop (S, S, 3) uint8.
        faults: as `Preparation.faults`, of the image's other people.
        oddities: what is unusual about the image and no fault.
    """

    image: str
    crops: dict[int, np.ndarray]
    faults: Findings
    oddities: list[str] = field(default_factory=list)


def prepare(
    people: People,
    read_image: ReadImage,
    folder: Path,
    name: str,
    size: int = 224,
    margin: float = 1.5,
    strict: bool = False,
    known: Findings | None = None,
    apply_exif: bool = False,
    image_folders: Sequence[Path] = (),
    depth: Depth | None = None,
) -> Preparation:
    """Write the preprocessed crops of `people` to `folder`; what was there before stays until all is written.

    People that cannot be used are left out and counted among the faults (`find_faults` and the three of the images).
    Training people in an image with validation people, here or in a split already there, are left out.

    Args:
        read_image: encoded bytes of an image by name; raises PoseError if it has none.
        folder: where to write; splits of a finished preparation there stay if `people` have none of that name.
        name: the dataset's name, kept with everything trained on it.
        size: side of the network's input in pixels.
        margin: side of a preprocessed crop / side of the input, the room for augmentation.
        strict: write nothing if there is a fault; all of them are looked for all the same.
        known: faults that the annotations' reader found, to be counted with those found here.
        apply_exif: whether the images were annotated as viewers show them, turned as EXIF asks; MPII's were not.
        image_folders: where `read_image` finds them; images of one name from other folders are other images.
        depth: with a row for each of the people; None for people in two dimensions.

    Raises:
        PoseError: when a split that stays there was prepared otherwise, or the disk refuses; nothing is changed then.
    """
    border = round(size * (margin - 1) / 2)
    description = {"format": 1, "name": name, "input": size, "border": border, "apply_exif": apply_exif}
    description |= {"joint_names": list(people.joint_names), "skeleton": skeleton_to_json(people.skeleton)}
    earlier = find_earlier(folder, description, [str(path.resolve()) for path in image_folders])
    earlier.require_same(set(people.split.tolist()))
    usable, done = usable_people(people, earlier, known or {})
    partial = folder / PARTIAL
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for split in sorted(set(usable.split.tolist())):
            part = usable.select(usable.split == split)
            count = write_split(part, read_image, partial, split or "all", size, border, done, apply_exif, depth)
            done.splits |= {split or "all": count} if count else {}
        done.notes[SHARED] += earlier.clean_train(people, partial, done.splits)
        done.faults, done.notes = merge(done.faults), merge(done.notes)
        done.written = bool(done.splits) and not (strict and done.faults)
        if done.written:
            finish(partial, folder, description, earlier, done)
        return done
    except OSError as error:
        reason = error.strerror or error
        raise PoseError(f"{folder}: cannot be written ({reason}); make room or choose another") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def usable_people(people: People, earlier: Earlier, known: Findings) -> tuple[People, Preparation]:
    """Those whose crops can be written as far as annotations tell, and what is said of the others."""
    shared = earlier.beside_validation(people)
    usable, faults = drop_unusable(people.select(~shared))
    done = Preparation(defaultdict(list, merge(known, faults)))
    done.notes[SHARED] += people.person_ids[shared].tolist()
    return usable, done


def finish(partial: Path, folder: Path, description: dict, earlier: Earlier, done: Preparation) -> None:
    """Describe the splits in `partial` and those that stay in `folder`, and move the former to their place.

    The description comes last: what it names is there, whenever a kill comes.
    """
    earlier.require_same(set(done.splits))
    done.kept, done.replaced = earlier.kept(done.splits), earlier.replaced(done.splits)
    splits = {**done.kept, **done.splits}
    description |= {"splits": splits, "faults": {what: len(ids) for what, ids in done.faults.items()}}
    description |= {"image_folders": earlier.folders_with(done.splits)}
    paths = list(partial.iterdir())
    untouched = {split: count for split, count in done.kept.items() if not (partial / f"{split}.npz").exists()}
    if untouched:
        write_text(folder / DESCRIPTION, json.dumps({**description, "splits": untouched}, indent=1))
    else:
        (folder / DESCRIPTION).unlink(missing_ok=True)
    for path in paths:
        path.replace(folder / path.name)
    written = {path.name for path in paths}
    for path in (depth_path(folder / f"{split}.npz") for split in done.splits):
        if path.name not in written:
            path.unlink(missing_ok=True)  # of what was there before
    if having := [split for split in splits if depth_path(folder / f"{split}.npz").is_file()]:
        description |= {"depth": having}
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1))


def write_split(
    people: People,
    read_image: ReadImage,
    folder: Path,
    split: str,
    size: int,
    border: int,
    done: Preparation,
    apply_exif: bool,
    depth: Depth | None,
) -> int:
    """Write a split's files; returns how many people they hold, and writes none for nobody."""
    side = size + 2 * border
    matrices = crop_matrices(people.crop_center, people.crop_side, size, border)
    kept = []
    path = folder / f"{split}-crops.npy"
    with path.open("wb") as file, progress((), f"preparing {split}", len(people), "person") as counter:
        write_header(file, len(people), side)
        for cut in cut_crops(people, matrices, read_image, side, apply_exif):
            for crop in cut.crops.values():
                file.write(crop.data)
            kept += cut.crops
            for oddity in cut.oddities:
                done.notes[oddity].append(cut.image)
            for what, who in cut.faults.items():
                done.faults[what] += who
            counter.update(len(cut.crops) + sum(map(len, cut.faults.values())))
        file.seek(0)
        write_header(file, len(kept), side)
    if kept:
        people = people.select(np.array(kept))
        save_people(folder / f"{split}.npz", people)
        if depth:
            save_depth(folder / f"{split}.npz", depth.of(people.person_ids.tolist()))
    else:
        path.unlink()
    return len(kept)


def write_header(file: BinaryIO, count: int, side: int) -> None:
    """The .npy header of (count, side, side, 3) bytes; numpy makes it as long for any count."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
    np.lib.format.write_array_header_1_0(file, header)


def cut_crops(
    people: People, matrices: np.ndarray, read_image: ReadImage, side: int, apply_exif: bool
) -> Iterator[ImageCrops]:
    """The crops of everybody, image by image: each is decoded once for all of its people.

    Args:
        matrices: (N, 2, 3) affines from image pixels to those of the crop.
        side: of the crops in pixels.
        apply_exif: as `prepare`.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(people.images.tolist()):
        rows_of[image].append(row)
    images = list(rows_of.items())
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(images), IMAGES_AHEAD):
            ahead = images[start : start + IMAGES_AHEAD]
            yield from pool.map(lambda item: cut_image(*item, people, matrices, read_image, side, apply_exif), ahead)


def cut_image(
    image: str,
    rows: list[int],
    people: People,
    matrices: np.ndarray,
    read_image: ReadImage,
    side: int,
    apply_exif: bool,
) -> ImageCrops:
    """The crops of the people `rows` of one image, as `cut_crops`."""
    ids = people.person_ids[rows].tolist()
    try:
        data = read_image(image)
    except PoseError as error:
        return ImageCrops(image, {}, {NO_IMAGE: [f"{person}: {error}" for person in ids]})
    try:
        header = read_header(data, image)
        width, height = header.upright_size if apply_exif else (header.width, header.height)
        outside = is_outside(people.select(np.array(rows)), width, height)
        inside = np.array(rows)[~outside]
        crops = decode_crops(data, image, matrices[inside], side, header, apply_exif)
    except PoseError as error:
        return ImageCrops(image, {}, {BAD_IMAGE: [f"{person}: {error}" for person in ids]})
    faults = {OUTSIDE: [person for person, out in zip(ids, outside, strict=True) if out]} if outside.any() else {}
    return ImageCrops(image, dict(zip(inside.tolist(), crops, strict=True)), faults, header.oddities(apply_exif))


def is_outside(people: People, width: int, height: int) -> np.ndarray:
    """(N,) bool: people, test split aside, whose center and whose crop's center are both outside their image.

    Either may leave it alone: the crop's is 15 * scale lower, and LSP's people have only that one.
    """
    centers = np.stack([people.center, people.crop_center])
    inside = ((centers >= -0.5) & (centers <= (width - 0.5, height - 0.5))).all(axis=-1).any(axis=0)
    return ~inside & (people.split != "test")
