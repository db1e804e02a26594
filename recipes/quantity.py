"""Quantities in text: 500克, 半斤, 2~3汤匙, 五十分钟, 180度 -> number range, unit, dimension.

Two quantities can be compared across spellings (半斤 = 250克, 1小时 = 六十分钟), which is what the grounding check of
answers rests on.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from recipes.numerals import CHINESE, NUMBER, parse_number, to_halfwidth

Dimension = Literal["mass", "volume", "time", "temperature", "spoon", "count", "number"]

# unit -> factor to the base of its dimension: g, ml, s, degrees Celsius, centimetres
_MASS = {"克": 1, "g": 1, "公斤": 1000, "千克": 1000, "kg": 1000, "斤": 500, "市斤": 500, "两": 50, "钱": 5,
         "毫克": 0.001, "mg": 0.001, "磅": 453.6, "盎司": 28.35, "oz": 28.35}  # fmt: skip
_VOLUME = {"毫升": 1, "ml": 1, "cc": 1, "升": 1000, "公升": 1000, "l": 1000}
_TIME = {"秒": 1, "秒钟": 1, "s": 1, "分钟": 60, "分": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
         "刻钟": 900, "小时": 3600, "个小时": 3600, "钟头": 3600, "个钟头": 3600, "个钟": 3600, "h": 3600, "hour": 3600,
         "hours": 3600, "天": 86400, "夜": 43200, "晚": 43200, "周": 604800, "星期": 604800, "个星期": 604800,
         "礼拜": 604800, "个礼拜": 604800, "个月": 2592000}  # fmt: skip
_TIME_BEHIND_HALF = {"月": 2592000, "钟": 3600}  # 一个半月, 一个半钟
_TEMPERATURE = {"度": 1, "℃": 1, "°c": 1, "°": 1, "摄氏度": 1}
_FAHRENHEIT = {"℉": 1, "°f": 1, "华氏度": 1}
_LENGTH = {"厘米": 1, "cm": 1, "公分": 1, "毫米": 0.1, "mm": 0.1}
# Spoons of one size go by many names; two sizes are never equal.
_SPOON = (
    dict.fromkeys(("汤匙", "汤勺", "大勺", "大匙", "大汤匙", "大汤勺", "调羹", "餐匙", "tbsp"), "汤匙")
    | dict.fromkeys(("茶匙", "茶勺", "小勺", "小匙", "tsp"), "茶匙")
    | dict.fromkeys(("勺", "匙", "勺子"), "勺")
    | {"饭勺": "饭勺", "瓷勺": "瓷勺", "炒勺": "炒勺"}
)
# Pieces and vessels may be large or small, which does not make them another unit (大片, 小碗).
_SIZED = "个只根片瓣块把张条碗颗粒段头袋盒罐朵棵杯节枚包瓶串份撮捆束扎株盘碟盆坨团"
_COUNT = {unit: unit for unit in ("人份", "等份", "瓶盖", *"滴听支枝匹尾板卷管圈层次遍下成倍指寸截锅壶盏")} | {
    "等分": "等份",
    "英寸": "寸",
    "吋": "寸",
    "cup": "杯",
    "cups": "杯",
    "嘬": "撮",
}
_TRADITIONAL = str.maketrans("两个只块张条颗头节盘团钟时汤调层听周", "兩個隻塊張條顆頭節盤團鐘時湯調層聽週")

_SIMPLIFIED: dict[str, tuple[Dimension, float, str]] = {
    **{unit: ("mass", factor, "克") for unit, factor in _MASS.items()},
    **{unit: ("volume", factor, "毫升") for unit, factor in _VOLUME.items()},
    **{unit: ("time", factor, "秒") for unit, factor in (_TIME | _TIME_BEHIND_HALF).items()},
    **{unit: ("temperature", factor, "℃") for unit, factor in _TEMPERATURE.items()},
    **{unit: ("temperature", factor, "℉") for unit, factor in _FAHRENHEIT.items()},
    **{unit: ("spoon", 1.0, kind) for unit, kind in _SPOON.items()},
    **{size + unit: ("count", 1.0, unit) for unit in _SIZED for size in ("", "大", "小")},
    **{unit: ("count", 1.0, kind) for unit, kind in _COUNT.items()},
    **{unit: ("count", factor, "厘米") for unit, factor in _LENGTH.items()},
}
# unit in lower case -> (dimension, factor to the base of its kind, kind)
_UNITS = {unit.translate(_TRADITIONAL): spec for unit, spec in _SIMPLIFIED.items()} | _SIMPLIFIED
_FREE = sorted(set(_UNITS) - {"月", "钟", "鐘"}, key=len, reverse=True)
_LATIN = "|".join(unit for unit in _FREE if re.search("[a-z]", unit))
_CHINESE = "|".join(unit for unit in _FREE if not re.search("[a-z]", unit))
# 3 large is no 3 l; but 50gBBQ酱 is 50 g.
UNIT = rf"(?:(?ai:{_LATIN})(?![a-z])|{_CHINESE})"

_GAP = r"[ \t\xa0\u3000]{0,3}"
_JOIN = rf"{_GAP}(?:——|--|[~～〜∼\-－—–‐‑−至到、，,或/]){_GAP}"
_HOURS = "(?=小时|小時|钟|鐘|月|星期|礼拜)"
# Fuzzy pairs (三四个, 十五六分钟, 二三十克) are ranges; they are tried before single numbers.
_PAIR = "俩三|一二|一两|一兩|两三|兩三|二三|三两|三兩|三四|三五|四五|五六|六七|七八|八九"
_PATTERN = re.compile(
    rf"(?<![\d.])(?:"
    rf"(?<![{CHINESE}])(?P<head>(?:[一二三四五六七八九]?[千百十])*)(?P<pair>{_PAIR})(?P<tens>[十百千])?(?=[多余餘来來]?{UNIT})"
    rf"|(?P<odd>{NUMBER})(?:[个個](?P<odd_half>半|多){_HOURS}|[几幾](?={UNIT}))"
    rf"|(?P<low>[大小]半|{NUMBER})"
    rf"(?:{_GAP}(?P<low_unit>{UNIT})?(?P<low_half>半)?(?P<join>{_JOIN})(?P<high>{NUMBER})(?P<high_half>[个個]半{_HOURS})?)?"
    rf"|[几幾](?P<few>[十百千]?)(?={UNIT}))"
    rf"(?:{_GAP}[多余餘来來整]?{_GAP}(?P<unit>{UNIT}|(?<=[个個][半多])[月钟鐘]))?"
    rf"(?P<half>半(?!透明|成品|[{CHINESE}\d熟生干筋肥瘦圆月球壳]|{UNIT})[钟鐘]?)?"
    rf"(?:{_GAP}(?:\+{_GAP}/?{_GAP}[-—–－]|\+/|±){_GAP}(?P<spread>\d+(?:\.\d+)?){_GAP}(?P<spread_unit>{UNIT})?)?"
)
# Words that only look like a number with a unit: 一下, 第三天, 六成热, 七八分满, 四周, 千层, 三杯鸡, 一个个, 两头 ...
_NOT_A_QUANTITY = re.compile(
    rf"一[下层層次遍]|第{_GAP}(?:{NUMBER})(?:{_JOIN}(?:{NUMBER}))?|[另每同某这那哪任统唯单逐万之]一|一([{_SIZED}勺圈滴丝])\1"
    rf"|[{CHINESE}\d.~～、到至－-]{{1,9}}(?:成[热熟满新干透油熱滿]|分[熟满发热肥瘦饱滿發熱])"
    rf"|[{CHINESE}几]{{1,4}}分(?!钟|鐘|之|半|[{CHINESE}]{{1,3}}秒)|\d{{1,3}}[度°]角|[{CHINESE}\d]{{1,5}}块钱|\d\ufe0f?\u20e3"
    r"|四周|半夜|半成品|零下|二次|两两|三三两两|两头(?![蒜大独紫洋鲜鲍])|一块(?:儿|[炒煮炖蒸焖放下倒拌])|一段时间|腊八|二锅头"
    r"|千[层張张丝]|九层[塔糕粿]|三层肉|三杯(?:[鸡鸭兔汁]|杏鲍菇|鱿鱼|豆腐)|五指毛?桃|九[节尾]虾|八大碗"
)


def _spec(unit: str) -> tuple[Dimension, float, str]:
    return _UNITS[unit.lower()]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number range with a unit, as found at ``text[start:end]``.

    Attributes:
        low: Smallest value named, in ``unit``.
        high: Largest value named, in ``unit``; equal to ``low`` where one number is named.
        unit: As written; empty for a bare number.
        start: Offset of the first character.
        end: Offset behind the last character.
    """

    low: float
    high: float
    unit: str
    text: str
    start: int = 0
    end: int = 0

    @property
    def dimension(self) -> Dimension:
        """What is measured; ``number`` where no unit is written."""
        return _spec(self.unit)[0] if self.unit else "number"

    @property
    def kind(self) -> str:
        """The unit that values are compared in: 克, 毫升, 秒, ℃, 厘米, 汤匙, 茶匙, 勺, or the piece (片 for 大片)."""
        return _spec(self.unit)[2] if self.unit else ""

    def bounds(self) -> tuple[float, float]:
        """Low and high in the unit named by ``kind``."""
        factor = _spec(self.unit)[1] if self.unit else 1.0
        return self.low * factor, self.high * factor

    def same_as(self, other: "Quantity") -> bool:
        """Whether both name the same amount, however written (半斤 and 250克, 1小时 and 60分钟)."""
        if self.kind != other.kind:
            return False
        return all(abs(a - b) <= 1e-6 * max(1.0, abs(b)) for a, b in zip(self.bounds(), other.bounds(), strict=True))


def _first(match: re.Match[str]) -> float | None:
    low = parse_number(match["low"].lstrip("大小"))
    return low + 0.5 if low is not None and match["low_half"] else low


def _joined(match: re.Match[str], unit: str) -> tuple[float, float] | None:
    """Low and high of ``2~3汤匙``; None where the two numbers are no range (2个、3克)."""
    low, high = _first(match), parse_number(match["high"])
    if low is None or high is None:
        return None
    high += 0.5 if match["high_half"] else 0.0
    first, join = match["low_unit"], match["join"].strip()
    if join in "、，," and (first or high != low + 1):
        return None  # 3、4个 is a range; 1、30克 is the first of a list
    if join == "/" and (first or not unit):
        return None
    if first in ("个", "個") and unit and _spec(unit)[0] == "time":
        return low, high  # 一个半到两个小时 names its unit once
    if first and (not unit or _spec(first)[2] != _spec(unit)[2]):
        return None
    # 1小时到90分钟: the lower bound is brought into the unit of the upper one.
    return (low * _spec(first)[1] / _spec(unit)[1] if first else low), high


def _bounds(match: re.Match[str], unit: str) -> tuple[float | None, float | None] | None:
    """Low and high of whichever form matched; None where two numbers are no range."""
    if match["pair"]:
        low, high = (parse_number(f"{match['head']}{digit}{match['tens'] or ''}") for digit in match["pair"])
        return low, high
    if match["odd"]:
        base = parse_number(match["odd"])
        if base is None:
            return base, base
        if match["odd_half"]:
            base += 0.5 if match["odd_half"] == "半" else 0.0  # 1个半小时
            return base, base
        return base + 1, base + 9  # 二十几克
    if match["few"] is not None:
        times = parse_number(match["few"]) or 1.0
        return 2 * times, 9 * times
    if match["high"]:
        return _joined(match, unit)
    return _first(match), _first(match)


def _read(match: re.Match[str], text: str) -> Quantity | None:
    unit, end = match["unit"] or match["spread_unit"] or "", match.end()
    bounds = _bounds(match, unit)
    if bounds is None:  # what stands before the join is a quantity of its own
        low = high = _first(match)
        unit, end = match["low_unit"] or "", match.start("join")
    else:
        low, high = bounds
    if low is None or high is None:
        return None
    if bounds is not None:
        half = 0.5 if match["half"] and unit else 0.0
        spread = parse_number(match["spread"] or "0") or 0.0
        if match["spread_unit"] and _spec(match["spread_unit"])[2] == _spec(unit)[2]:
            spread *= _spec(match["spread_unit"])[1] / _spec(unit)[1]
        low, high = max(min(low, high) + half - spread, 0.0), max(low, high) + half + spread
    written = text[match.start() : end].rstrip()
    if not unit and not re.search(r"[\d½¼¾⅓⅔⅛⅜⅝⅞]", written):
        return None  # 四川, 三文鱼, 对半切: a Chinese number without a unit is a part of a word
    return Quantity(low, high, unit, written, match.start(), match.start() + len(written))


def _one(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    """1小时30分钟 and 2斤3两 as one quantity in the smaller unit; None for two that stand apart."""
    if text[first.end : second.start] not in ("", "零", "又") or first.low != first.high or first.kind != second.kind:
        return None
    if first.dimension not in ("mass", "time") or second.bounds()[1] >= _spec(first.unit)[1]:
        return None
    more = first.bounds()[0] / _spec(second.unit)[1]
    low, high = second.low + more, second.high + more
    return Quantity(low, high, second.unit, text[first.start : second.end], first.start, second.end)


@lru_cache(maxsize=4096)
def find_quantities(text: str) -> tuple[Quantity, ...]:
    """Text -> the quantities in it, in order. Bare Arabic numbers are included, with an empty unit.

    Words that only look like numbers (一起, 三文鱼, 八角, 五花肉, 第一步) are passed over.
    """
    plain = to_halfwidth(text)
    blocked = [match.span() for match in _NOT_A_QUANTITY.finditer(plain)][::-1]
    found: list[Quantity] = []
    position = 0
    while match := _PATTERN.search(plain, position):
        while blocked and blocked[-1][1] <= match.start():
            blocked.pop()
        if blocked and blocked[-1][0] <= match.start():
            position = blocked[-1][1]
            continue
        quantity = _read(match, plain)
        if quantity is None:
            position = match.end("low") if match["low"] else match.end()
            continue
        position = quantity.end
        if found and (whole := _one(found[-1], quantity, plain)):
            found[-1] = whole
        else:
            found.append(quantity)
    return tuple(found)
