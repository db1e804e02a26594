"""What measures in a text, beyond what the parser of recipes reads."""

import pytest

from runnables.measures import find_measures, plain, short_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**50**分钟", "50分钟"),
        ("`50` _分钟_", "50 分钟"),
        ("<b>50</b>分钟", "50分钟"),
        ("5\u200b0分\ufeff钟", "50分钟"),
        ("５０ＭＬ", "50ML"),
        ("50㎖，2㎏", "50ml，2kg"),
        ("500 grams of pork", "500 克 of pork"),
        ("2 tablespoons, three cups", "2 汤匙, 3杯"),
        ("half an hour", "半小时"),
        ("10 to 15 minutes", "10~15 分钟"),
        ("a 15-minute stew", "a 15分钟 stew"),
        ("180 degrees Celsius", "180 度"),
        ("a good one", "a good one"),
        ("切成1/2", "切成1/2"),
    ],
)
def test_plain(text: str, expected: str):
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("炖50分钟", [("amount", "50分钟", 50)]),
        ("油温六成热", [("热", "六成", 6)]),
        ("五六成热", [("热", "五六成", 5)]),
        ("油温烧到八成", [("热", "八成", 8)]),
        ("七分满", [("满", "七成", 7)]),
        ("一半的糖", [("share", "一半", 0.5)]),
        ("三分之二的糖", [("share", "三分之二", 2 / 3)]),
        ("50%", [("amount", "50", 50), ("share", "50%", 0.5)]),
        ("百分之五十", [("share", "百分之五十", 0.5)]),
        ("一比二", [("ratio", "一比二", 0.5)]),
        ("伍拾克", [("odd", "伍拾克", 0)]),
        ("第15分钟", [("odd", "第15分钟", 0)]),
        (".5茶匙", [("odd", ".5茶匙", 0)]),
        ("第二天", []),
        ("第3步", []),
        ("十分入味", []),
        ("三分之一杯", [("amount", "三分之一杯", 1 / 3)]),
        ("一下子翻一遍", []),
        ("千万不要", []),
    ],
)
def test_find_measures(text: str, expected: list[tuple[str, str, float]]):
    found = find_measures(text)
    assert [(measure.of, measure.quantity.text) for measure in found] == [(of, words) for of, words, _ in expected]
    assert [measure.quantity.low for measure in found] == pytest.approx([low for *_, low in expected])


def test_an_unread_number_covers_no_number_that_was_read():
    # 5 is read, 十分钟 is not: together they are an odd number.
    assert ("odd", "5十分钟") in [(of, quantity.text) for of, quantity in find_measures("炖5十分钟")]
    assert [of for of, _ in find_measures("1小时30分钟")] == ["amount"]


def test_short_names():
    assert short_names("食用油") == ["食用油", "用油", "油"]
    assert short_names("带皮五花肉") == ["带皮五花肉", "皮五花肉", "五花肉", "花肉", "肉"]
    assert short_names("八角") == ["八角"], "角 alone names nothing"
    assert short_names("盐") == ["盐"]
    assert short_names("") == []
