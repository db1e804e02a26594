"""Candidates -> rows: merged by recipe, scored, cut at the floor, each with its reason."""

from dataclasses import replace
from typing import Any

import pytest

from runnables.hyqe import HyqeConfig, build_hyqe
from runnables.reranker import Reranker, RerankerConfig, build_reranker
from runnables.schema import ExplainRow
from vectorstores import RecipeIndex


@pytest.fixture(scope="module")
def explain(index: RecipeIndex):
    def run(question: str, **config: Any) -> list[ExplainRow]:
        state = build_hyqe(HyqeConfig(), index).invoke(question)
        return build_reranker(RerankerConfig(**config), index).invoke(state)

    return run


def kept(rows: list[ExplainRow]) -> list[str]:
    return [row["dish"] for row in rows if row["kept"]]


def test_there_is_one_row_for_each_candidate_in_the_order_of_the_fusion(explain, index: RecipeIndex):
    state = build_hyqe(HyqeConfig(), index).invoke("红烧肉怎么做")
    rows = explain("红烧肉怎么做")
    assert [row["order"] for row in rows] == list(range(1, len(state["candidates"]) + 1))
    assert [row["matched_question"] for row in rows] == [candidate.question for candidate in state["candidates"]]
    assert set(rows[0]) == ExplainRow.__required_keys__
    best = rows[0]
    assert (best["dish"], best["ref"], best["lexical_rank"], best["dense_rank"]) == ("红烧肉", "small.jsonl#0", 1, 1)
    assert best["features"]["bias"] == 1.0


def test_questions_of_one_recipe_are_merged(explain):
    rows = explain("红烧肉怎么做", floor=0.0, top_n=20)
    first: dict[str, int] = {}
    for row in rows:
        if row["recipe_id"] in first:
            assert not row["kept"]
            assert row["reason"] == f"duplicate: the same recipe stands at {first[row['recipe_id']]}"
            assert row["rerank_score"] is None
        else:
            first[row["recipe_id"]] = row["order"]
    assert len(rows) > len(first) > 1
    assert len([row for row in rows if row["kept"]]) == len(first)


def test_every_reason(explain):
    rows = explain("红烧肉怎么做", floor=0.3, top_n=1, scored=5)
    reasons = {row["reason"].split(":")[0] for row in rows}
    assert reasons == {"kept", "over top_n", "duplicate", "below floor", "too far down"}
    for row in rows:
        kind, _, detail = row["reason"].partition(": ")
        score = row["rerank_score"]
        assert row["kept"] == (kind == "kept")
        if kind in ("kept", "over top_n"):
            assert score is not None
            assert score >= 0.3
        if kind == "below floor":
            assert score is not None
            assert score < 0.3
            assert detail.endswith("< 0.300")
        if kind in ("duplicate", "too far down"):
            assert score is None
    assert sum(row["reason"] == "over top_n: 1 recipes are kept already" for row in rows) == 1
    assert all("only the first 5 recipes" in row["reason"] for row in rows if row["reason"].startswith("too far"))


@pytest.mark.parametrize("top_n", [1, 2, 3])
def test_top_n(explain, top_n: int):
    rows = explain("红烧肉怎么做", floor=0.0, top_n=top_n)
    assert len(kept(rows)) == top_n
    assert next(row["order"] for row in rows if row["kept"]) == 1


def test_only_the_first_recipes_get_a_score(explain):
    rows = explain("红烧肉怎么做", scored=2)
    assert len({row["recipe_id"] for row in rows if row["rerank_score"] is not None}) == 2
    assert sum(row["rerank_score"] is not None for row in rows) == 2


def test_the_floor_of_the_index_and_its_override(explain, index: RecipeIndex):
    calibrated = explain("红烧肉怎么做")
    threshold = f"{index.floor.threshold:.3f}"
    assert calibrated[0]["reason"].endswith(f"floor {threshold}")
    assert kept(explain("红烧肉怎么做", floor=1.0)) == []
    everything = explain("今天天气不错我想出去走走", floor=0.0, top_n=20)
    assert len(kept(everything)) == len({row["recipe_id"] for row in everything})
    best = calibrated[0]["rerank_score"]
    assert best is not None
    assert kept(explain("红烧肉怎么做", floor=best - 0.001))[:1] == ["红烧肉"]


def test_a_score_exactly_at_the_floor_is_kept(index: RecipeIndex):
    state = build_hyqe(HyqeConfig(), index).invoke("红烧肉怎么做")
    query, dense = state["query"], state["dense"]
    features = index.with_features(query, dense.core, dense.mean, state["candidates"][0]).features
    exact = index.floor.probability(features)
    assert Reranker(RerankerConfig(floor=exact), index)(state)[0]["kept"]
    assert not Reranker(RerankerConfig(floor=exact + 1e-9), index)(state)[0]["kept"]


@pytest.mark.parametrize("question", ["怎么做？", "你好", "谢谢"])
def test_a_question_that_names_no_dish_keeps_nothing(explain, question: str):
    rows = explain(question, floor=0.0)
    assert kept(rows) == []
    scored = [row for row in rows if row["rerank_score"] is not None]
    assert {row["rerank_score"] for row in scored} <= {0.0}
    assert {row["reason"] for row in scored} <= {"the question names no dish"}


def test_foods_are_judged_by_the_ingredients(explain):
    rows = explain("番茄和牛腩能做什么菜", floor=0.0)
    assert rows[0]["dish"] == "番茄牛腩"
    assert rows[0]["features"]["food_coverage"] == 1.0


def test_no_candidates_are_no_rows(index: RecipeIndex):
    state = build_hyqe(HyqeConfig(), index).invoke("红烧肉怎么做")
    assert Reranker(RerankerConfig(), index)({**state, "candidates": []}) == []


def test_the_state_is_not_edited_and_the_rows_are_the_callers(explain, index: RecipeIndex):
    state = build_hyqe(HyqeConfig(), index).invoke("红烧肉怎么做")
    before = {**state, "candidates": [replace(candidate) for candidate in state["candidates"]]}
    rerank = Reranker(RerankerConfig(), index)
    rows = rerank(state)
    assert state == before
    again = rerank(state)
    assert rows == again
    rows[0]["features"]["bias"] = 99.0
    rows[0]["reason"] = "改了"
    assert rerank(state) == again


async def test_sync_and_async_and_the_name_in_the_trace(index: RecipeIndex):
    state = build_hyqe(HyqeConfig(), index).invoke("红烧肉怎么做")
    step = build_reranker(RerankerConfig(), index)
    assert step.invoke(state) == await step.ainvoke(state)
    assert step.get_name() == "Rerank"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("红烧肉的做法", True),
        ("清蒸鲈鱼要蒸多久", True),
        ("佛跳墙的做法", False),
        ("怎么做", False),
        ("今天天气不错", False),
        ("番茄和牛腩能做什么菜", False),  # foods are no dish
    ],
)
def test_knows(index: RecipeIndex, text: str, known: bool):
    assert Reranker(RerankerConfig(floor=0.3), index).knows(text) is known
