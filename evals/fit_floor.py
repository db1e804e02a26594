"""Fit the floor: the logistic model that tells the dish that was asked for from the nearest other one.

    python -m evals.fit_floor --corpus FILE --questions FILE [--index DIR]

Positives: questions whose best candidate is right. Negatives: questions with no gold record, and every other question
once more with its gold recipes taken out of the ranking: that is what an absent dish looks like. Weights are fitted on
all of it; the rates printed are of five folds by recipe. The result goes into vectorstores/calibration.py by hand.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.questions import LabelledQuestion, read_questions
from evals.retrieval import TOP_K, open_or_build
from vectorstores import RecipeIndex, understand
from vectorstores.floor import FEATURES
from vectorstores.index import Ranking, clause_for_meaning

FOLDS = 5
RIDGE = 1.0
# A real absent dish says more than a dish that was taken out.
REAL_WEIGHT, REMOVED_WEIGHT = 3.0, 0.5
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One candidate with its features and label."""

    features: tuple[float, ...]
    answers: bool
    weight: float
    kind: str
    fold: int


def _best(
    index: RecipeIndex, question: LabelledQuestion, without: frozenset[int]
) -> tuple[tuple[float, ...], int] | None:
    """Features and record number of the best candidate that is not among the removed recipes."""
    query = understand(question.text)
    lexical = index.lexical_search(query, TOP_K)
    dense = index.dense_search(query, TOP_K, clause_for_meaning(query, lexical))

    def ref(qid: int) -> int:
        return int(index.docstore.card(index.docstore.question(qid)[1])[1].rsplit("#", 1)[1])

    def keep(ranking: Ranking) -> Ranking:
        return replace(ranking, hits=tuple(hit for hit in ranking.hits if ref(hit.qid) not in without))

    candidates = index.fuse(query, keep(lexical), keep(dense))
    if not candidates:
        return None
    top = index.with_features(query, dense.core, dense.mean, candidates[0])
    return tuple(top.features[name] for name in FEATURES), ref(top.qid)


def examples(index: RecipeIndex, questions: list[LabelledQuestion]) -> list[Example]:
    """All training examples; wrong best candidates of answerable questions are left out."""
    found = []
    for number, question in enumerate(questions):
        fold = min(question.gold, default=number) % FOLDS
        best = _best(index, question, frozenset())
        if best is not None and not question.gold:
            found.append(Example(best[0], False, REAL_WEIGHT, "not_in_corpus", fold))
        elif best is not None and best[1] in question.gold:
            found.append(Example(best[0], True, 1.0, question.kind, fold))
        # Without its recipe an ingredient question is still answerable by another one.
        if question.gold and question.kind != "by_ingredient" and (removed := _best(index, question, question.gold)):
            found.append(Example(removed[0], False, REMOVED_WEIGHT, "removed", fold))
    return found


def fit(rows: Floats, labels: Floats, weights: Floats) -> Floats:
    """Ridge logistic regression by Newton's method; the bias is not shrunk."""
    solution = np.zeros(rows.shape[1])
    shrink = np.array([0.0] + [RIDGE] * (rows.shape[1] - 1))
    for _ in range(50):
        probability = 1 / (1 + np.exp(-rows @ solution))
        gradient = rows.T @ (weights * (probability - labels)) + shrink * solution
        curvature = (rows * (weights * probability * (1 - probability))[:, None]).T @ rows + np.diag(shrink + 1e-9)
        solution -= np.linalg.solve(curvature, gradient)
    return solution


def main() -> None:
    """Print the weights and the trade-off between the two kinds of error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--index", type=Path)
    options = parser.parse_args()
    found = examples(open_or_build(options.corpus, options.index), read_questions(options.questions))
    rows = np.array([e.features for e in found])
    labels = np.array([float(e.answers) for e in found])
    weights = np.array([e.weight for e in found])
    folds = np.array([e.fold for e in found])
    kinds = np.array([e.kind for e in found])
    probability = np.zeros(len(found))
    for fold in range(FOLDS):
        held = folds == fold
        probability[held] = 1 / (1 + np.exp(-rows[held] @ fit(rows[~held], labels[~held], weights[~held])))
    print(
        "| answerable rejected | threshold | not in corpus rejected | removed dish rejected |\n"
        "| --- | --- | --- | --- |"
    )
    for share in (0.005, 0.01, 0.02, 0.03, 0.04, 0.05):
        threshold = float(np.quantile(probability[labels == 1], share))
        cells = [(probability[kinds == kind] < threshold).mean() for kind in ("not_in_corpus", "removed")]
        print(f"| {share:.3f} | {threshold:.3f} | {cells[0]:.3f} | {cells[1]:.3f} |")
    solution = fit(rows, labels, weights)
    print("\nweights:", {name: round(float(weight), 2) for name, weight in zip(FEATURES, solution, strict=True)})


if __name__ == "__main__":
    main()
