"""What an index was built from, checked on open: nothing is served by parts that do not fit together."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from vectorstores import tokens
from vectorstores.embeddings import Embedder, EmbedderPair
from vectorstores.errors import IndexMismatchError, IndexMissingError

FILE = "manifest.json"
FORMAT = 1


class EmbedderInfo(BaseModel):
    """One embedding model: name, exact weights, width."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    revision: str
    dimension: int
    metric: str = "cosine"

    @classmethod
    def of(cls, embedder: Embedder) -> "EmbedderInfo":
        """The model as the manifest names it."""
        return cls(name=embedder.name, revision=embedder.revision(), dimension=embedder.dimension)


class SourceInfo(BaseModel):
    """The file that the recipes came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    sha256: str
    format: str
    records: int
    rejected: int
    duplicates: int


class Manifest(BaseModel):
    """The one file that makes a folder an index; it is written last and replaced atomically."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    created: str
    data: str
    """Sub-folder that holds the parts; each build writes a new one."""
    strategy: str = "hyqe"
    tokenizer: str = tokens.VERSION
    embedder: EmbedderInfo
    latin_embedder: EmbedderInfo | None
    source: SourceInfo
    recipes: int
    questions: int
    floor: dict[str, Any]
    files: dict[str, str]
    """Part -> sha256."""

    @property
    def index_id(self) -> str:
        """Short name of this very build, for traces."""
        return self.data

    def write(self, folder: Path) -> None:
        """Put the manifest in place, all or nothing."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
        temporary = folder / f".{FILE}.{os.getpid()}"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest.

        Raises:
            IndexMissingError: there is none.
            IndexMismatchError: it is of another format, or damaged.
        """
        try:
            data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise IndexMissingError(
                f"no index in {folder}: build one with `shishen index build --source starter --out {folder}`"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise IndexMismatchError(f"{folder / FILE} cannot be read ({error}); rebuild the index") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            got = data.get("format") if isinstance(data, dict) else type(data).__name__
            raise IndexMismatchError(
                f"{folder} is of index format {got}, this version reads {FORMAT}; rebuild the index"
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            where = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
            raise IndexMismatchError(f"{folder / FILE} is damaged at {where}; rebuild the index") from None

    def check_parts(self, embedders: EmbedderPair) -> None:
        """Refuse embedding models or a tokenizer that are not the ones the index was built with."""
        main = EmbedderInfo.of(embedders.main)
        latin = EmbedderInfo.of(embedders.latin) if embedders.latin else None
        for built, here in ((self.embedder, main), (self.latin_embedder, latin)):
            if built != here:
                raise IndexMismatchError(
                    f"the index was built with {_named(built)}, this profile embeds with {_named(here)}; "
                    "change the profile's embeddings or rebuild the index"
                )
        if self.tokenizer != tokens.VERSION:
            raise IndexMismatchError(
                f"the index was built with tokenizer {self.tokenizer}, this version has {tokens.VERSION}; "
                "rebuild the index"
            )


def _named(info: EmbedderInfo | None) -> str:
    return f"{info.name} revision {info.revision}, {info.dimension}-d" if info else "no second model"


def sha256_of(path: Path) -> str:
    """Hash of one file, or of all files of a folder by name, lock files left out: opening a folder makes them."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file() and file.suffix != ".lock":
            if path.is_dir():
                digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()
