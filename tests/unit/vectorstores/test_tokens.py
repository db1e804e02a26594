"""What lexical search compares: ASCII tokens of characters and of their sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes import normalise
from vectorstores.tokens import char_tokens, is_chinese, pinyin_tokens, runs


def test_characters_and_their_pairs():
    assert char_tokens("红烧肉") == ["u7ea2", "u70e7", "u8089", "u7ea2_u70e7", "u70e7_u8089"]


def test_syllables_and_their_pairs():
    assert pinyin_tokens("红烧肉") == ["hong", "shao", "rou", "hong_shao", "shao_rou"]


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("红邵肉", "红烧肉"),
        ("鱼乡肉丝", "鱼香肉丝"),
        ("工保鸡丁", "宫保鸡丁"),
        ("可了鸡翅", "可乐鸡翅"),
        ("旅粽", "绿粽"),
    ],
)
def test_homophones_sound_alike_and_look_different(typo, meant):
    assert char_tokens(typo) != char_tokens(meant)
    # 绿 and 旅 differ in nothing but the tone; ü is written v, in ASCII.
    assert pinyin_tokens(typo) == pinyin_tokens(meant)


def test_a_character_sounds_the_same_wherever_it_stands():
    # By phrase 行 would be xing or hang, and 重 chong or zhong: a title and a typo of it would not meet.
    assert pinyin_tokens("银行")[1] == pinyin_tokens("行走")[0]
    assert pinyin_tokens("重庆")[0] == pinyin_tokens("庆重")[1]


def test_pairs_do_not_reach_over_what_stands_between():
    assert pinyin_tokens("红烧，肉") == ["hong", "shao", "hong_shao", "rou"]
    assert char_tokens("红a肉") == ["u7ea2", "u8089"]


def test_latin_words_stay_whole_and_stop_words_go():
    assert char_tokens("how to make mapo tofu") == ["mapo", "tofu"]
    assert pinyin_tokens("7up鸡翅") == ["7up", "ji", "chi", "ji_chi"]
    assert runs("the recipe of 3 eggs") == ["3", "eggs"]


def test_a_character_without_reading_stands_for_itself():
    rare = "\U0003abcd"
    assert pinyin_tokens(rare) == char_tokens(rare) == ["u3abcd"]
    assert is_chinese(rare)


@pytest.mark.parametrize("text", ["", "  ", "🍅🥚", "？！。", '+-:"*', "\x00\x1b", "のり巻き"[:2]])
def test_nothing_to_compare_gives_no_token(text):
    assert char_tokens(text) == pinyin_tokens(text) == []


def test_emoji_beside_characters_is_passed_over():
    assert char_tokens("🍅番茄🥚") == char_tokens("番茄")


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_never_raises_and_is_always_ascii(text):
    for found in (char_tokens(text), pinyin_tokens(text)):
        assert all(token and token.isascii() and not set(token) & set(" \t\n") for token in found)


@given(st.text(max_size=40))
def test_characters_and_sound_have_the_same_shape(text):
    assert len(char_tokens(normalise(text))) == len(pinyin_tokens(normalise(text)))


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=30))
def test_a_run_of_n_characters_has_n_unigrams_and_one_pair_less(text):
    found = char_tokens(text)
    assert len(found) == 2 * len(text) - 1
    assert sum("_" in token for token in found) == len(text) - 1
