"""Where the chat model's tokens come from: llama.cpp in this process, an OpenAI-compatible server, or a fake."""

import asyncio
import atexit
import contextlib
import logging
import os
import queue
import re
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any, cast

from runnables.errors import BusyError, ModelError, RequestError
from runnables.llm import Backend, LlmConfig, RecipeChatModel
from runnables.openai_server import OpenAiServer
from runnables.schema import JsonObject
from weights import WeightsError, WeightStore

logger = logging.getLogger(__name__)
_END = object()
# <|im_end|>, <｜User｜>, <end_of_turn>, </s>: what chat templates put around a turn.
_CONTROL = re.compile(r"<(?=[|｜]|/?(?:s|bos|eos|start_of_turn|end_of_turn|start_header_id|end_header_id|eot_id)>)")
_STOP_S = 10.0


class LlamaCpp:
    """A GGUF model in this process (llama.cpp through xllamacpp), several requests at a time, prompt heads cached."""

    def __init__(self, config: LlmConfig, find_weights: Callable[[], Path]) -> None:
        self._config = config
        self._find_weights = find_weights
        self._server: Any = None
        self._lock = threading.Lock()
        self._running: dict[threading.Thread, threading.Event] = {}

    def warm_up(self) -> None:
        """Load the weights; a second call does nothing."""
        with self._lock:
            if self._server is None:
                self._server = self._load()
                # A thread still inside llama.cpp when the interpreter goes down takes the process down with an abort.
                atexit.register(self.close)

    def close(self) -> None:
        """Stop every generation, wait for it, and free the weights."""
        running = dict(self._running)
        for stopped in running.values():
            stopped.set()
        for thread in running:
            thread.join(_STOP_S)
        with self._lock:
            self._server = None
        atexit.unregister(self.close)

    def _start(self, body: JsonObject, emit: Callable[[Any], None]) -> threading.Event:
        """Generate in a thread of its own; setting the event that is returned ends it.

        A client that leaves gives its place back at once, its thread ends at the next token: threads are bounded too.
        """
        if len(self._running) >= 2 * (self._config.slots + self._config.waiting):
            raise BusyError("模型还在结束上一批回答，请稍等几秒再试。")
        stopped = threading.Event()
        thread = threading.Thread(target=self._run, args=(body, emit, stopped), name="llama-cpp", daemon=True)
        self._running[thread] = stopped
        thread.start()
        return stopped

    def _load(self) -> Any:
        import xllamacpp

        path = self._find_weights()
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_parallel = self._config.slots
        params.n_ctx = self._config.context_tokens * self._config.slots
        params.cpuparams.n_threads = self._config.threads or os.cpu_count() or 2
        params.verbosity = -1
        params.cache_ram_mib = self._config.prompt_cache_mib
        # The library opens an HTTP port of its own on the loopback interface. Nothing of ours uses it: it gets no page,
        # no view into the slots, and a key that nobody knows.
        params.ui = False
        params.endpoint_slots = False
        params.api_keys = [secrets.token_urlsafe(32)]
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"模型文件 {path.name} 打不开（{str(error).rstrip('. ')[:200]}），可以运行 shishen models verify 检查。"
            ) from error

    def _run(self, body: JsonObject, emit: Callable[[Any], None], stopped: threading.Event) -> None:
        def on_chunk(event: Any) -> bool:
            emit(event)
            return stopped.is_set()  # True ends the generation: a client that left costs at most one more token

        try:
            self.warm_up()
            if not stopped.is_set():
                self._server.handle_chat_completions(_plain_text_only(body), on_chunk)
        except WeightsError as error:
            logger.warning("no weights: %s", error)
            emit(ModelError("模型文件不在这台机器上，或者已经损坏，请运行 shishen models verify 检查。"))
        except Exception as error:
            logger.warning("llama.cpp failed", exc_info=True)
            emit(error if isinstance(error, RequestError) else {"error": {"message": str(error)}})
        finally:
            self._running.pop(threading.current_thread(), None)
            emit(_END)

    def stream(self, body: JsonObject) -> Generator[JsonObject]:
        """See ``Backend``."""
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stopped = self._start(body, events.put)
        try:
            while (event := events.get()) is not _END:
                yield from _unpack(event)
        finally:
            stopped.set()

    async def astream(self, body: JsonObject) -> AsyncGenerator[JsonObject]:
        """See ``Backend``."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Any] = asyncio.Queue()

        def emit(event: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody listens any more
                loop.call_soon_threadsafe(events.put_nowait, event)

        stopped = self._start(body, emit)
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

    llama.cpp parses <|im_end|> wherever it stands in the rendered prompt, so the bracket is parted from the rest.
    """
    messages = [{**message, "content": _CONTROL.sub("< ", message["content"])} for message in body["messages"]]
    return {**body, "messages": messages}


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

    def stream(self, body: JsonObject) -> Generator[JsonObject]:
        """See ``Backend``."""
        done = False
        try:
            for char in self._text(body):
                yield {"choices": [{"delta": {"content": char}}]}
            done = True
            yield {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        finally:
            self.closed_early += not done

    async def astream(self, body: JsonObject) -> AsyncGenerator[JsonObject]:
        """See ``Backend``."""
        source = self.stream(body)
        try:
            for event in source:
                await asyncio.sleep(0)
                yield event
        finally:
            source.close()

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
        WeightsError: no such file, no such name, or a name whose file was not pulled.
    """
    if not model.endswith(".gguf"):
        return store.file(model)
    path = Path(model).expanduser()
    if not path.is_file():
        raise WeightsError(
            f"The model file {path} is missing: put it there, or set llm.model to a name from `shishen models list`."
        )
    return path
