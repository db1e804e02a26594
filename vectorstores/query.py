"""A question as the index sees it: clauses without their shells, the ingredients it names, its script."""

import re
from dataclasses import dataclass
from functools import lru_cache

from recipes import normalise, parse_ingredient, question_cores, without_detail
from recipes.questions import CANONICAL

_ASKS_FOR_DISHES = re.compile(
    r"(?:做|煮|炒|弄|整|烧|搞)(?:些|点|出|成)?(?:什么|啥|哪些|吃的|个菜|道菜|几个菜|几道菜|菜)|推荐(?:一|个|几|点|道|什么|啥)|有(?:什么|啥)推荐"
    r"|吃(?:什么|啥)|怎么做好"
)
_HAVE = re.compile(r"(?:只剩下?|剩下?|买了|多了|(?<!还)(?<!没)有|用|拿)(?P<foods>[^，,。？?！!]{1,40})")
_SUBJECT = re.compile(r"^(?P<foods>[^，,。？?！!]{1,30}?)(?:能|可以|可)(?:一起|用来)?(?:做|煮|炒|弄|整|搞)")
_FOODS_END = re.compile(r"(?:了)?(?:能|可以|可|做|怎么|想|推荐|来|该|要|的话|吃|$).*$")
_AND = re.compile(r"还有|以及|加上|和|跟|与|及|加|、|\s+")
_NO_FOOD = re.compile(r"没有?|.*(?:什么|啥|哪些)|(?:我|你|咱)?们?(?:家|冰箱|厨房|手)?(?:里|中|头|上)?面?(?:现在)?$")
_ENGLISH_SHELL = re.compile(
    r"^(?:(?:please|can you|could you|tell me|show me|teach me|hi|hello)\s+)*"
    r"(?:how (?:to|do (?:i|you|we)|can i|should i) (?:make|cook|prepare)|(?:a |the )?recipes? (?:for|of))\s+"
    r"(?:(?:a|an|the|some)\s+)?|\s+recipe$"
)
# A clause that is longer names no dish, and would cost the embedding seconds.
_LONGEST_CORE = 128
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[a-z]")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is searched for.

    Attributes:
        text: The question, normalised.
        cores: What its clauses ask about, shells taken off; never empty (the text itself where all is shell).
        all_shell: Nothing but shell was left (你好, 怎么做？).
        foods: Ingredients that the asker has, where the question asks for dishes made of them; else empty.
        script: ``chinese``, ``mixed`` (more than two Latin letters beside Chinese) or ``latin`` (no Chinese at all).
    """

    text: str
    cores: tuple[str, ...]
    all_shell: bool
    foods: tuple[str, ...]
    script: str


def _foods(text: str) -> tuple[str, ...]:
    if not _ASKS_FOR_DISHES.search(text):
        return ()
    match = _HAVE.search(text) or _SUBJECT.search(text)
    if match is None:
        return ()
    names = (_FOODS_END.sub("", name).strip() for name in _AND.split(_FOODS_END.sub("", match["foods"])))
    # 两斤虾 and 半个南瓜 are in no list of ingredients, 虾 and 南瓜 are.
    foods = (parse_ingredient(name).name for name in names if not _NO_FOOD.match(name))
    return tuple(dict.fromkeys(food for food in foods if 1 <= len(food) <= 8))[:8]


def _script(text: str) -> str:
    if not _CHINESE.search(text):
        return "latin"
    return "mixed" if len(_LATIN.findall(text)) > 2 else "chinese"


def cores_of(text: str) -> tuple[str, ...]:
    """A normalised question -> what its clauses ask about, without shells and without details; may be empty."""
    cores = question_cores(without_detail(text))
    return tuple(dict.fromkeys(_ENGLISH_SHELL.sub("", core)[:_LONGEST_CORE] for core in cores))


def asked_form(core: str) -> str:
    """A core -> the one form in which both sides are embedded, so that only the dish is compared."""
    return CANONICAL.format(core) if _CHINESE.search(core) else f"how to make {core}"


def core_of(text: str) -> str:
    """A question that a recipe is filed under -> its longest core; the text itself where all is shell."""
    return max(cores_of(normalise(text)), key=len, default=text)


def indexed_form(text: str) -> str:
    """A question that a recipe is filed under -> what is tokenised and embedded of it."""
    return asked_form(core_of(text))


@lru_cache(maxsize=4096)
def understand(question: str) -> SearchQuery:
    """A question as typed -> what to search for."""
    # Half a surrogate pair (a cut emoji) is no text that a tokenizer takes.
    text = normalise(question.encode("utf-8", "replace").decode("utf-8"))
    cores = cores_of(text)
    return SearchQuery(
        text=text, cores=cores or (text[:_LONGEST_CORE],), all_shell=not cores, foods=_foods(text), script=_script(text)
    )
