"""A recipe as the whole project knows it."""

import hashlib
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipes.ingredient import Ingredient, parse_ingredient


class Recipe(BaseModel):
    """One way to cook one dish.

    Attributes:
        name: The title as its author wrote it.
        dish: The plain dish name, for grouping several recipes of one dish.
        ref: Where it was read: ``<file name>#<record number from 0>``.
        ingredients: One line per ingredient, as written, in order.
        steps: One text per step, in order, without numbers in front.
        name_en: English name, for English questions; may be empty.
        aliases: Other names that people use for the dish.
        questions: Questions that this recipe answers, as its author gave them (several forms are added at build time).
        servings: People served; 0 where the source does not say.
        time_min: Minutes from start to table, at most a year; 0 where the source does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=500)
    dish: str = ""
    ref: str = ""
    description: str = ""
    ingredients: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    author: str = ""
    keywords: tuple[str, ...] = ()
    name_en: str = ""
    aliases: tuple[str, ...] = ()
    cuisine: str = ""
    category: str = ""
    servings: int = Field(0, ge=0, le=1000)
    time_min: int = Field(0, ge=0, le=525_600)
    questions: tuple[str, ...] = ()

    @cached_property
    def recipe_id(self) -> str:
        """16 hexadecimal digits of the content: the same recipe has the same id in every index and on every machine."""
        content = "\x1f".join((self.name, "\x1e".join(self.ingredients), "\x1e".join(self.steps)))
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    @cached_property
    def parsed_ingredients(self) -> tuple[Ingredient, ...]:
        """The ingredient lines as read."""
        return tuple(parse_ingredient(line) for line in self.ingredients)

    def to_record(self) -> dict[str, Any]:
        """The recipe as a JSON object without empty fields; ``Recipe.model_validate`` reads it back."""
        return self.model_dump(mode="json", exclude_defaults=True)
