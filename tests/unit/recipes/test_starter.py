"""recipes/starter.jsonl: the recipes that ship with the package keep their own rules."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import recipes
from recipes import Recipe, find_quantities, question_core, question_forms, read_recipes

STARTER = Path(recipes.__file__).with_name("starter.jsonl")
# How long it keeps, and what may be done on another day, is no part of the way to the table.
LATER = re.compile(r"吃完|喝完|用完|连吃|保存|冷藏|冷冻|更好|更红|更酸|多放")
# A baby under one gets none of these; 无盐海苔 and 不加盐 are fine.
NOT_FOR_BABIES = re.compile(r"(?<![无不])(?:食?盐|糖|蜂蜜|酱油|生抽|老抽|蚝油|鸡精|味精)")


@pytest.fixture(scope="module")
def starter():
    return list(read_recipes(STARTER))


def shared(pairs):
    """Keys that more than one recipe has."""
    owners = defaultdict(set)
    for key, name in pairs:
        owners[key].add(name)
    return {key: names for key, names in owners.items() if len(names) > 1}


def test_every_line_is_a_recipe(starter):
    assert [item for item in starter if not isinstance(item, Recipe)] == []
    assert len(starter) == len(STARTER.read_text(encoding="utf-8").splitlines())
    assert len(starter) >= 300


def test_every_recipe_says_all_that_the_others_say(starter):
    fields = ("name_en", "description", "cuisine", "category", "keywords", "questions", "servings", "time_min")
    assert [(recipe.name, field) for recipe in starter for field in fields if not getattr(recipe, field)] == []
    assert [recipe.name for recipe in starter if len(recipe.ingredients) < 2 or len(recipe.steps) < 3] == []


def test_no_two_recipes_share_a_name(starter):
    names = [(name, recipe.name) for recipe in starter for name in (recipe.name, *recipe.aliases)]
    assert shared(names) == {}
    assert [name for name, count in Counter(recipe.name for recipe in starter).items() if count > 1] == []


def test_no_two_recipes_share_a_question(starter):
    assert shared((question, recipe.name) for recipe in starter for question in recipe.questions) == {}
    forms = [(question_core(form) or form, recipe.name) for recipe in starter for form in question_forms(recipe)]
    assert shared(forms) == {}


def test_no_two_recipes_share_an_id(starter):
    assert len({recipe.recipe_id for recipe in starter}) == len(starter)


def test_a_recipe_is_found_in_its_own_questions(starter):
    """The first question of a recipe names the dish, and its core is the name: no shell eats a part of it."""
    assert [recipe.name for recipe in starter if question_core(recipe.questions[0]) != question_core(recipe.name)] == []
    assert [recipe.name for recipe in starter if question_core(recipe.name) != recipe.name.lower()] == []


def test_every_category_has_a_choice(starter):
    counts = Counter(recipe.category for recipe in starter)
    assert {category: count for category, count in counts.items() if count < 3} == {}


def test_every_ingredient_has_a_name(starter):
    wrong = [(recipe.name, item.text) for recipe in starter for item in recipe.parsed_ingredients if not item.name]
    assert wrong == []


def test_ingredient_names_hold_no_amount(starter):
    wrong = [
        (recipe.name, item.text)
        for recipe in starter
        for item in recipe.parsed_ingredients
        if find_quantities(item.name) or "适量" in item.name or "少许" in item.name
    ]
    assert wrong == []


def test_nearly_every_ingredient_has_an_amount(starter):
    items = [item for recipe in starter for item in recipe.parsed_ingredients]
    assert sum(bool(item.quantity or item.vague) for item in items) / len(items) >= 0.95


def test_every_step_ends_in_a_full_stop(starter):
    assert [(recipe.name, step) for recipe in starter for step in recipe.steps if not step.endswith("。")] == []


def test_steps_have_no_number_in_front(starter):
    numbered = re.compile(r"^(?:\d+[.、)）](?!\d)|第[一二三四五六七八九十\d]+步|[①-⑳])")
    assert [(recipe.name, step) for recipe in starter for step in recipe.steps if numbered.match(step)] == []


def test_total_time_is_plausible(starter):
    """Between five minutes and three weeks, and no shorter than the longest wait that a step asks for."""
    assert [(recipe.name, recipe.time_min) for recipe in starter if not 5 <= recipe.time_min <= 30_240] == []
    too_short = [
        (recipe.name, recipe.time_min, quantity.text)
        for recipe in starter
        for step in recipe.steps
        for clause in re.split("[，。；：]", step)
        if not LATER.search(clause)
        for quantity in find_quantities(clause)
        if quantity.dimension == "time" and quantity.bounds()[0] > recipe.time_min * 60
    ]
    assert too_short == []


def test_servings_are_plausible(starter):
    assert [(recipe.name, recipe.servings) for recipe in starter if not 1 <= recipe.servings <= 20] == []


def test_oven_and_oil_temperatures_are_plausible(starter):
    wrong = [
        (recipe.name, quantity.text)
        for recipe in starter
        for step in recipe.steps
        for quantity in find_quantities(step)
        if quantity.dimension == "temperature" and not (quantity.kind == "℃" and 0 <= quantity.low <= 260)
    ]
    assert wrong == []


def test_baby_food_holds_no_salt_sugar_or_honey(starter):
    babies = [recipe for recipe in starter if recipe.category == "宝宝辅食"]
    assert len(babies) >= 10
    wrong = [(recipe.name, line) for recipe in babies for line in recipe.ingredients if NOT_FOR_BABIES.search(line)]
    assert wrong == []
    steps = [
        (recipe.name, step)
        for recipe in babies
        for step in recipe.steps
        if re.search(r"[加放撒](?:少许|适量)?[盐糖]", step)
    ]
    assert [(name, step) for name, step in steps if not re.search(r"不(?:要)?[加放][盐糖]", step)] == []
