"""The domain: what a recipe is, how its quantities are read, written and imported. Knows nothing of search or chat."""

from recipes.details import without_detail
from recipes.importers import Rejected, SourceError, SourceFormat, detect_format, read_recipes
from recipes.ingredient import Ingredient, parse_ingredient
from recipes.quantity import Quantity, find_quantities
from recipes.questions import clean_title, normalise, question_core, question_cores, question_forms
from recipes.recipe import Recipe
from recipes.render import to_markdown, to_text

__all__ = [
    "Ingredient",
    "Quantity",
    "Recipe",
    "Rejected",
    "SourceError",
    "SourceFormat",
    "clean_title",
    "detect_format",
    "find_quantities",
    "normalise",
    "parse_ingredient",
    "question_core",
    "question_cores",
    "question_forms",
    "read_recipes",
    "to_markdown",
    "to_text",
    "without_detail",
]
