import pytest
from langchain_core.messages import AIMessage

from chains import Components
from chains.answer import build_answer, not_found_text, opening_text
from recipes import Recipe
from runnables.errors import InvalidInputError


@pytest.fixture
def chain(components: Components):
    return build_answer(components.search, components.swap_in, components.llm, as_message=True)


def test_recipes_come_before_the_answer(chain):
    keys = [key for chunk in chain.stream("红烧肉怎么做") for key in chunk]
    assert list(dict.fromkeys(keys)) == ["question", "recipes", "answer"]
    assert keys.count("answer") > 3


def test_the_opening_is_the_recipes_own_words(chain):
    output = chain.invoke("红烧肉怎么做")
    recipe = Recipe.model_validate(output["recipes"][0].metadata["recipe"])
    text = str(output["answer"].content)
    assert text.startswith(
        f"红烧肉（{recipe.servings}人份，约{recipe.time_min}分钟）\n食材：{'、'.join(recipe.ingredients)}"
    )
    assert output["answer"].response_metadata["status"] == "from_recipe"


def test_a_wrong_number_of_the_model_is_replaced_and_reported(chain, components: Components):
    components.llm.backend.enqueue("1. 先焯水999分钟。\n2. 盛盘。\n")
    answer = chain.invoke("红烧肉怎么做")["answer"]
    assert "999" not in str(answer.content)
    report = answer.response_metadata["grounding"]
    assert report["replaced"][0]["unsupported"] == ["999分钟"]


def test_a_detail_is_answered_from_its_own_line(chain, components: Components):
    components.llm.backend.enqueue("要焖10分钟。")  # 10 minutes is in the recipe, but for the marinade
    answer = str(chain.invoke("可乐鸡翅要焖多久")["answer"].content)
    assert "10分钟" not in answer
    assert "15分钟" in answer
    prompt = components.llm.backend.bodies[-1]["messages"][-1]["content"]
    assert "焖15分钟" in prompt


def test_ingredients_and_not_found_need_no_model(chain, components: Components):
    before = len(components.llm.backend.bodies)
    assert "食材：" in str(chain.invoke("番茄炒蛋需要什么材料")["answer"].content)
    missing = chain.invoke("黑森林蛋糕怎么做")
    assert missing["recipes"] == []
    assert missing["answer"].response_metadata["status"] == "not_found"
    assert len(components.llm.backend.bodies) == before


def test_several_recipes_of_one_dish_are_counted_and_named(chain):
    text = str(chain.invoke("可乐鸡翅怎么做")["answer"].content)
    assert text.startswith("“可乐鸡翅”有 2 种做法：可乐鸡翅、快手可乐鸡翅。")


def test_an_ingredient_question_gets_a_list_to_pick_from(chain):
    text = str(chain.invoke("家里有鸡蛋和番茄能做什么")["answer"].content)
    assert text.startswith("用鸡蛋、番茄可以做：\n1. 番茄炒蛋（用到鸡蛋、番茄）")


def test_no_cooking_question_is_offered_no_dishes():
    assert "不想瞎编" not in not_found_text("你好", [])
    assert "红烧肉怎么做" in not_found_text("你好", [])


@pytest.mark.parametrize("bad", ["", "   ", "\x00", "肉" * 2001])
def test_a_bad_question_is_refused(chain, bad: str):
    with pytest.raises(InvalidInputError):
        chain.invoke(bad)


def test_opening_without_facts():
    assert opening_text(Recipe(name="白粥", steps=("煮。",))) == "白粥\n食材：菜谱里没有写\n"


def test_text_and_message_agree(components: Components):
    plain = build_answer(components.search, components.swap_in, components.llm)
    message = build_answer(components.search, components.swap_in, components.llm, as_message=True)
    answer = message.invoke("蛋挞怎么做")["answer"]
    assert isinstance(answer, AIMessage)
    assert plain.invoke("蛋挞怎么做")["answer"] == answer.content
