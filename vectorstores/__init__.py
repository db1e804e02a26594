"""Everything about indexes: built, opened, searched. Knows nothing of chat."""

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
