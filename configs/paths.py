"""Where files that outlive the checkout are kept."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """The folder for what can be fetched again (model weights): ``SHISHEN_CACHE_DIR`` or the user's cache folder."""
    return Path(os.environ.get("SHISHEN_CACHE_DIR") or platformdirs.user_cache_dir("shishen")).expanduser()


def data_dir() -> Path:
    """The folder for what belongs to the user (indexes, history): ``SHISHEN_DATA_DIR`` or the user's data folder."""
    return Path(os.environ.get("SHISHEN_DATA_DIR") or platformdirs.user_data_dir("shishen")).expanduser()
