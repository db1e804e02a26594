"""Question -> recipes: match the questions that recipes answer, then swap in the recipe.

HyQE (hypothetical-question embedding), as this project means it: a recipe is filed under the questions that it answers;
only questions are embedded and searched, and the recipe takes the question's place after ranking, on a new Document.
(Zhou et al., HyQE, Findings of EMNLP 2024, arXiv:2410.15262 use the name for another method: they re-rank retrieved
contexts by generated questions.)
"""

from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import Field

from configs import Section
from recipes import Recipe, to_text
from runnables.errors import InvalidInputError
from runnables.schema import MAX_QUESTION, ExplainRow
from vectorstores import Candidate, RecipeIndex, SearchQuery, understand
from vectorstores.index import Ranking, clause_for_meaning


class HyqeConfig(Section):
    """How wide the search is."""

    top_k: int = Field(50, ge=5, le=500)
    """Questions fetched from each ranking before fusion."""


def check_question(question: str) -> str:
    """A question as it came -> the question, or a sentence on what is wrong with it."""
    if not isinstance(question, str):
        raise InvalidInputError(f"问题应该是一段文字，收到的是 {type(question).__name__}。")
    text = "".join(char for char in question if char.isprintable() or char in "\n\t").strip()
    if not text:
        raise InvalidInputError("问题是空的，请写下想做的菜，例如：红烧肉怎么做。")
    if len(text) > MAX_QUESTION:
        raise InvalidInputError(f"问题有 {len(text)} 个字，最多 {MAX_QUESTION} 个字，请写短一些。")
    return text


def build_hyqe(config: HyqeConfig, index: RecipeIndex) -> Runnable[str, dict[str, Any]]:
    """The search: str -> {query, lexical, dense, candidates}, candidates best first.

    Steps in the trace: UnderstandQuestion, LexicalSearch, DenseSearch, Fuse.
    """

    def read(question: str) -> SearchQuery:
        return understand(check_question(question))

    def by_words(query: SearchQuery) -> Ranking:
        return index.lexical_search(query, config.top_k)

    def by_meaning(asked: dict[str, Any]) -> Ranking:
        return index.dense_search(asked["query"], config.top_k, asked["core"])

    def fuse(state: dict[str, Any]) -> list[Candidate]:
        return index.fuse(state["query"], state["lexical"], state["dense"])

    understanding = RunnableLambda(read, name="UnderstandQuestion")
    lexical_search = RunnableLambda(by_words, name="LexicalSearch")
    dense_search = RunnableLambda(by_meaning, name="DenseSearch")
    fusion = RunnableLambda(fuse, name="Fuse")

    def search(question: str, config: RunnableConfig) -> dict[str, Any]:
        query = understanding.invoke(question, config)
        lexical = lexical_search.invoke(query, config)
        dense = dense_search.invoke({"query": query, "core": clause_for_meaning(query, lexical)}, config)
        state = {"query": query, "lexical": lexical, "dense": dense}
        return {**state, "candidates": fusion.invoke(state, config)}

    return RunnableLambda(search, name="SearchRecipes")


def to_document(recipe: Recipe, row: ExplainRow, versions: list[str]) -> Document:
    """A kept row and its recipe -> a new Document: the whole recipe as text, the question and the scores in metadata.

    Args:
        recipe: The whole recipe.
        row: The row of the search that kept it.
        versions: Names of all recipes of the same dish in the index, this one included.
    """
    return Document(
        id=recipe.recipe_id,
        page_content=to_text(recipe),
        metadata={
            "recipe_id": recipe.recipe_id,
            "dish": recipe.dish or recipe.name,
            "name": recipe.name,
            "matched_question": row["matched_question"],
            "source": recipe.ref,
            "score": row["rerank_score"],
            "fused_score": row["fused_score"],
            "lexical_score": row["lexical_score"],
            "dense_score": row["dense_score"],
            "versions": versions,
            "recipe": recipe.to_record(),
        },
    )


def recipe_of(document: Document) -> Recipe:
    """The recipe behind a Document of ``to_document``."""
    return Recipe.model_validate(document.metadata["recipe"])


def build_swap_in(index: RecipeIndex) -> Runnable[list[ExplainRow], list[Document]]:
    """Rows of a search -> the kept recipes as Documents, best first."""

    def swap(rows: list[ExplainRow]) -> list[Document]:
        return [
            to_document(index.recipe_by_id(row["recipe_id"]), row, index.docstore.names_of_dish(row["dish"]))
            for row in rows
            if row["kept"]
        ]

    return RunnableLambda(swap, name="SwapInRecipe")
