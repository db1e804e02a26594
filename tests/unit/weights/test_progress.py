"""What a person sees while a pull runs."""

from __future__ import annotations

import io

from rich.console import Console

from weights import BarProgress, LineProgress, console_progress
from weights.progress import Meter


class Recorder:
    def __init__(self) -> None:
        self.steps: list[int] = []

    def start(self, name: str, total_bytes: int) -> None: ...

    def advance(self, n: int) -> None:
        self.steps.append(n)

    def note(self, text: str) -> None: ...

    def finish(self) -> None: ...


def test_the_meter_turns_positions_into_steps_both_ways() -> None:
    recorder = Recorder()
    meter = Meter(recorder)
    for position in (0, 5, 5, 9, 0, 3):
        meter.at(position)
    assert recorder.steps == [5, 4, -9, 3]
    assert sum(recorder.steps) == 3


def test_lines_come_every_ten_seconds_with_rate_and_time_left() -> None:
    now = [0.0]
    out = io.StringIO()
    lines = LineProgress(Console(file=out, width=40), clock=lambda: now[0])
    lines.start("a-model-with-a-long-name", 100_000_000)
    for second in range(1, 26):
        now[0] = float(second)
        lines.advance(2_000_000)
    lines.note("[modelscope] could not be reached")
    lines.finish()
    assert out.getvalue().splitlines() == [
        "a-model-with-a-long-name: pulling 100.0 MB",
        "a-model-with-a-long-name: 20.0 MB of 100.0 MB, 2.0 MB/s, 40 s left",
        "a-model-with-a-long-name: 40.0 MB of 100.0 MB, 2.0 MB/s, 30 s left",
        "[modelscope] could not be reached",
        "a-model-with-a-long-name: 50.0 MB of 100.0 MB after 25 s",
    ]


def test_a_pull_that_goes_backwards_is_called_stalled() -> None:
    now = [0.0]
    out = io.StringIO()
    lines = LineProgress(Console(file=out), clock=lambda: now[0])
    lines.start("m", 1000)
    lines.advance(500)
    now[0] = 11.0
    lines.advance(-500)
    assert "m: 0 bytes of 1.0 kB, 0 bytes/s, stalled" in out.getvalue()


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines() -> None:
    assert isinstance(console_progress(Console(file=io.StringIO())), LineProgress)
    out = io.StringIO()
    bar = console_progress(Console(file=out, force_terminal=True, width=100))
    assert isinstance(bar, BarProgress)
    bar.note("before the start")
    bar.start("m", 1000)
    bar.advance(1000)
    bar.note("[in the middle]")
    bar.finish()
    assert "1.0/1.0 kB" in out.getvalue()
    assert "[in the middle]" in out.getvalue()
