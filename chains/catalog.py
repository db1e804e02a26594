"""The table of everything: Settings (a field per capability), Components (a part per need), ROUTES (a row per path)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from langchain_core.documents import Document
from langchain_core.runnables import Runnable
from pydantic import Field

from chains.answer import build_answer
from chains.chat import build_chat
from chains.retrieve import build_retrieve, build_search
from chains.rewrite import build_rewrite
from configs import ProfileSettings, Section, ServerConfig, cache_dir, data_dir
from runnables.backends import build_llm
from runnables.history import HistoryConfig, HistoryStore, build_history
from runnables.hyqe import HyqeConfig, build_hyqe, build_swap_in
from runnables.llm import LlmConfig, RecipeChatModel
from runnables.reranker import Reranker, RerankerConfig, build_reranker
from runnables.rewriter import RewriterConfig, build_rewriter
from runnables.schema import AnswerOutput, ChatInput, ChatModelInput, ChatOutput, ExplainRow, Question, RewriteInput
from vectorstores import EmbeddingsConfig, IndexConfig, RecipeIndex, build_embeddings
from vectorstores.embeddings import EmbedderPair
from weights import WeightStore, load_registry


class WeightsConfig(Section):
    """Where model files are kept and fetched from."""

    dir: str = ""
    """By default ``<cache dir>/models``."""
    sources: str = ""
    """Comma list of source kinds (huggingface, modelscope, package_parts); empty: all, in the registry's order."""


class Settings(ProfileSettings):
    """Everything that a profile decides."""

    weights: WeightsConfig = Field(default_factory=WeightsConfig)
    embeddings: EmbeddingsConfig = Field(default_factory=EmbeddingsConfig)
    index: IndexConfig = Field(default_factory=IndexConfig)
    hyqe: HyqeConfig = Field(default_factory=HyqeConfig)
    reranker: RerankerConfig = Field(default_factory=RerankerConfig)
    rewriter: RewriterConfig = Field(default_factory=RewriterConfig)
    llm: LlmConfig = Field(default_factory=LlmConfig)
    history: HistoryConfig = Field(default_factory=HistoryConfig)
    server: ServerConfig = Field(default_factory=ServerConfig)


class Components:
    """One instance of each shared part, built when first asked for: however many routes use it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def weights(self) -> WeightStore:
        """The cache of model files."""
        folder = self.settings.weights.dir
        return WeightStore(Path(folder).expanduser() if folder else cache_dir() / "models", load_registry())

    @cached_property
    def embeddings(self) -> EmbedderPair:
        """The embedding models."""
        return build_embeddings(self.settings.embeddings)

    @property
    def index_dir(self) -> Path:
        """Folder of the served index."""
        folder = self.settings.index.dir
        return (
            Path(folder).expanduser() if folder else data_dir() / "indexes" / f"starter-{self.settings.embeddings.kind}"
        )

    @cached_property
    def index(self) -> RecipeIndex:
        """The open index."""
        return RecipeIndex.open(self.index_dir, self.embeddings)

    @cached_property
    def llm(self) -> RecipeChatModel:
        """The chat model."""
        return build_llm(self.settings.llm, self.weights)

    @cached_property
    def history(self) -> HistoryStore:
        """The conversations."""
        return build_history(self.settings.history)

    @cached_property
    def search(self) -> Runnable[str, list[ExplainRow]]:
        """Question -> every candidate with its fate."""
        hyqe = build_hyqe(self.settings.hyqe, self.index)
        return build_search(hyqe, build_reranker(self.settings.reranker, self.index))

    @property
    def named_search(self) -> Runnable[str, list[ExplainRow]]:
        """The same search, as one step of a longer chain."""
        return self.search.with_config(run_name="Search")

    @cached_property
    def swap_in(self) -> Runnable[list[ExplainRow], list[Document]]:
        """Rows -> recipes."""
        return build_swap_in(self.index)

    @cached_property
    def rewriter(self) -> Runnable[dict[str, Any], str]:
        """(history, question) -> standalone question."""
        knows = Reranker(self.settings.reranker, self.index).knows
        return build_rewriter(self.settings.rewriter, knows, self.llm)

    @cached_property
    def answer_message(self) -> Runnable[str, dict[str, Any]]:
        """Question -> {question, recipes, answer as a message}."""
        return build_answer(self.named_search, self.swap_in, self.llm, as_message=True)

    def warm_up(self) -> None:
        """Load every model that the routes need, so that the first question is as fast as the second."""
        self.embeddings.warm_up()
        self.search.invoke("红烧肉怎么做")
        self.llm.backend.warm_up()

    def close(self) -> None:
        """Give back what was opened; parts that were never built stay unbuilt."""
        if "llm" in self.__dict__:
            self.llm.backend.close()
        if "history" in self.__dict__:
            self.history.close()


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the server.

    Attributes:
        path: URL path; also the chain's module name and, in CamelCase, its run name.
        build: Makes the Runnable from the shared parts.
        input_type: What a caller sends.
        output_type: What comes back.
        summary: One line in Chinese, for the landing page and the README.
        summary_en: The same in English.
        example: An input for the landing page and the README.
        generates: Whether the language model takes part; such a route is refused while the model's queue is full.
        playground_type: LangServe's playground: ``default``, or ``chat`` for message lists.
    """

    path: str
    build: Callable[[Components], Runnable[Any, Any]]
    input_type: Any
    output_type: Any
    summary: str
    summary_en: str
    example: Any
    generates: bool = False
    playground_type: Literal["default", "chat"] = "default"


ROUTES: tuple[Route, ...] = (
    Route(
        path="/answer",
        build=lambda c: build_answer(c.named_search, c.swap_in, c.llm),
        input_type=Question,
        output_type=AnswerOutput,
        summary="问一道菜：先给出菜谱，再按菜谱逐句回答",
        summary_en="Ask for a dish: the recipe first, then an answer from it, sentence by sentence",
        example="红烧肉怎么做",
        generates=True,
    ),
    Route(
        path="/chat",
        build=lambda c: build_chat(c.history, c.rewriter, c.answer_message),
        input_type=ChatInput,
        output_type=ChatOutput,
        summary="多轮对话：补全追问，按菜谱回答，可由服务器保存历史",
        summary_en="Conversation: follow-ups completed, answers from the recipe, history kept by the server on request",
        example={"messages": [{"type": "human", "content": "红烧肉怎么做"}]},
        generates=True,
        playground_type="chat",
    ),
    Route(
        path="/retrieve",
        build=lambda c: build_retrieve(c.search, c.swap_in),
        input_type=Question,
        output_type=list[Document],
        summary="只检索：返回整份菜谱和分数，没有就返回空列表",
        summary_en="Search only: whole recipes with scores, an empty list where there is none",
        example="红烧肉怎么做",
    ),
    Route(
        path="/explain",
        build=lambda c: c.search.with_config(run_name="Explain"),
        input_type=Question,
        output_type=list[ExplainRow],
        summary="解释检索：每个候选的分数、名次，以及留下或丢掉的原因",
        summary_en="Why the search decided so: every candidate with ranks, scores and why it was kept or dropped",
        example="红烧肉怎么做",
    ),
    Route(
        path="/rewrite",
        build=lambda c: build_rewrite(c.rewriter),
        input_type=RewriteInput,
        output_type=str,
        summary="改写追问：把“那鱼香肉丝呢？”补成完整问题",
        summary_en="Make a follow-up standalone (那鱼香肉丝呢？)",
        example={
            "history": [{"type": "human", "content": "红烧肉怎么做"}, {"type": "ai", "content": "先焯水。"}],
            "question": "那鱼香肉丝呢？",
        },
    ),
    Route(
        path="/llm",
        build=lambda c: c.llm,
        input_type=ChatModelInput,
        output_type=ChatOutput,
        summary="语言模型本身，不带菜谱",
        summary_en="The bare chat model, without any recipe",
        example="用一句话介绍川菜",
        generates=True,
    ),
)
