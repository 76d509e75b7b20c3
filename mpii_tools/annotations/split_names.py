"""How people call the splits of a dataset, before a path and in the names of files."""

from __future__ import annotations

import re
from pathlib import Path

from checkpoints.errors import PoseError

TRAINVAL = "trainval"  # MPII's: train and Tompson's validation people in one file
SPELLINGS = {
    "train": ("train", "training", "trn"),
    "valid": ("valid", "val", "validation", "dev"),
    "test": ("test", "testing", "tst"),
    TRAINVAL: ("trainval", "trainvalid"),
}
VALID = "validation people: "  # a note's beginning; the rule that chose them follows
SPLIT_OF = {spelling: split for split, spellings in SPELLINGS.items() for spelling in spellings}


def split_in_name(name: str) -> str | None:
    """The one split that a file's name speaks of, None if it speaks of none or of several.

    Words end where letters do: `my_train_annotations.json` and `person_keypoints_val2017.json` say theirs,
    `retrained.json` says nothing.
    """
    found = {SPLIT_OF[word] for word in re.split(r"[^a-z]+", name.lower()) if word in SPLIT_OF}
    return found.pop() if len(found) == 1 else None


def parse_annotations(argument: str) -> tuple[str | None, Path]:
    """`SPLIT=PATH` or `PATH` -> split, None if it is not said, and path.

    Raises:
        PoseError: when the word before `=` is no split, or there is no path.
    """
    word, equals, path = argument.partition("=")
    if not equals or not word.isalpha() or Path(argument).exists():
        return None, Path(argument)
    if word.lower() not in SPLIT_OF or not path:
        found = f"'{word}' is no split" if path else "there is no path"
        raise PoseError(f"--annotations {argument}: {found}; give train=PATH, valid=PATH, test=PATH or PATH")
    return SPLIT_OF[word.lower()], Path(path)
