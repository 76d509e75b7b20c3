"""Drawn people as a prepared dataset, to train on without a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ief.training.options import Preset
from mpii_tools.annotations.mpii_mat import read_mpii_mat
from mpii_tools.depth.files import load_depth
from mpii_tools.depth.table import Depth
from mpii_tools.images.sources import open_images
from mpii_tools.people import People
from mpii_tools.people_file import load_people
from mpii_tools.prepared.write import CropSpec, prepare
from mpii_tools.synthetic.dataset import write_synthetic
from mpii_tools.synthetic.dataset_3d import Synthetic3D, write_synthetic_3d, write_synthetic_wild


@dataclass(frozen=True)
class Drawn:
    """A drawn dataset.

    Attributes:
        people: all that were drawn. images: the folder of their images.
        folder: where `prepare_drawn` puts the crops. name: of the prepared dataset.
        depth: of the people; None in 2D, and of those who are not labeled in depth.
        truth: of the same or of the test people, what no training sees, as `people_file` stores people.
        annotations: MPII's RELEASE .mat, in 2D.
    """

    people: People
    images: Path
    folder: Path
    name: str
    truth: Path
    depth: Depth | None = None
    annotations: Path | None = None


def draw_2d(out: Path, counts: Sequence[int], prepared: Path, name: str, seed: int = 0, upright: bool = False) -> Drawn:
    """MPII-like people in `out`: so many to train on, to validate and to test, upright or in any pose.

    Raises:
        PoseError: as `write_synthetic` does.
    """
    source = write_synthetic(out, *counts, seed, upright=upright)
    people = read_mpii_mat(source.annotations).people
    return Drawn(people, source.images, prepared, name, source.truth, annotations=source.annotations)


def draw_3d(out: Path, images: int, seed: int) -> list[Drawn]:
    """Seven subjects in a studio with depth, and half as many people elsewhere, who are never labeled in it."""
    studio = write_synthetic_3d(out / "studio", images, images // 3, seed)
    elsewhere = write_synthetic_wild(out / "elsewhere", images // 2, images // 6, 0, seed)
    return [_read_3d(source, out) for source in (studio, elsewhere)]


def _read_3d(source: Synthetic3D, out: Path) -> Drawn:
    people, name = load_people(source.people), source.people.parent.name
    depth = load_depth(source.people, people)
    return Drawn(people, source.images, out / f"prepared-{name}", name, source.ground_truth, depth)


def prepare_drawn(drawn: Drawn, options: Preset) -> Path:
    """Write the crops of a drawn dataset, at the options' size and margin; returns their folder."""
    images = open_images(drawn.images)
    prepare(drawn.people, images, drawn.folder, drawn.name, CropSpec(options.size, options.margin), depth=drawn.depth)
    return drawn.folder
