"""How long Human3.6M's videos are, by its metadata.xml, and how many frames of them a protocol tests on.

python -m mpii_tools.human36m.video_lengths metadata.xml --protocol 2 --every 64
"""

from __future__ import annotations

import argparse
import os
import sys

from checkpoints.errors import PoseError
from mpii_tools.human36m.cameras import parse_metadata
from mpii_tools.human36m.names import ACTIONS, CAMERAS, FIRST_ACTION, SUBJECTS, action_of
from mpii_tools.human36m.protocols import PROTOCOLS

Video = tuple[str, str, int, str]  # subject, action, subaction, camera


def video_lengths(path: str | os.PathLike) -> dict[Video, int]:
    """Frames of the 840 videos of the seven subjects whose poses are public.

    `frames` has a row per subject and a column per row of `mapping`; a cell holds the four cameras' and their sum.

    Raises:
        PoseError: another file than metadata.xml.
    """
    tree = parse_metadata(path)
    try:
        rows = [[cell.text or "" for cell in row] for row in tree.find("mapping")]
        lengths = [[cell.text or "" for cell in row][1:] for row in tree.find("frames")]
        subjects = rows[0][2:]
        found = {}
        for column, (action, subaction, *_) in enumerate(rows[1 : 1 + len(lengths[0])]):
            for subject, of_subject in zip(subjects, lengths, strict=True):
                if subject in SUBJECTS and int(action) >= FIRST_ACTION:
                    frames = [int(number) for number in of_subject[column].strip("[]").split()]
                    for camera, count in zip(CAMERAS, frames[: len(CAMERAS)], strict=True):
                        found[subject, action_of(int(action)), int(subaction), camera] = count
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise PoseError(f"{path}: no lengths of videos (mapping, frames: {error}); give Human3.6M's own") from error
    return found


def count_frames(lengths: dict[Video, int], subjects: tuple[str, ...], every: int) -> dict[str, int]:
    """Frames of each action when every N-th of each video of some subjects is taken, the first included."""
    counts = dict.fromkeys(ACTIONS, 0)
    for (subject, action, _, _), length in lengths.items():
        counts[action] += -(-length // every) if subject in subjects else 0
    return counts


def main(arguments: list[str] | None = None) -> None:
    """Print a table of frames per action; exit with a line and status 1 for a bad file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metadata", help="Human3.6M's metadata.xml")
    parser.add_argument("--protocol", type=int, default=2, choices=PROTOCOLS, help="whose subjects (default: 2)")
    parser.add_argument("--split", default="valid", choices=("train", "valid"), help="which of them (default: valid)")
    parser.add_argument("--every", type=int, default=64, metavar="N", help="frames of a video (default: 64)")
    args = parser.parse_args(arguments)
    try:
        if args.every < 1:
            raise PoseError(f"--every {args.every}: must be 1 or above")
        subjects = PROTOCOLS[args.protocol][args.split]
        counts = count_frames(video_lengths(args.metadata), subjects, args.every)
    except PoseError as error:
        sys.exit(f"{error}")
    print("\n".join(f"{action:<13}{count:>9,}" for action, count in counts.items()))
    print(f"{'all':<13}{sum(counts.values()):>9,}  every {args.every} of {', '.join(subjects)}")


if __name__ == "__main__":
    main()
