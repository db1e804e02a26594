"""The chat model's tokens from any server that speaks the OpenAI chat-completions protocol."""

import json
import logging
from collections.abc import AsyncGenerator, Generator
from typing import cast

import httpx

from runnables.errors import BusyError, ModelError
from runnables.llm import LlmConfig, to_error
from runnables.schema import JsonObject

logger = logging.getLogger(__name__)
_NOT_OPENAI = "模型服务送来的数据读不懂，请检查 llm.base_url 是不是 OpenAI 兼容接口。"


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
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(f"模型服务 {self._url} 连不上（{type(error).__name__}），请检查 llm.base_url。") from error

    def close(self) -> None:
        """Nothing is kept open between requests."""

    def stream(self, body: JsonObject) -> Generator[JsonObject]:
        """See ``Backend``."""
        try:
            with (
                httpx.Client(timeout=self._timeout, headers=self._headers) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                if response.status_code >= 400:
                    raise _refused(response.status_code, response.read())
                answer = _Answer()
                for line in response.iter_lines():
                    if (event := answer.read(line)) is not None:
                        yield event
                answer.check_end()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(error) from error

    async def astream(self, body: JsonObject) -> AsyncGenerator[JsonObject]:
        """See ``Backend``."""
        try:
            async with (
                httpx.AsyncClient(timeout=self._timeout, headers=self._headers) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                if response.status_code >= 400:
                    raise _refused(response.status_code, await response.aread())
                answer = _Answer()
                async for line in response.aiter_lines():
                    if (event := answer.read(line)) is not None:
                        yield event
                answer.check_end()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(error) from error


class _Answer:
    """Reads the lines of one streamed answer, and knows whether it came to its end."""

    def __init__(self) -> None:
        self._is_begun = self._is_done = False

    def read(self, line: str) -> JsonObject | None:
        """One line -> the event in it, if it holds one."""
        if not line.startswith("data:") or not (data := line[5:].strip()):
            return None
        if data == "[DONE]":
            self._is_done = True
            return None
        try:
            event = json.loads(data)
        except ValueError:
            raise ModelError(_NOT_OPENAI) from None
        if not isinstance(event, dict):
            raise ModelError(_NOT_OPENAI)
        self._is_begun = True
        self._is_done |= any(choice.get("finish_reason") for choice in event.get("choices") or ())
        return cast(JsonObject, event)

    def check_end(self) -> None:
        """Half an answer must not pass for a whole one.

        Raises:
            ModelError: the stream ended without [DONE] or a finish reason.
        """
        if not self._is_begun:
            raise ModelError(_NOT_OPENAI)
        if not self._is_done:
            raise ModelError("模型服务的回答中途断了，请再试一次。")


def _refused(status: int, body: bytes) -> Exception:
    text = body[:500].decode("utf-8", "replace")
    logger.warning("the model server answered %d: %s", status, text)
    if status in (401, 403):
        return ModelError(f"模型服务不接受这个密钥（HTTP {status}），请检查 llm.api_key。")
    if status == 404:
        return ModelError("模型服务没有这个地址或模型（HTTP 404），请检查 llm.base_url 和 llm.model。")
    if status == 429:
        return BusyError("模型服务正忙（HTTP 429），请稍等几秒再试。")
    if status >= 500:
        return ModelError(f"模型服务出错了（HTTP {status}），请稍后再试。")
    return to_error({"message": f"HTTP {status}: {text}"})


def _unreachable(error: Exception) -> ModelError:
    return ModelError(f"模型服务没有回答（{type(error).__name__}），请稍后再试。")
