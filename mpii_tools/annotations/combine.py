"""Several annotation files as one dataset."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import distinct_names
from heads.skeleton import Skeleton
from mpii_tools.annotations.joints import select_joints
from mpii_tools.annotations.placement import place_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import Reading, join_readings, merge
from mpii_tools.annotations.splits import assign_splits, parse_annotations, require_split, share_valid
from mpii_tools.annotations.units import require_pixels
from mpii_tools.images.index import find_cut_clips
from mpii_tools.images.sources import open_images

CLIPS = "clips with frames in train and in valid, by their names (a folder for each, or valid=PATH, keeps them apart)"


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


def read_source(argument: str, skeleton: Skeleton | None = None, category: str | None = None) -> Source:
    """The annotations of `SPLIT=PATH` or `PATH`, checked and placed with all their joints.

    Args:
        skeleton: the joints to keep of them; None: their own.
        category: whose people to read, of COCO's format; None: all.

    Raises:
        PoseError: no split, no annotations, annotations that are not in pixels, none of the skeleton's joints, or
            another skeleton for people with depth.
    """
    said, path = parse_annotations(argument)
    reading = assign_splits(path, read_annotations(path, skeleton, category), said)
    people, notes = place_people(reading.people)
    require_pixels(path, people)
    if skeleton is not None and people.depth and skeleton.names != people.joint_names:
        raise PoseError(f"{path}: people with depth keep their own joints, whose root it is relative to; no --skeleton")
    if skeleton is not None:
        people, left_out = select_joints(path, people, skeleton)
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
    readings, paths = [source.reading for source in sources], [source.path for source in sources]
    for path, reading in zip(paths, readings, strict=True):
        if valid_share is None:
            require_split(path, reading)
        if reading.people.skeleton != readings[0].people.skeleton:
            joints = (one.people.joint_names for one in (reading, readings[0]))
            here, there = (f"{len(names)}, {', '.join(names[:3])}, ..." for names in joints)
            raise PoseError(
                f"{path}: its joints are {here}, those of {paths[0]} {there}, or "
                "their trees differ; name one --skeleton for all, or prepare them into folders of their own"
            )
    without = [path for path, reading in zip(paths, readings, strict=True) if reading.people.depth is None]
    if 0 < len(without) < len(sources):
        raise PoseError(
            f"{without[0]}: has no depths, other annotations have; prepare it into a folder of its own, which "
            "`ief train --also` takes"
        )
    joined = join_readings(readings)
    if len(set(folders)) > 1:
        names = np.repeat(distinct_names(folders), [len(reading.people) for reading in readings]).tolist()
        images = [f"{name}/{image}" for name, image in zip(names, joined.people.images.tolist(), strict=True)]
        joined = replace(joined, people=replace(joined.people, images=images))
    if valid_share is not None:
        people = share_valid(joined.people, valid_share, seed)
        clips = find_cut_clips(people.images.tolist(), people.split.tolist())
        joined = replace(joined, people=people, notes=merge(joined.notes, {CLIPS: clips}))
    return joined


def open_combined(folders: Sequence[Path], images: Sequence[str]) -> Callable[[str], bytes]:
    """Reads images by the names that `combine` gives them.

    Args:
        folders: of each source's images.
        images: all names that will be asked for.

    Raises:
        PoseError: no such folder, no image in it, or a tar file that is corrupt or compressed.
    """
    if len(set(folders)) == 1:
        return open_images(folders[0], images)
    names = distinct_names(folders)
    parts = names[0].count("/") + 1
    asked = defaultdict(set)
    for image in images:
        *name, inside = image.split("/", parts)
        asked["/".join(name)].add(inside)
    opened = {name: open_images(folder, asked[name]) for name, folder in zip(names, folders, strict=True)}

    def read(image: str) -> bytes:
        *name, inside = image.split("/", parts)
        return opened["/".join(name)](inside)

    return read
