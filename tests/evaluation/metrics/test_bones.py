import math
import statistics

import numpy as np
import pytest

from evaluation import bone_std
from evaluation.metrics.errors import bone_names
from heads.skeleton import MPII


def test_agrees_with_a_literal_loop():
    rng = np.random.default_rng(0)
    subject = rng.choice(["S9", "S11", "S1"], 40)
    joints = rng.normal(0, 300, (40, 16, 3))
    joints[rng.random((40, 16)) < 0.2] = np.nan
    found = bone_std(joints, subject)
    assert list(found) == ["S1", "S11", "S9"]
    for one, stds in found.items():
        for bone, name in enumerate(bone_names(MPII)):
            child = MPII.names.index(name)
            lengths = [
                math.dist(pose[child], pose[MPII.parents[child]])
                for pose, of in zip(joints, subject, strict=True)
                if of == one and not math.isnan(pose[child, 0] + pose[MPII.parents[child], 0])
            ]
            assert stds[bone] == pytest.approx(statistics.pstdev(lengths))


def test_a_rigid_body_far_from_the_origin_has_no_spread():
    pose = np.random.default_rng(0).normal(0, 300, (16, 3))
    far = pose + np.random.default_rng(1).normal(0, 1e5, (50, 1, 3))
    assert bone_std(far, np.full(50, "S1"))["S1"] == pytest.approx(0, abs=1e-3)


def test_one_pose_has_no_spread():
    joints = np.random.default_rng(0).normal(0, 300, (3, 16, 3))
    found = bone_std(joints, ["a", "a", "b"])
    assert np.isfinite(found["a"]).all() and np.isnan(found["b"]).all()
