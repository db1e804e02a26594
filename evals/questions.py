"""A file of labelled questions: JSON Lines with query, kind and gold record numbers (empty: nothing in the corpus)."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """One question with the records that answer it.

    Attributes:
        text: What is searched: the standalone form of a follow-up, else the question as asked.
        kind: Kind of difficulty, such as ``typo_or_homophone``.
        gold: Numbers of the records that answer it, counted from 0 in the corpus file; empty where none does.
    """

    text: str
    kind: str
    gold: frozenset[int]


def read_questions(path: Path) -> list[LabelledQuestion]:
    """A question file -> its questions, in order."""
    questions = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = row.get("standalone") or row["query"]
        questions.append(LabelledQuestion(text, row["kind"], frozenset(row["gold"])))
    return questions
