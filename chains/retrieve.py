"""question -> recipes. /retrieve, /explain and the search inside /answer and /chat are this one object."""

from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable

from runnables.schema import ExplainRow


def build_search(
    hyqe: Runnable[str, dict[str, Any]], reranker: Runnable[dict[str, Any], list[ExplainRow]]
) -> Runnable[str, list[ExplainRow]]:
    """Str -> every candidate with its scores and its fate, best first."""
    return hyqe | reranker


def build_retrieve(
    search: Runnable[str, list[ExplainRow]], swap_in: Runnable[list[ExplainRow], list[Document]]
) -> Runnable[str, list[Document]]:
    """Str -> the kept recipes, whole, best first; an empty list where there is no such recipe."""
    return (search | swap_in).with_config(run_name="Retrieve")
