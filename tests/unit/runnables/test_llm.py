"""One chat model over every backend: streams, errors, places."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from pydantic import ValidationError

from runnables.backends import FakeBackend
from runnables.errors import BusyError, InvalidInputError, ModelError
from runnables.llm import Gate, LlmConfig, RecipeChatModel, to_error

Event = dict[str, Any]


class Scripted(FakeBackend):
    """Gives the events that it was made with, an exception by raising it; says when it was closed."""

    def __init__(self, *events: Event | Exception) -> None:
        super().__init__()
        self.events = events
        self.closed = 0

    def stream(self, body: Event) -> Generator[Event]:
        self.bodies.append(body)
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1

    async def astream(self, body: Event) -> AsyncGenerator[Event]:
        self.bodies.append(body)
        try:
            for event in self.events:
                await asyncio.sleep(0)
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1


def model(backend: Any = None, **config: Any) -> RecipeChatModel:
    return RecipeChatModel(config=LlmConfig(kind="fake", model="fake", **config), backend=backend or FakeBackend())


def says(text: str, **more: Any) -> Event:
    return {"choices": [{"delta": {"content": text}, **more}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}
GOOD = (says("先"), says("焯水。"), {"choices": [{"delta": {}, "finish_reason": "stop"}]}, USAGE)


def joined(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


async def test_invoke_stream_and_their_async_twins_say_the_same():
    llm = model(Scripted(*GOOD))
    invoked, ainvoked = llm.invoke("红烧肉"), await llm.ainvoke("红烧肉")
    streamed = list(llm.stream("红烧肉"))
    astreamed = [chunk async for chunk in llm.astream("红烧肉")]
    assert [chunk.content for chunk in streamed if chunk.content] == ["先", "焯水。"]
    for found in (invoked, ainvoked, joined(streamed), joined(astreamed)):
        assert found.content == "先焯水。"
        assert found.response_metadata["finish_reason"] == "stop"
        assert found.usage_metadata == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
    assert type(invoked) is type(ainvoked) is AIMessage


def test_usage_without_numbers_is_survived():
    llm = model(Scripted(says("好"), {"choices": [], "usage": {"prompt_tokens": None, "total_tokens": 3}}))
    assert llm.invoke("x").usage_metadata == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 3}


def test_events_that_say_nothing_are_passed_over():
    quiet = [{"choices": [{"delta": {"role": "assistant"}}]}, {"choices": []}, {}, {"choices": None}, {"error": None}]
    llm = model(Scripted(*quiet, says("好"), *quiet))
    assert [chunk.content for chunk in llm.stream("x")][:1] == ["好"]
    assert llm.invoke("x").content == "好"


def test_the_body_is_what_the_protocol_asks_for():
    backend = FakeBackend()
    llm = model(backend, temperature=0.3, max_tokens=50, seed=7)
    llm.invoke(
        [SystemMessage("你是厨师"), HumanMessage("红烧肉"), AIMessage("好"), HumanMessage("多久")], stop=["。", "\n"]
    )
    body = backend.bodies[0]
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == "你是厨师"
    assert (body["stop"], body["seed"], body["temperature"], body["max_tokens"]) == (["。", "\n"], 7, 0.3, 50)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert "cache_prompt" not in body, "an extension of llama.cpp, which other servers refuse"


def test_a_call_may_set_temperature_length_and_stop_words():
    backend = FakeBackend()
    llm = model(backend).bind(temperature=1.0, max_tokens=5, stop=["完"])
    llm.invoke("x")
    assert [backend.bodies[0][key] for key in ("temperature", "max_tokens", "stop")] == [1.0, 5, ["完"]]
    model(backend).invoke("x")
    assert "stop" not in backend.bodies[1]
    assert "seed" not in backend.bodies[1]


def test_llama_cpp_gets_its_own_options():
    llm = RecipeChatModel(config=LlmConfig(repetition_penalty=1.2), backend=(backend := FakeBackend()))
    llm.invoke("x")
    assert backend.bodies[0]["repeat_penalty"] == 1.2
    assert backend.bodies[0]["cache_prompt"] is True


@pytest.mark.parametrize(
    "message", [ToolMessage("x", tool_call_id="1"), HumanMessage([{"type": "text", "text": "x"}]), HumanMessage([])]
)
async def test_messages_that_are_no_text_are_refused(message: Any):
    for call in (model().invoke, lambda m: list(model().stream(m))):
        with pytest.raises(InvalidInputError):
            call([message])
    with pytest.raises(InvalidInputError):
        await model().ainvoke([message])


# Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "CUDA error"}, ModelError),
        ("plain text", ModelError),
        ({"code": 500}, ModelError),
        ({"message": "the request exceeds the available context size, try increasing it"}, InvalidInputError),
        ({"message": "This model's maximum context length is 4096 tokens."}, InvalidInputError),
        ({"message": "request (5000 tokens) exceeds the available context"}, InvalidInputError),
    ],
)
async def test_an_error_object_becomes_an_error_of_ours(error: Any, kind: type[Exception]):
    assert type(to_error(error)) is kind
    llm = model(Scripted(says("半"), {"error": error}))
    for call in (llm.invoke, lambda m: list(llm.stream(m))):
        with pytest.raises(kind):
            call("x")
    with pytest.raises(kind):
        await llm.ainvoke("x")
    with pytest.raises(kind):
        [chunk async for chunk in llm.astream("x")]
    assert not llm.is_full


def test_paths_addresses_and_keys_of_a_backend_are_not_told():
    said = str(to_error({"message": "boom at /home/ann/models/x.gguf, http://10.0.0.7:23333/v1, key sk-abcdef123456"}))
    assert "boom" in said
    for secret in ("/home", "x.gguf", "10.0.0.7", "sk-abcdef"):
        assert secret not in said
    assert len(str(to_error({"message": "x" * 5000}))) < 300


async def test_no_answer_at_all_is_an_error_in_every_way_of_calling():
    for events in ((), ({"choices": []},)):
        llm = model(Scripted(*events))
        for call in (llm.invoke, lambda m, llm=llm: list(llm.stream(m))):
            with pytest.raises(ModelError, match="没有给出任何内容"):
                call("x")
        with pytest.raises(ModelError, match="没有给出任何内容"):
            await llm.ainvoke("x")
        with pytest.raises(ModelError, match="没有给出任何内容"):
            [chunk async for chunk in llm.astream("x")]


# Places -----------------------------------------------------------------------------------------------------------


def test_the_gate_lets_in_as_many_as_it_has_places():
    gate = Gate(2)
    with gate.enter(), gate.enter():
        assert gate.is_full
        with pytest.raises(BusyError, match="2 个位置"), gate.enter():
            pass
        assert gate.is_full, "who was refused takes no place with them"
    assert not gate.is_full
    with pytest.raises(ValueError, match="x"), gate.enter():
        raise ValueError("x")
    with gate.enter(), gate.enter():
        pass


def test_the_gate_counts_right_from_many_threads():
    gate = Gate(4)
    barrier, refused, leave = threading.Barrier(8), threading.Semaphore(0), threading.Event()

    def come() -> None:
        barrier.wait()
        try:
            with gate.enter():
                leave.wait(5)
        except BusyError:
            refused.release()

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert all(refused.acquire(timeout=5) for _ in range(4))
    assert gate.is_full
    leave.set()
    for thread in threads:
        thread.join()
    assert not refused.acquire(blocking=False), "four were refused and no fifth"
    assert not gate.is_full


def test_one_more_than_slots_and_waiting_is_refused():
    llm = model(Scripted(*GOOD), slots=1, waiting=1)
    first, second = llm.stream("x"), llm.stream("x")
    next(first), next(second)
    assert llm.is_full
    with pytest.raises(BusyError):
        llm.invoke("x")
    with pytest.raises(BusyError):
        next(llm.stream("x"))
    list(first)
    assert llm.invoke("x").content == "先焯水。"
    second.close()
    assert not llm.is_full


async def test_one_more_is_refused_in_async_too():
    llm = model(Scripted(*GOOD), slots=1, waiting=0)
    first = llm.astream("x")
    await anext(first)
    with pytest.raises(BusyError):
        await llm.ainvoke("x")
    await first.aclose()
    assert (await llm.ainvoke("x")).content == "先焯水。"


async def test_places_come_back_after_errors():
    llm = model(Scripted(says("半"), ModelError("坏了")), slots=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ModelError, match="坏了"):
            llm.invoke("x")
        with pytest.raises(ModelError, match="坏了"):
            await llm.ainvoke("x")
        with pytest.raises(ModelError, match="坏了"):
            list(llm.stream("x"))
    assert not llm.is_full


class Kept(Scripted):
    """Its streams are not closed by the garbage collector."""

    def stream(self, body: Event) -> Generator[Event]:
        self.kept = super().stream(body)
        return self.kept


def test_closing_the_stream_early_stops_the_backend_and_gives_the_place_back():
    backend = Kept(*GOOD)
    llm = model(backend, slots=1, waiting=0)
    stream = llm.stream("x")
    next(stream)
    assert (llm.is_full, backend.closed) == (True, 0)
    stream.close()
    assert (llm.is_full, backend.closed) == (False, 1)


async def test_closing_the_async_stream_early_stops_the_backend_first():
    backend = Scripted(*GOOD)
    llm = model(backend, slots=1, waiting=0)
    stream = llm._astream([HumanMessage("x")])
    await anext(stream)
    assert (llm.is_full, backend.closed) == (True, 0)
    await stream.aclose()
    assert (llm.is_full, backend.closed) == (False, 1), "at once, and not when the garbage is collected"


async def test_cancelling_stops_the_backend_and_gives_the_place_back():
    class Endless(FakeBackend):
        closed = 0

        async def astream(self, body: Event) -> AsyncGenerator[Event]:
            try:
                while True:
                    await asyncio.sleep(0.001)
                    yield says("啊")
            finally:
                self.closed += 1

    backend = Endless()
    llm = model(backend, slots=1, waiting=0)
    task = asyncio.create_task(llm.ainvoke("x"))
    await asyncio.sleep(0.02)
    assert llm.is_full
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (llm.is_full, backend.closed) == (False, 1)


# Settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"slots": 0}, {"temperature": -1}, {"context_tokens": 10}, {"kind": "gpt"}, {"modell": "x"}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        LlmConfig(**wrong)


def test_the_key_is_in_no_dump():
    config = LlmConfig(kind="openai", base_url="http://h/v1", api_key="geheim")
    assert "geheim" not in config.model_dump_json()
    llm = RecipeChatModel(config=config, backend=FakeBackend())
    assert "geheim" not in repr(llm) + str(llm._identifying_params) + str(llm.asdict())


def test_building_loads_nothing():
    class Forbidden(FakeBackend):
        def warm_up(self) -> None:
            raise AssertionError("loaded")

    assert model(Forbidden()).config.kind == "fake"
