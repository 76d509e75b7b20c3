"""Human3.6M's subjects, actions, subactions and cameras, as its own files and other people's call them."""

from __future__ import annotations

import re

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
CAMERAS = ("54138969", "55011271", "58860488", "60457274")  # numbered from 1
FIRST_ACTION = 2  # number of ACTIONS[0]; 1 is a recording of many actions
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting", "SittingDown",
    "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether",
)  # fmt: skip
ALIASES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
# A video is called by its action and perhaps a number: as a rule `Directions 1` is subaction 1 and `Directions` 2.
# Here is the number of subaction 2 of those with a number there; metadata.xml has the whole table.
SECOND = {
    ("S5", "Directions"): 2, ("S5", "Discussion"): 3, ("S9", "Discussion"): 2, ("S11", "Discussion"): 2,
    ("S6", "Eating"): 2, ("S5", "Greeting"): 2, ("S11", "Phoning"): 2, ("S1", "Sitting"): 2, ("S6", "Sitting"): 2,
    **{(subject, "SittingDown"): 1 for subject in ("S5", "S7", "S8", "S9", "S11")},
    ("S5", "Photo"): 2, ("S6", "Photo"): 1, ("S7", "Photo"): 1, ("S5", "Waiting"): 2, ("S7", "Waiting"): 2,
    ("S7", "Walking"): 2, ("S8", "WalkTogether"): 2,
}  # fmt: skip
VIDEO = re.compile(r"([A-Za-z]+)(?:[ _](\d{1,3}))?")


def split_video(subject: str, video: str) -> tuple[str, int]:
    """Action and subaction, 1 or 2, of a subject's video `Directions 1` or `Directions_1`, without camera and ending.

    Raises:
        ValueError: no such subject or action.
    """
    found = VIDEO.fullmatch(video)
    action = ALIASES.get(found[1], found[1]) if found else ""
    if subject not in SUBJECTS or action not in ACTIONS:
        raise ValueError(f"{subject!r} and {video!r} are no subject and video of Human3.6M")
    return action, 2 if int(found[2] or 0) == SECOND.get((subject, action), 0) else 1


def action_of(number: int) -> str:
    """The action of a number, 2 to 16, as metadata.xml and PoseNet's files count them. Raises ValueError for others."""
    if not FIRST_ACTION <= number < FIRST_ACTION + len(ACTIONS):
        raise ValueError(f"action {number} is none of {FIRST_ACTION} to {FIRST_ACTION + len(ACTIONS) - 1}")
    return ACTIONS[int(number) - FIRST_ACTION]


def camera_of(number: int) -> str:
    """The camera of a number, 1 to 4, or of its own name as a number. Raises ValueError for others."""
    if str(number) in CAMERAS:
        return str(number)
    if number not in range(1, len(CAMERAS) + 1):
        raise ValueError(f"camera {number} is none of 1 to {len(CAMERAS)}")
    return CAMERAS[int(number) - 1]


def sequence_name(subject: str, action: str, subaction: int) -> str:
    """What was recorded in one go by all cameras: `S9 Greeting 2`."""
    return f"{subject} {action} {subaction}"
