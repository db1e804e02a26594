"""recipes/quantity.py: what counts as a quantity, what it is worth, and what only looks like one."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.numerals import to_halfwidth
from recipes.quantity import find_quantities

FAST = settings(derandomize=True, deadline=None, max_examples=150)
QUANTITYISH = st.text(
    alphabet="0123456789./,，、-~～—±+到至或 \n　一二两三五八九十百千半几多来余整大小"
    "个只片勺汤茶匙杯克斤度℃分钟秒时天月成热第又点之gGmMlLkhs１％",
    max_size=40,
)


def only(text):
    """The one quantity of a text."""
    found = find_quantities(text)
    assert len(found) == 1, [quantity.text for quantity in found]
    return found[0]


@pytest.mark.parametrize(
    ("text", "written", "low", "high", "unit"),
    [
        # mass
        ("半斤", "半斤", 0.5, 0.5, "斤"),
        ("250克", "250克", 250, 250, "克"),
        ("500g", "500g", 500, 500, "g"),
        ("500 克", "500 克", 500, 500, "克"),
        ("1.5kg", "1.5kg", 1.5, 1.5, "kg"),
        ("2KG", "2KG", 2, 2, "KG"),
        ("３００克", "300克", 300, 300, "克"),
        ("1,000克", "1,000克", 1000, 1000, "克"),
        ("一百二十克", "一百二十克", 120, 120, "克"),
        ("一百五克", "一百五克", 150, 150, "克"),
        ("一点五公斤", "一点五公斤", 1.5, 1.5, "公斤"),
        ("一斤半", "一斤半", 1.5, 1.5, "斤"),
        ("一两", "一两", 1, 1, "两"),
        ("三两", "三两", 3, 3, "两"),
        ("两三两", "两三两", 2, 3, "两"),
        ("三～四两", "三～四两", 3, 4, "两"),
        ("1斤2两", "1斤2两", 12, 12, "两"),
        ("120克+-10克", "120克+-10克", 110, 130, "克"),
        ("200±10克", "200±10克", 190, 210, "克"),
        ("1kg+/-50g", "1kg+/-50g", 0.95, 1.05, "kg"),
        ("二十几克", "二十几克", 21, 29, "克"),
        ("几十克", "几十克", 20, 90, "克"),
        ("一百多克", "一百多克", 100, 100, "克"),
        ("七八十克", "七八十克", 70, 80, "克"),
        ("三四百克", "三四百克", 300, 400, "克"),
        ("100g-150g", "100g-150g", 100, 150, "g"),
        ("10－15克", "10－15克", 10, 15, "克"),
        ("500——600克", "500——600克", 500, 600, "克"),
        ("1kg-1500g", "1kg-1500g", 1000, 1500, "g"),
        ("5克或10克", "5克或10克", 5, 10, "克"),
        # volume and spoons
        ("200ml", "200ml", 200, 200, "ml"),
        ("0.5升", "0.5升", 0.5, 0.5, "升"),
        ("1.5L", "1.5L", 1.5, 1.5, "L"),
        ("2~3汤匙", "2~3汤匙", 2, 3, "汤匙"),
        ("1/2茶匙", "1/2茶匙", 0.5, 0.5, "茶匙"),
        ("1½茶匙", "1½茶匙", 1.5, 1.5, "茶匙"),
        ("1又1/2杯", "1又1/2杯", 1.5, 1.5, "杯"),
        ("1 1/2杯", "1 1/2杯", 1.5, 1.5, "杯"),
        ("三分之一杯", "三分之一杯", 1 / 3, 1 / 3, "杯"),
        ("1汤匙半", "1汤匙半", 1.5, 1.5, "汤匙"),
        ("一勺半", "一勺半", 1.5, 1.5, "勺"),
        ("小半勺", "小半勺", 0.5, 0.5, "勺"),
        ("2汤勺", "2汤勺", 2, 2, "汤勺"),
        ("几滴", "几滴", 2, 9, "滴"),
        ("1、2滴", "1、2滴", 1, 2, "滴"),
        # time
        ("五十分钟", "五十分钟", 50, 50, "分钟"),
        ("1个半小时", "1个半小时", 1.5, 1.5, "小时"),
        ("1小时半", "1小时半", 1.5, 1.5, "小时"),
        ("一个小时", "一个小时", 1, 1, "个小时"),
        ("半个小时", "半个小时", 0.5, 0.5, "个小时"),
        ("一个多小时", "一个多小时", 1, 1, "小时"),
        ("两个半月", "两个半月", 2.5, 2.5, "月"),
        ("一个半到两个小时", "一个半到两个小时", 1.5, 2, "个小时"),
        ("1到1个半小时", "1到1个半小时", 1, 1.5, "小时"),
        ("十五六分钟", "十五六分钟", 15, 16, "分钟"),
        ("二三十分钟", "二三十分钟", 20, 30, "分钟"),
        ("三五分钟", "三五分钟", 3, 5, "分钟"),
        ("25-30分钟", "25-30分钟", 25, 30, "分钟"),
        ("十到十五分钟", "十到十五分钟", 10, 15, "分钟"),
        ("10来分钟", "10来分钟", 10, 10, "分钟"),
        ("1小时30分钟", "1小时30分钟", 90, 90, "分钟"),
        ("1分30秒", "1分30秒", 90, 90, "秒"),
        ("1分半钟", "1分半钟", 1.5, 1.5, "分"),
        ("10/15分钟", "10/15分钟", 10, 15, "分钟"),
        ("30-20分钟", "30-20分钟", 20, 30, "分钟"),
        ("20 minutes", "20 minutes", 20, 20, "minutes"),
        ("5分鐘", "5分鐘", 5, 5, "分鐘"),
        ("一夜", "一夜", 1, 1, "夜"),
        # temperature
        ("180度", "180度", 180, 180, "度"),
        ("180℃", "180℃", 180, 180, "℃"),
        ("160-170℃", "160-170℃", 160, 170, "℃"),
        ("180/160度", "180/160度", 160, 180, "度"),
        ("上下火170度", "170度", 170, 170, "度"),
        ("零下18度", "18度", 18, 18, "度"),
        ("350°F", "350°F", 350, 350, "°F"),
        ("五六十度", "五六十度", 50, 60, "度"),
        # pieces
        ("三四瓣", "三四瓣", 3, 4, "瓣"),
        ("一两个", "一两个", 1, 2, "个"),
        ("3、4个", "3、4个", 3, 4, "个"),
        ("十来个", "十来个", 10, 10, "个"),
        ("一整只", "一整只", 1, 1, "只"),
        ("一條", "一條", 1, 1, "條"),
        ("一小撮", "一小撮", 1, 1, "小撮"),
        ("3～4人份", "3～4人份", 3, 4, "人份"),
        ("16等份", "16等份", 16, 16, "等份"),
        ("3厘米", "3厘米", 3, 3, "厘米"),
        ("三杯水", "三杯", 3, 3, "杯"),
        ("50gBBQ酱", "50g", 50, 50, "g"),
        ("一瓶盖白酒", "一瓶盖", 1, 1, "瓶盖"),
        # bare numbers
        ("180", "180", 180, 180, ""),
        ("3 large eggs", "3", 3, 3, ""),
    ],
)
def test_a_quantity_is_read(text, written, low, high, unit):
    quantity = only(text)
    assert (quantity.text, quantity.unit) == (written, unit)
    assert (quantity.low, quantity.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize(
    "phrase",
    [
        "一起",
        "一下",
        "一下下",
        "一样",
        "一定要",
        "一直搅拌",
        "一边炒一边加水",
        "一点",
        "一点点",
        "一些",
        "一会儿",
        "一般",
        "一共",
        "一半",
        "切成两半",
        "对半切开",
        "一面",
        "两面金黄",
        "四面",
        "一层",
        "一遍",
        "一次性",
        "一口气",
        "不一样",
        "一切为二",
        "一分为二",
        "一段时间",
        "一块炒",
        "一个个",
        "一片片",
        "另一个碗",
        "每一颗",
        "同一只锅",
        "去掉两头",
        "四周",
        "半夜",
        "半透明",
        "半成品",
        "三文鱼",
        "八角",
        "五花肉",
        "三层肉",
        "五香粉",
        "十三香",
        "八宝饭",
        "三杯鸡",
        "三鲜",
        "三黄鸡",
        "三明治",
        "四川豆瓣",
        "四季豆",
        "四喜丸子",
        "五谷杂粮",
        "九层塔",
        "九节虾",
        "九转大肠",
        "千层饼",
        "千张",
        "千岛酱",
        "百合",
        "百香果",
        "百里香",
        "百叶结",
        "万能",
        "万一",
        "七味粉",
        "五指毛桃",
        "二荆条",
        "二锅头",
        "六神曲",
        "双皮奶",
        "六成热",
        "7成热",
        "七八成熟",
        "八成油温",
        "五分熟",
        "7-8分满",
        "六七分发",
        "三分肥七分瘦",
        "十分好吃",
        "十足",
        "二次发酵",
        "第一步",
        "第3天",
        "第1、2步",
        "腊八粥",
        "十块钱",
        "45度角",
        "3️⃣",
        "千万别",
        "零食",
        "几乎",
        "",
        "盐",
    ],
)
def test_no_quantity_is_seen(phrase):
    assert find_quantities(phrase) == ()


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("六成热下锅炸3分钟", ["3分钟"]),
        ("2个，约100克", ["2个", "100克"]),
        ("鸡蛋2个、200克面粉", ["2个", "200克"]),
        ("20克糖、2克海盐", ["20克", "2克"]),
        ("1、30克黑凉粉", ["1", "30克"]),
        ("1、2个鸡蛋", ["1、2个"]),
        ("发酵1小时至2倍大", ["1小时", "2倍"]),
        ("烤20分钟到两面金黄", ["20分钟"]),
        ("约10厘米、1厘米厚", ["10厘米", "1厘米"]),
        ("2tsp/10ml生抽", ["2tsp", "10ml"]),
        ("300克半壳青口", ["300克"]),
        ("1块半斤左右的肉", ["1块", "半斤"]),
        ("煮1小时 10分钟翻一次", ["1小时", "10分钟"]),
        ("- 鸡蛋 2个\n- 3个番茄", ["2个", "3个"]),
        ("用量3\n克数不限", ["3"]),
        ("1:2.5", ["1", "2.5"]),
        ("对半、3克盐", ["3克"]),
        ("四川辣椒3克", ["3克"]),
        ("中火5分钟，转小火炖1个半小时", ["5分钟", "1个半小时"]),
    ],
)
def test_several_quantities_are_kept_apart(text, texts):
    assert [quantity.text for quantity in find_quantities(text)] == texts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("半斤", "250克"),
        ("1公斤", "两斤"),
        ("一斤半", "750g"),
        ("三两", "150克"),
        ("1斤2两", "600克"),
        ("1千克", "1kg"),
        ("1小时", "六十分钟"),
        ("一个小时", "60min"),
        ("1个半小时", "90分钟"),
        ("1小时30分钟", "90分钟"),
        ("一刻钟", "15分钟"),
        ("1分半钟", "90秒"),
        ("5分鐘", "五分钟"),
        ("1汤匙", "一大勺"),
        ("1汤匙", "1汤勺"),
        ("半茶匙", "1/2小勺"),
        ("1.5升", "1500毫升"),
        ("200ML", "200毫升"),
        ("180度", "180℃"),
        ("180°C", "一百八十摄氏度"),
        ("2~3片", "两三片"),
        ("5-10克", "5克到10克"),
        ("1大片", "一片"),
        ("3厘米", "30毫米"),
        ("一個", "1个"),
    ],
)
def test_one_amount_in_two_spellings(one, other):
    assert only(one).same_as(only(other))
    assert only(other).same_as(only(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1汤匙", "1茶匙"),
        ("1汤匙", "1勺"),
        ("1克", "1毫升"),
        ("1克", "2克"),
        ("1两", "1斤"),
        ("1片", "1块"),
        ("5分钟", "5小时"),
        ("180度", "180分钟"),
        ("350℉", "350℃"),
        ("2片", "2~3片"),
        ("3", "3个"),
        ("1茶匙", "1克"),
    ],
)
def test_two_amounts_differ(one, other):
    assert not only(one).same_as(only(other))
    assert not only(other).same_as(only(one))


@pytest.mark.parametrize(
    ("text", "dimension", "kind"),
    [
        ("半斤", "mass", "克"),
        ("1升", "volume", "毫升"),
        ("2小时", "time", "秒"),
        ("180度", "temperature", "℃"),
        ("2大勺", "spoon", "汤匙"),
        ("2大片", "count", "片"),
        ("3", "number", ""),
    ],
)
def test_dimension_and_kind(text, dimension, kind):
    assert (only(text).dimension, only(text).kind) == (dimension, kind)


def test_bounds_are_in_the_unit_of_the_kind():
    assert only("2~3斤").bounds() == (1000, 1500)


@FAST
@given(st.one_of(st.text(max_size=80), QUANTITYISH))
def test_any_text_gives_sane_quantities(text):
    end = 0
    for quantity in find_quantities(text):
        assert 0 <= quantity.low <= quantity.high < float("inf")
        assert quantity.bounds()[0] <= quantity.bounds()[1]
        assert quantity.same_as(quantity)
        assert quantity.start >= end, "quantities overlap or are out of order"
        end = quantity.end
        assert to_halfwidth(text)[quantity.start : quantity.end] == quantity.text


@FAST
@given(st.one_of(st.text(max_size=80), QUANTITYISH).map(to_halfwidth))
def test_offsets_point_into_half_width_text(text):
    for quantity in find_quantities(text):
        assert text[quantity.start : quantity.end] == quantity.text


@FAST
@given(
    st.integers(1, 9999),
    st.sampled_from(["克", "毫升", "分钟", "汤匙", "个", "℃"]),
    st.sampled_from(["加入", "，", "约"]),
)
def test_a_plain_quantity_is_found_anywhere(number, unit, before):
    quantity = only(f"{before}{number}{unit}，拌匀")
    assert (quantity.low, quantity.high, quantity.unit) == (number, number, unit)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        " ",
        "1 ",
        "1.",
        "1/",
        "1,000,",
        "一",
        "两",
        "半",
        "几",
        "第1",
        "一分",
        "一成",
        "1~",
        "1+-",
        "1、",
        "一分之",
        "个半",
        "1\u3000",
    ],
)
def test_long_text_takes_no_long_time(piece):
    text = "1" + (piece * 10_000)[:10_000] + "克"
    started = time.perf_counter()
    find_quantities(text)
    assert time.perf_counter() - started < 2
