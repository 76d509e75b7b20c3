"""Fixtures of the evaluation's tests: the real annotations, read once."""

import pytest

from evaluation import GroundTruth
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import read_predictions


@pytest.fixture(scope="session")
def real(shared):
    """File name in ../shared/mpii -> its people, or a set of predictions' joints (N, 16, 2); each read once."""
    held = {}

    def read(name):
        if name not in held:
            path = shared / "mpii" / name
            is_poses = name in ("newell.h5", "tompson.h5", "valid-ours.h5")
            held[name] = read_predictions(path).joints if is_poses else read_annotations(path).people
        return held[name]

    return read


@pytest.fixture(scope="session")
def real_gt(real):
    """File name in ../shared/mpii -> ground truth."""

    def ground_truth(name="valid_annolist.mat"):
        people = real(name)
        return GroundTruth(people.joints, people.head_size, people.scale, people.annotated)

    return ground_truth
