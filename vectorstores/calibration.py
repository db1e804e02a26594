"""The floor that a new index starts with."""

from vectorstores.floor import Floor

DEFAULT_FLOOR = Floor(
    # bias, query_by_sound, title_by_sound, query_by_chars, dense_lift, head_covered, food_coverage, no_lexical, latin
    weights=(-6.45, 4.93, 1.96, 1.01, 2.89, 0.08, 6.26, 1.58, 1.62),
    threshold=0.28,
    fitted_on="574 development questions over 1000 recipes (2026-11-21, evals/fit_floor.py): 5-fold by recipe, "
    "rejects 92-97 % of absent dishes and other talk, 2-3 % of answerable questions",
)
