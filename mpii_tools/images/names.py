"""Which of a folder's images a name in annotations means, written on another machine, by another program."""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
# A path of another machine (C:\data, /data, \\server, https://) tells nothing about the folders here.
ABSOLUTE = re.compile(r"[a-zA-Z]+:|[/\\]")
SHOWN = 3

Parts = tuple[str, ...]


def split_name(name: str) -> Parts:
    """Folders and file of a name with either slash, Unicode-normalized (NFC), without `.` and `..`."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", ".."))


def without_case(name: str) -> Parts:
    """As `split_name`, in one case."""
    return tuple(part.casefold() for part in split_name(name))


def without_ending(name: str) -> Parts:
    """As `without_case`, without an image's ending."""
    *folders, file = without_case(name) or ("",)
    ending = next((ending for ending in SUFFIXES if file.endswith(ending)), "")
    return *folders, file.removesuffix(ending)


READINGS: tuple[Callable[[str], Parts], ...] = (split_name, without_case, without_ending)  # strictest first


@dataclass(frozen=True)
class ImageNames:
    """Finds images by name. Everything is looked up in dictionaries, made once.

    Attributes:
        paths: of the images, relative to their folder, with `/`.
    """

    paths: tuple[str, ...]

    def candidates(self, name: str) -> list[str]:
        """The images that `name` can mean; one if it is found.

        The path itself; else the images that share the longest tail with it (`c/0.jpg` of `a/b/c/0.jpg`), read
        ever less strictly (`READINGS`). Of tail and path, one must be whole: `cam1/0.jpg` is `x/cam1/0.jpg` and
        `0.jpg`, but not `cam2/0.jpg`. An absolute path is another machine's: if nothing else is found, any tail will
        do.
        """
        if name in self._known:
            return [name]
        for reading, index, whole in zip(READINGS, self._tails, self._whole, strict=True):
            parts = reading(name)
            tail = next((tail for tail in _tails(parts) if tail in index), None)
            if tail is not None and (tail == parts or tail in whole):
                return index[tail]
        return self._longest_tail(name) if ABSOLUTE.match(name) else []

    def namesakes(self, name: str) -> list[str]:
        """The images of that file name in any folder, but for case and ending."""
        return self._tails[-1].get(without_ending(name)[-1:], [])

    def _longest_tail(self, name: str) -> list[str]:
        """The images that share the longest tail with `name` in any reading, in the strictest that has one so long."""
        parts = without_ending(name)
        longest = next((len(tail) for tail in _tails(parts) if tail in self._tails[-1]), 0)
        found = (index.get(reading(name)[-longest:]) for reading, index in zip(READINGS, self._tails, strict=True))
        return next(filter(None, found), []) if longest else []

    def nearest(self, name: str) -> str | None:
        """The image whose name shares most letters with `name` at both ends, half of them or more.

        Of those beside it in alphabetical order, from either end: 25,000 images may be missing.
        """
        file, (forwards, backwards) = _file(name), self._sorted
        near: list[str] = []
        for key, entries in ((file, forwards), (file[::-1], backwards)):
            place = bisect.bisect(entries, (key, ""))
            near += [path for _, path in entries[max(place - 2, 0) : place + 2]]
        alike = max(near, key=lambda path: _shared_letters(file, _file(path)), default="")
        return alike if 2 * _shared_letters(file, _file(alike)) >= len(file) > 0 else None

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def _tails(self) -> tuple[dict[Parts, list[str]], ...]:
        """For each of READINGS: tail of a path -> the paths that end so."""
        indexes = []
        for reading in READINGS:
            index: dict[Parts, list[str]] = {}
            for path in self.paths:
                for tail in _tails(reading(path)):
                    index.setdefault(tail, []).append(path)
            indexes.append(index)
        return tuple(indexes)

    @cached_property
    def _whole(self) -> tuple[frozenset[Parts], ...]:
        """For each of READINGS: the paths, so read."""
        return tuple(frozenset(map(reading, self.paths)) for reading in READINGS)

    @cached_property
    def _sorted(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """(file name, path) in order; and so with the letters of the file name reversed."""
        names = [(_file(path), path) for path in self.paths]
        return sorted(names), sorted((file[::-1], path) for file, path in names)


def conflicting(names: list[str]) -> bool:
    """Whether names of one image must be of several: the folders or the ending of one are not those of another."""
    read = sorted(map(without_case, names), key=len)
    return any(parts != read[-1][-len(parts) :] for parts in read)


def listed(paths: list[str]) -> str:
    """The first few of them, for a message."""
    return ", ".join(f"'{path}'" for path in paths[:SHOWN]) + (", ..." if len(paths) > SHOWN else "")


def _tails(parts: Parts) -> Iterator[Parts]:
    """The whole, without its first part, ..., the last part alone."""
    return (parts[start:] for start in range(len(parts)))


def _file(name: str) -> str:
    return (split_name(name) or ("",))[-1]


def _shared_letters(one: str, other: str) -> int:
    """How many letters two names have in common at their beginnings and ends."""
    return _shared_start(one, other) + _shared_start(one[::-1], other[::-1])


def _shared_start(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (letter, its) in pairs if letter != its), min(len(one), len(other)))
