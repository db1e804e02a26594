"""Everything about indexes: built, opened, searched. Knows nothing of chat."""

import os

# The e5 engine's OpenMP threads would spin while they wait for each other: 7 ms a question on an idle machine become
# 400 ms on a busy one. Read when the OpenMP runtime is loaded, so it is set before anything that loads it.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from vectorstores.build import BuildReport, build_index
from vectorstores.embeddings import EmbeddingsConfig, build_embeddings
from vectorstores.errors import IndexBuildError, IndexMismatchError, IndexMissingError, VectorstoreError
from vectorstores.index import Candidate, IndexConfig, RecipeIndex
from vectorstores.query import SearchQuery, understand

__all__ = [
    "BuildReport",
    "Candidate",
    "EmbeddingsConfig",
    "IndexBuildError",
    "IndexConfig",
    "IndexMismatchError",
    "IndexMissingError",
    "RecipeIndex",
    "SearchQuery",
    "VectorstoreError",
    "build_embeddings",
    "build_index",
    "understand",
]
