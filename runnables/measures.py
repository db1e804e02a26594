"""Text -> everything in it that measures, also what the quantity parser passes over.

The parser reads recipes, whose authors hide no number. A model writes **50**分钟, 50 grams or 伍拾克, and 六成热 or the
第15分钟 are no quantities to the parser but a temperature and a time to a cook.
"""

import re
from typing import NamedTuple

from recipes import Quantity, find_quantities
from recipes.numerals import parse_number, to_halfwidth
from recipes.quantity import UNIT

_MARKUP = re.compile(r"[*_`$\u00ad\u200b-\u200f\u2060\ufeff]|~~|</?[A-Za-z][^<>]{0,40}>")
_SQUARE_UNITS = str.maketrans({"㎖": "ml", "㏄": "cc", "㎏": "kg", "㎎": "mg", "㎝": "cm", "㎜": "mm"})
_ENGLISH_UNITS = {
    "克": "grams?|grammes?", "公斤": "kilograms?|kilos?", "盎司": "ounces?", "磅": "pounds?|lbs?",
    "毫升": "millilit(?:er|re)s?", "升": "lit(?:er|re)s?", "汤匙": "tablespoons?|tbsps", "茶匙": "teaspoons?|tsps",
    "秒": "seconds?|secs?", "分钟": "minutes?|mins?", "小时": "hours?|hrs?", "天": "days?",
    "度": "degrees?(?: celsius| c)?", "瓣": "cloves?", "片": "slices?", "杯": "cups?",
}  # fmt: skip
_ENGLISH_NUMBERS = {
    "half an?": "半", "an?|one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "twelve": "12", "fifteen": "15", "twenty": "20", "twenty-five": "25",
    "thirty": "30", "forty": "40", "forty-five": "45", "fifty": "50", "sixty": "60", "ninety": "90",
}  # fmt: skip
_ENGLISH = [
    *((re.compile(rf"(?ai)(?<![a-z])(?:{words})(?![a-z])"), unit) for unit, words in _ENGLISH_UNITS.items()),
    (re.compile(r"(?<=\d)(?:\s*to\s*(?=\d)|\s*or\s*(?=\d))"), "~"),
    *((re.compile(rf"(?ai)(?<![a-z-])(?:{word})[\s-]+(?={UNIT})"), to) for word, to in _ENGLISH_NUMBERS.items()),
    (re.compile(rf"(?<=\d)-(?={UNIT})"), ""),
]

_NUMERALS = "零一二两三四五六七八九十百千"
_DEGREE = re.compile(rf"(?P<number>[{_NUMERALS}半\d.~～、到至－-]{{1,9}})[成分](?P<of>[热熟满新干透油发肥瘦饱熱滿發])")
_HEAT = str.maketrans("熱油滿發", "热热满发")
_SHARE = re.compile(rf"[{_NUMERALS}\d]+分之[{_NUMERALS}\d]+|\d+(?:\.\d+)?\s?%|\d/\d{{1,2}}(?!\d)|[一对两各]半|半分")
_RATIO = re.compile(rf"(?P<first>[{_NUMERALS}]+|\d[\d.]*)\s?[:：比]\s?(?P<second>[{_NUMERALS}]+|\d[\d.]*)")
# What the parser does not take for a number: other numerals, two scripts mixed, .5, ordinals of time.
_OTHER = "〇万萬亿壹贰貳叁參肆伍陆陸柒捌玖拾佰仟廿卅⁰¹²³⁴-⁹①-⑳❶-❿"
_ODD = re.compile(
    rf"第\s?(?:[{_NUMERALS}]+|\d+)\s?(?:分钟|分鐘|秒|[个個]?小[时時])"
    rf"|(?<![\d.])(?=\.|.?[{_NUMERALS}{_OTHER}])[{_NUMERALS}{_OTHER}\d.]{{1,12}}?\s?(?!分(?![钟鐘])){UNIT}"
)


# The only endings of one letter that an ingredient is called by.
_SHORT = frozenset("盐糖油醋水葱姜蒜酒肉蛋鱼虾鸡鸭面粉米奶酱椒菜豆茶")


class Measure(NamedTuple):
    """One thing that measures.

    Attributes:
        of: ``amount`` for what the parser reads; ``share`` of a whole (一半, 50%, 三分之一); ``ratio`` (1:2);
            热, 熟, 满 and so on for words such as 六成热; ``odd`` for a number that cannot be read, and is compared
            to the letter.
        quantity: The amount; only its text has a meaning where ``of`` is ``odd``.
    """

    of: str
    quantity: Quantity


def plain(text: str) -> str:
    """Text without markup and invisible characters, half-width, with Chinese units for English ones."""
    text = _MARKUP.sub("", to_halfwidth(text)).translate(_SQUARE_UNITS)
    if re.search(r"[A-Za-z]{3}", text):
        for pattern, instead in _ENGLISH:
            text = pattern.sub(instead, text)
    return text


def find_measures(text: str) -> list[Measure]:
    """Plain text (see ``plain``) -> what measures in it: amounts in order, then the rest.

    六成 without a word behind it is taken for heat, as in 油温六成.
    """
    found = [Measure("热" if quantity.unit == "成" else "amount", quantity) for quantity in find_quantities(text)]
    ends = [(measure.quantity.start, measure.quantity.end) for measure in found if measure.quantity.unit]
    for match in _DEGREE.finditer(text):
        ends.append(match.span())
        found += [Measure(match["of"].translate(_HEAT), heat) for heat in find_quantities(f"{match['number']}成")]
    for match in _SHARE.finditer(text):
        value = 0.5 if "半" in match[0] else _percent(match[0])
        if value is not None and not _is_read(match, ends):
            ends.append(match.span())
            found.append(_measure("share", value, match))
    for match in _RATIO.finditer(text):
        first, second = parse_number(match["first"]), parse_number(match["second"])
        if first is not None and second:
            found.append(_measure("ratio", first / second, match))
    for match in _ODD.finditer(text):
        if not _is_read(match, ends) and not re.fullmatch(rf"[{_NUMERALS}]{UNIT}", match[0]):
            found.append(_measure("odd", 0.0, match))
    return found


def short_names(name: str) -> list[str]:
    """An ingredient's name and the endings that people call it by, longest first (食用油, 用油, 油)."""
    endings = [name[at:] for at in range(1, len(name))]
    return [name, *(ending for ending in endings if len(ending) > 1 or ending in _SHORT)] if name else []


def _percent(text: str) -> float | None:
    value = parse_number(text.rstrip("% "))
    return value / 100 if value is not None and text.endswith("%") else value


def _is_read(match: re.Match[str], ends: list[tuple[int, int]]) -> bool:
    """Whether a quantity that was read already ends where the match ends, or behind it."""
    return any(start < match.end() <= end for start, end in ends)


def _measure(of: str, value: float, match: re.Match[str]) -> Measure:
    return Measure(of, Quantity(value, value, "", match[0], match.start(), match.end()))
