import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from chains.chat import LOCAL
from configs import ServerConfig
from runnables.errors import BusyError
from serving.guard import Guard
from serving.principal import COOKIE, principal_of
from serving.replies import validation_sentence

CONFIG = ServerConfig(max_body_bytes=1000, max_batch=2, timeout_s=0.1)


def scope(path: str = "/x/invoke", method: str = "POST", headers: dict[str, str] | None = None) -> dict:
    pairs = [(key.encode(), value.encode()) for key, value in (headers or {}).items()]
    return {"type": "http", "path": path, "method": method, "headers": pairs, "query_string": b"", "state": {}}


async def call(app, guarded_scope: dict, *bodies: bytes, leave_after: float | None = None) -> tuple[int, dict, bytes]:
    """Status, headers and body that one request gets; the client leaves after some seconds, or stays."""
    pending = [
        {"type": "http.request", "body": body, "more_body": i < len(bodies) - 1} for i, body in enumerate(bodies)
    ]
    sent: list[dict] = []

    async def receive() -> dict:
        if pending:
            return pending.pop(0)
        await asyncio.sleep(3600 if leave_after is None else leave_after)
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)

    await Guard(app, CONFIG, lambda _: None)(guarded_scope, receive, send)
    if not sent:
        return 0, {}, b""
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


async def echo(scope: dict, receive, send) -> None:
    await PlainTextResponse(await Request(scope, receive).body())(scope, receive, send)


async def test_a_request_passes_with_an_id():
    status, headers, body = await call(echo, scope(headers={"x-request-id": "abc-1"}), b"a", b"b")
    assert (status, body, headers["x-request-id"]) == (200, b"ab", "abc-1")


async def test_a_strange_request_id_is_replaced():
    _, headers, _ = await call(echo, scope(headers={"x-request-id": "a\r\nb: c"}), b"")
    assert headers["x-request-id"].isalnum()


@pytest.mark.parametrize(("headers", "bodies"), [({"content-length": "1001"}, (b"",)), ({}, (b"x" * 600, b"x" * 600))])
async def test_a_large_body_is_refused_declared_or_not(headers: dict[str, str], bodies: tuple[bytes, ...]):
    status, _, body = await call(echo, scope(headers=headers), *bodies)
    assert status == 413
    assert b"too_large" in body


async def test_a_long_batch_is_refused():
    status, _, body = await call(echo, scope("/x/batch"), b'{"inputs": [1, 2, 3]}')
    assert status == 413
    assert "一次最多 2 个" in body.decode()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"inputs": 5}', b"[" * 900])
async def test_an_odd_batch_is_left_to_validation(body: bytes):
    assert (await call(echo, scope("/x/batch"), body))[0] == 200


async def test_an_exception_is_a_sentence_without_its_text():
    async def broken(scope: dict, receive, send) -> None:
        raise RuntimeError("secret /path")

    status, _, body = await call(broken, scope(), b"")
    assert status == 500
    assert b"internal" in body
    assert b"secret" not in body


async def test_an_exception_in_a_stream_ends_it():
    async def broken(scope: dict, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("x")

    status, _, body = await call(broken, scope("/x/stream"), b"")
    assert (status, body) == (200, b"half")


async def test_a_slow_unary_call_is_504_and_cancelled():
    cancelled = asyncio.Event()

    async def slow(scope: dict, receive, send) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    status, _, body = await call(slow, scope(), b"")
    assert status == 504
    assert b"timeout" in body
    assert cancelled.is_set()


async def test_a_unary_call_ends_with_its_client():
    cancelled = asyncio.Event()

    async def slow(scope: dict, receive, send) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    assert (await call(slow, scope(), b"", leave_after=0.01))[0] == 0
    assert cancelled.is_set()


async def test_work_can_be_refused_before_it_is_read():
    sent = []

    async def send(message: dict) -> None:
        sent.append(message)

    guard = Guard(echo, CONFIG, lambda path: BusyError("满了。") if path == "/x/stream" else None)
    await guard(scope("/x/stream"), None, send)
    assert sent[0]["status"] == 429
    assert (b"retry-after", b"5") in sent[0]["headers"]


class TestPrincipal:
    def of(self, **headers: str) -> str:
        return principal_of(Request(scope(headers={key.replace("_", "-"): value for key, value in headers.items()})))

    def test_nobody_is_local(self):
        assert self.of() == LOCAL

    def test_a_key_is_hashed_and_stable(self):
        assert self.of(authorization="Bearer a") == self.of(x_api_key="a") != self.of(authorization="Bearer b")
        assert "secret" not in self.of(authorization="Bearer secret")

    def test_a_cookie_is_no_key(self):
        assert self.of(cookie=f"{COOKIE}=a") not in (LOCAL, self.of(authorization="Bearer a"))


def test_validation_sentence_names_places_and_echoes_nothing():
    errors = [
        {"type": "string_too_long", "loc": ("question",), "msg": "x", "input": "secret", "ctx": {"max_length": 5}}
    ]
    assert validation_sentence(errors) == "输入不对：question 太长了（最多 5）。"
    assert validation_sentence(["Invalid JSON body"]) == "输入不对：请求不是合法的 JSON。"
