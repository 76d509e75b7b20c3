"""What a reader returns: the people, and a count of everything it left out or had to change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mpii_tools.people import People, join_people

EXAMPLES = 3
NOT_AS = "people left out: not as"  # a format has them: entries that cannot be read
UNPLACED = "people with a labelled joint without coordinates, taken as missing"

# What was found -> the people, images or columns affected.
Findings = Mapping[str, list[str]]


@dataclass(frozen=True)
class Reading:
    """The people of one annotation file or folder.

    Attributes:
        people: the people, in the order of the file.
        format: of the annotations, in words.
        faults: what is wrong with the file: people it should hold that cannot be used, values that contradict.
        notes: what is worth knowing and no fault.
        image_ids: of all images by name, those without people too, in the order of ids; {} for formats without ids.
        exempt: crowds and people without a joint, as COCO's annotations with the image's name as 'image'.
        folder: where the images are, if the annotations say so.
        path: of the file or folder, where people of several are joined.
    """

    people: People
    format: str
    faults: Findings = field(default_factory=dict)
    notes: Findings = field(default_factory=dict)
    image_ids: Mapping[str, int | str] = field(default_factory=dict)
    exempt: Sequence[dict[str, Any]] = ()
    folder: Path | None = None
    path: Path | None = None


def merge(*findings: Findings) -> dict[str, list[str]]:
    """All of them, without those that affect nobody."""
    kinds = dict.fromkeys(what for finding in findings for what, names in finding.items() if names)
    return {what: [name for finding in findings for name in finding.get(what, ())] for what in kinds}


def name_people(people: People, found: Mapping[str, list[str] | np.ndarray]) -> Findings:
    """What was found -> whom it affects, if anybody; a mask (N,) of the people, or names, becomes names."""
    return merge(
        {what: who if isinstance(who, list) else people.person_ids[who].tolist() for what, who in found.items()}
    )


def build_reading(
    form: str,
    images: np.ndarray | Sequence[str],
    points: np.ndarray,
    labeled: np.ndarray,
    faults: Mapping[str, list[str] | np.ndarray],
    notes: Mapping[str, list[str] | np.ndarray],
    first_pixel: int = 1,
    **columns: object,
) -> Reading:
    """N people whose joints stand in arrays, with what was found of them.

    Args:
        form: the format, in words.
        images: (N,) file names.
        points: (N, K, 2) image pixels, counted from `first_pixel`.
        labeled: (N, K) bool; a labeled joint without coordinates is missing, and a fault.
        faults, notes: as `name_people` takes them.
        columns: further ones of `People`, whose pixels are counted from 0.
    """
    people = People(images, np.where(labeled[..., None], points, np.nan) - first_pixel, **columns)
    faults = {**faults, UNPLACED: (labeled & ~np.isfinite(points).all(axis=-1)).any(axis=1)}
    return Reading(people, form, name_people(people, faults), name_people(people, notes))


def join_readings(readings: Sequence[Reading], renumber: bool = False) -> Reading:
    """All people of some readings of one skeleton, with depths if all of them have some.

    Args:
        renumber: count the people of each image again if a person_id would appear twice.
    """
    people = join_people([reading.people for reading in readings])
    if renumber and len(set(people.person_ids.tolist())) < len(people):
        people = replace(people, person_ids=None)
    return Reading(
        people,
        ", ".join(dict.fromkeys(reading.format for reading in readings)),
        merge(*(reading.faults for reading in readings)),
        merge(*(reading.notes for reading in readings)),
    )


def table(heading: str, findings: Findings) -> str:
    """A row per finding: what, how many, and the first examples; empty without findings."""
    if not (findings := merge(findings)):
        return ""
    width = max(map(len, [heading, *findings]))
    rows = [
        f"{what:<{width}}  {len(names):>7,}  {', '.join(names[:EXAMPLES])}{', ...' if len(names) > EXAMPLES else ''}"
        for what, names in findings.items()
    ]
    return "\n".join([f"{heading:<{width}}  {'count':>7}  first", *rows])
