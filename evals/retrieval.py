"""Recall@1/3, MRR@10 and rejection of a labelled question set, by kind and method.

    python -m evals.retrieval --corpus FILE --questions FILE [--index DIR] [--method rrf ...] [--json OUT]

Methods, all over one index in one run: ``fusion`` (what is served), ``lexical``, ``dense``, and ``rrf``
(reciprocal-rank fusion with equal weights, the usual default). Rejection is of the served chain only.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evals.questions import LabelledQuestion, read_questions
from runnables.reranker import Reranker, RerankerConfig
from vectorstores import EmbeddingsConfig, RecipeIndex, build_embeddings, build_index, understand
from vectorstores.index import Ranking, clause_for_meaning

METHODS = ("fusion", "lexical", "dense", "rrf")
TOP_K = 50
# Cormack et al., Reciprocal Rank Fusion, SIGIR 2009.
RRF_K = 60


def _recipes(index: RecipeIndex, qids: Iterable[int]) -> list[int]:
    """Question ids, best first -> record numbers of the source, each once."""
    numbers = dict.fromkeys(index.docstore.question(qid)[1] for qid in qids)
    return [int(index.docstore.card(number)[1].rsplit("#", 1)[1]) for number in numbers]


def _rrf(rankings: Iterable[Ranking]) -> list[int]:
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for hit in ranking.hits:
            scores[hit.qid] += 1 / (RRF_K + hit.rank)
    return sorted(scores, key=lambda qid: (-scores[qid], qid))


def rank_all(index: RecipeIndex, question: LabelledQuestion) -> tuple[dict[str, list[int]], bool]:
    """One question -> ranked record numbers by method, and whether the served chain would answer it."""
    query = understand(question.text)
    lexical = index.lexical_search(query, TOP_K)
    dense = index.dense_search(query, TOP_K, clause_for_meaning(query, lexical))
    candidates = index.fuse(query, lexical, dense)
    rows = Reranker(RerankerConfig(), index)({"query": query, "dense": dense, "candidates": candidates})
    ranked = {
        "fusion": [c.qid for c in candidates],
        "lexical": [hit.qid for hit in lexical.hits],
        "dense": [hit.qid for hit in dense.hits],
        "rrf": _rrf((lexical, dense)),
    }
    return {name: _recipes(index, qids)[:10] for name, qids in ranked.items()}, any(row["kept"] for row in rows)


def evaluate(index: RecipeIndex, questions: list[LabelledQuestion], methods: Iterable[str]) -> dict[str, object]:
    """Figures by method and kind, and the rejection of what is and what is not in the corpus."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    rejected: dict[bool, list[bool]] = {True: [], False: []}
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for question in questions:
        ranked, answered = rank_all(index, question)
        rejected[bool(question.gold)].append(not answered)
        by_kind[question.kind].append(not answered)
        for method in methods if question.gold else ():
            places = [place for place, ref in enumerate(ranked[method], start=1) if ref in question.gold]
            first = places[0] if places else 0
            figures = (float(first == 1), float(0 < first <= 3), 1 / first if first else 0.0)
            found[method, question.kind].append(figures)
            found[method, "all"].append(figures)
    return {
        "questions": len(questions),
        "ranking": {
            method: {
                kind: dict(zip(("r@1", "r@3", "mrr@10"), np.mean(rows, axis=0).round(4).tolist(), strict=True))
                | {"n": len(rows)}
                for (name, kind), rows in found.items()
                if name == method
            }
            for method in methods
        },
        "rejection": {
            "not_in_corpus_rejected": round(float(np.mean(rejected[False])), 4) if rejected[False] else None,
            "answerable_rejected": round(float(np.mean(rejected[True])), 4) if rejected[True] else None,
            "by_kind": {kind: round(float(np.mean(flags)), 4) for kind, flags in by_kind.items()},
        },
    }


def to_markdown(result: dict[str, object]) -> str:
    """The figures as tables."""
    ranking: dict[str, dict[str, dict[str, float]]] = result["ranking"]  # type: ignore[assignment]
    kinds = list(next(iter(ranking.values())))
    lines = [
        "| kind | n | " + " | ".join(f"{m} R@1 / R@3" for m in ranking) + " |",
        "| --- " * (len(ranking) + 2) + "|",
    ]
    for kind in kinds:
        cells = [f"{ranking[m][kind]['r@1']:.3f} / {ranking[m][kind]['r@3']:.3f}" for m in ranking]
        lines.append(f"| {kind} | {ranking[next(iter(ranking))][kind]['n']:.0f} | " + " | ".join(cells) + " |")
    rejection: dict[str, object] = result["rejection"]  # type: ignore[assignment]
    absent, answerable = rejection["not_in_corpus_rejected"], rejection["answerable_rejected"]
    lines.append(f"\nnot in corpus, rejected: {absent}; answerable, rejected: {answerable}")
    lines.append(f"rejected by kind: {rejection['by_kind']}")
    return "\n".join(lines)


def open_or_build(corpus: Path, index_dir: Path | None) -> RecipeIndex:
    """The index in a folder, or a new one of the corpus in a temporary folder."""
    embedders = build_embeddings(EmbeddingsConfig())
    folder = index_dir or Path(tempfile.mkdtemp(prefix="shishen-eval-"))
    if not (folder / "manifest.json").exists():
        build_index(corpus, folder, embedders)
    return RecipeIndex.open(folder, embedders)


def main() -> None:
    """Print tables; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the recipe file that the gold numbers count in")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--index", type=Path, help="folder to build the index in, or to take it from")
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = evaluate(
        open_or_build(options.corpus, options.index), read_questions(options.questions), options.method or METHODS
    )
    print(to_markdown(result))
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
