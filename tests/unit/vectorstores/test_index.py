"""An open index: one question, one list, in every thread; a broken one is turned away with a sentence."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes import Recipe, normalise, question_forms
from vectorstores import Candidate, IndexMissingError, RecipeIndex, build_index, understand
from vectorstores.dense import DenseIndex
from vectorstores.docstore import Docstore
from vectorstores.embeddings import EmbedderPair, FakeEmbedder
from vectorstores.floor import FEATURES
from vectorstores.index import FOODS, SOUND, food_names
from vectorstores.lexical import LexicalIndex, LexicalRow
from vectorstores.manifest import sha256_of
from vectorstores.query import indexed_form

QUESTIONS = [
    "红烧肉怎么做",
    "家里有西兰花和鸡胸肉能做什么",
    "how to make mapo tofu",
    "麻婆豆付",
    "我是厨房小白，清蒸鲈鱼怎么做，教一下",
    "你好",
    "🍅",
    "晚饭吃什么",
]


def names(index, candidates):
    return [index.docstore.card(candidate.number)[2] for candidate in candidates]


# --- the same question, the same list


@pytest.mark.parametrize("question", QUESTIONS)
def test_ten_times_the_same_question(index, search, question):
    first = search(index, question)
    assert all(search(index, question) == first for _ in range(9))


def test_two_objects_of_one_index_agree(built, embedders, search):
    one, other = (RecipeIndex.open(built, embedders) for _ in range(2))
    assert [search(one, question) for question in QUESTIONS] == [search(other, question) for question in QUESTIONS]


def test_eight_threads_at_once(built, embedders, search):
    fresh = RecipeIndex.open(built, embedders)
    start = threading.Barrier(8)

    def ask(turn):
        start.wait()
        return [search(fresh, question) for question in QUESTIONS[turn:] + QUESTIONS[:turn]]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    alone = [search(fresh, question) for question in QUESTIONS]
    for turn, answer in enumerate(answers):
        assert answer == alone[turn:] + alone[:turn]


def test_one_question_in_eight_threads_at_once(built, embedders, search):
    fresh = RecipeIndex.open(built, embedders)
    start = threading.Barrier(8)

    def ask(_):
        start.wait()
        return search(fresh, "红烧肉怎么做")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert all(answer == answers[0] for answer in answers)


# --- what comes back belongs to the caller


def test_changing_a_candidate_changes_nothing(index, search):
    before = search(index, "红烧肉怎么做")
    found = search(index, "红烧肉怎么做")
    found[0].features["query_by_sound"] = 99.0
    found.clear()
    assert search(index, "红烧肉怎么做") == before
    with pytest.raises(FrozenInstanceError):
        before[0].fused_score = 1.0


def test_candidates_without_features_do_not_share_them(index):
    query = understand("红烧肉")
    bare = index.fuse(query, index.lexical_search(query, 5), index.dense_search(query, 5))
    bare[0].features["x"] = 1.0
    assert bare[1].features == {}
    assert index.fuse(query, index.lexical_search(query, 5), index.dense_search(query, 5))[0].features == {}


def test_features_are_added_to_a_copy(index):
    query = understand("红烧肉")
    bare = index.fuse(query, index.lexical_search(query, 5), index.dense_search(query, 5))[0]
    assert list(index.with_features(query, "红烧肉", 0.1, bare).features) == list(FEATURES)
    assert bare.features == {}


def test_changing_a_recipe_changes_nothing(index):
    recipe = index.recipe(0)
    recipe.__dict__["name"] = "changed"
    recipe.to_record()["recipeIngredient" if "recipeIngredient" in recipe.to_record() else "ingredients"].clear()
    again = index.recipe(0)
    assert again is not recipe
    assert (again.name, len(again.ingredients)) == ("红烧肉", 3)


def test_recipes_by_number_and_id(index):
    for number in range(8):
        recipe = index.recipe(number)
        assert index.recipe_by_id(recipe.recipe_id) == recipe
    with pytest.raises(KeyError, match="0000000000000000"):
        index.recipe_by_id("0" * 16)


# --- scores


def test_candidates_carry_exact_cosines(index, search):
    encoder = FakeEmbedder()
    for candidate in search(index, "清蒸鲈鱼怎么做"):
        vectors = encoder.encode(["清蒸鲈鱼的做法", indexed_form(candidate.question)])
        assert candidate.dense_score == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)


def test_a_candidate_that_only_the_words_found_has_its_cosine_too(index):
    query = understand("蒜蓉西兰花怎么做")
    lexical, dense = index.lexical_search(query, 20), index.dense_search(query, 1)
    encoder = FakeEmbedder()
    only_words = [found for found in index.fuse(query, lexical, dense) if found.dense_rank is None]
    assert "西兰花炒鸡胸肉" in names(index, only_words)
    for candidate in only_words:
        vectors = encoder.encode(["蒜蓉西兰花的做法", indexed_form(candidate.question)])
        assert candidate.dense_score == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)


def test_ranks_and_scores_are_those_of_the_rankings(index):
    query = understand("蒜蓉西兰花怎么做")
    lexical, dense = index.lexical_search(query, 5), index.dense_search(query, 5)
    words = {hit.qid: hit for hit in lexical.hits}
    meaning = {hit.qid: hit for hit in dense.hits}
    found = index.fuse(query, lexical, dense)
    assert {candidate.qid for candidate in found} == words.keys() | meaning.keys()
    for candidate in found:
        assert candidate.lexical_rank == (words[candidate.qid].rank if candidate.qid in words else None)
        assert candidate.lexical_score == (words[candidate.qid].score if candidate.qid in words else 0.0)
        assert candidate.dense_rank == (meaning[candidate.qid].rank if candidate.qid in meaning else None)
    for hits in (lexical.hits, dense.hits):
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_the_fused_score_by_hand(index):
    query = understand("红烧肉怎么做")
    lexical, dense = index.lexical_search(query, 20), index.dense_search(query, 20)
    for candidate in index.fuse(query, lexical, dense):
        by_words = candidate.lexical_score / lexical.hits[0].score
        by_meaning = (candidate.dense_score - dense.mean) / (dense.hits[0].score - dense.mean)
        assert candidate.fused_score == pytest.approx(0.65 * by_words + 0.35 * by_meaning, abs=1e-5)


def test_the_lexical_score_is_sound_and_characters(index, built, data_of):
    from vectorstores.tokens import char_tokens, pinyin_tokens

    engine = LexicalIndex(data_of(built) / "lexical")
    sound = dict(engine.search("pinyin", pinyin_tokens("红邵肉"), 50))
    chars = dict(engine.search("chars", char_tokens("红邵肉"), 50))
    best = index.lexical_search(understand("红邵肉怎么做"), 20).hits[0]
    assert best.score == pytest.approx(SOUND * sound[best.qid] + (1 - SOUND) * chars[best.qid])
    assert sound[best.qid] > chars[best.qid]


def test_best_first_and_equal_scores_by_question_id(write_corpus, tmp_path, embedders, search):
    # Three recipes of one title: their questions cannot be told apart.
    records = [{"name": "红烧肉", "recipeIngredient": [f"{n}克五花肉"]} for n in (500, 600, 700)]
    build_index(write_corpus(records), tmp_path / "index", embedders)
    found = search(RecipeIndex.open(tmp_path / "index", embedders), "红烧肉")
    assert [candidate.qid for candidate in found] == [0, 1, 2]
    assert len({candidate.fused_score for candidate in found}) == 1


def test_features_of_a_perfect_match(index, search):
    best = search(index, "红烧肉怎么做")[0]
    assert best.features == {
        "bias": 1.0, "query_by_sound": 1.0, "title_by_sound": 1.0, "query_by_chars": 1.0,
        "dense_lift": pytest.approx(1.0, abs=1e-5), "head_covered": 1.0, "food_coverage": 0.0, "no_lexical": 0.0,
        "latin": 0.0,
    }  # fmt: skip
    assert index.floor.probability(best.features) > index.floor.threshold


def test_how_much_of_the_question_and_of_the_title_is_covered(index, built, data_of):
    query = understand("红烧牛肉怎么做")
    dense = index.dense_search(query, 20)
    best = next(found for found in index.fuse(query, index.lexical_search(query, 20), dense) if found.number == 0)
    features = index.with_features(query, "红烧牛肉", dense.mean, best).features
    rarity = LexicalIndex(data_of(built) / "lexical").rarity
    weight = {word: rarity("pinyin", word) for word in "hong shao niu rou hong_shao shao_niu niu_rou shao_rou".split()}
    shared = sum(weight[word] for word in ("hong", "shao", "rou", "hong_shao"))
    asked = shared + sum(weight[word] for word in ("niu", "shao_niu", "niu_rou"))
    assert best.question == "红烧肉的做法"
    assert features["query_by_sound"] == pytest.approx(shared / asked)
    assert features["title_by_sound"] == pytest.approx(shared / (shared + weight["shao_rou"]))
    assert features["head_covered"] == 1.0


def test_features_of_a_homophone(index, search):
    features = search(index, "红邵肉怎么做")[0].features
    assert features["query_by_sound"] == features["title_by_sound"] == 1.0
    assert 0 < features["query_by_chars"] < 1


class Second(FakeEmbedder):
    """A model of its own: the vectors run the other way round, and it notes what it was asked."""

    name = "second"
    asked = ()

    def encode(self, texts):
        self.asked += tuple(texts)
        return np.ascontiguousarray(super().encode(texts)[:, ::-1])


@pytest.fixture
def bilingual(write_corpus, records, tmp_path, embedders):
    pair = EmbedderPair(embedders.main, Second())
    build_index(write_corpus(records), tmp_path / "bilingual", pair)
    pair.latin.asked = ()
    return RecipeIndex.open(tmp_path / "bilingual", pair), pair.latin


@pytest.mark.parametrize("question", ["麻婆豆腐怎么做", "mapo豆腐怎么做"])
def test_the_first_model_serves_questions_with_chinese(bilingual, search, question):
    index, second = bilingual
    assert names(index, search(index, question))[0] == "麻婆豆腐"
    assert second.asked == ()


def test_the_second_model_serves_questions_without(bilingual, search):
    index, second = bilingual
    best = search(index, "How do you cook Mapo Tofu?")[0]
    assert second.asked == ("how to make mapo tofu",)
    assert names(index, [best]) == ["麻婆豆腐"]
    assert best.dense_score == pytest.approx(1.0, abs=1e-6)


def test_a_question_is_embedded_once(bilingual):
    index, second = bilingual
    query = understand("tofu")
    candidates = index.fuse(query, index.lexical_search(query, 5), index.dense_search(query, 1, "红烧肉"))
    # The fusion needs the vector again, for the cosine of what only the words found.
    assert None in {candidate.dense_rank for candidate in candidates}
    assert len(second.asked) == 1


# --- the right dish


@pytest.mark.parametrize(
    ("question", "dish"),
    [
        ("红烧肉怎么做", "红烧肉"),
        ("红烧肉怎么烧才不腻", "红烧肉"),
        ("西红柿炒鸡蛋的做法", "番茄炒蛋"),
        ("番茄炒蛋", "番茄炒蛋"),
        ("红邵肉怎么做", "红烧肉"),  # homophones
        ("妈婆豆付", "麻婆豆腐"),
        ("工保机丁怎么做", "宫保鸡丁"),
        ("麻豆婆腐的做法", "麻婆豆腐"),  # swapped
        ("宫鸡保丁", "宫保鸡丁"),
        ("清鲈鱼怎么做", "清蒸鲈鱼"),  # dropped
        ("皮蛋瘦粥", "皮蛋瘦肉粥"),
        ("紅燒肉怎麼做", "红烧肉"),  # traditional
        ("蒜蓉西蘭花", "蒜蓉西兰花"),
        ("　红　烧　肉　怎么做？？", "红烧肉"),  # full-width
        ("ＭＡＰＯ　ＴＯＦＵ", "麻婆豆腐"),
        ("how to make mapo tofu", "麻婆豆腐"),
        ("Mapo Tofu recipe", "麻婆豆腐"),
        ("我是厨房小白，清蒸鲈鱼怎么做，教一下", "清蒸鲈鱼"),
        ("😋红烧肉🍖怎么做", "红烧肉"),
    ],
)
def test_finds_the_dish_first(index, search, question, dish):
    assert names(index, search(index, question))[0] == dish


def test_the_clause_that_the_index_knows_best_is_searched(index):
    assert index.lexical_search(understand("我是一个厨房小白新手，清蒸鲈鱼，教一下"), 5).core == "清蒸鲈鱼"


@pytest.mark.parametrize(
    ("question", "dishes"),
    [
        ("家里有西兰花和鸡胸肉能做什么", ["西兰花炒鸡胸肉"]),
        ("有花生还有鸡胸肉，推荐一道菜", ["宫保鸡丁"]),
        ("冰箱里还有两个番茄和三个鸡蛋能做什么", ["番茄炒蛋"]),
        ("用五花肉做个菜", ["红烧肉"]),
        ("西兰花能做什么", ["西兰花炒鸡胸肉", "蒜蓉西兰花"]),
    ],
)
def test_dishes_made_of_what_is_there(index, search, question, dishes):
    found = search(index, question)
    assert set(names(index, found)[: len(dishes)]) == set(dishes)
    assert all(candidate.features["food_coverage"] == 1.0 for candidate in found[: len(dishes)])


def test_who_has_two_things_gets_the_dish_of_both_before_dishes_of_one(index, search):
    found = search(index, "家里有西兰花和鸡胸肉能做什么")
    coverage = [candidate.features["food_coverage"] for candidate in found]
    assert coverage[:3] == [1.0, 0.5, 0.5]
    assert all(FOODS * share - 1e-6 <= candidate.fused_score <= FOODS * share + 1 - FOODS + 1e-6
               for share, candidate in zip(coverage[:3], found, strict=False))  # fmt: skip


def test_a_source_in_traditional_characters_and_capitals_is_found_in_simplified_ones(
    write_corpus, tmp_path, embedders, search
):
    record = {
        "name": "滷雞腿", "recipeIngredient": ["2隻雞腿", "ＭＡＧＧＩ"], "recipeInstructions": ["滷。"],
        "name_en": "Braised Chicken Legs", "aliases": ["紅燒雞腿"], "questions": ["ＢＢＱ雞腿點整"],
    }  # fmt: skip
    other = {"name": "蛋挞", "recipeIngredient": ["2个鸡蛋"]}
    build_index(write_corpus([other, record]), tmp_path / "index", embedders)
    index = RecipeIndex.open(tmp_path / "index", embedders)
    for question in ("卤鸡腿", "红烧鸡腿怎么做", "braised chicken legs", "家里有鸡腿能做什么"):
        best = search(index, question)[0]
        assert (best.number, best.lexical_rank) == (1, 1), question
    assert search(index, "有鸡腿和maggi能做什么")[0].features["food_coverage"] == 1.0


def test_food_names_leave_out_amounts_and_headings():
    recipe = Recipe(name="x", ingredients=("【酱汁】", "2汤匙生抽", "適量鹽", "3 Eggs"))
    assert food_names(recipe) == normalise(food_names(recipe))
    assert "生抽" in food_names(recipe)
    assert "盐" in food_names(recipe)
    assert "汤匙" not in food_names(recipe)
    assert "酱汁" not in food_names(recipe)


# --- questions that are no questions

HOSTILE = [
    "", " ", "　", "\n\t", "？", "！。，", "🍅🥚", "👨‍👩‍👧‍👦", "\x00", "\x00红烧肉\x00", "\x1b[31m红烧肉\x1b[0m",
    "\u202e肉烧红", "\ufeff", "\ud83c", "红烧肉\udc00", "\U000e0001", "a\u0301" * 50, "怎么做", "什么", "的",
    "了" * 500,
    '+title:x AND "y" ~2 [a TO b]', "chars:u7ea2 OR pinyin:hong", "*", "红烧*", "(((", ")\\", "^2", "-红烧肉", "qid:0",
    "'; DROP TABLE recipe; --", '" OR 1=1 --', "红烧肉' UNION SELECT * FROM question --", "%s %d {} {0} \\n ${x}",
    "<script>alert(1)</script>", "../../etc/passwd", "红" * 10_000, "红烧肉" * 3_334, "a" * 10_000, "a " * 5_000,
    "，" * 10_000, "有" * 10_000 + "能做什么", "".join(map(chr, range(0x4E00, 0x4E00 + 10_000))), "🍅" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("question", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_questions_give_candidates_or_nothing(index, search, question):
    found = search(index, question)
    assert all(isinstance(candidate, Candidate) for candidate in found)
    for candidate in found:
        assert np.isfinite([candidate.fused_score, candidate.dense_score, *candidate.features.values()]).all()
        assert 0 <= index.floor.probability(candidate.features) <= 1
    assert search(index, "红烧肉怎么做")[0].question == "红烧肉的做法"


def test_what_surrounds_a_dish_does_not_hide_it(index, search):
    for question in ("\x00红烧肉\x00", "红烧肉\udc00", "-红烧肉", "红烧肉' UNION SELECT * FROM question --"):
        assert names(index, search(index, question))[0] == "红烧肉", question


@settings(max_examples=150, deadline=None)
@given(question=st.text(st.characters(exclude_categories=[]), max_size=80))
def test_no_text_makes_a_search_fail(built_index, question):
    index, search = built_index
    assert search(index, question) == search(index, question)


@pytest.fixture(scope="module")
def built_index(built, embedders, search):
    return RecipeIndex.open(built, embedders), search


# --- indexes that are turned away


def test_no_index(tmp_path, refusal):
    assert "shishen index build --source starter --out" in refusal(tmp_path, IndexMissingError)


def test_another_model_names_both(copy, refusal):
    class Other(FakeEmbedder):
        name, dimension = "bge-small", 512

        def revision(self):
            return "abc"

    sentence = refusal(copy, pair=EmbedderPair(Other(), None))
    assert "built with fake-bigrams revision fake-1, 64-d" in sentence
    assert "embeds with bge-small revision abc, 512-d" in sentence


def test_another_tokenizer(copy, refusal, edit_manifest):
    edit_manifest(copy, tokenizer="jieba-1")
    assert "tokenizer jieba-1" in refusal(copy)


def test_another_format(copy, refusal, edit_manifest):
    edit_manifest(copy, format=999)
    assert "index format 999, this version reads 1" in refusal(copy)


def test_a_damaged_manifest(copy, refusal):
    file = copy / "manifest.json"
    file.write_bytes(file.read_bytes()[:200])
    assert "manifest.json cannot be read" in refusal(copy)


@pytest.mark.parametrize("part", ["recipes.sqlite", "lexical", "dense.faiss"])
def test_a_missing_part_is_named(copy, refusal, data_of, part):
    (data_of(copy) / part).rename(copy / "elsewhere")
    assert f"lacks its part {part}; rebuild the index" in refusal(copy)


def test_a_missing_sub_folder(copy, refusal, data_of):
    data_of(copy).rename(copy / "elsewhere")
    assert "lacks its part" in refusal(copy)


@pytest.mark.parametrize("part", ["recipes.sqlite", "dense.faiss"])
@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_truncated_part_is_named(copy, refusal, data_of, part, keep):
    file = data_of(copy) / part
    file.write_bytes(file.read_bytes()[:keep])
    assert part in refusal(copy)


def test_an_emptied_lexical_folder(copy, refusal, data_of):
    for file in (data_of(copy) / "lexical").iterdir():
        file.unlink()
    assert "the lexical part lexical is damaged or incomplete" in refusal(copy)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"questions": 99}, "99"),
        ({"recipes": 9}, "8 stored recipes where its manifest says 9"),
        ({"embedder": {"name": "fake-bigrams", "revision": "fake-1", "dimension": 63}}, "63-d"),
    ],
)
def test_counts_that_do_not_fit(copy, refusal, edit_manifest, fields, sentence):
    edit_manifest(copy, **fields)
    assert sentence in refusal(copy)


def test_a_store_of_another_build(copy, refusal, data_of):
    file = data_of(copy) / "recipes.sqlite"
    file.unlink()
    recipe = Recipe(name="红烧肉", ingredients=("肉",))
    Docstore.build(file, [recipe], [(0, text) for text in question_forms(recipe)])
    assert "holds 1 stored recipes where its manifest says 8, 1 stored questions where" in refusal(copy)


def test_a_lexical_part_of_another_build(copy, refusal, data_of):
    folder = data_of(copy) / "lexical"
    folder.rename(copy / "elsewhere")
    LexicalIndex.build(folder, [LexicalRow(0, "红烧肉的做法")])
    assert "holds 1 lexical questions where its manifest says" in refusal(copy)


def test_a_dense_part_of_another_width(copy, refusal, data_of):
    file = data_of(copy) / "dense.faiss"
    DenseIndex.build(file, np.eye(faiss.read_index(str(file)).ntotal, 32, dtype=np.float32))
    assert "holds 32 dense dimensions where its manifest says 64" in refusal(copy)


def test_a_second_dense_part_of_another_build(write_corpus, records, tmp_path, embedders, refusal, data_of):
    pair = EmbedderPair(embedders.main, FakeEmbedder())
    build_index(write_corpus(records), tmp_path / "index", pair)
    DenseIndex.build(data_of(tmp_path / "index") / "dense-latin.faiss", np.eye(3, 64, dtype=np.float32))
    assert "holds 3 latin dense questions where its manifest says" in refusal(tmp_path / "index", pair=pair)


@pytest.mark.parametrize("floor", [{}, {"weights": {"bias": 1}}, {"weights": {"moon": 1}}, {"weights": 7}])
def test_a_floor_of_another_version(copy, refusal, edit_manifest, floor):
    edit_manifest(copy, floor=floor)
    assert "has a floor that this version cannot read" in refusal(copy)


# --- verify


def test_an_untouched_index_is_ok(index, search):
    search(index, "红烧肉怎么做")
    assert index.verify() == dict.fromkeys(["recipes.sqlite", "lexical", "dense.faiss"], "ok")


@pytest.mark.parametrize("part", ["recipes.sqlite", "lexical", "dense.faiss"])
def test_one_changed_byte_is_seen(copy, embedders, data_of, part):
    index = RecipeIndex.open(copy, embedders)
    path = data_of(copy) / part
    file = next(path.glob("*.store")) if path.is_dir() else path
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    seen = index.verify()
    assert seen.pop(part) == "changed since it was built"
    assert set(seen.values()) == {"ok"}


def test_a_part_that_went_is_seen(copy, embedders, data_of):
    index = RecipeIndex.open(copy, embedders)
    (data_of(copy) / "dense.faiss").unlink()
    assert index.verify()["dense.faiss"] == "changed since it was built"


def test_what_the_manifest_says_is_what_is_on_the_disk(index, built, data_of):
    assert index.manifest.files == {part: sha256_of(data_of(built) / part) for part in index.manifest.files}
