import numpy as np
import pytest

from evaluation import evaluate, look_up
from evaluation.metrics.breakdown import breakdown, parts_by_annotated, parts_by_group, parts_by_size
from heads.skeleton import MPII

ERROR, MEAN = ("joint_error", "crop_px"), ("pckh", "0.5", "groups", "Mean")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (120, 16, 2))
    pred = gt + rng.normal(0, 15, gt.shape)
    gt[rng.random((120, 16)) < 0.3] = np.nan
    gt[0] = np.nan
    gt[1] = pred[1]
    scale = rng.uniform(0.7, 3, 120)
    return pred, gt, 25 * scale, scale, np.isfinite(gt).all(axis=-1)


def test_sizes_are_quarters_named_by_height():
    scale = np.array([1.0, np.nan, 4.0, 2.0, 3.0, -1.0, 5.0, 6.0, 7.0, 8.0])
    parts = parts_by_size(scale, 16)
    assert [part.people.sum() for part in parts] == [2, 2, 2, 2]
    assert np.sum([part.people for part in parts], axis=0).tolist() == [1, 0, 1, 1, 1, 0, 1, 1, 1, 1]
    assert parts[0].label.startswith("200 to ") and parts[-1].label.endswith(" to 1600")
    assert parts_by_size([np.nan, 0], 16) == []
    (everyone,) = parts_by_size([2.0, 2.0], 16)
    assert everyone.people.all()


def test_counts_and_groups_cover_everyone_once(data):
    annotated = data[-1]
    parts = parts_by_annotated(annotated)
    assert (np.sum([part.people for part in parts], axis=0) == annotated.any(axis=1)).all()
    assert [part.label for part in parts] == ["1 to 8", "9 to 12", "13 to 15", "all 16"]
    for part, low, high in zip(parts, (1, 9, 13, 16), (8, 12, 15, 16), strict=True):
        assert (part.people == ((annotated.sum(axis=1) >= low) & (annotated.sum(axis=1) <= high))).all()
    groups = parts_by_group(MPII.names, 120)
    assert (np.sum([part.joints for part in groups], axis=0) == 1).all()
    assert [part.label for part in parts_by_group(("r_knee", "l_knee", "nose"), 3)] == ["Knee"]


def test_a_part_is_the_evaluation_of_its_people_and_joints(data):
    pred, gt, head, scale, annotated = data
    parts = [*parts_by_size(scale, 16), *parts_by_group(MPII.names, 120)]
    found = breakdown(*data, parts)
    for part in parts:
        rows = np.flatnonzero(part.people)
        counted = annotated[rows] & part.joints
        distances = np.linalg.norm(pred - gt, axis=-1)[rows] * 224 / (250 * scale[rows, None])
        assert look_up(found[part.label], *ERROR)[0] == pytest.approx(distances[counted].mean())
        assert found[part.label]["joints"] == counted.sum()
        assert found[part.label]["persons"] == counted.any(axis=1).sum()
        value, (low, high) = look_up(found[part.label], *ERROR)
        assert low < value < high
    whole = evaluate(pred, gt, head, scale, annotated)
    wrist = look_up(found["Wri."], *MEAN)[0]
    sides = [whole["pckh"]["0.5"]["per_joint"][name] for name in ("r_wrist", "l_wrist")]
    assert min(sides) <= wrist <= max(sides)
    assert look_up(found["Trunk"], *MEAN) == (None, None)  # pelvis and thorax lie outside the Mean


def test_parts_without_a_figure_are_none(data):
    pred, gt, head, _, annotated = data
    annotated = annotated & ~np.isin(MPII.names, ["pelvis", "thorax"])
    found = breakdown(pred, gt, head, None, annotated, parts_by_group(MPII.names, 120))
    assert look_up(found["Trunk"], "joint_error", "image_px") == (None, None)
    assert look_up(found["Knee"], *ERROR)[0] is None and look_up(found["Knee"], "joint_error", "image_px")[0] > 0
