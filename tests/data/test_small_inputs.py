"""The data people really have: one table of small inputs, and what must come out of each. A new one is a row."""

import numpy as np
import pytest
from coco_and_skeletons import COCO_KEYPOINTS, OTHER_SKELETONS
from images_and_predictions import (
    FINDING_IMAGES,
    SCORED_PARTS,
    SUBMISSIONS,
    TEST,
    coco,
    coco_of_names,
    heatmap_values,
    of_test,
    poses,
    with_confidences,
)
from real_data import run_case
from splits_and_units import FOLDERS, SPLITS, TEXT, UNITS, VALIDATION, A

from mpii_tools.annotations.splits import fingerprints
from mpii_tools.results.predictions import read_predictions

TABLE = {
    "a split is said": SPLITS,
    "validation images never train": VALIDATION,
    "units": UNITS,
    "finding images": [*FINDING_IMAGES, *FOLDERS],
    "text of other programs": TEXT,
    "predictions": [*SUBMISSIONS, *SCORED_PARTS],
    "COCO keypoints": COCO_KEYPOINTS,
    "any skeleton": OTHER_SKELETONS,
}
ROWS = [pytest.param(kind, case, id=f"{kind}: {case}") for kind, cases in TABLE.items() for case in cases]


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_a_small_input_gives_what_it_should(kind, case, tmp_path, capsys, monkeypatch):
    if kind == "validation images never train":  # A, at the place of KNOWN, is one of Tompson's people
        np.save(tmp_path.parent / "known.npy", fingerprints(np.array([A]), np.array([[39.0, 29.0]])))
        monkeypatch.setattr("mpii_tools.annotations.splits.FILE", tmp_path.parent / "known.npy")
    run_case(case, tmp_path, capsys)


def test_the_table_has_rows_of_every_kind():
    assert len(ROWS) >= 40 and min(map(len, TABLE.values())) >= 5


def test_confidences_are_scores_if_they_are_between_0_and_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = of_test()
    for write, expected in ((with_confidences, 0.5), (coco, 0.5), (coco_of_names, 1.0), (heatmap_values, None)):
        scores = read_predictions(write(people, poses(people))).scores
        assert scores is None if expected is None else (scores == expected).all() and scores.shape == (len(TEST), 16)
