"""Several annotation files as one dataset."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from checkpoints import PoseError, distinct_names
from heads.skeleton import Skeleton
from mpii_tools.annotations.joints import select_joints
from mpii_tools.annotations.placement import place_people, require_pixels
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import Reading, join_readings, merge
from mpii_tools.annotations.splits import NAME, NOBODY, assign_splits, parse_annotations, share_valid
from mpii_tools.images.index import find_cut_clips
from mpii_tools.images.sources import open_images
from mpii_tools.people import People

COPIES = "people left out: an earlier of the annotations has their image, by its bytes"
CLIPS = "clips with frames in train and in valid, by their names (a folder for each, or valid=PATH, keeps them apart)"


def read_source(argument: str, skeleton: Skeleton | None = None, category: str | None = None) -> Reading:
    """The annotations of `SPLIT=PATH` or `PATH`, checked and placed with all their joints.

    Args:
        skeleton: the joints to keep of them; None: their own.
        category: whose people to read, of COCO's format; None: all.

    Returns:
        every person with a split, or '' if it is not known, and a place in the image; `path` is that of the file or
        folder, `folder` where its images are looked for if no other folder is given.

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
    folder = reading.folder or (path if path.is_dir() else path.parent)
    return replace(reading, people=people, notes=merge(reading.notes, notes), path=path, folder=folder)


def take_star(source: Reading, skeleton: Skeleton) -> Reading:
    """The source with that skeleton if both are stars of the same joints, guessed around the middle of other people."""
    people = source.people
    stars = all({*tree.parents} == {-1, tree.root} for tree in (people.skeleton, skeleton))
    if stars and people.skeleton == replace(skeleton, parents=people.skeleton.parents):
        return replace(source, people=replace(people, skeleton=skeleton))
    return source


def combine(
    sources: Sequence[Reading], folders: Sequence[Path], valid_share: float | None = None, seed: int = 0
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
    first = sources[0]
    sources = [take_star(source, first.people.skeleton) for source in sources]
    for source in sources:
        if valid_share is None and (source.people.split == "").any():
            listed = f", and {NAME} beside it names no image here" if NOBODY in source.faults else ""
            raise PoseError(
                f"{source.path}: neither its name nor its content tells its split{listed}; say it, as in "
                f"`--annotations train={source.path}` (or valid=, test=), or add `--valid-share 0.1` to train on 90 % "
                "of the images and validate on the others"
            )
        one, other = source.people, first.people
        if one.skeleton != other.skeleton:
            here, there = (f"{len(of)}, {', '.join(of.names[:3])}, ..." for of in (one.skeleton, other.skeleton))
            raise PoseError(
                f"{source.path}: its joints are {here}, those of {first.path} {there}, or "
                "their trees differ; name one --skeleton for all, or prepare them into folders of their own"
            )
        if (one.depth is None) != (other.depth is None):
            raise PoseError(
                f"{source.path if one.depth is None else first.path}: has no depths, other annotations have; prepare "
                "it into a folder of its own, which `ief train --also` takes"
            )
    joined = join_readings(sources)
    if len(set(folders)) > 1:
        named = zip(distinct_names(folders), sources, strict=True)
        images = [f"{name}/{image}" for name, source in named for image in source.people.images.tolist()]
        ids = joined.people.person_ids if len({*joined.people.person_ids.tolist()}) == len(images) else None
        joined = replace(joined, people=replace(joined.people, images=images, person_ids=ids))
    if valid_share is not None:
        people = share_valid(joined.people, valid_share, seed)
        clips = find_cut_clips(people.images.tolist(), people.split.tolist())
        return replace(joined, people=people, notes=merge(joined.notes, {CLIPS: clips}))
    return joined


def open_combined(folders: Sequence[Path], images: Sequence[str]) -> Callable[[str], bytes]:
    """Reads images by the names that `combine` gives them.

    Args:
        folders: of each source's images.
        images: all names that will be asked for.

    Raises:
        PoseError: no such folder, no image in it, or a tar file that is corrupt or compressed.
    """
    prefixes = [f"{name}/" for name in distinct_names(folders)] if len(set(folders)) > 1 else [""]
    opened = {
        prefix: open_images(folder, [image.removeprefix(prefix) for image in images if image.startswith(prefix)])
        for prefix, folder in zip(prefixes, folders, strict=False)
    }

    def read(image: str) -> bytes:
        prefix = next(prefix for prefix in opened if image.startswith(prefix))
        return opened[prefix](image.removeprefix(prefix))

    return read


def find_copies(people: People, sources: Sequence[Reading], read_image: Callable[[str], bytes]) -> np.ndarray:
    """(N,) bool: people in an image that an earlier source has in the same split, by its bytes."""
    source = (number for number, each in enumerate(sources) for _ in range(len(each.people)))
    keys = [*zip(people.split.tolist(), people.images.tolist(), source, strict=True)]
    several = Counter(split for split, _ in {(split, number) for split, _, number in keys})
    first, copies = {}, set()
    for key in (key for key in dict.fromkeys(keys) if several[key[0]] > 1):
        with suppress(PoseError):  # which preparing tells
            digest = key[0], sha256(read_image(key[1])).digest()
            copies |= {key} if first.setdefault(digest, key[2]) != key[2] else set()
    return np.array([key in copies for key in keys])
