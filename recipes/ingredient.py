"""One line of an ingredient list -> quantity, unit, name, note."""

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from recipes.numerals import CHINESE, to_halfwidth
from recipes.quantity import Quantity, find_quantities

_VAGUE = (
    *(
        "适量",
        "少许",
        "少許",
        "若干",
        "适当",
        "随意",
        "随缘",
        "酌量",
        "酌情",
        "看情况",
        "按需",
        "少量",
        "大量",
        "足量",
        "微量",
    ),
    *(
        "一点点",
        "一点儿",
        "一点",
        "一丢丢",
        "一些",
        "少些",
        "多些",
        "多一点",
        "少一点",
        "几滴",
        "一小撮",
        "一撮",
        "不限",
    ),
    *("一小把", "一大把", "一把"),
)
_TASTE = (
    r"(?:根据|依据?|按照?|随|看)(?:个人|各人|自己|实际|具体)?的?(?:口味|喜好|爱好|需[要求]|情况)"
    r"(?:来|自行)?(?:添加|调节|调整|增减|增加|购买|[放加]入?)?|个人喜[好欢]"
)
# 少于香菜 is a common slip for 少许香菜.
_VAGUE_RE = re.compile(
    rf"{_TASTE}|{'|'.join(sorted(_VAGUE, key=len, reverse=True))}|少于(?![\d{CHINESE}半])"
    r"|数[大小]?[个只张片粒颗滴根朵块瓣条段]"
)
_NOTE_RE = re.compile(r"[（(\[]([^（）()\[\]]*)[)）\]]")
_HEADING_RE = re.compile(r"^(?:【(.*)】|[#=]+(.*?)[#=]*|[-—*]{2,}(.+?)[-—*]{2,}|(.{1,12})[:：])$")
_BULLET_RE = re.compile(r"^(?:\(?\d{1,2}[)）.、](?:\s+|(?=[^\d\s]))|[①-⑳]\s*|[-*•·]\s+)")
_LABEL_RE = re.compile(r"^(?:主料|辅料|配料|调料|食材|材料|馅料)[:：](?=.)")
_ABOUT_RE = re.compile(r"^(?:大?约|约莫|大概|差不多|共|各|每份|至少|最多|少于|不到|多于)\s*")
_ABOUT_END_RE = re.compile(r"(?:大?约|大概|共|各|用量)$")
_TAIL_RE = re.compile(r"^(?:(?:左右|上下|以上|以内|多(?![宝春味])|的?量|余)\s*|的(?=.)|儿(?=[^菜]))+")
_OPTIONAL_RE = re.compile(r"^(可不加|可不放|可选|可省略|可省|可加可不加|可有可无|选用|喜欢的|自己喜欢的|任意)(?=.)")
_PREPARED = r"(?:切|剁|拍|打[散结]|去[皮核籽骨头]|洗[净好干]|泡[发软水]|捣|压|撕|擦|磨|备用|装饰|可不|可用|也可|没有)"
_REMARK_RE = re.compile(rf"^([^，,]+)[，,]\s*({_PREPARED}.*)$")
# Lost columns of the source: 个八角1, 克盐      5, 根1黄瓜, 克冰糖.
_UNIT_FIRST = r"(克|毫升|个|只|根|片|瓣|块|颗|粒|朵|大勺|小勺|勺|汤匙|茶匙|斤|两|条|份|盏|段|滴|杯|碗|棵|张|枚)"
_UNIT_FIRST_RE = re.compile(rf"^{_UNIT_FIRST}\s*(?:([^\d]+?)\s*(\d+(?:\.\d+)?|半)|(\d+(?:\.\d+)?)([^\d]+))$")
_STRAY_UNIT_RE = re.compile(r"^(?:克|毫升|个(?!人)|只|颗(?!粒)|朵|勺|汤匙|茶匙|斤|份|瓣|粒|滴|根(?![据茎])|张)(?=.)")
_STRAY_PIECE_RE = re.compile(r"^[大小]?[个只颗朵瓣粒滴根张片块条段]")
_SEPARATORS = " \t，,、:：;；。+~～-/="


class Ingredient(BaseModel):
    """One ingredient as written and as read.

    Attributes:
        text: The line as written.
        name: What it is; empty for a heading.
        quantity: The number as written ("2", "10～30", "半"; 一勺半 as "1.5"), empty if vague or absent.
        unit: As written; empty for bare numbers and vague amounts.
        low: Smallest amount in ``unit``; None where no number is given.
        high: Largest amount in ``unit``; None where no number is given.
        vague: A vague amount as written (适量, 少许), else empty.
        note: What else the line says (cut, brand, alternatives).
        heading: The line names a part of the list (【烫种】) and is no ingredient.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    name: str = ""
    quantity: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    vague: str = ""
    note: str = ""
    heading: bool = False

    @property
    def amount(self) -> str:
        """The amount as a cook reads it: 500克, 适量, or empty."""
        return f"{self.quantity}{self.unit}" or self.vague


def _leading(text: str) -> tuple[Quantity | None, str]:
    """A quantity at the head of the text, and the rest."""
    about = _ABOUT_RE.match(text)
    offset = about.end() if about else 0
    for quantity in find_quantities(text):
        if quantity.start == offset:
            rest = text[quantity.end :]
            if not quantity.unit and (quantity.low == 0 or re.match(r"\s*[%:：×*]|[A-Za-z号]", rest)):
                break  # 70%黑巧克力, 1:1, 00面粉 and 4X5cm are no amounts
            return quantity, _TAIL_RE.sub("", rest)
        if quantity.start > offset:
            break
    return None, text


def _split_number(quantity: Quantity) -> str:
    if quantity.unit and quantity.text.endswith("半"):
        return f"{quantity.low:g}" if quantity.low == quantity.high else f"{quantity.low:g}～{quantity.high:g}"
    return quantity.text.replace(quantity.unit, "").strip() if quantity.unit else quantity.text


@lru_cache(maxsize=8192)
def parse_ingredient(line: str) -> Ingredient:
    """A line such as 2勺料酒, 适量盐, 半根黄瓜, 120克+-10克牛奶 or 羊肉1kg -> an Ingredient.

    Never fails: what cannot be read as an amount stays in the name, and so does a line that lists several ingredients.
    """
    text = to_halfwidth(line).replace("@", "").strip()  # @ links to another recipe
    heading = _HEADING_RE.match(text)
    if heading and (title := next((group for group in heading.groups() if group), "").strip(" -—*#=【】:：")):
        return Ingredient(text=line, note=title, heading=True)
    notes = [note.strip() for note in _NOTE_RE.findall(text) if note.strip()]
    body = _BULLET_RE.sub("", _NOTE_RE.sub("", text).strip(" \t")).strip(_SEPARATORS)
    if match := _UNIT_FIRST_RE.match(body):
        body = f"{match[3] or match[4]}{match[1]}{match[2] or match[5]}"

    first, rest, vague, notes = _amounts(body, notes)
    if first is None and not vague:
        first, vague, rest, notes = _inside(_STRAY_UNIT_RE.sub("", rest), notes)
    elif rest:
        separated = body[: len(body) - len(rest)].rstrip().endswith(("，", ",", "、"))
        rest, notes = _behind_amounts(rest, notes, separated)
    if first is None and not vague:
        first, vague, notes = _in_notes(notes)
    rest = _LABEL_RE.sub("", rest.strip(_SEPARATORS))
    if match := _OPTIONAL_RE.match(rest):
        notes = [*notes, match[0]]
        rest = rest[match.end() :].strip(_SEPARATORS)
    if match := _REMARK_RE.match(rest):
        notes = [*notes, match[2]]
        rest = match[1]
    if not re.search("[（(]", rest):
        rest = rest.strip("）)")
    return Ingredient(
        text=line,
        name=rest.strip(_SEPARATORS) or body or text,
        quantity=_split_number(first) if first else "",
        unit=first.unit if first else "",
        low=first.low if first else None,
        high=first.high if first else None,
        vague="" if first else vague,
        note="；".join(dict.fromkeys(notes)),
    )


def _amounts(body: str, notes: list[str]) -> tuple[Quantity | None, str, str, list[str]]:
    """The amounts at the head of a line; the second and later ones are notes: 2个，约100克鸡蛋."""
    first, rest = _leading(body)
    vague = ""
    while True:
        rest = rest.strip(_SEPARATORS)
        if match := _VAGUE_RE.match(rest):
            vague, rest = vague or match[0], rest[match.end() :]
            rest = (_STRAY_PIECE_RE if match[0] == "若干" else _STRAY_UNIT_RE).sub("", rest)
            continue
        more, after = _leading(rest)
        if more is None or not more.unit or not after.strip(_SEPARATORS):
            break
        if first is None or not first.unit:
            first = more
        else:
            notes = [*notes, more.text]
        rest = after
    if first is not None and first.unit:
        rest = re.sub("^(?:克|个(?![头人大])|只)(?=.)", "", rest)  # 30g克紫薯泥, 半个个洋葱
    return first, rest, vague, notes


def _behind_amounts(rest: str, notes: list[str], separated: bool) -> tuple[str, list[str]]:
    """A second amount behind the first becomes a note: 500毫升|黄酒一瓶, 50克，|喜甜加量+10～30克香草糖."""
    if match := re.search(rf"(?:{_VAGUE_RE.pattern})$", rest):
        return rest[: match.start()].strip(_SEPARATORS), [*notes, match[0]]
    quantities = [quantity for quantity in find_quantities(rest) if quantity.unit]
    if quantities:
        last = quantities[-1]
        before, after = rest[: last.start].strip(_SEPARATORS), _TAIL_RE.sub("", rest[last.end :]).strip(_SEPARATORS)
        if after and separated:
            return after, [*notes, rest[: last.end].strip(_SEPARATORS)]
        if before and not after and len(quantities) == 1:
            return _ABOUT_END_RE.sub("", before), [*notes, rest[last.start :]]
    return rest, notes


def _inside(body: str, notes: list[str]) -> tuple[Quantity | None, str, str, list[str]]:
    """An amount in the middle or at the end: 羊肉1kg, 超市罐头装半盒金枪鱼, 盐适量, 豌豆 适量 装饰用."""
    quantities = [quantity for quantity in find_quantities(body) if quantity.unit]
    amount = quantities[0] if quantities else None
    match = None if amount else _VAGUE_RE.search(body)
    if amount is None and match is None:
        return None, "", body, notes
    start, end = (amount.start, amount.end) if amount else match.span() if match else (0, 0)
    vague = match[0] if match else ""
    tail = _TAIL_RE.sub("", body[end:])
    if vague == "若干":
        tail = _STRAY_PIECE_RE.sub("", tail)
    before, after = _ABOUT_END_RE.sub("", body[:start].strip(_SEPARATORS)), tail.strip(_SEPARATORS)
    if re.search("[xX×]$", before):
        return None, "", body, notes  # 4X5cm小段山药
    if not after or not before:
        return amount, vague, before or after, notes
    if len(quantities) == 2 and quantities[1].text == after:
        return amount, vague, before, [*notes, after]  # 细砂糖 30g+20g
    apart = tail[0] in _SEPARATORS
    if len(quantities) > 1 or _VAGUE_RE.search(after) or (apart and re.search("[，,、]", after)):
        return None, "", body, notes  # 糯米粉80g，玉米淀粉20g，水100g: several ingredients
    if apart or re.match(_PREPARED, after):
        return amount, vague, before, [*notes, after]
    return amount, vague, after, [*notes, before]


def _in_notes(notes: list[str]) -> tuple[Quantity | None, str, list[str]]:
    """The amount of a line that has it in brackets: 鸡蛋（2个）, 盐（适量）."""
    for note in notes:
        others = [other for other in notes if other is not note]
        quantity, rest = _leading(note)
        if quantity is not None and quantity.unit and not rest.strip(_SEPARATORS):
            return quantity, "", others
        if _VAGUE_RE.fullmatch(note):
            return None, note, others
    return None, "", notes
