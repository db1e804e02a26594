"""Stamps save hashing, and never hide a change of size or time."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from weights import stamp
from weights.stamp import current_sha256, stamp_path

RIGHT = hashlib.sha256(b"right").hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.bin"
    path.write_bytes(b"right")
    return path


def test_the_second_look_does_not_hash(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert current_sha256(file, stamp_path(file), RIGHT) == RIGHT
    monkeypatch.setattr(stamp, "sha256_of", lambda _: pytest.fail("hashed again"))
    assert current_sha256(file, stamp_path(file), RIGHT) == RIGHT


def test_a_changed_file_is_seen_and_loses_its_stamp(file: Path) -> None:
    current_sha256(file, stamp_path(file), RIGHT)
    file.write_bytes(b"wrong")
    os.utime(file, ns=(1, 1))
    assert current_sha256(file, stamp_path(file), RIGHT) == hashlib.sha256(b"wrong").hexdigest()
    assert not stamp_path(file).exists()


def test_a_touched_file_is_hashed_and_stamped_anew(file: Path) -> None:
    current_sha256(file, stamp_path(file), RIGHT)
    os.utime(file, ns=(5, 5))
    assert current_sha256(file, stamp_path(file), RIGHT) == RIGHT
    assert '"mtime_ns":5' in stamp_path(file).read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"size": 5}', "\udcff"])
def test_a_damaged_stamp_is_no_stamp(file: Path, text: str) -> None:
    stamp_path(file).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert current_sha256(file, stamp_path(file), RIGHT) == RIGHT


def test_a_stamp_for_an_older_registry_entry_is_not_trusted(file: Path) -> None:
    current_sha256(file, stamp_path(file), RIGHT)
    assert current_sha256(file, stamp_path(file), "0" * 64) == RIGHT


def test_a_stamp_that_cannot_be_written_is_done_without(file: Path, tmp_path: Path) -> None:
    # A file where the stamp's folder should be, because root may write to a read-only folder.
    (tmp_path / "blocked").write_text("")
    assert current_sha256(file, tmp_path / "blocked" / "x.verified", RIGHT) == RIGHT
