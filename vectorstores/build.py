"""Recipes -> an index on disk. A build that is killed goes on where it stopped and never harms the index in place."""

import hashlib
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recipes import Recipe, Rejected, SourceFormat, clean_title, question_forms, read_recipes
from recipes.questions import normalise
from vectorstores import tokens
from vectorstores.calibration import DEFAULT_FLOOR
from vectorstores.dense import DenseIndex, Vectors
from vectorstores.docstore import Docstore
from vectorstores.embeddings import Embedder, EmbedderPair
from vectorstores.errors import IndexBuildError
from vectorstores.index import DENSE, LATIN, LEXICAL, RECIPES, food_names
from vectorstores.lexical import LexicalIndex, LexicalRow
from vectorstores.manifest import FILE, EmbedderInfo, Manifest, SourceInfo, sha256_of
from vectorstores.query import indexed_form
from weights.lock import exclusive

BATCH = 64
SHARD = 1024
Progress = Callable[[str, int, int], None]
"""(stage, done, total): called often, must be cheap."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: counts, and the records that were skipped with their reasons."""

    manifest: Manifest
    rejected: tuple[Rejected, ...]
    duplicates: tuple[str, ...]
    resumed_questions: int


def _no_progress(stage: str, done: int, total: int) -> None:
    del stage, done, total


def build_index(
    source: Path,
    out: Path,
    embedders: EmbedderPair,
    *,
    source_format: SourceFormat = "auto",
    progress: Progress = _no_progress,
) -> BuildReport:
    """Read a file of recipes and put an index of it into ``out``, replacing the index there in one step.

    Builds into the same folder take turns.

    Args:
        source: File of recipes (see ``recipes.read_recipes``).
        out: Folder of the index; made if missing. An index in it keeps serving until the new one is complete.
        embedders: The models; their names and revisions go into the manifest.
        source_format: ``auto`` decides by the file name.
        progress: Called with stage, done and total.

    Raises:
        IndexBuildError: no recipe in the source, or the folder cannot be written.
        recipes.SourceError: the file cannot be read.
    """
    recipes, rejected, duplicates, records = _read(source, source_format, progress)
    if not recipes:
        first = f"; the first one: {rejected[0].ref}: {rejected[0].reason}" if rejected else ""
        raise IndexBuildError(f"no recipe in {source.name} ({records} records, {len(rejected)} rejected{first})")
    questions = [(number, text) for number, recipe in enumerate(recipes) for text in question_forms(recipe)]
    texts = [indexed_form(text) for _, text in questions]
    source_sha256 = sha256_of(source)
    key = _build_key(source_sha256, texts, embedders)
    shards = out / ".building" / key / "shards"
    try:
        with exclusive(out / ".lock", lambda: progress("wait", 0, 0)):
            shards.mkdir(parents=True, exist_ok=True)
            main, resumed = _embed(embedders.main, texts, shards, "embed", progress)
            latin = _embed(embedders.latin, texts, shards, "embed latin", progress)[0] if embedders.latin else None
            progress("write", 0, 1)
            data = out / f"v-{key}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
            try:
                manifest = _write(
                    data, recipes, questions, main, latin, embedders, SourceInfo(
                        name=source.name, sha256=source_sha256, format=source_format, records=records,
                        rejected=len(rejected), duplicates=len(duplicates),
                    ),
                )  # fmt: skip
                manifest.write(out)
            except Exception:
                shutil.rmtree(data, ignore_errors=True)
                raise
            progress("write", 1, 1)
            _clean(out, keep=manifest.data)
    except OSError as error:
        raise IndexBuildError(
            f"cannot write the index into {out}: {error.strerror or error}; what was embedded is kept"
        ) from error
    return BuildReport(manifest, tuple(rejected), tuple(duplicates), resumed)


def _read(
    source: Path, source_format: SourceFormat, progress: Progress
) -> tuple[list[Recipe], list[Rejected], list[str], int]:
    recipes: dict[str, Recipe] = {}
    rejected: list[Rejected] = []
    duplicates: list[str] = []
    records = 0
    for records, item in enumerate(read_recipes(source, source_format), start=1):
        if isinstance(item, Rejected):
            rejected.append(item)
        elif item.recipe_id in recipes:
            duplicates.append(item.ref)
        else:
            dish = item.dish and normalise(item.dish)
            recipes[item.recipe_id] = item.model_copy(update={"dish": dish or clean_title(item.name)})
        if records % 100 == 0:
            progress("read", records, 0)
    progress("read", records, records)
    return list(recipes.values()), rejected, duplicates, records


def _build_key(source_sha256: str, texts: list[str], embedders: EmbedderPair) -> str:
    """Equal for two builds whose vectors are interchangeable: only then may one use what the other embedded."""
    parts = [source_sha256, tokens.VERSION]
    parts += [f"{e.name}:{e.revision()}" for e in (embedders.main, embedders.latin) if e]
    digest = hashlib.sha256("\n".join(parts).encode())
    for text in texts:
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()[:12]


def _embed(embedder: Embedder, texts: list[str], shards: Path, stage: str, progress: Progress) -> tuple[Vectors, int]:
    """Embed in shards that are kept on disk until the build is done."""
    parts: list[Vectors] = []
    resumed = 0
    for start in range(0, len(texts), SHARD):
        batch = texts[start : start + SHARD]
        file = shards / f"{embedder.name}-{start:09d}.npy"
        vectors = _finished_shard(file, (len(batch), embedder.dimension))
        if vectors is not None:
            resumed += len(batch)
        else:
            rows = []
            for offset in range(0, len(batch), BATCH):
                rows.append(embedder.encode(batch[offset : offset + BATCH]))
                progress(stage, start + min(offset + BATCH, len(batch)), len(texts))
            vectors = np.concatenate(rows)
            temporary = file.with_suffix(".tmp.npy")
            # Not by np.save itself, which calls a full disk "19200 requested and 4064 written".
            content = io.BytesIO()
            np.save(content, vectors, allow_pickle=False)
            temporary.write_bytes(content.getbuffer())
            temporary.replace(file)
        parts.append(vectors)
        progress(stage, start + len(batch), len(texts))
    return np.concatenate(parts), resumed


def _finished_shard(file: Path, shape: tuple[int, int]) -> Vectors | None:
    """What an earlier build embedded; None where it did not come so far, or where the file was cut short."""
    try:
        vectors: Vectors = np.load(file, allow_pickle=False)
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return vectors if vectors.shape == shape else None


def _write(
    data: Path,
    recipes: list[Recipe],
    questions: list[tuple[int, str]],
    main: Vectors,
    latin: Vectors | None,
    embedders: EmbedderPair,
    source: SourceInfo,
) -> Manifest:
    data.mkdir(parents=True)
    Docstore.build(data / RECIPES, recipes, questions)
    first = {number: qid for qid, (number, _) in reversed(list(enumerate(questions)))}
    LexicalIndex.build(
        data / LEXICAL,
        (
            LexicalRow(qid, indexed_form(text), food_names(recipes[number]) if first[number] == qid else "")
            for qid, (number, text) in enumerate(questions)
        ),
    )
    DenseIndex.build(data / DENSE, main)
    parts = [RECIPES, LEXICAL, DENSE]
    if latin is not None:
        DenseIndex.build(data / LATIN, latin)
        parts.append(LATIN)
    for file in filter(Path.is_file, data.rglob("*")):
        # The manifest must not reach the disk before what it names.
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    return Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        data=data.name,
        embedder=EmbedderInfo.of(embedders.main),
        latin_embedder=EmbedderInfo.of(embedders.latin) if embedders.latin else None,
        source=source,
        recipes=len(recipes),
        questions=len(questions),
        floor=DEFAULT_FLOOR.to_json(),
        files={part: sha256_of(data / part) for part in parts},
    )


def _clean(out: Path, keep: str) -> None:
    """Remove what no manifest names. A server that has an older build open keeps its files until it lets go of them."""
    for entry in out.iterdir():
        if entry.is_dir() and entry.name != keep and (entry.name.startswith("v-") or entry.name == ".building"):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith(f".{FILE}."):
            entry.unlink(missing_ok=True)
