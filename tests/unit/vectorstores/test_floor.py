"""The probability that the best candidate is the dish that was asked for."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstores.calibration import DEFAULT_FLOOR
from vectorstores.floor import FEATURES, Floor

SHARE = st.floats(0, 1)


def test_probability_by_hand():
    floor = Floor(weights=(-2.0, 3.0, *[0.0] * (len(FEATURES) - 2)), threshold=0.5, fitted_on="by hand")
    assert floor.probability({"bias": 1.0, "query_by_sound": 1.0}) == pytest.approx(1 / (1 + math.exp(-1)))
    assert floor.probability({"bias": 1.0, "query_by_sound": 0.0}) == pytest.approx(1 / (1 + math.exp(2)))


@given(SHARE, SHARE, st.fixed_dictionaries(dict.fromkeys(FEATURES[2:], SHARE)))
def test_the_more_of_the_question_is_covered_the_likelier(one, other, rest):
    low, high = sorted((one, other))
    probability = [DEFAULT_FLOOR.probability({"bias": 1.0, "query_by_sound": x, **rest}) for x in (low, high)]
    assert 0 < probability[0] <= probability[1] < 1
    if high - low > 0.01:
        assert probability[0] < probability[1]


def test_the_default_floor_tells_a_match_from_a_stranger():
    match = dict.fromkeys(FEATURES, 1.0) | {"no_lexical": 0.0, "latin": 0.0, "food_coverage": 0.0}
    stranger = dict.fromkeys(FEATURES, 0.0) | {"bias": 1.0, "dense_lift": 0.5}
    assert DEFAULT_FLOOR.probability(match) > DEFAULT_FLOOR.threshold > DEFAULT_FLOOR.probability(stranger)
    assert 0 < DEFAULT_FLOOR.threshold < 1


@pytest.mark.parametrize("weight", [1e300, -1e300])
def test_no_weight_is_too_large(weight):
    floor = Floor(weights=(weight,) * len(FEATURES), threshold=0.5, fitted_on="")
    assert 0 <= floor.probability(dict.fromkeys(FEATURES, 1.0)) <= 1


def test_there_and_back_through_json():
    data = json.loads(json.dumps(DEFAULT_FLOOR.to_json()))
    assert Floor.from_json(data) == DEFAULT_FLOOR
    assert list(data["weights"]) == list(FEATURES)


def test_the_order_in_the_file_does_not_matter():
    data = DEFAULT_FLOOR.to_json()
    data["weights"] = dict(reversed(data["weights"].items()))
    assert Floor.from_json(data) == DEFAULT_FLOOR


@pytest.mark.parametrize("change", [{"moon_phase": 1.0}, {"query_by_sound": None}])
def test_other_features_are_refused_by_name(change):
    data = DEFAULT_FLOOR.to_json()
    data["weights"] = {name: weight for name, weight in (data["weights"] | change).items() if weight is not None}
    with pytest.raises(KeyError, match=next(iter(change))):
        Floor.from_json(data)


@pytest.mark.parametrize("data", [{}, {"weights": {}}, {"weights": None, "threshold": 0.5, "fitted_on": ""}])
def test_half_a_floor_is_refused(data):
    with pytest.raises((KeyError, TypeError)):
        Floor.from_json(data)
