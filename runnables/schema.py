"""Types that cross the wire. TypedDicts, because LangServe hands a chain a dict whatever the declared type is."""

from typing import Annotated, Any, Literal

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from pydantic import Field, StringConstraints, WithJsonSchema
from typing_extensions import TypedDict

MAX_QUESTION = 2_000

Question = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION),
    Field(examples=["红烧肉怎么做"]),
]
Turn = HumanMessage | AIMessage
Turns = Annotated[list[Turn], Field(max_length=200)]
ChatModelInput = (
    Annotated[str, Field(max_length=32_000)]
    | Annotated[list[HumanMessage | AIMessage | SystemMessage], Field(min_length=1, max_length=200)]
)

# A stream that is put together is an AIMessageChunk. The schema is what LangServe's chat playground looks for: pydantic
# writes the literal as a ``const``, the page wants an ``enum``.
ChatOutput = Annotated[
    AIMessage | AIMessageChunk,
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "title": "AIMessage",
                    "type": "object",
                    "properties": {"type": {"enum": ["ai"]}, "content": {"type": "string"}},
                }
            ]
        }
    ),
]

AnswerStatus = Literal["from_recipe", "not_found"]


class RewriteInput(TypedDict):
    """What was said so far, and the question to make standalone."""

    history: Annotated[list[Turn], Field(max_length=200, description="earlier turns, oldest first")]
    question: Question


class ChatInput(TypedDict):
    """A conversation whose last message is the question."""

    messages: Annotated[
        list[Turn],
        Field(
            min_length=1, max_length=200, json_schema_extra={"extra": {"widget": {"type": "chat", "input": "messages"}}}
        ),
    ]


class ExplainRow(TypedDict):
    """One candidate of one search, with every number that decided its fate. All scores: higher is better."""

    order: int
    """Place after fusion, from 1."""
    matched_question: str
    recipe_id: str
    ref: str
    dish: str
    lexical_rank: int | None
    lexical_score: float
    """BM25 of characters and pinyin, >= 0; 0 where the lexical ranking does not have it."""
    dense_rank: int | None
    dense_score: float
    """Cosine, -1..1."""
    fused_score: float
    """<= 1."""
    rerank_score: float | None
    """Probability that this is what was asked for, 0..1; None where it was not computed."""
    kept: bool
    reason: str
    """Why it was kept or dropped."""
    features: dict[str, float]


class AnswerOutput(TypedDict):
    """The answer and the recipes that it rests on; ``recipes`` is empty where there is no such recipe."""

    question: str
    recipes: list[Document]
    answer: str


class SearchHit(TypedDict):
    """One line of ``shishen search --json``."""

    ref: str
    recipe_id: str
    dish: str
    matched_question: str
    score: float


JsonObject = dict[str, Any]
