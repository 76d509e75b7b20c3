"""Figure 2: what its lines are, and what is drawn below them."""

import math

import numpy as np
import pytest

from evaluation.report.plots import to_svg
from evaluation.report.skeletons import CENTER, LEFT
from heads.skeleton import MPII
from ief.reporting.sequence import SIDE, Sequence, make_section


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
    figures = make_section(sequence).figures
    for column, what in enumerate(("joint", "bone")):
        figure = figures[f"figure2-{what}"][1]
        (axes,), texts = figure.axes, figure.legends[0].get_texts()
        for line, text, (name, found) in zip(axes.lines, texts, sequence.errors().items(), strict=True):
            assert line.get_xdata() == pytest.approx(sequence.frames)
            assert line.get_ydata() == pytest.approx(found[column], nan_ok=True)
            assert text.get_text() == f"{name} (mean {np.nanmean(found[column]):.1f})"
        assert b"</svg>" in to_svg(figure)


def test_poses_are_turned_and_share_their_roots(sequence):
    drawn = dict(make_section(sequence).pictures)
    frames = [f"{name}, frame {frame}" for name in ("first", "second") for frame in (0, 192, 320, 512)]
    assert list(drawn) == frames
    assert {picture.shape for picture in drawn.values()} == {(SIDE, SIDE, 3)}
    shown = np.concatenate([pose - pose[:, [6]] for pose in (sequence.gt, *sequence.poses.values())])[:, :, :]
    shown = shown[[frame + 9 * pose for pose in range(3) for frame in (0, 3, 5, 8)]]
    seen = np.stack([(shown[..., 0] + shown[..., 2]) / math.sqrt(2), shown[..., 1]], axis=-1)
    limb = MPII.index("l_ankle")
    ankle = SIDE / 2 * (1 + seen[4, limb] / (1.1 * np.nanmax(np.abs(seen))))  # of the first method's first frame
    for place, color in ((ankle, LEFT), ((SIDE / 2, SIDE / 2), CENTER)):
        x, y = np.rint(place).astype(int)
        assert tuple(drawn["first, frame 0"][y, x]) == color
