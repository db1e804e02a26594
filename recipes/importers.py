"""Files of recipes -> Recipe records: XiaChuFang JSON Lines, XTuner conversation JSON, our own starter corpus.

A record that cannot be read is yielded as ``Rejected`` with its place, the reason and a quotation: never fatal, never
silent. Nothing in a file is ever executed.
"""

import ast
import codecs
import gzip
import json
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast, get_args

from pydantic import ValidationError

from recipes.questions import clean_title
from recipes.recipe import Recipe

SourceFormat = Literal["auto", "xiachufang", "xtuner"]
MAX_LINE_BYTES = 2_000_000
_QUOTE_CHARS = 80
_MAX_MISSES = 100  # brackets that start no list, per text; a text with more of them is no recipe


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was skipped: where it stands, why, and how it begins."""

    ref: str
    reason: str
    quote: str


class SourceError(Exception):
    """The whole file cannot be read; the message says what was got and what was wanted."""


def detect_format(path: Path) -> SourceFormat:
    """File name -> format: ``.json`` is XTuner, ``.jsonl``, ``.jsonl.gz`` and ``.tar.gz`` are XiaChuFang records."""
    name = path.name.lower()
    if name.endswith((".jsonl", ".jsonl.gz", ".tar.gz", ".tgz", ".jsonl.tar.gz")):
        return "xiachufang"
    if name.endswith((".json", ".json.gz")):
        return "xtuner"
    raise SourceError(
        f"cannot tell the format of {path.name}: .jsonl, .jsonl.gz and .tar.gz are read as xiachufang, "
        ".json as xtuner; name it with --format"
    )


def read_recipes(path: Path, source_format: SourceFormat = "auto") -> Iterator[Recipe | Rejected]:
    """A file -> its recipes in order, with ``ref`` set to ``<file name>#<record number from 0>``.

    Args:
        path: The file.
        source_format: ``auto`` decides by the file name.

    Raises:
        SourceError: the file does not exist, is not in the format, or its compression is broken.
    """
    if source_format not in get_args(SourceFormat):
        raise SourceError(f"no format {source_format!r}; known formats: {', '.join(get_args(SourceFormat))}")
    if not path.is_file():
        raise SourceError(f"no file {path}")
    chosen = detect_format(path) if source_format == "auto" else source_format
    reader = _read_lines if chosen == "xiachufang" else _read_xtuner
    try:
        yield from reader(path)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"{path.name} breaks off or is not what its name says: {error}") from error


def _open_streams(path: Path) -> Iterator[IO[bytes]]:
    name = path.name.lower()
    if name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                # Members are read as streams and never unpacked, so their names cannot lead anywhere.
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None and not Path(member.name).name.startswith("."):
                    yield stream
    elif name.endswith(".gz"):
        with gzip.open(path, "rb") as unpacked:
            yield cast("IO[bytes]", unpacked)
    else:
        with path.open("rb") as plain:
            yield plain


def _lines(path: Path) -> Iterator[bytes | None]:
    """Lines of all streams; None for one that is longer than the limit (it is skipped without being held)."""
    for stream in _open_streams(path):
        while line := stream.readline(MAX_LINE_BYTES + 1):
            if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
                yield line.removeprefix(codecs.BOM_UTF8)
                continue
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield None


def _read_lines(path: Path) -> Iterator[Recipe | Rejected]:
    number = -1
    for line in _lines(path):
        if line is not None and not line.strip():
            continue
        number += 1
        ref = f"{path.name}#{number}"
        if line is None:
            yield Rejected(ref, f"the line is longer than {MAX_LINE_BYTES} bytes", "")
            continue
        quote = _quote(line.decode("utf-8", "replace"))
        try:
            record = json.loads(line.decode())
        except UnicodeDecodeError as error:
            yield Rejected(ref, f"not UTF-8 at byte {error.start}", quote)
        except (ValueError, RecursionError) as error:
            yield Rejected(ref, f"not JSON: {str(error)[:100]}", quote)
        else:
            yield _from_record(record, ref, quote)


def _quote(text: str) -> str:
    return text.strip()[:_QUOTE_CHARS].encode("utf-8", "replace").decode()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, list | tuple):
        return ()
    return tuple(text for item in value if type(item) in (str, int, float) and (text := str(item).strip()))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _from_record(record: Any, ref: str, quote: str) -> Recipe | Rejected:
    if not isinstance(record, dict):
        return Rejected(ref, f"a {type(record).__name__}, an object was wanted", quote)
    name = _text(record.get("name"))
    if not name:
        return Rejected(ref, "no name", quote)
    dish = _text(record.get("dish"))
    ingredients, steps = _texts(record.get("recipeIngredient")), _texts(record.get("recipeInstructions"))
    if not ingredients and not steps:
        return Rejected(ref, "neither recipeIngredient nor recipeInstructions", quote)
    return _build(
        quote,
        name=name,
        dish="" if dish.lower() == "unknown" else dish,
        ref=ref,
        description=_text(record.get("description")),
        ingredients=ingredients,
        steps=steps,
        author=_text(record.get("author")),
        keywords=_texts(record.get("keywords")),
        name_en=_text(record.get("name_en")),
        aliases=_texts(record.get("aliases")),
        cuisine=_text(record.get("cuisine")),
        category=_text(record.get("category")),
        servings=_number(record.get("servings")),
        time_min=_number(record.get("time_min")),
        questions=_texts(record.get("questions")),
    )


def _build(quote: str, **fields: Any) -> Recipe | Rejected:
    try:
        return Recipe(**fields)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        return Rejected(fields["ref"], f"{'.'.join(map(str, item['loc']))}: {item['msg']}", quote)


def _read_xtuner(path: Path) -> Iterator[Recipe | Rejected]:
    with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as stream:
        try:
            data = json.loads(stream.read())
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{path.name} is no JSON: {str(error)[:200]}") from error
    if not isinstance(data, list):
        raise SourceError(f"{path.name} holds a {type(data).__name__}, a list of conversations was wanted")
    for number, item in enumerate(data):
        yield _from_conversation(item, f"{path.name}#{number}")


def _from_conversation(item: Any, ref: str) -> Recipe | Rejected:
    quote = _quote(str(item))
    try:
        turn = item["conversation"][0]
        question, output = turn["input"], turn["output"]
    except (KeyError, IndexError, TypeError):
        return Rejected(ref, "no conversation[0] with input and output", quote)
    if not isinstance(question, str) or not isinstance(output, str):
        return Rejected(ref, "input and output are not both text", quote)
    lists = python_lists(output)
    if len(lists) != 2:
        reason = f"{len(lists)} lists in the output, ingredients and steps were wanted"
        return Rejected(ref, reason, _quote(output))
    name = question.strip().rstrip("？?").removesuffix("的做法").strip()
    if not name:
        return Rejected(ref, "no dish in the input", quote)
    return _build(
        quote, name=name, dish=clean_title(name), ref=ref, ingredients=_texts(lists[0]), steps=_texts(lists[1])
    )


def python_lists(text: str) -> list[list[Any]]:
    """Text -> the Python-style list literals in it, in order; a bracket that starts no list of values is passed over.

    Only literals are understood (``ast.literal_eval``): a name, a call or an operator makes the span no list.
    """
    found: list[list[Any]] = []
    position = misses = 0
    while misses < _MAX_MISSES and (start := text.find("[", position)) >= 0:
        end = _closing_bracket(text, start)
        value = _literal(text[start : end + 1]) if end > 0 else None
        if isinstance(value, list):
            found.append(value)
            position = end + 1
        else:
            misses += 1
            position = start + 1
    return found


def _literal(source: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stray backslash in a string is no fault of ours
            return ast.literal_eval(source)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _closing_bracket(text: str, start: int) -> int:
    """Offset of the bracket that closes the one at ``start``, quotes respected; -1 where there is none."""
    depth, quote = 0, ""
    index = start
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    return -1
