"""A hub on 127.0.0.1 that misbehaves on request, and wheels in a folder that pip takes for its index."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from weights import Registry, WeightStore, forget_unreachable, http_source

ROOT = Path(__file__).resolve().parents[3]
CONTENT = bytes(range(256)) * 2000  # 512,000 bytes


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Hub:
    """Serves `content` on every path. Each request takes the next trick from `tricks`; none left means it behaves.

    Tricks: 'cut:N' ends the connection N bytes into the body; 'ignore-range'; 'no-length' says no Content-Length, and
    as 'no-length:N' also ends after N bytes; 'status:N'; 'redirect:URL'; 'total:N' says another total in Content-Range.
    """

    content: bytes = CONTENT
    tricks: list[str] = field(default_factory=list)
    seconds_per_block: float = 0.0
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def ranges(self) -> list[str]:
        """The Range header of every request so far; '' for none."""
        return [request["range"] for request in self.requests]


def serve(hub: Hub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None: ...

        def do_GET(self) -> None:
            said = self.headers.get("Range", "")
            token = self.headers.get("Authorization", "")
            hub.requests.append({"path": self.path, "range": said, "authorization": token})
            trick, _, number = (hub.tricks.pop(0) if hub.tricks else "").partition(":")
            self.close_connection = True
            if trick in ("status", "redirect"):
                self.send_response(int(number) if trick == "status" else 302)
                if trick == "redirect":
                    self.send_header("Location", number)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(re.findall(r"\d+", said)[0]) if said and trick != "ignore-range" else 0
            body = hub.content[start:]
            if said and trick != "ignore-range" and not body:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if said and trick != "ignore-range" else 200)
            if said and trick != "ignore-range":
                total = number if trick == "total" else len(hub.content)
                self.send_header("Content-Range", f"bytes {start}-{len(hub.content) - 1}/{total}")
            if trick != "no-length":
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if trick in ("cut", "no-length") and number:
                body = body[: int(number)]
            for at in range(0, len(body), 16384):
                try:
                    self.wfile.write(body[at : at + 16384])
                except OSError:
                    return
                time.sleep(hub.seconds_per_block)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture
def hubs() -> Iterator[Callable[[], Hub]]:
    """Starts as many hubs as a test needs."""
    servers: list[ThreadingHTTPServer] = []

    def start() -> Hub:
        hub = Hub()
        servers.append(serve(hub))
        return hub

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def dead_url() -> Iterator[str]:
    """An address of this machine where nothing listens: the port is bound, so that nobody else can take it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy, no token, no memory of dead hosts, no pause between retries; both hubs point to nowhere."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(http_source, "MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(http_source, "RETRY_PAUSE_S", 0.0)
    forget_unreachable()
    yield
    forget_unreachable()


@pytest.fixture
def hub(hubs: Callable[[], Hub], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The hub that HF_ENDPOINT names."""
    hub = hubs()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    return hub


@dataclass
class Wheels:
    """Builds wheels of one member into a folder."""

    folder: Path

    def add(self, package: str, content: bytes, claim: bytes | None = None) -> dict[str, Any]:
        """Build package 1.0 with `content` -> its registry part, which claims `claim` if that is given."""
        stem, member = f"{package.replace('-', '_')}-1.0", f"{package.replace('-', '_')}/data/part.bin"
        claim = content if claim is None else claim
        files = {
            member: content,
            f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
            f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        with zipfile.ZipFile(self.folder / f"{stem}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
            record = ""
            for name, data in files.items():
                archive.writestr(name, data)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                record += f"{name},sha256={digest},{len(data)}\n"
            archive.writestr(f"{stem}.dist-info/RECORD", record + f"{stem}.dist-info/RECORD,,\n")
        return {"package": package, "version": "1.0", "member": member, "size": len(claim), "sha256": sha(claim)}

    def remove(self, package: str) -> None:
        (self.folder / f"{package.replace('-', '_')}-1.0-py3-none-any.whl").unlink()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    """A folder that is pip's only index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Wheels(folder)


@dataclass
class Bench:
    """A store in a temporary folder, for one model `m` of one file `x.bin`, here and in other processes."""

    folder: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def target(self) -> Path:
        return self.cache / "m/x.bin"

    @property
    def part(self) -> Path:
        return self.cache / ".partial/m/x.bin.part"

    def registry(self, *extra: dict[str, Any], content: bytes = CONTENT, kinds: str = "huggingface") -> Registry:
        hub_file = {"repo": "who/what", "revision": "main", "file": "x.bin"}
        sources = [{"kind": kind} | hub_file for kind in kinds.split()] + list(extra)
        file = {"path": "x.bin", "size": len(content), "sha256": sha(content), "sources": sources}
        model = {"name": "m", "purpose": "t", "licence": "MIT", "upstream": "https://example.org", "files": [file]}
        return Registry.model_validate({"models": [model]})

    def store(self, *extra: dict[str, Any], content: bytes = CONTENT, kinds: str = "huggingface") -> WeightStore:
        return WeightStore(self.cache, self.registry(*extra, content=content, kinds=kinds))

    def start_pull(self, registry: Registry) -> subprocess.Popen[str]:
        """`pull('m')` in a process of its own; it prints the notes and then 'done'."""
        path = self.folder / "registry.yaml"
        path.write_text(registry.model_dump_json(exclude_none=True))  # JSON is YAML
        program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from weights import NoProgress, WeightStore, load_registry
class Notes(NoProgress):
    def note(self, text):
        print(text, flush=True)
WeightStore(Path({str(self.cache)!r}), load_registry(Path({str(path)!r}))).pull('m', Notes())
print('done', flush=True)
"""
        return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition, at most 10 s."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "waited 10 s in vain"
            time.sleep(0.005)

    return wait
