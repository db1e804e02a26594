"""One process at a time per model: a file lock, which the kernel releases when its holder dies, kill -9 included."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(lock_file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold `lock_file` for the length of the block; wait for whoever has it.

    The lock file is left behind on purpose: removing it would let a third process lock a new file of the same name
    while the second still waits for the old one.

    Args:
        lock_file: Created if missing; its folder too.
        on_wait: Called once, before waiting, if somebody else has the lock.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    # Python opens files non-inheritable: pip's subprocess, which may outlive us, does not keep the lock.
    with lock_file.open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
