"""Small registries and files for the weights tests; no sockets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weights import Registry, WeightStore
from weights.job import Job
from weights.progress import Meter, NoProgress

HUB_SOURCE = {"kind": "huggingface", "repo": "a/b", "revision": "main", "file": "x.bin"}
Entry = Callable[..., dict[str, Any]]


@pytest.fixture
def file_entry() -> Entry:
    """(path, content, **more) -> one file of a registry entry."""

    def build(path: str, content: bytes, **more: Any) -> dict[str, Any]:
        entry = {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()} | more
        return entry if "bundled" in entry else {"sources": [HUB_SOURCE]} | entry

    return build


@pytest.fixture
def model_entry() -> Entry:
    """(name, files, **more) -> one registry entry."""

    def build(name: str, files: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        entry = {"name": name, "purpose": "test", "licence": "MIT", "upstream": "https://example.org/x"}
        return entry | {"files": files} | more

    return build


@pytest.fixture
def store_of(tmp_path: Path) -> Callable[..., WeightStore]:
    """Registry entries -> a store in tmp_path/cache."""

    def build(*models: dict[str, Any]) -> WeightStore:
        return WeightStore(tmp_path / "cache", Registry.model_validate({"models": models}))

    return build


@pytest.fixture
def job_of(tmp_path: Path) -> Callable[[dict[str, Any]], Job]:
    """One registry entry -> the job of its first file."""

    def build(model: dict[str, Any]) -> Job:
        file = Registry.model_validate({"models": [model]}).models[0].files[0]
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        progress = NoProgress()
        return Job(model["name"], file, tmp_path / "cache" / file.path, work, progress, Meter(progress))

    return build
