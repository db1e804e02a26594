"""What a question asks for: its clauses without shells, the ingredients it names, its script."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorstores import understand
from vectorstores.query import asked_form, core_of, indexed_form


@pytest.mark.parametrize(
    ("question", "cores"),
    [
        ("红烧肉怎么做", ("红烧肉",)),
        ("请问一下红烧肉怎么做呢？", ("红烧肉",)),
        ("教我做红烧肉", ("红烧肉",)),
        ("紅燒肉怎麼做", ("红烧肉",)),
        ("ＭＡＰＯ豆腐的做法", ("mapo豆腐",)),
        ("How do you cook Mapo Tofu?", ("mapo tofu",)),
        ("please tell me how to make a sponge cake", ("sponge cake",)),
        ("egg tart recipe", ("egg tart",)),
        ("how to make money", ("money",)),
        ("what can I make with eggs", ("what can i make with eggs",)),
    ],
)
def test_the_shell_is_taken_off(question, cores):
    assert understand(question).cores == cores


def test_every_clause_has_its_core():
    assert "碌鹅" in understand("我是厨房小白，能做碌鹅吗？教一下").cores
    assert len(understand("红烧肉，麻婆豆腐，宫保鸡丁，清蒸鲈鱼，蒜蓉西兰花，皮蛋瘦肉粥").cores) == 4


@pytest.mark.parametrize("question", ["你好", "怎么做？", "", "  ", "请问"])
def test_nothing_but_shell(question):
    query = understand(question)
    assert query.all_shell
    assert query.cores == (query.text,)
    assert query.foods == ()


@pytest.mark.parametrize("text", ["红" * 10_000, "的" * 10_000, "red " * 2_500], ids=["clause", "shell", "latin"])
def test_only_the_head_of_an_endless_clause_is_searched(text):
    (core,) = understand(text).cores
    assert core == text[:128]
    assert core_of(text) == text[:128] or understand(text).all_shell


def test_a_dish_is_not_shell():
    assert not understand("红烧肉").all_shell


@pytest.mark.parametrize(
    ("question", "foods"),
    [
        ("家里有鸡蛋和番茄能做什么", ("鸡蛋", "番茄")),
        ("西兰花跟鸡胸肉能做啥", ("西兰花", "鸡胸肉")),
        ("有花生还有香菇，推荐一道菜", ("花生", "香菇")),
        ("用花甲做个菜", ("花甲",)),
        ("冰箱里有鸡蛋、番茄、土豆，做什么好", ("鸡蛋", "番茄", "土豆")),
        ("家里只剩土豆和洋葱了，能弄点啥", ("土豆", "洋葱")),
        ("家裡有雞蛋和番茄能做什麼", ("鸡蛋", "番茄")),
        ("有鸡蛋和鸡蛋能做什么", ("鸡蛋",)),
        # An amount is no part of the name that recipes list.
        ("买了两斤虾做什么好", ("虾",)),
        ("我有一块五花肉，你推荐我做什么", ("五花肉",)),
        ("有三文鱼和八角能做什么", ("三文鱼", "八角")),
        # A place is no food.
        ("冰箱里还有半个南瓜能做什么", ("南瓜",)),
        ("家里还有鸡蛋和番茄能做什么", ("鸡蛋", "番茄")),
    ],
)
def test_ingredients_that_the_asker_has(question, foods):
    assert understand(question).foods == foods


@pytest.mark.parametrize(
    "question",
    [
        "红烧肉怎么做",
        "晚饭吃什么",
        "番茄炒蛋的做法",
        "你好",
        "有什么推荐",
        "有没有推荐的菜",
        "有啥好吃的推荐一个",
        "没有鸡蛋能做什么",
        "红烧肉有什么讲究",
        "what can i make with eggs",
    ],
)
def test_no_ingredients_where_none_are_offered(question):
    assert understand(question).foods == ()


def test_at_most_eight_ingredients():
    names = "葱姜蒜盐糖醋油酒茶蛋"
    assert understand(f"有{'、'.join(names)}能做什么").foods == tuple(names[:8])


@pytest.mark.parametrize(
    ("question", "script"),
    [
        ("红烧肉", "chinese"),
        ("红烧肉 ok", "chinese"),
        ("mapo豆腐", "mixed"),
        ("how to make tofu", "latin"),
        ("", "latin"),
        ("🍅", "latin"),
        ("\U00030edd\U00030edd", "chinese"),  # biáng, twice: written outside the basic plane
    ],
)
def test_script(question, script):
    assert understand(question).script == script


def test_the_form_that_is_embedded_is_the_same_on_both_sides():
    (core,) = understand("请问红烧肉怎么做呀").cores
    assert asked_form(core) == indexed_form("红烧肉的做法") == indexed_form("紅燒肉怎麼做") == "红烧肉的做法"
    assert indexed_form("How to make Mapo Tofu") == asked_form(core_of("Mapo Tofu")) == "how to make mapo tofu"


def test_a_query_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        understand("红烧肉").text = "x"


@settings(max_examples=300)
@given(st.text(st.characters(exclude_categories=[]), max_size=120))
def test_never_raises_and_always_has_a_core(question):
    query = understand(question)
    assert 1 <= len(query.cores) <= 4
    assert query.script in ("chinese", "mixed", "latin")
    assert all(1 <= len(food) <= 8 for food in query.foods)
    query.text.encode("utf-8")


@pytest.mark.parametrize(
    "piece", ["怎么做的呢", "材料和步骤", "用料步骤", "要用什么", "了吗", "的", "有鸡蛋和", "想吃", "放多少"]
)
def test_a_long_question_takes_no_long_time(piece):
    # A nested repetition in one of the patterns would need centuries for this, and hold the interpreter all the time.
    assert understand(piece * 400 + "x").cores
