"""Two rankings -> one, by numbers worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstores.fusion import LEXICAL_WEIGHT, fuse

LEXICAL = {1: 4.0, 2: 2.0}
DENSE = {1: 0.9, 2: 0.8, 3: 0.7}


@pytest.mark.parametrize(
    ("script", "second", "third"),
    [
        # 2: lexical 2/4, dense (.8-.5)/(.9-.5); 3: no lexical hit, dense (.7-.5)/(.9-.5)
        ("chinese", 0.65 * 0.5 + 0.35 * 0.75, 0.35 * 0.5),
        ("mixed", 0.45 * 0.5 + 0.55 * 0.75, 0.55 * 0.5),
        ("latin", 0.35 * 0.5 + 0.65 * 0.75, 0.65 * 0.5),
    ],
)
def test_scores_by_hand(script, second, third):
    fused = fuse(LEXICAL, DENSE, dense_mean=0.5, script=script)
    assert fused == pytest.approx({1: 1.0, 2: second, 3: third})


def test_the_numbers_themselves():
    assert fuse(LEXICAL, DENSE, dense_mean=0.5, script="chinese") == pytest.approx({1: 1.0, 2: 0.5875, 3: 0.175})


def test_characters_weigh_most_where_the_question_is_chinese():
    assert LEXICAL_WEIGHT["chinese"] > LEXICAL_WEIGHT["mixed"] > LEXICAL_WEIGHT["latin"] > 0
    # The same two rankings, which do not agree: words for 1, meaning for 2.
    lexical, dense = {1: 3.0}, {1: 0.55, 2: 0.9}
    best = {script: max(fused, key=fused.get) for script in LEXICAL_WEIGHT
            if (fused := fuse(lexical, dense, dense_mean=0.5, script=script))}  # fmt: skip
    assert best == {"chinese": 1, "mixed": 2, "latin": 2}


def test_without_lexical_hits_meaning_decides_alone():
    assert fuse({}, DENSE, dense_mean=0.5, script="chinese") == pytest.approx({1: 1.0, 2: 0.75, 3: 0.5})


def test_worse_than_an_average_question_is_below_zero():
    assert fuse({}, {1: 0.9, 2: 0.4}, dense_mean=0.5, script="chinese")[2] == pytest.approx(-0.25)


def test_equal_scores_stay_equal():
    fused = fuse({4: 2.0, 7: 2.0}, {4: 0.8, 7: 0.8}, dense_mean=0.5, script="mixed")
    assert fused[4] == fused[7] == 1.0


def test_all_questions_as_average_as_each_other():
    assert fuse({}, {1: 0.5, 2: 0.5}, dense_mean=0.5, script="chinese") == {1: 0.0, 2: 0.0}


def test_no_candidates():
    assert fuse({}, {}, dense_mean=0.5, script="chinese") == {}


def test_an_unknown_script_is_refused():
    with pytest.raises(KeyError):
        fuse(LEXICAL, DENSE, dense_mean=0.5, script="cyrillic")


COSINES = st.dictionaries(st.integers(0, 9), st.floats(-1, 1), min_size=1)


@given(st.dictionaries(st.integers(0, 9), st.floats(0.01, 50)), COSINES, st.sampled_from(sorted(LEXICAL_WEIGHT)))
def test_at_most_one_and_every_candidate_has_a_score(lexical, dense, script):
    fused = fuse(lexical, dense, dense_mean=0.1, script=script)
    assert fused.keys() == dense.keys()
    assert max(fused.values()) <= 1 + 1e-9
