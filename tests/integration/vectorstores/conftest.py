"""The real embedding models, and an index of the whole starter corpus that is built once."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import recipes
from vectorstores import (
    BuildReport,
    Candidate,
    EmbeddingsConfig,
    RecipeIndex,
    build_embeddings,
    build_index,
    understand,
)
from vectorstores.embeddings import EmbedderPair

CORPUS = Path(recipes.__file__).with_name("starter.jsonl")


@dataclass
class Built:
    """The index of the starter corpus, with the report of its build."""

    folder: Path
    report: BuildReport


@pytest.fixture(scope="session")
def starter_records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def embedders() -> EmbedderPair:
    """multilingual-e5-small for all questions, USE for those without Chinese: the default profile's models."""
    # The engine's threads spin while they wait; where all cores are busy with other tests, a question takes 50 times as
    # long for it. Read when the engine is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    return build_embeddings(EmbeddingsConfig())


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory, embedders: EmbedderPair) -> Built:
    folder = tmp_path_factory.mktemp("starter") / "index"
    return Built(folder, build_index(CORPUS, folder, embedders))


@pytest.fixture(scope="session")
def index(starter: Built, embedders: EmbedderPair) -> RecipeIndex:
    return RecipeIndex.open(starter.folder, embedders)


@pytest.fixture(scope="session")
def search() -> Callable[..., list[Candidate]]:
    """(index, question) -> candidates; features are added to the first one only."""

    def run(index: RecipeIndex, question: str, limit: int = 50) -> list[Candidate]:
        query = understand(question)
        lexical = index.lexical_search(query, limit)
        dense = index.dense_search(query, limit, lexical.core if lexical.hits and not query.foods else None)
        first, *rest = index.fuse(query, lexical, dense)
        core = max(query.cores, key=len) if query.foods else dense.core
        return [index.with_features(query, core, dense.mean, first), *rest]

    return run


@pytest.fixture(scope="session")
def probability(index: RecipeIndex, search: Callable[..., list[Candidate]]) -> Callable[[str], float]:
    """Question -> the probability that the best candidate answers it, as the reranker computes it."""

    def of(question: str) -> float:
        return 0.0 if understand(question).all_shell else index.floor.probability(search(index, question)[0].features)

    return of
