"""Where the chat model's tokens come from: llama.cpp in this process, an OpenAI-compatible server, or a fake."""

import asyncio
import json
import logging
import os
import queue
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx

from runnables.errors import ModelError
from runnables.llm import Backend, LlmConfig, RecipeChatModel, to_error
from runnables.schema import JsonObject
from weights import WeightStore

logger = logging.getLogger(__name__)
_END = object()


class LlamaCpp:
    """A GGUF model in this process (llama.cpp through xllamacpp), several requests at a time, prompt heads cached."""

    def __init__(self, config: LlmConfig, find_weights: Callable[[], Path]) -> None:
        self._config = config
        self._find_weights = find_weights
        self._server: Any = None
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Load the weights; a second call does nothing."""
        with self._lock:
            if self._server is None:
                self._server = self._load()

    def close(self) -> None:
        """Stop generating and free the weights."""
        with self._lock:
            self._server = None

    def _load(self) -> Any:
        import xllamacpp

        path = self._find_weights()
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_parallel = self._config.slots
        params.n_ctx = self._config.context_tokens * self._config.slots
        params.cpuparams.n_threads = self._config.threads or os.cpu_count() or 2
        params.verbosity = -1
        # The library opens an HTTP port of its own on the loopback interface. Nothing of ours uses it: it gets no page, no
        # view into the slots, and a key that nobody knows.
        params.ui = False
        params.endpoint_slots = False
        params.api_keys = [secrets.token_urlsafe(32)]
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"模型文件 {path.name} 打不开：{str(error)[:200]}。可以运行 shishen models verify 检查。"
            ) from error

    def _run(self, body: JsonObject, emit: Callable[[Any], None], stopped: threading.Event) -> None:
        def on_chunk(event: Any) -> bool:
            emit(event)
            return stopped.is_set()  # True ends the generation: a client that left costs at most one more token

        try:
            self.warm_up()
            self._server.handle_chat_completions(_plain_text_only(body), on_chunk)
        except Exception as error:
            logger.debug("llama.cpp failed", exc_info=True)
            emit(error if isinstance(error, ModelError) else {"error": {"message": str(error)}})
        finally:
            emit(_END)

    def stream(self, body: JsonObject) -> Iterator[JsonObject]:
        """See ``Backend``."""
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stopped = threading.Event()
        threading.Thread(target=self._run, args=(body, events.put, stopped), name="llama-cpp", daemon=True).start()
        try:
            while (event := events.get()) is not _END:
                yield from _unpack(event)
        finally:
            stopped.set()

    async def astream(self, body: JsonObject) -> AsyncIterator[JsonObject]:
        """See ``Backend``."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Any] = asyncio.Queue()
        stopped = threading.Event()

        def emit(event: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(events.put_nowait, event)

        threading.Thread(target=self._run, args=(body, emit, stopped), name="llama-cpp", daemon=True).start()
        try:
            while (event := await events.get()) is not _END:
                for part in _unpack(event):
                    yield part
        finally:
            stopped.set()


def _unpack(event: Any) -> list[JsonObject]:
    if isinstance(event, Exception):
        raise event
    return cast(list[JsonObject], event if isinstance(event, list) else [event])


def _plain_text_only(body: JsonObject) -> JsonObject:
    """The body with every control token of the chat template defused: what people and recipes say is text.

    llama.cpp parses <|im_end|> wherever it stands in the rendered prompt, so the bracket pair is parted.
    """
    messages = [{**message, "content": message["content"].replace("<|", "< |")} for message in body["messages"]]
    return {**body, "messages": messages}


class OpenAiServer:
    """Any server that speaks POST /chat/completions with server-sent events: LMDeploy, vLLM, llama.cpp, Ollama."""

    def __init__(self, config: LlmConfig) -> None:
        self._url = f"{config.base_url.rstrip('/')}/chat/completions"
        self._timeout = httpx.Timeout(config.timeout_s, connect=min(5.0, config.timeout_s))
        key = config.api_key.get_secret_value() if config.api_key else ""
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def warm_up(self) -> None:
        """Check that something answers at the address."""
        try:
            httpx.get(
                self._url.removesuffix("/chat/completions") + "/models", headers=self._headers, timeout=self._timeout
            )
        except httpx.HTTPError as error:
            raise ModelError(f"模型服务 {self._url} 连不上（{type(error).__name__}），请检查 llm.base_url。") from error

    def close(self) -> None:
        """Nothing is kept open between requests."""

    def stream(self, body: JsonObject) -> Iterator[JsonObject]:
        """See ``Backend``."""
        try:
            with (
                httpx.Client(timeout=self._timeout, headers=self._headers) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                if response.status_code >= 400:
                    raise _refused(response.status_code, response.read())
                for line in response.iter_lines():
                    if (event := _event(line)) is not None:
                        yield event
        except httpx.HTTPError as error:
            raise _unreachable(error) from error

    async def astream(self, body: JsonObject) -> AsyncIterator[JsonObject]:
        """See ``Backend``."""
        try:
            async with (
                httpx.AsyncClient(timeout=self._timeout, headers=self._headers) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                if response.status_code >= 400:
                    raise _refused(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    if (event := _event(line)) is not None:
                        yield event
        except httpx.HTTPError as error:
            raise _unreachable(error) from error


def _event(line: str) -> JsonObject | None:
    if not line.startswith("data:") or (data := line[5:].strip()) in ("", "[DONE]"):
        return None
    try:
        event = json.loads(data)
    except ValueError:
        raise ModelError(
            "模型服务送来的数据读不懂（不是 JSON），请检查 llm.base_url 是不是 OpenAI 兼容接口。"
        ) from None
    return cast(JsonObject, event) if isinstance(event, dict) else None


def _refused(status: int, body: bytes) -> Exception:
    text = body[:500].decode("utf-8", "replace")
    return to_error({"message": f"HTTP {status}: {text}"})


def _unreachable(error: httpx.HTTPError) -> ModelError:
    return ModelError(f"模型服务没有回答（{type(error).__name__}），请稍后再试。")


class FakeBackend:
    """Deterministic stand-in for tests: restates the recipe in the prompt character by character, else echoes.

    What ``enqueue`` was given comes first, one text per request.
    """

    def __init__(self) -> None:
        self._queue: list[str] = []
        self.bodies: list[JsonObject] = []
        self.closed_early = 0

    def enqueue(self, *texts: str) -> None:
        """Say these next."""
        self._queue += texts

    def _text(self, body: JsonObject) -> str:
        self.bodies.append(body)
        if self._queue:
            return self._queue.pop(0)
        prompt = "\n".join(message["content"] for message in body["messages"])
        if "步骤：" in prompt:
            return prompt.split("步骤：", 1)[1].split("\n\n", 1)[0].strip()
        return f"（测试模型）{body['messages'][-1]['content']}"

    def stream(self, body: JsonObject) -> Iterator[JsonObject]:
        """See ``Backend``."""
        done = False
        try:
            for char in self._text(body):
                yield {"choices": [{"delta": {"content": char}}]}
            done = True
            yield {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        finally:
            self.closed_early += not done

    async def astream(self, body: JsonObject) -> AsyncIterator[JsonObject]:
        """See ``Backend``."""
        source = self.stream(body)
        try:
            for event in source:
                await asyncio.sleep(0)
                yield event
        finally:
            source.close()  # type: ignore[attr-defined]

    def warm_up(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to free."""


def build_llm(config: LlmConfig, store: WeightStore) -> RecipeChatModel:
    """The chat model that the profile names. Nothing is loaded yet."""
    backend: Backend
    if config.kind == "fake":
        backend = FakeBackend()
    elif config.kind == "openai":
        backend = OpenAiServer(config)
    else:
        backend = LlamaCpp(config, lambda: find_gguf(config.model, store))
    return RecipeChatModel(config=config, backend=backend, name="ChatModel")


def find_gguf(model: str, store: WeightStore) -> Path:
    """A registry name or the path of a .gguf file -> the file.

    Raises:
        WeightsMissingError: a registry name whose file was not pulled.
    """
    path = Path(model).expanduser()
    return path if model.endswith(".gguf") and path.is_file() else store.file(model)
