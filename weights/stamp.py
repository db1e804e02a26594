"""Hashing, and stamps that save hashing the same 500 MB at every start.

A stamp says: at this size and modification time the file had this sha256. It is a memo and no proof: it is compared
with the registry each time, and a change that keeps both size and time is only seen by `WeightStore.verify`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from weights.registry import STAMP_SUFFIX


class Stamp(BaseModel):
    """What a file was when it was last hashed. Attributes: size in bytes; mtime_ns, nanoseconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    mtime_ns: int
    sha256: str


def stamp_path(file: Path) -> Path:
    """File -> the stamp beside it."""
    return file.with_name(file.name + STAMP_SUFFIX)


def sha256_of(file: Path) -> str:
    """File -> its sha256 in lower-case hex, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def current_sha256(file: Path, stamp_file: Path, wanted: str, *, trust_stamp: bool = True) -> str:
    """File -> its sha256, from the stamp where that still fits, else hashed; the stamp is then written or dropped.

    Args:
        file: An existing file.
        stamp_file: Where its stamp is kept; need not be beside it, and need not be writable.
        wanted: The registry's sha256; only a file that has it gets a stamp.
        trust_stamp: False hashes in any case.

    Returns:
        sha256 in hex; equal to `wanted` if the file is the right one.
    """
    seen = file.stat()
    if trust_stamp and _read(stamp_file) == Stamp(size=seen.st_size, mtime_ns=seen.st_mtime_ns, sha256=wanted):
        return wanted
    # `seen` is from before the hashing: a file that changes meanwhile does not fit its stamp and is hashed again.
    got = sha256_of(file)
    # A cache on a read-only volume works too, only without the memo.
    with contextlib.suppress(OSError):
        if got == wanted:
            _write(stamp_file, Stamp(size=seen.st_size, mtime_ns=seen.st_mtime_ns, sha256=got))
        else:
            stamp_file.unlink(missing_ok=True)
    return got


def stamp_verified(file: Path, sha256: str) -> None:
    """Write the stamp of a file that was hashed on its way in."""
    seen = file.stat()
    _write(stamp_path(file), Stamp(size=seen.st_size, mtime_ns=seen.st_mtime_ns, sha256=sha256))


def _read(stamp_file: Path) -> Stamp | None:
    """A missing or damaged stamp is no stamp: the file is simply hashed again."""
    try:
        return Stamp.model_validate_json(stamp_file.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(stamp_file: Path, stamp: Stamp) -> None:
    """Written aside and renamed, so that a reader never sees half a stamp."""
    stamp_file.parent.mkdir(parents=True, exist_ok=True)
    aside = stamp_file.with_name(f"{stamp_file.name}.{os.getpid()}")
    aside.write_text(stamp.model_dump_json() + "\n", encoding="utf-8")
    aside.replace(stamp_file)
