"""One file to bring: what it must become, and where its unfinished bytes live between two runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from weights.progress import Meter, Progress
from weights.registry import ModelFile

PART = ".part"  # bytes of a hub download
PARTS = ".parts"  # folder of verified package parts
JOINED = ".joined"  # package parts being joined


@dataclass(frozen=True)
class Job:
    """What every source is given.

    Attributes:
        model: Model name, for messages.
        file: What the bytes must be.
        target: Where the store will put the finished file; sources never write there.
        work_dir: Folder for unfinished bytes, on the same file system as the target; ours alone while the lock is held.
        progress: For notes.
        meter: For bytes; counts this file from 0.
    """

    model: str
    file: ModelFile
    target: Path
    work_dir: Path
    progress: Progress
    meter: Meter

    def scratch(self, suffix: str) -> Path:
        """A path of this file's own in the work folder; its parent exists."""
        path = self.work_dir / f"{self.file.path}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def drop_scratch(self) -> None:
        """Remove this file's unfinished bytes: it is installed."""
        for suffix in (PART, JOINED):
            self.scratch(suffix).unlink(missing_ok=True)
        shutil.rmtree(self.scratch(PARTS), ignore_errors=True)


@dataclass(frozen=True)
class Fetched:
    """A file that a source calls finished: not yet compared with the registry."""

    path: Path
    sha256: str
