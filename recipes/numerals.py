"""Numbers as people write them in Chinese recipes: 1.5, 1/2, ½, 1又1/2, ３, 两, 一百二十, 三分之一, 一点五, 半."""

import itertools
import math
import re
import unicodedata

_DIGITS = {"零": 0, "〇": 0, "一": 1, "壹": 1, "二": 2, "两": 2, "兩": 2, "俩": 2, "三": 3, "四": 4, "五": 5, "六": 6,
           "七": 7, "八": 8, "九": 9}  # fmt: skip
_UNITS = {"十": 10, "百": 100, "千": 1000}
_VULGAR = "½¼¾⅓⅔⅛⅜⅝⅞"

CHINESE = "".join((*_DIGITS, *_UNITS))
# 两 is a digit alone (两个) and before 百 and 千 (两百五); behind another digit it is a unit (三两 is 150 g).
_RUN = rf"(?:(?:(?![两兩俩])[{CHINESE}]|[两兩](?=[百千]))+|[两兩俩])"
_TERM = rf"(?:\d{{1,4}}|{_RUN})"
# One number: 1,000 | 1又1/2 | 三分之一 | 1/2 | 1.5 | 1½ | ½ | 十五 | 一点五 | 半. parse_number may refuse a run (三五).
# A divisor of two digits is no fraction (烤10/15分钟 is a range), but for the sixteenths of a cup.
NUMBER = (
    rf"(?:\d{{1,3}}(?:,\d{{3}})+(?![\d,])|\d{{1,3}}(?:\s?[又+]\s?|\s)\d{{1,2}}/\d{{1,2}}(?!\d)"
    rf"|(?:{_TERM}又)?{_TERM}分之{_TERM}"
    rf"|\d{{1,2}}\s*[/⁄]\s*(?:\d|1[026])(?![\d.])|\d+(?:\.\d+)?[{_VULGAR}]?|[{_VULGAR}]"
    rf"|{_RUN}(?:点[零〇一二三四五六七八九]+)?|半)"
)
_ARABIC = re.compile(rf"(\d+(?:\.\d+)?)?([{_VULGAR}])?")
_MIXED = re.compile(r"([^又+\s]+)(?:\s*[又+]\s*|\s+)([^又+\s/⁄]+(?:[/⁄]|分之)[^又+\s]+)")


def to_halfwidth(text: str) -> str:
    """Full-width digits, letters and the point as ASCII; Chinese punctuation is left alone, and so is the length."""
    return "".join(
        unicodedata.normalize("NFKC", char)
        if "０" <= char <= "９" or char in "．／％" or "Ａ" <= char <= "ｚ"
        else char
        for char in text
    )


def _parse_chinese(text: str) -> float | None:
    if len(text) > 1 and all(char in _DIGITS for char in text):
        # 一八〇 is read digit by digit (180); 两三 and 四五六 are ranges and no numbers.
        digits = [_DIGITS[char] for char in text]
        counted_up = all(second - first == 1 for first, second in itertools.pairwise(digits))
        return None if len(text) == 2 or counted_up else float("".join(map(str, digits)))
    total, current = 0, 0
    last_unit = 10_000
    for char in text:
        if char in _DIGITS:
            if current:
                return None  # 十五六 and 一二百 are ranges
            current = _DIGITS[char]
        else:
            unit = _UNITS[char]
            if unit >= last_unit:
                return None
            total += (current or 1) * unit
            current, last_unit = 0, unit
    if current and last_unit in (100, 1000) and text[-2] not in "零〇":
        current *= last_unit // 10  # 一百五 is 150
    return float(total + current)


def _parse_term(text: str) -> float | None:
    """A number without a fraction bar: 15, 1.5, 1½, 1,000, 十五, 一点五."""
    whole, point, decimals = text.partition("点")
    if text and all(char in CHINESE for char in whole + decimals):
        value = _parse_chinese(whole) if whole else None
        if value is None or not point:
            return value
        digits = "".join(str(_DIGITS.get(char, "")) for char in decimals)
        return value + float(f"0.{digits}") if len(digits) == len(decimals) > 0 else None
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", text):
        return float(text.replace(",", ""))
    match = _ARABIC.fullmatch(text)
    if match is None or not text:
        return None
    return float(match[1] or 0) + (unicodedata.numeric(match[2]) if match[2] else 0.0)


def _parse_fraction(text: str) -> float | None:
    """A number with or without a fraction bar: 1/2, 三分之一."""
    bar = next((bar for bar in ("分之", "/", "⁄") if bar in text), None)
    if bar is None:
        return _parse_term(text)
    first, second = (_parse_term(part.strip()) for part in text.split(bar, 1))
    dividend, divisor = (second, first) if bar == "分之" else (first, second)
    return dividend / divisor if dividend is not None and divisor else None


def parse_number(text: str) -> float | None:
    """One number -> its value, or None where the text is not one finite number (三五 is a range, 1/0 is nothing)."""
    text = to_halfwidth(text).strip()
    if text == "半":
        return 0.5
    match = _MIXED.fullmatch(text)
    parts = [_parse_fraction(part) for part in (match.groups() if match else (text,))]
    value = sum(part for part in parts if part is not None)
    return value if None not in parts and math.isfinite(value) else None
