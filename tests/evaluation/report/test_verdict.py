"""Which method wins: sentences, counts of people and Holm's correction against literal ones."""

from functools import partial

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from scipy import stats
from scored import FEW, people_and_poses

from evaluation import Estimate, evaluate
from evaluation.metrics.bootstrap import find_beyond_chance, p_value
from evaluation.report.material import Entry, Run, subtract_base
from evaluation.report.methods import compare_pairs, describe_difference, make_verdict


def view(gt, dimensions, *poses):
    return gt, list(poses)


def make_entries(gt, poses, *names):
    return [Entry(name, "", "stage0", evaluate(pose, gt, bootstrap=FEW), poses=pose)
            for name, pose in zip(names, poses, strict=True)]  # fmt: skip


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_better_one_is_first_and_people_are_counted(dimensions):
    gt, poses = people_and_poses(dimensions, 40, 20, 10)
    entries = make_entries(gt, poses, "far", "middle", "near")
    pairs = compare_pairs(entries, partial(view, gt))
    named = [(pair.name, pair.reference) for pair, _ in pairs]
    assert named == [("near", "middle"), ("near", "far"), ("middle", "far")]
    marks = []
    for pose in (poses[2], poses[1]):
        offset = pose - gt.joints
        if dimensions == 3:
            offset = offset - offset[:, [gt.skeleton.root]]
        distance = np.linalg.norm(offset, axis=-1)  # everybody has every joint
        marks.append((distance <= gt.head_size[:, None] / 2).sum(axis=1) if dimensions == 2 else -distance.mean(axis=1))
    assert pairs[0][1] == ((marks[0] > marks[1]).sum(), (marks[0] < marks[1]).sum(), len(gt))
    said = describe_difference("near", "far", pairs[1][0].difference)
    assert said.startswith("near beats far by ") and "better at " in said
    back = describe_difference("far", "near", compare_pairs(entries[::-1], partial(view, gt))[1][0].difference)
    assert back.startswith("far beats near")  # what the words say follows the sign, not the order


@pytest.mark.parametrize("dimensions", [2, 3])
def test_known_differences_are_taken_either_way_round(dimensions):
    gt, poses = people_and_poses(dimensions, 40, 20)
    far, near = make_entries(gt, poses, "far", "near")
    ((fresh, counts),) = compare_pairs([far, near], partial(view, gt))
    for known in (fresh, subtract_base(far, near, partial(view, gt), "near")):  # the second is far minus near
        ((found, same),) = compare_pairs([far, near], partial(view, gt), [known])
        assert same == counts and (found.difference is fresh.difference) == (known is fresh)
        assert_frame_equal(found.difference.to_frame(), fresh.difference.to_frame(), rtol=0, atol=1e-9)


def test_a_difference_that_holds_0_is_none():
    gt, poses = people_and_poses(2, 20, 20)
    ((pair, _),) = compare_pairs(make_entries(gt, poses, *"ab"), partial(view, gt))
    low, high = pair.difference.mean_pckh.interval
    assert (low <= 0 <= high) == ("no difference beyond chance" in describe_difference("a", "b", pair.difference)[:50])


def test_p_values_are_those_of_a_normal_distribution():
    assert p_value(Estimate(1.0, -0.96, 2.96)) == pytest.approx(2 * stats.norm.sf(1.0), rel=1e-3)
    assert p_value(Estimate(-2.0, -9.0, 0.0)) == pytest.approx(0.05)
    assert p_value(Estimate(None)) == p_value(Estimate(3.0)) == p_value(Estimate(0.0, 0.0, 0.0)) == 1
    assert p_value(Estimate(1.0, 1.0, 1.0)) == 0


def test_holm_rejects_in_order_until_the_first_that_holds():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(0, 2, 8)
        differences = [Estimate(value, value - 1.96, value + 1.96) for value in values]
        p = np.array([2 * stats.norm.sf(abs(value) * stats.norm.ppf(0.975) / 1.96) for value in values])
        expected = np.zeros(8, bool)
        for rank, place in enumerate(np.argsort(p)):
            if p[place] > 0.05 / (8 - rank):
                break
            expected[place] = True
        assert find_beyond_chance(differences) == expected.tolist()


def test_one_method_has_its_score_and_no_pair():
    gt, (pose,) = people_and_poses(2, 20)
    scores = evaluate(pose, gt, bootstrap=FEW)
    section = make_verdict([Run("alone", "", {}, gt.skeleton, {"predictions": {2: scores}})], partial(view, gt))
    assert not section.tables and f"{scores.mean_pckh.value:.1f}" in section.text[0]
