"""The 3D pose prior: what its file holds, its fit, and its samples against real poses."""

import sys
from pathlib import Path

import numpy as np
import pytest

from evaluation.metrics.pose_std import pose_std
from heads.skeleton import MPII
from mpii_tools.synthetic.bodies import pose_body
from mpii_tools.synthetic.pose_prior import VECTORS, vectors_from_joints
from mpii_tools.synthetic.pose_prior_3d import FILE, load_prior_3d, sample_directions, unit

sys.path.insert(0, str(Path(__file__).parent))
from fit_pose_prior_3d import ACTIONS, MIRRORED, explain, fit_mixture, in_body_frame, mirror, read_human36m

LEFT, UP, AHEAD = range(3)


def directions_of(name, action="", count=2000):
    return sample_directions(np.random.default_rng(0), count, action)[:, VECTORS.index(name)]


def about_the_vertical(joints, seed=0):
    """Poses (N, 16, 3), each turned by a random angle."""
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(joints))[:, None]
    x, y, z = np.moveaxis(joints - joints[:, MPII.root : MPII.root + 1], -1, 0)
    return np.stack([np.cos(angle) * x + np.sin(angle) * z, y, np.cos(angle) * z - np.sin(angle) * x], axis=-1)


def test_the_file_holds_numbers_for_human36ms_actions_and_no_poses():
    prior = load_prior_3d()
    assert FILE.stat().st_size < 300_000
    assert prior.actions == tuple(ACTIONS.values()) and len(prior.actions) == 15
    np.testing.assert_allclose(prior.weights.sum(axis=1), 1)
    np.testing.assert_allclose(prior.overall.sum(), 1)
    assert len(prior.means) < 100, "components, far fewer than the poses of the fit"
    np.testing.assert_array_equal(prior.lengths, prior.lengths[MIRRORED])


def test_samples_are_unit_vectors_of_upright_bodies_that_look_ahead():
    directions = sample_directions(np.random.default_rng(1), 500)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1)
    assert (directions[:, VECTORS.index("shoulders"), LEFT] > 0).mean() > 0.99
    assert (directions[:, VECTORS.index("spine"), UP] > 0).mean() > 0.97
    assert directions[:, VECTORS.index("r_thigh"), AHEAD].mean() > 0.1, "thighs bend forward"
    assert directions[:, VECTORS.index("r_shin"), AHEAD].mean() < 0, "knees bend backward"


def test_left_and_right_are_alike():
    directions = sample_directions(np.random.default_rng(2), 4000)
    np.testing.assert_allclose(directions.mean(axis=0), mirror(directions).mean(axis=0), atol=0.08)


def test_actions_differ_as_their_names_say():
    sitting, walking = (directions_of("l_thigh", action) for action in ("Sitting", "Walking"))
    assert sitting[:, AHEAD].mean() > 0.5 > 0.3 > walking[:, AHEAD].mean()
    assert (
        directions_of("spine", "SittingDown")[:, UP].mean() < directions_of("spine", "Directions")[:, UP].mean() - 0.1
    )


def test_the_mixture_recovers_known_components():
    rng = np.random.default_rng(3)
    means = np.array([[0.0, 0.0], [4.0, 1.0]])
    spread = np.array([[0.5, 0.0], [0.3, 0.4]])
    which = rng.random(20_000) < 0.25
    rows = means[which.astype(int)] + rng.standard_normal((20_000, 2)) @ spread.T
    weights, found, covariances = fit_mixture(rows, components=2, rounds=40)
    order = np.argsort(found[:, 0])
    np.testing.assert_allclose(weights[order], [0.75, 0.25], atol=0.01)
    np.testing.assert_allclose(found[order], means, atol=0.03)
    np.testing.assert_allclose(covariances, np.tile(spread @ spread.T, (2, 1, 1)), atol=0.02)
    shares = explain(rows, weights, found, covariances)
    assert ((shares[:, order[1]] > 0.5) == which).mean() > 0.99


def test_the_body_frame_forgets_the_heading_and_nothing_else():
    vectors = np.random.default_rng(4).standard_normal((50, len(VECTORS), 3))
    framed = in_body_frame(vectors)
    np.testing.assert_allclose(framed, in_body_frame(about_the_vertical_of_vectors(vectors)), atol=1e-12)
    np.testing.assert_allclose(framed @ framed.transpose(0, 2, 1), vectors @ vectors.transpose(0, 2, 1), atol=1e-12)
    np.testing.assert_array_equal(framed[..., UP], vectors[..., UP])
    left = framed[:, VECTORS.index("hips")] + framed[:, VECTORS.index("shoulders")]
    assert (left[:, LEFT] > 0).all() and np.abs(left[:, AHEAD]).max() < 1e-12


def about_the_vertical_of_vectors(vectors, degrees=77.0):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vectors @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def test_mirroring_is_its_own_inverse_and_swaps_the_sides():
    vectors = unit(np.random.default_rng(5).standard_normal((20, len(VECTORS), 3)))
    np.testing.assert_array_equal(mirror(mirror(vectors)), vectors)
    lengths = np.ones(len(VECTORS))
    joints, mirrored = pose_body(vectors, lengths), pose_body(mirror(vectors), lengths)
    swap = np.arange(len(MPII))
    for right, left in MPII.flip_pairs:
        swap[[right, left]] = left, right
    np.testing.assert_allclose(mirrored, joints[:, swap] * [-1, 1, 1], atol=1e-12)


def test_samples_spread_as_real_poses_do(shared):
    """Figure 1, middle, of the drawn and the real poses of the 15 actions, one body, headings at random."""
    real, actions = read_human36m(shared / "threed" / "poses")
    lengths, rng = load_prior_3d().lengths, np.random.default_rng(6)
    names, counts = np.unique(actions, return_counts=True)
    drawn = [sample_directions(rng, count, ACTIONS[name]) for name, count in zip(names, counts, strict=True)]
    ours = pose_std(about_the_vertical(pose_body(np.concatenate(drawn), lengths))).by_kind()
    theirs = pose_std(about_the_vertical(bodies_alike(real, lengths))).by_kind()
    for kind, values in theirs.items():
        assert ours[kind] == pytest.approx(values, rel=0.12, abs=1e-9), kind


def bodies_alike(joints, lengths):
    """The poses (N, 16, 3) with the vectors' lengths replaced."""
    return pose_body(unit(vectors_from_joints(joints)), lengths)
