"""question -> {question, recipes, answer}: recipes first, then an answer from that recipe alone, by sentences."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import AddableDict, Runnable, RunnableConfig, RunnableGenerator

from recipes import Recipe, to_text
from runnables.evidence import find_evidence
from runnables.grounding import build_grounding
from runnables.hyqe import check_question, recipe_of
from runnables.schema import AnswerStatus, ExplainRow
from vectorstores import understand

# The recipe stands in the system text, before the question: the model's prompt cache then serves every further question
# about the same recipe.
SYSTEM = (
    "你是厨师“食神”。下面是一份菜谱：\n\n{recipe}\n\n"
    "请根据这份菜谱回答用户的问题。用量、时间、温度必须和菜谱一模一样。菜谱里没有的，就说“菜谱里没有写”。"
)
PROMPT = ChatPromptTemplate.from_messages(
    [("system", SYSTEM), ("human", "问题：{question}\n请照菜谱分步写出做法，不用再写食材，不要重复。")]
)
DETAIL_PROMPT = ChatPromptTemplate.from_messages(
    [("system", SYSTEM), ("human", "菜谱原文：\n{evidence}\n\n问题：{question}\n请照原文用一句话回答。")]
)
_NEAREST = 3
_LISTED = 5


def nearest_dishes(rows: list[ExplainRow], count: int = _NEAREST) -> list[str]:
    """The dishes closest to a question, each once, best first."""
    return list(dict.fromkeys(row["dish"] for row in rows))[:count]


def not_found_text(question: str, rows: list[ExplainRow]) -> str:
    """The honest answer for a dish that is not there, or for no cooking question at all."""
    query = understand(question)
    near = nearest_dishes(rows)
    # A question that shares no word and little meaning with any dish is not offered dishes at random.
    best = max((row["rerank_score"] or 0.0 for row in rows), default=0.0)
    if query.all_shell or not near or best < 0.02:
        return "这个我答不上来：我只会按菜谱教做菜，没有找到相关的菜谱。可以问我“红烧肉怎么做”这样的问题。"
    asked = query.cores[0]
    name = f"“{asked}”的菜谱" if len(asked) <= 16 else "这道菜的菜谱"
    # Numbered, so that 第二个 is understood.
    listed = "；".join(f"{number}. {dish}" for number, dish in enumerate(near, start=1))
    return f"我没有{name}，不想瞎编。比较接近的有：{listed}。想看哪一个？"


def pantry_text(foods: tuple[str, ...], recipes: list[Document]) -> str:
    """The answer to a question for dishes made of what is there: a numbered list."""
    lines = []
    for number, document in enumerate(recipes, start=1):
        names = {i.name for i in recipe_of(document).parsed_ingredients}
        used = [food for food in foods if any(food in name for name in names)]
        lines.append(f"{number}. {document.metadata['dish']}" + (f"（用到{'、'.join(used)}）" if used else ""))
    return f"用{'、'.join(foods)}可以做：\n" + "\n".join(lines) + "\n想做哪一个？"


def versions_text(document: Document) -> str:
    """What goes before the answer where the index has several recipes of the same dish; else empty."""
    versions: list[str] = document.metadata.get("versions") or []
    if len(versions) < 2:
        return ""
    shown = "、".join(versions[:_LISTED]) + ("等" if len(versions) > _LISTED else "")
    return f"“{document.metadata['dish']}”有 {len(versions)} 种做法：{shown}。下面是“{document.metadata['name']}”。\n"


def opening_text(recipe: Recipe) -> str:
    """What stands before the steps: name, servings, time and the ingredient list, in the recipe's own words."""
    facts = [f"{recipe.servings}人份"] if recipe.servings else []
    facts += [f"约{recipe.time_min}分钟"] if recipe.time_min else []
    head = recipe.name + (f"（{'，'.join(facts)}）" if facts else "")
    return f"{head}\n食材：{'、'.join(recipe.ingredients) or '菜谱里没有写'}\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one question is answered.

    Attributes:
        opening: What the code says first, from the recipe (its text may be empty); carries the status.
        chain: What the model adds, checked against the recipe; None where the opening is the whole answer.
        inputs: The prompt's variables.
    """

    opening: AIMessageChunk
    chain: Runnable[Any, AIMessageChunk] | None = None
    inputs: dict[str, str] = field(default_factory=dict)


def _opening(text: str, status: AnswerStatus) -> AIMessageChunk:
    return AIMessageChunk(content=text, response_metadata={"status": status})


def plan_answer(question: str, rows: list[ExplainRow], recipes: list[Document], llm: BaseChatModel) -> Plan:
    """What was asked and what was found -> the plan."""
    if not recipes:
        return Plan(_opening(not_found_text(question, rows), "not_found"))
    foods = understand(question).foods
    if foods:
        return Plan(_opening(pantry_text(foods, recipes), "from_recipe"))
    best = recipes[0]
    recipe = recipe_of(best)
    evidence = find_evidence(question, recipe)
    opening = versions_text(best)
    if evidence.asked == "ingredients":
        return Plan(_opening(opening + opening_text(recipe), "from_recipe"))
    if evidence.asked == "recipe":
        opening += opening_text(recipe) + "做法：\n"
    inputs = {
        "recipe": to_text(recipe, facts=False),
        "question": question,
        "evidence": "\n".join(f"- {line}" for line in evidence.lines),
    }
    prompt = (DETAIL_PROMPT if evidence.lines else PROMPT).with_config(run_name="FillPrompt")
    model = llm.with_config(run_name="Answer")
    chain = (prompt | model | build_grounding(recipe, evidence.lines)).with_config(run_name="ComposeAnswer")
    return Plan(_opening(opening, "from_recipe"), chain, inputs)


Search = Runnable[str, list[ExplainRow]]
SwapIn = Runnable[list[ExplainRow], list[Document]]


def build_answer(
    search: Search, swap_in: SwapIn, llm: BaseChatModel, *, as_message: bool = False
) -> Runnable[str, dict[str, Any]]:
    """Str -> {question, recipes, answer}: recipes first, then the answer piece by piece.

    A generator and no pipe: the recipes are out before the model has read them, and what the code knows of the answer
    is said while it still reads.

    Args:
        search: question -> rows.
        swap_in: rows -> recipes.
        llm: The chat model.
        as_message: Give the answer as message chunks, with status and grounding report in ``response_metadata``.
    """

    def piece(chunk: AIMessageChunk) -> AddableDict:
        return AddableDict(answer=chunk if as_message else str(chunk.content))

    def answer(questions: Iterator[str], config: RunnableConfig) -> Iterator[AddableDict]:
        question = check_question(_whole(list(questions)))
        yield AddableDict(question=question)
        rows = search.invoke(question, config)
        recipes = swap_in.invoke(rows, config)
        yield AddableDict(recipes=recipes)
        plan = plan_answer(question, rows, recipes, llm)
        yield piece(plan.opening)
        if plan.chain is not None:
            for chunk in plan.chain.stream(plan.inputs, config):
                yield piece(chunk)

    async def aanswer(questions: AsyncIterator[str], config: RunnableConfig) -> AsyncIterator[AddableDict]:
        question = check_question(_whole([part async for part in questions]))
        yield AddableDict(question=question)
        rows = await search.ainvoke(question, config)
        recipes = await swap_in.ainvoke(rows, config)
        yield AddableDict(recipes=recipes)
        plan = plan_answer(question, rows, recipes, llm)
        yield piece(plan.opening)
        if plan.chain is not None:
            async for chunk in plan.chain.astream(plan.inputs, config):
                yield piece(chunk)

    return RunnableGenerator(answer, aanswer, name="AnswerFromRecipe")  # type: ignore[arg-type]


def _whole(parts: list[Any]) -> Any:
    """A question that arrives in pieces, put together; anything that is no text is left for the check to refuse."""
    return "".join(parts) if all(isinstance(part, str) for part in parts) else parts[-1]
