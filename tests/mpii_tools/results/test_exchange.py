"""Poses for others: Human3.6M's 17 joints of MPII's 16, and what is refused."""

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.recording import to_mpii
from mpii_tools.people import Depth, People
from mpii_tools.results.exchange import from_mpii, write_exchange


def test_17_joints_come_back_but_for_spine_and_nose():
    poses = np.random.default_rng(0).normal(0, 300, (6, 17, 3))
    back = from_mpii(to_mpii(poses))
    kept = [joint for joint in range(17) if joint not in (7, 9)]
    np.testing.assert_array_equal(back[:, kept], poses[:, kept])
    np.testing.assert_allclose(back[:, 7], (poses[:, 0] + poses[:, 8]) / 2)
    np.testing.assert_allclose(back[:, 9], (poses[:, 8] + poses[:, 10]) / 2)


@pytest.mark.parametrize(("name", "shape", "says"), [
    ("poses.csv", (2, 16, 3), "poses.csv: ends in .csv"), ("poses.npz", (2, 16, 2), "shape"),
    ("poses.json", (2, 16, 3), "2 people, first a, have no camera"),
])  # fmt: skip
def test_poses_that_cannot_be_exchanged_are_refused(name, shape, says, tmp_path):
    people = People(["1.jpg", "2.jpg"], np.zeros((2, 16, 2)), person_ids=["a", "b"], depth=Depth(np.zeros((2, 16))))
    with pytest.raises(PoseError, match=says):
        write_exchange(tmp_path / name, people, np.zeros(shape))
