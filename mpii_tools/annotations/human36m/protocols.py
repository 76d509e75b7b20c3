"""Human3.6M's subjects, actions and videos; who trains and who tests, which frames count, and what a crop shows."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.reading import Reading, merge
from mpii_tools.people import place_squares

HUMAN36M = "Human3.6M"  # what the formats of its readings begin with
PROTOCOLS = {
    1: {"train": ("S1", "S5", "S6", "S7", "S8", "S9"), "valid": ("S11",)},
    2: {"train": ("S1", "S5", "S6", "S7", "S8"), "valid": ("S9", "S11")},
}
SUBJECTS = (*PROTOCOLS[2]["train"], *PROTOCOLS[2]["valid"])
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
LATEST = 1 << 32  # no video has as many frames

EVERY = {"train": 5, "valid": 64}  # the paper tests every 64th frame, and does not say which it trains on
DAMAGED = ("S9 Greeting 2", "S9 SittingDown 2", "S9 Waiting 1")  # labels drift
NO_VIDEO = ("S11 Directions 2", re.compile(r"54138969|ca_01"))  # of this camera
DAMAGED_NOTE = "people of damaged sequences (S9 Greeting 2, SittingDown 2, Waiting 1; S11 Directions 2 of 54138969)"
LAST_NUMBER = re.compile(r"\d+(\.\w+)?$")

PELVIS_SIDE = 2000.0  # mm
CROPPED = {
    "box": "crops around the box of the joints, 1.2 x 1.25 of its longer side",
    "pelvis": "crops of 2000 x 2000 mm around the pelvis, at its ground-truth depth",
}


class Frame(NamedTuple):
    """One frame of a video: `number` counts from 0, `subaction` is 1 or 2."""

    subject: str
    action: str
    subaction: int
    camera: str
    number: int

    @property
    def sequence(self) -> str:
        """What was recorded in one go by all cameras: `S9 Greeting 2`."""
        return f"{self.subject} {self.action} {self.subaction}"


def parse_video(subject: str, video: str, camera: str, number: int) -> Frame:
    """A frame of a subject's video `Directions 1` or `Directions_1`, without camera and ending.

    Raises:
        ValueError: no such subject or action.
    """
    match = VIDEO.fullmatch(video)
    action = ALIASES.get(match[1], match[1]) if match else ""
    if subject not in SUBJECTS or action not in ACTIONS:
        raise ValueError(f"{subject!r} and {video!r} are no subject and video of Human3.6M")
    return Frame(subject, action, 2 if int(match[2] or 0) == SECOND.get((subject, action), 0) else 1, camera, number)


def parse_numbers(subject: int, action: int, subaction: int, camera: int, number: int) -> Frame:
    """A frame as metadata.xml and PoseNet's files count: actions from 2, cameras from 1 or by their own names.

    Raises:
        ValueError: no such subject, action or camera, or a frame of no video.
    """
    actions = dict(enumerate(ACTIONS, FIRST_ACTION))
    cameras = dict(enumerate(CAMERAS, 1)) | {int(c): c for c in CAMERAS}
    if f"S{subject}" not in SUBJECTS or action not in actions or camera not in cameras or abs(number) > LATEST:
        raise ValueError(f"S{subject}, action {action}, camera {camera}, frame {number} is none of Human3.6M's")
    return Frame(f"S{subject}", actions[action], subaction, cameras[camera], number)


def assign_splits(subjects: Sequence[str], protocol: int = 2) -> np.ndarray:
    """(N,) 'train' or 'valid'; '' for subjects who are not in the protocol."""
    split_of = {subject: split for split, members in PROTOCOLS[protocol].items() for subject in members}
    return np.array([split_of.get(subject, "") for subject in subjects], dtype=np.str_)


def select_frames(images: np.ndarray, frames: np.ndarray, every: np.ndarray) -> np.ndarray:
    """(N,) bool: the first frame of each `every` (N,) in a video, counted from its first frame there.

    Of whole videos that is every N-th; of those from which frames were taken before, the nearest that are left. Frames
    that are one video have names that differ by their last number alone.

    Args:
        images: (N,) image file names.
        frames: (N,) numbers within the video.
        every: (N,) 1 or above.
    """
    _, video = np.unique([LAST_NUMBER.sub("", image) for image in images.tolist()], return_inverse=True)
    first = np.full(video.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, video, frames)
    piece = (frames - first[video]) // every
    order = np.lexsort((frames, piece, video))
    selected = np.ones(len(order), dtype=bool)
    selected[order[1:]] = (np.diff(video[order]) != 0) | (np.diff(piece[order]) != 0)
    return selected


def find_damaged(sequences: np.ndarray, images: np.ndarray) -> np.ndarray:
    """(N,) bool: images of sequences whose labels or video are damaged. The paper names none left out."""
    name, camera = NO_VIDEO
    dark = sequences == name
    dark[dark] = [camera.search(image) is not None for image in images[dark].tolist()]
    return np.isin(sequences, DAMAGED) | dark


def choose_people(
    reading: Reading, protocol: int | None = None, every: Sequence[int] = (), leave_out_damaged: bool = False
) -> Reading:
    """The people of Human3.6M whom a protocol trains and tests on; other datasets' as they are.

    Depths of validation people then name the protocol: the given one, or the one that the splits as they are follow.

    Args:
        protocol: 1 or 2, which decides everybody's split and leaves out who is not in it; None: the splits as they are.
        every: which frames of a video: one number, or two, of training and of other people; none: EVERY.
        leave_out_damaged: the sequences of `find_damaged`; the paper names none that it left out.

    Raises:
        PoseError: another protocol, a number below 1, or nobody is left.
    """
    if protocol not in (None, *PROTOCOLS):
        raise PoseError(f"--protocol {protocol}: must be 1 or 2")
    if len(every) > 2 or min(every, default=1) < 1:
        raise PoseError(f"--every {' '.join(map(str, every))}: must be one number or two, 1 or above")
    if not reading.format.startswith(HUMAN36M):
        return reading
    people, depth = reading.people, reading.people.depth
    splits = {number: assign_splits(depth.subject.tolist(), number) for number in (2, 1)}
    if protocol is not None:
        people = replace(people, split=splits[protocol])
    followed = protocol or next((number for number in splits if np.array_equal(splits[number], people.split)), None)
    train, others = (*every, *every)[:2] if every else (EVERY["train"], EVERY["valid"])
    taken = select_frames(people.images, depth.frame, np.where(people.split == "train", train, others))
    taken &= (people.split != "") | (protocol is None)
    damaged = taken & find_damaged(depth.sequence, people.images)
    notes = {f"{DAMAGED_NOTE}, {'left out' if leave_out_damaged else 'kept'}": people.person_ids[damaged].tolist()}
    taken &= ~damaged | (not leave_out_damaged)
    if not taken.any():
        held = ", ".join(np.unique(depth.subject).tolist())
        raise PoseError(f"{reading.format} of {held}: nobody is left of them; give other annotations or another choice")
    words = f"Protocol {followed}" + (f", but 1 of {others} frames" if others != EVERY["valid"] else "")
    words = words + ", without damaged sequences" * leave_out_damaged if followed else ""
    people = replace(people, depth=replace(depth, protocol=np.where(people.split == "valid", words, "")))
    return replace(reading, people=people.select(taken), notes=merge(reading.notes, notes))


def place_crops(reading: Reading, crop: str | None = None) -> Reading:
    """The reading with crops around the `box` of the joints, or the `pelvis`, noted; None: as it is.

    The `pelvis`' are squares of 2000 mm around it, at its depth (Sun et al., ECCV 2018).

    Raises:
        PoseError: people in two dimensions, or somebody whose camera, root's depth or pelvis is not known.
    """
    if crop not in (None, *CROPPED):
        raise PoseError(f"--crop {crop}: must be box or pelvis")
    people, depth = reading.people, reading.people.depth
    if crop == "pelvis" and depth is None:
        raise PoseError(f"--crop pelvis: {reading.format} has no depth; take --crop box")
    if crop is None or depth is None:
        return reading
    if crop == "pelvis":
        root = people.joints[:, people.skeleton.root]
        missing = ~depth.placed | ~np.isfinite(root).all(axis=1)
        if missing.any():
            raise PoseError(
                f"--crop pelvis: {missing.sum():,} people, first {people.person_ids[missing][0]}, have no camera or no "
                "pelvis; put the cameras beside the annotations, or take --crop box"
            )
        center, scale = place_squares(root, PELVIS_SIDE * depth.camera[:, :2].mean(axis=1) / depth.root_depth)
        people = replace(people, center=center, scale=scale)
    return replace(reading, people=people, notes=merge(reading.notes, {CROPPED[crop]: people.person_ids.tolist()}))
