"""Which split each person belongs to, by whatever tells it, and the rule that keeps validation images out of training.

MPII's validation people are Tompson's 2,958, whom the field reports on. `tompson_split.npy` holds one 64-bit
fingerprint per person, sorted, and nothing of the annotations themselves: `np.unique(fingerprints(images, center))` of
the people of MPII's own `annolist` of them.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints import PoseError, name_fault, read_text, write_text
from mpii_tools.annotations.reading import Findings, Reading, merge
from mpii_tools.formats.lines import split_line
from mpii_tools.images.index import SUFFIXES, ImageIndex, group_images
from mpii_tools.people import People

NAME = "valid_images.txt"  # the validation images of a dataset, beside its annotations
UNKNOWN = f"names in {NAME} that no image has"
SEVERAL = f"names in {NAME} that several images have: all of them validate"
NOBODY = f"{UNKNOWN}: not one is of an image here"

TRAINVAL = "trainval"  # MPII's: train and Tompson's validation people in one file
SPLIT_OF = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("trainval", "trainvalid"), TRAINVAL),
}
VALID = "validation people: "  # a note's beginning; the rule that chose them follows
SHARED = "people left out of training: their image is in the validation split"
FILE = Path(__file__).with_name("tompson_split.npy")


def split_in_name(name: str) -> str | None:
    """The one split that a file's name speaks of, None if it speaks of none or of several.

    Words end where letters do: `my_train_annotations.json` and `person_keypoints_val2017.json` say theirs,
    `retrained.json` says nothing.
    """
    splits = {SPLIT_OF[word] for word in re.split(r"[^a-z]+", name.lower()) if word in SPLIT_OF}
    return splits.pop() if len(splits) == 1 else None


def parse_annotations(argument: str) -> tuple[str | None, Path]:
    """`SPLIT=PATH` or `PATH` -> split, None if it is not said, and path.

    Raises:
        PoseError: when the word before `=` is no split, or there is no path.
    """
    word, equals, path = argument.partition("=")
    if not equals or not word.isalpha() or Path(argument).exists():
        return None, Path(argument)
    if word.lower() not in SPLIT_OF or not path:
        fault = f"'{word}' is no split" if path else "there is no path"
        raise PoseError(f"--annotations {argument}: {fault}; give train=PATH, valid=PATH, test=PATH or PATH")
    return SPLIT_OF[word.lower()], Path(path)


def fingerprints(images: np.ndarray, center: np.ndarray) -> np.ndarray:
    """A person's 64-bit hash (BLAKE2b) of image file name and objpos rounded to whole pixels.

    Args:
        images: (N,) file names; folders before the name do not count.
        center: (N, 2) objpos, 0-based image pixels, finite.

    Returns:
        (N,) uint64, the same on every machine.
    """
    keys = (
        f"{os.path.basename(image)} {x:.0f} {y:.0f}".encode(errors="surrogatepass")
        for image, (x, y) in zip(images.tolist(), np.rint(center).tolist(), strict=True)
    )
    digests = b"".join(hashlib.blake2b(key, digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def is_validation(images: np.ndarray, center: np.ndarray) -> np.ndarray:
    """(N,) bool: Tompson's validation people among (N,) images and (N, 2) centers; never those with a NaN center."""
    known = np.isfinite(center).all(axis=1)
    known[known] = np.isin(fingerprints(images[known], center[known]), np.load(FILE, allow_pickle=False))
    return known


def split_by_name(path: Path, images: np.ndarray, center: np.ndarray) -> np.ndarray:
    """The split of each person in a file that has no such field.

    A file whose name says train, valid or test (`split_in_name`) holds that split. Any other: 'valid' for Tompson's
    people and 'train' for the rest if it holds some of his, '' for all if it holds none.
    """
    word = split_in_name(path.name)
    if word not in (None, TRAINVAL):
        return np.full(len(images), word)
    valid = is_validation(images, center)
    return np.where(valid, "valid", "train" if valid.any() or word else "")


def assign_splits(path: Path, reading: Reading, said: str | None = None) -> Reading:
    """The reading of `path` with the split of each person who has none yet; '' stays where nothing tells.

    What is `said` counts for everybody but the test people of a format that has some, who have no joints. Else a split
    that the format itself holds stays, and the others' is, in this order: the word in the file's name;
    `valid_images.txt` beside it; 'valid' for Tompson's people and 'train' for the rest, if some are his; the
    file's folder, if it is called train, valid or test; 'test' for a list without any joint.

    Args:
        said: 'train', 'valid', 'test', or 'trainval': train, but for Tompson's people.

    Returns:
        The reading, its faults and notes with those about the list's names.
    """
    people, faults, notes = reading.people, {}, {}
    word = said or split_in_name(path.name)
    split = people.split.astype(object)  # numpy would cut a longer word to the room of those there
    hidden = (split == "test") & ~people.annotated.any(axis=1) & people.annotated.any()
    open_rows = ~hidden if said else split == ""
    listed = None if word else read_valid_list(path if path.is_dir() else path.parent)
    if word and word != TRAINVAL:
        split[open_rows] = word
    elif listed is not None and open_rows.any():
        valid, faults, notes = find_listed(people.images, listed)
        if valid[open_rows].any():
            split[open_rows] = np.where(valid, "valid", "train")[open_rows]
            notes[f"{VALID}named in {NAME}"] = people.person_ids[open_rows & valid].tolist()
    elif open_rows.any() and ((valid := open_rows & is_validation(people.images, people.center)).any() or word):
        split[open_rows] = np.where(valid, "valid", "train")[open_rows]
    if path.is_file() and (word := SPLIT_OF.get(path.parent.name.lower())) not in (None, TRAINVAL):
        split[split == ""] = word
    if not people.annotated.any():
        split[split == ""] = "test"
    return replace(
        reading,
        people=replace(people, split=split.astype(np.str_)),
        faults=merge(reading.faults, faults),
        notes=merge({what: who for what, who in reading.notes.items() if not said or VALID not in what}, notes),
    )


def share_valid(people: People, share: float, seed: int = 0) -> People:
    """The people with a random share of the images (`group_images`), and all who are in them, as validation split.

    Args:
        people: those with split '' count as train; test people stay what they are.
        share: of the images with training people, between 0 and 1; at least one image, never all.
        seed: of the choice.

    Raises:
        PoseError: when some are validation people already, or there are not two images to share.
    """
    if not 0 < share < 1:
        raise PoseError(f"--valid-share {share:g}: must be above 0 and below 1, the share of images for validation")
    if count := int((people.split == "valid").sum()):
        raise PoseError(
            f"--valid-share {share:g}: {count:,} people are validation people already; leave it out, or say train=PATH"
        )
    train = people.split != "test"
    groups = np.array(group_images(people.images.tolist(), share))
    if len(images := np.unique(groups[train])) < 2:
        raise PoseError(f"--valid-share {share:g}: needs two images or more to share, found {len(images)}")
    drawn = np.random.default_rng(seed).permutation(images)[: min(max(round(share * len(images)), 1), len(images) - 1)]
    return replace(people, split=np.where(train, np.where(np.isin(groups, drawn), "valid", "train"), "test"))


def find_shared(people: People, images: np.ndarray | None = None) -> np.ndarray:
    """(N,) bool: training people in an image that has validation people. They never train.

    Names mean one image if they are equal or one is the other's end, as in `find_listed`.

    Args:
        images: names of validation images; None for those of the validation people among `people`.
    """
    images = people.images[people.split == "valid"] if images is None else images
    return (people.split == "train") & find_listed(people.images, np.unique(images).tolist())[0]


def read_valid_list(folder: Path) -> list[str] | None:
    """The names that `folder/valid_images.txt` lists, in order; None if there is no such file.

    Names stand on lines of their own or between tabs, commas or spaces, quoted or not; a name of several words is one
    if it is quoted or alone on its line. Of a table's other columns nothing is taken.

    Raises:
        PoseError: not a text file.
    """
    if not (path := folder / NAME).is_file():
        return None
    what, cure = "not a text file with an image name per line", "write or remove it"
    with name_fault(path, what, cure, OSError, UnicodeError):
        return [name for line in read_text(path).splitlines() if line.strip() for name in _names(line)]


def _names(line: str) -> list[str]:
    fields = split_line(line)
    images = [field for field in fields if field.lower().endswith(SUFFIXES)]
    if not any(mark in line for mark in "\t,\"'") and len(images) < len(fields):
        return [line.strip()]  # one name with spaces in it, or without an ending
    return images or fields[:1]


def find_listed(images: np.ndarray, listed: Sequence[str]) -> tuple[np.ndarray, Findings, Findings]:
    """The images that a list names.

    A name and an image's are the same if they are equal or one is the other's end (`ImageIndex.overlapping`).

    Returns:
        (N,) bool; faults, of a list that names no image here; notes, of names that no image has, or several.
    """
    index = ImageIndex(tuple(dict.fromkeys(images.tolist())))
    meant = {name: index.overlapping(name) for name in listed}
    named = set().union(*meant.values())
    unknown = [name for name in listed if not meant[name]]
    notes = {UNKNOWN: unknown, SEVERAL: [f"{name} ({', '.join(paths)})" for name, paths in meant.items() if paths[1:]]}
    mask = np.array([image in named for image in images.tolist()], dtype=bool)
    return mask, *(({NOBODY: unknown}, {}) if listed and not named else ({}, notes))


def name_rows(folder: Path, rows: int) -> tuple[list[str], dict[str, list[str]]]:
    """Image names for a file without any: those of `valid_images.txt` if it has one per row, else row1, row2, ...

    Returns:
        The names, and a note that tells of a list of another length.
    """
    listed = read_valid_list(folder)
    if listed is not None and len(listed) == rows:
        return listed, {}
    counted = [f"row{row + 1}" for row in range(rows)]
    return counted, {f"names in {NAME}, not used: {len(listed):,} for {rows:,} rows": listed} if listed else {}


def write_valid_list(folder: Path, images: list[str]) -> None:
    """Writes `folder/valid_images.txt`, replacing an older one. Raises PoseError if it cannot be written."""
    write_text(folder / NAME, "".join(f"{image}\n" if _names(image) == [image] else f'"{image}"\n' for image in images))
