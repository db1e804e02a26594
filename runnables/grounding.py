"""(answer, recipe) -> the answer without any quantity, time or temperature that the recipe does not have.

A language model restates numbers, and small ones restate them wrong (50 minutes as 15). So the answer is read sentence
by sentence while it streams; a sentence with an unsupported number is replaced by the recipe's own words.
"""

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessageChunk
from langchain_core.runnables import Runnable, RunnableGenerator

from recipes import Quantity, Recipe, find_quantities
from runnables.measures import Measure, find_measures, plain, short_names

_MARKS = "。！？!?；;"
_CLOSERS = '”"』」）)'
# A line break ends a sentence at once; behind any other mark a closing quote or a line break may still come.
_SENTENCE_END = re.compile(rf"(?:[{_MARKS}]+[{_CLOSERS}]*)?\n|[{_MARKS}]+[{_CLOSERS}]*|(?<=[A-Za-z]{{2}})\.(?=\s)")
# The list number of a sentence: 1. | （2） | **3、 | 步骤三： | 第四步 | Step 5: | ⑥; but 1.5汤匙 and 1:2 are amounts.
_MARKER = re.compile(
    r"\s*(?:#{1,6}\s*)?(?:[-*•·]\s+)?(?:\*{1,2})?"
    r"(?:(?:步骤|做法|方法|第|[Ss]tep)\s*(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*(?:[步、．:：)）]|\.(?!\d))\s*"
    r"|[（(]?(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?:步|[.、．:：)）](?!\d))\s*|[①-⑳❶-❿]\s*)?"
)
_ORDINAL = re.compile(r"(?:第|步骤|版本|做法|方法|[Ss]tep|No\.?)\s*$")
# 一个大碗, 一圈: an article rather than an amount.
_ARTICLE = re.compile(
    r"一(?:圈|[个個只口张把块条片层](?=\w{0,4}?(?:[碗锅盘盆盒袋瓶筷勺铲刀膜纸布盖罩缝洞孔坑窝圆球团]|容器|方向|口子|整体)))"
)
_TOTAL = re.compile(r"全程|全部做完|总[共计时]|一共|共需|整个过程|整道|[用耗需]时|前后")
# What may stand between an amount and the ingredient behind it, and between an ingredient and the amount behind it.
_BEHIND_AMOUNT = re.compile(
    r"(?:左右|以上)?\s*(?:[\u4e00-\u9fff]{1,6}的(?=\S))?"
    r"(?:新鲜|优质|上[好等]|普通|[带去]皮|[带去]骨|切好|洗净|泡好|剩[下余]|余下|[大小老嫩生熟鲜干湿冷凉热温细粗纯的·\s])*"
)
_BEHIND_NAME = " \t：:（(|=—-的大约概莫取放加入倒用要需是为有各自共只再准备分份重数量"
# What counts deeds or people, not ingredients (淋一圈油, 红烧肉有4人份).
_NO_AMOUNT = frozenset({"人份", "等份", *"圈次遍下层倍"})


@dataclass(frozen=True, slots=True)
class Replacement:
    """One sentence that was replaced: what the model said, which numbers the recipe lacks, what is said instead."""

    said: str
    unsupported: tuple[str, ...]
    instead: str


@dataclass(slots=True)
class GroundingCheck:
    """Checks the sentences of one answer against one recipe.

    Every quantity must be in the recipe, in whatever spelling (半斤 for 250克, 五十分钟 for 50分钟); an amount that
    stands beside one of the recipe's ingredients must be an amount that the recipe gives for that ingredient.
    """

    recipe: Recipe
    focus: tuple[str, ...] = ()
    """The lines that a detail question asks about; where given, only their numbers are an answer."""
    sentences: int = 0
    replacements: list[Replacement] = field(default_factory=list)
    _pending: str = field(init=False, default="")
    _last: str = field(init=False, default="\n")
    _used: set[str] = field(init=False, default_factory=set)
    _said: set[str] = field(init=False, default_factory=set)
    _given: set[str] = field(init=False, default_factory=set)
    _sources: tuple[str, ...] = field(init=False, default=())
    _titles: tuple[str, ...] = field(init=False, default=())
    _text: str = field(init=False, default="")
    _known: list[Measure] = field(init=False, default_factory=list)
    _numbers: set[float] = field(init=False, default_factory=set)
    _owners: dict[str, list[str]] = field(init=False, default_factory=dict)
    _amounts: dict[str, list[Quantity]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        recipe = self.recipe
        lines = (*recipe.steps, *recipe.ingredients)
        titles = tuple(filter(None, (recipe.name, recipe.dish, *recipe.aliases)))
        self._titles = tuple(map(plain, titles))
        self._sources = self.focus or lines
        self._text = "\n".join(map(plain, (*lines, *titles, *self.focus)))
        facts = self.focus or (*lines, f"{recipe.servings}人份" if recipe.servings else "")
        self._known = [
            measure for text in (*facts, *titles) for part in _parts(text) for measure in find_measures(part)
        ]
        amounts = [known for of, known in self._known if of == "amount"]
        self._numbers = {number for known in amounts for number in (known.low, known.high)}
        for item in recipe.parsed_ingredients:
            if item.name and not item.heading:
                self._name(plain(item.name))
                self._amounts[plain(item.name)] += find_quantities(plain(item.text))
        self._owners = dict(sorted(self._owners.items(), key=lambda entry: -len(entry[0])))
        for quantity, owners in (pair for line in lines for part in _parts(line) for pair in self._beside(part)):
            for owner in owners:
                self._amounts[owner].append(quantity)

    def unsupported(self, sentence: str) -> list[Quantity]:
        """The quantities of a sentence that the recipe does not have."""
        body = plain(sentence[len(_head(sentence)) :])
        wrong = [measure.quantity for measure in find_measures(body) if not self._supports(measure, body)]
        for quantity, owners in self._beside(body):
            known = (amount for owner in owners for amount in self._amounts[owner])
            if quantity not in wrong and not any(_agrees(quantity, amount) for amount in known):
                wrong.append(quantity)
        if body.rstrip().endswith(("?", "？")):
            return [quantity for quantity in wrong if "几" not in quantity.text]  # the question said again
        return wrong

    def check(self, sentence: str) -> str:
        """A sentence -> itself where the recipe supports it, else the recipe's own words, or nothing."""
        checked = self._checked(sentence)
        self._last = checked[-1:] or self._last
        return checked

    def feed(self, text: str) -> list[str]:
        """The next piece of a stream -> the checked sentences that it completes."""
        sentences, self._pending = split_sentences(self._pending + text)
        return [self.check(sentence) for sentence in sentences]

    def finish(self) -> str:
        """The end of a stream -> its last sentence, checked."""
        pending, self._pending = self._pending, ""
        return self.check(pending)

    def report(self) -> dict[str, Any]:
        """For the trace: how many sentences, and what was replaced by what."""
        return {
            "sentences": self.sentences,
            "replaced": [
                {"said": r.said, "unsupported": list(r.unsupported), "instead": r.instead} for r in self.replacements
            ],
        }

    def _checked(self, sentence: str) -> str:
        if not sentence.strip():
            return sentence
        self.sentences += 1
        head, wrong = _head(sentence), self.unsupported(sentence)
        body = sentence[len(head) :]
        tail = "\n" if sentence.endswith("\n") else ""
        nothing = "" if self._last == "\n" else tail
        if not wrong:
            if _letters(body) in self._given:
                return nothing  # a line that was put in for an earlier sentence says this already
            self._remember(body)
            return sentence
        own = self._closest(body)
        self.replacements.append(Replacement(sentence.strip(), tuple(quantity.text for quantity in wrong), own))
        if not own:
            return nothing
        end = _SENTENCE_END.search(body)
        mark = end[0].rstrip("\n") if end and own[-1] not in f"{_MARKS}{_CLOSERS}…" else ""
        return f"{head}{own}{mark}{tail}"

    def _supports(self, measure: Measure, text: str) -> bool:
        of, quantity = measure
        if of == "odd":
            return quantity.text in self._text
        if of == "amount" and not quantity.unit:
            # A number without a unit is only right if the recipe has that number, whatever it counts there.
            return {quantity.low, quantity.high} <= self._numbers or bool(_ORDINAL.search(text[: quantity.start]))
        if any(of == known.of and _agrees(quantity, known.quantity) for known in self._known):
            return True
        total = f"{self.recipe.time_min}分钟" if self.recipe.time_min and not self.focus else ""
        if any(map(quantity.same_as, find_quantities(total))) and _TOTAL.search(text):
            return True
        return _ARTICLE.match(text, quantity.start) is not None

    def _name(self, name: str) -> None:
        """Take up an ingredient under its name and under every ending of it that people call it by."""
        self._amounts.setdefault(name, [])
        for alias in short_names(name):
            if name not in self._owners.setdefault(alias, []):
                self._owners[alias].append(name)

    def _beside(self, text: str) -> Iterator[tuple[Quantity, list[str]]]:
        """Amounts with the ingredients that they can belong to: the one behind (500克五花肉), the one in front."""
        for quantity in find_quantities(text):
            if quantity.dimension not in ("mass", "volume", "spoon", "count") or quantity.kind in _NO_AMOUNT:
                continue
            gap = _BEHIND_AMOUNT.match(text, quantity.end)
            places = (quantity.end, gap.end() if gap else quantity.end)
            behind = next((name for name in self._owners if any(text.startswith(name, at) for at in places)), None)
            if behind and len(behind) == 1 and _ARTICLE.match(text, quantity.start):
                behind = None  # 一个面团 is no flour
            before = text[: quantity.start].rstrip(_BEHIND_NAME)
            in_front = next((name for name in self._owners if before.endswith(name)), None)
            if in_front and before.endswith(self._titles):
                in_front = None  # 红烧肉 is no meat
            # 盐放2克、拌3个鸡蛋: pieces of something else stand in front of it without being the salt's amount.
            if quantity.dimension == "count" and behind is None and re.match(r"[\u4e00-\u9fff]", text[quantity.end :]):
                in_front = None
            owners = [owner for name in (behind, in_front) if name for owner in self._owners[name]]
            if owners:
                yield quantity, owners

    def _remember(self, body: str) -> None:
        """Keep what was said, so that no replacement says it again."""
        self._said.add(_letters(body))
        pairs = _pairs(body)
        for line in self._sources:
            if (own := _pairs(line)) and len(own & pairs) >= 0.8 * len(own):
                self._used.add(line)

    def _closest(self, body: str) -> str:
        """The recipe's line that shares most with a sentence, without what was said of it already; may be empty."""
        pairs = _pairs(body)
        # A detail's own lines answer the question even where the model's sentence shares no word with them.
        best, best_share = "", -1.0 if self.focus else 0.12
        for line in self._sources:
            share = len(pairs & _pairs(line)) / max(1, min(len(pairs), len(_pairs(line))))
            if share > best_share and line not in self._used:
                best, best_share = line, share
        self._used.add(best)
        sentences, rest = split_sentences(best)
        left = [sentence for sentence in (*sentences, rest) if _letters(sentence) not in self._said]
        self._given.update(filter(None, map(_letters, (best, *sentences, rest))))
        return "".join(left)


def _head(sentence: str) -> str:
    marker = _MARKER.match(sentence)
    return marker[0] if marker else ""


def _parts(line: str) -> Iterator[str]:
    """A line of the recipe -> itself and its sentences without list numbers, as an answer may restate them."""
    yield plain(line)
    sentences, rest = split_sentences(line)
    yield from (plain(sentence[len(head) :]) for sentence in (*sentences, rest) if (head := _head(sentence)))


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def _pairs(text: str) -> set[str]:
    # A wrong number says nothing about which line was meant.
    letters = [char for char in _letters(text) if not char.isdigit()]
    return set(map("".join, itertools.pairwise(letters)))


def _agrees(said: Quantity, known: Quantity) -> bool:
    """Whether a said quantity is the recipe's, or one end of the recipe's range."""
    if said.same_as(known):
        return True
    if said.kind != known.kind or said.low != said.high or known.low == known.high:
        return False
    if re.search("[几幾]", known.text):
        return False  # 几分钟 names neither of its ends
    value, ends = said.bounds()[0], known.bounds()
    return any(abs(value - end) <= 1e-6 * max(1.0, end) for end in ends)


def split_sentences(text: str) -> tuple[list[str], str]:
    """Text -> its complete sentences with their ends, and the unfinished rest.

    However a text is cut into pieces, feeding them one by one completes the same sentences.
    """
    sentences, position = [], 0
    for match in _SENTENCE_END.finditer(text):
        if match.end() == len(text) and match[0][-1] != "\n":
            break
        sentences.append(text[position : match.end()])
        position = match.end()
    return sentences, text[position:]


def build_grounding(recipe: Recipe, focus: tuple[str, ...] = ()) -> Runnable[Any, AIMessageChunk]:
    """Message chunks -> message chunks of checked sentences; the last one carries the report in ``response_metadata``.

    Args:
        recipe: What the answer may rest on.
        focus: The lines that a detail question asks about (see ``GroundingCheck``).
    """

    async def check(chunks: AsyncIterator[BaseMessageChunk]) -> AsyncIterator[AIMessageChunk]:
        checker = GroundingCheck(recipe, focus)
        async for chunk in chunks:
            for text in checker.feed(str(chunk.content)):
                yield AIMessageChunk(content=text)
        yield AIMessageChunk(content=checker.finish(), response_metadata={"grounding": checker.report()})

    def check_sync(chunks: Iterator[BaseMessageChunk]) -> Iterator[AIMessageChunk]:
        checker = GroundingCheck(recipe, focus)
        for chunk in chunks:
            for text in checker.feed(str(chunk.content)):
                yield AIMessageChunk(content=text)
        yield AIMessageChunk(content=checker.finish(), response_metadata={"grounding": checker.report()})

    return RunnableGenerator(check_sync, check, name="CheckGrounding")
