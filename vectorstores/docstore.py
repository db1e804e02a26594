"""Recipes and questions on disk (SQLite): opened in under a millisecond whatever the size, never a pickle."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from recipes import Recipe
from vectorstores.errors import IndexMismatchError

_SCHEMA = """
CREATE TABLE recipe (number INTEGER PRIMARY KEY, recipe_id TEXT NOT NULL UNIQUE, ref TEXT NOT NULL, dish TEXT NOT NULL,
                     record TEXT NOT NULL);
CREATE INDEX recipe_dish ON recipe (dish);
CREATE TABLE question (qid INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES recipe (number), text TEXT NOT NULL);
"""


class Docstore:
    """Open, read-only store.

    All threads take turns on one connection: a store that a newer build has removed from the disk can still be read
    through it, but no longer be opened.
    """

    def __init__(self, file: Path) -> None:
        self._name = file.name
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from None
        self._one("SELECT 1 FROM recipe LIMIT 1")
        written = self._one("PRAGMA page_count")[0] * self._one("PRAGMA page_size")[0]
        # SQLite itself reads the missing end of a file as zeros.
        if (got := file.stat().st_size) != written:
            raise self._unreadable(f"{got} bytes, {written} were written")

    def _unreadable(self, reason: object) -> IndexMismatchError:
        return IndexMismatchError(f"the recipe store {self._name} cannot be read ({reason}); rebuild the index")

    def _all(self, sql: str, *parameters: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from None

    def _one(self, sql: str, *parameters: object) -> Any:
        rows = self._all(sql, *parameters)
        return rows[0] if rows else None

    @staticmethod
    def build(file: Path, recipes: Iterable[Recipe], questions: Iterable[tuple[int, str]]) -> None:
        """Write a new store: recipes numbered from 0, and (recipe number, text) questions whose ids count from 0.

        Raises:
            OSError: the file cannot be written.
        """
        try:
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.executescript(_SCHEMA)
                connection.executemany(
                    "INSERT INTO recipe VALUES (?, ?, ?, ?, ?)",
                    (
                        (number, recipe.recipe_id, recipe.ref, recipe.dish or recipe.name, _dump(recipe))
                        for number, recipe in enumerate(recipes)
                    ),
                )
                connection.executemany(
                    "INSERT INTO question VALUES (?, ?, ?)",
                    ((qid, number, text) for qid, (number, text) in enumerate(questions)),
                )
        except sqlite3.OperationalError as error:
            raise OSError(f"{file.name}: {error}") from error

    def question(self, qid: int) -> tuple[str, int]:
        """Question id -> its text and the number of its recipe."""
        row = self._one("SELECT text, number FROM question WHERE qid = ?", qid)
        return str(row[0]), int(row[1])

    def recipe(self, number: int) -> Recipe:
        """Recipe number -> the recipe, as a new object each time."""
        row = self._one("SELECT record FROM recipe WHERE number = ?", number)
        return Recipe.model_validate(json.loads(row[0]))

    def card(self, number: int) -> tuple[str, str, str]:
        """Recipe number -> recipe id, ref and dish, without reading the whole record."""
        row = self._one("SELECT recipe_id, ref, dish FROM recipe WHERE number = ?", number)
        return str(row[0]), str(row[1]), str(row[2])

    def number_of(self, recipe_id: str) -> int | None:
        """Recipe id -> its number, None where the index does not have it."""
        row = self._one("SELECT number FROM recipe WHERE recipe_id = ?", recipe_id)
        return int(row[0]) if row else None

    def names_of_dish(self, dish: str) -> list[str]:
        """Titles of the recipes that are filed under exactly this dish name, in the order of the source."""
        rows = self._all(
            "SELECT json_extract(record, '$.name') FROM recipe WHERE dish = ? ORDER BY number LIMIT 100", dish
        )
        return [str(row[0]) for row in rows]

    def questions_of(self, number: int) -> list[str]:
        """The questions that one recipe is filed under."""
        rows = self._all("SELECT text FROM question WHERE number = ? ORDER BY qid", number)
        return [str(row[0]) for row in rows]

    def dishes(self) -> Iterator[str]:
        """All dish names, once each, in the order of the recipes."""
        for (dish,) in self._all("SELECT dish FROM recipe GROUP BY dish ORDER BY min(number)"):
            yield str(dish)

    def count(self) -> tuple[int, int]:
        """Number of recipes and of questions."""
        return int(self._one("SELECT count(*) FROM recipe")[0]), int(self._one("SELECT count(*) FROM question")[0])


def _dump(recipe: Recipe) -> str:
    return json.dumps(recipe.to_record(), ensure_ascii=False, separators=(",", ":"))
