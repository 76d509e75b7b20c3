"""Drawn people as a prepared dataset, to train on without a download."""

from __future__ import annotations

from pathlib import Path

from ief.training.options import Preset
from mpii_tools.annotations.read import read_annotations
from mpii_tools.images.sources import open_images
from mpii_tools.prepared.write import CropSpec, prepare
from mpii_tools.synthetic.dataset import SyntheticData


def prepare_drawn(drawn: SyntheticData, folder: Path, name: str, options: Preset) -> Path:
    """Write the crops of drawn people, with their depths if they have them, at the options' size and margin.

    Args:
        folder: to write, and to return. name: of the prepared dataset.

    Raises:
        PoseError: as `prepare` does.
    """
    people = read_annotations(drawn.annotations).people
    prepare(people, open_images(drawn.images), folder, name, CropSpec(options.size, options.margin))
    return folder
