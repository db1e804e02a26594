"""recipes/questions.py: titles cleaned, shells taken off, question forms made."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes import Recipe, clean_title, normalise, question_core, question_cores, question_forms

FAST = settings(derandomize=True, deadline=None, max_examples=150)
SHELLISH = st.lists(
    st.sampled_from(
        "怎么做 怎么 的做法 的 呢 吗 好吃 才好吃 教我 请问 一下 想吃 用什么材料 先放什么 步骤 食材和 要多久 ， ？ "
        "！ \n 【 】 （ ） 《 "
        "红烧肉 炒饭 小白菜 a 1 才 做 炒 给我".split(" ")
    ),
    max_size=25,
).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東坡肉怎麼做", "东坡肉怎么做"),
        ("ＫＦＣ原味鸡", "kfc原味鸡"),
        ("３分钟ＡＢＣ", "3分钟abc"),
        ("  Pizza ", "pizza"),
        ("燉雞湯", "炖鸡汤"),
        ("", ""),
    ],
)
def test_normalise(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("title", "dish"),
    [
        ("红烧肉", "红烧肉"),
        ("【十分钟快手】葱油拌面（2人食）", "葱油拌面"),
        ("[雪球厨房]酱爆茄子", "酱爆茄子"),
        ("《家常》红烧排骨", "家常 红烧排骨"),
        ("葱油拌面的做法", "葱油拌面"),
        ("葱油拌面的家常做法", "葱油拌面"),
        ("超好吃❤️蛋挞~~", "超好吃 蛋挞"),
        ("可乐鸡翅🍗🍗", "可乐鸡翅"),
        ("#秋季保胃战#萝卜牛筋", "秋季保胃战 萝卜牛筋"),
        ("香肠土豆焖饭-好吃易做~", "香肠土豆焖饭-好吃易做"),
        ("東坡肉", "东坡肉"),
        ("ＡＢ披萨", "ab披萨"),
        ("煮干丝（淮扬）", "煮干丝"),
        ("【红烧肉】", "【红烧肉】"),
        ("！！！", "！！！"),
        ("【未合上的红烧肉", "【未合上的红烧肉"),
        ("", ""),
    ],
)
def test_clean_title(title, dish):
    assert clean_title(title) == dish


@pytest.mark.parametrize(
    ("question", "core"),
    [
        ("红烧肉怎么做", "红烧肉"),
        ("请问一下红烧肉怎么做呀？", "红烧肉"),
        ("您好，麻烦问下糖醋里脊要怎么做才好吃呢", "糖醋里脊"),
        ("食神食神，教教我宫保鸡丁咋整", "宫保鸡丁"),
        ("想学做鱼香肉丝，求教", "鱼香肉丝"),
        ("我男朋友嘴馋麻婆豆腐了", "麻婆豆腐"),
        ("昨天在饭店吃了毛血旺念念不忘，自己咋做", "毛血旺"),
        ("给孩子做蒸蛋羹，先放什么后放什么", "蒸蛋羹"),
        ("周末打算做酸菜鱼，都需要什么材料", "酸菜鱼"),
        ("今晚想吃个可乐鸡翅", "可乐鸡翅"),
        ("能不能说说回锅肉的家常做法", "回锅肉"),
        ("可以告诉我水煮牛肉的详细步骤吗", "水煮牛肉"),
        ("老师，地三鲜怎么炒", "地三鲜"),
        ("在家怎么做佛跳墙啊", "佛跳墙"),
        ("新手第一次做锅包肉", "锅包肉"),
        ("東坡肉怎麼做？", "东坡肉"),
        ("請問番茄炒蛋的做法", "番茄炒蛋"),
        ("麻煩教我做獅子頭", "狮子头"),
        ("ＫＦＣ原味鸡怎么做", "kfc原味鸡"),
        ("３分钟鸡蛋羹怎么做", "3分钟鸡蛋羹"),
        ("来一份葱油拌面", "葱油拌面"),
        ("来个手撕包菜的菜谱", "手撕包菜"),
        ("搞一份奥尔良烤鸡腿要多久", "奥尔良烤鸡腿"),
        ("整点小龙虾咋整", "小龙虾"),
        ("弄个鸡蛋灌饼呗", "鸡蛋灌饼"),
        ("煎饼果子的配方是什么", "煎饼果子"),
        ("大盘鸡需要准备哪些食材", "大盘鸡"),
        ("兰州拉面的制作方法", "兰州拉面"),
        ("怎么才能做出好吃的油泼面", "油泼面"),
        ("如何烹饪清蒸鲈鱼", "清蒸鲈鱼"),
        ("干锅花菜有什么窍门", "干锅花菜"),
        ("豆角焖面一共分几步", "豆角焖面"),
        ("热干面用什么酱料", "热干面"),
        ("谁会做过桥米线", "过桥米线"),
        ("有人会做驴打滚吗", "驴打滚"),
        ("有没有凉拌木耳的食谱", "凉拌木耳"),
        ("关于叫花鸡的做法", "叫花鸡"),
        ("告诉我怎么做蛋挞", "蛋挞"),
        ("帮我查一下腊八粥的做法", "腊八粥"),
        ("我想知道肉夹馍怎么做", "肉夹馍"),
        ("你知道胡辣汤怎么做吗", "胡辣汤"),
        ("那糖醋排骨呢", "糖醋排骨"),
        ("算了，还是教我做扬州炒饭吧", "扬州炒饭"),
        ("换成青椒肉丝怎么样", "青椒肉丝"),
        ("再教我一道口水鸡", "口水鸡"),
        ("谢谢！那蚂蚁上树怎么做", "蚂蚁上树"),
        ("嗯，那个，咕咾肉咋个做嘛", "咕咾肉"),
        ("狮子头难不难", "狮子头"),
        ("豆浆机做豆腐脑难吗", "豆浆机做豆腐脑"),
        ("怎么炒饭", "炒饭"),
        ("炒个饭", "炒饭"),
        ("怎么蒸蛋", "蒸蛋"),
        ("煮碗面", "煮面"),
        ("如何做好一道松鼠桂鱼", "松鼠桂鱼"),
        ("罗宋汤先炒啥后炒啥", "罗宋汤先炒啥后炒啥"),
        ("三杯鸡怎么做比较好吃", "三杯鸡"),
        ("《舌尖》同款裤带面怎么做", "《舌尖》同款裤带面"),
        ("“夫妻肺片”怎么做", "夫妻肺片"),
        ("求可乐饼做法", "可乐饼"),
        ("求开水白菜的详细做法！！", "开水白菜"),
        ("急求老鸭粉丝汤的做法", "老鸭粉丝汤"),
        ("hello，how to make 担担面", "how to make 担担面"),
        ("黄焖鸡米饭怎么做？在线等，急", "黄焖鸡米饭"),
        ("桂花糕怎么做好吃又不粘牙", "桂花糕怎么做好吃又不粘牙"),
        ("红糖糍粑咋做才不粘锅", "红糖糍粑"),
        ("番茄炒蛋要做多久", "番茄炒蛋"),
        ("红烧肉学做难吗", "红烧肉"),
        ("做锅包肉", "锅包肉"),
        ("做点心", "点心"),
        ("想做点点心", "点心"),
        ("我会做饭吗", "我会做饭"),
        ("怎么做", ""),
        ("怎么做？", ""),
        ("你好", ""),
        ("谢谢", ""),
        ("教教我吧", ""),
        ("家里只有挂面、番茄和鸡蛋能做什么", "只有挂面 番茄和鸡蛋"),
        ("家里有三文鱼能做什么", "三文鱼"),
        ("莲藕和年糕可以一起做什么好吃的", "莲藕和年糕"),
        ("红烧牛肉 好吃到爆怎么做", "红烧牛肉 好吃到爆"),
        ("想吃锅包肉", "锅包肉"),
        ("请问下，锅贴怎么做", "锅贴"),
    ],
)
def test_the_shell_is_taken_off(question, core):
    assert question_core(question) == core


@pytest.mark.parametrize(
    ("question", "cores"),
    [
        ("我是厨房小白，能做碌鹅吗？教一下", ("我是厨房小白", "碌鹅")),
        ("妈妈生日，想给她做长寿面", ("妈妈生日", "长寿面")),
        ("孩子不爱吃青菜，想做个蔬菜饼", ("孩子不爱吃青菜", "蔬菜饼")),
        ("爸爸爱喝酒；花生米怎么炸？", ("爸爸爱喝酒", "花生米")),
        ("可乐鸡翅怎么做，可乐鸡翅的做法", ("可乐鸡翅",)),
        ("红烧肉，红烧鱼，红烧茄子，红烧排骨，红烧豆腐", ("红烧肉", "红烧鱼", "红烧茄子", "红烧排骨")),
        ("怎么做？教教我吧！", ()),
        ("", ()),
    ],
)
def test_every_clause_has_its_core(question, cores):
    assert question_cores(question) == cores


def test_the_core_is_the_longest():
    assert question_core("爱吃辣，麻婆豆腐怎么做") == "麻婆豆腐"


DISHES = (
    "煮干丝 大煮干丝 炒饭 烤肉 蒸蛋 做梦鸡 有机菜心 有味牛肉 一品豆腐 求雨汤 醉虾 小白菜 小白菜豆腐汤 小白萝卜汤 "
    "那不勒斯披萨 能量棒 好丽友派 好运饺子 给力鸡翅 弄堂小馄饨 整鸡 整只烤鸡 锅包肉 锅贴 锅巴肉片 炒锅巴 烤盘鸡 "
    "烧下巴 炒下水 点心拼盘 烤点心 蒸碗肉 碗仔翅 碗托 盘锦河蟹 盘龙茄子 道口烧鸡 道家豆腐 份子面 下饭菜 下酒菜 "
    "额吉奶茶 早餐鸡蛋饼 会宁捞面 问政山笋 查干湖胖头鱼 老师傅红烧肉 食神炒饭 嗨皮虾 关东煮 煎饼果子 炸酱面 炸鸡 "
    "烤鸭 烤冷面 烧卖 烧饼 烧仙草 烧二冬 烧椒皮蛋 炖牛肉 蒸饺 炒面 炒米粉 炒疙瘩 一锅炖 一口酥 一鱼两吃 三不粘 "
    "不辣鸡 驴打滚 地三鲜 今日特汤 hellokitty蛋糕 搞怪饼干 自制酸奶 家常豆腐 再生稻粥 哈密瓜汁"
).split(" ")


@pytest.mark.parametrize("dish", DISHES)
@pytest.mark.parametrize(
    "shell",
    [
        "{}",
        "{}怎么做",
        "请问{}怎么做？",
        "怎么做{}",
        "{}的做法",
        "我想吃{}",
        "教我做{}",
        "想做{}",
        "{}怎么做才好吃呢",
        "{}要多久",
    ],
)
def test_no_shell_eats_a_part_of_the_dish(dish, shell):
    assert question_core(shell.format(dish)) == dish


@FAST
@given(st.one_of(st.text(max_size=60), SHELLISH))
def test_any_text_has_few_clean_cores(text):
    cores = question_cores(text)
    assert len(cores) <= 4
    assert all(core == core.strip() != "" for core in cores)
    assert len(set(cores)) == len(cores)
    assert question_core(text) in (*cores, "")


@FAST
@given(st.one_of(st.text(max_size=60), SHELLISH))
def test_peeling_a_core_again_changes_nothing(text):
    for core in question_cores(text):
        assert question_cores(core) == (core,)


@FAST
@given(st.one_of(st.text(max_size=60), SHELLISH))
def test_a_title_is_never_cleaned_away(text):
    assert bool(clean_title(text)) == bool(normalise(text))


@pytest.mark.parametrize(
    "piece",
    [
        "的", "的呢", "怎么做", "怎么做才", "才好吃", "好吃", "吗", "步骤", "食材和", "食材用料", "用什么", "给我",
        "想吃", "吃了", "问一下",
        "先放什么", "做一个", "【", "[", "（", "~", " ", "，", "a",
    ],
)  # fmt: skip
@pytest.mark.parametrize("frame", ["{}", "怎么做{}鱼", "红烧肉怎么做{}x"])
def test_long_text_takes_no_long_time(piece, frame):
    started = time.perf_counter()
    for length in (60, 10_000):
        text = frame.format((piece * length)[:length])
        question_cores(text)
        clean_title(text)
    assert time.perf_counter() - started < 2


def test_forms_are_name_dish_aliases_english_and_own_questions():
    recipe = Recipe(
        name="【快手】番茄炒蛋（2人）",
        dish="番茄炒蛋",
        aliases=("西红柿炒鸡蛋",),
        name_en="tomato and eggs",
        questions=("番茄炒蛋怎么做", "酸甜下饭的国民菜"),
        steps=("炒。",),
    )
    assert question_forms(recipe) == (
        "番茄炒蛋的做法",
        "西红柿炒鸡蛋的做法",
        "快手 番茄炒蛋 2人的做法",
        "how to make tomato and eggs",
        "酸甜下饭的国民菜",
    )


def test_a_form_that_differs_in_its_shell_is_filed_once():
    recipe = Recipe(
        name="蛋挞",
        questions=("蛋挞怎么做", "教我做蛋挞", "蛋挞的做法是什么", "蛋挞皮怎么擀", "蛋挞皮怎么擀？"),
        steps=("烤。",),
    )
    assert question_forms(recipe) == ("蛋挞的做法", "蛋挞皮怎么擀")


def test_a_question_that_is_all_shell_is_kept_as_it_is():
    assert question_forms(Recipe(name="蛋挞", questions=("怎么做",), steps=("烤。",))) == ("蛋挞的做法", "怎么做")


@FAST
@given(SHELLISH.filter(str.strip), st.lists(SHELLISH, max_size=4))
def test_any_recipe_has_forms(name, questions):
    forms = question_forms(Recipe(name=name, questions=tuple(questions), steps=("做。",)))
    assert forms
    assert len(set(forms)) == len(forms)
