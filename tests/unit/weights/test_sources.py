"""Which sources are asked, in which order, and what is said when none works."""

from __future__ import annotations

import errno
import hashlib

import pytest

from weights import DiskSpaceError, NoSourceError, SourceUnavailableError, WeightsError, WeightsHashError, sources
from weights.job import Fetched
from weights.sources import choose, fetch_first, parse_kinds

HUGGINGFACE = {"kind": "huggingface", "repo": "a/b", "revision": "main", "file": "x"}
MODELSCOPE = HUGGINGFACE | {"kind": "modelscope"}
PACKAGE = {"kind": "package_member", "package": "p", "version": "1", "member": "p/x"}


@pytest.fixture
def job(job_of, model_entry, file_entry):
    return job_of(model_entry("m", [file_entry("x", b"right", sources=[HUGGINGFACE, MODELSCOPE, PACKAGE])]))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, job):
    """Source kind -> bytes it gives or error it raises; records who was asked."""
    table: dict[str, bytes | Exception] = {}
    asked: list[str] = []

    def fetch(source, job):
        asked.append(source.kind)
        answer = table.get(source.kind, SourceUnavailableError(source.kind, "could not be reached"))
        if isinstance(answer, Exception):
            raise answer
        path = job.scratch(".part")
        path.write_bytes(answer)
        return Fetched(path, sha(answer))

    monkeypatch.setattr(sources, "fetch_http", fetch)
    monkeypatch.setattr(sources, "fetch_packages", fetch)
    return table, asked


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_first_source_that_works_is_the_last_one_asked(answers, job) -> None:
    table, asked = answers
    table["modelscope"] = b"right"
    assert fetch_first(job.file.sources, job).path.read_bytes() == b"right"
    assert asked == ["huggingface", "modelscope"]


def test_wrong_bytes_are_thrown_away_and_the_next_source_is_asked(answers, job) -> None:
    table, asked = answers
    table |= {"huggingface": b"wrong", "package_member": b"right"}
    assert fetch_first(job.file.sources, job).path.read_bytes() == b"right"
    assert asked == ["huggingface", "modelscope", "package_member"]


def test_wrong_bytes_outrank_unreachable_hosts_in_the_error(answers, job) -> None:
    answers[0]["modelscope"] = b"wrong"
    with pytest.raises(WeightsHashError, match=f"x from modelscope .*got {sha(b'wrong')}, wanted "):
        fetch_first(job.file.sources, job)
    assert not job.scratch(".part").exists()


def test_no_source_at_all_is_one_sentence_with_the_way_out(answers, job) -> None:
    with pytest.raises(NoSourceError) as caught:
        fetch_first(job.file.sources, job)
    text = str(caught.value)
    assert "'m'" in text
    assert "no source could be reached" in text
    assert f"put the file into {job.target}." in text
    assert "\n" not in text
    assert len(caught.value.failures) == 3


def test_no_allowed_source_says_so(answers, job) -> None:
    with pytest.raises(NoSourceError, match="none of the allowed sources has it"):
        fetch_first([], job)


def test_a_disk_that_fills_up_on_the_way_is_named(answers, job) -> None:
    answers[0]["huggingface"] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskSpaceError, match="needs more room than there is"):
        fetch_first(job.file.sources[:1], job)


def test_kinds_restrict_and_reorder(job) -> None:
    def kinds(text):
        return [source.kind for source in choose(job.file.sources, parse_kinds(text))]

    assert kinds(None) == kinds("") == kinds(" , ") == ["huggingface", "modelscope", "package_member"]
    assert kinds("package_member, huggingface") == kinds(["package_member", "huggingface"])
    assert kinds("package_member, huggingface") == ["package_member", "huggingface"]
    assert kinds("package_parts") == []
    with pytest.raises(WeightsError, match="No model source is called 'hugingface'; the kinds are: huggingface, "):
        parse_kinds("hugingface")
