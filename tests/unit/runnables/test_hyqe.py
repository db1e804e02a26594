"""Question -> candidates -> the whole recipes."""

import json
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import Runnable
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from recipes import Recipe, to_text
from runnables.errors import InvalidInputError
from runnables.hyqe import HyqeConfig, build_hyqe, build_swap_in, check_question, recipe_of, to_document
from runnables.reranker import RerankerConfig, build_reranker
from runnables.schema import MAX_QUESTION, ExplainRow
from vectorstores import RecipeIndex


@pytest.fixture(scope="module")
def search(index: RecipeIndex) -> Runnable[str, dict[str, Any]]:
    return build_hyqe(HyqeConfig(top_k=20), index)


@pytest.fixture(scope="module")
def retrieve(index: RecipeIndex, search: Runnable[str, dict[str, Any]]) -> Runnable[str, list[Document]]:
    return search | build_reranker(RerankerConfig(floor=0.2), index) | build_swap_in(index)


# The question -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("  红烧肉怎么做\n", "红烧肉怎么做"),
        ("红烧\x00肉\u200b怎么\u202e做", "红烧肉怎么做"),
        ("红烧肉\n怎么做", "红烧肉\n怎么做"),
        ("a" * MAX_QUESTION, "a" * MAX_QUESTION),
        ("\ud83d红烧肉", "红烧肉"),
        ("👩‍🍳", "👩🍳"),
    ],
)
def test_check_question(question: str, expected: str):
    assert check_question(question) == expected


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("", "空的"),
        (" \n\t ", "空的"),
        ("\x00\u200b", "空的"),
        ("a" * (MAX_QUESTION + 1), f"{MAX_QUESTION + 1} 个字"),
        (None, "NoneType"),
        (["红烧肉"], "list"),
        (7, "int"),
    ],
)
def test_a_question_that_cannot_be_searched_is_one_sentence(question: Any, part: str):
    with pytest.raises(InvalidInputError, match=part):
        check_question(question)


def test_the_search_checks_its_question_too(search: Runnable[str, dict[str, Any]]):
    with pytest.raises(InvalidInputError):
        search.invoke("  ")


# The search -------------------------------------------------------------------------------------------------------


def test_the_state_has_what_the_reranker_needs(search: Runnable[str, dict[str, Any]]):
    state = search.invoke("红烧肉怎么做")
    assert set(state) == {"query", "lexical", "dense", "candidates"}
    assert state["query"].cores == ("红烧肉",)
    assert state["candidates"][0].question.startswith("红烧肉")
    scores = [candidate.fused_score for candidate in state["candidates"]]
    assert scores == sorted(scores, reverse=True)


async def test_sync_and_async_find_the_same(search: Runnable[str, dict[str, Any]]):
    assert search.invoke("番茄炒蛋怎么做") == await search.ainvoke("番茄炒蛋怎么做")


def test_only_the_clause_that_names_a_dish_is_embedded(search: Runnable[str, dict[str, Any]]):
    assert search.invoke("我是厨房里的新手小白一个，清蒸鲈鱼怎么做")["dense"].core == "清蒸鲈鱼"


def test_a_question_for_dishes_made_of_foods_searches_ingredients(search: Runnable[str, dict[str, Any]]):
    state = search.invoke("家里有番茄和牛腩，能做什么菜")
    assert state["query"].foods == ("番茄", "牛腩")
    assert state["candidates"][0].question == "番茄牛腩的做法"


def test_top_k_bounds_each_ranking(index: RecipeIndex):
    state = build_hyqe(HyqeConfig(top_k=5), index).invoke("红烧肉怎么做")
    assert len(state["dense"].hits) == 5
    assert len(state["lexical"].hits) <= 5


def test_the_trace_reads_like_the_file(search: Runnable[str, dict[str, Any]]):
    runs = RunCollectorCallbackHandler()
    search.invoke("红烧肉怎么做", {"callbacks": [runs]})
    (run,) = runs.traced_runs
    assert run.name == "SearchRecipes"
    assert [child.name for child in run.child_runs] == ["UnderstandQuestion", "LexicalSearch", "DenseSearch", "Fuse"]


# The documents ----------------------------------------------------------------------------------------------------


def test_a_document_is_the_whole_recipe_with_scores(retrieve: Runnable[str, list[Document]], index: RecipeIndex):
    document = retrieve.invoke("家常红烧肉怎么做")[0]
    recipe = index.recipe_by_id(document.metadata["recipe_id"])
    assert document.page_content == to_text(recipe)
    for part in (*recipe.ingredients, *recipe.steps, recipe.name):
        assert part in document.page_content
    meta = document.metadata
    assert (document.id, meta["name"], meta["dish"]) == (recipe.recipe_id, "红烧肉", "红烧肉")
    assert meta["matched_question"] == "家常红烧肉的做法"
    assert meta["source"] == "small.jsonl#0"
    assert meta["versions"] == ["红烧肉", "快手红烧肉"]
    assert 0.2 <= meta["score"] <= 1
    assert meta["fused_score"] <= 1
    assert meta["lexical_score"] > 0
    assert -1 <= meta["dense_score"] <= 1
    assert recipe_of(document) == recipe
    json.dumps(meta, ensure_ascii=False)  # it travels as JSON


def test_each_recipe_comes_once_best_first(retrieve: Runnable[str, list[Document]]):
    found = retrieve.invoke("红烧肉怎么做")
    assert [document.metadata["name"] for document in found][:2] == ["红烧肉", "快手红烧肉"]
    ids = [document.metadata["recipe_id"] for document in found]
    assert len(ids) == len(set(ids))


def test_what_is_not_there_gives_nothing(retrieve: Runnable[str, list[Document]]):
    assert retrieve.invoke("今天天气怎么样") == []


def test_the_same_question_twice_is_the_same_whatever_was_done_to_the_first_answer(
    retrieve: Runnable[str, list[Document]],
):
    first = retrieve.invoke("红烧肉怎么做")
    kept = [document.model_copy(deep=True) for document in first]
    for document in first:
        document.page_content = "改了"
        document.metadata["versions"].append("改了")
        document.metadata["recipe"]["recipeIngredient"] = ["改了"]
        document.metadata["recipe"].clear()
        document.metadata.clear()
    assert retrieve.invoke("红烧肉怎么做") == kept


def test_only_kept_rows_are_swapped_in(index: RecipeIndex):
    rows = (build_hyqe(HyqeConfig(), index) | build_reranker(RerankerConfig(floor=0.2), index)).invoke("红烧肉怎么做")
    assert [row for row in rows if not row["kept"]], "there is something to leave out"
    found = build_swap_in(index).invoke(rows)
    assert [document.metadata["recipe_id"] for document in found] == [row["recipe_id"] for row in rows if row["kept"]]


def test_to_document_needs_no_index():
    recipe = Recipe(name="粥", steps=("煮。",))
    row = ExplainRow(
        order=1, matched_question="粥的做法", recipe_id=recipe.recipe_id, ref="", dish="粥", lexical_rank=None,
        lexical_score=0.0, dense_rank=1, dense_score=0.5, fused_score=0.4, rerank_score=0.3, kept=True, reason="",
        features={},
    )  # fmt: skip
    document = to_document(recipe, row, ["粥"])
    assert document.metadata["dish"] == "粥", "a recipe without a dish is its own dish"
    assert recipe_of(document) == recipe
