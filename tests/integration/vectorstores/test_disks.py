"""Disks that are full or may not be written: real ones, as small mounts of our own (needs root)."""

import json
import os
import subprocess

import pytest

from vectorstores import EmbeddingsConfig, IndexBuildError, RecipeIndex, build_embeddings, build_index, understand
from vectorstores.manifest import Manifest

pytestmark = pytest.mark.integration


@pytest.fixture
def fake():
    return build_embeddings(EmbeddingsConfig(kind="fake", latin="fake"))


@pytest.fixture
def corpus(tmp_path):
    """Title, count -> a source of that many recipes."""

    def write(title, count):
        file = tmp_path / f"{title}.jsonl"
        records = ({"name": f"{title}第{n}号", "recipeIngredient": ["500克五花肉"]} for n in range(count))
        file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
        return file

    return write


@pytest.fixture
def mount(tmp_path):
    """Mount arguments -> the mounted folder; skipped where this system does not let us."""
    mounted = []

    def run(*arguments):
        folder = tmp_path / f"mount{len(mounted)}"
        folder.mkdir()
        result = subprocess.run(["mount", *arguments, folder], capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"cannot mount: {result.stderr.strip()}")
        mounted.append(folder)
        return folder

    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    yield run
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", folder], check=True)


def first(index, question):
    query = understand(question)
    lexical = index.lexical_search(query, 10)
    return index.fuse(query, lexical, index.dense_search(query, 10))[0].question


@pytest.mark.parametrize("free_kib", [0, 40, 120, 200, 300, 350, 420])
def test_a_disk_that_runs_full_at_any_step_harms_nothing(mount, corpus, fake, free_kib):
    folder = mount("-t", "tmpfs", "-o", "size=2m", "tmpfs")
    out = folder / "index"
    build_index(corpus("红烧肉", 5), out, fake)
    old = Manifest.read(out)
    filled = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - free_kib * 1024
    (folder / "filler").write_bytes(b"\0" * filled)

    with pytest.raises(IndexBuildError) as caught:
        build_index(corpus("番茄炒蛋", 400), out, fake)
    sentence = str(caught.value)
    assert sentence.startswith(f"cannot write the index into {out}: ")
    assert "No space left on device" in sentence or "disk is full" in sentence
    assert "\n" not in sentence

    assert Manifest.read(out) == old
    assert [entry.name for entry in out.glob("v-*")] == [old.data]
    index = RecipeIndex.open(out, fake)
    assert first(index, "红烧肉第3号怎么做") == "红烧肉第3号的做法"
    assert set(index.verify().values()) == {"ok"}

    (folder / "filler").unlink()
    assert build_index(corpus("番茄炒蛋", 400), out, fake).manifest.recipes == 400
    assert first(RecipeIndex.open(out, fake), "番茄炒蛋第37号怎么做") == "番茄炒蛋第37号的做法"


def test_an_index_on_a_read_only_disk_is_served_and_not_rebuilt(mount, corpus, fake, tmp_path):
    out = tmp_path / "index"
    build_index(corpus("红烧肉", 5), out, fake)
    folder = mount("--bind", out)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    with pytest.raises(OSError, match="Read-only"):
        (folder / "x").touch()

    index = RecipeIndex.open(folder, fake)
    assert first(index, "红烧肉第3号怎么做") == "红烧肉第3号的做法"
    assert set(index.verify().values()) == {"ok"}
    with pytest.raises(IndexBuildError, match=r"cannot write the index into .*: Read-only file system"):
        build_index(corpus("番茄炒蛋", 3), folder, fake)
