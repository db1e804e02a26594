"""recipes/render.py: text for the model, Markdown for people."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from recipes import Recipe, to_markdown, to_text

TOMATO = Recipe(
    name="番茄炒蛋",
    ingredients=("【主料】", "3个番茄（切块）", "适量盐", "葱花"),
    steps=("番茄切块。", "炒熟。"),
    servings=2,
    time_min=15,
)
NASTY = st.text(alphabet="番茄盐|\\\n\r\t*#-<>&`_~ 3个（）:", max_size=20)


def rows(markdown):
    """The cells of all tables, as a Markdown parser reads them."""
    cells, row = [], []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "inline":
            row.append("".join(part.content for part in token.children))
        elif token.type == "tr_close":
            cells.append(row)
            row = []
        elif token.type in ("heading_close", "paragraph_close"):
            row = []
    return cells


def test_text_is_name_facts_ingredients_and_numbered_steps():
    assert to_text(TOMATO).splitlines() == [
        "菜名：番茄炒蛋",
        "份量：2人份",
        "用时：约15分钟",
        "食材：【主料】、3个番茄（切块）、适量盐、葱花",
        "步骤：",
        "1. 番茄切块。",
        "2. 炒熟。",
    ]


def test_text_without_facts_says_neither_servings_nor_time():
    text = to_text(TOMATO, facts=False)
    assert text == to_text(TOMATO.model_copy(update={"servings": 0, "time_min": 0}))
    assert "人份" not in text
    assert "用时" not in text


def test_text_says_that_ingredients_are_missing():
    assert "食材：原文没有写" in to_text(Recipe(name="炒饭", steps=("炒。",)))


def test_text_keeps_one_line_per_step():
    recipe = Recipe(name="炒饭\n步骤：", ingredients=("1碗\n饭",), steps=("炒\r\n1. 假的一步", " 装盘 "))
    assert to_text(recipe).splitlines() == [
        "菜名：炒饭 步骤：",
        "食材：1碗 饭",
        "步骤：",
        "1. 炒 1. 假的一步",
        "2. 装盘",
    ]


def test_markdown_is_a_heading_and_two_tables():
    assert to_markdown(TOMATO) == (
        "### 番茄炒蛋\n\n2 人份，约 15 分钟\n\n"
        "| 食材 | 用量 | 备注 |\n| --- | --- | --- |\n"
        "| **主料** | | |\n| 番茄 | 3个 | 切块 |\n| 盐 | 适量 |  |\n| 葱花 |  |  |\n\n"
        "| 步骤 | 做法 |\n| --- | --- |\n| 1 | 番茄切块。 |\n| 2 | 炒熟。 |\n"
    )


def test_markdown_leaves_unknown_facts_out():
    assert to_markdown(Recipe(name="炒饭", steps=("炒。",))).splitlines()[:3] == [
        "### 炒饭",
        "",
        "| 食材 | 用量 | 备注 |",
    ]


@pytest.mark.parametrize(
    "step",
    ["一|二", "一\\|二", "一\\", "一\n二", "| --- | --- |", "<b>粗</b>", "<script>alert(1)</script>", "a\r\n| b |"],
)
def test_markdown_keeps_a_step_in_its_cell(step):
    recipe = Recipe(name="炒饭", ingredients=("1碗饭",), steps=("先。", step, "后。"))
    steps = rows(to_markdown(recipe))[-3:]
    assert [row[0] for row in steps] == ["1", "2", "3"]
    assert steps[1] == ["2", " ".join(step.split())]


def test_markdown_never_holds_html():
    tag = "<img src=x onerror=alert(1)>"
    recipe = Recipe(name=tag, ingredients=(f"1个{tag}", f"【{tag}】"), steps=(tag,))
    assert "<img" not in to_markdown(recipe)
    assert "<img" not in MarkdownIt("commonmark", {"html": True}).enable("table").render(to_markdown(recipe))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(NASTY.filter(str.strip), st.lists(NASTY, max_size=3), st.lists(NASTY.filter(str.strip), max_size=3))
def test_any_recipe_gives_whole_tables(name, ingredients, steps):
    recipe = Recipe(name=name, ingredients=tuple(ingredients), steps=tuple(steps))
    tables = rows(to_markdown(recipe))
    assert len(tables) == 2 + len(ingredients) + len(steps)
    assert [len(row) for row in tables] == [3] * (1 + len(ingredients)) + [2] * (1 + len(steps))
    assert len(to_text(recipe).splitlines()) == 3 + len(steps)
