"""A handful of recipes, an index of them with fake embeddings, and the search as the chains put it together."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectorstores import (
    Candidate,
    EmbeddingsConfig,
    IndexMismatchError,
    RecipeIndex,
    build_embeddings,
    build_index,
    understand,
)
from vectorstores.embeddings import EmbedderPair

Record = dict[str, Any]


def _record(name: str, *ingredients: str, **more: Any) -> Record:
    return {"name": name, "recipeIngredient": list(ingredients), "recipeInstructions": ["切好。", "炒熟。"], **more}


RECORDS = [
    _record("红烧肉", "500克五花肉", "30克冰糖", "2汤匙生抽", questions=["红烧肉怎么烧才不腻"]),
    _record("【快手】番茄炒蛋（2人食）", "2个番茄", "3个鸡蛋", "1茶匙盐", aliases=["西红柿炒鸡蛋"]),
    _record("麻婆豆腐", "1块豆腐", "100克牛肉末", "1汤匙郫县豆瓣酱", name_en="Mapo Tofu"),
    _record("宫保鸡丁", "1块鸡胸肉", "50克花生米", "5根葱"),
    _record("西兰花炒鸡胸肉", "1颗西兰花", "200克鸡胸肉", "2瓣蒜"),
    _record("蒜蓉西兰花", "1颗西兰花", "6瓣蒜"),
    _record("清蒸鲈鱼", "1条鲈鱼", "3根葱", "1块姜"),
    _record("皮蛋瘦肉粥", "100克大米", "2个皮蛋", "80克瘦肉"),
]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a build syncs its files, and in which order, has tests of its own."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def records() -> list[Record]:
    """The recipes of the small index, as JSON Lines records; a copy for each test."""
    return json.loads(json.dumps(RECORDS))


@pytest.fixture(scope="session")
def embedders() -> EmbedderPair:
    return build_embeddings(EmbeddingsConfig(kind="fake", latin="none"))


@pytest.fixture
def write_corpus(tmp_path: Path) -> Callable[..., Path]:
    """(records and raw lines, name) -> a JSON Lines file of them."""

    def write(lines: list[Record | str], name: str = "corpus.jsonl") -> Path:
        file = tmp_path / name
        texts = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
        file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, embedders: EmbedderPair) -> Path:
    """The folder of the small index. Nobody writes into it: who wants to damage an index takes ``copy``."""
    folder = tmp_path_factory.mktemp("small")
    source = folder / "corpus.jsonl"
    source.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS), encoding="utf-8")
    build_index(source, folder / "index", embedders)
    return folder / "index"


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy of the small index to damage."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


@pytest.fixture
def data_of() -> Callable[[Path], Path]:
    """Folder of an index -> the sub-folder with its parts."""
    return lambda folder: folder / json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["data"]


@pytest.fixture
def edit_manifest() -> Callable[..., None]:
    """(folder, changed fields) -> the manifest there says so now; None takes the field away."""

    def edit(folder: Path, **fields: Any) -> None:
        file = folder / "manifest.json"
        data = json.loads(file.read_text(encoding="utf-8")) | fields
        for name in [name for name, value in fields.items() if value is None]:
            del data[name]
        file.write_text(json.dumps(data), encoding="utf-8")

    return edit


@pytest.fixture
def refusal(embedders: EmbedderPair) -> Callable[..., str]:
    """Open an index that must be refused -> the sentence; it has no trace of the library that gave up."""

    def refuse(folder: Path, error: type[Exception] = IndexMismatchError, pair: EmbedderPair = embedders) -> str:
        with pytest.raises(error) as caught:
            RecipeIndex.open(folder, pair)
        sentence = str(caught.value)
        assert type(caught.value) is error
        assert "\n" not in sentence
        assert not [
            name for name in ("faiss", "tantivy", "0x", ".cpp", "Error(") if name in sentence.replace(".faiss", "")
        ]
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        return sentence

    return refuse


@pytest.fixture(scope="session")
def index(built: Path, embedders: EmbedderPair) -> RecipeIndex:
    return RecipeIndex.open(built, embedders)


@pytest.fixture(scope="session")
def search() -> Callable[..., list[Candidate]]:
    """(index, question) -> candidates with their features, as /retrieve computes them."""

    def run(index: RecipeIndex, question: str, limit: int = 20) -> list[Candidate]:
        query = understand(question)
        lexical = index.lexical_search(query, limit)
        dense = index.dense_search(query, limit, lexical.core if lexical.hits and not query.foods else None)
        core = max(query.cores, key=len) if query.foods else dense.core
        return [
            index.with_features(query, core, dense.mean, candidate) for candidate in index.fuse(query, lexical, dense)
        ]

    return run
