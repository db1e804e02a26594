"""Recipes and questions on disk: what goes in comes out, in every thread, and a broken file says so."""

import threading

import pytest

from recipes import Recipe
from vectorstores import IndexMismatchError
from vectorstores.docstore import Docstore

RECIPES = [
    Recipe(
        name="【快手】红烧肉", dish="红烧肉", ref="a.jsonl#0", ingredients=("500克五花肉",), steps=("炖。",), servings=4
    ),
    Recipe(name="麻婆豆腐", dish="麻婆豆腐", ref="a.jsonl#1", steps=("炒。", "烧。")),
    Recipe(name="外婆红烧肉", dish="红烧肉", ref="a.jsonl#4", steps=("焖\x00🍅'\"",)),
    Recipe(name='"; DROP TABLE recipe; --', ref="a.jsonl#5", steps=("x",)),
]
QUESTIONS = [(0, "红烧肉的做法"), (0, "红烧肉怎么烧"), (1, "麻婆豆腐的做法"), (2, "外婆红烧肉的做法"), (3, "'--的做法")]


@pytest.fixture
def file(tmp_path):
    Docstore.build(tmp_path / "recipes.sqlite", RECIPES, QUESTIONS)
    return tmp_path / "recipes.sqlite"


@pytest.fixture
def store(file):
    return Docstore(file)


def test_counts(store):
    assert store.count() == (4, 5)


@pytest.mark.parametrize("number", range(4))
def test_a_recipe_comes_back_whole(store, number):
    assert store.recipe(number) == RECIPES[number]
    assert store.recipe(number).recipe_id == RECIPES[number].recipe_id


def test_a_recipe_is_a_new_object_each_time(store):
    first = store.recipe(0)
    first.__dict__["name"] = "changed"
    assert store.recipe(0) is not first
    assert store.recipe(0).name == "【快手】红烧肉"


def test_questions_know_their_recipe(store):
    assert [store.question(qid) for qid in range(5)] == [(text, number) for number, text in QUESTIONS]
    assert store.questions_of(0) == ["红烧肉的做法", "红烧肉怎么烧"]
    assert store.questions_of(9) == []


def test_card(store):
    assert store.card(2) == (RECIPES[2].recipe_id, "a.jsonl#4", "红烧肉")
    # Without a dish the title stands for it.
    assert store.card(3)[2] == RECIPES[3].name


def test_number_of_an_id(store):
    assert [store.number_of(recipe.recipe_id) for recipe in RECIPES] == [0, 1, 2, 3]
    assert store.number_of("0" * 16) is None
    assert store.number_of("' OR 1=1 --") is None


def test_recipes_of_one_dish_in_the_order_of_the_source(store):
    assert store.names_of_dish("红烧肉") == ["【快手】红烧肉", "外婆红烧肉"]
    assert store.names_of_dish("红烧") == []
    assert store.names_of_dish(RECIPES[3].name) == [RECIPES[3].name]


def test_dishes_once_each_in_order(store):
    assert list(store.dishes()) == ["红烧肉", "麻婆豆腐", RECIPES[3].name]


def in_a_new_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found


def test_a_thread_that_comes_after_the_file_went_reads_it_too(store, file):
    # A rebuilt index takes the old files away, while a server still has them open.
    file.unlink()
    assert in_a_new_thread(lambda: store.recipe(1)) == [RECIPES[1]]
    assert store.recipe(1) == RECIPES[1]


def test_threads_do_not_mix_their_rows(store):
    start = threading.Barrier(8)

    def read(number):
        start.wait()
        return [store.recipe(number) == RECIPES[number] and store.question(number)[0] for _ in range(100)]

    found = [[] for _ in range(8)]
    threads = [threading.Thread(target=lambda i=i: found[i].extend(read(i % 4))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[QUESTIONS[i % 4][1]] * 100 for i in range(8)]


@pytest.mark.parametrize("keep", [0, 50, 5000, 8192, -1, -4096])
def test_a_truncated_file_is_refused(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(
        IndexMismatchError, match=r"^the recipe store recipes.sqlite cannot be read \(.*; rebuild the index$"
    ):
        Docstore(file)


def test_a_file_that_is_no_database(file):
    file.write_bytes(b"\xff" * 9000)
    with pytest.raises(IndexMismatchError, match="not a database"):
        Docstore(file)


def test_a_damaged_page_is_named_when_it_is_read(file):
    content = file.read_bytes()
    file.write_bytes(content[:-4096] + b"\xff" * 4096)
    store = Docstore(file)
    with pytest.raises(IndexMismatchError, match=r"malformed\); rebuild the index$"):
        store.question(0)


def test_no_file(tmp_path):
    with pytest.raises(IndexMismatchError, match="unable to open"):
        Docstore(tmp_path / "nowhere.sqlite")


def test_a_store_that_cannot_be_written_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match=r"recipes.sqlite: unable to open"):
        Docstore.build(tmp_path / "no folder" / "recipes.sqlite", RECIPES, QUESTIONS)


def test_two_recipes_of_one_id_are_no_store(tmp_path):
    import sqlite3

    with pytest.raises(sqlite3.IntegrityError):
        Docstore.build(tmp_path / "x.sqlite", [RECIPES[0], RECIPES[0]], [])
