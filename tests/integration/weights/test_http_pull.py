"""Pulls from hubs that break off, lie, or are not there."""

from __future__ import annotations

import shutil
import time
from types import SimpleNamespace

import pytest

from weights import DiskSpaceError, NoProgress, NoSourceError, WeightsError, WeightsHashError, http_source, reachable

pytestmark = pytest.mark.integration


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.total = self.done = self.finished = 0

    def start(self, name: str, total_bytes: int) -> None:
        self.total = total_bytes

    def advance(self, n: int) -> None:
        self.done += n

    def note(self, text: str) -> None:
        self.notes.append(text)

    def finish(self) -> None:
        self.finished += 1


def test_a_pull_leaves_the_file_its_stamp_and_nothing_else(hub, bench) -> None:
    seen = Notes()
    store = bench.store()
    assert store.pull("m", seen) == bench.cache / "m"
    assert store.file("m").read_bytes() == hub.content
    assert store.status("m") == "ready"
    assert sorted(path.name for path in (bench.cache / "m").iterdir()) == ["x.bin", "x.bin.verified"]
    assert not (bench.cache / ".partial/m").exists()
    assert (seen.total, seen.done, seen.finished) == (len(hub.content), len(hub.content), 1)
    assert hub.requests[0]["path"] == "/who/what/resolve/main/x.bin"


def test_a_cut_connection_is_resumed_with_range(hub, bench) -> None:
    hub.tricks = ["cut:100000", "cut:100000"]
    seen = Notes()
    bench.store().pull("m", seen)
    assert hub.ranges() == ["", "bytes=100000-", "bytes=200000-"]
    assert bench.target.read_bytes() == hub.content
    assert seen.done == seen.total


def test_two_retries_and_no_more_but_the_next_pull_goes_on(hub, bench) -> None:
    hub.tricks = ["cut:1000", "cut:1000", "cut:1000"]
    with pytest.raises(NoSourceError) as caught:
        bench.store().pull("m")
    assert "127.0.0.1 broke off 3 times" in caught.value.failures[0]
    assert not bench.target.exists()
    assert bench.store().status("m") == "partial"
    bench.store().pull("m")
    assert hub.ranges()[-1] == "bytes=3000-"
    assert bench.target.read_bytes() == hub.content


def test_a_server_that_ignores_range_restarts_cleanly_in_the_same_answer(hub, bench) -> None:
    hub.tricks = ["cut:100000", "ignore-range"]
    seen = Notes()
    bench.store().pull("m", seen)
    assert hub.ranges() == ["", "bytes=100000-"]
    assert bench.target.read_bytes() == hub.content
    assert seen.done == seen.total


def test_a_changed_length_restarts_cleanly(hub, bench) -> None:
    hub.tricks = ["cut:100000", "total:999"]
    bench.store().pull("m")
    assert hub.ranges() == ["", "bytes=100000-", ""]
    assert bench.target.read_bytes() == hub.content


def test_a_server_without_content_length_that_stops_early_is_not_trusted(hub, bench) -> None:
    hub.tricks = ["no-length:5000"]
    bench.store().pull("m")
    assert hub.ranges() == ["", "bytes=5000-"]
    assert bench.target.read_bytes() == hub.content


def test_a_server_that_sends_nothing_is_given_up(hub, bench) -> None:
    hub.tricks = ["no-length:0"] * 9
    with pytest.raises(NoSourceError):
        bench.store().pull("m")
    assert len(hub.requests) == 3


def test_bad_bytes_from_an_earlier_run_cost_one_clean_download(hub, bench) -> None:
    bench.part.parent.mkdir(parents=True)
    bench.part.write_bytes(b"?" * 1000)
    bench.store().pull("m")
    assert hub.ranges() == ["bytes=1000-", ""]
    assert bench.target.read_bytes() == hub.content


def test_a_part_file_longer_than_the_file_is_dropped(hub, bench) -> None:
    bench.part.parent.mkdir(parents=True)
    bench.part.write_bytes(hub.content + b"more")
    bench.store().pull("m")
    assert hub.ranges() == [""]


def test_a_finished_part_file_needs_no_network(bench, dead_url, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", dead_url)
    store = bench.store(content=b"all there")
    bench.part.parent.mkdir(parents=True)
    bench.part.write_bytes(b"all there")
    store.pull("m")
    assert store.status("m") == "ready"


def test_a_wrong_hash_names_file_got_and_wanted_and_installs_nothing(hub, bench) -> None:
    store = bench.store(content=b"?" * len(hub.content))
    with pytest.raises(WeightsHashError) as caught:
        store.pull("m")
    error = caught.value
    assert str(error.file) == "x.bin from huggingface"
    assert error.got in str(error)
    assert error.wanted in str(error)
    assert not bench.target.exists()
    assert not bench.part.exists()


def test_a_file_of_another_size_is_refused_before_it_travels(hub, bench) -> None:
    with pytest.raises(WeightsHashError, match=r"got 512000 bytes, wanted 3 bytes"):
        bench.store(content=b"abc").pull("m")
    assert not bench.target.exists()


def test_a_server_that_never_stops_sending_is_cut_off(hub, bench) -> None:
    hub.tricks = ["no-length", "no-length"]
    with pytest.raises(NoSourceError) as caught:
        bench.store(content=b"abc").pull("m")
    assert "sent more bytes than the file has" in caught.value.failures[0]


def test_sources_are_tried_in_order(hub, hubs, bench, monkeypatch: pytest.MonkeyPatch) -> None:
    second = hubs()
    monkeypatch.setattr(http_source, "MODELSCOPE_ENDPOINT", f"{second.url}/models")
    hub.tricks = ["status:404"]
    seen = Notes()
    bench.store(kinds="huggingface modelscope").pull("m", seen)
    assert seen.notes == ["huggingface: 127.0.0.1 answered 404."]
    assert second.requests[0]["path"] == "/models/who/what/resolve/main/x.bin"
    assert bench.target.read_bytes() == hub.content


def test_the_second_hub_goes_on_where_the_first_broke_off(hub, hubs, bench, monkeypatch: pytest.MonkeyPatch) -> None:
    second = hubs()
    monkeypatch.setattr(http_source, "MODELSCOPE_ENDPOINT", second.url)
    hub.tricks = ["cut:1000"] * 3
    bench.store(kinds="huggingface modelscope").pull("m")
    assert second.ranges() == ["bytes=3000-"]


def test_a_dead_host_is_skipped_quickly_and_once(bench, dead_url, hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_source, "MODELSCOPE_ENDPOINT", dead_url)
    asked: list[str] = []
    real = reachable._accepts
    monkeypatch.setattr(reachable, "_accepts", lambda host, *rest: asked.append(host) or real(host, *rest))
    store = bench.store(kinds="modelscope huggingface")
    started = time.monotonic()
    seen = Notes()
    store.pull("m", seen)
    assert time.monotonic() - started < 2
    store.remove("m")
    store.pull("m", seen)
    assert len(asked) == 3, "the dead one once, the live one for each pull"
    assert seen.notes == [
        "modelscope: 127.0.0.1 could not be reached.",
        "modelscope: 127.0.0.1 could not be reached earlier and is not tried again.",
    ]


def test_a_host_that_swallows_connections_costs_seconds(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "CONNECT_TIMEOUT_S", 0.3)
    monkeypatch.setattr(reachable.socket, "getaddrinfo", lambda *_, **__: time.sleep(2) or [])
    monkeypatch.setenv("HF_ENDPOINT", "http://slow-name-server.invalid")
    started = time.monotonic()
    with pytest.raises(NoSourceError):
        bench.store().pull("m")
    assert time.monotonic() - started < 1.5


def test_empty_cache_and_no_network_is_one_sentence(bench) -> None:
    with pytest.raises(NoSourceError) as caught:
        bench.store(kinds="huggingface modelscope").pull("m")
    assert str(caught.value) == (
        "Model 'm' could not be fetched because no source could be reached: connect to a network and run "
        f"`shishen models pull m` again, or put the file into {bench.target}."
    )


def test_a_full_cache_works_with_every_source_broken(hub, bench, dead_url, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.store().pull("m")
    monkeypatch.setenv("HF_ENDPOINT", dead_url)
    requests = len(hub.requests)
    store = bench.store()
    assert store.pull("m") == bench.cache / "m"
    assert store.file("m") == bench.target
    assert len(hub.requests) == requests


def test_a_tampered_file_in_the_cache_is_replaced_by_a_pull(hub, bench) -> None:
    store = bench.store()
    store.pull("m")
    bench.target.write_bytes(b"tampered")
    with pytest.raises(WeightsHashError):
        store.verify("m")
    assert store.status("m") == "partial"
    store.pull("m")
    store.verify("m")
    assert store.status("m") == "ready"


def test_the_token_goes_to_the_endpoint_and_not_to_where_it_redirects(hub, hubs, bench, monkeypatch, caplog) -> None:
    storage = hubs()
    hub.tricks = [f"redirect:{storage.url}/blob", "status:500"]
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(http_source, "MODELSCOPE_ENDPOINT", storage.url)
    caplog.set_level("DEBUG")
    store = bench.store(kinds="huggingface modelscope")
    store.pull("m")
    assert hub.requests[0]["authorization"] == "Bearer hf_secret"
    store.remove("m")
    store.pull("m")
    assert [request["path"] for request in storage.requests] == ["/blob", "/who/what/resolve/main/x.bin"]
    assert [request["authorization"] for request in storage.requests] == ["", ""]
    assert "hf_secret" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("HF_ENDPOINT", "hf-mirror.example", "must begin with https://"),
        ("HF_ENDPOINT", "ftp://127.0.0.1", "must begin with https://"),
        ("HF_ENDPOINT", "http://127.0.0.1:port", "no usable address"),
        ("ALL_PROXY", "socks9://127.0.0.1:9", "cannot be asked with these proxy settings"),
        ("ALL_PROXY", "http://127.0.0.1:9", "could not be reached"),
    ],
)
def test_unusable_settings_are_a_failed_source(bench, monkeypatch, name: str, value: str, reason: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NoSourceError) as caught:
        bench.store().pull("m")
    assert reason in caught.value.failures[0]


def test_sources_argument_restricts_the_pull(hub, bench) -> None:
    with pytest.raises(NoSourceError, match="none of the allowed sources has it"):
        bench.store().pull("m", sources="modelscope")
    with pytest.raises(WeightsError, match="No model source is called"):
        bench.store().pull("m", sources="ftp")
    assert hub.requests == []
    bench.store().pull("m", sources=["huggingface"])
    assert len(hub.requests) == 1


def test_a_full_disk_is_said_before_the_first_request(hub, bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    with pytest.raises(DiskSpaceError, match=r"needs 512\.0 kB more in .*, where 100\.0 kB is free"):
        bench.store().pull("m")
    assert hub.requests == []
    bench.part.parent.mkdir(parents=True, exist_ok=True)
    bench.part.write_bytes(hub.content[:450_000])
    bench.store().pull("m")
    assert hub.ranges() == ["bytes=450000-"], "what is already there needs no more room"
