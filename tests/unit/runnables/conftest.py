"""A recipe with every kind of number, the starter corpus, and a small index with fake embeddings."""

import json
from pathlib import Path

import pytest

from recipes import Recipe, read_recipes
from vectorstores import EmbeddingsConfig, RecipeIndex, build_embeddings, build_index

STARTER = Path(__file__).resolve().parents[3] / "recipes/starter.jsonl"


@pytest.fixture(scope="session")
def pork() -> Recipe:
    return Recipe(
        name="红烧肉",
        dish="红烧肉",
        servings=3,
        time_min=90,
        ingredients=(
            "500克五花肉",
            "30克冰糖",
            "2汤匙生抽",
            "半茶匙盐",
            "3片姜",
            "2个八角",
            "1根葱",
            "3汤匙食用油",
            "适量清水",
        ),
        steps=(
            "五花肉切3厘米见方的块，冷水下锅焯2分钟。",
            "锅里放2汤匙油和冰糖，小火炒5分钟到枣红色。",
            "加姜、八角、生抽，倒入没过肉的清水，小火炖50分钟。",
            "烤箱预热到180度，烤10~15分钟；油温六成热时再下锅。",
            "加半茶匙盐，大火收汁。",
        ),
    )


@pytest.fixture(scope="session")
def corpus() -> list[Recipe]:
    found = [recipe for recipe in read_recipes(STARTER) if isinstance(recipe, Recipe)]
    assert len(found) > 500
    return found


@pytest.fixture(scope="session")
def named(corpus: list[Recipe]) -> dict[str, Recipe]:
    return {recipe.name: recipe for recipe in corpus}


SMALL = [
    {"name": "红烧肉", "servings": 4, "recipeIngredient": ["500克五花肉", "30克冰糖"],
     "recipeInstructions": ["焯2分钟。", "炖50分钟。"],
     "aliases": ["家常红烧肉", "五花红烧肉"], "questions": ["红烧肉怎么烧才不腻"]},
    {"name": "快手红烧肉", "dish": "红烧肉", "recipeIngredient": ["400克五花肉"], "recipeInstructions": ["压20分钟。"]},
    {"name": "番茄炒蛋", "recipeIngredient": ["2个番茄", "3个鸡蛋"], "recipeInstructions": ["炒蛋。", "炒番茄。"]},
    {"name": "番茄牛腩", "recipeIngredient": ["3个番茄", "500克牛腩"], "recipeInstructions": ["炖2小时。"]},
    {"name": "麻婆豆腐", "name_en": "Mapo Tofu", "recipeIngredient": ["1块豆腐"], "recipeInstructions": ["烧5分钟。"]},
    {"name": "清蒸鲈鱼", "recipeIngredient": ["1条鲈鱼"], "recipeInstructions": ["蒸8分钟。"]},
    {"name": "蒜蓉西兰花", "recipeIngredient": ["1颗西兰花"], "recipeInstructions": ["炒2分钟。"]},
    {"name": "皮蛋瘦肉粥", "recipeIngredient": ["2个皮蛋"], "recipeInstructions": ["煮40分钟。"]},
]  # fmt: skip


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> RecipeIndex:
    """Eight recipes with fake embeddings; one dish has two of them."""
    folder = tmp_path_factory.mktemp("index")
    source = folder / "small.jsonl"
    source.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in SMALL), encoding="utf-8")
    embedders = build_embeddings(EmbeddingsConfig(kind="fake", latin="none"))
    build_index(source, folder / "built", embedders)
    return RecipeIndex.open(folder / "built", embedders)
