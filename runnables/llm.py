"""messages -> message: the chat model behind every answer, streamed and cancellable.

One class, three places where the tokens come from (``Backend``): llama.cpp in this process, any server that speaks the
OpenAI chat-completions protocol, and a deterministic fake for tests. All three speak the same JSON.
"""

import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from typing import Any, Literal, Protocol

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from configs import Section
from runnables.errors import BusyError, InvalidInputError, ModelError
from runnables.schema import JsonObject

_EMPTY = "模型没有给出任何内容，请再试一次。"
# Paths, addresses and keys in the words of a backend are for the log.
_PRIVATE = re.compile(r"\w*://\S+|(?:[A-Za-z]:)?(?:[\\/][\w.~-]+){2,}|(?:\bsk-|\bhf_|Bearer\s)[\w*-]+")
_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class LlmConfig(Section):
    """Which model answers, and how it samples."""

    kind: Literal["llama_cpp", "openai", "fake"] = "llama_cpp"
    """``llama_cpp``: a GGUF file in this process. ``openai``: a server with an OpenAI-compatible API."""
    model: str = "qwen2.5-coder-0.5b-instruct-q4_k_m"
    """Name in the weights registry or path of a .gguf file; for ``openai`` the server's model id."""
    base_url: str = ""
    """For ``openai``: where the API is, such as http://127.0.0.1:23333/v1."""
    api_key: SecretStr | None = None
    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float = Field(0.8, gt=0, le=1)
    repetition_penalty: float = Field(1.05, ge=1, le=2)
    max_tokens: int = Field(768, ge=1, le=32_768)
    context_tokens: int = Field(4096, ge=512, le=131_072)
    """Context of one conversation; the embedded model reserves it for each slot."""
    slots: int = Field(2, ge=1, le=64)
    """Requests that generate at the same time."""
    waiting: int = Field(8, ge=0, le=1024)
    """Requests that may wait for a slot; one more is answered 429."""
    prompt_cache_mib: int = Field(512, ge=0, le=65_536)
    """Memory for the heads of earlier prompts (embedded model); llama.cpp's own default, 8 GiB, is a whole laptop."""
    threads: int = Field(0, ge=0, le=256)
    """CPU threads of the embedded model; 0 takes every core."""
    timeout_s: float = Field(60.0, gt=0)
    """For ``openai``: longest silence of the server."""
    seed: int | None = None


class Backend(Protocol):
    """Where tokens come from: an OpenAI chat-completions body in, its stream of chunk objects out."""

    def stream(self, body: JsonObject) -> Generator[JsonObject]:
        """Generate; closing the generator stops the generation."""

    def astream(self, body: JsonObject) -> AsyncGenerator[JsonObject]:
        """Generate; closing the generator stops the generation."""

    def warm_up(self) -> None:
        """Load what has to be loaded, or check that the server answers."""

    def close(self) -> None:
        """Give everything back."""


class Gate:
    """Bounds how many requests are inside: running and waiting together."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside = 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Whether the next one would be refused."""
        return self._inside >= self._places

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Take a place.

        Raises:
            BusyError: all are taken.
        """
        with self._lock:
            if self._inside >= self._places:
                raise BusyError(f"同时在问的人太多了（{self._places} 个位置都满了），请稍等几秒再试。")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1


class RecipeChatModel(BaseChatModel):
    """A LangChain chat model over a ``Backend``. Sync and async take the same path; each token is one chunk.

    Raises:
        BusyError: every slot and every waiting place is taken (HTTP 429).
        InvalidInputError: the conversation does not fit into the model's context (HTTP 422).
        ModelError: the backend failed (HTTP 503, retryable).
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    config: LlmConfig
    backend: Any = Field(exclude=True)
    _gate: Gate = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Set up the gate; no weights are loaded."""
        super().model_post_init(context)
        self._gate = Gate(self.config.slots + self.config.waiting)

    @property
    def is_full(self) -> bool:
        """Whether every slot and every waiting place is taken."""
        return self._gate.is_full

    @property
    def _llm_type(self) -> str:
        return f"shishen-{self.config.kind}"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.config.model, "kind": self.config.kind, "temperature": self.config.temperature}

    def _body(self, messages: Sequence[BaseMessage], stop: list[str] | None, options: dict[str, Any]) -> JsonObject:
        config = self.config
        body: JsonObject = {
            "model": config.model,
            "messages": [_wire(message) for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": options.get("temperature", config.temperature),
            "top_p": config.top_p,
            "max_tokens": options.get("max_tokens", config.max_tokens),
        }
        if config.kind == "llama_cpp":
            body |= {"repeat_penalty": config.repetition_penalty, "cache_prompt": True}
        if stop:
            body["stop"] = stop
        if config.seed is not None:
            body["seed"] = config.seed
        return body

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        body, is_empty = self._body(messages, stop, kwargs), True
        with self._gate.enter(), closing(self.backend.stream(body)) as events:
            for event in events:
                chunk = _to_chunk(event)
                if chunk is None:
                    continue
                is_empty = False
                if run_manager:
                    run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
                yield chunk
        if is_empty:
            raise ModelError(_EMPTY)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        body, is_empty = self._body(messages, stop, kwargs), True
        with self._gate.enter():
            # Closed here and not some time later, so that the place is only given back when the backend has stopped.
            async with aclosing(self.backend.astream(body)) as events:
                async for event in events:
                    chunk = _to_chunk(event)
                    if chunk is None:
                        continue
                    is_empty = False
                    if run_manager:
                        await run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
                    yield chunk
        if is_empty:
            raise ModelError(_EMPTY)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _join(list(self._stream(messages, stop, run_manager, **kwargs)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _join([chunk async for chunk in self._astream(messages, stop, run_manager, **kwargs)])


def _wire(message: BaseMessage) -> JsonObject:
    if message.type not in _ROLES:
        raise InvalidInputError(f"不认识的消息类型 {message.type}，可以用的是 human、ai、system。")
    if not isinstance(message.content, str):
        raise InvalidInputError("消息的内容应该是文字。")
    return {"role": _ROLES[message.type], "content": message.content}


def _to_chunk(event: JsonObject) -> ChatGenerationChunk | None:
    """One chunk object of the protocol -> a LangChain chunk; None where it says nothing."""
    if error := event.get("error"):
        raise to_error(error)
    usage = event.get("usage")
    choice = (event.get("choices") or [{}])[0]
    text = (choice.get("delta") or {}).get("content") or ""
    reason = choice.get("finish_reason")
    if not text and not reason and not usage:
        return None
    metadata = {"finish_reason": reason} if reason else {}
    message = AIMessageChunk(content=text, response_metadata=metadata)
    if usage:
        message.usage_metadata = UsageMetadata(
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or 0),
            total_tokens=int(usage.get("total_tokens") or 0),
        )
    return ChatGenerationChunk(message=message)


def to_error(error: Any) -> Exception:
    """An error object of the protocol -> what the caller is told."""
    text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    if "context" in text and ("exceed" in text or "size" in text or "length" in text):
        return InvalidInputError("这段对话太长，超出了模型能读的长度，请开始一段新对话或把问题写短一些。")
    return ModelError(f"模型没能回答：{_PRIVATE.sub('…', text)[:200]}")


def _join(chunks: list[ChatGenerationChunk]) -> ChatResult:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    source = whole.message
    message = AIMessage(
        content=source.content,
        response_metadata=source.response_metadata,
        usage_metadata=source.usage_metadata if isinstance(source, AIMessageChunk) else None,
    )
    return ChatResult(generations=[ChatGeneration(message=message)])
