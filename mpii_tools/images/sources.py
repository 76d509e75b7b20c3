"""The bytes of images in a folder, in the folders inside it, or in tar shards."""

import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from checkpoints import PoseError, escape_name, name_fault
from mpii_tools.images.index import SUFFIXES, ImageIndex, list_passed, walk_files

Place = tuple[Path, int, int]  # of an image's bytes: file, offset, number


@dataclass(frozen=True)
class ImageFiles:
    """Reads images by name. Holds no open file, so that worker processes can share it.

    Attributes:
        folder: the one that holds the images.
        places: path of an image, relative to the folder or as its tar file has it, as `escape_name` writes it -> the
            place of its bytes.
        index: of these paths.
    """

    folder: Path
    places: dict[str, Place]
    index: ImageIndex

    def __contains__(self, name: str) -> bool:
        return name in self.index

    def __call__(self, name: str) -> bytes:
        """The encoded image called `name`. Raises PoseError if there is not exactly one (`ImageIndex.find`)."""
        path, offset, size = self.find(name)
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read(size)
        except OSError as error:
            raise PoseError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
        if len(data) < size:
            raise PoseError(f"{path}: ends inside image '{name}'; copy the file again")
        return data

    def find(self, name: str) -> Place:
        """Where the image called `name` is. Raises PoseError if there is not exactly one (`ImageIndex.find`)."""
        try:
            return self.places[self.index.find(name)]
        except PoseError as error:
            raise PoseError(f"{self.folder}: {error}") from None

    def shard(self, name: str) -> str | None:
        """Name of the tar file that holds image `name`; None for an image in a folder."""
        path, _, _ = self.find(name)
        return path.name if path.suffix == ".tar" else None


def open_images(folder: str | os.PathLike, names: Iterable[str] = ()) -> ImageFiles:
    """The images of `folder`: files in it and in the folders inside it, and members of its uncompressed `*.tar` files.

    Files are those of `walk_files`. Each tar file is scanned once; an image is then one seek and one read. A file comes
    before a tar member of its name.

    Args:
        folder: any level of the images' folders.
        names: all names that will be asked for (`ImageIndex.asked`).

    Raises:
        PoseError: no such folder, no image in it, or a tar file that is corrupt or compressed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PoseError(f"{folder}: no such folder; check the path")
    passed = Counter()
    files = (
        (file.relative_to(folder).as_posix(), (file, 0, file.stat().st_size))
        for file in walk_files(folder, SUFFIXES, passed)
    )
    shards = map(_tar_places, sorted(folder.glob("*.tar"), key=shard_number))
    places = {escape_name(name): place for name, place in chain(*shards, files)}
    if not places:
        there = f", where {list_passed(passed)} are" if passed else ""
        raise PoseError(f"{folder}: no image ({', '.join(SUFFIXES)}) in it or a .tar{there}; give the images' folder")
    in_tar = frozenset(name for name, (path, _, _) in places.items() if path.suffix == ".tar")
    return ImageFiles(folder, places, ImageIndex(tuple(places), in_tar, frozenset(names)))


def shard_number(path: str | os.PathLike) -> tuple[int, str]:
    """Sorts shards by the last number in their names: images-10.tar after images-9.tar."""
    name = Path(path).name
    numbers = re.findall(r"\d+", name)
    return (int(numbers[-1]) if numbers else -1, name)


def _tar_places(path: Path) -> Iterator[tuple[str, Place]]:
    what, cure = "not a whole, uncompressed tar file", "copy or unpack it again"
    with name_fault(path, what, cure, tarfile.TarError, OSError, EOFError), tarfile.open(path, "r:") as tar:
        members = tar.getmembers()
    end = max((m.offset_data + -(-m.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE for m in members), default=0)
    # tarfile takes a file that is cut inside a header for one that ends there: look for the block of zeros.
    with open(path, "rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise PoseError(f"{path}: corrupt: no end mark after its {len(members):,} members; copy the file again")
    named = ((PurePosixPath(m.name), (path, m.offset_data, m.size)) for m in members if m.isfile())
    return ((str(p), place) for p, place in named if p.name.lower().endswith(SUFFIXES) and not p.name.startswith("."))
