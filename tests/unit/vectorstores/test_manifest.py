"""What an index was built from, and who is turned away because of it."""

import json
import os

import pytest

from vectorstores import EmbeddingsConfig, IndexMismatchError, IndexMissingError, build_embeddings
from vectorstores.calibration import DEFAULT_FLOOR
from vectorstores.embeddings import EmbedderPair, FakeEmbedder
from vectorstores.manifest import FILE, EmbedderInfo, Manifest, SourceInfo, sha256_of


@pytest.fixture
def manifest(embedders):
    return Manifest(
        created="2026-11-21T00:00:00+00:00",
        data="v-1",
        embedder=EmbedderInfo.of(embedders.main),
        latin_embedder=None,
        source=SourceInfo(name="a.jsonl", sha256="0" * 64, format="auto", records=3, rejected=1, duplicates=1),
        recipes=1,
        questions=2,
        floor=DEFAULT_FLOOR.to_json(),
        files={"dense.faiss": "0" * 64},
    )


def test_there_and_back(manifest, tmp_path):
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    assert manifest.index_id == "v-1"


def test_people_can_read_it(manifest, tmp_path):
    manifest.model_copy(update={"source": manifest.source.model_copy(update={"name": "菜谱.jsonl"})}).write(tmp_path)
    assert "菜谱.jsonl" in (tmp_path / FILE).read_text(encoding="utf-8")


def test_a_write_that_fails_leaves_the_old_one(manifest, tmp_path, monkeypatch):
    manifest.write(tmp_path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        manifest.model_copy(update={"data": "v-2"}).write(tmp_path)
    assert Manifest.read(tmp_path).data == "v-1"


def test_none_there(tmp_path):
    with pytest.raises(IndexMissingError) as caught:
        Manifest.read(tmp_path / "nowhere")
    folder = tmp_path / "nowhere"
    assert (
        str(caught.value)
        == f"no index in {folder}: build one with `shishen index build --source starter --out {folder}`"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"format": 1,', b"\xff\xfe\x00", b"null", b"[]", b"7", b'"x"', b"{}", b"[" * 100_000, b"\x00" * 100],
    ids=["empty", "cut", "cut later", "no UTF-8", "null", "list", "number", "text", "no fields", "too deep", "zeros"],
)
def test_damaged_json(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(IndexMismatchError, match=r"^[^\n]+; rebuild the index$"):
        Manifest.read(tmp_path)


def test_every_prefix_of_a_manifest_is_refused(manifest, tmp_path):
    manifest.write(tmp_path)
    content = (tmp_path / FILE).read_bytes().rstrip()
    for end in range(0, len(content), 7):
        (tmp_path / FILE).write_bytes(content[:end])
        with pytest.raises(IndexMismatchError):
            Manifest.read(tmp_path)


@pytest.mark.parametrize("number", [999, 0, None, "1"])
def test_another_format(manifest, tmp_path, edit_manifest, number):
    manifest.write(tmp_path)
    edit_manifest(tmp_path, format=number)
    with pytest.raises(IndexMismatchError, match=rf"is of index format {number}, this version reads 1; rebuild"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("fields", "where"),
    [({"embedder": {"name": "x"}}, "embedder.revision, embedder.dimension"), ({"files": None}, "files"),
     ({"questions": "many"}, "questions"), ({"colour": "red"}, "colour")],
)  # fmt: skip
def test_a_field_that_does_not_fit_is_named(manifest, tmp_path, edit_manifest, fields, where):
    manifest.write(tmp_path)
    edit_manifest(tmp_path, **fields)
    with pytest.raises(IndexMismatchError, match=rf"is damaged at {where}; rebuild the index$"):
        Manifest.read(tmp_path)


def test_the_parts_it_was_built_with_fit(manifest, embedders):
    manifest.check_parts(embedders)


class Other(FakeEmbedder):
    """Another model, revision or width, by what a test sets."""

    def __init__(self, name="fake-bigrams", revision="fake-1", dimension=64):
        self.name, self.dimension, self._revision = name, dimension, revision

    def revision(self):
        return self._revision


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Other(name="bge"), "bge revision fake-1, 64-d"),
        (Other(revision="fake-2"), "fake-bigrams revision fake-2, 64-d"),
        (Other(dimension=384), "fake-bigrams revision fake-1, 384-d"),
    ],
)
def test_another_embedding_model_is_refused_and_both_are_named(manifest, other, named):
    with pytest.raises(IndexMismatchError) as caught:
        manifest.check_parts(EmbedderPair(other, None))
    assert str(caught.value) == (
        f"the index was built with fake-bigrams revision fake-1, 64-d, this profile embeds with {named}; "
        "change the profile's embeddings or rebuild the index"
    )


def test_a_real_model_is_refused_without_being_loaded(manifest):
    pair = build_embeddings(EmbeddingsConfig(kind="e5", latin="none"))
    with pytest.raises(IndexMismatchError, match=r"fake-bigrams .* embeds with multilingual-e5-small-q4 .*384-d"):
        manifest.check_parts(pair)
    assert "_model" not in vars(pair.main)


def test_a_second_model_too_many_or_too_few(manifest, embedders):
    with_second = EmbedderPair(embedders.main, Other(name="second"))
    with pytest.raises(IndexMismatchError, match=r"built with no second model, this profile embeds with second "):
        manifest.check_parts(with_second)
    filed = manifest.model_copy(update={"latin_embedder": EmbedderInfo.of(with_second.latin)})
    filed.check_parts(with_second)
    with pytest.raises(IndexMismatchError, match=r"built with second .*, this profile embeds with no second model"):
        filed.check_parts(embedders)


def test_another_tokenizer(manifest, embedders):
    with pytest.raises(
        IndexMismatchError, match=r"built with tokenizer jieba-1, this version has char12-pinyin12-\S+; reb"
    ):
        manifest.model_copy(update={"tokenizer": "jieba-1"}).check_parts(embedders)


def test_the_hash_of_a_file_is_plain_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_hash_of_a_folder_sees_content_and_names_but_no_lock_file(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a").write_bytes(b"abc")
    seen = {sha256_of(folder)}
    (folder / ".engine.lock").touch()
    assert sha256_of(folder) in seen
    (folder / "sub/a").write_bytes(b"abd")
    seen.add(sha256_of(folder))
    (folder / "sub/a").rename(folder / "sub/b")
    seen.add(sha256_of(folder))
    (folder / "c").touch()
    seen.add(sha256_of(folder))
    assert len(seen) == 4


def test_the_hash_of_nothing_equals_no_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "gone") != sha256_of(tmp_path / "a")


def test_the_manifest_is_plain_json(manifest, tmp_path):
    manifest.write(tmp_path)
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["format"] == 1
