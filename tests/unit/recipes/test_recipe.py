"""recipes/recipe.py: one record, its identity and its way to disk and back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recipes import Recipe

WORDS = st.lists(st.text(max_size=20), max_size=4).map(tuple)


@pytest.fixture
def recipe():
    return Recipe(
        name="番茄炒蛋",
        ingredients=("3个番茄", "适量盐", "【蘸料】"),
        steps=("番茄切块。", "炒熟。"),
        servings=2,
        time_min=15,
        questions=("番茄炒蛋怎么做",),
    )


def test_the_id_is_made_of_name_ingredients_and_steps_alone(recipe):
    elsewhere = recipe.model_copy(update={"ref": "b.jsonl#7", "author": "某人", "servings": 9, "questions": ()})
    assert Recipe(**elsewhere.model_dump()).recipe_id == recipe.recipe_id
    assert len(recipe.recipe_id) == 16
    assert int(recipe.recipe_id, 16) >= 0


def test_the_id_is_the_same_on_every_machine(recipe):
    assert recipe.recipe_id == "5bb22ef86e71d06e"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "番茄炒鸡蛋"},
        {"ingredients": ("3个番茄", "适量盐")},
        {"steps": ("番茄切块。炒熟。",)},
        {"ingredients": (), "steps": ("3个番茄", "适量盐", "【蘸料】", "番茄切块。", "炒熟。")},
    ],
)
def test_other_content_has_another_id(recipe, change):
    assert Recipe(**{**recipe.model_dump(), **change}).recipe_id != recipe.recipe_id


def test_ingredients_are_parsed_in_order(recipe):
    assert [item.name for item in recipe.parsed_ingredients] == ["番茄", "盐", ""]
    assert [item.heading for item in recipe.parsed_ingredients] == [False, False, True]


def test_a_record_leaves_empty_fields_out(recipe):
    record = recipe.to_record()
    assert set(record) == {"name", "ingredients", "steps", "servings", "time_min", "questions"}


def test_a_record_comes_back_from_json(recipe):
    again = Recipe.model_validate(json.loads(json.dumps(recipe.to_record(), ensure_ascii=False)))
    assert again == recipe
    assert again.recipe_id == recipe.recipe_id


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.text(min_size=1, max_size=40), WORDS, WORDS, st.integers(0, 1000), st.integers(0, 525_600))
def test_any_recipe_survives_the_record(name, ingredients, steps, servings, time_min):
    recipe = Recipe(name=name, ingredients=ingredients, steps=steps, servings=servings, time_min=time_min)
    assert Recipe.model_validate(json.loads(json.dumps(recipe.to_record()))) == recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "菜" * 501),
        ("servings", -1),
        ("servings", 1001),
        ("time_min", -1),
        ("time_min", 525_601),
        ("time_min", 2**63),
        ("ingredients", "3个番茄"),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_is_refused(recipe, field, value):
    with pytest.raises(ValidationError) as caught:
        Recipe(**{**recipe.model_dump(), field: value})
    assert caught.value.errors()[0]["loc"][0] == field


def test_a_recipe_never_changes(recipe):
    with pytest.raises(ValidationError):
        recipe.name = "蛋炒番茄"
