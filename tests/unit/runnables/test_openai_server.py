"""The OpenAI-compatible backend against a real HTTP server on the loopback interface."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runnables.backends import build_llm
from runnables.errors import BusyError, InvalidInputError, ModelError, RequestError
from runnables.llm import LlmConfig, RecipeChatModel
from runnables.openai_server import OpenAiServer

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Does to a request what the test says."""

    protocol_version = "HTTP/1.1"
    server: "ModelServer"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.requests.append((self.path, dict(self.headers), json.loads(self.rfile.read(length))))
        try:
            self.server.behaviour(self)
        except (BrokenPipeError, ConnectionResetError):
            self.server.client_left.set()
        self.close_connection = True

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers), None))
        self.answer(200, b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def line(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")


class ModelServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.behaviour: Behaviour = good
        self.client_left = threading.Event()
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


def data(event: Any) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"


def says(text: str, **more: Any) -> str:
    return data({"choices": [{"delta": {"content": text}, **more}]})


def good(handler: Handler) -> None:
    handler.begin()
    for line in (": a comment\n\n", "event: message\n", says("先"), says("焯水。"), says("", finish_reason="stop")):
        handler.line(line)
    handler.line(data({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}))
    handler.line("data: [DONE]\n\n")
    handler.end()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def llm(server: ModelServer) -> RecipeChatModel:
    return model(server.url)


def model(url: str, **config: Any) -> RecipeChatModel:
    full = LlmConfig(**({"kind": "openai", "base_url": url, "model": "m", "timeout_s": 5} | config))
    return build_llm(full, store=None)  # type: ignore[arg-type]


async def failure(llm: RecipeChatModel) -> RequestError:
    """The error of every way of calling, which has to be the same one; the place is given back each time."""
    errors: list[RequestError] = []
    for call in (llm.invoke, lambda m: list(llm.stream(m))):
        with pytest.raises(RequestError) as caught:
            call("x")
        errors.append(caught.value)
    with pytest.raises(RequestError) as caught:
        await llm.ainvoke("x")
    errors.append(caught.value)
    with pytest.raises(RequestError) as caught:
        [chunk async for chunk in llm.astream("x")]
    errors.append(caught.value)
    assert len({(type(error), str(error)) for error in errors}) == 1, errors
    assert llm._gate._inside == 0
    return errors[0]


async def test_a_good_stream(server: ModelServer, llm: RecipeChatModel):
    streamed = list(llm.stream("红烧肉"))
    astreamed = [chunk async for chunk in llm.astream("红烧肉")]
    assert [chunk.content for chunk in streamed if chunk.content] == ["先", "焯水。"]
    assert [chunk.content for chunk in astreamed] == [chunk.content for chunk in streamed]
    for answer in (llm.invoke("红烧肉"), await llm.ainvoke("红烧肉")):
        assert answer.content == "先焯水。"
        assert answer.usage_metadata == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
        assert answer.response_metadata["finish_reason"] == "stop"
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert "authorization" not in {key.lower() for key in headers}
    assert body["messages"] == [{"role": "user", "content": "红烧肉"}]
    assert (body["model"], body["stream"]) == ("m", True)


def test_the_key_goes_into_the_header_and_stop_words_into_the_body(server: ModelServer):
    model(f"{server.url}/", api_key="geheim").invoke("x", stop=["完"])
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer geheim"
    assert body["stop"] == ["完"]
    assert "geheim" not in json.dumps(body)


def test_a_finish_reason_without_done_is_an_end_too(server: ModelServer, llm: RecipeChatModel):
    def behave(handler: Handler) -> None:
        handler.begin()
        handler.line(says("好", finish_reason="stop"))
        handler.end()

    server.behaviour = behave
    assert llm.invoke("x").content == "好"


@pytest.mark.parametrize(
    ("status", "body", "kind", "part"),
    [
        (401, '{"error": {"message": "Incorrect API key: sk-geheim"}}', ModelError, "llm.api_key"),
        (403, "forbidden", ModelError, "llm.api_key"),
        (404, '{"detail": "Not Found"}', ModelError, "llm.base_url"),
        (429, '{"error": {"message": "slow down"}}', BusyError, "正忙"),
        (500, "Traceback (most recent call last): /srv/app.py", ModelError, "HTTP 500"),
        (502, "<html>Bad Gateway</html>", ModelError, "HTTP 502"),
        (400, '{"message": "This model\'s maximum context length is 4096 tokens"}', InvalidInputError, "太长"),
        (400, '{"message": "temperature must be positive"}', ModelError, "temperature must be positive"),
        (422, b"\xff\xfe", ModelError, "HTTP 422"),
    ],
)
async def test_refusals(server: ModelServer, llm: RecipeChatModel, status: int, body: Any, kind: type, part: str):
    raw = body if isinstance(body, bytes) else body.encode()
    server.behaviour = lambda handler: handler.answer(status, raw)
    error = await failure(llm)
    assert type(error) is kind
    assert part in str(error)
    for secret in ("geheim", "Traceback", "/srv"):
        assert secret not in str(error)


def cut_in_a_chunk(handler: Handler) -> None:
    handler.begin()
    handler.line(says("先"))
    handler.wfile.write(b"ff\r\ndata: {")
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_between_lines(handler: Handler) -> None:
    handler.begin()
    handler.line(says("先"))
    handler.end()


def closed_at_once(handler: Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("behave", [cut_in_a_chunk, cut_between_lines, closed_at_once])
async def test_half_an_answer_does_not_pass_for_a_whole_one(
    server: ModelServer, llm: RecipeChatModel, behave: Behaviour
):
    server.behaviour = behave
    assert type(await failure(llm)) is ModelError


def test_what_came_before_the_cut_was_streamed(server: ModelServer, llm: RecipeChatModel):
    server.behaviour = cut_in_a_chunk
    stream = llm.stream("x")
    assert next(stream).content == "先"
    with pytest.raises(ModelError):
        next(stream)


@pytest.mark.parametrize(
    "lines",
    [
        ["<!doctype html><html>hello</html>"],
        ["data: <html>\n\n"],
        ["data: [1, 2]\n\n"],
        ['{"choices": [{"message": {"content": "no stream"}}]}'],
        [""],
    ],
)
async def test_what_is_no_stream_of_json_is_said_so(server: ModelServer, llm: RecipeChatModel, lines: list[str]):
    server.behaviour = lambda handler: handler.answer(200, "".join(lines).encode(), "text/html")
    error = await failure(llm)
    assert type(error) is ModelError
    assert "OpenAI" in str(error)


async def test_an_error_object_inside_the_stream(server: ModelServer, llm: RecipeChatModel):
    def behave(handler: Handler) -> None:
        handler.begin()
        handler.line(says("先"))
        handler.line(data({"error": {"message": "out of memory"}}))
        handler.end()

    server.behaviour = behave
    assert "out of memory" in str(await failure(llm))


async def test_a_slow_first_byte_runs_into_the_time_limit(server: ModelServer):
    server.behaviour = lambda handler: server.release.wait(10) and None  # type: ignore[func-returns-value]
    error = await failure(model(server.url, timeout_s=0.05))
    assert type(error) is ModelError
    assert "Timeout" in str(error)


async def test_a_silence_in_the_middle_runs_into_it_too(server: ModelServer):
    def behave(handler: Handler) -> None:
        handler.begin()
        handler.line(says("先"))
        server.release.wait(10)

    server.behaviour = behave
    assert "Timeout" in str(await failure(model(server.url, timeout_s=0.1)))


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/v1", "", "nonsense", "http://h:port/v1"])
async def test_no_server_there(url: str):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        llm = model(url.format(port=unused.getsockname()[1]))
        error = await failure(llm)
        assert type(error) is ModelError
        assert "模型服务没有回答" in str(error)
        with pytest.raises(ModelError, match=r"llm\.base_url"):
            llm.backend.warm_up()


def endless(handler: Handler) -> None:
    handler.begin()
    while not handler.server.release.wait(0.002):
        handler.line(says("啊"))


def test_closing_the_stream_closes_the_connection(server: ModelServer):
    server.behaviour = endless
    llm = model(server.url, slots=1, waiting=0)
    stream = llm.stream("x")
    assert next(stream).content == "啊"
    assert llm.is_full
    stream.close()
    assert server.client_left.wait(5), "the server noticed that nobody listens"
    assert not llm.is_full


async def test_closing_the_async_stream_closes_the_connection(server: ModelServer):
    server.behaviour = endless
    llm = model(server.url, slots=1, waiting=0)
    stream = llm.astream("x")
    assert (await anext(stream)).content == "啊"
    await stream.aclose()
    assert await asyncio.to_thread(server.client_left.wait, 5)
    server.behaviour = good
    assert (await llm.ainvoke("x")).content == "先焯水。"


def test_warm_up_asks_the_server_with_the_key(server: ModelServer):
    OpenAiServer(LlmConfig(kind="openai", base_url=server.url, api_key="geheim")).warm_up()
    path, headers, _ = server.requests[0]
    assert path == "/v1/models"
    assert headers["Authorization"] == "Bearer geheim"
