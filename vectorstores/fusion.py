"""Two rankings -> one, by score.

Scores, not ranks: reciprocal-rank fusion with equal weights loses 13 points on typos, because a lexical hit that is far
ahead counts no more there than one that is barely first.
"""

from collections.abc import Mapping

# Weight of the lexical part by script; the rest is the dense part's.
LEXICAL_WEIGHT: Mapping[str, float] = {"chinese": 0.65, "mixed": 0.45, "latin": 0.35}


def fuse(
    lexical: Mapping[int, float], dense: Mapping[int, float], *, dense_mean: float, script: str
) -> dict[int, float]:
    """Lexical and dense scores by question id -> fused scores, at most 1, higher is better.

    Each ranking is brought to the scale 'as far above an average question as the best one is':
    (s - mean) / (max - mean).
    A question that the lexical ranking does not have scores 0 there.

    Args:
        lexical: BM25 scores; their mean over the index is close to 0 and taken as 0.
        dense: Cosines of every candidate.
        dense_mean: The cosine of an average question with this query.
        script: ``chinese``, ``mixed`` or ``latin``.
    """
    weight = LEXICAL_WEIGHT[script] if lexical else 0.0
    lexical_best = max(lexical.values(), default=1.0)
    dense_span = max(max(dense.values(), default=1.0) - dense_mean, 1e-6)
    return {
        qid: weight * lexical.get(qid, 0.0) / lexical_best + (1 - weight) * (cosine - dense_mean) / dense_span
        for qid, cosine in dense.items()
    }
