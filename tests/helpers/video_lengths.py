"""How long Human3.6M's videos are, by its metadata.xml, and how many frames of them a protocol tests on.

python tests/helpers/video_lengths.py metadata.xml --protocol 2 --every 64
"""

import argparse
import os
import xml.etree.ElementTree as ElementTree

from mpii_tools.annotations.human36m.protocols import ACTIONS, CAMERAS, FIRST_ACTION, PROTOCOLS, SUBJECTS

Video = tuple[str, str, int, str]  # subject, action, subaction, camera


def read_video_lengths(path: str | os.PathLike) -> dict[Video, int]:
    """Frames of the 840 videos of the seven subjects whose poses are public.

    `frames` has a row per subject and a column per row of `mapping`; a cell holds the four cameras' and their sum.
    """
    tree = ElementTree.parse(path).getroot()
    mapping, table = ([[cell.text or "" for cell in row] for row in tree.find(name)] for name in ("mapping", "frames"))
    lengths = {}
    for column, (action, subaction, *_) in enumerate(mapping[1 : len(table[0])], 1):
        for subject, row in zip(mapping[0][2:], table, strict=True):
            if subject in SUBJECTS and int(action) >= FIRST_ACTION:
                name = ACTIONS[int(action) - FIRST_ACTION]
                for camera, frames in zip(CAMERAS, row[column].strip("[]").split(), strict=False):
                    lengths[subject, name, int(subaction), camera] = int(frames)
    return lengths


def count_frames(lengths: dict[Video, int], subjects: tuple[str, ...], every: int) -> dict[str, int]:
    """Frames of each action when every N-th of each video of some subjects is taken, the first included."""
    counts = dict.fromkeys(ACTIONS, 0)
    for (subject, action, _, _), length in lengths.items():
        counts[action] += -(-length // every) if subject in subjects else 0
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metadata", help="Human3.6M's metadata.xml")
    parser.add_argument("--protocol", type=int, default=2, choices=PROTOCOLS, help="whose subjects (default: 2)")
    parser.add_argument("--split", default="valid", choices=("train", "valid"), help="which of them (default: valid)")
    parser.add_argument("--every", type=int, default=64, metavar="N", help="frames of a video (default: 64)")
    args = parser.parse_args()
    subjects = PROTOCOLS[args.protocol][args.split]
    counts = count_frames(read_video_lengths(args.metadata), subjects, args.every)
    print("\n".join(f"{action:<13}{count:>9,}" for action, count in counts.items()))
    print(f"{'all':<13}{sum(counts.values()):>9,}  every {args.every} of {', '.join(subjects)}")
