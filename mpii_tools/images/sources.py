"""The bytes of images in a folder, in its `images` folder, or in tar shards."""

from __future__ import annotations

import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from checkpoints.errors import PoseError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Place:
    """`size` bytes at `offset` of the file `path`."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True)
class ImageFiles:
    """Reads images by file name. Holds no open file, so that worker processes can share it.

    Attributes:
        folder: the one that holds the images.
        places: file name of an image, without folders -> the place of its bytes.
    """

    folder: Path
    places: dict[str, Place]

    def __contains__(self, name: str) -> bool:
        return name in self.places

    def __len__(self) -> int:
        return len(self.places)

    def __call__(self, name: str) -> bytes:
        """The encoded image called `name`. Raises PoseError if there is none."""
        place = self.places.get(name)
        if place is None:
            raise PoseError(f"{self.folder}: no image '{name}' among the {len(self):,} there; add it or its tar file")
        try:
            with open(place.path, "rb") as file:
                file.seek(place.offset)
                data = file.read(place.size)
        except OSError as error:
            raise PoseError(
                f"{place.path}: cannot be read ({error.strerror}); check the file and its permissions"
            ) from error
        if len(data) < place.size:
            raise PoseError(f"{place.path}: ends inside image '{name}'; copy the file again")
        return data

    def shard(self, name: str) -> str | None:
        """Name of the tar file that holds image `name`; None for an image in a folder."""
        path = self.places[name].path
        return path.name if path.suffix == ".tar" else None


def open_images(folder: str | os.PathLike) -> ImageFiles:
    """The images of `folder`: files in it or in `folder/images`, and members of its uncompressed `*.tar` files.

    Each tar file is scanned once; an image is then one seek and one read. A file comes before a tar member of its name.

    Raises:
        PoseError: no such folder, no image in it, or a tar file that is corrupt or compressed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PoseError(f"{folder}: no such folder; check the path")
    places: dict[str, Place] = {}
    for path in sorted(folder.glob("*.tar"), key=shard_number):
        places.update(_tar_places(path))
    for inside in (folder, folder / "images"):
        if inside.is_dir():
            with os.scandir(inside) as entries:
                places.update(
                    (entry.name, Place(Path(entry.path), 0, entry.stat().st_size))
                    for entry in entries
                    if _is_image(entry.name)
                )
    if not places:
        raise PoseError(
            f"{folder}: no image ({', '.join(SUFFIXES)}) here, in images/ or in a .tar file; give the images' folder"
        )
    return ImageFiles(folder, places)


def shard_number(path: str | os.PathLike) -> tuple[int, str]:
    """Sorts shards by the last number in their names: images-10.tar after images-9.tar."""
    name = Path(path).name
    numbers = re.findall(r"\d+", name)
    return (int(numbers[-1]) if numbers else -1, name)


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _tar_places(path: Path) -> dict[str, Place]:
    try:
        with tarfile.open(path, "r:") as tar:
            members = tar.getmembers()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise PoseError(f"{path}: not a whole, uncompressed tar file ({error}); copy or unpack it again") from error
    end = max((m.offset_data + -(-m.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE for m in members), default=0)
    # tarfile takes a file that is cut inside a header for one that ends there: look for the block of zeros.
    with open(path, "rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise PoseError(f"{path}: corrupt: no end mark after its {len(members):,} members; copy the file again")
    named = ((PurePosixPath(m.name).name, m) for m in members if m.isfile())
    return {name: Place(path, m.offset_data, m.size) for name, m in named if _is_image(name)}
