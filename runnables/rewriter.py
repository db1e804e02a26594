"""(history, question) -> a question that can be understood alone; unchanged where it already can.

Rules come first: who asks 那鱼香肉丝呢？, 第二个怎么做？ or 要炖多久？ after a dish was named needs no model to be
understood, and a small model gets it wrong more often than right (docs/log.md). A language model may be asked instead
(``rewriter.kind: llm``); what it says is used only where the guard finds it sane, else the rules' answer stands.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import Field

from configs import Section
from recipes import normalise
from recipes.numerals import parse_number
from runnables.errors import RequestError
from vectorstores import understand

PROMPT = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "把用户最后的问题改写成一句不看上文也能懂的完整问题，补上省略的菜名。已经完整的问题原样输出。只输出这一句。\n"
            "例：上文在说红烧肉，问“要炖多久？”，输出：红烧肉要炖多久？\n"
            "例：上文在说红烧肉，问“那鱼香肉丝呢？”，输出：鱼香肉丝怎么做？",
        ),
        ("human", "上文：\n{history}\n\n最后的问题：{question}\n改写："),
    ]
)

_NUMBER = r"(?P<number>\d{1,2}|[一二两三四五六七八九十]{1,3})"
_ITEM = "(?:个|道|种|样|款|项|号)"
# 第二个, 倒数第一道, 最后那个, 选2; but not 第二步.
_PICK = re.compile(rf"(?P<back>倒数)?第\s*{_NUMBER}\s*{_ITEM}?(?:菜|做法)?|(?P<last>最后[那这]?一?{_ITEM}(?:菜|做法)?)")
_BARE_PICK = re.compile(rf"(?:我?[选要看做]|就)?(?:第\s*)?{_NUMBER}\s*{_ITEM}?(?:吧|好了|呢)?[。！!？?]*")
_STEP_WORD = re.compile(r"第\s*(?:\d+|[一二两三四五六七八九十几]+)\s*个?步|[上下这那]一步|最后一?步")
_NUMBERED = re.compile(r"(?:^|[\s：:；;，,。*])(\d{1,2})[.、．)）]\s*([^；;\n]+?)(?=[；;。\n]|$|\s+\d{1,2}[.、．)）])")
_OFFER = re.compile(r"(?:接近的有|种做法|推荐|试试|可以做)[：:]\s*(?P<names>[^。！？\n]*)")
_RECIPE = re.compile(r"(?:^|\n)\**(?:食材|用料|材料|做法|步骤)\**[：:]")
_READ = 4_000
"""Letters of one message that are looked at."""

# 好的，谢谢，那…: what stands before the question proper.
_LEAD = re.compile(
    r"(?:(?:好的?|好吧|嗯|哦|行|可以|ok|谢谢你?|多谢|明白了?|知道了|了解了?|算了吧?|不了|对了|另外|还有|顺便(?:问一?下)?|请问"
    r"|那么?)(?:[，,。！!\s]+|(?=那|还是|再|换|改|要|需|能))|那么?(?![个道么])(?=\S))++",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"(?:(?:好|嗯|哦|噢|行|可以|ok|okay|谢谢|多谢|感谢|明白|懂|知道|了解|收到|没问题|不用|不客气|再见|拜拜|晚安|早上好|你好|您好"
    r"|hi|hello|哈|呵|嘿|棒|厉害|不错|赞|完美|辛苦)[了啊呀啦的呢吧你您，,。！!~～.、\s]*+|[太真很])++$"
    r"|.*(?:你(?:真|太|可真|是谁|是什么|叫什么|几岁|多大)|天气|几点|星期几|笑话|新闻|讲个故事|名字|股票)",
    re.IGNORECASE,
)
_MENU_WANTED = re.compile(r"推荐|吃(?:什么|啥|点)|做(?:什么|啥|哪些)菜|(?:什么|啥|哪些)菜")

# 那…呢, 换成…吧, 再告诉我…: another dish is wanted.
_CHANGE = re.compile(
    r"(?:就[做来要选]|还是|不如|要不|干脆|改[做成吃]?|换[成做个]?|再(?:告诉我|教教?我|说说|讲讲|来|做|问))"
)
_SWAPPED = re.compile(r"(?:换|替|代|改)[成为]?.{1,8}(?:可以|行|能|好)?.{0,2}[吗么]")
_NAMING = re.compile(
    r"(?:怎么|怎样|如何|咋)[做弄搞整烧煮炒炖蒸烤煎炸]|做法|菜谱|食谱|配方|想[吃做学]|教我|[做弄来整](?:个|份|道|一)|会做|能做"
)
# 用鸡肉可以吗, 没有料酒怎么办: what follows is an ingredient.
_OBJECT = re.compile(r"(?:可以|能|能不能|可不可以|要不要|是不是)?(?:用|[不少多]?[放加]|没有?|换|改|再|把|先|后|配)")
_LONGEST_NAME = 16
_NO_DISH = re.compile(r"[我你他她它们人很太更最没不吃说谁]")
_TOOLS = "电饭锅|电饭煲|高压锅|压力锅|微波炉|烤箱|空气炸锅|平底锅|砂锅|炒锅|电磁炉"
_ASPECT = re.compile(
    r"多久|多长时间|几分钟|几个?小时|几天|时间|火候|[大中小]火|热量|卡路里|营养|口感|味道|颜色|先放|后放|放?多少[克勺个水油盐糖]?"
    r"|替代|代替|换成|改成|不放|少放|多放|可以不|能不能|可不可以|能放|要不要|需不需要|用不用|需要(?:什么|准备|哪些)|保存|隔夜|加热"
    r"|冷冻|冷藏|几个?人|几份|小?孩子?|宝宝|孕妇|老人|适合|为什么|为啥|注意|技巧|窍门|诀窍|秘诀|失败|焯水|腌制?|去腥|去苦味"
    r"|辣吗|甜吗|咸吗|太[咸甜辣油淡老硬苦]|配什么|配料|配菜|调料|材料|食材|原料|用量|份量|步骤|顺序|做法|多少度|温度|油温|几成热?"
    r"|几次|用什么|用哪|切成|怎么切|没有.{1,6}(?:怎么办|可以|行)|[放加].{1,4}吗|难不难|难吗|好做吗|成本|贵吗|能做吗|然后|接下来"
    rf"|怎么判断|怎么看|用?(?:{_TOOLS})(?=.{{0,4}}(?:可以|能|行|吗|怎么))|(?:可以|能)用.{{2,5}}[做煮炖蒸烤炒]"
)
_PRONOUN = re.compile(r"[这那](?:道|个)?菜|该菜|它|[这那][道个]")
_ASKS = re.compile(
    r"[吗呢？?几哪咋]|什么|啥|多|怎|如何|为何|能|可以|要不|用不用|是不是|会不会|行不行|够不够|需要|要|放|加"
)
_FUNCTION = re.compile(
    r"[要需能会可以应该得是有没不的了吗呢吧啊呀么嘛还再也就都只用放加点些下上里几多少个把给和跟做弄吃好步]"
    r"|[第一二三四五六七八九十]|怎么|怎样|如何|什么|哪里?|自己|一下"
)


class RewriterConfig(Section):
    """How follow-up questions are completed."""

    kind: Literal["rules", "llm", "off"] = "rules"
    timeout_s: float = Field(6.0, gt=0)
    """For ``llm``: how long to wait for the model before the rules' answer is taken."""
    max_turns: int = Field(12, ge=1, le=200)
    """Messages of history that are looked at, counted from the newest."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What a conversation has come to.

    Attributes:
        dish: The dish that it is about; may be empty.
        told: What was said of the dish.
        menu: The dishes that were offered last.
    """

    dish: str = ""
    told: str = ""
    menu: tuple[str, ...] = ()

    def about(self, dish: str) -> "Talk":
        """The same talk, now about a dish."""
        return self if dish == self.dish else Talk(dish, "", self.menu)

    def hear(self, said: str) -> "Talk":
        """The talk after an answer."""
        menu = _menu(said)
        return Talk(self.dish, self.told if menu else f"{self.told}\n{said}", menu or self.menu)

    def is_part(self, name: str) -> bool:
        """Whether a name is but a part of the dish: 五花肉 of 红烧肉, 鸡翅 of 可乐鸡翅."""
        return bool(self.dish) and name != self.dish and (name in self.dish or name in self.told)


class RuleRewriter:
    """Follow the dish that a conversation is about, question by question, without a model.

    Args:
        knows: Whether the index has a recipe for a dish name; tells 那鱼香肉丝呢？ from 那热量呢？
    """

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self._knows = lru_cache(maxsize=4096)(knows)

    def __call__(self, history: Sequence[BaseMessage], question: str) -> str:
        """History, oldest first, and a question -> the standalone question."""
        return self.follow(history, question)[0]

    def follow(self, history: Sequence[BaseMessage], question: str) -> tuple[str, str]:
        """History, oldest first, and a question -> the standalone question, and the dish that it is about if any."""
        talk = Talk()
        for message in history:
            text = str(message.content)[:_READ]
            if isinstance(message, HumanMessage):
                talk = talk.about(self._complete(text, talk)[1])
            else:
                # A kept turn says how its question was understood, also where that question is too long ago.
                understood = str(message.response_metadata.get("question") or "")[:_READ]
                talk = talk.about(self._named(understood, talk) or talk.dish).hear(text)
        return self._complete(question, talk)

    def names_dish(self, text: str) -> bool:
        """Whether a text names a dish of the index."""
        return bool(self._named(text, Talk()))

    def _complete(self, question: str, talk: Talk) -> tuple[str, str]:
        text, dish = question.strip(), talk.dish
        if picked := _pick(text, talk.menu):
            name, rest = picked
            return (_about(name, rest) if rest else f"{name}怎么做"), name
        if not re.search(r"\w", text) or _SMALL_TALK.match(text) or _MENU_WANTED.search(text) or understand(text).foods:
            return text, dish
        lead = _LEAD.match(text)
        asked = text[lead.end() :] if lead else text
        if dish and _STEP_WORD.search(asked) and not self._named(_STEP_WORD.split(asked)[0], talk):
            return _about(dish, asked), dish
        if wanted := self._wanted(asked, lead[0] if lead else "", talk):
            return f"{wanted}怎么做", wanted
        if named := self._named(asked, talk):
            return text, named
        if not dish:
            return text, ""
        if _PRONOUN.search(asked):
            return _about(dish, *_PRONOUN.split(asked, maxsplit=1)), dish
        if understand(asked).all_shell or _ASPECT.search(asked) or (_ASKS.search(asked) and not _NAMING.search(asked)):
            return _about(dish, asked), dish
        return text, dish

    def _wanted(self, asked: str, lead: str, talk: Talk) -> str:
        """那鱼香肉丝呢？, 算了，还是做红烧肉吧 -> the other dish that is wanted; else nothing.

        A dish that the index does not have is wanted too: its absence is then said, and not the former dish told again.
        """
        clause = re.split(r"[，,。！!；;]", asked.strip("，,。！!？? "))[-1]
        change = _CHANGE.match(clause)
        then = re.search("那|算了", lead) or clause.endswith("呢")
        if (not change and not then) or _SWAPPED.search(clause) or _PRONOUN.search(clause):
            return ""
        name = understand(clause[change.end() :] if change else clause).cores[0]
        if len(_residue(name)) < 2 or talk.is_part(name):
            return ""
        if self._knows(f"{name}的做法"):
            return name
        clear = not any(pattern.search(name) for pattern in (_ASPECT, _NO_DISH, _ASKS))
        return name if clear and len(name) <= _LONGEST_NAME else ""

    def _named(self, text: str, talk: Talk) -> str:
        """The dish that a question names: one of the index, or what is called a dish (佛跳墙怎么做); else nothing."""
        query = understand(text)
        if query.all_shell or _OBJECT.match(text):
            return ""
        cores = sorted(query.cores, key=len, reverse=True)
        for part in dict.fromkeys(part.strip() for core in cores for part in (core, _ASPECT.split(core)[0])):
            if len(_residue(part)) < 2 or len(part) > _LONGEST_NAME or talk.is_part(part):
                continue
            if self._knows(f"{part}的做法"):
                return part
        name = cores[0]
        if not _NAMING.search(text) or _ASPECT.search(name) or _NO_DISH.search(name) or talk.is_part(name):
            return ""
        return name if len(_residue(name)) >= 2 and len(name) <= _LONGEST_NAME else ""


def _about(dish: str, *parts: str) -> str:
    """A dish and what is asked of it -> a question that the search takes for that dish."""
    before, rest = ("", *parts)[-2:]
    joined = f"{before}{dish}{rest}"
    # 冰花煎饺用电饭锅可以做吗 is one long name to the search; in a clause of its own the dish stands out.
    is_plain = understand(joined).cores == understand(dish).cores
    return joined if is_plain else f"{dish}，{before}{rest.lstrip('，, ')}"


def _residue(text: str) -> str:
    """What is left of a text without pronouns, aspects and function words: a dish, an ingredient or nothing."""
    return re.sub(r"\W", "", _FUNCTION.sub("", _ASPECT.sub("", _PRONOUN.sub("", text))))


def _menu(said: str) -> tuple[str, ...]:
    """The dishes that an answer offers to choose from: a numbered list, or names behind 比较接近的有."""
    offer = _OFFER.search(said)
    lines = [] if offer is None and _RECIPE.search(said) else [name for _, name in _NUMBERED.findall(said)]
    if offer and (not lines or _RECIPE.search(said)):
        lines = re.split(r"[、，,]", offer["names"])
    names = [re.split(r"[（(：:，,—]|\s-", line.strip(" *《》“”「」"))[0].strip(" *《》“”「」") for line in lines]
    names = [name.removesuffix("等") for name in names]
    return tuple(names) if all(0 < len(name) <= 20 for name in names) else ()


def _pick(question: str, menu: tuple[str, ...]) -> tuple[str, str] | None:
    """第二个怎么做？ after a list -> the item and what is asked of it; None where it picks nothing."""
    match = _BARE_PICK.fullmatch(question) or _PICK.search(question)
    if not menu or match is None or _STEP_WORD.search(question):
        return None
    groups = match.groupdict()
    number = int(parse_number(groups["number"]) or 0) if groups["number"] else 1
    index = len(menu) - number if groups.get("back") or groups.get("last") else number - 1
    if number < 1 or not 0 <= index < len(menu):
        return None
    rest = (question[: match.start()] + question[match.end() :]).strip(" 那，,。？?！!的呢吧")
    return menu[index], "" if understand(rest).all_shell and not _ASPECT.search(rest) else rest


def _sane(rewritten: str, question: str, history: Sequence[BaseMessage]) -> str:
    """What the model said -> one plain question built of words that were said, or nothing."""
    line = rewritten.strip().splitlines()[0].strip(" “”\"'。") if rewritten.strip() else ""
    line = re.sub(r"^(?:改写|输出|完整问题)[：:]\s*", "", line)
    if not 2 <= len(line) <= 60:
        return ""
    heard = set("".join(str(message.content) for message in history) + question)
    strange = [
        char for char in line if char.isalnum() and char not in heard and char not in "怎么做的法要多久需放什吗呢几如何"
    ]
    return "" if len(strange) > 2 else line


def build_rewriter(
    config: RewriterConfig, knows: Callable[[str], bool], llm: BaseChatModel | None = None
) -> Runnable[dict[str, Any], str]:
    """{history, question} -> standalone question, as the step ``RewriteQuestion``."""
    rules = RuleRewriter(knows)
    ask = PROMPT | llm | StrOutputParser() if config.kind == "llm" and llm is not None else None

    def by_rules(inputs: dict[str, Any]) -> tuple[list[BaseMessage], str, str, str]:
        history: list[BaseMessage] = list(inputs.get("history") or [])[-config.max_turns :]
        question = str(inputs["question"])
        if config.kind == "off" or not history:
            return history, question, question, ""
        return history, question, *rules.follow(history, question)

    async def by_model(history: list[BaseMessage], question: str, fallback: str, dish: str) -> str:
        if ask is None or not history:
            return fallback
        spoken = "\n".join(f"{'用户' if m.type == 'human' else '助手'}：{str(m.content)[:200]}" for m in history)
        try:
            said = await asyncio.wait_for(ask.ainvoke({"history": spoken, "question": question}), config.timeout_s)
        except (TimeoutError, RequestError):
            return fallback
        said = _sane(said, question, history)
        # A model that leaves the dish out has completed nothing.
        return said if said and (not dish or dish in normalise(said) or rules.names_dish(said)) else fallback

    def rewrite(inputs: dict[str, Any]) -> str:
        found = by_rules(inputs)
        if ask is None:
            return found[2]
        with ThreadPoolExecutor(1) as own_loop:
            return own_loop.submit(copy_context().run, asyncio.run, by_model(*found)).result()

    async def arewrite(inputs: dict[str, Any]) -> str:
        return await by_model(*await asyncio.to_thread(by_rules, inputs))

    return RunnableLambda(rewrite, arewrite, name="RewriteQuestion")
