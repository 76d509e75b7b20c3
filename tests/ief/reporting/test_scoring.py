"""Scores of arrays of people, and what is printed of them."""

import numpy as np
import pytest

from ief.reporting.scoring import person_errors, score_poses


def test_poses_in_3d_are_scored_in_pixels_and_in_mm(deep):
    pose = deep.poses["alone/all"]["stage0"]
    found = score_poses(pose, deep.people)
    assert {d: scores.people for d, scores in found.items()} == {2: 34, 3: 32}
    assert found[2] == score_poses(pose[..., :2], deep.people)[2] and list(score_poses(pose, deep.flat)) == [2]
    errors = person_errors(pose, deep.people, 3)
    assert np.isfinite(errors).sum() == 32 and np.nanmean(errors) == pytest.approx(
        found[3]["joint_error"].overall.value, rel=0.02
    )
