"""The index of the starter corpus, which a fresh machine builds for itself."""

import hashlib
from importlib.resources import as_file, files
from pathlib import Path

from vectorstores.build import BuildReport, Progress, build_index
from vectorstores.embeddings import EmbedderPair
from vectorstores.errors import VectorstoreError
from vectorstores.manifest import Manifest

SOURCE = "starter"


def starter_sha256() -> str:
    """Identity of the corpus that this version ships."""
    return hashlib.sha256(files("recipes").joinpath("starter.jsonl").read_bytes()).hexdigest()


def build_starter_index(out: Path, embedders: EmbedderPair, progress: Progress) -> BuildReport:
    """Build the index of the corpus that ships with the package."""
    with as_file(files("recipes").joinpath("starter.jsonl")) as source:
        return build_index(source, out, embedders, source_format="xiachufang", progress=progress)


def starter_is_current(out: Path, embedders: EmbedderPair) -> bool:
    """Whether the folder holds an index of this version's corpus, built by these models."""
    try:
        manifest = Manifest.read(out)
        manifest.check_parts(embedders)
    except VectorstoreError:
        return False
    return manifest.source.sha256 == starter_sha256()
