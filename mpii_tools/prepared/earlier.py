"""What an earlier preparation left in a folder, and how the splits of a new one join it."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.people_file import load_people, save_people, split_files
from mpii_tools.annotations.splits import find_shared
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared, read_description, sum_files, write_crops

# What the splits of one folder have in common.
SHARED_BY_ALL = ("input", "border", "name", "joint_names", "skeleton", "apply_exif")


@dataclass(frozen=True)
class Earlier:
    """A prepared folder as a new preparation finds it.

    Attributes:
        folder: that of both.
        description: its own; empty without a finished preparation.
        wanted: the new preparation's.
        image_folders: where the new preparation's images lie; none if that is unknown.
    """

    folder: Path
    description: dict
    wanted: dict
    image_folders: Sequence[str]

    def kept(self, new: Collection[str]) -> dict[str, int]:
        """The splits there that no `new` one replaces -> their numbers of people."""
        return {split: count for split, count in self.description.get("splits", {}).items() if split not in new}

    def require_same(self, new: Collection[str]) -> None:
        """Nothing, if the splits that stay are like the `new` ones. Raises PoseError, which tells what differs."""
        differ = [key for key in SHARED_BY_ALL if self.description.get(key, self.wanted[key]) != self.wanted[key]]
        if differ and (kept := self.kept(new)):
            values = (_describe_difference(key, self.description[key], self.wanted[key]) for key in differ)
            there = f"holds {', '.join(kept)} prepared otherwise ({'; '.join(values)})"
            raise PoseError(f"{self.folder}: {there}; prepare all splits alike, or choose another --out")

    def find_shared(self, people: People) -> np.ndarray:
        """(N,) bool: training people in an image of validation people, here or in the split that stays there."""
        names = people.images[people.split == "valid"]
        if "valid" in self.kept(people.split.tolist()) and self._same_images("valid"):
            second = "valid" in self.description["second"]
            names = [*names, *load_people(split_files(self.folder, "valid", second)[0]).images]
        return find_shared(people, np.array(names))

    def clean_train(self, people: People, partial: Path, new: Collection[str]) -> list[str]:
        """Write the train split that stays to `partial` without those in an image of `people`'s validation split.

        Returns:
            Their person_ids; nothing is written for none.

        Raises:
            PoseError: when nobody would be left.
        """
        if "train" not in self.kept(new) or "valid" not in new or not self._same_images("train"):
            return []
        train = load_prepared(self.folder, "train")
        shared = find_shared(train.people, people.images[people.split == "valid"])
        if shared.all():
            raise PoseError(f"{self.folder}: everybody in its train split is in an image of this validation split")
        if shared.any():
            rows = np.flatnonzero(~shared)
            path, _, crops = split_files(partial, "train")
            _, crc = write_crops(crops, train.crops.shape[1], (train.crops[row] for row in rows))
            save_people(path, train.people.select(rows))
            self.description["splits"]["train"], self.description["sums"]["train"] = len(rows), sum_files(path, crc)
        return train.people.person_ids[shared].tolist()

    def folders_with(self, new: Collection[str]) -> dict[str, list[str]]:
        """Split -> the folders of its images, as far as they are known, of those that stay and the `new` ones."""
        known = {split: self.description["image_folders"].get(split) for split in self.kept(new)}
        known |= {split: list(self.image_folders) for split in new}
        return {split: folders for split, folders in known.items() if folders}

    def _same_images(self, split: str) -> bool:
        """Whether a name means the same image in that split and in the new preparation, as far as is known."""
        there, here = self.description["image_folders"].get(split), self.image_folders
        return not there or not here or bool(set(there) & set(here))


def find_earlier(folder: Path, wanted: dict, image_folders: Sequence[str]) -> Earlier:
    """What is prepared in `folder`; a description that is missing or corrupt counts as none."""
    description = {}
    with suppress(PoseError):
        description = read_description(folder)
    if not all(isinstance(count, int) for count in description.get("splits", {}).values()):
        description = {}
    if not isinstance(description.get("image_folders"), dict):  # older preparations did not know them
        description["image_folders"] = {}
    return Earlier(folder, description, wanted, image_folders)


def _describe_difference(key: str, there: object, here: object) -> str:
    """What differs, in words: both values, or the fields of a skeleton."""
    if isinstance(there, dict) and isinstance(here, dict):
        return f"{key}: {', '.join(field for field in {**there, **here} if there.get(field) != here.get(field))}"
    shown = [f"{len(value)} joints" if isinstance(value, (list, dict)) else value for value in (there, here)]
    return f"{key} {shown[0]} there, {shown[1]} here"
