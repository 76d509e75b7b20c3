"""Figure 2: what its lines are, and what is drawn below them."""

import math

import numpy as np
import pytest

from evaluation.report.plots import to_svg
from evaluation.report.sequence import FRAMES, Sequence, sequence_figure
from heads.skeleton import MPII


@pytest.fixture(scope="module")
def sequence():
    rng = np.random.default_rng(0)
    gt = rng.normal(0, 300, (9, 16, 3))
    poses = {name: gt + rng.normal(0, std, gt.shape) for name, std in (("first", 60), ("second", 30))}
    gt[2, MPII.index("l_wrist")] = np.nan
    gt[3, [MPII.index("l_wrist"), MPII.index("r_wrist")]] = np.nan
    return Sequence("S9 Posing 1", 64 * np.arange(9), gt, poses)


def slow_error(pose, true, joint, origin):
    """Distance of two joints seen from another one; None if one is not known."""
    joint, origin = MPII.index(joint), MPII.index(origin)
    found = math.dist(pose[joint] - pose[origin], true[joint] - true[origin])
    return None if math.isnan(found) else found


def test_errors_are_those_of_both_wrists(sequence):
    for name, (joint, bone) in sequence.errors().items():
        for frame, (pose, true) in enumerate(zip(sequence.poses[name], sequence.gt, strict=True)):
            for found, origins in ((joint, ("pelvis", "pelvis")), (bone, ("r_elbow", "l_elbow"))):
                wrists = zip(("r_wrist", "l_wrist"), origins, strict=True)
                known = [error for pair in wrists if (error := slow_error(pose, true, *pair)) is not None]
                assert found[frame] == pytest.approx(np.mean(known) if known else np.nan, nan_ok=True)
        assert np.isnan(joint[3]) and np.isfinite(joint[2])


def test_lines_are_the_errors_and_the_legend_has_their_means(sequence):
    figure = sequence_figure(sequence)
    above, below = figure.subfigs
    for column, axes in enumerate(above.axes):
        texts = axes.get_legend().get_texts()
        for line, text, (name, found) in zip(axes.lines, texts, sequence.errors().items(), strict=False):
            assert line.get_xdata() == pytest.approx(sequence.frames)
            assert line.get_ydata() == pytest.approx(found[column], nan_ok=True)
            assert text.get_text() == f"{name} (mean {np.nanmean(found[column]):.1f})"
    assert len(below.axes) == 2 * FRAMES
    assert [axes.get_title() for axes in below.axes[:FRAMES]] == ["frame 0", "frame 192", "frame 320", "frame 512"]
    assert [axes.get_ylabel() for axes in below.axes[::FRAMES]] == ["first", "second"]
    assert b"</svg>" in to_svg(figure)


def test_poses_are_turned_and_share_their_roots(sequence):
    axes = sequence_figure(sequence).subfigs[1].axes[0]
    true, drawn = (limbs.get_segments() for limbs in axes.collections)
    assert len(true) == len(drawn) == 15
    limb = MPII.index("r_hip")  # limbs are in the order of their joints, without the root
    hip = sequence.poses["first"][0, limb] - sequence.poses["first"][0, MPII.root]
    assert drawn[limb][1] == pytest.approx([0, 0])
    assert drawn[limb][0] == pytest.approx([(hip[0] + hip[2]) / math.sqrt(2), hip[1]])
