"""From annotations and images to preprocessed crops, with a count of all that was left out."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from checkpoints.progress import progress
from mpii_tools.annotations.people_file import DESCRIPTION, depth_path, save_people
from mpii_tools.annotations.placement import wrong_units
from mpii_tools.annotations.reading import Findings, merge
from mpii_tools.annotations.splits import SHARED
from mpii_tools.crops import crop_matrices
from mpii_tools.images.decode import decode_crops
from mpii_tools.images.header import ImageHeader, read_header
from mpii_tools.people import People, group_rows
from mpii_tools.prepared.earlier import Earlier, find_earlier
from mpii_tools.skeletons import skeleton_to_json

ReadImage = Callable[[str], bytes]

THREADS = 4  # OpenCV leaves Python's lock while it decodes and warps
IMAGES_AHEAD = 64  # whose crops are in memory at a time
PARTIAL = ".preparing"
FAR = 10.0  # crop sides; of 10,958 people of MPII and LSP none has a joint farther than 1 from the crop's center

NO_IMAGE = "people left out: image missing, or unclear which is meant"
BAD_IMAGE = "people left out: image corrupt, too large, or no image"
OUTSIDE = "people left out: center outside the image"
OTHER_SIZE = "people left out: the image has another size than the annotations say; give the images that were labeled"
SIZE_TOLERANCE = 1  # pixels, as programs round
OF_IMAGES = (NO_IMAGE, BAD_IMAGE, OTHER_SIZE)  # what an image, not its annotation, takes people for


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
        digests: of the validation images (`cut_image`).
    """

    faults: dict[str, list[str]]
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    splits: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    written: bool = False
    digests: set[bytes] = field(default_factory=set)


@dataclass(frozen=True)
class CropSpec:
    """How people are cut out of their images.

    Attributes:
        size: side of the network's input in pixels.
        margin: side of a preprocessed crop / side of the input, the room for augmentation.
        apply_exif: whether the images were annotated as viewers show them, turned as EXIF asks; MPII's were not.
    """

    size: int = 224
    margin: float = 1.5
    apply_exif: bool = False

    @property
    def border(self) -> int:
        """Pixels around the input, on every side."""
        return round(self.size * (self.margin - 1) / 2)

    @property
    def side(self) -> int:
        """Side of a preprocessed crop in pixels."""
        return self.size + 2 * self.border


def prepare(
    people: People,
    read_image: ReadImage,
    folder: Path,
    name: str,
    spec: CropSpec = CropSpec(),
    *,
    strict: bool = False,
    known: Findings | None = None,
    image_folders: Sequence[Path] = (),
) -> Preparation:
    """Write the preprocessed crops of `people` to `folder`; what was there before stays until all is written.

    People that cannot be used are left out and counted among the faults (`find_faults` and the three of the images).
    Training people in an image with validation people, here or in a split already there, are left out; so are those in
    an image whose bytes are those of a validation image.

    Args:
        read_image: encoded bytes of an image by name; raises PoseError if it has none.
        folder: where to write; splits of a finished preparation there stay if `people` have none of that name.
        name: the dataset's name, kept with everything trained on it.
        spec: what a crop shows.
        strict: write nothing if there is a fault; all of them are looked for all the same.
        known: faults that the annotations' reader found, to be counted with those found here.
        image_folders: where `read_image` finds them; images of one name from other folders are other images.

    Raises:
        PoseError: when a split that stays there was prepared otherwise, most images have another size than the
            annotations say, or the disk refuses; nothing is changed then.
    """
    description = {
        "format": 1, "name": name, "input": spec.size, "border": spec.border, "apply_exif": spec.apply_exif,
        "joint_names": list(people.joint_names), "skeleton": skeleton_to_json(people.skeleton),
    }  # fmt: skip
    earlier = find_earlier(folder, description, [str(path.resolve()) for path in image_folders])
    earlier.require_same({split or "all" for split in people.split.tolist()})
    shared = earlier.find_shared(people)
    usable, faults = drop_unusable(people.select(~shared))
    done = Preparation(defaultdict(list, merge(known or {}, faults)))
    done.notes[SHARED] += people.person_ids[shared].tolist()
    partial = folder / PARTIAL
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for split in sorted(np.unique(usable.split).tolist(), key="train".__eq__):  # it comes last
            part, path = usable.select(usable.split == split), partial / f"{split or 'all'}.npz"
            if count := write_split(part, read_image, spec, path, done):
                done.splits[path.stem] = count
        done.splits = dict(sorted(done.splits.items()))
        done.notes[SHARED] += earlier.clean_train(people, partial, done.splits)
        if 2 * len(others := done.faults[OTHER_SIZE]) > len(usable):
            raise PoseError(f"{len(others):,} of {len(usable):,} {OTHER_SIZE}; first {others[0]}")
        done.faults, done.notes = merge(done.faults), merge(done.notes)
        done.written = bool(done.splits) and not (strict and done.faults)
        if done.written:
            finish(partial, folder, description, earlier, done)
        return done
    except OSError as error:
        raise PoseError(f"{folder}: cannot be written ({error.strerror or error}); choose another --out") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def finish(partial: Path, folder: Path, description: dict, earlier: Earlier, done: Preparation) -> None:
    """Describe the splits in `partial` and those that stay in `folder`, and move the former to their place.

    The description comes last: what it names is there, whenever a kill comes.
    """
    earlier.require_same(done.splits)
    done.kept = earlier.kept(done.splits)
    there = earlier.description.get("splits", {})
    done.replaced = {split: count for split, count in there.items() if split in done.splits}
    splits, faults = {**done.kept, **done.splits}, {what: len(ids) for what, ids in done.faults.items()}
    description |= {"splits": splits, "faults": faults, "image_folders": earlier.folders_with(done.splits)}
    untouched = {split: count for split, count in done.kept.items() if not (partial / f"{split}.npz").exists()}
    write_text(folder / DESCRIPTION, json.dumps({**description, "splits": untouched}, indent=1))
    for split in done.splits:
        depth_path(folder / f"{split}.npz").unlink(missing_ok=True)  # the new split may have none
    for path in list(partial.iterdir()):
        path.replace(folder / path.name)
    if deep := [split for split in splits if depth_path(folder / f"{split}.npz").is_file()]:
        description["depth"] = deep
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1))


def write_split(people: People, read_image: ReadImage, spec: CropSpec, path: Path, done: Preparation) -> int:
    """Write a split's files, those of `path` and beside it; returns how many people they hold, and none for nobody.

    Each image is decoded once for all of its people.
    """
    kept, crops_path = [], path.with_name(f"{path.stem}-crops.npy")
    images = list(map(np.array, group_rows(people.images).values()))
    with (
        crops_path.open("wb") as file,
        ThreadPoolExecutor(THREADS) as pool,
        progress((), f"preparing {path.stem}", len(people), "person") as counter,
    ):
        write_header(file, len(people), spec.side)
        for start in range(0, len(images), IMAGES_AHEAD):
            ahead = images[start : start + IMAGES_AHEAD]
            cuts = pool.map(lambda rows: cut_image(people.select(rows), read_image, spec, done.digests), ahead)
            for rows, (crops, *findings) in zip(ahead, cuts, strict=True):
                for crop in crops.values():
                    file.write(crop.data)
                kept += rows[list(crops)].tolist()
                for known, new in zip((done.faults, done.notes), findings, strict=True):
                    for what, who in new.items():
                        known[what] += who
                counter.update(len(rows))
        file.seek(0)
        write_header(file, len(kept), spec.side)
    if kept:
        save_people(path, people.select(np.array(kept)))
    else:
        crops_path.unlink()
    return len(kept)


def write_header(file: BinaryIO, count: int, side: int) -> None:
    """The .npy header of (count, side, side, 3) bytes; numpy makes it as long for any count."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
    )


def cut_image(
    people: People, read_image: ReadImage, spec: CropSpec, digests: set[bytes]
) -> tuple[dict[int, np.ndarray], Findings, Findings]:
    """Of one image's people: row -> (S, S, 3) uint8 crop; why others have none; what is worth knowing and no fault.

    Args:
        digests: SHA-256 of validation images, which this adds to; training people in a copy of one have no crop.
    """
    image, ids, split = people.images[0].item(), people.person_ids.tolist(), people.split[0]
    reason = NO_IMAGE
    try:
        data, reason = read_image(image), BAD_IMAGE
        if split == "valid":
            digests.add(sha256(data).digest())
        elif split == "train" and digests and sha256(data).digest() in digests:
            return {}, {}, {SHARED: ids}
        header = read_header(data, image)
        upright, differs = compare_sizes(people.image_size, header, spec.apply_exif)
        if differs:
            return {}, {OTHER_SIZE: [f"{person}: {differs}" for person in ids]}, {}
        spec = CropSpec(spec.size, spec.margin, upright)
        outside = is_outside(people, *(header.upright_size if spec.apply_exif else (header.width, header.height)))
        matrices = crop_matrices(people.crop_center, people.crop_side, spec.size, spec.border)
        crops = decode_crops(data, image, matrices[~outside], spec.side, header, spec.apply_exif)
    except PoseError as error:
        return {}, {reason: [f"{person}: {error}" for person in ids]}, {}
    faults = {OUTSIDE: people.person_ids[outside].tolist()} if outside.any() else {}
    notes = {oddity: [image] for oddity in header.oddities(spec.apply_exif)}
    return dict(zip(np.flatnonzero(~outside), crops, strict=True)), faults, notes


def is_outside(people: People, width: int, height: int) -> np.ndarray:
    """(N,) bool: people, test split aside, whose center and whose crop's center are both outside their image.

    Either may leave it alone: the crop's is 15 * scale lower, and LSP's people have only that one.
    """
    centers = np.stack([people.center, people.crop_center])
    inside = ((centers >= -0.5) & (centers <= (width - 0.5, height - 0.5))).all(axis=-1).any(axis=0)
    return ~inside & (people.split != "test")


def compare_sizes(stated: np.ndarray, header: ImageHeader, apply_exif: bool) -> tuple[bool, str]:
    """Whether labels are on the picture as viewers show it, and how the image differs from the one that was labeled.

    Sizes that are swapped, as CrowdPose has them, or not known, differ in nothing. Those of a picture that EXIF turns
    by 90 degrees tell how it was labeled.

    Args:
        stated: (N, 2) width and height that the annotations of the image's people have; NaN if unknown.
    """
    stored, upright = (header.width, header.height), header.upright_size
    for size in np.unique(stated[np.isfinite(stated).all(axis=1)], axis=0):
        near = [np.abs(size - other).max() <= SIZE_TOLERANCE for other in (stored, upright, stored[::-1])]
        if not any(near):
            return apply_exif, "labeled at {:g} x {:g} pixels, here {} x {}".format(*size, *stored)
        apply_exif |= near[1] and not near[0]
    return apply_exif, ""


def drop_unusable(people: People) -> tuple[People, dict[str, list[str]]]:
    """The people that can be trained on or, in the test split, predicted; the others by their first fault.

    Whatever their images hold. Of the test split, which has no joints, every rect with a crop is kept: MPII scores
    them all.
    """
    test = people.split == "test"
    crop = np.isfinite(people.crop_center).all(axis=-1) & np.isfinite(people.crop_side) & (people.crop_side > 0)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        away = np.abs(people.joints - people.crop_center[:, None]).max(axis=-1) / people.crop_side[:, None]
    poses = people.joints.reshape(len(people), 2 * len(people.joint_names))
    same = np.concatenate([poses, people.center, people.scale[:, None]], axis=1)
    faults = {
        "their id appears twice": find_repeated(zip(people.split, people.person_ids.tolist(), strict=True)),
        "no usable center and scale (NaN, 0 or below)": ~crop,
        "no annotated joint": ~people.supervised.any(axis=-1) & ~test,
        f"a joint more than {FAR:.0f} crop sides away": (away > FAR).any(axis=1),
        **{what: rows & ~test for what, rows in wrong_units(people).items()},
        "the same person again": find_repeated(zip(people.images.tolist(), map(np.ndarray.tobytes, same), strict=True))
        & ~test,
    }
    wrong = np.stack([*faults.values()])
    first = np.where(wrong.any(axis=0), wrong.argmax(axis=0), -1)
    left_out = ((what, people.person_ids[first == number].tolist()) for number, what in enumerate(faults))
    return people.select(first < 0), {f"people left out: {what}": who for what, who in left_out if who}


def find_repeated(keys: Iterable[object]) -> np.ndarray:
    """(N,) bool: which of N keys came before."""
    seen = set()
    return np.array([key in seen or bool(seen.add(key)) for key in keys], dtype=bool)
