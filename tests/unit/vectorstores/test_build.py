"""Recipes -> an index on disk: counted, resumed after kill -9, swapped in whole, or refused in one sentence."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import faiss
import numpy as np
import pytest

from recipes import SourceError
from vectorstores import IndexBuildError, RecipeIndex, build_index
from vectorstores import build as build_module
from vectorstores.docstore import Docstore
from vectorstores.embeddings import EmbedderPair, FakeEmbedder
from vectorstores.manifest import Manifest

ROOT = Path(__file__).resolve().parents[3]
BAD = ["{not json", '{"name": ""}', '{"name": "空"}', "[1, 2]"]


def numbered(count):
    return [{"name": f"{n}号红烧肉", "recipeIngredient": [f"{n}克五花肉"]} for n in range(count)]


def content(folder):
    """All that an index answers with: recipes, questions, vectors."""
    data = folder / Manifest.read(folder).data
    store = Docstore(data / "recipes.sqlite")
    recipes, questions = store.count()
    dense = faiss.read_index(str(data / "dense.faiss"))
    return (
        [store.recipe(number) for number in range(recipes)],
        [store.question(qid) for qid in range(questions)],
        dense.reconstruct_n(0, dense.ntotal).tolist(),
    )


@pytest.fixture
def source(write_corpus, records):
    return write_corpus(records)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_counts_and_source(source, out, records, embedders):
    report = build_index(source, out, embedders)
    manifest = report.manifest
    assert manifest == Manifest.read(out)
    assert manifest.recipes == manifest.source.records == len(records)
    assert manifest.questions == len(content(out)[1]) > len(records)
    assert (manifest.source.name, manifest.source.format) == ("corpus.jsonl", "auto")
    assert (report.rejected, report.duplicates, report.resumed_questions) == ((), (), 0)
    assert set(manifest.files) == {"recipes.sqlite", "lexical", "dense.faiss"}


def test_the_folder_holds_the_index_and_nothing_else(source, out, embedders):
    manifest = build_index(source, out, embedders).manifest
    assert {entry.name for entry in out.iterdir()} == {"manifest.json", manifest.data, ".lock"}


def test_a_second_model_has_a_part_of_its_own(source, out, embedders):
    pair = EmbedderPair(embedders.main, FakeEmbedder())
    assert "dense-latin.faiss" in build_index(source, out, pair).manifest.files
    assert RecipeIndex.open(out, pair).manifest.latin_embedder.name == "fake-bigrams"


def test_recipes_keep_their_place_in_the_source(write_corpus, records, out, embedders):
    # Record numbers count every record, also those that are skipped; empty lines are no records.
    source = write_corpus([records[0], BAD[0], "", records[1], records[0], records[2]], "家常菜.jsonl")
    report = build_index(source, out, embedders)
    assert [recipe.ref for recipe in content(out)[0]] == ["家常菜.jsonl#0", "家常菜.jsonl#2", "家常菜.jsonl#4"]
    assert report.duplicates == ("家常菜.jsonl#3",)
    assert [(item.ref, item.quote) for item in report.rejected] == [("家常菜.jsonl#1", BAD[0])]
    assert report.rejected[0].reason.startswith("not JSON")
    counts = report.manifest.source
    assert (counts.records, counts.rejected, counts.duplicates, report.manifest.recipes) == (5, 1, 1, 3)


def test_every_kind_of_bad_record_is_reported_with_its_reason(write_corpus, records, out, embedders):
    report = build_index(write_corpus([*BAD, records[0]]), out, embedders)
    assert [item.ref for item in report.rejected] == [f"corpus.jsonl#{n}" for n in range(4)]
    assert [item.reason.split(":")[0] for item in report.rejected] == [
        "not JSON",
        "no name",
        "neither recipeIngredient nor recipeInstructions",
        "a list, an object was wanted",
    ]


def test_the_dish_is_the_plain_name(source, out, embedders):
    build_index(source, out, embedders)
    recipes = content(out)[0]
    assert (recipes[1].name, recipes[1].dish) == ("【快手】番茄炒蛋（2人食）", "番茄炒蛋")


def test_progress_is_told_and_never_runs_backwards(write_corpus, out, embedders, monkeypatch):
    monkeypatch.setattr(build_module, "SHARD", 10)
    monkeypatch.setattr(build_module, "BATCH", 4)
    told = []
    build_index(write_corpus(numbered(25)), out, embedders, progress=lambda *step: told.append(step))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["read", "embed", "write"]
    embedded = [(done, total) for stage, done, total in told if stage == "embed"]
    assert embedded == sorted(embedded)
    assert embedded[-1] == (25, 25)
    assert told[-1] == ("write", 1, 1)


def test_the_same_source_gives_the_same_index(source, tmp_path, embedders, search):
    built = [build_index(source, tmp_path / name, embedders).manifest for name in "ab"]
    assert content(tmp_path / "a") == content(tmp_path / "b")
    found = [search(RecipeIndex.open(tmp_path / name, embedders), "红烧肉怎么做") for name in "ab"]
    assert found[0] == found[1]
    assert built[0].files["recipes.sqlite"] == built[1].files["recipes.sqlite"]
    assert built[0].files["dense.faiss"] == built[1].files["dense.faiss"]


def test_shards_do_not_show_in_the_result(write_corpus, tmp_path, embedders, monkeypatch):
    source = write_corpus(numbered(30))
    build_index(source, tmp_path / "whole", embedders)
    monkeypatch.setattr(build_module, "SHARD", 7)
    monkeypatch.setattr(build_module, "BATCH", 3)
    build_index(source, tmp_path / "shards", embedders)
    assert content(tmp_path / "shards") == content(tmp_path / "whole")


# --- replacing an index that is being served


def test_an_open_index_answers_on_when_it_is_replaced(write_corpus, records, out, embedders, search):
    build_index(write_corpus(records), out, embedders)
    old = RecipeIndex.open(out, embedders)
    before = search(old, "红烧肉怎么做")
    build_index(write_corpus(numbered(5), "new.jsonl"), out, embedders)
    assert not (out / old.manifest.data).exists()
    assert search(old, "红烧肉怎么做") == before
    assert old.recipe(0).name == "红烧肉"

    # Also in a thread that had not asked before.
    found = []
    thread = threading.Thread(target=lambda: found.append((search(old, "麻婆豆腐"), old.recipe(2).name)))
    thread.start()
    thread.join()
    assert found == [(search(old, "麻婆豆腐"), "麻婆豆腐")]
    assert RecipeIndex.open(out, embedders).recipe(0).name == "0号红烧肉"


def test_at_every_step_of_a_rebuild_the_folder_holds_a_whole_index(write_corpus, records, out, embedders, monkeypatch):
    monkeypatch.setattr(build_module, "SHARD", 3)
    build_index(write_corpus(records), out, embedders)
    served = []

    def look(stage, done, total):
        served.append((stage, done, RecipeIndex.open(out, embedders).manifest.source.name))

    build_index(write_corpus(numbered(9), "new.jsonl"), out, embedders, progress=look)
    assert served[-1] == ("write", 1, "new.jsonl")
    assert {name for _, _, name in served[:-1]} == {"corpus.jsonl"}


def test_an_index_that_is_replaced_while_it_is_opened(write_corpus, records, out, embedders, monkeypatch):
    build_index(write_corpus(records), out, embedders)
    waiting = [write_corpus(numbered(3), "new.jsonl")]

    class Meddling(Docstore):
        def __init__(self, file):
            if waiting:
                build_index(waiting.pop(), out, embedders)
            super().__init__(file)

    monkeypatch.setattr("vectorstores.index.Docstore", Meddling)
    assert RecipeIndex.open(out, embedders).manifest.source.name == "new.jsonl"


def test_the_manifest_reaches_the_disk_after_what_it_names(source, out, embedders, monkeypatch):
    synced = []
    real = os.fsync

    def note(descriptor):
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        assert not (out / "manifest.json").exists()
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    data = out / build_index(source, out, embedders).manifest.data
    assert synced[-1].name.startswith(".manifest.json.")
    assert set(synced[:-1]) == {file for file in data.rglob("*") if file.is_file()}


def test_leftovers_of_older_builds_are_removed(source, out, embedders):
    for leftover in ("v-0123-2026/recipes.sqlite", ".building/0123/shards/x.npy", ".manifest.json.4711", "notes.txt"):
        (out / leftover).parent.mkdir(parents=True, exist_ok=True)
        (out / leftover).touch()
    manifest = build_index(source, out, embedders).manifest
    # What a build did not make is none of its business.
    assert {entry.name for entry in out.iterdir()} == {"manifest.json", manifest.data, ".lock", "notes.txt"}


def test_builds_into_one_folder_take_turns(write_corpus, out, embedders):
    waiting = threading.Event()

    def second():
        build_index(
            write_corpus(numbered(3), "second.jsonl"), out, embedders,
            progress=lambda stage, done, total: waiting.set() if stage == "wait" else None,
        )  # fmt: skip

    thread = threading.Thread(target=second)

    def meet(stage, done, total):
        if (stage, done) == ("write", 0):
            thread.start()
            assert waiting.wait(20), "the second build did not wait for the first"

    first = build_index(write_corpus(numbered(5), "first.jsonl"), out, embedders, progress=meet).manifest
    thread.join(20)
    assert first.source.name == "first.jsonl"
    assert RecipeIndex.open(out, embedders).manifest.source.name == "second.jsonl"
    assert len(list(out.glob("v-*"))) == 1


# --- a build that is killed

KILLED = """
import os, signal, sys
from pathlib import Path
from vectorstores import EmbeddingsConfig, build, build_embeddings, build_index

build.SHARD = build.BATCH = 4
source, out, last = Path(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3], int(sys.argv[4]))

def progress(stage, done, total):
    if (stage, done) == last:
        os.kill(os.getpid(), signal.SIGKILL)

build_index(source, out, build_embeddings(EmbeddingsConfig(kind="fake", latin="none")), progress=progress)
"""


def kill_a_build(source, out, stage, done):
    """A build in a process of its own that ends by kill -9 at this step."""
    result = subprocess.run(
        [sys.executable, "-c", KILLED, source, out, stage, str(done)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.mark.parametrize(
    ("stage", "done", "kept"), [("embed", 8, 4), ("write", 0, 10)], ids=["in the second shard", "before the parts"]
)
def test_a_killed_build_leaves_the_old_index_and_goes_on_later(
    write_corpus, records, tmp_path, out, embedders, search, monkeypatch, stage, done, kept
):
    monkeypatch.setattr(build_module, "SHARD", 4)
    monkeypatch.setattr(build_module, "BATCH", 4)
    build_index(write_corpus(records), out, embedders)
    source = write_corpus(numbered(10), "new.jsonl")
    kill_a_build(source, out, stage, done)

    served = RecipeIndex.open(out, embedders)
    assert served.manifest.source.name == "corpus.jsonl"
    assert set(served.verify().values()) == {"ok"}
    assert search(served, "红烧肉怎么做")[0].question == "红烧肉的做法"

    report = build_index(source, out, embedders)
    assert report.resumed_questions == kept
    build_index(source, tmp_path / "uninterrupted", embedders)
    assert content(out) == content(tmp_path / "uninterrupted")
    assert {entry.name for entry in out.iterdir()} == {"manifest.json", report.manifest.data, ".lock"}


def test_a_killed_first_build_leaves_no_index(write_corpus, out, embedders, refusal):
    from vectorstores import IndexMissingError

    source = write_corpus(numbered(10))
    kill_a_build(source, out, "embed", 8)
    assert "shishen index build" in refusal(out, IndexMissingError)


class Broken(FakeEmbedder):
    """Gives up after some questions, as a machine does that is switched off."""

    def __init__(self, lasts):
        self.lasts = lasts

    def encode(self, texts):
        self.lasts -= len(texts)
        if self.lasts < 0:
            raise KeyboardInterrupt
        return super().encode(texts)


@pytest.fixture
def interrupted(write_corpus, out, monkeypatch):
    """A source of ten questions, of which eight are embedded and kept in two shards."""
    monkeypatch.setattr(build_module, "SHARD", 4)
    source = write_corpus(numbered(10))
    with pytest.raises(KeyboardInterrupt):
        build_index(source, out, EmbedderPair(Broken(8), None))
    assert len(list(out.rglob("*.npy"))) == 2
    return source


def test_what_was_embedded_is_not_embedded_again(interrupted, out):
    assert build_index(interrupted, out, EmbedderPair(Broken(2), None)).resumed_questions == 8


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-9]),
        lambda file: np.save(file, np.ones((3, 64), np.float32)),
        lambda file: np.save(file, np.array([{}], dtype=object)),
    ],
    ids=["empty", "cut", "other shape", "pickled"],
)
def test_a_damaged_shard_is_embedded_again(interrupted, out, tmp_path, embedders, damage):
    damage(sorted(out.rglob("*.npy"))[0])
    assert build_index(interrupted, out, embedders).resumed_questions == 4
    build_index(interrupted, tmp_path / "fresh", embedders)
    assert content(out) == content(tmp_path / "fresh")


def test_another_source_or_model_starts_anew(interrupted, write_corpus, out):
    class Newer(FakeEmbedder):
        def revision(self):
            return "fake-2"

    assert build_index(interrupted, out, EmbedderPair(Newer(), None)).resumed_questions == 0


def test_another_way_to_embed_the_same_questions_starts_anew(interrupted, out, embedders, monkeypatch):
    monkeypatch.setattr(build_module, "indexed_form", lambda text: f"query: {text}")
    assert build_index(interrupted, out, embedders).resumed_questions == 0


def test_a_changed_source_starts_anew(interrupted, write_corpus, out, embedders):
    assert build_index(write_corpus(numbered(11)), out, embedders).resumed_questions == 0


# --- builds that cannot be


def sentence_of(error):
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("lines", [[], ["", "  "]])
def test_an_empty_source(write_corpus, out, embedders, lines):
    with pytest.raises(IndexBuildError) as caught:
        build_index(write_corpus(lines), out, embedders)
    assert sentence_of(caught) == "no recipe in corpus.jsonl (0 records, 0 rejected)"
    assert not out.exists()


def test_a_source_of_bad_lines_only(write_corpus, out, embedders):
    with pytest.raises(IndexBuildError) as caught:
        build_index(write_corpus(BAD[1:]), out, embedders)
    assert sentence_of(caught) == (
        "no recipe in corpus.jsonl (3 records, 3 rejected; the first one: corpus.jsonl#0: no name)"
    )


def test_a_source_that_is_not_there_or_of_no_known_format(tmp_path, out, embedders):
    with pytest.raises(SourceError, match="no file"):
        build_index(tmp_path / "gone.jsonl", out, embedders)
    (tmp_path / "a.csv").touch()
    with pytest.raises(SourceError, match=r"cannot tell the format of a\.csv"):
        build_index(tmp_path / "a.csv", out, embedders)
    assert not out.exists()


def test_a_folder_that_cannot_be_made(source, tmp_path, embedders):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "index"
    with pytest.raises(IndexBuildError) as caught:
        build_index(source, out, embedders)
    assert sentence_of(caught).startswith(f"cannot write the index into {out}: ")


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "step",
    ["Docstore.build", "LexicalIndex.build", "DenseIndex.build", "Manifest.write", "sha256_of", "Path.write_bytes"],
)
def test_a_full_disk_harms_nothing(write_corpus, records, out, embedders, search, monkeypatch, step):
    build_index(write_corpus(records), out, embedders)
    old = Manifest.read(out)
    source = write_corpus(numbered(6), "new.jsonl")
    with monkeypatch.context() as patch:
        real = build_module.sha256_of
        # The source is hashed first, and that writes nothing.
        patch.setattr(f"vectorstores.build.{step}", (lambda path: real(path) if path == source else full())
                      if step == "sha256_of" else full)  # fmt: skip
        with pytest.raises(IndexBuildError) as caught:
            build_index(source, out, embedders)
    assert sentence_of(caught) == (
        f"cannot write the index into {out}: No space left on device; what was embedded is kept"
    )
    assert [entry.name for entry in out.glob("v-*")] == [old.data]
    assert search(RecipeIndex.open(out, embedders), "红烧肉怎么做")[0].question == "红烧肉的做法"
    assert build_index(source, out, embedders).resumed_questions == (0 if step == "Path.write_bytes" else 6)
