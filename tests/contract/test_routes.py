"""Every row of ROUTES keeps the same promises, whatever it does."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from langchain_core.messages import AIMessage, HumanMessage

from chains import ROUTES, Components, Route, Settings
from server import create_app

BAD = [None, 5, [], {"x": 1}]


@pytest.fixture(scope="module")
def client(settings: Settings, components: Components) -> Iterator[TestClient]:
    app = create_app(settings, components=components)
    with TestClient(app) as client:
        for _ in range(200):
            if client.get("/readyz").status_code == 200:
                break
        else:
            pytest.fail("never ready")
        yield client


def ids(route: Route) -> str:
    return route.path.strip("/")


every_route = pytest.mark.parametrize("route", ROUTES, ids=ids)


def local_input(route: Route) -> Any:
    """The example as a caller in the same process would give it."""
    kinds = {"human": HumanMessage, "ai": AIMessage}
    example = json.loads(json.dumps(route.example))
    if isinstance(example, dict):
        for key in ("messages", "history"):
            if key in example:
                example[key] = [kinds[turn["type"]](turn["content"]) for turn in example[key]]
    return example


def plain(value: Any) -> Any:
    """An output without what differs from run to run: ids of messages, and whether a message came in chunks."""
    if isinstance(value, AIMessage):
        return {"content": value.content, "response_metadata": value.response_metadata}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@every_route
def test_names_agree(route: Route):
    assert route.path.startswith("/")
    assert route.path.strip("/").isidentifier()
    assert route.summary
    assert route.summary_en


@every_route
def test_invoke_stream_and_async_agree(route: Route, components: Components):
    chain = route.build(components)
    once = plain(chain.invoke(local_input(route)))
    assert once
    assert plain(asyncio.run(chain.ainvoke(local_input(route)))) == once
    whole = None
    for chunk in chain.stream(local_input(route)):
        whole = chunk if whole is None else whole + chunk
    assert plain(whole) == once

    async def stream() -> Any:
        joined = None
        async for chunk in chain.astream(local_input(route)):
            joined = chunk if joined is None else joined + chunk
        return joined

    assert plain(asyncio.run(stream())) == once


@every_route
def test_the_same_input_twice_gives_the_same_output(route: Route, components: Components):
    chain = route.build(components)
    assert plain(chain.invoke(local_input(route))) == plain(chain.invoke(local_input(route)))


@every_route
def test_http_invoke_and_batch(route: Route, client: TestClient):
    reply = client.post(f"{route.path}/invoke", json={"input": route.example})
    assert reply.status_code == 200, reply.text
    assert reply.json()["metadata"]["run_id"]
    batch = client.post(f"{route.path}/batch", json={"inputs": [route.example, route.example]})
    assert batch.status_code == 200, batch.text
    first, second = batch.json()["output"]
    assert first
    assert second


@every_route
@pytest.mark.parametrize("endpoint", ["stream", "stream_log", "stream_events"])
def test_http_streams_end_well(route: Route, endpoint: str, client: TestClient):
    body = {"input": route.example, "include_names": None} if endpoint == "stream_events" else {"input": route.example}
    reply = client.post(f"{route.path}/{endpoint}", json=body)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert "event: end" in reply.text
    assert "event: error" not in reply.text


@every_route
@pytest.mark.parametrize("schema", ["input_schema", "output_schema", "config_schema"])
def test_schemas(route: Route, schema: str, client: TestClient):
    reply = client.get(f"{route.path}/{schema}")
    assert reply.status_code == 200
    assert isinstance(reply.json(), dict)


@every_route
def test_playground_page(route: Route, client: TestClient):
    reply = client.get(f"{route.path}/playground/")
    assert reply.status_code == 200
    assert "text/html" in reply.headers["content-type"]
    assert "shishen_principal=" in reply.headers.get("set-cookie", "") or client.cookies.get("shishen_principal")


@every_route
@pytest.mark.parametrize("endpoint", ["invoke", "stream"])
@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_bad_input_is_a_sentence_and_422(route: Route, endpoint: str, bad: Any, client: TestClient):
    reply = client.post(f"{route.path}/{endpoint}", json={"input": bad})
    assert reply.status_code == 422, reply.text
    error = reply.json()["error"]
    assert error["code"] == "invalid_input"
    assert error["message"].startswith("输入不对")
    assert error["retryable"] is False
    assert "Traceback" not in reply.text


@every_route
def test_bad_batch_is_422(route: Route, client: TestClient):
    reply = client.post(f"{route.path}/batch", json={"inputs": [route.example, 5]})
    assert reply.status_code == 422, reply.text
    assert reply.json()["error"]["code"] == "invalid_input"


@every_route
def test_not_json_is_422(route: Route, client: TestClient):
    reply = client.post(f"{route.path}/invoke", content=b"{", headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert "JSON" in reply.json()["error"]["message"]


def test_explain_and_retrieve_are_one_search(components: Components):
    for question in ("可乐鸡翅怎么做", "红邵肉的做法", "佛跳墙怎么做", "家里有鸡蛋和番茄能做什么"):
        rows = next(r for r in ROUTES if r.path == "/explain").build(components).invoke(question)
        documents = next(r for r in ROUTES if r.path == "/retrieve").build(components).invoke(question)
        assert [row["recipe_id"] for row in rows if row["kept"]] == [d.metadata["recipe_id"] for d in documents]
        answer = next(r for r in ROUTES if r.path == "/answer").build(components).invoke(question)
        assert [d.id for d in answer["recipes"]] == [d.id for d in documents]


def test_openapi_lists_every_route(client: TestClient):
    paths = client.get("/openapi.json").json()["paths"]
    for route in ROUTES:
        assert f"{route.path}/invoke" in paths
