"""The fake, and llama.cpp behind a stand-in for its library (the real one: tests/integration)."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runnables.backends import FakeBackend, LlamaCpp, build_llm, find_gguf
from runnables.errors import BusyError, InvalidInputError, ModelError
from runnables.llm import LlmConfig, RecipeChatModel
from runnables.openai_server import OpenAiServer
from weights import UnknownModelError, WeightsError, WeightsMissingError, WeightStore, load_registry

Event = dict[str, Any]
BODY: Event = {"messages": [{"role": "user", "content": "红烧肉"}]}


def says(text: str) -> Event:
    return {"choices": [{"delta": {"content": text}}]}


# The fake ---------------------------------------------------------------------------------------------------------


def spoken(events: Iterator[Event] | list[Event]) -> str:
    return "".join(event["choices"][0]["delta"].get("content", "") for event in events)


async def test_the_fake_says_what_was_enqueued_then_echoes():
    fake = FakeBackend()
    fake.enqueue("一", "二")
    assert spoken(fake.stream(BODY)) == "一"
    assert spoken([event async for event in fake.astream(BODY)]) == "二"
    assert spoken(fake.stream(BODY)) == "（测试模型）红烧肉"
    assert fake.bodies == [BODY] * 3
    assert fake.closed_early == 0


def test_the_fake_restates_the_recipe_of_the_prompt():
    prompt = "菜名：红烧肉\n步骤：\n1. 焯水。\n2. 炖。\n\n请回答。"
    messages = [{"role": "system", "content": prompt}, {"role": "user", "content": "怎么做"}]
    assert spoken(FakeBackend().stream({"messages": messages})) == "1. 焯水。\n2. 炖。"


async def test_the_fake_counts_who_left_early():
    fake = FakeBackend()
    stream = fake.stream(BODY)
    next(stream)
    stream.close()
    astream = fake.astream(BODY)
    await anext(astream)
    await astream.aclose()
    assert fake.closed_early == 2


# Which one --------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "cache", load_registry())


def test_build_llm_takes_the_backend_of_the_profile_and_loads_nothing(store: WeightStore):
    kinds = {"fake": FakeBackend, "openai": OpenAiServer, "llama_cpp": LlamaCpp}
    for kind, backend in kinds.items():
        llm = build_llm(LlmConfig(kind=kind), store)  # type: ignore[arg-type]
        assert type(llm.backend) is backend
        assert llm.get_name() == "ChatModel"


def test_find_gguf(store: WeightStore, tmp_path: Path):
    file = tmp_path / "mine.gguf"
    with pytest.raises(WeightsError, match=r"mine\.gguf is missing"):
        find_gguf(str(file), store)
    file.write_bytes(b"GGUF")
    assert find_gguf(str(file), store) == file
    with pytest.raises(WeightsMissingError, match="shishen models pull"):
        find_gguf("qwen2.5-coder-0.5b-instruct-q4_k_m", store)
    with pytest.raises(UnknownModelError):
        find_gguf("gpt-99", store)


# llama.cpp --------------------------------------------------------------------------------------------------------


class Library:
    """Stands in for xllamacpp: one script for all requests."""

    def __init__(self) -> None:
        self.script: list[Any] = [says("先"), [says("焯"), says("水。")]]
        self.bodies: list[Event] = []
        self.loaded: list[Any] = []
        self.load_error: Exception | None = None
        self.endless = False
        self.stopped = threading.Event()
        self.CommonParams = lambda: SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace())

    def Server(self, params: Any) -> Any:
        if self.load_error:
            raise self.load_error
        self.loaded.append(params)
        return SimpleNamespace(handle_chat_completions=self.handle)

    def handle(self, body: Event, on_chunk: Callable[[Any], bool]) -> None:
        self.bodies.append(body)
        for event in self.script:
            if isinstance(event, Exception):
                raise event
            if on_chunk(event):
                self.stopped.set()
                return
        while self.endless:
            if on_chunk(says("啊")):
                self.stopped.set()
                return
            self.stopped.wait(0.001)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "xllamacpp", library)  # type: ignore[arg-type]
    return library


@pytest.fixture
def llama(library: Library) -> Iterator[LlamaCpp]:
    backend = LlamaCpp(LlmConfig(slots=2, context_tokens=512, threads=3), lambda: Path("/srv/models/m.gguf"))
    yield backend
    library.endless = False
    backend.close()


def wrap(backend: LlamaCpp, **config: Any) -> RecipeChatModel:
    return RecipeChatModel(config=LlmConfig(**config), backend=backend)


async def test_sync_and_async_say_the_same(llama: LlamaCpp):
    events = list(llama.stream(BODY))
    assert events == [event async for event in llama.astream(BODY)]
    assert spoken(events) == "先焯水。"
    llm = wrap(llama)
    assert llm.invoke("x").content == (await llm.ainvoke("x")).content == "先焯水。"


def test_the_weights_are_loaded_once_with_the_profiles_numbers(llama: LlamaCpp, library: Library):
    assert library.loaded == []
    threads = [threading.Thread(target=lambda: list(llama.stream(BODY))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    llama.warm_up()
    (params,) = library.loaded
    assert (params.n_parallel, params.n_ctx, params.cpuparams.n_threads) == (2, 1024, 3)
    assert params.model.path == "/srv/models/m.gguf"


def test_the_librarys_own_http_port_is_closed_to_everybody(llama: LlamaCpp, library: Library):
    llama.warm_up()
    (params,) = library.loaded
    assert (params.ui, params.endpoint_slots) == (False, False)
    assert [len(key) >= 32 for key in params.api_keys] == [True]


@pytest.mark.parametrize(
    "token", ["<|im_end|>", "<|im_start|>system", "<|endoftext|>", "</s>", "<end_of_turn>", "<｜User｜>"]
)
def test_control_tokens_in_what_people_say_are_parted(llama: LlamaCpp, library: Library, token: str):
    body = {"messages": [{"role": "system", "content": f"菜谱{token}"}, {"role": "user", "content": f"甲{token}乙"}]}
    list(llama.stream(body))
    for message in library.bodies[0]["messages"]:
        assert token not in message["content"]
        assert message["content"].replace("< ", "<") in (f"菜谱{token}", f"甲{token}乙"), "nothing else is changed"
    assert body["messages"][1]["content"] == f"甲{token}乙", "the caller's body is not edited"


@pytest.mark.parametrize("text", ["3<5", "a < b", "<b>粗</b>", "温度<180度", "<3", "|>"])
def test_other_angle_brackets_are_left_alone(llama: LlamaCpp, library: Library, text: str):
    list(llama.stream({"messages": [{"role": "user", "content": text}]}))
    assert library.bodies[0]["messages"][0]["content"] == text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("the request exceeds the available context size"), InvalidInputError),
        (RuntimeError("decode failed in /srv/models/m.gguf"), ModelError),
        (ModelError("自己的话。"), ModelError),
    ],
)
async def test_what_the_library_throws_is_an_error_of_ours(llama: LlamaCpp, library: Library, error: Any, kind: Any):
    library.script = [says("先"), error]
    llm = wrap(llama)
    for call in (llm.invoke, lambda m: list(llm.stream(m))):
        with pytest.raises(kind) as caught:
            call("x")
        assert "/srv" not in str(caught.value)
    with pytest.raises(kind):
        await llm.ainvoke("x")
    assert not llm.is_full


@pytest.mark.parametrize("error", [RuntimeError("Failed to init server."), ValueError("bad magic.")])
def test_a_file_that_cannot_be_loaded_is_one_sentence(llama: LlamaCpp, library: Library, error: Exception):
    library.load_error = error
    for call in (llama.warm_up, lambda: wrap(llama).invoke("x")):
        with pytest.raises(
            ModelError, match=r"^模型文件 m\.gguf 打不开（.*[^.]），可以运行 shishen models verify 检查。$"
        ):
            call()
    library.load_error = None
    assert wrap(llama).invoke("x").content == "先焯水。", "a file that was mended is loaded without a restart"


def test_missing_weights_tell_the_operator_the_command_and_the_asker_no_path(library: Library, tmp_path: Path):
    def missing() -> Path:
        raise WeightsMissingError("m", tmp_path / "m.gguf", "shishen models pull m")

    backend = LlamaCpp(LlmConfig(), missing)
    with pytest.raises(WeightsMissingError, match="shishen models pull m"):
        backend.warm_up()
    with pytest.raises(ModelError) as caught:
        wrap(backend).invoke("x")
    assert str(tmp_path) not in str(caught.value)
    assert "模型文件不在这台机器上" in str(caught.value)


def test_closing_the_stream_early_ends_the_generation(llama: LlamaCpp, library: Library):
    library.endless = True
    llm = wrap(llama, slots=1, waiting=0)
    stream = llm.stream("x")
    assert next(stream).content == "先"
    stream.close()
    assert library.stopped.wait(5)
    assert not llm.is_full


async def test_cancelling_ends_the_generation(llama: LlamaCpp, library: Library):
    library.endless = True
    llm = wrap(llama, slots=1, waiting=0)
    task = asyncio.create_task(llm.ainvoke("x"))
    while not library.bodies:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(library.stopped.wait, 5)
    assert not llm.is_full


def test_a_loop_that_is_gone_stops_nothing_and_breaks_nothing(llama: LlamaCpp, library: Library):
    library.endless = True

    async def leave() -> None:
        await anext(llama.astream(BODY))

    asyncio.run(leave())  # the thread goes on to emit into a loop that is closed now
    assert library.stopped.wait(5)


def test_close_ends_what_runs_and_the_next_request_loads_again(llama: LlamaCpp, library: Library):
    library.endless = True
    stream = llama.stream(BODY)
    next(stream)
    llama.close()
    assert library.stopped.is_set(), "close waits for the thread"
    library.endless = False
    assert spoken(llama.stream(BODY)) == "先焯水。"
    assert len(library.loaded) == 2
    stream.close()


def test_a_client_that_left_while_the_weights_were_loading_generates_nothing(library: Library):
    loading, go_on = threading.Event(), threading.Event()

    def find() -> Path:
        loading.set()
        assert go_on.wait(5)
        return Path("m.gguf")

    backend = LlamaCpp(LlmConfig(), find)
    stopped = backend._start(BODY, lambda event: None)
    assert loading.wait(5)
    stopped.set()
    go_on.set()
    backend.close()
    assert library.loaded
    assert library.bodies == []


def test_threads_of_clients_that_left_are_bounded(library: Library):
    backend = LlamaCpp(LlmConfig(slots=1, waiting=1), lambda: Path("m.gguf"))
    hold = threading.Event()
    library.script = []
    library.handle = lambda body, on_chunk: hold.wait(5)  # type: ignore[method-assign,assignment,return-value]
    starts = [backend._start(BODY, lambda event: None) for _ in range(4)]
    with pytest.raises(BusyError):
        backend._start(BODY, lambda event: None)
    for stopped in starts:
        stopped.set()
    hold.set()
    backend.close()
    assert backend._running == {}
    assert spoken(FakeBackend().stream(BODY))
