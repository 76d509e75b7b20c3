"""Working ahead: results in order, so many at a time, and nothing more once nobody reads."""

import time

import pytest

from checkpoints.threads import map_ahead


def test_results_come_in_order_whoever_is_done_first():
    def wait(number):
        time.sleep(0.002 * (9 - number))
        return number

    assert list(map_ahead(wait, range(10), threads=4, ahead=5)) == list(range(10))


@pytest.mark.parametrize("ahead", [0, 3])
def test_no_more_are_begun_than_asked_for(ahead):
    begun = []
    results = map_ahead(begun.append, range(20), threads=2, ahead=ahead)
    for read in range(1, 21):
        next(results)
        assert read <= len(begun) <= read + ahead


def test_error_comes_in_its_place_and_ends_the_work():
    begun, results = [], []

    def invert(number):
        begun.append(number)
        return 1 / (2 - number)

    with pytest.raises(ZeroDivisionError):
        results.extend(map_ahead(invert, range(100), threads=1, ahead=4))
    assert results == [0.5, 1] and max(begun) <= 7


def test_who_stops_reading_stops_the_work():
    begun = []

    def work(number):
        begun.append(number)
        time.sleep(0.01)

    results = map_ahead(work, range(100), threads=1, ahead=50)
    next(results)
    results.close()
    assert len(begun) <= 4


def test_nothing_is_nothing():
    assert list(map_ahead(str, [], threads=2, ahead=3)) == []
