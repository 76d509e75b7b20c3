"""A prepared dataset: preprocessed crops and annotations that training reads as they are.

    DIR/prepared.json      name, input size, border, splits: written last, so its presence means that all is there
    DIR/SPLIT.npz          the split's People (see mpii_tools.annotations.people_file)
    DIR/SPLIT-depth.npz    their depths, of people in three dimensions (see mpii_tools.people.Depth)
    DIR/SPLIT-crops.npy    (N, S, S, 3) uint8 RGB, S = input + 2 border: a memory map in use

A crop holds the network's input at its own resolution and a border around it, so that rotating and shrinking find
real pixels. numpy and torch are all that is needed to train from it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.people_file import depth_path, load_people, read_description
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.formats.arrays import map_npy
from mpii_tools.people import People


@dataclass(frozen=True)
class PreparedSplit:
    """One split of a prepared dataset, to train on.

    Attributes:
        people: N people, image pixels.
        crops: (N, S, S, 3) uint8 RGB, S = size + 2 border, a read-only memory map.
        size: side of the network's input.
        border: pixels around it, on every side.
        name: the dataset's name.
        split: the split's name.
    """

    people: People
    crops: np.ndarray
    size: int
    border: int
    name: str
    split: str

    def __len__(self) -> int:
        return len(self.people)

    @property
    def margin(self) -> float:
        """Side of a crop / side of the network's input."""
        return (self.size + 2 * self.border) / self.size

    @property
    def to_crop(self) -> np.ndarray:
        """(N, 2, 3) affines from image pixels to the input's pixels."""
        return crop_matrices(self.people.crop_center, self.people.crop_side, self.size)

    @property
    def dimensions(self) -> int:
        """D of the joints: 3 for people with depths, else 2."""
        return 2 if self.people.depth is None else 3

    @property
    def joints(self) -> np.ndarray:
        """(N, K, D) float32 joints, x, y in the input's pixels and z in mm; NaN for what is missing."""
        return apply_affine(self.to_crop, self.people.coordinates).astype(np.float32)

    def to_image(self, joints: np.ndarray) -> np.ndarray:
        """(N, K, D) joints with x, y in the input's pixels -> image pixels, float64; z stays."""
        return apply_affine(invert_affine(self.to_crop), np.asarray(joints, dtype=np.float64))


def load_prepared(folder: str | Path, split: str) -> PreparedSplit:
    """One split of the dataset that `ief prepare` wrote to `folder`.

    Raises:
        PoseError: when the folder is not (or not completely) prepared, lacks the split, or holds corrupt files.
    """
    description = read_description(folder)
    if split not in description["splits"]:
        known = ", ".join(description["splits"]) or "none"
        advice = "; say the split when preparing, as in `--annotations train=PATH`" if known == "all" else ""
        raise PoseError(f"{folder}: has no split '{split}'; it has {known}{advice}")
    folder = Path(folder)
    people = load_people(folder / f"{split}.npz")
    size, border = description["input"], description["border"]
    path = folder / f"{split}-crops.npy"
    try:
        crops = map_npy(path)
    except (OSError, ValueError, EOFError) as error:
        raise PoseError(f"{path}: corrupt or missing ({error}); run `ief prepare` again") from error
    expected = (len(people), size + 2 * border, size + 2 * border, 3)
    if crops.shape != expected or crops.dtype != np.uint8:
        raise PoseError(f"{path}: holds {crops.dtype} {crops.shape}, expected uint8 {expected}; prepare again")
    if people.depth is None and split in description.get("depth", ()):
        raise PoseError(f"{depth_path(folder / f'{split}.npz')}: missing; run `ief prepare` again")
    return PreparedSplit(people, crops, size, border, description["name"], split)
