"""The same question again and again, alone and eight at a time: how many different lists come back?

    python -m benchmarks.repeatability

Bar: one list per question.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from chains import Components, Settings
from commands.index import ensure_starter
from vectorstores import understand

QUESTIONS = (
    "红烧肉怎么做",
    "红邵肉的做法",
    "家里有鸡蛋和番茄能做什么",
    "how to make kung pao chicken",
    "黑森林蛋糕怎么做",
)


def main() -> int:
    """Print how many different lists each question got; 1 where it was more than one."""
    parts = Components(Settings.load())
    ensure_starter(parts)
    chain = parts.search | parts.swap_in

    def ours(question: str) -> str:
        return json.dumps(
            [document.model_dump() for document in chain.invoke(question)], ensure_ascii=False, sort_keys=True
        )

    result: dict[str, int] = {}
    for question in QUESTIONS:
        understand.cache_clear()
        lists = {ours(question) for _ in range(10)}
        with ThreadPoolExecutor(8) as pool:
            lists |= set(pool.map(ours, [question] * 8))
        result[question] = len(lists)
    print(json.dumps(result, ensure_ascii=False, indent=2))
    return int(any(count != 1 for count in result.values()))


if __name__ == "__main__":
    sys.exit(main())
