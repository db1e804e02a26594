"""BM25 over our own tokens, kept by tantivy: questions by characters and by sound, recipes by ingredient."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import tantivy

from vectorstores import tokens
from vectorstores.errors import IndexMismatchError

FIELDS = ("chars", "pinyin", "foods")
_HEAP_BYTES = 128_000_000


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("qid", stored=True, indexed=True, fast=True)
    for field in FIELDS:
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


@dataclass(frozen=True, slots=True)
class LexicalRow:
    """One question to index, with the ingredient names of its recipe (given with the recipe's first question only)."""

    qid: int
    question: str
    foods: str = ""


class LexicalIndex:
    """Open lexical index. Safe to share between threads; never written after it was built."""

    def __init__(self, folder: Path) -> None:
        try:
            self._index = _open(folder)
            self._schema = self._index.schema
            self._searcher = self._index.searcher()
            # A missing file of positions shows with the first search only.
            for field in FIELDS:
                self.search(field, ["probe"], 1)
        except BaseException as error:
            # A damaged file makes the engine panic, and its panics are no Exception.
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise IndexMismatchError(
                f"the lexical part {folder.name} is damaged or incomplete ({_reason(error)}); rebuild the index"
            ) from None

    @staticmethod
    def build(folder: Path, rows: Iterable[LexicalRow]) -> None:
        """Write a new index into a new folder.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True)
        try:
            index = tantivy.Index(_schema(), path=str(folder))
            # One thread: document order, and with it every tie, is the same in each build.
            writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
            for row in rows:
                writer.add_document(_document(row))
            writer.commit()
            writer.wait_merging_threads()
        except ValueError as error:
            raise OSError(f"{folder.name}: {error}") from error

    @property
    def count(self) -> int:
        """Questions in the index."""
        return int(self._searcher.num_docs)

    def search(self, field: str, words: Sequence[str], limit: int) -> list[tuple[int, float]]:
        """Words -> (qid, BM25 score > 0), best first; equal scores by qid."""
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, field, word, index_option="freq"))
            for word in dict.fromkeys(words)
        ]
        if not clauses:
            return []
        result = self._searcher.search(tantivy.Query.boolean_query(clauses), limit=limit, count=False)
        hits = [(int(self._searcher.doc(address)["qid"][0]), float(score)) for score, address in result.hits]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

    def rarity(self, field: str, word: str) -> float:
        """The word's inverse document frequency (BM25's, natural logarithm, > 0), highest for an unknown word."""
        count = self.count
        frequency = self._searcher.doc_freq(field, word)
        return math.log(1 + (count - frequency + 0.5) / (frequency + 0.5))


def _document(row: LexicalRow) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("qid", row.qid)
    document.add_text("chars", " ".join(tokens.char_tokens(row.question)))
    document.add_text("pinyin", " ".join(tokens.pinyin_tokens(row.question)))
    if row.foods:
        document.add_text("foods", " ".join(tokens.char_tokens(row.foods)))
    return document


def _open(folder: Path) -> tantivy.Index:
    if os.access(folder, os.W_OK):
        return tantivy.Index.open(str(folder))
    # The engine wants to write a lock file. Where it may not (a read-only mount), it gets a folder of links to the
    # files, which stay mapped when that folder is gone.
    with TemporaryDirectory(prefix="shishen-lexical-") as links:
        for file in folder.iterdir():
            if file.suffix != ".lock":
                (Path(links) / file.name).symlink_to(file.resolve())
        return tantivy.Index.open(links)


def _reason(error: BaseException) -> str:
    """The head of the engine's message, without the paths and file contents that it quotes."""
    return str(error).split("'", maxsplit=1)[0].strip(" :(") if isinstance(error, ValueError) else "the engine gave up"
