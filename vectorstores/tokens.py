"""Chinese text -> the tokens that lexical search compares: characters and toneless pinyin, uni- and bigrams.

Whitespace tokenizers see one token in 红烧肉的做法 and match nothing; a word segmenter matches no typo.
Characters catch swaps and drops, pinyin catches homophones (红邵肉, and everything that speech recognition mishears).
All tokens are ASCII words, so that every engine's plain whitespace analyser keeps them as they are.
"""

import re
from functools import lru_cache
from itertools import pairwise

from pypinyin import Style, lazy_pinyin

VERSION = "char12-pinyin12-asked-v2"
_RUNS = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+|[a-z0-9]+")
_STOP_LATIN = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "for",
        "to",
        "how",
        "do",
        "you",
        "i",
        "make",
        "cook",
        "with",
        "and",
        "in",
        "is",
        "what",
        "recipe",
        "please",
        "can",
        "me",
    ]
)


@lru_cache(maxsize=65536)
def _syllable(char: str) -> str:
    # Character by character, without a phrase dictionary: a character must read the same in a title and in a typo.
    # A character that has no reading stands for itself.
    return next(iter(lazy_pinyin(char, style=Style.NORMAL, errors="ignore")), f"u{ord(char):x}")


def runs(text: str) -> list[str]:
    """Normalised text -> its runs of Chinese characters and its Latin words, stop words dropped."""
    return [run for run in _RUNS.findall(text) if run not in _STOP_LATIN]


def is_chinese(run: str) -> bool:
    """Whether a run is of Chinese characters."""
    return not run.isascii()


def _grams(symbols: list[str]) -> list[str]:
    return symbols + ["_".join(pair) for pair in pairwise(symbols)]


def char_tokens(text: str) -> list[str]:
    """Characters of every Chinese run as code points, uni- and bigrams; Latin words as they are."""
    tokens: list[str] = []
    for run in runs(text):
        tokens += _grams([f"u{ord(char):x}" for char in run]) if is_chinese(run) else [run]
    return tokens


def pinyin_tokens(text: str) -> list[str]:
    """Toneless syllables of every Chinese run, uni- and bigrams; Latin words as they are."""
    tokens: list[str] = []
    for run in runs(text):
        tokens += _grams([_syllable(char) for char in run]) if is_chinese(run) else [run]
    return tokens
