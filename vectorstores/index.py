"""An open recipe index: lexical and dense rankings of questions, fused; recipes by number.

Every method is pure: the same question gives the same list, and no document is ever changed.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from configs import Section
from recipes import Recipe, normalise
from vectorstores import tokens
from vectorstores.dense import DenseIndex, Vectors
from vectorstores.docstore import Docstore
from vectorstores.embeddings import Embedder, EmbedderPair
from vectorstores.errors import IndexMismatchError
from vectorstores.floor import Floor
from vectorstores.fusion import fuse
from vectorstores.lexical import LexicalIndex
from vectorstores.manifest import Manifest, sha256_of
from vectorstores.query import SearchQuery, asked_form, core_of

LEXICAL, DENSE, LATIN, RECIPES = "lexical", "dense.faiss", "dense-latin.faiss", "recipes.sqlite"
# Share of the pinyin score in the lexical score; the rest is the characters'.
SOUND = 0.6
# Share of the ingredient coverage in the fused score of a question for dishes made of ingredients.
FOODS = 0.8


class IndexConfig(Section):
    """Which index is served."""

    dir: str = ""
    """Folder of the index; by default ``<data dir>/indexes/starter``, built from the starter corpus when missing."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One question in one ranking. Score: BM25 (> 0) or cosine (-1..1); higher is better. Rank counts from 1."""

    qid: int
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """One ranking of a query, with what the fusion needs to know of it.

    Attributes:
        core: The clause that was searched (lexical: the one that the index knows best).
        mean: Dense only: the cosine of an average question of the index.
    """

    core: str
    hits: tuple[Hit, ...]
    mean: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One matched question of one recipe, with every score that led to its place."""

    qid: int
    number: int
    question: str
    fused_score: float
    dense_score: float
    dense_rank: int | None
    lexical_score: float
    lexical_rank: int | None
    features: dict[str, float] = field(default_factory=dict)


class RecipeIndex:
    """Question -> candidates; number -> recipe. Safe to share between threads.

    Shapes: dense part (Q, d) float32, unit rows; Q questions, d = manifest.embedder.dimension.
    """

    def __init__(self, folder: Path, manifest: Manifest, embedders: EmbedderPair) -> None:
        self.folder = folder
        self.manifest = manifest
        self.floor = Floor.from_json(manifest.floor)
        self._embedders = embedders
        data = folder / manifest.data
        self.docstore = Docstore(data / RECIPES)
        self._lexical = LexicalIndex(data / LEXICAL)
        self._dense = DenseIndex(data / DENSE)
        self._latin = DenseIndex(data / LATIN) if manifest.latin_embedder else None
        # Dense search and fusion ask for the same vector, and it is the dearest part of a search.
        self._vector = lru_cache(maxsize=256)(self._embed)

    @classmethod
    def open(cls, folder: Path, embedders: EmbedderPair) -> "RecipeIndex":
        """Open an index for searching.

        Raises:
            IndexMissingError: no index in the folder.
            IndexMismatchError: built by other parts, or damaged.
        """
        manifest = Manifest.read(folder)
        try:
            return cls._open_build(folder, manifest, embedders)
        except IndexMismatchError:
            if Manifest.read(folder).data == manifest.data:
                raise
            # A build put a new index in place between the two lines above.
            return cls.open(folder, embedders)

    @classmethod
    def _open_build(cls, folder: Path, manifest: Manifest, embedders: EmbedderPair) -> "RecipeIndex":
        manifest.check_parts(embedders)
        for part in manifest.files:
            if not (folder / manifest.data / part).exists():
                raise IndexMismatchError(f"{folder} lacks its part {part}; rebuild the index")
        try:
            index = cls(folder, manifest, embedders)
        except (KeyError, TypeError, ValueError) as error:
            raise IndexMismatchError(
                f"{folder} has a floor that this version cannot read ({error}); rebuild the index"
            ) from None
        index._check_parts()
        return index

    def _check_parts(self) -> None:
        """Refuse parts that are whole, each for itself, but not of one build."""
        manifest = self.manifest
        recipes, questions = self.docstore.count()
        dense = [("dense", self._dense, manifest.embedder)]
        if self._latin and manifest.latin_embedder:
            dense.append(("latin dense", self._latin, manifest.latin_embedder))
        facts = [
            ("stored recipes", recipes, manifest.recipes),
            ("stored questions", questions, manifest.questions),
            ("lexical questions", self._lexical.count, manifest.questions),
            *((f"{name} questions", part.count, manifest.questions) for name, part, _ in dense),
            *((f"{name} dimensions", part.dimension, model.dimension) for name, part, model in dense),
        ]
        wrong = [f"{got} {what} where its manifest says {said}" for what, got, said in facts if got != said]
        if wrong:
            raise IndexMismatchError(f"{self.folder} holds {', '.join(wrong)}; rebuild the index")

    def verify(self) -> dict[str, str]:
        """Hash every part again: part -> ``ok`` or what is wrong."""
        return {
            part: "ok" if sha256_of(self.folder / self.manifest.data / part) == wanted else "changed since it was built"
            for part, wanted in self.manifest.files.items()
        }

    def lexical_search(self, query: SearchQuery, limit: int) -> Ranking:
        """Rank questions by the characters and the sound of the clause that the index knows best.

        A question for dishes made of ingredients ranks recipes by how rare the ingredients are that they contain.
        """
        if query.foods:
            words = [word for food in query.foods for word in tokens.char_tokens(food)]
            return Ranking("、".join(query.foods), _ranked(self._lexical.search("foods", words, limit)))
        best, best_share = Ranking(query.cores[0], ()), -1.0
        for core in query.cores:
            sound, chars = tokens.pinyin_tokens(core), tokens.char_tokens(core)
            scores: dict[int, float] = {}
            for name, words, weight in (("pinyin", sound, SOUND), ("chars", chars, 1 - SOUND)):
                for qid, score in self._lexical.search(name, words, limit * 2):
                    scores[qid] = scores.get(qid, 0.0) + weight * score
            if not scores:
                continue
            hits = _ranked(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit])
            title = tokens.pinyin_tokens(self._core_of(hits[0].qid))
            share = self._share("pinyin", sound, title) * self._share("pinyin", title, sound)
            if share > best_share:
                best, best_share = Ranking(core, hits), share
        return best

    def dense_search(self, query: SearchQuery, limit: int, core: str | None = None) -> Ranking:
        """Rank questions by meaning; the clause (by default the longest) is asked in the form that is filed."""
        core = core or max(query.cores, key=len)
        index = self._dense_part(query)
        vector = self._vector(query, core)
        return Ranking(core, _ranked(index.search(vector, limit)), index.mean_score(vector))

    def fuse(self, query: SearchQuery, lexical: Ranking, dense: Ranking) -> list[Candidate]:
        """Two rankings -> candidates by fused score, best first; equal scores by question id.

        Candidates of the lexical ranking get their exact cosine, so that no score is guessed.
        """
        by_words = {hit.qid: hit for hit in lexical.hits}
        by_meaning = {hit.qid: hit for hit in dense.hits}
        cosines = {qid: hit.score for qid, hit in by_meaning.items()}
        missing = [qid for qid in by_words if qid not in cosines]
        if missing:
            cosines.update(
                zip(missing, self._dense_part(query).scores(self._vector(query, dense.core), missing), strict=True)
            )
        fused = fuse({q: h.score for q, h in by_words.items()}, cosines, dense_mean=dense.mean, script=query.script)
        if query.foods:
            # Who has three things wants the dish that uses all three, however common each of them is.
            fused = {qid: FOODS * self._food_coverage(query, self.docstore.question(qid)[1]) + (1 - FOODS) * score
                     for qid, score in fused.items()}  # fmt: skip
        candidates = []
        for qid, score in sorted(fused.items(), key=lambda item: (-item[1], item[0])):
            question, number = self.docstore.question(qid)
            words, meaning = by_words.get(qid), by_meaning.get(qid)
            candidates.append(
                Candidate(
                    qid=qid,
                    number=number,
                    question=question,
                    fused_score=score,
                    dense_score=cosines[qid],
                    dense_rank=meaning.rank if meaning else None,
                    lexical_score=words.score if words else 0.0,
                    lexical_rank=words.rank if words else None,
                )
            )
        return candidates

    def with_features(self, query: SearchQuery, core: str, dense_mean: float, candidate: Candidate) -> Candidate:
        """The candidate with the features that its probability is computed from (see ``Floor``)."""
        title = core_of(candidate.question)
        sound, title_sound = tokens.pinyin_tokens(core), tokens.pinyin_tokens(title)
        features = {
            "bias": 1.0,
            "query_by_sound": self._share("pinyin", sound, title_sound),
            "title_by_sound": self._share("pinyin", title_sound, sound),
            "query_by_chars": self._share("chars", tokens.char_tokens(core), tokens.char_tokens(title)),
            "dense_lift": (candidate.dense_score - dense_mean) / max(1 - dense_mean, 1e-6),
            "head_covered": float(bool(core) and core[-1] in title),
            "food_coverage": self._food_coverage(query, candidate.number),
            "no_lexical": float(candidate.lexical_rank is None),
            "latin": float(query.script == "latin"),
        }
        return replace(candidate, features=features)

    def recipe(self, number: int) -> Recipe:
        """Recipe number -> the whole recipe."""
        return self.docstore.recipe(number)

    def recipe_by_id(self, recipe_id: str) -> Recipe:
        """Recipe id -> the whole recipe; KeyError where the index does not have it."""
        number = self.docstore.number_of(recipe_id)
        if number is None:
            raise KeyError(recipe_id)
        return self.recipe(number)

    def _food_coverage(self, query: SearchQuery, number: int) -> float:
        if not query.foods:
            return 0.0
        names = food_names(self.recipe(number))
        return sum(food in names for food in query.foods) / len(query.foods)

    def _core_of(self, qid: int) -> str:
        return core_of(self.docstore.question(qid)[0])

    def _share(self, name: str, words: list[str], other: list[str]) -> float:
        """How much of the words, each counted by its rarity, the other side has: 0..1."""
        weights = [self._lexical.rarity(name, word) for word in words]
        total = sum(weights)
        there = set(other)
        return sum(w for word, w in zip(words, weights, strict=True) if word in there) / total if total else 0.0

    def _dense_part(self, query: SearchQuery) -> DenseIndex:
        return self._latin if query.script == "latin" and self._latin else self._dense

    def _embed(self, query: SearchQuery, core: str) -> Vectors:
        if query.script == "latin" and self._embedders.latin:
            return encode_one(self._embedders.latin, asked_form(core))
        return encode_one(self._embedders.main, asked_form(core))


def encode_one(embedder: Embedder, text: str) -> Vectors:
    """One text -> its (d,) unit vector."""
    return np.asarray(embedder.encode([text])[0], dtype=np.float32)


def clause_for_meaning(query: SearchQuery, lexical: Ranking) -> str | None:
    """Which clause the embedding gets: the one that the lexical ranking found a dish in; None where it found none.

    A question for dishes made of ingredients has no such clause, whatever the ranking by ingredient found.
    """
    return lexical.core if lexical.hits and not query.foods else None


def food_names(recipe: Recipe) -> str:
    """The ingredient names of a recipe, as the lexical field and the coverage see them."""
    return normalise(" ".join(item.name for item in recipe.parsed_ingredients if item.name))


def _ranked(pairs: list[tuple[int, float]]) -> tuple[Hit, ...]:
    return tuple(Hit(qid, score, rank) for rank, (qid, score) in enumerate(pairs, start=1))
