"""Unsupported quantities in answers over the starter corpus, before and after the grounding check.

    python -m benchmarks.grounding [--answers 100] [--json OUT]

Half of the questions ask for a whole dish, half for one detail of it. The model's raw text (before) and what is served
(after) come from the same generation. A quantity is counted as unsupported by an oracle of its own, which knows nothing
of the check: digits or Chinese numerals with a unit, looked for among all numbers with that unit in the recipe.
Bar: 0 unsupported quantities after the check.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from rich.console import Console
from rich.progress import track

from chains import Components, Settings
from chains.answer import build_answer
from commands.serve import prepare
from recipes import Recipe, find_quantities
from recipes.numerals import parse_number

DETAILS = ("要放多少盐", "要做多久", "食材要准备多少", "第一步要多长时间", "要放几勺生抽")
_UNITS = "毫升|公斤|千克|汤匙|茶匙|小时|分钟|厘米|克|斤|两|勺|个|片|根|瓣|秒|度|℃|块|只|条|颗|粒|碗|杯|天"
_ORACLE = re.compile(rf"(\d+(?:\.\d+)?(?:/\d+)?|[一二两三四五六七八九十百]+|半)\s*({_UNITS})")
_TIMES = {"小时": 60.0, "分钟": 1.0, "秒": 1 / 60, "天": 1440.0}
_MASSES = {"克": 1.0, "公斤": 1000.0, "千克": 1000.0, "斤": 500.0, "两": 50.0}
_NO_COUNT = re.compile(r"一(?:起|下|边|样|些|点|层|面|定|会|直|般)|第[一二三四五六七八九十\d]+|^\s*\d+[.、]", re.M)


def _amounts(text: str) -> Iterator[tuple[float, str, str]]:
    """Text -> (value, unit family, as written), as the oracle reads it."""
    for number, unit in _ORACLE.findall(_NO_COUNT.sub(" ", text)):
        value = parse_number(number)
        if value is None:
            continue
        if unit in _TIMES:
            yield value * _TIMES[unit], "time", number + unit
        elif unit in _MASSES:
            yield value * _MASSES[unit], "mass", number + unit
        else:
            yield value, {"度": "℃"}.get(unit, unit), number + unit


def unsupported(answer: str, recipe: Recipe) -> list[str]:
    """Quantities of an answer that the recipe has nowhere, in no spelling."""
    facts = "\n".join((*recipe.ingredients, *recipe.steps, f"{recipe.servings}个人", f"{recipe.time_min}分钟"))
    known = {(round(value, 3), family) for value, family, _ in _amounts(facts)}
    # Ranges (25~30分钟) name two numbers with one unit: the importer's own reader adds their ends.
    for quantity in find_quantities(facts):
        factor = {"秒": 1 / 60}.get(quantity.kind, 1.0)
        family = {"秒": "time", "克": "mass"}.get(quantity.kind, quantity.kind)
        known |= {(round(end * factor, 3), family) for end in quantity.bounds()}
    return [written for value, family, written in _amounts(answer) if (round(value, 3), family) not in known]


def measure(count: int) -> dict[str, Any]:
    """Ask, and count before and after."""
    parts = Components(Settings.load())
    prepare(parts)
    raw: list[str] = []

    def keep(message: AIMessage) -> AIMessage:
        raw.append(str(message.content))
        return message

    spied = (parts.llm | RunnableLambda(keep)).with_config(run_name="Answer")
    chain = build_answer(parts.search, parts.swap_in, spied, as_message=True)  # type: ignore[arg-type]
    total = parts.index.manifest.recipes
    before: list[dict[str, Any]] = []
    after: list[dict[str, Any]] = []
    replaced = asked = 0
    for number in track(range(count), description="answers", console=Console(stderr=True)):
        recipe = parts.index.recipe(number * total // count)
        detail = DETAILS[number // 2 % len(DETAILS)] if number % 2 else "怎么做"
        raw.clear()
        output = chain.invoke(f"{recipe.name}{detail}")
        if not output["recipes"]:
            continue
        asked += 1
        found = Recipe.model_validate(output["recipes"][0].metadata["recipe"])
        served = output["answer"]
        replaced += len(served.response_metadata.get("grounding", {}).get("replaced", []))
        for text, bucket in (("".join(raw), before), (str(served.content), after)):
            if wrong := unsupported(text, found):
                bucket.append({"question": f"{recipe.name}{detail}", "unsupported": wrong})
    return {
        "answers": asked,
        "unsupported_before": sum(len(row["unsupported"]) for row in before),
        "answers_with_unsupported_before": len(before),
        "unsupported_after": sum(len(row["unsupported"]) for row in after),
        "sentences_replaced": replaced,
        "before": before,
        "after": after,
    }


def main() -> int:
    """Print the counts; 1 where anything unsupported got through."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = measure(options.answers)
    print(json.dumps({key: value for key, value in result.items() if key != "before"}, ensure_ascii=False, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return int(result["unsupported_after"] > 0)


if __name__ == "__main__":
    sys.exit(main())
