"""Suspect labels: faults that are planted into people's labels are ranked first and named, and hard poses are not."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import GroundTruth, rank_suspects
from heads.skeleton import MPII

SHARED = Path(__file__).resolve().parents[4] / "shared/mpii"


@pytest.fixture
def crowd():
    """20 people in 10 images, and three networks of small and of large errors."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(100, 400, (20, 1, 2)) + rng.uniform(-60, 60, (20, 16, 2))
    networks = [joints + rng.normal(0, 2, joints.shape) for _ in range(3)]
    for network in networks:
        network[7] += rng.normal(0, 60, (16, 2))  # all three fail, each elsewhere
    return joints, networks, [f"{row // 2}.jpg" for row in range(20)]


def test_planted_faults_are_ranked_first_and_named(crowd):
    joints, networks, images = crowd
    labels = joints.copy()
    labels[0] = labels[0, list(MPII.flip_permutation)]
    labels[[4, 5]] = labels[[5, 4]]
    labels[10] += 40
    labels[13, :8] += np.random.default_rng(1).normal(0, 80, (8, 2))
    labels[2, 3:] = np.nan
    suspects = rank_suspects(networks, GroundTruth(labels, np.full(20, 30.0)), images)
    faults = {0: "mirrored", 4: "neighbor", 5: "neighbor", 10: "displaced", 13: "other"}
    assert {row: suspects.kinds[row] for row in suspects.order[:5].tolist()} == faults
    assert suspects.scores[7] < suspects.scores[[*faults]].min() and (suspects.scores[list(faults)] <= 1).all()
    np.testing.assert_array_equal(np.isnan(suspects.joints[..., 0]), np.isnan(labels[..., 0]))


def test_score_is_the_mean_distance_beyond_disagreement(crowd):
    joints, networks, images = crowd
    networks = [joints + off for off in ([-6.0, 0], [0, 0], [6.0, 0])]
    suspects = rank_suspects(networks, GroundTruth(joints + np.array([0, 21.0]), np.full(20, 30.0)), images)
    np.testing.assert_allclose(suspects.scores, (21 - 6) / 30)
    np.testing.assert_allclose(suspects.joints, joints)
    unsized = rank_suspects(networks, GroundTruth(joints, np.r_[np.nan, np.full(19, 30.0)]), images)
    assert np.isnan(unsized.scores[0]) and len(unsized.order) == 0


def test_one_network_is_refused(crowd):
    joints, networks, images = crowd
    with pytest.raises(PoseError, match="two or more"):
        rank_suspects(networks[:1], GroundTruth(joints, np.full(20, 30.0)), images)


@pytest.mark.needs_shared
@pytest.mark.skipif(not SHARED.exists(), reason="needs the predictions of ../shared/mpii")
def test_most_faults_planted_into_mpii_are_found():
    planted = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks/suspects.py"))
    first, ranked, right = planted["rate_ranking"](seed=0)
    assert first >= 35 and ranked >= 45 and right >= 0.9
