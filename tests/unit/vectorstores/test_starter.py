"""The index that a fresh machine builds for itself."""

import hashlib
import json
from pathlib import Path

import pytest

import recipes
from vectorstores import EmbeddingsConfig, build_embeddings
from vectorstores.starter import build_starter_index, starter_is_current, starter_sha256

CORPUS = Path(recipes.__file__).with_name("starter.jsonl")


@pytest.fixture(scope="module")
def starter(tmp_path_factory, embedders):
    folder = tmp_path_factory.mktemp("starter") / "index"
    return folder, build_starter_index(folder, embedders, lambda stage, done, total: None)


def test_its_identity_is_the_hash_of_the_corpus():
    assert starter_sha256() == hashlib.sha256(CORPUS.read_bytes()).hexdigest()


def test_every_record_of_the_corpus_is_in_it(starter):
    _, report = starter
    assert report.rejected == report.duplicates == ()
    assert report.manifest.recipes == len(CORPUS.read_text(encoding="utf-8").splitlines())
    assert report.manifest.source.name == "starter.jsonl"


def test_it_is_current_for_the_models_that_built_it(starter, embedders):
    folder, _ = starter
    assert starter_is_current(folder, embedders)
    assert not starter_is_current(folder, build_embeddings(EmbeddingsConfig(kind="fake", latin="fake")))


def test_none_or_a_damaged_one_is_not_current(tmp_path, embedders):
    assert not starter_is_current(tmp_path, embedders)
    (tmp_path / "manifest.json").write_text("{")
    assert not starter_is_current(tmp_path, embedders)


def test_one_of_an_older_corpus_is_not_current(copy, edit_manifest, embedders):
    assert not starter_is_current(copy, embedders)
    source = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))["source"]
    edit_manifest(copy, source=source | {"sha256": starter_sha256()})
    assert starter_is_current(copy, embedders)
