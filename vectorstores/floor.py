"""Is the best candidate the dish that was asked for, or only the nearest one?

A cosine cannot tell (every dish is near some other dish). What tells is how much of the question the matched question
covers and the other way round, each word counted by its rarity. A logistic model of a few such features gives a
probability; the floor is the probability under which the answer is "I don't have this recipe".
"""

import math
from dataclasses import dataclass
from typing import Any, Self

FEATURES = (
    "bias",
    "query_by_sound",
    "title_by_sound",
    "query_by_chars",
    "dense_lift",
    "head_covered",
    "food_coverage",
    "no_lexical",
    "latin",
)


@dataclass(frozen=True, slots=True)
class Floor:
    """A logistic model over ``FEATURES`` and the probability that a candidate has to reach.

    Attributes:
        weights: One per feature, in the order of ``FEATURES``.
        threshold: 0..1; candidates below it are dropped.
        fitted_on: What the weights were fitted on, with the rates reached there.
    """

    weights: tuple[float, ...]
    threshold: float
    fitted_on: str

    def probability(self, features: dict[str, float]) -> float:
        """Features of one candidate -> the probability that it answers the question, 0..1."""
        total = sum(weight * features.get(name, 0.0) for name, weight in zip(FEATURES, self.weights, strict=True))
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "weights": dict(zip(FEATURES, self.weights, strict=True)),
            "threshold": self.threshold,
            "fitted_on": self.fitted_on,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read back from the manifest; a floor over other features than this version's is refused by KeyError."""
        if unknown := set(data["weights"]) - set(FEATURES):
            raise KeyError(f"unknown features {', '.join(sorted(unknown))}")
        return cls(
            tuple(float(data["weights"][name]) for name in FEATURES), float(data["threshold"]), data["fitted_on"]
        )
