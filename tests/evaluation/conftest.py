"""Fixtures of the evaluation's tests: the real annotations, read once."""

import json

import numpy as np
import pytest
from angle_model import write_angle_model

from evaluation import GroundTruth, load_angle_limits
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import read_predictions

# Human3.6M's 32 joints -> its usual 17 -> MPII's 16, of which the thorax (17 here) is the middle of the shoulders.
H36M_17 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
FROM_17 = [3, 2, 1, 4, 5, 6, 0, 17, 8, 10, 16, 15, 14, 11, 12, 13]


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


@pytest.fixture(scope="session")
def threed(shared):
    """The folder of reference data in 3D."""
    if not (shared / "threed" / "README.md").is_file():
        pytest.skip("the 3D reference data (../shared/threed) is not beside this checkout")
    return shared / "threed"


@pytest.fixture(scope="session")
def h36m_poses(threed):
    """Real poses of Human3.6M: joints (6813, 16, 3) mm, y up, which is right-handed; subject, action, subaction."""
    path = threed / "poses" / "h36m_every64.npz"
    if not path.is_file():
        pytest.skip("the poses of Human3.6M (../shared/threed/poses) are not beside this checkout")
    with np.load(path) as held:
        joints = held["joints"][:, H36M_17].astype(np.float64)
        labels = {name: held[name] for name in ("subject", "action", "subaction")}
    thorax = joints[:, 11:12] / 2 + joints[:, 14:15] / 2
    return {"joints": np.concatenate([joints, thorax], axis=1)[:, FROM_17], **labels}


@pytest.fixture(scope="session")
def limits(tmp_path_factory):
    """A made-up model of joint angles."""
    write_angle_model(folder := tmp_path_factory.mktemp("angles"))
    return load_angle_limits(folder)


@pytest.fixture(scope="session")
def printed(shared):
    """Every table of the paper, transcribed."""
    return json.loads((shared / "paper" / "tables.json").read_text(encoding="utf-8"))
