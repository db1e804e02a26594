"""Exact inner-product search over unit question vectors (FAISS flat)."""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from vectorstores.errors import IndexMismatchError

Vectors = NDArray[np.float32]


class DenseIndex:
    """Open vector index: row number = question id.

    Shapes: rows (Q, d) float32, unit length; scores are cosines, -1..1, higher is nearer.
    """

    def __init__(self, file: Path) -> None:
        try:
            # FAISS's own format, not a pickle; the flat index is read as plain floats.
            self._index = faiss.read_index(str(file))
        except RuntimeError:
            # FAISS tells which of its C++ functions gave up; to the reader of this sentence that says nothing.
            raise IndexMismatchError(f"the dense part {file.name} is cut short or damaged; rebuild the index") from None
        self._mean = np.asarray(self._index.reconstruct_n(0, self._index.ntotal), dtype=np.float32).mean(axis=0)

    @staticmethod
    def build(file: Path, vectors: Vectors) -> None:
        """Write an index of (Q, d) unit vectors."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors))
        # Through Python's file, so that a full disk is an OSError, also one that is noticed on close only.
        with file.open("wb") as stream:
            faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write))  # type: ignore[attr-defined]

    @property
    def count(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Width d of a vector."""
        return int(self._index.d)

    def search(self, query: Vectors, limit: int) -> list[tuple[int, float]]:
        """(d,) unit vector -> (qid, cosine), best first; equal scores by qid."""
        scores, ids = self._index.search(query[np.newaxis, :], min(limit, self.count))
        hits = [(int(qid), float(score)) for score, qid in zip(scores[0], ids[0], strict=True) if qid >= 0]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

    def scores(self, query: Vectors, qids: list[int]) -> list[float]:
        """Exact cosines of named questions, for candidates that another ranking found."""
        return [float(np.dot(self._index.reconstruct(qid), query)) for qid in qids]

    def mean_score(self, query: Vectors) -> float:
        """The cosine that an average question of the index has with this query: what the model gives the unrelated."""
        return float(np.dot(self._mean, query))
