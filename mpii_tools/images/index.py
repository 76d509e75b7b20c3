"""The images of a folder, and which of them a name means that was written on another machine, by another program."""

import os
import re
import unicodedata
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path

from checkpoints.errors import PoseError, escape_name

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MAX_DEPTH = 8  # of the folders that are looked into
PREPARED = "prepared.json"  # marks a folder of crops, which holds no image
OWN = re.compile(r"\.pose\.\w+$|^predictions-")  # what `ief predict` writes
# A path of another machine (C:\data, /data, \\server, https://) tells nothing about the folders here.
ABSOLUTE = re.compile(r"[a-zA-Z]+:|[/\\]")
COPY = re.compile(r"(_[a-z]{3,4})?\.rf\.\w+\.\w+$", re.IGNORECASE)
UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")
FRAME = re.compile(r"(.*[a-z]\w*)[\W_]+\d+\.\w+$", re.IGNORECASE)
SHOWN = 3
ALIKE = 0.75  # difflib's ratio from which a name is the nearest one: any two with one ending have half of it

Parts = tuple[str, ...]


def walk_files(
    folder: Path, endings: tuple[str, ...], passed: Counter[str], left_out: list[str] | None = None
) -> Iterator[Path]:
    """The files of these endings in `folder` and in the folders inside it, in order.

    Hidden files and folders, what `ief predict` wrote, and folders that `ief prepare` wrote are no input, and a link to
    a folder already seen is not followed.

    Args:
        folder: any level of the images' folders.
        endings: in lower case.
        passed: counts, by ending, the other files, and what is no file, and folders too deep to be looked into.
        left_out: takes a line for each folder that cannot be read; None: it is an error.

    Raises:
        PoseError: a folder that cannot be read.
    """
    seen = set()

    def refuse(error: OSError) -> None:
        line = f"{error.filename}: cannot be read ({error.strerror}); check its permissions"
        if left_out is None:
            raise PoseError(line) from error
        left_out.append(line)

    for path, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        depth, status = len(Path(path).relative_to(folder).parts), os.stat(path)
        if (status.st_dev, status.st_ino) in seen or (depth and PREPARED in files):
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if depth == MAX_DEPTH and folders:
            passed[f"folders below {MAX_DEPTH} others"] += len(folders)
            folders.clear()
        for name in sorted(name for name in files if not (name.startswith(".") or OWN.search(name))):
            if not os.path.isfile(file := os.path.join(path, name)):
                passed["broken links" if os.path.islink(file) else "pipes or devices"] += 1
            elif not name.lower().endswith(endings):
                passed[Path(name).suffix.lower() or name] += 1
            else:
                yield Path(file)


def list_passed(passed: Counter[str]) -> str:
    """What `walk_files` counted, the most first, for a message: `40 .heic, 2 .gif`."""
    return ", ".join(f"{count:,} {ending}" for ending, count in passed.most_common())


@lru_cache(1 << 15)  # a name is read several times
def split_name(name: str) -> Parts:
    """Folders and file of a name with either slash, Unicode-normalized (NFC), without `.` and `..`.

    What cannot be printed is escaped, as in the images of `People`.
    """
    parts = escape_name(unicodedata.normalize("NFC", name)).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", ".."))


def ignore_case(name: str) -> Parts:
    """Folders and file of a name in one case."""
    return tuple(part.casefold() for part in split_name(name))


def ignore_ending(name: str) -> Parts:
    """Folders and file of a name in one case, without an image's ending."""
    *folders, file = ignore_case(name) or ("",)
    return *folders, file.removesuffix(next((ending for ending in SUFFIXES if file.endswith(ending)), ""))


def ignore_upload(name: str) -> Parts:
    """The same without the eight digits that Label Studio puts before the name of an uploaded file."""
    *folders, file = ignore_ending(name)
    return *folders, UPLOAD.sub("", file)


# The strictest first.
READINGS: tuple[Callable[[str], Parts], ...] = (split_name, ignore_case, ignore_ending, ignore_upload)


@dataclass(frozen=True)
class ImageIndex:
    """Finds images by name. Everything is looked up in dictionaries, made once.

    Attributes:
        paths: of the images, relative to their folder, with `/`.
        second: those of them that give way to any other that a name can mean.
        asked: all names that will be asked for: where different ones mean one image (two cameras' `0.jpg`, and the
            folder of one of them), neither is found.
    """

    paths: tuple[str, ...]
    second: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    _built: dict[Callable[[str], Parts], dict[Parts, list[str]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __contains__(self, name: str) -> bool:
        return len(self.candidates(name)) == 1 and name not in self._rivals

    def find(self, name: str) -> str:
        """The one image that `name` means (`candidates`).

        Raises:
            PoseError: none, with the nearest name; several; or the image of another name that is asked for.
        """
        paths = self.candidates(name)
        if len(paths) > 1:
            raise PoseError(f"'{name}' can be any of {len(paths):,} images, {_list_first(paths)}; write more folders")
        if not paths:
            raise PoseError(f"no image '{name}' among the {len(self.paths):,} there{self._hint(name)}; add it")
        if name in self._rivals:
            raise PoseError(
                f"'{name}' and '{self._rivals[name]}' can both be the image '{paths[0]}' alone; "
                "add the other image, or give the folder that holds the folders of both"
            )
        return paths[0]

    def candidates(self, name: str) -> list[str]:
        """The images that `name` can mean; one if it is found.

        The path itself; else the images that share the longest tail with it (`c/0.jpg` of `a/b/c/0.jpg`), read
        ever less strictly (`READINGS`). Of tail and path, one must be whole: `cam1/0.jpg` is `x/cam1/0.jpg` and
        `0.jpg`, but not `cam2/0.jpg`. An absolute path is another machine's: if nothing else is found, any tail will
        do, the longest one in any reading.
        """
        paths: list[str] = []
        for read in READINGS:
            parts, ends = read(name), self._ends(read)
            tail = next((tail for tail in _tails(parts) if tail in ends), ())
            if tail and (tail == parts or read(ends[tail][0]) == tail):
                paths = [name] if name in ends[tail] else ends[tail]
                break
        else:
            if ABSOLUTE.match(name) and tail:
                paths = next(filter(None, (self._ends(read).get(read(name)[-len(tail) :]) for read in READINGS)))
        return [path for path in paths if path not in self.second] or paths

    def overlapping(self, name: str) -> list[str]:
        """Every image whose path ends in `name`, or that `name` ends in: whatever may be the same picture."""
        ends, parts = self._ends(split_name), split_name(name)
        whole = [ends[tail][0] for tail in _tails(parts) if tail in ends and split_name(ends[tail][0]) == tail]
        return list(dict.fromkeys([*ends.get(parts, []), *whole]))

    def _hint(self, name: str) -> str:
        """What else `name` may mean, for a message: a namesake in another folder, else the nearest name, else any."""
        if others := self._ends(ignore_ending).get(ignore_ending(name)[-1:]):
            return f", whose {_list_first(others)} is in another folder"
        file, near = _file(name), {}
        for key, entries in zip((file, file[::-1]), self._sorted, strict=True):
            place = bisect(entries, (key, ""))  # difflib for all of them takes minutes where 25,000 images are missing
            near |= {_file(path): path for _, path in entries[max(place - 2, 0) : place + 2]}
        alike = get_close_matches(file, near, 1, ALIKE)
        return f"; the nearest name is '{near[alike[0]]}'" if alike else f", such as '{self.paths[0]}'"

    def _ends(self, read: Callable[[str], Parts]) -> dict[Parts, list[str]]:
        """Tail of a path, as one of READINGS has it -> the paths that end so, those with the fewest folders first."""
        if read not in self._built:  # most names need the first alone
            ends = defaultdict(list)
            for parts, path in sorted(((read(path), path) for path in self.paths), key=lambda entry: len(entry[0])):
                for tail in _tails(parts):
                    ends[tail].append(path)
            self._built[read] = ends  # whole: other threads look names up meanwhile
        return self._built[read]

    @cached_property
    def _sorted(self) -> tuple[list[tuple[str, str]], ...]:
        """(file name, path) in order; and so with the letters of the file name reversed."""
        return tuple(sorted((_file(path)[::step], path) for path in self.paths) for step in (1, -1))

    @cached_property
    def _rivals(self) -> dict[str, str]:
        """Names asked for that mean the image of another, different name -> that name. An image's own path is its."""
        names_of: dict[str, list[str]] = {}
        for name in sorted(self.asked):
            if len(paths := self.candidates(name)) == 1:
                names_of.setdefault(paths[0], []).append(name)
        return {
            name: next(other for other in names if other != name)
            for path, names in names_of.items()
            if _conflict(names)
            for name in names
            if name != path
        }


def _conflict(names: list[str]) -> bool:
    """Whether names of one image must be of several: the folders or the ending of one are not those of another."""
    read = sorted(map(ignore_case, names), key=len)
    return any(parts != read[-1][-len(parts) :] for parts in read)


def _list_first(paths: list[str]) -> str:
    return ", ".join(f"'{path}'" for path in paths[:SHOWN]) + (", ..." if len(paths) > SHOWN else "")


def _tails(parts: Parts) -> list[Parts]:
    """The whole, without its first part, ..., the last part alone."""
    return [parts[start:] for start in range(len(parts))]


def _file(name: str) -> str:
    return (split_name(name) or ("",))[-1]


def number_images(images: Sequence[str]) -> dict[str, int]:
    """Image name -> id: the number that each name is, as COCO's own are (`000000000139.jpg` is 139).

    If a name is no number, or two are the same, all are counted from 1 in their first order of appearance.
    """
    names = list(dict.fromkeys(map(str, images)))
    numbers = [int(stem) for stem in (Path(name).stem for name in names) if stem.isascii() and stem.isdigit()]
    return dict(zip(names, numbers if len(set(numbers)) == len(names) else range(1, len(names) + 1), strict=True))


def index_numbers(names: Iterable[str]) -> dict[str, str]:
    """The number, without leading zeros, that the file of a name is or ends with -> the name.

    A number that several names end with is that of the one that is nothing else (7.jpg, not cam2_7.jpg), or nobody's.
    """
    ending: dict[str, list[str]] = {}
    for name in names:
        if digits := re.search(r"[0-9]+$", Path(name).stem):
            ending.setdefault(str(int(digits.group())), []).append(name)
    means = {number: [name for name in of if Path(name).stem.isdigit()] or of for number, of in ending.items()}
    return {number: of[0] for number, of in means.items() if len(of) == 1}


def group_images(names: Sequence[str], share: float) -> list[str]:
    """What of each image is to be on one side of a random split: images of one group are not apart.

    The folder, if a `share` of the folders is half of one or more; else the image, of which Roboflow's augmented copies
    (`NAME_jpg.rf.HASH.jpg`) are one.
    """
    folders = [name.replace("\\", "/").rpartition("/")[0] for name in names]
    count = len(set(folders))
    return folders if count > 1 and share * count >= 0.5 else [COPY.sub("", name) for name in names]


def find_cut_clips(names: Iterable[str], splits: Iterable[str]) -> list[str]:
    """What names of frames begin with (`clip` of `clip_0001.jpg`) that are in both the train and the valid split."""
    frames = {(frame[1], split) for name, split in zip(names, splits, strict=True) if (frame := FRAME.match(name))}
    return sorted(clip for clip, split in frames if split == "valid" and (clip, "train") in frames)
