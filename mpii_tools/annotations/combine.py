"""Several annotation files as one dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import distinct_names
from heads.skeleton import Skeleton
from mpii_tools.annotations.joint_selection import with_skeleton
from mpii_tools.annotations.placement import place_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import Reading, merge
from mpii_tools.annotations.split_names import parse_annotations
from mpii_tools.annotations.splits import require_split, share_valid, with_split
from mpii_tools.annotations.units import require_pixels
from mpii_tools.depth.table import Depth, join_depths
from mpii_tools.images.sources import open_images
from mpii_tools.people import People, join_people


@dataclass(frozen=True)
class Source:
    """Annotations of one path, every person with a split, or '' if it is not known, and a place in the image.

    Attributes:
        path: of the file or folder.
        reading: what it holds.
    """

    path: Path
    reading: Reading

    @property
    def folder(self) -> Path:
        """Where its images are looked for if no other folder is given."""
        return self.path if self.path.is_dir() else self.path.parent


def read_source(argument: str, skeleton: Skeleton | None = None) -> Source:
    """The annotations of `SPLIT=PATH` or `PATH`, checked and placed with all their joints.

    Args:
        skeleton: the joints to keep of them; None: their own.

    Raises:
        PoseError: no split, no annotations, annotations that are not in pixels, none of the skeleton's joints, or
            another skeleton for people with depth.
    """
    said, path = parse_annotations(argument)
    reading = with_split(path, read_annotations(path), said)
    people, notes = place_people(reading.people)
    require_pixels(path, people)
    if skeleton is not None and reading.depth and skeleton.names != people.joint_names:
        raise PoseError(f"{path}: people with depth keep their own joints, whose root it is relative to; no --skeleton")
    if skeleton is not None:
        people, left_out = with_skeleton(path, people, skeleton)
        notes |= left_out
    return Source(path, replace(reading, people=people, notes=merge(reading.notes, notes)))


def combine(
    sources: Sequence[Source], folders: Sequence[Path], valid_share: float | None = None, seed: int = 0
) -> Reading:
    """The people of all sources as one dataset, each with a split.

    Args:
        folders: of each source's images. Where they differ, an image's name begins with that of its folder, so that two
            images of one name stay two.
        valid_share: share of the images that becomes the validation split (`share_valid`), or None.
        seed: of the choice of these images.

    Raises:
        PoseError: when a person has no split, or the sources have different skeletons.
    """
    parts = [source.reading.people for source in sources]
    for source, part in zip(sources, parts, strict=True):
        if valid_share is None:
            require_split(source.path, source.reading)
        if part.skeleton != parts[0].skeleton:
            raise PoseError(
                f"{source.path}: its joints are {_joints(part)}, those of {sources[0].path} {_joints(parts[0])}, or "
                "their trees differ; name one --skeleton for all, or prepare them into folders of their own"
            )
    if len(set(folders)) > 1:
        names = distinct_names(folders)
        parts = [
            replace(part, images=np.array([f"{name}/{image}" for image in part.images], dtype=np.str_))
            for name, part in zip(names, parts, strict=True)
        ]
    people = join_people(parts)
    if valid_share is not None:
        people = share_valid(people, valid_share, seed)
    readings = [source.reading for source in sources]
    return Reading(
        people,
        ", ".join(dict.fromkeys(reading.format for reading in readings)),
        merge(*(reading.faults for reading in readings)),
        merge(*(reading.notes for reading in readings)),
        combined_depth(sources, people),
    )


def combined_depth(sources: Sequence[Source], people: People) -> Depth | None:
    """The depths of all sources' people. Raises PoseError when some sources have them and others do not."""
    depths = [source.reading.depth for source in sources]
    without = [source.path for source, depth in zip(sources, depths, strict=True) if depth is None]
    if len(without) == len(sources):
        return None
    if without:
        raise PoseError(
            f"{without[0]}: has no depths, other annotations have; prepare it into a folder of its own, which "
            "`ief train --also` takes"
        )
    return join_depths(depths, people.person_ids)


def open_combined(folders: Sequence[Path], images: Sequence[str]) -> Callable[[str], bytes]:
    """Reads images by the names that `combine` gives them.

    Args:
        folders: as `combine`.
        images: all names that will be asked for.

    Raises:
        PoseError: as `open_images`.
    """
    if len(set(folders)) == 1:
        return open_images(folders[0], images)
    names = distinct_names(folders)
    parts = names[0].count("/") + 1
    asked: dict[str, set[str]] = {name: set() for name in names}
    for image in images:
        name, inside = _halves(image, parts)
        asked[name].add(inside)
    opened = {name: open_images(folder, asked[name]) for name, folder in zip(names, folders, strict=True)}

    def read(image: str) -> bytes:
        name, inside = _halves(image, parts)
        return opened[name](inside)

    return read


def _joints(people: People) -> str:
    return f"{len(people.joint_names)}, {', '.join(people.joint_names[:3])}, ..."


def _halves(image: str, parts: int) -> tuple[str, str]:
    """The first `parts` folders of a name, and the rest."""
    pieces = image.split("/")
    return "/".join(pieces[:parts]), "/".join(pieces[parts:])
