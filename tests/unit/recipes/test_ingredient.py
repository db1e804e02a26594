"""recipes/ingredient.py: one line of an ingredient list -> amount, name, note."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes import Recipe, find_quantities, parse_ingredient, read_recipes

FAST = settings(derandomize=True, deadline=None, max_examples=150)
LINEISH = st.text(
    alphabet="0123456789./，、（）()【】：:#-@ 克g个勺半两一适量少许约各左右若干数盐油姜蒜鸡蛋可不加切", max_size=30
)
ROOT = Path(__file__).resolve().parents[3]
XTUNER_FILE = Path(os.environ.get("TEST_XTUNER_FILE") or ROOT.parent / "shared/data/xiachufang_1000_xtuner.json")


@pytest.mark.parametrize(
    ("line", "name", "quantity", "unit", "low", "high", "note"),
    [
        # amount in front, as XiaChuFang writes
        ("2勺料酒", "料酒", "2", "勺", 2, 2, ""),
        ("1kg羊肉", "羊肉", "1", "kg", 1, 1, ""),
        ("5克酵母", "酵母", "5", "克", 5, 5, ""),
        ("半根黄瓜", "黄瓜", "半", "根", 0.5, 0.5, ""),
        ("小半个洋葱", "洋葱", "小半", "个", 0.5, 0.5, ""),
        ("1/4小勺盐", "盐", "1/4", "小勺", 0.25, 0.25, ""),
        ("¼根玉米", "玉米", "¼", "根", 0.25, 0.25, ""),
        ("1 1/2杯面粉", "面粉", "1 1/2", "杯", 1.5, 1.5, ""),
        ("三分之一碗麦芽糖", "麦芽糖", "三分之一", "碗", 1 / 3, 1 / 3, ""),
        ("一勺半米醋", "米醋", "1.5", "勺", 1.5, 1.5, ""),
        ("一斤半牛河", "牛河", "1.5", "斤", 1.5, 1.5, ""),
        ("一两面条", "面条", "一", "两", 1, 1, ""),
        ("120克+-10克牛奶", "牛奶", "120+-10", "克", 110, 130, ""),
        ("10～30克香草糖", "香草糖", "10～30", "克", 10, 30, ""),
        ("四五片姜", "姜", "四五", "片", 4, 5, ""),
        ("4，5片姜", "姜", "4，5", "片", 4, 5, ""),
        ("几片姜", "姜", "几", "片", 2, 9, ""),
        ("十来个干辣椒", "干辣椒", "十来", "个", 10, 10, ""),
        ("一整根羊蝎子", "羊蝎子", "一整", "根", 1, 1, ""),
        ("2汤勺澄粉", "澄粉", "2", "汤勺", 2, 2, ""),
        ("30克 全蛋液", "全蛋液", "30", "克", 30, 30, ""),
        ("500克左右鸡翅", "鸡翅", "500", "克", 500, 500, ""),
        ("约200克豆角", "豆角", "200", "克", 200, 200, ""),
        ("各10克葱姜蒜", "葱姜蒜", "10", "克", 10, 10, ""),
        ("500克的五花肉", "五花肉", "500", "克", 500, 500, ""),
        ("5瓣儿大蒜", "大蒜", "5", "瓣", 5, 5, ""),
        ("2颗儿菜", "儿菜", "2", "颗", 2, 2, ""),
        ("30g克紫薯泥", "紫薯泥", "30", "g", 30, 30, ""),
        ("250中筋面粉", "中筋面粉", "250", "", 250, 250, ""),
        ("３００克牛肉", "牛肉", "300", "克", 300, 300, ""),
        ("1. 200克面粉", "面粉", "200", "克", 200, 200, ""),
        ("- 2个鸡蛋", "鸡蛋", "2", "个", 2, 2, ""),
        ("2片@戚风蛋糕", "戚风蛋糕", "2", "片", 2, 2, ""),
        ("50克四川豆瓣", "四川豆瓣", "50", "克", 50, 50, ""),
        ("5斤三层肉", "三层肉", "5", "斤", 5, 5, ""),
        ("500克多宝鱼", "多宝鱼", "500", "克", 500, 500, ""),
        # amount behind
        ("羊肉1kg", "羊肉", "1", "kg", 1, 1, ""),
        ("牛肉:500克", "牛肉", "500", "克", 500, 500, ""),
        ("姜 几片", "姜", "几", "片", 2, 9, ""),
        ("三文鱼250g", "三文鱼", "250", "g", 250, 250, ""),
        ("花椒五粒左右", "花椒", "五", "粒", 5, 5, ""),
        ("青椒泰椒各4只", "青椒泰椒", "4", "只", 4, 4, ""),
        ("展艺糖粉         50g", "展艺糖粉", "50", "g", 50, 50, ""),
        ("盐小半包", "盐", "小半", "包", 0.5, 0.5, ""),
        # columns of the source that were lost or swapped
        ("个八角1", "八角", "1", "个", 1, 1, ""),
        ("克盐                      5", "盐", "5", "克", 5, 5, ""),
        ("根葱                    半", "葱", "半", "根", 0.5, 0.5, ""),
        ("两酵母1", "酵母", "1", "两", 1, 1, ""),
        ("克200糖粉", "糖粉", "200", "克", 200, 200, ""),
        # notes
        ("500克五花肉（切块）", "五花肉", "500", "克", 500, 500, "切块"),
        ("半个柠檬（取汁用）(可加可不加)", "柠檬", "半", "个", 0.5, 0.5, "取汁用；可加可不加"),
        ("2个，约100克鸡蛋", "鸡蛋", "2", "个", 2, 2, "100克"),
        ("50克，喜甜加量+10～30克香草糖", "香草糖", "50", "克", 50, 50, "喜甜加量+10～30克"),
        (
            "超市罐头装半盒金枪鱼(in spring water)",
            "金枪鱼",
            "半",
            "盒",
            0.5,
            0.5,
            "in spring water；超市罐头装",
        ),
        ("3个，3片，1块八角、香叶、桂皮", "八角、香叶、桂皮", "3", "个", 3, 3, "3片；1块"),
        ("500毫升黄酒一瓶", "黄酒", "500", "毫升", 500, 500, "一瓶"),
        ("10－15克坚果适量", "坚果", "10－15", "克", 10, 15, "适量"),
        ("100g常温淡奶油25℃左右", "常温淡奶油", "100", "g", 100, 100, "25℃左右"),
        ("细砂糖          30g+20g", "细砂糖", "30", "g", 30, 30, "20g"),
        ("20克葱，打结", "葱", "20", "克", 20, 20, "打结"),
        ("鸡蛋1个打散", "鸡蛋", "1", "个", 1, 1, "打散"),
        ("香菇 3朵 泡发", "香菇", "3", "朵", 3, 3, "泡发"),
        ("喷壶一个，没有喷壶可以用碟子装酒", "喷壶", "一", "个", 1, 1, "没有喷壶可以用碟子装酒"),
        ("猪瘦肉（500克）", "猪瘦肉", "500", "克", 500, 500, ""),
        ("500g主料：茄子", "茄子", "500", "g", 500, 500, ""),
        ("2个（1个蒸，1个炒）鸡蛋", "鸡蛋", "2", "个", 2, 2, "1个蒸，1个炒"),
        ("90g85%黑巧克力", "85%黑巧克力", "90", "g", 90, 90, ""),
    ],
)
def test_an_amount_is_read(line, name, quantity, unit, low, high, note):
    item = parse_ingredient(line)
    assert (item.name, item.quantity, item.unit, item.note) == (name, quantity, unit, note)
    assert (item.low, item.high) == (pytest.approx(low), pytest.approx(high))
    assert (item.text, item.vague, item.heading) == (line, "", False)


@pytest.mark.parametrize(
    ("line", "name", "vague", "note"),
    [
        ("适量盐", "盐", "适量", ""),
        ("盐 适量", "盐", "适量", ""),
        ("盐适量", "盐", "适量", ""),
        ("盐（适量）", "盐", "适量", ""),
        ("少许，葱花", "葱花", "少许", ""),
        ("少許黃油", "黃油", "少許", ""),
        ("一点点糖", "糖", "一点点", ""),
        ("适量，可不加葡萄干", "葡萄干", "适量", "可不加"),
        ("少许适量生姜", "生姜", "少许", ""),
        ("若干粒枸杞", "枸杞", "若干", ""),
        ("葱若干小段", "葱", "若干", ""),
        ("数只鲍鱼", "鲍鱼", "数只", ""),
        ("少于香菜", "香菜", "少于", ""),
        ("克适量盐", "盐", "适量", ""),
        ("各少许盐、糖", "盐、糖", "少许", ""),
        ("适量，根据个人口味调节盐", "盐", "适量", ""),
        ("看个人喜好盐", "盐", "看个人喜好", ""),
        ("土豆沙拉 适量（包馅用）", "土豆沙拉", "适量", "包馅用"),
        ("豌豆 适量 装饰", "豌豆", "适量", "装饰"),
    ],
)
def test_a_vague_amount_is_read(line, name, vague, note):
    item = parse_ingredient(line)
    assert (item.name, item.vague, item.note) == (name, vague, note)
    assert (item.quantity, item.unit, item.low, item.high, item.heading) == ("", "", None, None, False)
    assert item.amount == vague


@pytest.mark.parametrize(
    ("line", "name", "note"),
    [
        ("蜂蜜", "蜂蜜", ""),
        ("三文鱼", "三文鱼", ""),
        ("八角", "八角", ""),
        ("四川辣椒", "四川辣椒", ""),
        ("千页豆腐", "千页豆腐", ""),
        ("片糖", "片糖", ""),
        ("节瓜", "节瓜", ""),
        ("胡萝卜（可选）", "胡萝卜", "可选"),
        ("个梨", "梨", ""),
        ("克冰糖", "冰糖", ""),
        ("根据人数", "根据人数", ""),
        ("70%黑巧克力", "70%黑巧克力", ""),
        ("00面粉", "00面粉", ""),
        ("1:1芝麻酱", "1:1芝麻酱", ""),
        ("4X5cm小段山药", "4X5cm小段山药", ""),
        # several ingredients in one line stay one line
        ("糯米粉80g，玉米淀粉20g，水100g", "糯米粉80g，玉米淀粉20g，水100g", ""),
        ("铁棍山药2条，胡椒粉，盐", "铁棍山药2条，胡椒粉，盐", ""),
        ("糖：适量盐：适量", "糖：适量盐：适量", ""),
        ("----", "----", ""),
        ("（见步骤）", "（见步骤）", "见步骤"),
    ],
)
def test_a_line_without_an_amount_is_a_name(line, name, note):
    item = parse_ingredient(line)
    assert (item.name, item.note, item.heading) == (name, note, False)
    assert (item.amount, item.low, item.high) == ("", None, None)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("【烫种】", "烫种"),
        ("馅料：", "馅料"),
        ("面包版:", "面包版"),
        ("#主面团", "主面团"),
        ("#【主材】：", "主材"),
        ("--调料--", "调料"),
        ("== 饼底 ==", "饼底"),
    ],
)
def test_a_heading_is_no_ingredient(line, title):
    item = parse_ingredient(line)
    assert (item.heading, item.note, item.name, item.amount) == (True, title, "", "")


@pytest.mark.parametrize(
    ("line", "amount"),
    [("500克五花肉", "500克"), ("10～30克糖", "10～30克"), ("一勺半醋", "1.5勺"), ("盐 适量", "适量"), ("盐", "")],
)
def test_amount_reads_like_a_cook(line, amount):
    assert parse_ingredient(line).amount == amount


def test_an_empty_line_has_no_name():
    assert parse_ingredient("  ").name == ""


@FAST
@given(st.one_of(st.text(max_size=60), LINEISH))
def test_any_line_is_read(line):
    item = parse_ingredient(line)
    assert item.text == line
    assert bool(item.name) == bool(line.replace("@", "").strip() and not item.heading)
    assert (item.low is None) == (item.high is None) == (item.quantity == "")
    assert item.low is None or 0 <= item.low <= item.high
    assert not (item.vague and item.quantity)


@FAST
@given(
    st.integers(1, 999),
    st.sampled_from(["克", "毫升", "个", "汤匙", "g"]),
    st.sampled_from(["盐", "五花肉", "八角", "鸡蛋"]),
)
def test_front_and_back_are_the_same_ingredient(number, unit, name):
    front, back = parse_ingredient(f"{number}{unit}{name}"), parse_ingredient(f"{name}{number}{unit}")
    assert front.name == back.name == name
    assert front.amount == back.amount == f"{number}{unit}"


# 1,000 recipes of XiaChuFang, as the XTuner file of TheGodOfCookery has them.


@pytest.fixture(scope="module")
def real_recipes():
    if not XTUNER_FILE.is_file():
        pytest.skip(f"{XTUNER_FILE} is not here: it is no part of the project")
    return list(read_recipes(XTUNER_FILE))


@pytest.fixture(scope="module")
def real_items(real_recipes):
    return [item for recipe in real_recipes for item in recipe.parsed_ingredients]


def test_every_real_record_is_read(real_recipes):
    assert len(real_recipes) == 1000
    assert all(isinstance(recipe, Recipe) and recipe.steps for recipe in real_recipes)


def test_every_real_line_has_a_name_or_is_a_heading(real_items):
    assert len(real_items) > 7000
    assert [item.text for item in real_items if bool(item.name) == item.heading] == []


def test_most_real_lines_have_an_amount(real_items):
    lines = [item for item in real_items if not item.heading]
    # About 15 % of the lines say what, but not how much.
    assert sum(bool(item.amount) for item in lines) / len(lines) > 0.84


def test_no_real_line_that_is_plainly_written_is_misread(real_items):
    plain = re.compile(r"(\d+(?:\.\d+)?)(克|g|ml|毫升|个|勺|汤匙|茶匙|片|根|颗|瓣)([\u4e00-\u9fff]{1,4})")
    matches = [(item, match) for item in real_items if (match := plain.fullmatch(item.text))]
    wrong = [
        item.text
        for item, match in matches
        if (item.quantity, item.unit, item.name) != match.groups()
        and match[3][0] not in "克个左儿半"
        and not find_quantities(match[3])
    ]
    assert len(matches) > 2000
    assert wrong == []


def test_few_real_names_still_hold_a_number(real_items):
    lines = [item for item in real_items if not item.heading]
    assert sum(bool(re.search(r"\d", item.name)) for item in lines) / len(lines) < 0.005
