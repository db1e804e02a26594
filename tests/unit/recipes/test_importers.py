"""recipes/importers.py: files of recipes in, records and rejections out."""

import gzip
import io
import json
import tarfile
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes import Recipe, Rejected, SourceError, detect_format, importers, read_recipes
from recipes.importers import python_lists

EGGS = {
    "name": "番茄炒蛋",
    "dish": "番茄炒蛋",
    "recipeIngredient": ["3个番茄", "4个鸡蛋"],
    "recipeInstructions": ["切。", "炒。"],
}
RICE = {"name": "炒饭", "dish": "Unknown", "recipeIngredient": ["1碗饭"], "recipeInstructions": ["炒。"]}


def lines_of(*records):
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def conversation(question, output):
    return {"conversation": [{"system": "厨师", "input": question, "output": output}]}


def output_of(ingredients, steps):
    return f"您需要准备以下食材:\n{ingredients!r}\n按以下方法制作:\n{steps!r}"


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


@pytest.fixture
def write_xtuner(write):
    return lambda *items: write("x.json", json.dumps(items, ensure_ascii=False).encode())


def tar_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


# Formats.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", "xiachufang"),
        ("a.JSONL", "xiachufang"),
        ("a.jsonl.gz", "xiachufang"),
        ("a.tar.gz", "xiachufang"),
        ("a.jsonl.tar.gz", "xiachufang"),
        ("a.tgz", "xiachufang"),
        ("a.json", "xtuner"),
        ("a.json.gz", "xtuner"),
    ],
)
def test_the_name_tells_the_format(tmp_path, name, expected):
    assert detect_format(tmp_path / name) == expected


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.gz", "a.tar", "a.zip", "jsonl", "a"])
def test_an_unknown_suffix_is_refused_with_advice(write, name):
    with pytest.raises(SourceError, match=r"cannot tell the format of .*--format"):
        list(read_recipes(write(name, b"{}")))


def test_an_unknown_format_is_refused(write):
    with pytest.raises(SourceError, match="no format 'csv'; known formats: auto, xiachufang, xtuner"):
        list(read_recipes(write("a.jsonl", b""), "csv"))


def test_a_named_format_wins_over_the_suffix(write):
    (recipe,) = read_recipes(write("a.txt", lines_of(EGGS)), "xiachufang")
    assert recipe.name == "番茄炒蛋"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"no file .*nothing\.jsonl"):
        list(read_recipes(tmp_path / "nothing.jsonl"))


def test_a_directory_is_refused(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(SourceError, match="no file"):
        list(read_recipes(tmp_path / "a.jsonl"))


# XiaChuFang lines.


def test_every_field_is_read(write):
    record = {
        **EGGS,
        "name_en": "tomato and eggs",
        "description": "下饭",
        "author": "author_1",
        "keywords": ["快手", "下饭"],
        "aliases": ["西红柿炒蛋"],
        "cuisine": "家常菜",
        "category": "素菜",
        "servings": 2,
        "time_min": 15,
        "questions": ["番茄炒蛋怎么做"],
    }
    assert list(read_recipes(write("a.jsonl", lines_of(record)))) == [
        Recipe(
            name="番茄炒蛋",
            dish="番茄炒蛋",
            ref="a.jsonl#0",
            description="下饭",
            ingredients=("3个番茄", "4个鸡蛋"),
            steps=("切。", "炒。"),
            author="author_1",
            keywords=("快手", "下饭"),
            name_en="tomato and eggs",
            aliases=("西红柿炒蛋",),
            cuisine="家常菜",
            category="素菜",
            servings=2,
            time_min=15,
            questions=("番茄炒蛋怎么做",),
        )
    ]


def test_an_unknown_dish_is_left_empty(write):
    (recipe,) = read_recipes(write("a.jsonl", lines_of(RICE)))
    assert recipe.dish == ""


@pytest.mark.parametrize(
    ("field", "value", "attribute", "expected"),
    [
        ("recipeIngredient", "1碗饭\n2个蛋\n", "ingredients", ("1碗饭", "2个蛋")),
        (
            "recipeIngredient",
            [" 1碗饭 ", "", 5, 1.5, None, True, {"a": 1}, ["b"]],
            "ingredients",
            ("1碗饭", "5", "1.5"),
        ),
        ("recipeIngredient", {"a": 1}, "ingredients", ()),
        ("recipeInstructions", None, "steps", ()),
        ("keywords", 7, "keywords", ()),
        ("description", ["a"], "description", ""),
        ("author", 7, "author", ""),
        ("servings", "2人份", "servings", 0),
        ("servings", True, "servings", 0),
        ("servings", -3, "servings", 0),
        ("time_min", 2.5, "time_min", 0),
    ],
)
def test_a_field_of_another_type_is_read_as_far_as_it_goes(write, field, value, attribute, expected):
    (recipe,) = read_recipes(write("a.jsonl", lines_of({**EGGS, field: value})))
    assert getattr(recipe, attribute) == expected


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.tar.gz"])
def test_plain_and_packed_files_read_alike(write, name):
    plain = lines_of(EGGS, RICE)
    content = {"a.jsonl": plain, "a.jsonl.gz": gzip.compress(plain), "a.tar.gz": tar_of({"data.jsonl": plain})}[name]
    recipes = list(read_recipes(write(name, content)))
    assert [recipe.name for recipe in recipes] == ["番茄炒蛋", "炒饭"]
    assert [recipe.ref for recipe in recipes] == [f"{name}#0", f"{name}#1"]


def test_members_of_an_archive_are_counted_through(write):
    mark = b"\xef\xbb\xbf"
    content = tar_of(
        {
            "one.jsonl": mark + lines_of(EGGS),
            "dir/._two.jsonl": b"resource fork\n",
            "dir/two.jsonl": mark + lines_of(RICE),
        }
    )
    recipes = list(read_recipes(write("a.tar.gz", content)))
    assert [(recipe.name, recipe.ref) for recipe in recipes] == [("番茄炒蛋", "a.tar.gz#0"), ("炒饭", "a.tar.gz#1")]


def test_members_of_an_archive_are_never_unpacked(write, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("../../escaped.jsonl")
        info.size = len(lines_of(EGGS))
        archive.addfile(info, io.BytesIO(lines_of(EGGS)))
        link = tarfile.TarInfo("link.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("folder"))
    recipes = list(read_recipes(write("a.tar.gz", buffer.getvalue())))
    assert [recipe.ref for recipe in recipes] == ["a.tar.gz#0"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]
    assert not (tmp_path.parent.parent / "escaped.jsonl").exists()


def test_a_byte_order_mark_is_no_part_of_the_record(write):
    (recipe,) = read_recipes(write("a.jsonl", b"\xef\xbb\xbf" + lines_of(EGGS)))
    assert recipe.name == "番茄炒蛋"


def test_blank_lines_are_not_counted(write):
    content = b"\xef\xbb\xbf\n\n" + lines_of(EGGS) + b"  \t\r\n\n" + lines_of(RICE).rstrip() + b"\r\n\n"
    assert [recipe.ref for recipe in read_recipes(write("a.jsonl", content))] == ["a.jsonl#0", "a.jsonl#1"]


def test_refs_start_at_zero_in_every_file(write):
    for name in ("a.jsonl", "b.jsonl"):
        assert [recipe.ref for recipe in read_recipes(write(name, lines_of(EGGS)))] == [f"{name}#0"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_empty_file_has_no_recipes(write, name):
    assert list(read_recipes(write(name, b""))) == []


@pytest.mark.parametrize(
    ("line", "reason", "quote"),
    [
        (b"{broken", "not JSON: Expecting property name", "{broken"),
        (b"not json at all", "not JSON: Expecting value", "not json at all"),
        (b"[" * 50_000, "not JSON: maximum recursion depth", "[" * 80),
        (b'{"servings": ' + b"9" * 5000 + b"}", "not JSON: Exceeds the limit", '{"servings": ' + "9" * 67),
        (b"[1, 2]", "a list, an object was wanted", "[1, 2]"),
        (b'"text"', "a str, an object was wanted", '"text"'),
        (b"null", "a NoneType, an object was wanted", "null"),
        (b"7", "a int, an object was wanted", "7"),
        (b"{}", "no name", "{}"),
        (b'{"name": 5}', "no name", '{"name": 5}'),
        (b'{"name": "  "}', "no name", '{"name": "  "}'),
        (b'{"name": "a"}', "neither recipeIngredient nor recipeInstructions", '{"name": "a"}'),
        (
            b'{"name": "a", "recipeIngredient": [], "recipeInstructions": [{}]}',
            "neither recipeIngredient nor recipeInstructions",
            '{"name": "a", "recipeIngredient": [], "recipeInstructions": [{}]}',
        ),
        ("{'name': '菜'}".encode(), "not JSON: Expecting property name", "{'name': '菜'}"),
        ("番茄".encode("gbk"), "not UTF-8 at byte 0", "����"),
        (b'{"name": "\xff"}', "not UTF-8 at byte 10", '{"name": "�"}'),
    ],
)
def test_a_bad_line_is_told_and_does_not_stop_the_rest(write, line, reason, quote):
    before, rejected, after = read_recipes(write("a.jsonl", lines_of(EGGS) + line + b"\n" + lines_of(RICE)))
    assert (before.ref, after.ref) == ("a.jsonl#0", "a.jsonl#2")
    assert isinstance(rejected, Rejected)
    assert rejected.ref == "a.jsonl#1"
    assert rejected.reason.startswith(reason)
    assert rejected.quote == quote


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "菜" * 501}, "name: String should have at most 500 characters"),
        ({"name": "\ud800"}, "name: Input should be a valid string"),
        ({"servings": 5000}, "servings: Input should be less than or equal to 1000"),
        ({"time_min": 10**30}, "time_min: Input should be less than or equal to 525600"),
    ],
)
def test_a_value_out_of_range_rejects_the_record(write, change, reason):
    line = json.dumps({**EGGS, **change}).encode() + b"\n"
    (rejected,) = read_recipes(write("a.jsonl", line))
    assert isinstance(rejected, Rejected)
    assert rejected.reason.startswith(reason)
    assert len(rejected.quote) == 80
    rejected.quote.encode()


def test_a_line_over_the_limit_is_skipped_and_counted(write, monkeypatch):
    monkeypatch.setattr(importers, "MAX_LINE_BYTES", 200)
    long = lines_of({**EGGS, "description": "长" * 1000})
    first, rejected, last = read_recipes(write("a.jsonl", lines_of(EGGS) + long + lines_of(RICE)))
    assert (first.name, last.name, last.ref) == ("番茄炒蛋", "炒饭", "a.jsonl#2")
    assert rejected == Rejected("a.jsonl#1", "the line is longer than 200 bytes", "")


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize(("surplus", "accepted"), [(0, True), (1, False)])
def test_the_limit_itself_is_allowed(write, monkeypatch, end, surplus, accepted):
    line = lines_of(EGGS).rstrip(b"\n")
    monkeypatch.setattr(importers, "MAX_LINE_BYTES", len(line))
    padded = line[:-1] + b" " * surplus + b"}"
    (item,) = read_recipes(write("a.jsonl", padded + end))
    assert isinstance(item, Recipe) is accepted


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.gz", gzip.compress(lines_of(EGGS) * 500)[:-40]),
        ("a.jsonl.gz", gzip.compress(lines_of(EGGS) * 500)[:60] + b"\xff" * 60),
        ("a.jsonl.gz", lines_of(EGGS)),
        ("a.tar.gz", lines_of(EGGS)),
        ("a.tar.gz", b""),
        ("a.tar.gz", tar_of({"a.jsonl": lines_of(EGGS) * 500})[:-100]),
        ("a.tar.gz", gzip.compress(lines_of(EGGS))),
        ("a.json.gz", gzip.compress(b"[]")[:-5]),
        ("a.json.gz", b"[]"),
    ],
)
def test_broken_packing_is_told(write, name, content):
    with pytest.raises(SourceError, match=f"{name} breaks off or is not what its name says"):
        list(read_recipes(write(name, content)))


# XTuner conversations.


def test_a_conversation_is_a_recipe(write_xtuner):
    path = write_xtuner(
        conversation("【快手】葱油拌面的做法", output_of(["200克面", "2根葱"], ["煮面。", "拌匀。"])),
        conversation("炒饭的做法？", output_of(["1碗饭"], ["炒。"])),
    )
    first, second = read_recipes(path)
    assert (first.name, first.dish, first.ref) == ("【快手】葱油拌面", "葱油拌面", "x.json#0")
    assert (first.ingredients, first.steps) == (("200克面", "2根葱"), ("煮面。", "拌匀。"))
    assert (second.name, second.ref) == ("炒饭", "x.json#1")


@pytest.mark.parametrize("encode", [lambda text: text.encode(), lambda text: b"\xef\xbb\xbf" + text.encode()])
@pytest.mark.parametrize("name", ["x.json", "x.json.gz", "X.JSON.GZ"])
def test_conversations_may_be_packed_and_marked(write, name, encode):
    content = encode(json.dumps([conversation("炒饭的做法", output_of(["饭"], ["炒。"]))]))
    (recipe,) = read_recipes(write(name, gzip.compress(content) if name.lower().endswith(".gz") else content))
    assert (recipe.name, recipe.ref) == ("炒饭", f"{name}#0")


@pytest.mark.parametrize(
    ("ingredients", "steps"),
    [
        (["1个[大]蛋", "盐]少许["], ["拌[匀]。"]),
        (["It's 1个", '他说"好"'], ["放'盐'。"]),
        (["一半\\一半", "a\\"], ["切\n碎。"]),
        (["'''", '"'], ["[']"]),
        ([], ["炒。"]),
    ],
)
def test_brackets_and_quotes_inside_the_lists_are_text(write_xtuner, ingredients, steps):
    (recipe,) = read_recipes(write_xtuner(conversation("炒饭的做法", output_of(ingredients, steps))))
    assert (recipe.ingredients, recipe.steps) == (tuple(ingredients), tuple(steps))


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({}, "no conversation[0] with input and output"),
        ([], "no conversation[0] with input and output"),
        ("text", "no conversation[0] with input and output"),
        (None, "no conversation[0] with input and output"),
        ({"conversation": []}, "no conversation[0] with input and output"),
        ({"conversation": [{"input": "炒饭"}]}, "no conversation[0] with input and output"),
        (conversation(5, "['a']['b']"), "input and output are not both text"),
        (conversation("炒饭", ["a"]), "input and output are not both text"),
        (conversation("炒饭", "没有列表"), "0 lists in the output, ingredients and steps were wanted"),
        (conversation("炒饭", "['饭']"), "1 lists in the output, ingredients and steps were wanted"),
        (conversation("炒饭", "['a'] ['b'] ['c']"), "3 lists in the output, ingredients and steps were wanted"),
        (conversation("炒饭", "['饭' ['炒']"), "1 lists in the output, ingredients and steps were wanted"),
        (conversation("的做法", "['a'] ['b']"), "no dish in the input"),
        (conversation(" ？", "['a'] ['b']"), "no dish in the input"),
        (conversation("菜" * 501, "['a'] ['b']"), "name: String should have at most 500 characters"),
    ],
)
def test_a_bad_conversation_is_told_and_does_not_stop_the_rest(write_xtuner, item, reason):
    good = conversation("炒饭的做法", output_of(["饭"], ["炒。"]))
    before, rejected, after = read_recipes(write_xtuner(good, item, good))
    assert (before.ref, after.ref) == ("x.json#0", "x.json#2")
    assert isinstance(rejected, Rejected)
    assert (rejected.ref, rejected.reason) == ("x.json#1", reason)
    assert 0 < len(rejected.quote) <= 80


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.json is no JSON"),
        (b"{broken", "x.json is no JSON"),
        (b"\xff\xfe\xfd", "x.json is no JSON"),
        (b"[" * 100_000, "x.json is no JSON"),
        (b"{}", "x.json holds a dict, a list of conversations was wanted"),
        (b'"a"', "x.json holds a str, a list of conversations was wanted"),
        (lines_of(EGGS, RICE), "x.json is no JSON"),
    ],
)
def test_a_file_that_holds_no_conversations_is_refused(write, content, message):
    with pytest.raises(SourceError, match=message):
        list(read_recipes(write("x.json", content)))


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').system('touch {0}')",
        "[__import__('os').system('touch {0}')]",
        "['a', __import__('os').system('touch {0}')]",
        "[open('{0}', 'w')]",
        "[x for x in [open('{0}', 'w')]]",
        "[(lambda: open('{0}', 'w'))()]",
        "[f\"{{open('{0}', 'w')}}\"]",
        "[[].__class__.__base__.__subclasses__()]",
    ],
)
def test_code_in_the_output_is_never_run(write_xtuner, tmp_path, code):
    target = tmp_path / "pwned"
    text = code.format(target)
    (item,) = read_recipes(write_xtuner(conversation("炒饭的做法", f"{text}\n{text}")))
    assert not target.exists()
    assert isinstance(item, Rejected) or all("pwned" not in line or "(" not in line for line in item.ingredients)


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("a ['x', \"y\"] b [1, 2.5, None]", [["x", "y"], [1, 2.5, None]]),
        ("[']'] [\"[\"]", [["]"], ["["]]),
        ("[['x'], ['y']]", [[["x"], ["y"]]]),
        ("[图1] ['x']", [["x"]]),
        ("[unfinished ['x']", [["x"]]),
        ("['a\\']", []),
        ("['\\d']", [["\\d"]]),
        ("[]", [[]]),
        ("", []),
    ],
)
def test_list_literals_are_found(text, lists):
    assert python_lists(text) == lists


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.lists(st.text(max_size=12), max_size=4), max_size=3), st.text(alphabet="食材:\n ，", max_size=5))
def test_what_python_writes_is_read_back(lists, between):
    text = between + between.join(map(repr, lists))
    assert python_lists(text) == lists


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="[]'\"\\,1a 食", max_size=40)))
def test_any_text_has_lists_or_none(text):
    assert all(isinstance(item, list) for item in python_lists(text))


@pytest.mark.parametrize("piece", ["[", "[[]", "['", "[a]", "]["])
def test_a_text_of_brackets_takes_no_long_time(piece):
    started = time.perf_counter()
    python_lists(piece * 20_000)
    assert time.perf_counter() - started < 5


@settings(derandomize=True, deadline=None, max_examples=60)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_any_bytes_give_items_or_a_source_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.jsonl", "a.jsonl.gz", "a.tar.gz", "a.json"):
        path = folder / name
        path.write_bytes(content)
        try:
            items = list(read_recipes(path))
        except SourceError:
            continue
        assert [item.ref for item in items] == [f"{name}#{number}" for number in range(len(items))]
