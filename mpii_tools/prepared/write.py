"""From annotations and images to preprocessed crops, with a count of all that was left out.

They may join what an earlier preparation left in the folder.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np

from checkpoints import PoseError, flush, write_text
from checkpoints.locking import open_partial
from checkpoints.progress import progress
from checkpoints.threads import map_ahead
from mpii_tools.annotations.people_file import DESCRIPTION, load_people, save_people, split_files
from mpii_tools.annotations.placement import wrong_units
from mpii_tools.annotations.reading import Findings, merge
from mpii_tools.annotations.splits import SHARED, find_shared
from mpii_tools.crops import crop_matrices
from mpii_tools.images.decode import decode_crops
from mpii_tools.images.header import compare_sizes, read_header
from mpii_tools.people import People, group_rows
from mpii_tools.prepared.read import load_prepared, read_description, sum_files, write_crops
from mpii_tools.skeletons import skeleton_to_json

ReadImage = Callable[[str], bytes]

THREADS = 4  # OpenCV leaves Python's lock while it decodes and warps
IMAGES_AHEAD = 64  # whose crops are in memory at a time
FAR = 10.0  # crop sides; of 10,958 people of MPII and LSP none has a joint farther than 1 from the crop's center

NO_IMAGE = "people left out: image missing, or unclear which is meant"
BAD_IMAGE = "people left out: image corrupt, too large, or no image"
OUTSIDE = "people left out: center outside the image"
OTHER_SIZE = "people left out: the image has another size than the annotations say; give the images that were labeled"
OF_IMAGES = (NO_IMAGE, BAD_IMAGE, OTHER_SIZE)  # what an image, not its annotation, takes people for

# What the splits of one folder have in common.
SHARED_BY_ALL = ("input", "border", "name", "joint_names", "skeleton", "apply_exif")


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
        sums: split -> checksums of its files (`sum_files`).
    """

    faults: dict[str, list[str]]
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    splits: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    written: bool = False
    digests: set[bytes] = field(default_factory=set)
    sums: dict[str, dict[str, str]] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Earlier:
    """A prepared folder as a new preparation finds it.

    Attributes:
        folder: that of both.
        description: its own; empty without a finished preparation.
        wanted: the new preparation's.
        image_folders: where the new preparation's images lie; none if that is unknown.
    """

    folder: Path
    description: dict
    wanted: dict
    image_folders: Sequence[str]

    def kept(self, new: Collection[str]) -> dict[str, int]:
        """The splits there that no `new` one replaces -> their numbers of people."""
        return {split: count for split, count in self.description.get("splits", {}).items() if split not in new}

    def require_same(self, new: Collection[str]) -> None:
        """Nothing, if the splits that stay are like the `new` ones. Raises PoseError, which tells what differs."""
        differ = [key for key in SHARED_BY_ALL if self.description.get(key, self.wanted[key]) != self.wanted[key]]
        if differ and (kept := self.kept(new)):
            values = (_describe_difference(key, self.description[key], self.wanted[key]) for key in differ)
            there = f"holds {', '.join(kept)} prepared otherwise ({'; '.join(values)})"
            raise PoseError(f"{self.folder}: {there}; prepare all splits alike, or choose another --out")

    def find_shared(self, people: People) -> np.ndarray:
        """(N,) bool: training people in an image of validation people, here or in the split that stays there."""
        names = people.images[people.split == "valid"]
        if "valid" in self.kept(people.split.tolist()) and self._same_images("valid"):
            second = "valid" in self.description["second"]
            names = [*names, *load_people(split_files(self.folder, "valid", second)[0]).images]
        return find_shared(people, np.array(names))

    def clean_train(self, people: People, partial: Path, new: Collection[str]) -> list[str]:
        """Write the train split that stays to `partial` without those in an image of `people`'s validation split.

        Returns:
            Their person_ids; nothing is written for none.

        Raises:
            PoseError: when nobody would be left.
        """
        if "train" not in self.kept(new) or "valid" not in new or not self._same_images("train"):
            return []
        train = load_prepared(self.folder, "train")
        shared = find_shared(train.people, people.images[people.split == "valid"])
        if shared.all():
            raise PoseError(f"{self.folder}: everybody in its train split is in an image of this validation split")
        if shared.any():
            rows = np.flatnonzero(~shared)
            path, _, crops = split_files(partial, "train")
            _, crc = write_crops(crops, train.crops.shape[1], (train.crops[row] for row in rows))
            save_people(path, train.people.select(rows))
            self.description["splits"]["train"], self.description["sums"]["train"] = len(rows), sum_files(path, crc)
        return train.people.person_ids[shared].tolist()

    def folders_with(self, new: Collection[str]) -> dict[str, list[str]]:
        """Split -> the folders of its images, as far as they are known, of those that stay and the `new` ones."""
        known = {split: self.description["image_folders"].get(split) for split in self.kept(new)}
        known |= {split: list(self.image_folders) for split in new}
        return {split: folders for split, folders in known.items() if folders}

    def _same_images(self, split: str) -> bool:
        """Whether a name means the same image in that split and in the new preparation, as far as is known."""
        there, here = self.description["image_folders"].get(split), self.image_folders
        return not there or not here or bool(set(there) & set(here))


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
    with open_partial(folder) as partial:
        earlier = find_earlier(folder, description, [str(path.resolve()) for path in image_folders])
        earlier.require_same({split or "all" for split in people.split.tolist()})
        shared = earlier.find_shared(people)
        usable, faults = drop_unusable(people.select(~shared))
        done = Preparation(defaultdict(list, merge(known or {}, faults)))
        done.notes[SHARED] += people.person_ids[shared].tolist()
        for split in sorted(np.unique(usable.split).tolist(), key="train".__eq__):  # it comes last
            write_split(usable.select(usable.split == split), read_image, spec, partial, split or "all", done)
        done.splits = dict(sorted(done.splits.items()))
        done.notes[SHARED] += earlier.clean_train(people, partial, done.splits)
        if 2 * len(others := done.faults[OTHER_SIZE]) > len(usable):
            raise PoseError(f"{len(others):,} of {len(usable):,} {OTHER_SIZE}; first {others[0]}")
        done.faults, done.notes = merge(done.faults), merge(done.notes)
        done.written = bool(done.splits) and not (strict and done.faults)
        if done.written:
            finish(partial, folder, description, earlier, done)
    return done


def finish(partial: Path, folder: Path, description: dict, earlier: Earlier, done: Preparation) -> None:
    """Move the splits in `partial` to their place, and describe them and those that stay in `folder`.

    The description's renaming makes it so: what it named before is there until then, what it names is there from then.
    """
    earlier.require_same(done.splits)
    done.kept = earlier.kept(done.splits)
    there = earlier.description.get("splits", {})
    done.replaced = {split: count for split, count in there.items() if split in done.splits}
    splits, faults = {**done.kept, **done.splits}, {what: len(ids) for what, ids in done.faults.items()}
    sums, before = earlier.description.get("sums", {}) | done.sums, earlier.description.get("second", [])
    new = [split for split in splits if split_files(partial, split)[0].exists()]
    second = [split for split in splits if split in there and (split in before) != (split in new)]
    for split in new:
        targets = split_files(folder, split, split in second)
        for source, target in zip(split_files(partial, split), targets, strict=True):
            target.unlink(missing_ok=True)
            if source.exists():
                source.replace(target)
    flush(folder)
    deep = [split for split in splits if split_files(folder, split, split in second)[1].is_file()]
    description |= {"splits": splits, "faults": faults, "image_folders": earlier.folders_with(done.splits)}
    sums = {split: sums[split] for split in splits if split in sums}
    description |= {key: held for key, held in (("sums", sums), ("depth", deep), ("second", second)) if held}
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1))
    for split in new:
        for path in split_files(folder, split, split not in second):
            path.unlink(missing_ok=True)


def write_split(
    people: People, read_image: ReadImage, spec: CropSpec, folder: Path, split: str, done: Preparation
) -> None:
    """Write a split's files to `folder`, and tell `done` of them; none for nobody."""
    kept: list[int] = []
    path, _, crops = split_files(folder, split)
    count, crc = write_crops(crops, spec.side, cut_people(people, read_image, spec, split, done, kept))
    if count:
        save_people(path, people.select(np.array(kept)))
        done.splits[split], done.sums[split] = count, sum_files(path, crc)
    else:
        crops.unlink()


def cut_people(
    people: People, read_image: ReadImage, spec: CropSpec, split: str, done: Preparation, kept: list[int]
) -> Iterator[np.ndarray]:
    """The crops (S, S, 3) uint8 of a split's people, whose rows go to `kept`, and what is found to `done`.

    Each image is decoded once for all of its people.
    """
    images = list(map(np.array, group_rows(people.images).values()))
    cuts = map_ahead(
        lambda rows: cut_image(people.select(rows), read_image, spec, done.digests), images, THREADS, IMAGES_AHEAD
    )
    with progress((), f"preparing {split}", len(people), "person") as counter:
        for rows, (crops, *findings) in zip(images, cuts, strict=True):
            yield from crops.values()
            kept += rows[list(crops)].tolist()
            for known, new in zip((done.faults, done.notes), findings, strict=True):
                for what, who in new.items():
                    known[what] += who
            counter.update(len(rows))


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


def find_earlier(folder: Path, wanted: dict, image_folders: Sequence[str]) -> Earlier:
    """What is prepared in `folder`; a description that is missing or corrupt counts as none."""
    description = {}
    with suppress(PoseError):
        description = read_description(folder)
    if not all(isinstance(count, int) for count in description.get("splits", {}).values()):
        description = {}
    if not isinstance(description.get("image_folders"), dict):  # older preparations did not know them
        description["image_folders"] = {}
    return Earlier(folder, description, wanted, image_folders)


def _describe_difference(key: str, there: object, here: object) -> str:
    """What differs, in words: both values, or the fields of a skeleton."""
    if isinstance(there, dict) and isinstance(here, dict):
        return f"{key}: {', '.join(field for field in {**there, **here} if there.get(field) != here.get(field))}"
    shown = [f"{len(value)} joints" if isinstance(value, (list, dict)) else value for value in (there, here)]
    return f"{key} {shown[0]} there, {shown[1]} here"
