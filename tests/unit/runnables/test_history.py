"""Conversations: kept apart, in order, and on disk when the call returns."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

from configs import ConfigError
from runnables.errors import InvalidInputError
from runnables.history import HistoryConfig, HistoryStore, build_history

ROOT = Path(__file__).resolve().parents[3]


def url_of(file: Path) -> str:
    return f"sqlite:///{file.as_posix()}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[HistoryStore]:
    store = build_history(HistoryConfig(url=url_of(file), max_messages=6))
    yield store
    store.close()


def texts(store: HistoryStore, principal: str, session: str) -> list[str]:
    return [str(message.content) for message in store.load(principal, session)]


def test_a_turn_comes_back_as_it_was(store: HistoryStore):
    metadata = {"status": "from_recipe", "recipes": [{"dish": "红烧肉", "score": 0.9}], "question": "红烧肉怎么做"}
    store.append("ann", "s", [HumanMessage("它怎么做"), AIMessage("先焯水。\n🍲", response_metadata=metadata)])
    human, ai = store.load("ann", "s")
    assert (type(human), human.content, human.response_metadata) == (HumanMessage, "它怎么做", {})
    assert (type(ai), ai.content, ai.response_metadata) == (AIMessage, "先焯水。\n🍲", metadata)


def test_principals_and_sessions_are_apart(store: HistoryStore):
    for principal in ("ann", "bob"):
        for session in ("1", "2"):
            store.append(principal, session, [HumanMessage(f"{principal}-{session}")])
    assert texts(store, "ann", "1") == ["ann-1"]
    assert texts(store, "bob", "1") == ["bob-1"]
    assert texts(store, "ann", "2") == ["ann-2"]
    assert texts(store, "eve", "1") == texts(store, "ann", "") == texts(store, "", "1") == []
    assert texts(store, "Ann", "1") == [], "names differ by case"


def test_the_newest_are_read_back_oldest_first(store: HistoryStore):
    for number in range(10):
        store.append("ann", "s", [HumanMessage(f"q{number}"), AIMessage(f"a{number}")])
    assert texts(store, "ann", "s") == ["q7", "a7", "q8", "a8", "q9", "a9"]


def test_clear_forgets_one_session_and_counts(store: HistoryStore):
    store.append("ann", "s", [HumanMessage("a"), AIMessage("b")])
    store.append("ann", "t", [HumanMessage("c")])
    store.append("bob", "s", [HumanMessage("d")])
    assert store.clear("ann", "s") == 2
    assert store.clear("ann", "s") == 0
    assert texts(store, "ann", "s") == []
    assert texts(store, "ann", "t") == ["c"]
    assert texts(store, "bob", "s") == ["d"]


def test_streamed_chunks_are_kept_as_messages(store: HistoryStore):
    store.append("ann", "s", [AIMessageChunk(content="好")])
    assert type(store.load("ann", "s")[0]) is AIMessage


@pytest.mark.parametrize("strange", [SystemMessage("你是"), ToolMessage("x", tool_call_id="1")])
def test_a_message_that_could_not_be_read_back_is_refused_whole(store: HistoryStore, strange):
    with pytest.raises(InvalidInputError, match=strange.type):
        store.append("ann", "s", [HumanMessage("a"), strange])
    assert store.load("ann", "s") == [], "all or none"


def test_no_messages_are_no_error(store: HistoryStore):
    store.append("ann", "s", [])
    assert store.load("ann", "s") == []


HOSTILE = [
    "' OR 1=1 --", "'; DROP TABLE message; --", '"x"', "%", "_", "a\x00b", "👩‍🍳🔥", "名" * 128, "\\", "${x}", "\n",
    "../../etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(store: HistoryStore, name: str):
    store.append("ann", "s", [HumanMessage("mine")])
    store.append("ann", name, [HumanMessage("theirs")])
    store.append(name, "s", [HumanMessage("principal")])
    assert texts(store, "ann", name) == ["theirs"]
    assert texts(store, name, "s") == ["principal"]
    assert texts(store, "ann", "s") == ["mine"]
    assert store.clear("ann", name) == 1
    assert texts(store, "ann", "s") == ["mine"]


def test_hostile_content_is_only_content(store: HistoryStore):
    said = "'); DROP TABLE message; -- \x00 %s {x} 👩‍🍳" + "长" * 100_000
    store.append("ann", "s", [HumanMessage(said)])
    assert texts(store, "ann", "s") == [said]


def test_eight_threads_lose_nothing_and_keep_each_turn_together(file: Path):
    store = HistoryStore(HistoryConfig(url=url_of(file), max_messages=1000))
    errors: list[Exception] = []

    def write(writer: int) -> None:
        try:
            for turn in range(10):
                store.append("ann", "s", [HumanMessage(f"q{writer}-{turn}"), AIMessage(f"a{writer}-{turn}")])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = texts(store, "ann", "s")
    assert len(found) == 160
    assert [text[1:] for text in found[::2]] == [text[1:] for text in found[1::2]], "no turn was torn apart"
    for writer in range(8):
        assert [text for text in found if text.startswith(f"q{writer}-")] == [f"q{writer}-{turn}" for turn in range(10)]
    store.close()


def test_what_was_kept_survives_reopening(file: Path):
    first = HistoryStore(HistoryConfig(url=url_of(file)))
    first.append("ann", "s", [HumanMessage("a")])
    first.close()
    second = HistoryStore(HistoryConfig(url=url_of(file)))
    second.append("ann", "s", [AIMessage("b")])
    assert texts(second, "ann", "s") == ["a", "b"]
    second.close()


KILLED = """
import os, signal, sys
from langchain_core.messages import AIMessage, HumanMessage
from runnables.history import HistoryConfig, HistoryStore
store = HistoryStore(HistoryConfig(url=sys.argv[1]))
for number in range(5):
    store.append("ann", "s", [HumanMessage(f"q{number}"), AIMessage(f"a{number}")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_9_after_append_loses_nothing(file: Path):
    done = subprocess.run([sys.executable, "-c", KILLED, url_of(file)], cwd=ROOT, env={**os.environ}, check=False)
    assert done.returncode == -signal.SIGKILL
    store = HistoryStore(HistoryConfig(url=url_of(file)))
    assert texts(store, "ann", "s") == [f"{who}{number}" for number in range(5) for who in "qa"]
    store.close()


def test_a_turn_is_on_disk_before_the_call_returns(store: HistoryStore, file: Path):
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.append("ann", "s", [HumanMessage("a")])
    with sqlite3.connect(file) as other:
        assert other.execute("SELECT content FROM message").fetchall() == [("a",)]
    other.close()


def test_the_default_place_is_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHISHEN_DATA_DIR", str(tmp_path / "new" / "data"))
    store = build_history(HistoryConfig())
    store.append("ann", "s", [HumanMessage("a")])
    store.close()
    assert (tmp_path / "new/data/history.sqlite").is_file()


def test_two_stores_may_open_an_empty_database_at_once(file: Path):
    stores: list[HistoryStore] = []
    errors: list[Exception] = []
    barrier = threading.Barrier(4)

    def open_it() -> None:
        barrier.wait()
        try:
            stores.append(HistoryStore(HistoryConfig(url=url_of(file))))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for number, store in enumerate(stores):
        store.append("ann", str(number), [HumanMessage("a")])
        store.close()


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("SHISHEN_DATA_DIR", str(blocker))
    with pytest.raises(ConfigError) as caught:
        build_history(HistoryConfig())
    message = str(caught.value)
    assert str(blocker) in message
    assert "SHISHEN_DATA_DIR" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///{tmp}", "unable to open"),
        ("sqlite:///{tmp}/broken", "not a database"),
        ("postgresql://ann:geheim@127.0.0.1:1/db", "ann:***@127.0.0.1"),
        ("nonsense", "history.url"),
        ("mysql+nothing://ann:geheim@h/db", "ann:***@h"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_sentence_without_the_password(tmp_path: Path, url: str, shown: str):
    (tmp_path / "broken").write_bytes(b"this is no database" * 100)
    with pytest.raises(ConfigError) as caught:
        HistoryStore(HistoryConfig(url=url.format(tmp=tmp_path.as_posix())))
    assert shown in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)
