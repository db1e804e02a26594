"""{messages} -> AIMessage, streamed: the last question is completed from the history, then answered from a recipe.

With ``configurable.session_id`` the server keeps the history, under the caller's principal; without it the messages
that the client sends are the history.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.runnables import (
    ConfigurableFieldSpec,
    Runnable,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
)

from runnables.errors import InvalidInputError
from runnables.history import HistoryStore
from runnables.hyqe import check_question

PRINCIPAL = "__principal"
"""Key of ``configurable`` that the server sets; two underscores keep it out of traces, and no client can send it."""
LOCAL = "local"
_MAX_SESSION_ID = 128


def session_of(config: RunnableConfig) -> tuple[str, str]:
    """The call's principal and session id; an empty session id means that the client keeps the history."""
    configurable = config.get("configurable") or {}
    session_id = str(configurable.get("session_id") or "")
    if len(session_id) > _MAX_SESSION_ID or not session_id.isprintable():
        raise InvalidInputError(f"session_id 最多 {_MAX_SESSION_ID} 个可见字符，收到 {len(session_id)} 个。")
    return str(configurable.get(PRINCIPAL) or LOCAL), session_id


class LoadHistory(RunnableLambda[dict[str, Any], dict[str, Any]]):
    """{messages} -> {question, history}: from the store where a session is named, else from the client's messages."""

    def __init__(self, store: HistoryStore) -> None:
        def load(inputs: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
            messages: list[BaseMessage] = list(inputs.get("messages") or [])
            if not messages or not isinstance(messages[-1], HumanMessage):
                raise InvalidInputError("最后一条消息应该是用户的问题（type: human）。")
            principal, session_id = session_of(config)
            history = store.load(principal, session_id) if session_id else messages[:-1]
            return {"question": check_question(str(messages[-1].content)), "history": history}

        super().__init__(load, name="LoadHistory")

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """What a caller may set; LangServe drops everything that is not declared."""
        return [
            ConfigurableFieldSpec(
                id="session_id",
                annotation=str,
                name="Session ID",
                description="名字相同的会话由服务器保存历史；留空则以 messages 为历史。",
                default="",
            )
        ]


def _brief(recipes: list[Any]) -> list[dict[str, Any]]:
    keys = ("recipe_id", "dish", "name", "source", "matched_question", "score")
    return [{key: document.metadata.get(key) for key in keys} for document in recipes]


class Turn:
    """One question and its answer, while the answer streams."""

    def __init__(self, asked: str) -> None:
        self._asked = asked
        self._answer = AIMessageChunk(content="")

    def chunk(self, part: dict[str, Any]) -> AIMessageChunk:
        """A piece of {question, recipes, answer} -> the message chunk for it."""
        metadata: dict[str, Any] = {}
        if "question" in part:
            metadata["question"] = part["question"]
        if "recipes" in part:
            metadata["recipes"] = _brief(part["recipes"])
        chunk: AIMessageChunk = part.get("answer") or AIMessageChunk(content="", response_metadata=metadata)
        self._answer += chunk
        return chunk

    def keep(self, store: HistoryStore, config: RunnableConfig) -> None:
        """Add the turn to the session, if there is one; an answer that broke off is kept as far as it was said."""
        principal, session_id = session_of(config)
        if session_id and self._answer.content:
            answer = AIMessage(self._answer.content, response_metadata=self._answer.response_metadata)
            store.append(principal, session_id, [HumanMessage(self._asked), answer])


def build_chat(
    store: HistoryStore, rewriter: Runnable[dict[str, Any], str], answer: Runnable[str, dict[str, Any]]
) -> Runnable[dict[str, Any], AIMessage]:
    """Load the history, complete the question, answer it, keep the turn."""

    def say(states: Iterator[dict[str, Any]], config: RunnableConfig) -> Iterator[AIMessageChunk]:
        for state in states:
            turn = Turn(state["question"])
            try:
                for part in answer.stream(rewriter.invoke(state, config), config):
                    yield turn.chunk(part)
            finally:
                turn.keep(store, config)

    async def asay(states: AsyncIterator[dict[str, Any]], config: RunnableConfig) -> AsyncIterator[AIMessageChunk]:
        async for state in states:
            turn = Turn(state["question"])
            try:
                async for part in answer.astream(await rewriter.ainvoke(state, config), config):
                    yield turn.chunk(part)
            finally:
                # Also when the listener left. Not awaited: a cancelled task could not wait, and the write is short.
                turn.keep(store, config)

    speak: Runnable[dict[str, Any], AIMessage] = RunnableGenerator(say, asay, name="Converse")  # type: ignore[arg-type]
    return (LoadHistory(store) | speak).with_config(run_name="Chat")
