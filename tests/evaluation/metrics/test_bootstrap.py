import math

import numpy as np
import pytest

import evaluation.metrics.bootstrap as bootstrap
from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import Bootstrap, percentile_interval, totals


def resample(terms, resamples=1000, seed=0):
    """The sums of the resamples alone."""
    return {name: sums[1:] for name, sums in totals(terms, Bootstrap(resamples, seed)).items()}


def drawn_people(people, resamples, seed):
    """The same draws, spelled out: each resample as a list of people, some several times."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        counts = rng.multinomial(people, [1 / people] * people)
        yield [person for person in range(people) for _ in range(counts[person])]


def test_sums_agree_with_a_loop_over_resamples():
    rng = np.random.default_rng(0)
    terms = {"a": rng.normal(size=23), "b": rng.normal(size=(23, 2, 3)), "c": rng.random((23, 4)) < 0.5}
    sums = resample(terms, resamples=50, seed=3)
    for index, people in enumerate(drawn_people(23, 50, 3)):
        assert len(people) == 23
        for name, term in terms.items():
            assert sums[name][index] == pytest.approx(sum(term[p] * 1.0 for p in people))


@pytest.mark.parametrize("block", ["_BLOCK", "_PEOPLE"])
def test_draws_and_people_in_blocks_add_up_to_the_same(monkeypatch, block):
    rng = np.random.default_rng(0)
    terms = {"whole": rng.random((23, 4)) < 0.5, "real": rng.normal(size=(23, 2, 3)), "none": np.zeros((23, 0))}
    at_once = totals(terms, Bootstrap(37))
    monkeypatch.setattr(bootstrap, block, 5)
    in_blocks = totals(terms, Bootstrap(37))
    assert np.array_equal(in_blocks["whole"], at_once["whole"])
    np.testing.assert_allclose(in_blocks["real"], at_once["real"], atol=1e-12)
    assert in_blocks["none"].shape == at_once["none"].shape == (38, 0)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_interval_of_a_share_is_the_binomial_one(share):
    people = 2000
    correct = np.arange(people) < share * people
    found = percentile_interval(resample({"correct": correct}, 4000)["correct"] / people)
    half = 1.96 * math.sqrt(share * (1 - share) / people)
    assert tuple(found) == pytest.approx((share - half, share + half), abs=0.06 * half)


def test_undefined_resamples_are_left_out():
    samples = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [2.0, np.nan]])
    low, high = percentile_interval(samples, level=0.5)
    assert (low[0], high[0]) == (1.5, 2.5) and np.isnan([low[1], high[1]]).all()


def test_no_people_sum_to_nothing_and_no_resamples_are_refused():
    assert resample({"a": np.zeros((0, 3))}, 4)["a"].tolist() == [[0, 0, 0]] * 4
    with pytest.raises(PoseError, match="at least 1 resample"):
        resample({"a": np.zeros(3)}, resamples=0)


@pytest.mark.parametrize(("people", "drawn"), [(1, False), (2, False), (9, False), (10, True)])
def test_a_few_people_have_no_interval(people, drawn):
    values = totals({"a": np.arange(people)[:, None] / 1.0}, Bootstrap())["a"]
    (estimate,) = bootstrap.estimates(values)
    assert estimate.value == values[0, 0] and (estimate.interval is not None) == drawn
