"""What all tests share: a clean environment, a small index with fakes, a live server with the real embedded profile."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chains import Components, Settings
from vectorstores import build_index

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "红烧肉 可乐鸡翅 鱼香肉丝 番茄炒蛋 清蒸鲈鱼 麻婆豆腐 宫保鸡丁 酸辣土豆丝 拍黄瓜 蛋挞 皮蛋瘦肉粥 戚风蛋糕"
).split()  # fmt: skip


def pytest_configure() -> None:
    """Whoever runs the tests, their settings and traces stay out of them."""
    for name in [key for key in os.environ if key.startswith(("SHISHEN_", "LANGSMITH_", "LANGCHAIN_"))]:
        if name != "SHISHEN_CACHE_DIR":
            del os.environ[name]


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve recipes of the starter corpus, and a second 可乐鸡翅."""
    records = [json.loads(line) for line in (ROOT / "recipes/starter.jsonl").read_text(encoding="utf-8").splitlines()]
    chosen = [record for record in records if record["name"] in NAMES]
    assert len(chosen) == len(NAMES)
    wings = next(record for record in chosen if record["name"] == "可乐鸡翅")
    chosen.append(
        {**wings, "name": "快手可乐鸡翅", "dish": "可乐鸡翅", "recipeInstructions": wings["recipeInstructions"][:-1]}
    )
    file = tmp_path_factory.mktemp("corpus") / "small.jsonl"
    file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in chosen), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The test profile, with everything it writes in a temporary folder."""
    folder = tmp_path_factory.mktemp("data")
    return Settings.load(
        "test", index={"dir": str(folder / "index")}, history={"url": f"sqlite:///{folder}/history.sqlite"}
    )


@pytest.fixture(scope="session")
def components(settings: Settings, corpus_file: Path) -> Iterator[Components]:
    """Shared parts over the small index; nothing in them is changed by a request."""
    parts = Components(settings)
    build_index(corpus_file, parts.index_dir, parts.embeddings)
    yield parts
    parts.close()


class LiveServer:
    """``shishen serve`` as a process of its own."""

    def __init__(self, environment: dict[str, str], arguments: tuple[str, ...] = ()) -> None:
        self.log = ""
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("shishen")), "serve", "--port", "0", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.url = ""

    def wait_ready(self, limit_s: float = 600.0) -> None:
        """Read the log until the address is printed; it is printed when all models are loaded."""
        assert self.process.stderr is not None
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            line = self.process.stderr.readline()
            assert line, f"the server ended before it was ready:\n{self.log}"
            self.log += line
            if match := re.search(r"已就绪：(http://\S+?)/?$", line.strip()):
                self.url = match[1]
                return
        raise AssertionError(f"not ready after {limit_s} s:\n{self.log}")

    def stop(self, limit_s: float = 30.0) -> float:
        """SIGTERM; how many seconds the process took to end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            _, rest = self.process.communicate(timeout=limit_s)
            self.log += rest or ""
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return time.monotonic() - started


@pytest.fixture(scope="session")
def live_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a server process with the embedded profile and a data folder of its own."""
    return {**os.environ, "SHISHEN_DATA_DIR": str(tmp_path_factory.mktemp("live")), "SHISHEN_PROFILE": "embedded"}


@pytest.fixture(scope="session")
def live_server(live_environment: dict[str, str]) -> Iterator[LiveServer]:
    """A real server: real models, the whole starter corpus, real HTTP."""
    server = LiveServer(live_environment)
    server.wait_ready()
    assert httpx.get(f"{server.url}/readyz", timeout=10).status_code == 200
    yield server
    server.stop()
