"""(question, candidates) -> the same candidates merged by recipe, scored, cut at the index's calibrated floor."""

from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import Field

from configs import Section
from runnables.schema import ExplainRow
from vectorstores import Candidate, RecipeIndex, SearchQuery, understand
from vectorstores.index import Ranking


class RerankerConfig(Section):
    """What is kept of a search."""

    top_n: int = Field(3, ge=1, le=20)
    """Recipes kept at most."""
    scored: int = Field(10, ge=1, le=100)
    """Distinct recipes that get a probability; the rest is too far down to be kept."""
    floor: float | None = Field(None, ge=0, le=1)
    """Overrides the threshold that the index was calibrated with."""


class Reranker:
    """Score fused candidates with the index's logistic model and say of each why it was kept or dropped.

    The order is the fusion's: a lighter re-ordering by characters and sound adds nothing to it (docs/log.md), while the
    probability decides what is no answer at all.
    """

    def __init__(self, config: RerankerConfig, index: RecipeIndex) -> None:
        self._config = config
        self._index = index
        self._threshold = index.floor.threshold if config.floor is None else config.floor

    def __call__(self, state: dict[str, Any]) -> list[ExplainRow]:
        """{query, dense, candidates} -> one row per candidate, best first."""
        query: SearchQuery = state["query"]
        dense: Ranking = state["dense"]
        core = max(query.cores, key=len) if query.foods else dense.core
        rows: list[ExplainRow] = []
        best_row: dict[int, int] = {}
        kept = 0
        for order, candidate in enumerate(state["candidates"], start=1):
            first = best_row.setdefault(candidate.number, order)
            score: float | None = None
            scored = candidate
            if first == order and len(best_row) <= self._config.scored:
                scored = self._index.with_features(query, core, dense.mean, candidate)
                score = 0.0 if query.all_shell else self._index.floor.probability(scored.features)
            keep, reason = self._decide(query, score, first, order, kept)
            kept += keep
            rows.append(self._row(scored, order, score, keep, reason))
        return rows

    def knows(self, text: str) -> bool:
        """Whether the index has a recipe that answers a text."""
        query = understand(text)
        lexical = self._index.lexical_search(query, self._config.scored * 2)
        if not lexical.hits or query.foods:
            return False
        dense = self._index.dense_search(query, self._config.scored * 2, lexical.core)
        candidates = self._index.fuse(query, lexical, dense)
        return any(row["kept"] for row in self({"query": query, "dense": dense, "candidates": candidates}))

    def _decide(self, query: SearchQuery, score: float | None, first: int, order: int, kept: int) -> tuple[bool, str]:
        if first != order:
            return False, f"duplicate: the same recipe stands at {first}"
        if score is None:
            return False, f"too far down: only the first {self._config.scored} recipes are scored"
        if query.all_shell:
            return False, "the question names no dish"
        if score < self._threshold:
            return False, f"below floor: {score:.3f} < {self._threshold:.3f}"
        if kept >= self._config.top_n:
            return False, f"over top_n: {self._config.top_n} recipes are kept already"
        return True, f"kept: {score:.3f} >= floor {self._threshold:.3f}"

    def _row(self, candidate: Candidate, order: int, score: float | None, kept: bool, reason: str) -> ExplainRow:
        recipe_id, ref, dish = self._index.docstore.card(candidate.number)
        return ExplainRow(
            order=order,
            matched_question=candidate.question,
            recipe_id=recipe_id,
            ref=ref,
            dish=dish,
            lexical_rank=candidate.lexical_rank,
            lexical_score=round(candidate.lexical_score, 4),
            dense_rank=candidate.dense_rank,
            dense_score=round(candidate.dense_score, 4),
            fused_score=round(candidate.fused_score, 4),
            rerank_score=None if score is None else round(score, 4),
            kept=kept,
            reason=reason,
            features={name: round(value, 4) for name, value in candidate.features.items()},
        )


def build_reranker(config: RerankerConfig, index: RecipeIndex) -> Runnable[dict[str, Any], list[ExplainRow]]:
    """The search state -> rows, as the step ``Rerank``."""
    return RunnableLambda(Reranker(config, index).__call__, name="Rerank")
