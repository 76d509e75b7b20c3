"""Scores that others published on MPII, to print beside one's own: as they printed them, none computed here.

Each row has its source. In each the Mean agrees with the seven groups, weighted by annotated joints, to 0.1
(a test checks it), so that no digit can be far wrong. The paper's Table 7 is held as far as this project knows it: the
joint and bone errors, and the `joint`, `bone` and `both` methods, are missing. To add a score, write it down here with
its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkpoints.errors import PoseError

PAPER = "Sun et al., ICCV 2017"
HRNET = "K. Sun et al., CVPR 2019, Table 3"
MPII = "MPII's results page, written down from memory"

# Table 7 of the paper: (method of Table 1, stage) -> PCKh@0.5 in percent on MPII.
TABLE_7_PCKH = {
    ("ief_star", "stage0"): 76.5,
    ("ief_star", "stage1"): 82.9,
    ("all", "stage0"): 79.6,
    ("all", "stage1"): 86.4,
}


@dataclass(frozen=True)
class PublishedRow:
    """One method's PCKh@0.5 on MPII's test set.

    Attributes:
        label: authors, venue and year.
        groups: Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle, Mean in percent.
        source: of the numbers.
    """

    label: str
    groups: tuple[float, ...]
    source: str


TABLE_8 = {
    "pishchulin13": PublishedRow(
        "Pishchulin et al., ICCV 2013", (74.3, 49.0, 40.8, 34.1, 36.5, 34.4, 35.2, 44.1), MPII
    ),
    "tompson14": PublishedRow("Tompson et al., NIPS 2014", (95.8, 90.3, 80.5, 74.3, 77.6, 69.7, 62.8, 79.6), MPII),
    "carreira": PublishedRow(
        "Carreira et al., CVPR 2016 (IEF)", (95.7, 91.7, 81.7, 72.4, 82.8, 73.2, 66.4, 81.3), MPII
    ),
    "tompson15": PublishedRow("Tompson et al., CVPR 2015", (96.1, 91.9, 83.9, 77.8, 80.9, 72.3, 64.8, 82.0), MPII),
    "hu": PublishedRow("Hu and Ramanan, CVPR 2016", (95.0, 91.6, 83.0, 76.6, 81.9, 74.5, 69.5, 82.4), MPII),
    "pishchulin16": PublishedRow(
        "Pishchulin et al., CVPR 2016", (94.1, 90.2, 83.4, 77.3, 82.6, 75.7, 68.6, 82.4), MPII
    ),
    "lifshitz": PublishedRow("Lifshitz et al., ECCV 2016", (97.8, 93.3, 85.7, 80.4, 85.3, 76.6, 70.2, 85.0), MPII),
    "gkioxari": PublishedRow("Gkioxari et al., ECCV 2016", (96.2, 93.1, 86.7, 82.1, 85.2, 81.4, 74.1, 86.1), MPII),
    "rafi": PublishedRow("Rafi et al., BMVC 2016", (97.2, 93.9, 86.4, 81.3, 86.8, 80.6, 73.4, 86.3), MPII),
    "belagiannis": PublishedRow(
        "Belagiannis and Zisserman, FG 2017", (97.7, 95.0, 88.2, 83.0, 87.9, 82.6, 78.4, 88.1), MPII
    ),
    "insafutdinov": PublishedRow(
        "Insafutdinov et al., ECCV 2016", (96.8, 95.2, 89.3, 84.4, 88.4, 83.4, 78.0, 88.5), HRNET
    ),
    "wei": PublishedRow("Wei et al., CVPR 2016", (97.8, 95.0, 88.7, 84.0, 88.4, 82.8, 79.4, 88.5), HRNET),
    "bulat": PublishedRow("Bulat et al., ECCV 2016", (97.9, 95.1, 89.9, 85.3, 89.4, 85.7, 81.7, 89.7), HRNET),
    "newell": PublishedRow("Newell et al., ECCV 2016", (98.2, 96.3, 91.2, 87.1, 90.1, 87.4, 83.6, 90.9), HRNET),
    "ning": PublishedRow("Ning et al., TMM 2017", (98.1, 96.3, 92.2, 87.8, 90.6, 87.6, 82.7, 91.2), HRNET),
    "luvizon": PublishedRow("Luvizon et al., arXiv 2017", (98.1, 96.6, 92.0, 87.5, 90.6, 88.0, 82.7, 91.2), HRNET),
    "chu": PublishedRow("Chu et al., CVPR 2017", (98.5, 96.3, 91.9, 88.1, 90.6, 88.0, 85.0, 91.5), HRNET),
    "chou": PublishedRow("Chou et al., arXiv 2017", (98.2, 96.8, 92.2, 88.0, 91.3, 89.1, 84.9, 91.8), HRNET),
    "chen": PublishedRow("Chen et al., ICCV 2017", (98.1, 96.5, 92.5, 88.5, 90.2, 89.6, 86.0, 91.9), HRNET),
    "yang": PublishedRow("Yang et al., ICCV 2017", (98.5, 96.7, 92.5, 88.7, 91.1, 88.6, 86.0, 92.0), HRNET),
    "paper": PublishedRow(f"{PAPER} (the paper)", (97.5, 94.3, 87.0, 81.2, 86.5, 78.5, 75.4, 86.4), MPII),
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
