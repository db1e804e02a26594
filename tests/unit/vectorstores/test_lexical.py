"""BM25 over our own tokens, and what happens to it on disk."""

import math
import os
import shutil

import pytest

from vectorstores import IndexMismatchError
from vectorstores.lexical import FIELDS, LexicalIndex, LexicalRow
from vectorstores.tokens import char_tokens, pinyin_tokens

QUESTIONS = ["红烧肉的做法", "红烧鱼的做法", "清蒸鱼的做法", "番茄炒蛋的做法", "番茄炒蛋的做法", "mapo tofu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexical") / "new" / "lexical"
    foods = ["五花肉 冰糖", "鱼 葱", "鱼 姜", "番茄 鸡蛋", "", ""]
    LexicalIndex.build(folder, (LexicalRow(i, text, foods[i]) for i, text in enumerate(QUESTIONS)))
    return folder


@pytest.fixture
def lexical(folder):
    return LexicalIndex(folder)


def ids(hits):
    return [qid for qid, _ in hits]


def test_counts_its_questions(lexical):
    assert lexical.count == len(QUESTIONS)


def test_the_rarest_words_decide(lexical):
    hits = lexical.search("chars", char_tokens("红烧肉"), 10)
    assert ids(hits) == [0, 1]
    assert hits[0][1] > hits[1][1] > 0


def test_a_homophone_is_found_by_sound_and_not_by_characters(lexical):
    assert ids(lexical.search("pinyin", pinyin_tokens("哄捎肉"), 1)) == [0]
    assert lexical.search("chars", char_tokens("哄捎"), 10) == []


def test_equal_scores_by_question_id(lexical):
    hits = lexical.search("pinyin", pinyin_tokens("番茄炒蛋"), 10)
    assert ids(hits)[:2] == [3, 4]
    assert hits[0][1] == hits[1][1]


def test_a_word_asked_twice_counts_once(lexical):
    assert lexical.search("chars", char_tokens("鱼鱼"), 5)[0] == lexical.search("chars", char_tokens("鱼"), 5)[0]


def test_ingredients_are_a_field_of_their_own(lexical):
    assert ids(lexical.search("foods", char_tokens("鸡蛋"), 10)) == [3]
    assert lexical.search("foods", char_tokens("红烧"), 10) == []


def test_latin_words(lexical):
    assert ids(lexical.search("chars", char_tokens("tofu"), 10)) == [5]


def test_no_more_hits_than_asked_for(lexical):
    assert len(lexical.search("chars", char_tokens("的做法"), 2)) == 2


@pytest.mark.parametrize("words", [[], ["nothing_has_this"], ['a" OR "b', "+x:y", "[a TO b]", "*", "\\", "'; --"]])
def test_words_that_no_question_has(lexical, words):
    assert [lexical.search(field, words, 5) for field in FIELDS] == [[], [], []]


def test_rarity_is_bm25s_idf(lexical):
    # yu stands in two of six questions, rou in one, xyz in none.
    assert lexical.rarity("pinyin", "yu") == pytest.approx(math.log(1 + (6 - 2 + 0.5) / 2.5))
    assert lexical.rarity("pinyin", "rou") == pytest.approx(math.log(1 + (6 - 1 + 0.5) / 1.5))
    assert lexical.rarity("pinyin", "xyz") == pytest.approx(math.log(1 + 6.5 / 0.5))


def test_an_index_is_never_written_over(folder):
    with pytest.raises(FileExistsError):
        LexicalIndex.build(folder, [])


def test_what_the_engine_cannot_write_is_an_oserror(tmp_path, monkeypatch):
    def full(row):
        raise ValueError("An IO error occurred: 'No space left on device'")

    monkeypatch.setattr("vectorstores.lexical._document", full)
    with pytest.raises(OSError, match=r"lexical: .*No space left"):
        LexicalIndex.build(tmp_path / "lexical", [LexicalRow(0, "x")])


@pytest.mark.parametrize("suffix", [".term", ".store", ".fast", ".idx", ".pos", ".fieldnorm", "meta.json"])
@pytest.mark.parametrize("keep", [None, 0, 0.5], ids=["gone", "empty", "cut"])
def test_a_damaged_file_is_refused_at_the_door(folder, tmp_path, suffix, keep):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (file,) = copy.glob(f"*{suffix}")
    content = file.read_bytes()
    file.unlink()
    if keep is not None:
        file.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(IndexMismatchError, match=r"^the lexical part copy is damaged .*; rebuild the index$") as caught:
        LexicalIndex(copy)
    assert str(tmp_path) not in str(caught.value)


def test_a_panic_of_the_engine_is_refused_too(folder, monkeypatch):
    class PanicException(BaseException):
        pass

    def panic(path):
        raise PanicException("range end index 7 out of range for slice of length 3")

    monkeypatch.setattr("tantivy.Index.open", panic, raising=True)
    with pytest.raises(IndexMismatchError, match=r"\(the engine gave up\)"):
        LexicalIndex(folder)


def test_no_folder(tmp_path):
    with pytest.raises(IndexMismatchError, match="rebuild the index"):
        LexicalIndex(tmp_path / "nowhere")


def test_a_folder_that_may_not_be_written_is_read_without_a_lock_file(folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("*.lock"))
    before = sorted(copy.iterdir())
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == copy and mode == os.W_OK))
    lexical = LexicalIndex(copy)
    assert ids(lexical.search("chars", char_tokens("红烧肉"), 10)) == [0, 1]
    assert sorted(copy.iterdir()) == before


def test_still_answers_when_its_files_are_removed(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    lexical = LexicalIndex(copy)
    shutil.rmtree(copy)
    assert ids(lexical.search("chars", char_tokens("红烧肉"), 10)) == [0, 1]
