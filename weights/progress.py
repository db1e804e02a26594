"""How a pull reports on itself: a protocol of four calls, a meter for the sources, and the two console reporters."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichBar

LINE_EVERY_S = 10.0


class Progress(Protocol):
    """Receives the progress of one pull: start, advance as often as needed, finish; `note` may come at any time."""

    def start(self, name: str, total_bytes: int) -> None:
        """A pull begins; `total_bytes` is the size of all files that it must bring."""

    def advance(self, n: int) -> None:
        """So many bytes more; negative when a source fails and its bytes do not serve the next one."""

    def note(self, text: str) -> None:
        """One line for a person: a source that failed, another process that is waited for."""

    def finish(self) -> None:
        """The pull is over, well or badly; also called when it raises."""


class NoProgress:
    """Says nothing."""

    def start(self, name: str, total_bytes: int) -> None:
        """Ignore it."""

    def advance(self, n: int) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore it."""


class Meter:
    """Turns 'this file now has N bytes' into the differences that `Progress.advance` wants; one per file."""

    def __init__(self, progress: Progress) -> None:
        """Start at 0 bytes."""
        self._progress = progress
        self._at = 0

    def at(self, done_bytes: int) -> None:
        """The file now has `done_bytes` bytes, more or fewer than before."""
        if done_bytes != self._at:
            self._progress.advance(done_bytes - self._at)
            self._at = done_bytes


class BarProgress:
    """A live bar with bytes, rate and time left, for a terminal."""

    def __init__(self, console: Console) -> None:
        """Nothing is drawn before `start`."""
        self._bar = RichBar(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None

    def start(self, name: str, total_bytes: int) -> None:
        """Draw the bar."""
        self._task = self._bar.add_task(name, total=total_bytes)
        self._bar.start()

    def advance(self, n: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.advance(self._task, n)

    def note(self, text: str) -> None:
        """Print above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def finish(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()


class LineProgress:
    """One plain line every few seconds, for logs and pipes."""

    def __init__(
        self, console: Console, every_s: float = LINE_EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Print to `console` at most every `every_s` seconds; `clock` returns seconds and never goes back."""
        self._console = console
        self._every_s = every_s
        self._clock = clock
        self._name = ""
        self._total = self._done = self._printed_done = 0
        self._started_at = self._printed_at = 0.0

    def start(self, name: str, total_bytes: int) -> None:
        """Print the name and the size."""
        self._name, self._total = name, total_bytes
        self._done = self._printed_done = 0
        self._started_at = self._printed_at = self._clock()
        self._line(f"{name}: pulling {decimal(total_bytes)}")

    def advance(self, n: int) -> None:
        """Count; print if the last line is old enough."""
        self._done += n
        elapsed_s = self._clock() - self._printed_at
        if elapsed_s < self._every_s:
            return
        # The rate since the last line, not since the start: bytes kept from an earlier run would flatter the latter.
        rate = max(self._done - self._printed_done, 0) / elapsed_s
        left = f"{(self._total - self._done) / rate:.0f} s left" if rate else "stalled"
        self._line(f"{self._amount()}, {decimal(int(rate))}/s, {left}")
        self._printed_done, self._printed_at = self._done, self._clock()

    def note(self, text: str) -> None:
        """Print it as it is."""
        self._line(text)

    def finish(self) -> None:
        """Print how far it came."""
        self._line(f"{self._amount()} after {self._clock() - self._started_at:.0f} s")

    def _amount(self) -> str:
        return f"{self._name}: {decimal(self._done)} of {decimal(self._total)}"

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def console_progress(console: Console | None = None) -> Progress:
    """Console -> a bar if it is a terminal, else lines; without one, standard error."""
    console = console or Console(stderr=True)
    return BarProgress(console) if console.is_terminal else LineProgress(console)
