"""The questions that a recipe answers: titles cleaned, question forms made, question shells taken off.

HyQE files a recipe under questions. A question has a *shell* (怎么做, 教我弄个, 想吃…咋整) around a *core* (the dish).
The index embeds the core in one canonical shell, and a question is brought to the same shape before it is searched, so
that what is compared is the dish and not the politeness around it.
"""

import re
from functools import lru_cache

from opencc import OpenCC

from recipes.numerals import to_halfwidth
from recipes.recipe import Recipe

CANONICAL = "{}的做法"
_BRACKETS = re.compile(r"【[^【】]*】|\[[^\[\]]*\]|[（(][^（）()]*[）)]|《|》|“|”|\"|「|」|『|』")
_MARKS = re.compile(r"[【】\[\]（）()《》“”\"「」『』]")
_DECORATION = re.compile(r"[~～!！。，,;；:：…·•|丨/\\#*_^✨❤️♥★☆\U0001F300-\U0001FAFF]+")
_MAKE = r"(?:做|弄|整|搞|制作|烹饪|烹制|料理|处理)"
_COOK = r"(?:烧|煮|炒|炖|蒸|烤|煎|炸)"
_DO = rf"(?:{_MAKE}|{_COOK})"
_HOW = r"(?:怎么|怎样|如何|咋|咋个|咋样|怎么样|怎)"
# 一个, 道, 点 ... in front of a dish, but not the head of one: 道口烧鸡, 碗仔翅, 盘龙茄子, 点心.
_SOME = (
    r"一?(?:个(?![旧人])|道(?!口烧|[家士台地])|份(?![子儿菜])|碗(?![仔托糕豆])|盘(?![锦菜丝龙])|点(?!心)|些|顿"
    r"|锅(?![包贴巴盔塌仔底])|下(?![饭水巴酒]))"
)
# One suffix; they are taken off one after the other, because nested repetition would backtrack without end.
_SUFFIX = re.compile(
    r"(?:"
    rf"(?:应该|要|该|得|可以|能|都)?{_HOW}(?:去|来|才能)?{_DO}(?:[法的呢啊呀嘛吗]|出来|(?:才|最|比较)?好吃)*(?:才\S{{1,4}}[的呢啊呀嘛吗]*)?"
    rf"|{_HOW}{_DO}?"
    r"|[的有]?(?:家常|详细|正宗|简单|具体|传统|经典|标准|最简单|好吃)?的?(?:做法|制作方法|烹饪方法|烹饪步骤|步骤|方法|菜谱|食谱|配方|配料|教程|流程|过程|秘方|窍门|诀窍|技巧|秘诀|用料|食材|材料|方子|(?:配料|食材|用料|材料)[和与跟、]?(?:步骤|做法))"
    r"|这道菜|这个菜|那道菜|这菜|都?需?要?注意些?(?:什么|啥|哪些)|求指导|求教|求做法|教一下|教教我|念念不忘|自己"
    r"|(?:可以|能|该|好)?(?:一起)?做(?:点|些|个|道)?(?:什么|啥|哪些)(?:菜|好吃)?"
    r"|(?:都|需要|要|得|该|应该)?(?:用|需要|要|得|放|准备|买|加)(?:准备|用到|放|用|买)?(?:什么|哪些|啥|几种|多少)(?:样的)?(?:材料|食材|原料|配料|东西|调料|佐料|酱料)?"
    rf"|(?:需要|要|得)?{_DO}?(?:多久|多长时间|几分钟|多少时间|几小时)|先放(?:什么|啥)后放(?:什么|啥)|先(?:什么|啥)后(?:什么|啥)"
    r"|该?从哪一?步(?:开始|做起|下手)|(?:一共)?分?有?[哪几]几?[个些]?步骤?|是啥|是什么|是怎样的|有哪些|有什么(?:讲究|区别)?|有啥(?:讲究)?|怎么弄|谁会|有人会做?[不吗]?|(?:学?做)?(?:起来)?(?:难不难|难吗)|好做吗|能教教?我吗"
    r"|给我|告诉我|发我|一下|一份|可以吗|行吗|好吗|[吗嘛呢吧啊呀哦呗哈不了的咧喔哇啦]+"
    r")$"
)
_LONGEST_SUFFIX = 40
# Everything up to a wish or a deed goes: 我男朋友嘴馋…, 昨天在饭店吃了…, 给孩子做…, 周末打算做….
_ANCHOR = re.compile(
    r"^.{0,14}(?:想吃|想喝|想做|想学做?|嘴馋|打算[做弄]|准备[做弄]|学做|学着做|能做出?|会做|要做|教我做|整个|弄个|复刻"
    rf"|做{_SOME}|[吃喝]了|(?<!好)[吃喝]到|尝过|给.{{1,5}}?做|为.{{1,5}}?做)(?:{_SOME})?(?!什么|啥|哪些)(?=.{{2}})"
)
_PREFIXES = re.compile(
    r"^(?:"
    r"求(?!雨)(?=.{2})|突然|好想|今[晚天]|食神(?!炒饭|叉烧)|大厨|师傅|老师(?!傅)|大神|请问(?:一下|下(?![饭酒]))?|问(?!政)(?:一下|下(?![饭酒]))?|您好|你好|嗨(?!皮)|(?:hi|hello)(?![a-z])|麻烦|劳驾|拜托|求助|跪求|急求|谢谢|那么|那(?!不勒|曲|拉)个?|嗯|额(?!吉)|呃|哎|诶|好的|好(?=[\s那就呀吧啊嘞])|(?:最|超级?|比较|更|很)?好吃的(?=.{2})|算了|还是|换成?|再(?=教|告诉|说|来|给|讲)"
    r"|(?:能不能|可不可以|可以|能否|能(?!量)|帮我?|给(?!力)我?|跟我|和我|向我|教教?我?|告诉我?|指导我?|麻烦你?)(?:再)?(?:说说|讲讲|说一下|讲一下|介绍一下|介绍下|讲解一下|查一下|查查|找一下|找找|推荐|告诉我|教教?我|看看|来)?"
    rf"|说说|讲讲|介绍一?下|讲解一?下|查一?下|查查|搜一?下|找一?下|来{_SOME}|给(?:一)?(?:份|个)|我?(?:想|要|打算|准备|计划)(?:要)?(?:知道|了解|请教|学着?|吃|喝|做|弄|整|搞|问|尝试|试试|试着)?(?:一下|下)?(?:怎么)?"
    r"|今[晚天](?:晚上|中午)?|明天|中午|晚上|周末|早上|(?:早餐|午饭|晚饭|晚餐)(?=[\s想吃喝做弄整来要打准可能有就给该]|$)|第一次|头一回|新手|小白(?![菜萝])|在家|自己(?:在家)?|家里|家庭版|你?(?:知道|会(?!宁)|懂)"
    rf"|(?:应该|要|该)?{_HOW}(?:才能|去|来)?(?:{_MAKE}|{_COOK}(?!.{{1,2}}$))(?:出|好(?![吃丽时运])|一[份道个盘碗])?|(?!烤盘|蒸碗|烧锅|烧下|炒锅){_DO}{_SOME}|一?(?:份(?![子儿菜])|道(?!口烧|[家士台地]))(?=.{{2}})|做(?![梦过])(?=.{{2,}})|弄(?!堂)(?=.{{2}})|整(?![鸡鸭鹅鱼虾蛋只条根块粒颗])个?(?=.{{2}})|搞(?![怪定])(?=.{{2}})"
    r"|有人会做?|谁会做?|谁知道|关于|怎么样?|如何|怎样|咋(?:个)?|有没有|有(?![机味盐钱食])|的(?=.{2})"
    r")+"
)
# 炒个饭 and 煮碗面 name the dish with the verb.
_SHORT = re.compile(rf"^(?!烤盘|蒸碗|烧锅|烧下|炒锅)({_COOK}){_SOME}(.{{1,2}})$")
_TIDY = re.compile(r"[\s?？!！。，,、；;：:~～…\"'“”‘’\u200b-\u200f\ufe0f]+")


@lru_cache(maxsize=1)
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def normalise(text: str) -> str:
    """Any user text -> simplified characters, half-width Latin and digits, lower case."""
    return str(_simplifier().convert(to_halfwidth(text))).lower().strip()


@lru_cache(maxsize=16384)
def clean_title(title: str) -> str:
    """A recipe title -> the plain dish name: 【十分钟快手】葱油拌面（2人食） -> 葱油拌面.

    The title itself is returned where nothing would be left.
    """
    text = normalise(title)
    bare = _DECORATION.sub(" ", _BRACKETS.sub(" ", text)).strip()
    bare = re.sub(r"的(?:家常)?做法$", "", bare).strip()
    return bare or text


@lru_cache(maxsize=16384)
def question_cores(question: str) -> tuple[str, ...]:
    """A question -> what each of its clauses asks about, shells taken off, empty ones dropped, at most four.

    我是厨房小白，能做碌鹅吗？教一下 -> (我是厨房小白, 碌鹅): which of them is a dish is for the index to say.
    """
    clauses = re.split(r"[，,。；;！!？?\n]+", normalise(question))
    return tuple(dict.fromkeys(core for clause in clauses if clause.strip() and (core := _peel(clause))))[:4]


def question_core(question: str) -> str:
    """A question -> the longest of its cores; empty where the question is all shell (怎么做？)."""
    return max(question_cores(question), key=len, default="")


def _peel(part: str) -> str:
    core = _TIDY.sub(" ", part).strip()
    while core:
        peeled = _strip_suffixes(core)
        peeled = _PREFIXES.sub("", _SHORT.sub(r"\1\2", _ANCHOR.sub("", peeled))).strip()
        if peeled == core:
            return core
        core = peeled
    return core


def _strip_suffixes(text: str) -> str:
    while match := _SUFFIX.search(text, max(0, len(text) - _LONGEST_SUFFIX)):
        text = text[: match.start()].rstrip()
    return text


def question_forms(recipe: Recipe) -> tuple[str, ...]:
    """Recipe -> the questions it is filed under: canonical form of title, dish and aliases, then its author's own.

    Forms that only differ in their shell are filed once.
    """
    # Some titles put the dish into the brackets (减脂餐【肉末豆腐蛋羹】好吃到哭), so all of its bare words count too.
    whole = " ".join(_DECORATION.sub(" ", _MARKS.sub(" ", normalise(recipe.name))).split())
    names = [clean_title(recipe.name), recipe.dish, *recipe.aliases, whole]
    forms = [CANONICAL.format(name) for name in names if name]
    if recipe.name_en:
        forms.append(f"how to make {recipe.name_en}")
    seen = {question_core(form) or form for form in forms}
    for question in recipe.questions:
        core = question_core(question) or question
        if core not in seen:
            seen.add(core)
            forms.append(question)
    return tuple(dict.fromkeys(forms))
