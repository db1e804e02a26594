"""What is asked of a recipe, and the lines that say it."""

import pytest

from recipes import Recipe
from runnables.evidence import Evidence, find_evidence

# dish | question | asked | best line: s3 = third step, i2 = second ingredient, several where each is right
TABLE = """
红烧肉|红烧肉要炖多久|detail|s5
红烧肉|炖几个小时|detail|s5
红烧肉|焯水要几分钟|detail|s1
红烧肉|收汁要多久|detail|s6
红烧肉|红烧肉要多久|detail|全部做完大约100分钟。
红烧肉|做红烧肉一共需要多长时间？|detail|全部做完大约100分钟。
红烧肉|红烧肉放多少冰糖|detail|i2
红烧肉|要放几个八角|detail|i8
红烧肉|要放多少盐|detail|i12
红烧肉|姜要几片|detail|i6
红烧肉|黄酒用多少|detail|i5
红烧肉|热水加多少毫升|detail|i9
红烧肉|五花肉买几斤|detail|i1
红烧肉|红烧肉够几个人吃|detail|这份菜谱是4人份。
红烧肉|这是几人份|detail|这份菜谱是4人份。
红烧肉|要焯水吗|detail|s1
红烧肉|五花肉要不要焯水|detail|s1
红烧肉|什么时候放冰糖|detail|s2
红烧肉|什么时候放盐|detail|s6
红烧肉|老抽什么时候放|detail|s4
红烧肉|为什么要焯水|detail|s1
红烧肉|五花肉怎么切|detail|s1
红烧肉|五花肉切多大|detail|s1
红烧肉|怎么判断炖好了|detail|s5
红烧肉|第三步怎么做|detail|s3
红烧肉|第2步是什么|detail|s2
红烧肉|最后一步怎么做？|detail|s6
红烧肉|第九步呢|detail|这份菜谱一共6步。
红烧肉|有几个步骤|detail|这份菜谱一共6步。
红烧肉|可以不放八角吗|detail|i8
红烧肉|糖色怎么炒|detail|s2,s3
红烧肉|火候怎么掌握|detail|s2,s4,s5,s6
红烧肉|热量高吗|detail|s1
红烧肉|红烧肉需要什么材料|ingredients|
红烧肉|红烧肉要准备哪些食材|ingredients|
红烧肉|红烧肉的配料有哪些？|ingredients|
红烧肉|红烧肉要买些什么|ingredients|
红烧肉|食材清单|ingredients|
红烧肉|各放多少|ingredients|
红烧肉|红烧肉怎么做|recipe|
红烧肉|红烧肉的做法|recipe|
红烧肉|教我做红烧肉|recipe|
红烧肉|红烧肉|recipe|
红烧肉|红烧肉的步骤|recipe|
红烧肉|红烧肉怎么烧|recipe|
红烧肉|先放什么后放什么|recipe|
红烧肉|红烧肉怎么做好吃|recipe|
番茄炒蛋|番茄要烫多久|detail|s1
番茄炒蛋|番茄炒几分钟|detail|s4
番茄炒蛋|放几个鸡蛋|detail|i2
番茄炒蛋|用多少番茄|detail|i1
番茄炒蛋|要几勺油|detail|i7
番茄炒蛋|糖放多少|detail|i4
番茄炒蛋|什么时候放糖|detail|s5
番茄炒蛋|葱什么时候放|detail|s6
番茄炒蛋|西红柿炒鸡蛋要多久|detail|全部做完大约15分钟。
番茄炒蛋|鸡蛋怎么炒|detail|s3,s2
番茄炒蛋|番茄炒蛋怎么炒|recipe|
香蕉蛋糕|香蕉蛋糕烤多少度|detail|s5
香蕉蛋糕|烤箱预热到几度|detail|s1
香蕉蛋糕|烤多久|detail|s5
香蕉蛋糕|放凉多久|detail|s7
香蕉蛋糕|用多少面粉|detail|i2
香蕉蛋糕|要几根香蕉|detail|i1
香蕉蛋糕|泡打粉放多少|detail|i3
香蕉蛋糕|可以用黄油代替玉米油吗|detail|i7
香蕉蛋糕|温度是多少|detail|s1,s5
清蒸鲈鱼|鱼蒸几分钟|detail|s4
清蒸鲈鱼|蒸鱼豉油放多少|detail|i6
清蒸鲈鱼|什么时候淋豉油|detail|s6
清蒸鲈鱼|葱怎么切|detail|i3,s5
清蒸鲈鱼|焖多久|detail|s4
鱼香肉丝|油温几成热|detail|s4
鱼香肉丝|肉丝腌几分钟|detail|s1
鱼香肉丝|木耳用多少|detail|i3
鱼香肉丝|淀粉放多少|detail|i12
鱼香肉丝|碗汁怎么调|detail|s3
鱼香肉丝|冬笋要焯水吗|detail|s2
鱼香肉丝|可以不放木耳吗|detail|i3
可乐鸡翅|焖多久|detail|s4
可乐鸡翅|鸡翅要煎几分钟|detail|s2
可乐鸡翅|可乐放多少|detail|i2
可乐鸡翅|要几罐可乐|detail|i2
可乐鸡翅|腌多久|detail|s1
可乐鸡翅|可乐鸡翅，收汁要几分钟？|detail|s5
可乐鸡翅|要用几个鸡翅|detail|i1
可乐鸡翅|要焯水吗|detail|s1
可乐鸡翅|芝麻什么时候撒|detail|s6
""".strip().splitlines()


def _line(recipe: Recipe, code: str) -> str:
    if code[0] in "si" and code[1:].isdigit():
        return (recipe.steps if code[0] == "s" else recipe.ingredients)[int(code[1:]) - 1]
    return code


@pytest.mark.parametrize("row", TABLE)
def test_table(named: dict[str, Recipe], row: str):
    dish, question, asked, best = row.split("|")
    recipe = named[dish]
    found = find_evidence(question, recipe)
    assert found.asked == asked
    if not best:
        assert found.lines == ()
    else:
        assert found.lines[0] in [_line(recipe, code) for code in best.split(",")]


def test_the_table_is_large_and_the_recipes_are_what_it_was_written_for(named: dict[str, Recipe]):
    assert len(TABLE) >= 40
    assert len({row.split("|")[0] for row in TABLE}) >= 4
    assert len(named["红烧肉"].steps) == 6


def test_few_lines_are_given_for_a_detail():
    recipe = Recipe(name="汤", steps=tuple(f"再炖{minutes}分钟。" for minutes in range(1, 9)))
    assert find_evidence("要炖多久", recipe).lines == recipe.steps[:4]


def test_an_ingredient_is_found_under_the_name_that_the_steps_use():
    recipe = Recipe(
        name="炸茄盒", ingredients=("120毫升食用油", "1个茄子"), steps=("茄子切块。", "锅里放油烧热。", "捞出。")
    )
    assert find_evidence("食用油什么时候放", recipe).lines == ("锅里放油烧热。",)


def test_where_nothing_fits_all_steps_are_the_evidence(named: dict[str, Recipe]):
    recipe = named["红烧肉"]
    assert find_evidence("热量高吗", recipe) == Evidence("detail", recipe.steps)


def test_every_time_of_the_asked_deed_is_given(named: dict[str, Recipe]):
    recipe = Recipe(name="牛肉", steps=("炖20分钟。", "炒2分钟。", "再焖30分钟。"))
    assert find_evidence("要炖多久", recipe).lines == ("炖20分钟。", "再焖30分钟。")


def test_a_deed_in_the_name_of_a_dish_or_a_thing_is_not_asked_about():
    recipe = Recipe(
        name="家常红烧带鱼",
        time_min=40,
        ingredients=("1条带鱼", "2汤匙蒸鱼豉油", "30克冰糖"),
        steps=("蒸锅里放水。", "烤箱预热到180度。", "带鱼煎3分钟。", "大火烧开，炖10分钟。"),
    )
    assert find_evidence("红烧带鱼要多久", recipe).lines == ("全部做完大约40分钟。",)
    assert find_evidence("蒸鱼豉油放多少", recipe).lines[0] == "2汤匙蒸鱼豉油"
    assert find_evidence("冰糖放多少", recipe).lines == ("30克冰糖",)
    assert find_evidence("带鱼煎多久", recipe).lines == ("带鱼煎3分钟。",)


def test_without_a_total_time_every_time_is_an_answer():
    recipe = Recipe(name="粥", steps=("泡30分钟。", "加盐。", "煮1小时。"))
    assert find_evidence("要多久", recipe).lines == ("泡30分钟。", "煮1小时。")


def test_without_servings_nobody_is_counted():
    recipe = Recipe(name="粥", steps=("煮1小时。",))
    assert "人份" not in "".join(find_evidence("几个人吃", recipe).lines)


def test_a_recipe_without_steps_or_ingredients_is_survived():
    bare = Recipe(name="粥")
    for question in ("要煮多久", "放多少米", "要焯水吗", "第三步怎么做", "几个人吃", "怎么做", "需要什么材料", ""):
        assert find_evidence(question, bare).asked in ("recipe", "ingredients", "detail")


def test_traditional_characters_are_read(named: dict[str, Recipe]):
    assert find_evidence("紅燒肉要燉多久", named["红烧肉"]).lines[0] == named["红烧肉"].steps[4]
