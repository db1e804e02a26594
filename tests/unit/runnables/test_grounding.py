"""No quantity, time or temperature passes that the recipe does not have, and nothing that it has is taken away."""

import itertools
import random
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from recipes import Recipe
from runnables.grounding import GroundingCheck, build_grounding, split_sentences

SUPPORTED = [
    # the recipe's own words, and other spellings of the same amounts
    "小火炖50分钟。", "小火炖五十分钟。", "小火炖 ５０ 分钟。", "小火炖**50**分钟。", "小火炖`50`分钟",
    "冷水下锅焯120秒。",
    "1斤五花肉", "半公斤五花肉", "0.5千克五花肉", "五花肉500 g", "五花肉500克", "五花肉（500克）", "五花肉：500克",
    "**五花肉**：500克",
    "500克新鲜的五花肉", "五花肉大约500克", "2大勺生抽", "生抽两汤匙", "两大匙生抽", "1/2茶匙盐", "½茶匙盐",
    "0.5茶匙盐", "盐半茶匙",
    "预热到一百八十度", "180℃", "180摄氏度", "烤10~15分钟", "烤10到15分钟", "烤十至十五分钟", "烤10分钟。",
    "最多烤15分钟。",
    "油温6成热", "油温烧到六成", "放2汤匙油", "放2汤匙食用油", "3人份", "全程大约90分钟", "一共要1.5小时",
    "姜3片、葱1根、八角2个", "五花肉500克冰糖30克", "50 minutes", "Simmer for 50 minutes. Add 2 tablespoons of 生抽.",
    # ordinals, list numbers and articles are no amounts
    "1. 小火炖50分钟。", "1、焯水", "1) 焯水", "（2）焯水", "**3.** 焯水", "### 4. 焯水", "①焯2分钟",
    "第一步：焯2分钟。", "第七步，焯水",
    "步骤3：小火炖50分钟。", "步骤 8. 焯水", "Step 9: 焯水", "做法7：焯水", "二、炖50分钟", "在第8步之后收汁",
    "见步骤 7", "3. 2个八角",
    "取一个大碗", "准备一口干净的锅", "朝一个方向搅拌", "淋一圈油", "拌一下", "每一块都裹上糖色",
    "十分入味，四周翻一翻", "万一糊了就关火",
    # nothing to check
    "菜谱里没有写。", "大火收汁。", "。", "   ", "- ", "",
]  # fmt: skip
UNSUPPORTED = {
    # said: what is found wrong in it
    "小火炖35分钟。": "35分钟", "小火炖三十五分钟。": "三十五分钟", "小火炖３５分钟。": "35分钟",
    "小火炖**35**分钟。": "35分钟",
    "炖1小时": "1小时", "炖半小时": "半小时", "炖一个半小时": "一个半小时", "炖三刻钟": "三刻钟",
    "炖十几分钟": "十几分钟", "炖3天": "3天",
    "泡一晚": "一晚", "炖50秒": "50秒", "焯50度的水": "50度", "烤12分钟": "12分钟", "烤10到20分钟": "10到20分钟",
    "烤5~10分钟": "5~10分钟",
    "炖35 minutes": "35 分钟", "a 35-minute stew": "35分钟", "for half an hour": "半小时", "twenty minutes": "20分钟",
    "预热到200度": "200度", "预热到二百度": "二百度", "200℃": "200℃", "350华氏度": "350华氏度", "油温七成热": "七成",
    "油温烧到八成": "八成",
    "五分熟": "五成", "倒至七分满": "七成",
    "800克五花肉": "800克", "2斤五花肉": "2斤", "半斤五花肉": "半斤", "三两冰糖": "三两", "3汤匙生抽": "3汤匙",
    "5茶匙盐": "5茶匙",
    "1.5汤匙盐": "1.5汤匙", "1.50分钟": "1.50分钟", "2茶匙盐": "2茶匙", "半汤匙盐": "半汤匙", "4人份": "4人份",
    "5个八角": "5个",
    # an amount of the recipe beside the wrong ingredient
    "500克冰糖": "500克", "冰糖500克": "500克", "冰糖：500克": "500克", "冰糖（500克）": "500克",
    "**冰糖**：500 g": "500 g",
    "30克五花肉": "30克", "500克优质冰糖": "500克", "500克切好的冰糖": "500克", "冰糖要放500克": "500克",
    "冰糖的用量是500克": "500克",
    "五花肉30克冰糖500克": "500克", "3片八角": "3片", "2汤匙盐": "2汤匙", "盐2汤匙": "2汤匙",
    "3汤匙生抽和油": "3汤匙", "5克清水": "5克",
    # numbers that the parser of recipes does not read
    "第35分钟翻面": "第35分钟", "第三十五分钟": "第三十五分钟", "放三分之二的冰糖": "三分之二",
    "放一半的冰糖": "一半", "50%": "50%",
    "百分之五十": "百分之五十", "伍拾克": "伍拾克", "炖5十分钟": "5十分钟", ".5汤匙油": ".5汤匙",
    "炖廿分钟": "廿分钟", "炖⑤分钟": "⑤分钟",
    "水和肉1:2": "1:2", "水和肉一比二": "一比二", "2-99": "2-99", "35": "35",
    # an amount does not hide behind a list number
    "1. 小火炖35分钟。": "35分钟", "步骤3：小火炖35分钟。": "35分钟", "20、30分钟": "30分钟", "10:1": "10:1",
    "步骤3炖35分钟": "35分钟",
    # the total time is the time of no step
    "小火炖90分钟。": "90分钟", "炖到完全酥烂，90分钟": "90分钟",
}  # fmt: skip


@pytest.mark.parametrize("sentence", SUPPORTED)
def test_what_the_recipe_supports_passes_unchanged(pork: Recipe, sentence: str):
    check = GroundingCheck(pork)
    assert check.unsupported(sentence) == []
    assert check.check(sentence) == sentence
    assert check.report()["replaced"] == []


@pytest.mark.parametrize(("sentence", "found"), UNSUPPORTED.items())
def test_what_the_recipe_lacks_is_caught(pork: Recipe, sentence: str, found: str):
    check = GroundingCheck(pork)
    assert found in [quantity.text for quantity in check.unsupported(sentence)]
    assert sentence.strip("。") not in check.check(sentence)


def test_the_words_of_the_title_and_aliases_may_be_said():
    recipe = Recipe(name="十分钟快手三杯鸡", aliases=("24小时卤味",), steps=("炒5分钟。",))
    check = GroundingCheck(recipe)
    assert check.unsupported("十分钟快手三杯鸡是这样做的。") == []
    assert check.unsupported("24小时卤味") == []
    assert [q.text for q in check.unsupported("炒12分钟。")] == ["12分钟"]


def test_the_dish_is_none_of_its_ingredients_and_a_question_is_no_answer(pork: Recipe):
    check = GroundingCheck(pork)
    for said in ("红烧肉有3人份。", "红烧肉放2汤匙就够了。", "红烧肉炖几分钟？", "放几片姜?"):
        assert check.check(said) == said
    assert [q.text for q in check.unsupported("炖几分钟。")] == ["几分钟"]
    assert [q.text for q in check.unsupported("是不是炖35分钟？")] == ["35分钟"]


def test_amounts_of_one_ingredient_in_several_lines_all_count():
    recipe = Recipe(
        name="面", ingredients=("5片姜", "3个番茄（约400克）"), steps=("加2片姜，番茄400克。", "放剩下的3片姜。")
    )
    check = GroundingCheck(recipe)
    for said in ("姜5片", "2片姜", "3片姜", "番茄约400克", "3个番茄"):
        assert check.unsupported(said) == [], said
    assert check.unsupported("400克姜")
    assert check.unsupported("5个番茄")


def test_what_stands_beside_an_ingredient_without_being_its_amount():
    recipe = Recipe(name="甜汤面", ingredients=("200克挂面", "30克冰糖"), steps=("分成3个小碗。", "放冰糖。"))
    check = GroundingCheck(recipe)
    assert check.unsupported("冰糖分3个小碗装。") == []
    assert check.unsupported("揉成一个面团。") == []
    assert check.unsupported("冰糖3个。")
    assert check.unsupported("3个冰糖。")


def test_a_list_number_inside_a_line_of_the_recipe_hides_no_amount():
    recipe = Recipe(name="虾", steps=("3.虾洗净。4.一大勺生抽，翻炒。",))
    assert GroundingCheck(recipe).check("4.一大勺生抽，翻炒。") == "4.一大勺生抽，翻炒。"


def test_a_vague_ingredient_gets_no_number():
    recipe = Recipe(name="汤", ingredients=("适量盐", "5克糖"), steps=("调味。",))
    assert GroundingCheck(recipe).unsupported("5克糖") == []
    assert [q.text for q in GroundingCheck(recipe).unsupported("5克盐")] == ["5克"]


def test_with_a_focus_only_its_numbers_are_an_answer(pork: Recipe):
    stew = pork.steps[2]
    check = GroundingCheck(pork, (stew,))
    assert check.check("炖50分钟。") == "炖50分钟。"
    # 5 minutes and 180 degrees are in the recipe, but were not asked for.
    assert [q.text for q in check.unsupported("炖5分钟。")] == ["5分钟"]
    assert [q.text for q in check.unsupported("180度")] == ["180度"]
    # A detail's own line is given even where the model's sentence shares no word with it.
    assert GroundingCheck(pork, (stew,)).check("九十度！") == stew


def test_a_replaced_sentence_is_the_closest_line_with_number_and_line_break_kept(pork: Recipe):
    check = GroundingCheck(pork)
    assert check.check("3. 倒入清水没过肉，小火炖35分钟。\n") == f"3. {pork.steps[2]}\n"
    assert check.check("完全无关的句子，等待99天。\n") == ""
    assert check.check("加入30克五花肉；") == "500克五花肉；", "an ingredient line has no full stop of its own"


def test_the_same_line_is_never_put_in_twice(pork: Recipe):
    check = GroundingCheck(pork)
    said = "小火炖35分钟，没过肉的清水。"
    assert check.check(said) == pork.steps[2]
    assert pork.steps[2] not in check.check(said)
    assert [r["instead"] for r in check.report()["replaced"]].count(pork.steps[2]) == 1


def test_a_line_that_was_said_right_is_not_said_again_for_a_wrong_sentence(pork: Recipe):
    check = GroundingCheck(pork)
    assert check.check(pork.steps[2]) == pork.steps[2]
    assert pork.steps[2] not in check.check("加姜、八角、生抽，倒入没过肉的清水，小火炖35分钟。")


def test_of_a_line_only_the_part_is_put_in_that_was_not_said_yet(pork: Recipe):
    right, wrong = "烤箱预热到180度，烤10~15分钟；", "油温八成热时再下锅。"
    check = GroundingCheck(pork)
    assert check.check(right) + check.check(wrong) == pork.steps[3]
    check = GroundingCheck(pork)
    said = check.check("烤箱预热到180度，烤99分钟；") + check.check("油温六成热时再下锅。\n") + check.check("收汁。")
    assert said == f"{pork.steps[3]}\n收汁。", "what the replacement said already is not said again"


def test_the_report_names_what_was_said_what_is_wrong_and_what_is_said_instead(pork: Recipe):
    check = GroundingCheck(pork)
    for sentence in ("五花肉焯水。", " \n", "小火炖35分钟，放30克五花肉。", "等99天。"):
        check.check(sentence)
    assert check.report() == {
        "sentences": 3,
        "replaced": [
            {
                "said": "小火炖35分钟，放30克五花肉。",
                "unsupported": ["35分钟", "30克"],
                "instead": check.replacements[0].instead,
            },
            {"said": "等99天。", "unsupported": ["99天"], "instead": ""},
        ],
    }
    assert check.replacements[0].instead in (*pork.steps, *pork.ingredients)


@pytest.mark.parametrize(
    ("text", "sentences", "rest"),
    [
        ("一。二！三", ["一。", "二！"], "三"),
        ("一。", [], "一。"),
        ("他说：“好。”然后", ["他说：“好。”"], "然后"),
        ("一。\n\n二\n", ["一。\n", "\n", "二\n"], ""),
        ("真的？！好；", ["真的？！"], "好；"),
        ("Wait 5 min. Then 1.5 cups.", ["Wait 5 min."], " Then 1.5 cups."),
        ("1. 切肉 2. 炖", [], "1. 切肉 2. 炖"),
        ("", [], ""),
    ],
)
def test_sentences(text: str, sentences: list[str], rest: str):
    assert split_sentences(text) == (sentences, rest)


PIECES = st.sampled_from(
    ["1. ", "12", "小火炖50分钟", "小火炖35分钟", "500克冰糖", "油温六成热", "油温八成", "。", "；", "！", "\n", "\n\n",
     "”", "）", "min", ".", " ", "，", "菜", "步骤3：", "**", "1.5", "汤匙盐", "第35", "分钟", "烤10~15分钟；"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=14).map("".join), st.lists(st.integers(0, 60), max_size=20))
def test_it_does_not_matter_how_the_stream_is_cut(text: str, cuts: list[int]):
    recipe = Recipe(
        name="肉",
        ingredients=("500克五花肉", "30克冰糖", "半茶匙盐"),
        steps=("小火炖50分钟。", "烤10~15分钟；油温六成热时下锅。"),
    )
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    whole, pieces, letters = GroundingCheck(recipe), GroundingCheck(recipe), GroundingCheck(recipe)
    expected = "".join(whole.feed(text)) + whole.finish()
    cut_up = [s for start, end in itertools.pairwise(edges) for s in pieces.feed(text[start:end])]
    assert "".join(cut_up) + pieces.finish() == expected
    assert "".join(s for letter in text for s in letters.feed(letter)) + letters.finish() == expected
    assert whole.report() == pieces.report() == letters.report()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("一二三十半两百0159.~、，。；\n 克分钟度小时个片汤匙盐糖炖%/：第步“”()*a"), max_size=60))
def test_any_text_is_read_to_its_end_and_never_loses_a_supported_sentence(text: str):
    sentences, rest = split_sentences(text)
    assert "".join(sentences) + rest == text
    check = GroundingCheck(Recipe(name="汤", steps=("炖5分钟。",)))
    out = "".join(check.feed(text)) + check.finish()
    if not check.replacements:
        assert out == text


@pytest.mark.parametrize(
    "text", ["大约" * 400, "1" * 800, "半" * 800, "一二" * 400, "1、" * 400, "新鲜的" * 300, "百分之" * 300]
)
def test_a_model_that_repeats_itself_is_read_in_linear_time(pork: Recipe, text: str):
    check = GroundingCheck(pork)
    check.unsupported(text)  # a pattern that backtracks would run into the time limit of the test run
    assert check.feed(text) == []


# The streams ------------------------------------------------------------------------------------------------------

ANSWER = "1. 五花肉焯2分钟。\n2. 小火炖35分钟。\n3. 大火收汁。"


def _chunks(text: str, size: int) -> list[AIMessageChunk]:
    return [AIMessageChunk(content=text[at : at + size]) for at in range(0, len(text), size)]


async def _async(chunks: list[AIMessageChunk]) -> AsyncIterator[AIMessageChunk]:
    for chunk in chunks:
        yield chunk


async def test_sync_stream_async_stream_and_invoke_say_the_same(pork: Recipe):
    step = build_grounding(pork)
    invoked = step.invoke(AIMessage(ANSWER))
    assert invoked.content == f"1. 五花肉焯2分钟。\n2. {pork.steps[2]}\n3. 大火收汁。"
    assert invoked.response_metadata["grounding"]["sentences"] == 3
    assert [r["unsupported"] for r in invoked.response_metadata["grounding"]["replaced"]] == [["35分钟"]]
    for size in (1, 3, 100):
        streamed = list(step.transform(iter(_chunks(ANSWER, size))))
        astreamed = [chunk async for chunk in step.atransform(_async(_chunks(ANSWER, size)))]
        for found in (streamed, astreamed):
            assert "".join(str(chunk.content) for chunk in found) == invoked.content
            assert found[-1].response_metadata["grounding"] == invoked.response_metadata["grounding"]
            assert [chunk for chunk in found[:-1] if chunk.response_metadata] == [], "the report comes once, at the end"


async def test_async_invoke_equals_invoke(pork: Recipe):
    step = build_grounding(pork)
    first, second = step.invoke(AIMessage(ANSWER)), await step.ainvoke(AIMessage(ANSWER))
    assert (first.content, first.response_metadata) == (second.content, second.response_metadata)


def test_a_sentence_leaves_as_soon_as_it_is_complete(pork: Recipe):
    consumed: list[str] = []

    def source() -> Iterator[AIMessageChunk]:
        for chunk in _chunks(ANSWER, 1):
            consumed.append(str(chunk.content))
            yield chunk

    stream = build_grounding(pork).transform(source())
    assert next(stream).content == "1. 五花肉焯2分钟。\n"
    assert "".join(consumed) == "1. 五花肉焯2分钟。\n"
    stream.close()


def test_two_answers_about_one_recipe_do_not_share_what_was_said(pork: Recipe):
    step = build_grounding(pork)
    assert step.invoke(AIMessage(ANSWER)).content == step.invoke(AIMessage(ANSWER)).content


def test_an_empty_answer_still_has_a_report(pork: Recipe):
    assert build_grounding(pork).invoke(AIMessage("")).response_metadata["grounding"] == {
        "sentences": 0,
        "replaced": [],
    }


# The corpus -------------------------------------------------------------------------------------------------------

NUMBER = re.compile(
    r"(\d+(?:\.\d+)?)(?:\s*[~～\-至到]\s*(\d+(?:\.\d+)?))?\s*(小时|分钟|秒|克|毫升|汤匙|茶匙|厘米|度|℃|个|片|根|瓣)"
)
FACTOR = {"小时": ("s", 3600), "分钟": ("s", 60), "秒": ("s", 1), "度": ("℃", 1)}
DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}


def _plain_number(match: re.Match[str]) -> str:
    """五十 -> 50, for numbers below a hundred: the oracle's own reading of Chinese numerals."""
    tens, ten, ones = match[1], match[2], match[3]
    value = (DIGITS.get(tens, 1) * 10 if ten else DIGITS.get(tens, 0)) + DIGITS.get(ones, 0)
    return str(value)


def _oracle(text: str) -> set[tuple[str, float]]:
    """Every digit-and-unit of a text, in seconds, degrees or its own unit; knows nothing of the project's parser."""
    text = re.sub(r"[*＊]", "", text).translate({ord("０") + n: str(n) for n in range(10)})
    text = re.sub(r"半(?=小时|茶匙|汤匙|根|个)", "0.5", text)
    text = re.sub(r"([一二两三四五六七八九]?)(十?)([一二三四五六七八九]?)(?=小时|分钟|秒|克|毫升|汤匙|茶匙|厘米|度)",
                  lambda m: _plain_number(m) if m[0] else "", text)  # fmt: skip
    found = set()
    for low, high, unit in NUMBER.findall(text):
        kind, factor = FACTOR.get(unit, (unit, 1))
        found |= {(kind, float(number) * factor) for number in (low, high) if number}
    return found


def _known(recipe: Recipe) -> set[tuple[str, float]]:
    return _oracle("\n".join((*recipe.steps, *recipe.ingredients, recipe.name, f"{recipe.time_min}分钟")))


def _sample(corpus: list[Recipe], count: int, seed: int) -> list[Recipe]:
    return random.Random(seed).sample(corpus, count)


def test_the_recipes_own_words_always_pass(corpus: list[Recipe]):
    replaced = []
    for recipe in _sample(corpus, 100, 1):
        numbered = [f"{number}. {step}\n" for number, step in enumerate(recipe.steps, start=1)]
        for lines in (recipe.steps, recipe.ingredients, numbered, [f"- {line}\n" for line in recipe.ingredients]):
            check = GroundingCheck(recipe)
            for line in lines:
                sentences = check.feed(line)
                assert "".join([*sentences, check.finish()]) == line or check.replacements, line
            replaced += check.replacements
    assert replaced == []


def test_a_changed_number_is_caught(corpus: list[Recipe]):
    rng = random.Random(2)
    changed = caught = 0
    for recipe in _sample(corpus, 100, 3):
        known = _known(recipe)
        for step in recipe.steps:
            for match in NUMBER.finditer(step):
                for new in (match[1][::-1], f"{match[1]}0", str(rng.randint(2, 240)), str(rng.randint(2, 30))):
                    kind, factor = FACTOR.get(match[3], (match[3], 1))
                    if not re.fullmatch(r"[1-9]\d*", new) or (kind, float(new) * factor) in known:
                        continue
                    mutant = step[: match.start(1)] + new + step[match.end(1) :]
                    check = GroundingCheck(recipe)
                    said = "".join(check.feed(mutant)) + check.finish()
                    changed += 1
                    caught += bool(check.replacements)
                    assert not (_oracle(said) - known), (mutant, said)
    assert changed > 1000
    assert caught / changed >= 0.98, f"{caught} of {changed}"


SPELLINGS = [
    lambda number, unit: f"{number}{unit}",
    lambda number, unit: f"{number} {unit}",
    lambda number, unit: f"**{number}**{unit}",
    lambda number, unit: "".join(chr(ord("０") + int(digit)) for digit in str(number)) + unit,
    lambda number, unit: f"{number}到{number + 7}{unit}",
    lambda number, unit: (("" if number < 20 else "零一二三四五六七八九"[number // 10]) + "十" if number > 9 else "")
    + ("零一二三四五六七八九"[number % 10] if number % 10 else "") + unit,
]  # fmt: skip


def test_no_unsupported_number_is_left_in_an_answer_full_of_them(corpus: list[Recipe]):
    """Steps with numbers changed, moved and respelt, streamed in pieces: the oracle finds nothing that is not there."""
    rng = random.Random(4)
    attacked = 0
    for recipe in _sample(corpus, 100, 5):
        known = _known(recipe)
        answer = ""
        for number, step in enumerate(recipe.steps, start=1):

            def respell(match: re.Match[str]) -> str:
                return rng.choice(SPELLINGS)(
                    rng.randint(2, 98), rng.choice(["分钟", "秒", "克", "度", "毫升", match[3]])
                )

            marker = rng.choice([f"{number}. ", "", "第二步：", "- ", f"**步骤{number}：** "])
            answer += marker + NUMBER.sub(respell, step) + rng.choice(["\n", "", "\n\n"])
        attacked += len(_oracle(answer) - known)
        check, said = GroundingCheck(recipe), ""
        while answer:
            size = rng.randint(1, 9)
            said += "".join(check.feed(answer[:size]))
            answer = answer[size:]
        said += check.finish()
        assert not (_oracle(said) - known), said
    assert attacked > 500, "the answers were wrong enough to be a test"


def test_a_replacement_is_always_a_line_of_the_recipe_or_nothing(corpus: list[Recipe]):
    rng = random.Random(6)
    for recipe in _sample(corpus, 60, 7):
        check = GroundingCheck(recipe)
        for step in recipe.steps:
            check.check(NUMBER.sub(lambda match: f"{rng.randint(2, 400)}{match[3]}", step))
        lines = "\n".join((*recipe.steps, *recipe.ingredients))
        given = [replacement.instead for replacement in check.replacements]
        assert all(line in lines for line in given)
        shown = [line for line in given if line]
        assert len(shown) == len(set(shown))
