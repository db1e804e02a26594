"""(question, recipe) -> what is asked of the recipe, and the lines that say it.

A small model that gets a whole recipe and 要炖多久？ picks any number near by. Given the one line that speaks of the
stewing, it reads that line; and the grounding check then knows which numbers are an answer and which merely stand in
the same recipe.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from recipes import Recipe, normalise
from recipes.numerals import parse_number
from runnables.measures import find_measures, plain, short_names

Asked = Literal["recipe", "ingredients", "detail"]
Topic = Literal["time", "temperature", "amount"]

_HOW_MANY = "(?:多少|几)"
_THINGS = "(?:材料|食材|原料|配料|用料|调料|佐料)"
_INGREDIENTS = re.compile(
    rf"(?:什么|哪些|啥|几种)(?:样的)?(?:{_THINGS}|东西)|{_THINGS}(?:清单|表)?(?:有|是|要|需要)?(?:哪些|什么|啥)?(?:呢|啊)?[？?]?$"
    r"|(?:要|需要|得)?(?:准备|买)(?:些|点)?(?:什么|啥|哪些)"
)
_TIME = re.compile(
    rf"多久|多长时间|多少时间|{_HOW_MANY}(?:分钟|秒|刻钟|天|晚|个?(?:小时|钟头|钟))|什么时候(?:能|可以)?(?:好|熟|吃|出锅)"
)
_TEMPERATURE = re.compile(rf"{_HOW_MANY}度|温度|{_HOW_MANY}成(?:热|油温)|油温|火温")
_AMOUNT = re.compile(rf"{_HOW_MANY}(?!度|步|成|种做法|个?步骤|个?人|钱|卡|热量)")
_SERVINGS = re.compile(rf"{_HOW_MANY}个?人|{_HOW_MANY}份(?!量)")
_STEP = re.compile(r"第\s*(?P<number>\d+|[一二两三四五六七八九十]+)\s*步|(?P<last>最后一?步)")
_STEPS = re.compile(rf"{_HOW_MANY}个?步")
_ORDER = re.compile(r"先放?(?:什么|啥)[，,]?[再后]|顺序")
_DETAIL = re.compile(
    r"吗[？?。！!]*$|要不要|需不需要|能不能|可不可以|可以不|用不用|放不放|什么时候|啥时候|为什么|为啥|怎么判断|怎么看|火候|[大中小]火|火力|什么火"
    r"|火.{0,2}多大|多大火|先放|后放|第.{1,2}步|焯水|腌|去腥|替代|代替|切(?:多|成什么)|多[大厚宽长](?!时)|保存|注意|技巧|诀窍|窍门|失败"
)
_WHEN = re.compile(r"[什啥]么?时候|第几步|先放|后放")
_HOW = re.compile(r"(?P<what>[\u4e00-\u9fff]{1,6}?)(?:要|应该|该|得)?(?:怎么|怎样|如何|咋)(?P<deed>[^做办样\W])")
# Words for one deed count as the same: who asks how long to 炖 is told how long to 焖.
_DEEDS = (
    "炖焖煨煲熬烧煮卤", "蒸", "烤烘焗", "炸", "煎烙", "炒煸", "腌渍", "泡发浸", "焯汆烫", "醒饧发酵", "冷藏冻镇", "揉",
    "收汁", "凉晾", "火", "切剁斩",
)  # fmt: skip
_NO_DEED = re.compile(r"烤[箱盘架网]|蒸[锅架笼屉汽]|[炒煎炸煮炖汤奶]锅|大火烧开|烧[开热]|煮开|关火|火腿|凉水|凉开水")
_ADDED = "[放加入下倒撒淋抹拌补回][^，。；]{0,10}"
_EMPTY = frozenset("要需多久少几放加用什么怎么吗呢的了是会能可以不分钟小时度个克片勺根候这道菜做各每样共总一")
_MAX_LINES = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is asked, and the recipe's lines that answer it, best first (empty where the whole recipe is asked for)."""

    asked: Asked
    lines: tuple[str, ...] = ()


def find_evidence(question: str, recipe: Recipe) -> Evidence:
    """Decide whether the whole recipe, its ingredients or a detail is asked for, and find the detail's lines."""
    text = _without_dish(normalise(question), recipe)
    if fact := _fact(text, recipe):
        return Evidence("detail", (fact,))
    topic = _topic(text)
    names = _names(text, recipe)
    if topic == "amount" and not _deeds(text) and not _letters(text) & set("".join(recipe.ingredients)):
        return Evidence("ingredients")
    if topic is None and not _is_detail(text, names, recipe):
        return Evidence("ingredients" if _INGREDIENTS.search(text) else "recipe")
    return Evidence("detail", tuple(_ranked_lines(text, recipe, topic, names)))


def _without_dish(text: str, recipe: Recipe) -> str:
    """The question without the dish's name, or the end of it that is said (红烧带鱼 of 家常红烧带鱼)."""
    names = sorted(filter(None, map(normalise, {recipe.dish, recipe.name, *recipe.aliases})), key=len, reverse=True)
    for name in names:
        if name in text:
            return text.replace(name, " ", 1)
    for name in names:
        match = SequenceMatcher(None, text, name, autojunk=False).find_longest_match()
        said = text[match.a : match.a + match.size]
        if match.size >= 3 and name.endswith(said) and not any(said in item.name for item in recipe.parsed_ingredients):
            return text.replace(said, " ", 1)
    return text


def _fact(text: str, recipe: Recipe) -> str:
    """The answer to what is asked of the recipe as a whole: servings, steps, one step, total time; or nothing."""
    if step := _STEP.search(text):
        number = len(recipe.steps) if step["last"] else int(parse_number(step["number"]) or 0)
        if 1 <= number <= len(recipe.steps):
            return recipe.steps[number - 1]
    if step or _STEPS.search(text):
        return f"这份菜谱一共{len(recipe.steps)}步。"
    if recipe.servings and _SERVINGS.search(text):
        return f"这份菜谱是{recipe.servings}人份。"
    # 要多久？ without a deed or an ingredient asks for the whole of it.
    if recipe.time_min and _TIME.search(text) and not _deeds(text) and not _names(text, recipe):
        return f"全部做完大约{recipe.time_min}分钟。"
    return ""


def _topic(text: str) -> Topic | None:
    if _TIME.search(text):
        return "time"
    if _TEMPERATURE.search(text):
        return "temperature"
    return "amount" if _AMOUNT.search(text) else None


def _is_detail(text: str, names: list[str], recipe: Recipe) -> bool:
    if _ORDER.search(text):
        return False
    if _DETAIL.search(text):
        return True
    # 碗汁怎么调 and 鸡蛋怎么炒 ask for a part of the recipe, 怎么炒 for all of it.
    how = _HOW.search(text)
    return how is not None and (bool(names) or any(how["what"] in line for line in recipe.steps))


def _names(text: str, recipe: Recipe) -> list[str]:
    """The recipe's ingredients that a question names, as it names them (五花肉 for 带皮五花肉)."""
    found = []
    for item in recipe.parsed_ingredients:
        found += [end for end in short_names(item.name) if end in text][:1]
    # 蒸鱼豉油 names no fish.
    return [name for name in dict.fromkeys(found) if not any(name != other and name in other for other in found)]


def _deeds(text: str, names: Iterable[str] = ()) -> list[str]:
    """The groups of deeds that a text speaks of; a deed inside a name (蒸鱼豉油, 烤箱) is none."""
    bare = _NO_DEED.sub(" ", text)
    for name in names:
        bare = bare.replace(name, " ")
    return [group for group in _DEEDS if any(char in bare for char in group)]


def _letters(text: str) -> set[str]:
    return {char for char in text if "\u4e00" <= char <= "\u9fff"} - _EMPTY


def _has(line: str, topic: Topic) -> bool:
    """Whether a line says a time, a temperature or an amount."""
    wanted = {"amount": ("mass", "volume", "spoon", "count")}.get(topic, (topic,))
    measures = find_measures(plain(line))
    return any(
        quantity.dimension in wanted if of == "amount" else topic == "temperature" and of == "热"
        for of, quantity in measures
    )


def _stem(name: str, steps: tuple[str, ...]) -> str:
    """The longest end of an ingredient's name that the steps use (油 for 食用油, 迷迭香 for 新鲜迷迭香)."""
    return next((end for end in short_names(name) if any(end in step for step in steps)), name)


def _ranked_lines(text: str, recipe: Recipe, topic: Topic | None, names: list[str]) -> list[str]:
    all_names = [item.name for item in recipe.parsed_ingredients if len(item.name) > 2]
    asked, letters = _deeds(text, names), _letters(text)
    stems = [_stem(name, recipe.steps) for name in names]
    when = _WHEN.search(text) is not None
    in_steps = topic in ("time", "temperature") or when
    scored: list[tuple[float, int, str]] = []
    lines = [*recipe.steps] if in_steps else [*recipe.ingredients, *recipe.steps]
    for place, line in enumerate(lines):
        is_step = place >= len(lines) - len(recipe.steps)
        said = stems if is_step else names
        named = sum(name in line for name in said)
        # 适量盐 is an answer to 放多少盐 as well.
        if topic and not _has(line, topic) and (is_step or topic != "amount" or not named):
            continue
        score = 3.0 * named + sum(char in line for char in letters) / max(4, len(letters))
        done = sum(group in asked for group in _deeds(line, all_names))
        score += 2.0 * done
        if is_step:
            score += 2.0 * sum(re.search(_ADDED + re.escape(name), line) is not None for name in said if when)
        elif topic != "amount" and (asked or _HOW.search(text)):
            score *= 0.9 if done else 0.5  # 葱怎么切 is a question about a deed
        scored.append((score, place, line))
    scored.sort(key=lambda item: (-item[0], item[1]))
    best = scored[0][0] if scored else 0.0
    if best < 0.5 and topic is None:
        return list(recipe.steps)
    return [line for score, _, line in scored if score >= 0.6 * best][:_MAX_LINES]
