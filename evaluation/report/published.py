"""Scores that others published on MPII, to print beside one's own: as they printed them, none computed here.

All of the paper's Tables 7 and 8, and rows of one other table that was read. In each row of Table 8 the Mean agrees
with its groups, weighted by annotated joints, to 0.1, except where a note says so (a test checks it). To add a score,
write it down here with its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checkpoints.errors import PoseError

PAPER = "Sun et al., ICCV 2017"
DETECTION = f"{PAPER}, Table 8, detection based"
REGRESSION = f"{PAPER}, Table 8, regression based"
HRNET = "K. Sun et al., CVPR 2019, Table 3"


class PaperScores(NamedTuple):
    """A row of Table 7: mean joint and bone error in image pixels, mean PCKh@0.5 in percent, on MPII."""

    joint_px: float
    bone_px: float
    pckh: float


# Table 7 of the paper: (method of Table 1, stage) -> its row.
TABLE_7 = {
    ("ief_star", "stage0"): PaperScores(29.7, 24.8, 76.5),
    ("joint", "stage0"): PaperScores(27.2, 23.1, 79.3),
    ("bone", "stage0"): PaperScores(27.8, 22.1, 79.0),
    ("both", "stage0"): PaperScores(27.5, 22.7, 79.2),
    ("all", "stage0"): PaperScores(27.2, 22.5, 79.6),
    ("ief_star", "stage1"): PaperScores(25.0, 21.2, 82.9),
    ("joint", "stage1"): PaperScores(23.8, 20.5, 84.1),
    ("bone", "stage1"): PaperScores(25.2, 20.9, 82.7),
    ("both", "stage1"): PaperScores(23.0, 19.7, 84.9),
    ("all", "stage1"): PaperScores(22.8, 19.5, 86.4),
}


@dataclass(frozen=True)
class PublishedRow:
    """One method's PCKh@0.5 on MPII's test set.

    Attributes:
        label: authors, venue and year.
        groups: Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle, Mean in percent.
        source: of the numbers.
        note: what is odd about them; may be empty.
    """

    label: str
    groups: tuple[float, ...]
    source: str
    note: str = ""


NEWELL_NOTE = (
    "Newell et al.: the paper prints the Mean as 90.0; its own groups, MPII's results page and HRNet's table give 90.9."
)
# The paper's 16 rows in its order, then others.
TABLE_8 = {
    "pishchulin13": PublishedRow(
        "Pishchulin et al., ICCV 2013", (74.3, 49.0, 40.8, 34.1, 36.5, 34.4, 35.2, 44.1), DETECTION
    ),
    "tompson14": PublishedRow("Tompson et al., NIPS 2014", (95.8, 90.3, 80.5, 74.3, 77.6, 69.7, 62.8, 79.6), DETECTION),
    "tompson15": PublishedRow("Tompson et al., CVPR 2015", (96.1, 91.9, 83.9, 77.8, 80.9, 72.3, 64.8, 82.0), DETECTION),
    "hu": PublishedRow("Hu and Ramanan, CVPR 2016", (95.0, 91.6, 83.0, 76.6, 81.9, 74.5, 69.5, 82.4), DETECTION),
    "pishchulin16": PublishedRow(
        "Pishchulin et al., CVPR 2016", (94.1, 90.2, 83.4, 77.3, 82.6, 75.7, 68.6, 82.4), DETECTION
    ),
    "lifshitz": PublishedRow("Lifshitz et al., ECCV 2016", (97.8, 93.3, 85.7, 80.4, 85.3, 76.6, 70.2, 85.0), DETECTION),
    "gkioxari": PublishedRow("Gkioxari et al., ECCV 2016", (96.2, 93.1, 86.7, 82.1, 85.2, 81.4, 74.1, 86.1), DETECTION),
    "rafi": PublishedRow("Rafi et al., BMVC 2016", (97.2, 93.9, 86.4, 81.3, 86.8, 80.6, 73.4, 86.3), DETECTION),
    "insafutdinov": PublishedRow(
        "Insafutdinov et al., ECCV 2016", (96.8, 95.2, 89.3, 84.4, 88.4, 83.4, 78.0, 88.5), DETECTION
    ),
    "wei": PublishedRow("Wei et al., CVPR 2016", (97.8, 95.0, 88.7, 84.0, 88.4, 82.8, 79.4, 88.5), DETECTION),
    "bulat": PublishedRow("Bulat et al., ECCV 2016", (97.9, 95.1, 89.9, 85.3, 89.4, 85.7, 81.7, 89.7), DETECTION),
    "newell": PublishedRow(
        "Newell et al., ECCV 2016", (98.2, 96.3, 91.2, 87.1, 90.1, 87.4, 83.6, 90.0), DETECTION, NEWELL_NOTE
    ),
    "chu": PublishedRow("Chu et al., CVPR 2017", (98.5, 96.3, 91.9, 88.1, 90.6, 88.0, 85.0, 91.5), DETECTION),
    "carreira": PublishedRow(
        "Carreira et al., CVPR 2016 (IEF)", (95.7, 91.7, 81.7, 72.4, 82.8, 73.2, 66.4, 81.3), REGRESSION
    ),
    "ief_star": PublishedRow(
        f"{PAPER} (the paper's baseline, IEF*)", (96.3, 92.6, 83.1, 74.6, 83.7, 74.1, 71.4, 82.9), REGRESSION
    ),
    "paper": PublishedRow(f"{PAPER} (the paper)", (97.5, 94.3, 87.0, 81.2, 86.5, 78.5, 75.4, 86.4), REGRESSION),
    "ning": PublishedRow("Ning et al., TMM 2017", (98.1, 96.3, 92.2, 87.8, 90.6, 87.6, 82.7, 91.2), HRNET),
    "luvizon": PublishedRow("Luvizon et al., arXiv 2017", (98.1, 96.6, 92.0, 87.5, 90.6, 88.0, 82.7, 91.2), HRNET),
    "chou": PublishedRow("Chou et al., arXiv 2017", (98.2, 96.8, 92.2, 88.0, 91.3, 89.1, 84.9, 91.8), HRNET),
    "chen": PublishedRow("Chen et al., ICCV 2017", (98.1, 96.5, 92.5, 88.5, 90.2, 89.6, 86.0, 91.9), HRNET),
    "yang": PublishedRow("Yang et al., ICCV 2017", (98.5, 96.7, 92.5, 88.7, 91.1, 88.6, 86.0, 92.0), HRNET),
}


def select_rows(names: Sequence[str]) -> dict[str, PublishedRow]:
    """The rows of `TABLE_8` called `names`, in the table's order; ("all",) takes every row, ("none",) no row.

    Raises:
        PoseError: for an unknown name, or `all` or `none` among others.
    """
    if list(names) == ["all"]:
        return TABLE_8
    if list(names) == ["none"]:
        return {}
    unknown = [name for name in names if name not in TABLE_8]
    if unknown:
        raise PoseError(f"no published row '{unknown[0]}'; choose all, none or any of {', '.join(TABLE_8)}")
    return {name: row for name, row in TABLE_8.items() if name in names}
