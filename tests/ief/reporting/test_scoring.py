"""Scores of arrays of people, and what is printed of them."""

import numpy as np
import pytest

from evaluation import compare
from ief.reporting.scoring import ground_truth, load_poses, measure_mpjpe, person_errors, print_gains, score_poses


def test_gains_are_the_paired_differences_of_successive_stages(flat, capsys):
    found = load_poses(flat.folder / "all", flat.people)
    assert list(found) == ["mean_pose", "stage0", "stage1"]
    np.testing.assert_allclose(found["stage1"], flat.poses["all"]["stage1"])
    print_gains(flat.folder / "all", flat.people)
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("  stage 0 - mean pose: PCKh@0.5 +")
    gain = compare(found["stage1"], found["stage0"], ground_truth(flat.people))
    parts = [
        f"{name} {score.overall.value:+.1f} [{score.overall.low:+.1f}, {score.overall.high:+.1f}] {unit}"
        for name, score, unit in (
            ("PCKh@0.5", gain.pckh, "points"),
            ("joint error", gain["joint_error"], "px"),
            ("bone error", gain["bone_error"], "px"),
        )
    ]
    assert second == f"  stage 1 - stage 0: {', '.join(parts)}"


def test_poses_in_3d_are_scored_in_pixels_and_in_mm(deep):
    pose = deep.poses["alone/all"]["stage0"]
    found = score_poses(pose, deep.people)
    assert {d: scores.people for d, scores in found.items()} == {2: 34, 3: 32}
    assert found[2] == score_poses(pose[..., :2], deep.people)[2] and list(score_poses(pose, deep.flat)) == [2]
    assert measure_mpjpe(pose, deep.people) == found[3]["joint_error"].overall.value
    assert measure_mpjpe(pose[..., :2], deep.people) is measure_mpjpe(pose, deep.flat) is None
    errors = person_errors(pose, deep.people, 3)
    assert np.isfinite(errors).sum() == 32 and np.nanmean(errors) == pytest.approx(
        found[3]["joint_error"].overall.value, rel=0.02
    )
