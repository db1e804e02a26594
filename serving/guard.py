"""One ASGI layer around everything: what is refused before any work, and what is cleaned up after a client left.

Mends what LangServe and uvicorn leave open (measured, docs/adr/0002): an exception resets the client's connection, a
body has no size limit, a batch no length limit, and /invoke and /batch go on working when nobody listens any more.
"""

import asyncio
import contextlib
import json
import logging
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from configs import ServerConfig
from runnables.errors import RequestError
from serving.principal import COOKIE, new_browser_cookie
from serving.replies import error_response, from_request_error

logger = logging.getLogger("shishen.server")
_UNARY = ("/invoke", "/batch")
_WORK = (*_UNARY, "/stream", "/stream_log", "/stream_events")


class Guard:
    """Limits and clean-up for every HTTP request.

    Args:
        app: What is guarded.
        config: The limits.
        refuse: Called with the path of every request that means work; an error that it returns is the answer.
    """

    def __init__(self, app: ASGIApp, config: ServerConfig, refuse: Callable[[str], RequestError | None]) -> None:
        self._app = app
        self._config = config
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        scope.setdefault("state", {})["request_id"] = exchange.request_id
        path = str(scope["path"])
        if scope["method"] == "POST" and path.endswith(_WORK) and (error := self._refuse(path)):
            await from_request_error(error, exchange.request_id)(scope, receive, exchange.send)
            return
        if not await exchange.read_body(self._config.max_body_bytes):
            return
        if path.endswith("/batch") and not await exchange.check_batch(self._config.max_batch):
            return
        await exchange.run(self._app, self._config.timeout_s if path.endswith(_UNARY) else None)


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request_headers = dict(scope["headers"])
        given = self._request_headers.get(b"x-request-id", b"").decode("ascii", "ignore")[:64]
        self.request_id = given if given.replace("-", "").isalnum() else uuid.uuid4().hex
        self._body = b""
        self._started = self._finished = False
        self._gone = asyncio.Event()

    async def send(self, message: Message) -> None:
        """Pass a message on, with the request id in the headers."""
        if message["type"] == "http.response.start":
            self._started = True
            headers = [*message.get("headers", []), (b"x-request-id", self.request_id.encode())]
            if self._is_page(headers) and COOKIE.encode() not in self._request_headers.get(b"cookie", b""):
                headers.append((b"set-cookie", new_browser_cookie().encode()))
            message["headers"] = headers
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self._finished = True
        await self._send(message)

    def _is_page(self, headers: list[tuple[bytes, bytes]]) -> bool:
        return self._scope["method"] == "GET" and dict(headers).get(b"content-type", b"").startswith(b"text/html")

    async def _refuse(self, status: int, code: str, sentence: str, retry_after_s: int | None = None) -> None:
        response = error_response(status, code, sentence, self.request_id, retry_after_s=retry_after_s)
        await response(self._scope, self._receive, self.send)

    async def read_body(self, limit: int) -> bool:
        """Read the whole body; False where it was refused or the client left."""
        too_large = f"请求太大，最多 {limit} 字节。"
        length = self._request_headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await self._refuse(413, "too_large", too_large)
            return False
        chunks, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
            if size > limit:
                await self._refuse(413, "too_large", too_large)
                return False
        self._body = b"".join(chunks)
        return True

    async def check_batch(self, limit: int) -> bool:
        """Refuse a batch with more inputs than allowed; anything malformed is left to LangServe's own validation."""
        with contextlib.suppress(ValueError, RecursionError):
            data = json.loads(self._body)
            inputs = data.get("inputs") if isinstance(data, dict) else None
            if isinstance(inputs, list) and len(inputs) > limit:
                await self._refuse(413, "batch_too_large", f"一次最多 {limit} 个输入，收到 {len(inputs)} 个。")
                return False
        return True

    async def run(self, app: ASGIApp, timeout_s: float | None) -> None:
        """Run the application; a unary call ends with its client or with its time."""
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": self._body, "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async def watch() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._gone.set()

        task = asyncio.ensure_future(app(self._scope, receive, self.send))
        watcher = asyncio.create_task(watch())
        try:
            done, _ = await asyncio.wait({task, watcher}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if task not in done and (watcher in done and timeout_s is None):
                await task  # a stream: its server-sent-events response sees the disconnect itself and cancels the chain
            elif task not in done:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
                if not self._gone.is_set() and not self._started:
                    await self._refuse(504, "timeout", f"超过 {timeout_s:.0f} 秒没有做完，请把问题写短一些再试。")
            else:
                task.result()
        except Exception:
            logger.exception("unhandled error, request %s, path %s", self.request_id, self._scope["path"])
            if not self._started:
                await self._refuse(500, "internal", "服务器出错了，已经记下来了，请稍后再试。")
            elif not self._finished:
                await self.send({"type": "http.response.body", "body": b""})
        finally:
            watcher.cancel()
            if not task.done():
                task.cancel()
