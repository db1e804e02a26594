"""The lock keeps a second holder waiting, also within one process."""

from __future__ import annotations

import threading
from pathlib import Path

from weights.lock import exclusive


def test_the_second_waits_until_the_first_is_done(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with exclusive(tmp_path / "locks/m", waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with exclusive(tmp_path / "locks/m", lambda: order.append("first had to wait")):
        thread.start()
        assert waiting.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_different_models_do_not_wait_for_each_other(tmp_path: Path) -> None:
    waited: list[int] = []
    with exclusive(tmp_path / "a", lambda: waited.append(1)), exclusive(tmp_path / "b", lambda: waited.append(1)):
        pass
    assert waited == []
