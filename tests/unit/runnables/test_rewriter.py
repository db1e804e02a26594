"""Follow-up questions are completed; what can stand alone is left alone."""

import asyncio
import threading

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from runnables.backends import FakeBackend
from runnables.errors import ModelError
from runnables.llm import LlmConfig, RecipeChatModel
from runnables.rewriter import RewriterConfig, RuleRewriter, build_rewriter
from vectorstores import understand

DISHES = {
    "红烧肉", "鱼香肉丝", "可乐鸡翅", "黄焖鸡", "番茄炒蛋", "隔夜燕麦酸奶杯", "清蒸鲈鱼", "红烧茄子", "番茄牛腩",
    "坛子肉", "冰糖雪梨",
}  # fmt: skip
# An index knows some ingredients too: half of 五花肉炒榨菜 is 五花肉.
FOODS = {"五花肉", "鸡肉", "冰糖", "牛肉", "番茄", "豆腐"}


def knows(text: str) -> bool:
    query = understand(text)
    if query.all_shell:
        return False
    return any(
        core in DISHES | FOODS or any(dish in core and len(core) - len(dish) <= 2 for dish in DISHES)
        for core in query.cores
    )


RECIPE = (
    "红烧肉（4人份，约100分钟）\n食材：800克带皮五花肉、40克冰糖、2汤匙生抽、少许盐\n做法：\n"
    "1. 五花肉切块，焯3分钟。\n2. 冰糖炒化。\n3. 小火炖60分钟。\n"
)
Talk = list[BaseMessage]


def talk(*turns: str) -> Talk:
    return [HumanMessage(turn) if number % 2 == 0 else AIMessage(turn) for number, turn in enumerate(turns)]


PORK = talk("红烧肉怎么做", RECIPE)
MENU = talk("晚饭吃什么，推荐几个菜", "可以试试：1. 鱼香肉丝；2. 可乐鸡翅；3. 黄焖鸡。")
LINES = talk(
    "番茄和牛肉能做什么菜", "用番茄、牛肉可以做：\n1. 番茄牛腩（用到番茄、牛肉）\n2. 番茄炒蛋（用到番茄）\n想做哪一个？"
)
BOLD = talk("推荐几个菜", "**1. 鱼香肉丝**：下饭\n**2. 可乐鸡翅**：孩子喜欢\n")
ABSENT = talk("佛跳墙怎么做", "我没有“佛跳墙”的菜谱，不想瞎编。比较接近的有：坛子肉、黄焖鸡、红烧肉。想看哪一个？")
VERSIONS = talk(
    "红烧肉怎么做", "“红烧肉”有 3 种做法：家常红烧肉、毛氏红烧肉、本帮红烧肉。下面是“家常红烧肉”。\n" + RECIPE
)

# history | question | standalone; * stands for the dish joined as it is, or in a clause of its own
FOLLOW_UPS: list[tuple[Talk, str, str]] = [
    # another dish
    (PORK, "那鱼香肉丝呢？", "鱼香肉丝怎么做"),
    (PORK, "鱼香肉丝呢", "鱼香肉丝怎么做"),
    (PORK, "那魚香肉絲呢？", "鱼香肉丝怎么做"),
    (PORK, "好的，再告诉我黄焖鸡", "黄焖鸡怎么做"),
    (PORK, "算了，还是做可乐鸡翅吧", "可乐鸡翅怎么做"),
    (PORK, "算了，还是做隔夜燕麦酸奶杯吧", "隔夜燕麦酸奶杯怎么做"),
    (PORK, "不做这个了，换鱼香肉丝吧", "鱼香肉丝怎么做"),
    (PORK, "换成鱼香肉丝吧", "鱼香肉丝怎么做"),
    (PORK, "那就做黄焖鸡吧", "黄焖鸡怎么做"),
    (PORK, "谢谢，那清蒸鲈鱼呢", "清蒸鲈鱼怎么做"),
    # another dish that the index does not have
    (PORK, "那佛跳墙呢", "佛跳墙怎么做"),
    (PORK, "算了，还是做佛跳墙吧", "佛跳墙怎么做"),
    # a detail of the dish
    (PORK, "要炖多久？", "红烧肉*要炖多久？"),
    (PORK, "那要炖多久呢", "红烧肉*要炖多久呢"),
    (PORK, "好的，那要放多少盐？", "红烧肉*要放多少盐？"),
    (PORK, "热量高吗", "红烧肉*热量高吗"),
    (PORK, "那热量呢", "红烧肉*热量呢"),
    (PORK, "火候怎么掌握", "红烧肉*火候怎么掌握"),
    (PORK, "怎么去腥", "红烧肉*怎么去腥"),
    (PORK, "为什么要焯水", "红烧肉*为什么要焯水"),
    (PORK, "能不能少放点油", "红烧肉*能不能少放点油"),
    (PORK, "用电饭锅可以做吗", "红烧肉*用电饭锅可以做吗"),
    (PORK, "适合小孩子吃吗", "红烧肉*适合小孩子吃吗"),
    (PORK, "先放什么后放什么？", "红烧肉*先放什么后放什么？"),
    (PORK, "需要什么材料", "红烧肉*需要什么材料"),
    (PORK, "怎么做", "红烧肉*怎么做"),
    (PORK, "具体步骤", "红烧肉*具体步骤"),
    (PORK, "第三步怎么做", "红烧肉*第三步怎么做"),
    (PORK, "最后一步怎么做？", "红烧肉*最后一步怎么做？"),
    (PORK, "下一步呢", "红烧肉*下一步呢"),
    # a pronoun
    (PORK, "它要焯水吗", "红烧肉*要焯水吗"),
    (PORK, "这道菜几个人吃", "红烧肉*几个人吃"),
    (PORK, "这个要腌多久", "红烧肉*要腌多久"),
    (PORK, "那个难不难", "红烧肉*难不难"),
    # ingredients that the index knows as well
    (PORK, "换成鸡肉可以吗", "红烧肉*换成鸡肉可以吗"),
    (PORK, "可以用豆腐代替吗", "红烧肉*可以用豆腐代替吗"),
    (PORK, "没有冰糖怎么办", "红烧肉*没有冰糖怎么办"),
    (PORK, "冰糖放多少", "红烧肉*冰糖放多少"),
    (PORK, "五花肉要焯水吗", "红烧肉*五花肉要焯水吗"),
    (PORK, "那五花肉呢", "红烧肉*五花肉呢"),
    (PORK, "盐呢", "红烧肉*盐呢"),
    # a pick
    (MENU, "第二个怎么做？", "可乐鸡翅怎么做"),
    (MENU, "第一道怎么做", "鱼香肉丝怎么做"),
    (MENU, "最后一个怎么做", "黄焖鸡怎么做"),
    (MENU, "倒数第一个", "黄焖鸡怎么做"),
    (MENU, "倒数第三道菜", "鱼香肉丝怎么做"),
    (MENU, "2", "可乐鸡翅怎么做"),
    (MENU, "选第3个吧", "黄焖鸡怎么做"),
    (MENU, "第一种做法", "鱼香肉丝怎么做"),
    (MENU, "第二个要多久", "可乐鸡翅*要多久"),
    (MENU, "第二道菜需要什么材料", "可乐鸡翅*需要什么材料"),
    (LINES, "第二个", "番茄炒蛋怎么做"),
    (BOLD, "第二个怎么做", "可乐鸡翅怎么做"),
    (ABSENT, "第二个", "黄焖鸡怎么做"),
    (ABSENT, "最后一个怎么做", "红烧肉怎么做"),
    (VERSIONS, "第二种怎么做", "毛氏红烧肉怎么做"),
    # two and three turns
    ([*PORK, *talk("那鱼香肉丝呢？", "先切丝。")], "要炒多久", "鱼香肉丝*要炒多久"),
    ([*PORK, *talk("那佛跳墙呢？", "我没有“佛跳墙”的菜谱，不想瞎编。")], "要炖多久", "佛跳墙*要炖多久"),
    ([*ABSENT], "要炖多久", "佛跳墙*要炖多久"),
    ([*PORK, *talk("谢谢", "不客气")], "要炖多久", "红烧肉*要炖多久"),
    ([*PORK, *talk("热量高吗", "菜谱里没有写。", "要焯水吗", "要。")], "炖多久", "红烧肉*炖多久"),
    ([*PORK, *talk("那鱼香肉丝呢？", "……", "算了，还是做可乐鸡翅吧", "……")], "放几个鸡翅", "可乐鸡翅*放几个鸡翅"),
    ([*MENU, *talk("第一个怎么做", RECIPE)], "要炖多久", "鱼香肉丝*要炖多久"),
    ([*MENU, *talk("第一个怎么做", RECIPE)], "第二个呢", "可乐鸡翅怎么做"),
    ([*PORK, *talk("你好", "你好"), *MENU], "第三个怎么做", "黄焖鸡怎么做"),
    ([*PORK, *MENU], "五花肉要焯水吗", "红烧肉*五花肉要焯水吗"),
    (talk("你好", "你好，想做什么菜？"), "那鱼香肉丝呢", "鱼香肉丝怎么做"),
    (talk("来一份红烧肉的详细做法", "……"), "需要炖多久？", "红烧肉*需要炖多久？"),
    (talk("我是厨房小白，能做红烧肉吗？教一下", "……"), "火候怎么掌握", "红烧肉*火候怎么掌握"),
]  # fmt: skip
UNCHANGED: list[tuple[Talk, str]] = [
    # it names its dish, known or not
    *((PORK, question) for question in (
        "鱼香肉丝怎么做", "鱼香肉丝", "鱼香肉丝要放几个鸡蛋", "清蒸鲈鱼要蒸多久", "红烧肉要炖多久",
        "谢谢，黄焖鸡怎么做", "我想吃番茄炒蛋",
        "佛跳墙怎么做", "佛跳墙的做法", "教我做佛跳墙",
    )),
    # it asks for dishes
    *((PORK, question) for question in (
        "推荐几个菜", "晚饭吃什么", "土豆和牛肉能做什么菜", "家里有番茄和鸡蛋，能做什么",
    )),
    # it is no question about food
    *((PORK, question) for question in (
        "谢谢", "好的", "好的明白了", "好的，谢谢你！", "哈哈你太幽默了", "你真厉害", "今天天气不错啊",
        "今天天气怎么样？", "你是谁", "OK", "再见", "嗯嗯",
        "……",
    )),
    # it picks what is not there
    (MENU, "第五个怎么做"), (MENU, "第0个"), (PORK, "第二个怎么做？"), (MENU, "谢谢"), (MENU, "黄焖鸡吧"),
    (ABSENT, "坛子肉吧"),
    # nothing was said that it could be about
    (talk("你好", "你好"), "要炖多久"), (talk("今天天气不错", "是的"), "热量高吗"), ([AIMessage("你好")], "它要焯水吗"),
]  # fmt: skip


@pytest.mark.parametrize(("history", "question", "expected"), FOLLOW_UPS)
def test_follow_ups(history: Talk, question: str, expected: str):
    found = RuleRewriter(knows)(history, question)
    dish, star, rest = expected.partition("*")
    assert found in ([dish + rest, f"{dish}，{rest}"] if star else [dish])
    if star:
        assert understand(found).cores[0] == dish, "the search sees the dish"


@pytest.mark.parametrize(("history", "question"), UNCHANGED)
def test_standalone_questions_are_unchanged(history: Talk, question: str):
    assert RuleRewriter(knows)(history, question) == question


@pytest.mark.parametrize("question", ["要炖多久？", "那鱼香肉丝呢？", "第二个怎么做？", "它要焯水吗", "谢谢"])
def test_without_history_nothing_is_changed(question: str):
    assert build_rewriter(RewriterConfig(), knows).invoke({"history": [], "question": question}) == question


def test_a_dish_in_a_clause_of_its_own_where_the_search_would_not_see_it():
    rules = RuleRewriter(knows)
    assert rules(PORK, "要炖多久？") == "红烧肉要炖多久？"
    assert rules(PORK, "用电饭锅可以做吗") == "红烧肉，用电饭锅可以做吗"


def test_the_steps_of_a_recipe_are_no_menu():
    assert "五花肉切块" not in RuleRewriter(knows)(PORK, "第一个怎么做")


def test_a_kept_turn_says_how_its_question_was_understood():
    # The question that named the dish is too long ago; the answer's metadata still has it.
    history = [AIMessage("要。", response_metadata={"question": "红烧肉要焯水吗"})]
    assert RuleRewriter(knows)(history, "炖多久") == "红烧肉炖多久"


def test_only_the_newest_messages_count():
    history = [*talk("鱼香肉丝怎么做", "……"), *PORK, *talk("谢谢", "不客气")]
    step = build_rewriter(RewriterConfig(max_turns=2), knows)
    assert step.invoke({"history": history, "question": "要炖多久"}) == "要炖多久"
    step = build_rewriter(RewriterConfig(max_turns=4), knows)
    assert step.invoke({"history": history, "question": "要炖多久"}) == "红烧肉要炖多久"


def test_switched_off_nothing_is_changed():
    step = build_rewriter(RewriterConfig(kind="off"), knows)
    assert step.invoke({"history": PORK, "question": "要炖多久"}) == "要炖多久"


def test_the_index_is_asked_once_for_each_name():
    asked: list[str] = []
    rules = RuleRewriter(lambda text: asked.append(text) or knows(text))  # type: ignore[func-returns-value]
    for _ in range(3):
        rules([*PORK, *PORK, *PORK], "要炖多久")
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    "text", ["哈" * 1500 + "x", "好的" * 700 + "x", "1. a" * 500, "那" * 1500, "嗯，" * 700, "第一" * 700]
)
def test_long_and_odd_messages_are_read_in_linear_time(text: str):
    rules = RuleRewriter(knows)
    for history in ([HumanMessage(text), AIMessage(text * 20)], PORK):
        assert rules(history, text[:2000])  # a pattern that backtracks would run into the time limit of the test run


# A language model ---------------------------------------------------------------------------------------------------


def with_model(*says: str, timeout_s: float = 5.0, backend: FakeBackend | None = None):
    backend = backend or FakeBackend()
    backend.enqueue(*says)
    llm = RecipeChatModel(config=LlmConfig(kind="fake", model="fake"), backend=backend)
    return build_rewriter(RewriterConfig(kind="llm", timeout_s=timeout_s), knows, llm), backend


ASKED = {"history": PORK, "question": "要炖多久？"}
BY_RULES = "红烧肉要炖多久？"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("红烧肉需要炖多久？", "红烧肉需要炖多久？"),
        ("改写：红烧肉需要炖多久\n解释：补上了菜名。", "红烧肉需要炖多久"),
        ("“红烧肉炖多久”", "红烧肉炖多久"),
        ("鱼香肉丝要炖多久", BY_RULES),  # letters that nobody said
        ("", BY_RULES),
        ("   \n", BY_RULES),
        ("？", BY_RULES),
        ("要炖多久？", BY_RULES),  # it left the dish out
        ("红烧肉" * 21, BY_RULES),
        ("作为一个人工智能，我无法回答这个问题。", BY_RULES),
        ("The user wants to know how long to stew.", BY_RULES),
    ],
)
async def test_what_the_model_says_is_used_where_it_is_sane(said: str, expected: str):
    step, _ = with_model(said, said)
    assert await step.ainvoke(ASKED) == expected
    assert await asyncio.to_thread(step.invoke, ASKED) == expected, "sync and async are the same"


async def test_the_model_is_told_the_history_and_the_question():
    step, backend = with_model("红烧肉炖多久")
    await step.ainvoke(ASKED)
    prompt = backend.bodies[0]["messages"][-1]["content"]
    assert "用户：红烧肉怎么做" in prompt
    assert "最后的问题：要炖多久？" in prompt


async def test_without_history_the_model_is_not_asked():
    step, backend = with_model("胡说")
    assert await step.ainvoke({"history": [], "question": "要炖多久"}) == "要炖多久"
    assert backend.bodies == []


class Failing(FakeBackend):
    async def astream(self, body):  # type: ignore[no-untyped-def]
        raise ModelError("坏了")
        yield body


class Hanging(FakeBackend):
    def __init__(self) -> None:
        super().__init__()
        self.left = threading.Event()

    async def astream(self, body):  # type: ignore[no-untyped-def]
        try:
            await asyncio.sleep(60)
        finally:
            self.left.set()
        yield body


async def test_a_model_that_fails_leaves_the_rules_answer():
    step, _ = with_model(backend=Failing())
    assert await step.ainvoke(ASKED) == BY_RULES


async def test_a_model_that_hangs_is_left_and_the_rules_answer():
    backend = Hanging()
    step, _ = with_model(timeout_s=0.05, backend=backend)
    assert await step.ainvoke(ASKED) == BY_RULES
    assert backend.left.is_set(), "the generation was stopped"
    backend.left.clear()
    assert await asyncio.to_thread(step.invoke, ASKED) == BY_RULES
    assert backend.left.is_set()


async def test_the_step_is_named_as_in_the_trace():
    assert with_model()[0].get_name() == "RewriteQuestion"
