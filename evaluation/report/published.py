"""Scores that others published, to print beside one's own: `published.json`, as printed, none computed here.

All of the paper's Tables 2 to 8, other people's rows in them too, and rows of one other table that was read. Notes
say what is odd about the numbers. In each row of Table 8 the Mean agrees with its groups, weighted by annotated joints,
to 0.1, except where a note says so; tests check this, and each note against the numbers. To add a score, write it there
with its source.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from checkpoints.errors import PoseError

_DATA = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
PAPER: str = _DATA["paper"]
PAPER_NAMES: dict[str, str] = _DATA["paper_names"]  # method of Table 1 -> the name in Tables 2 to 6
BELOW_ONE = "< 1"  # Illegal Angle with MPII: the paper prints no value, and says so of every method

# Mm, and percent of illegal angles; None if not printed. Table 2 (Protocol 2): (method of Table 1, whether MPII was
# trained on too) -> metric -> value. Table 3: kind of joint, and of the bone from it to its parent -> those of the
# baseline, of `all`, trained on Human3.6M alone.
_METRICS = _DATA["table2"]["columns"][2:]
TABLE_2 = {
    (method, mixed): dict(zip(_METRICS, values, strict=True)) for method, mixed, *values in _DATA["table2"]["rows"]
}
TABLE_3 = {
    kind: tuple(dict(zip(_METRICS, values, strict=True)) for values in both) for kind, *both in _DATA["table3"]["rows"]
}
TABLE_2_NOTES: list[str] = _DATA["table2"]["notes"]
TABLE_3_NOTES: dict[str, str] = _DATA["table3"]["notes"]
# Action, as the paper's columns say -> names that the dataset's files and its users have for it, in lower case.
ACTIONS: dict[str, list[str]] = _DATA["actions"]
_ACTION_BY_NAME = {name: action for action, names in ACTIONS.items() for name in (action.lower(), *names)}
# Table 7: (method of Table 1, stage) -> mean joint and bone error in image pixels, mean PCKh@0.5 in percent, on MPII.
TABLE_7 = {(method, stage): tuple(values) for method, stage, *values in _DATA["table7"]["rows"]}
# Tables 4 to 6, each a dict: "title" with the unit, "protocol" of Human3.6M, "metric" of `METRICS`, "mixed" (whether 2D
# data was trained on too), "note" (what is odd about the numbers) and "rows" in the paper's order, its own last: label;
# authors, venue and year, "" for the paper's own; values of the 15 `ACTIONS` in mm, [] if there is only the average;
# and the average as printed.
ACTION_TABLES: dict[str, dict[str, Any]] = {name: _DATA[name] for name in ("table4", "table5", "table6")}
SOURCES: dict[str, str] = _DATA["table8"]["sources"]
# PCKh@0.5 on MPII's test set, the paper's 16 rows in its order, then others, each a dict: "label" (authors, venue and
# year), "groups" (Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle, Mean in percent), "source" of the numbers, and "note"
# (what is odd about them; may be empty).
TABLE_8: dict[str, dict[str, Any]] = {
    name: {"label": label, "groups": groups, "source": SOURCES[source], "note": "".join(note)}
    for name, label, source, groups, *note in _DATA["table8"]["rows"]
}


def select_rows(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows of `TABLE_8` called `names`, in the table's order; ("all",) takes every row, ("none",) no row.

    Raises:
        PoseError: for an unknown name, or `all` or `none` among others.
    """
    if list(names) in (["all"], ["none"]):
        return TABLE_8 if "all" in names else {}
    if unknown := [name for name in names if name not in TABLE_8]:
        raise PoseError(f"no published row '{unknown[0]}'; choose all, none or any of {', '.join(TABLE_8)}")
    return {name: row for name, row in TABLE_8.items() if name in names}


def paper_action(name: str) -> str | None:
    """The paper's word for an action, however it is written (`WalkingDog`, `walkDog 1`); None for another action."""
    return _ACTION_BY_NAME.get("".join(letter for letter in name.lower() if letter.isalpha()))


def cite_table(number: int, protocol: int = 2) -> str:
    """Where the values of a table of the paper are from, and of which protocol of Human3.6M."""
    return (
        f"Published values are as printed in {PAPER}, Table {number}, of Human3.6M, Protocol {protocol}, and not ours."
    )
