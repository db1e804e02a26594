import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from chains import Components
from chains.chat import LOCAL, PRINCIPAL, build_chat
from runnables.errors import InvalidInputError


@pytest.fixture
def chain(components: Components):
    return build_chat(components.history, components.rewriter, components.answer_message)


def config(session: str, principal: str | None = None) -> dict:
    return {"configurable": {"session_id": session} | ({PRINCIPAL: principal} if principal else {})}


def ask(chain, text: str, session: str, principal: str | None = None) -> AIMessage:
    return chain.invoke({"messages": [HumanMessage(text)]}, config(session, principal))


def test_a_session_is_kept(chain, components: Components):
    ask(chain, "可乐鸡翅怎么做", "kept")
    second = ask(chain, "要焖多久？", "kept")
    assert second.response_metadata["question"].startswith("可乐鸡翅")
    assert second.response_metadata["recipes"][0]["dish"] == "可乐鸡翅"
    messages = components.history.load(LOCAL, "kept")
    assert [message.type for message in messages] == ["human", "ai", "human", "ai"]
    assert messages[3].content == second.content


def test_principals_share_nothing(chain, components: Components):
    ask(chain, "可乐鸡翅怎么做", "one", "alice")
    other = ask(chain, "要焖多久？", "one", "bob")
    assert other.response_metadata["question"] == "要焖多久？"
    assert components.history.load("bob", "one")[0].content == "要焖多久？"
    assert len(components.history.load("alice", "one")) == 2


def test_without_a_session_nothing_is_kept(chain, components: Components):
    history = [HumanMessage("可乐鸡翅怎么做"), AIMessage("先腌。"), HumanMessage("要焖多久？")]
    reply = chain.invoke({"messages": history})
    assert reply.response_metadata["question"].startswith("可乐鸡翅")
    assert components.history.load(LOCAL, "") == []


def test_the_numbered_offer_can_be_picked(chain):
    first = ask(chain, "黑森林蛋糕怎么做", "pick")
    assert first.response_metadata["status"] == "not_found"
    second = ask(chain, "第一个怎么做", "pick")
    assert second.response_metadata["status"] == "from_recipe"
    assert f"1. {second.response_metadata['recipes'][0]['dish']}" in first.content


@pytest.mark.parametrize("messages", [[], [AIMessage("我先说。")], [HumanMessage("  ")]])
def test_a_conversation_must_end_with_a_question(chain, messages: list):
    with pytest.raises(InvalidInputError):
        chain.invoke({"messages": messages})


@pytest.mark.parametrize("session", ["x" * 129, "a\nb"])
def test_a_strange_session_id_is_refused(chain, session: str):
    with pytest.raises(InvalidInputError):
        ask(chain, "红烧肉怎么做", session)


def test_an_abandoned_answer_is_kept_as_far_as_it_was_said(chain, components: Components):
    async def leave() -> str:
        stream = chain.astream({"messages": [HumanMessage("红烧肉怎么做")]}, config("left"))
        said = ""
        async for chunk in stream:
            said += str(chunk.content)
            if len(said) > 40:
                break
        await stream.aclose()
        return said

    said = asyncio.run(leave())
    kept = components.history.load(LOCAL, "left")
    assert kept[0].content == "红烧肉怎么做"
    assert str(kept[1].content).startswith(said[:40])


def test_a_failed_answer_keeps_no_empty_turn(chain, components: Components):
    with pytest.raises(InvalidInputError):
        ask(chain, "", "failed")
    assert components.history.load(LOCAL, "failed") == []
