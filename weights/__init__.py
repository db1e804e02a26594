"""Where model files come from: a registry of sha256-pinned files, and a cache that pulls, checks and finds them.

This layer knows files, not models: what a GGUF or an npz is for is the business of the layer that loads it.

    store = WeightStore(cache_dir, load_registry())
    gguf = store.file("qwen2.5-coder-0.5b-instruct-q4_k_m")   # Path, or WeightsMissingError with the command to run
    store.pull("qwen2.5-coder-0.5b-instruct-q4_k_m", console_progress())

Only `WeightStore.pull` touches the network. Nothing that was fetched is ever run or unpickled.
"""

from weights.errors import (
    DiskSpaceError,
    NoSourceError,
    RegistryError,
    SourceUnavailableError,
    UnknownModelError,
    WeightsError,
    WeightsHashError,
    WeightsMissingError,
)
from weights.progress import BarProgress, LineProgress, NoProgress, Progress, console_progress
from weights.reachable import forget_unreachable
from weights.registry import SOURCE_KINDS, Model, ModelFile, Registry, load_registry
from weights.store import Status, WeightStore

__all__ = [
    "SOURCE_KINDS",
    "BarProgress",
    "DiskSpaceError",
    "LineProgress",
    "Model",
    "ModelFile",
    "NoProgress",
    "NoSourceError",
    "Progress",
    "Registry",
    "RegistryError",
    "SourceUnavailableError",
    "Status",
    "UnknownModelError",
    "WeightStore",
    "WeightsError",
    "WeightsHashError",
    "WeightsMissingError",
    "console_progress",
    "forget_unreachable",
    "load_registry",
]
