"""Finding, checking and removing files, without any source."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from weights import DiskSpaceError, UnknownModelError, WeightsError, WeightsHashError, WeightsMissingError


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one installed package, `fakepack` 1.0, that holds fakepack/data/m.bin."""
    root = tmp_path / "site"
    (root / "fakepack/data").mkdir(parents=True)
    (root / "fakepack/data/m.bin").write_bytes(b"bundled bytes")
    (root / "fakepack-1.0.dist-info").mkdir()
    (root / "fakepack-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: fakepack\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.fixture
def bundled_model(model_entry, file_entry):
    place = {"package": "fakepack", "version": "1.0", "member": "fakepack/data/m.bin"}
    return model_entry("b", [file_entry("m.bin", b"bundled bytes", bundled=place)])


@pytest.fixture
def store(store_of, model_entry, file_entry):
    return store_of(model_entry("m", [file_entry("a.bin", b"aaa"), file_entry("sub/b.bin", b"bbb")]))


def put(folder: Path, **files: bytes) -> None:
    """a='..' -> folder/a.bin, sub_b -> folder/sub/b.bin."""
    for name, content in files.items():
        path = folder / f"{name.replace('_', '/')}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_missing_model_says_which_command_brings_it(store) -> None:
    with pytest.raises(WeightsMissingError, match="`shishen models pull m`"):
        store.path("m")


def test_every_call_refuses_an_unknown_name(store) -> None:
    for call in (store.path, store.file, store.status, store.pull, store.verify, store.remove):
        with pytest.raises(UnknownModelError, match="known models are: m"):
            call("x")


def test_status_goes_from_missing_over_partial_to_ready(store, tmp_path: Path) -> None:
    folder = tmp_path / "cache/m"
    assert store.status("m") == "missing"
    put(folder, a=b"aaa")
    assert store.status("m") == "partial"
    put(folder, sub_b=b"xxx")
    assert store.status("m") == "partial"
    put(folder, sub_b=b"bbb")
    assert store.status("m") == "ready"


def test_unfinished_bytes_alone_are_partial(store, tmp_path: Path) -> None:
    put(tmp_path / "cache/.partial/m", a=b"a")
    assert store.status("m") == "partial"


def test_files_put_there_by_hand_are_found_and_stamped(store, tmp_path: Path) -> None:
    put(tmp_path / "cache/m", a=b"aaa", sub_b=b"bbb")
    assert store.path("m") == tmp_path / "cache/m"
    assert store.file("m", "sub/b.bin") == tmp_path / "cache/m/sub/b.bin"
    assert (tmp_path / "cache/m/sub/b.bin.verified").is_file()


def test_file_needs_a_name_where_there_are_several(store) -> None:
    with pytest.raises(WeightsError, match=r"needs a file name; its files are: a\.bin, sub/b\.bin"):
        store.file("m")
    with pytest.raises(WeightsError, match=r"has no file '\.\./a\.bin'"):
        store.file("m", "../a.bin")


def test_a_wrong_file_is_named_with_both_hashes(store, tmp_path: Path) -> None:
    put(tmp_path / "cache/m", a=b"xxx", sub_b=b"bbb")
    with pytest.raises(WeightsHashError) as caught:
        store.path("m")
    error = caught.value
    assert error.file == tmp_path / "cache/m/a.bin"
    assert all(text in str(error) for text in (str(error.file), error.got, error.wanted, "shishen models pull m"))


def test_only_verify_sees_a_change_that_keeps_size_and_time(store, tmp_path: Path) -> None:
    file = tmp_path / "cache/m/a.bin"
    put(tmp_path / "cache/m", a=b"aaa", sub_b=b"bbb")
    store.verify("m")
    seen = file.stat()
    file.write_bytes(b"aXa")
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert store.status("m") == "ready"
    with pytest.raises(WeightsHashError, match=r"a\.bin"):
        store.verify("m")
    assert store.status("m") == "partial"


def test_remove_takes_what_is_ours_and_leaves_the_rest(store, tmp_path: Path) -> None:
    folder = tmp_path / "cache/m"
    put(folder, a=b"aaa", sub_b=b"bbb", mine=b"?")
    put(tmp_path / "cache/.partial/m", a=b"a")
    store.verify("m")
    store.remove("m")
    assert [path.name for path in folder.iterdir()] == ["mine.bin"]
    assert store.status("m") == "missing"
    (folder / "mine.bin").unlink()
    put(folder, a=b"aaa")
    store.remove("m")
    assert not folder.exists()


def test_remove_of_nothing_creates_nothing(store, tmp_path: Path) -> None:
    store.remove("m")
    assert list(tmp_path.iterdir()) == []


def test_a_bundled_model_is_found_where_its_package_is(site, store_of, bundled_model, tmp_path: Path) -> None:
    store = store_of(bundled_model)
    assert store.status("b") == "bundled"
    assert store.path("b") == store.pull("b") == site / "fakepack/data"
    assert store.file("b") == site / "fakepack/data/m.bin"
    assert [path.name for path in (site / "fakepack/data").iterdir()] == ["m.bin"], "the stamp belongs into the cache"
    with pytest.raises(WeightsError, match="belongs to the package fakepack"):
        store.remove("b")


def test_a_changed_bundled_file_is_seen(site: Path, store_of, bundled_model) -> None:
    store = store_of(bundled_model)
    store.verify("b")
    (site / "fakepack/data/m.bin").write_bytes(b"other")
    assert store.status("b") == "partial"
    with pytest.raises(WeightsHashError, match=r"pip install --force-reinstall --no-deps 'fakepack==1\.0'"):
        store.pull("b")


def test_a_bundled_model_without_its_package(store_of, bundled_model, tmp_path: Path, monkeypatch) -> None:
    # A file of that name under the current folder must not pass for the package's.
    put(tmp_path / "fakepack/data", m=b"bundled bytes")
    monkeypatch.chdir(tmp_path)
    store = store_of(bundled_model)
    assert store.status("b") == "missing"
    with pytest.raises(WeightsMissingError, match=r"package fakepack is missing.*'fakepack==1\.0'"):
        store.pull("b")


def test_a_full_disk_is_one_sentence_before_any_byte(store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    with pytest.raises(DiskSpaceError, match=r"needs 6 bytes more in .*, where 5 bytes is free: free some space"):
        store.pull("m", sources="huggingface")
    assert not (tmp_path / "cache/m").exists()


def test_a_cache_that_is_a_file_is_one_sentence(store, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(WeightsError, match=r"model cache .* cannot be used"):
        store.pull("m")
