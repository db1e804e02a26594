"""recipes/numerals.py: numbers as cooks write them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.numerals import NUMBER, parse_number, to_halfwidth

FAST = settings(derandomize=True, deadline=None, max_examples=150)
# Letters that numbers are made of, so that random text comes near the edges of the grammar.
NUMBERISH = st.text(alphabet="0123456789./,又分之点+½¾⅓零〇一二两三五八九十百千半几 俩兩１／．\n", max_size=30)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0", 0),
        ("007", 7),
        ("1.5", 1.5),
        (" 250 ", 250),
        ("1,000", 1000),
        ("1,250,000", 1_250_000),
        ("1/2", 0.5),
        ("3 / 4", 0.75),
        ("1 /2", 0.5),
        ("1⁄2", 0.5),
        ("0/5", 0),
        ("½", 0.5),
        ("¾", 0.75),
        ("⅓", 1 / 3),
        ("1½", 1.5),
        ("2¼", 2.25),
        ("1又1/2", 1.5),
        ("1 1/2", 1.5),
        ("1+1/4", 1.25),
        ("３", 3),
        ("１２０", 120),
        ("１．５", 1.5),
        ("１／２", 0.5),
        ("零", 0),
        ("一", 1),
        ("两", 2),
        ("兩", 2),
        ("俩", 2),
        ("九", 9),
        ("十", 10),
        ("十五", 15),
        ("二十", 20),
        ("五十", 50),
        ("九十九", 99),
        ("一百", 100),
        ("一百五", 150),
        ("一百零五", 105),
        ("一百二十", 120),
        ("两百五", 250),
        ("三百五十", 350),
        ("一千五", 1500),
        ("一千零五", 1005),
        ("一千零五十", 1050),
        ("两千五百", 2500),
        ("一八〇", 180),
        ("半", 0.5),
        ("一点五", 1.5),
        ("零点二五", 0.25),
        ("三分之一", 1 / 3),
        ("四分之三", 0.75),
        ("5分之1", 0.2),
        ("一又二分之一", 1.5),
    ],
)
def test_one_number_is_read(text, value):
    assert parse_number(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "克",
        "abc",
        "1a",
        "-1",
        "1e5",
        "inf",
        "nan",
        "1.",
        ".5",
        "1.5.5",
        "1/",
        "/2",
        "1/0",
        "1//2",
        "1/2/3",
        "零分之一",
        "1,00",
        "1,0000",
        "三五",
        "两三",
        "十五六",
        "一二百",
        "四五六",
        "百百",
        "十百",
        "十点",
        "点五",
        "半半",
        "2半",
        "几",
        "一个",
        "9" * 400,
        "九" * 400,
        "1/" + "0" * 400,
    ],
)
def test_what_is_not_one_finite_number_is_refused(text):
    assert parse_number(text) is None


@pytest.mark.parametrize("text", ["9" * 5000, "1/" + "9" * 5000, "1又" * 5000, "1 " * 5000 + "1/2", "一" * 10_000])
def test_long_text_is_answered(text):
    value = parse_number(text)
    assert value is None or value < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("３００克", "300克"),
        ("Ｋｇ", "Kg"),
        ("１．５％", "1.5%"),
        ("盐，适量（一点）～", "盐，适量（一点）～"),
        ("½ ℃", "½ ℃"),
    ],
)
def test_halfwidth_changes_digits_and_letters_only(text, expected):
    assert to_halfwidth(text) == expected


@pytest.mark.parametrize(
    "text", ["1又1/2", "1,000", "三分之一", "1/2", "1.5", "1½", "½", "十五", "一点五", "半", "两", "两百五"]
)
def test_the_pattern_covers_what_the_parser_reads(text):
    assert re.fullmatch(NUMBER, text)


@pytest.mark.parametrize("text", ["三两", "一两", "十二两", "1/20", "5克"])
def test_the_pattern_stops_before_a_unit(text):
    assert not re.fullmatch(NUMBER, text)


@FAST
@given(st.one_of(st.text(max_size=60), NUMBERISH))
def test_any_text_gives_a_finite_number_or_none(text):
    value = parse_number(text)
    assert value is None or 0 <= value < float("inf")


@FAST
@given(st.text(max_size=60))
def test_halfwidth_keeps_the_length(text):
    assert len(to_halfwidth(text)) == len(text)


@FAST
@given(st.integers(min_value=0, max_value=10**9))
def test_arabic_digits_are_read_as_they_stand(number):
    assert parse_number(str(number)) == number
