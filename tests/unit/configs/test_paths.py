"""configs/paths.py: where files that outlive the checkout are kept."""

from pathlib import Path

import platformdirs
import pytest

from configs import cache_dir, data_dir

FOLDERS = [(cache_dir, "SHISHEN_CACHE_DIR"), (data_dir, "SHISHEN_DATA_DIR")]


@pytest.mark.parametrize(("folder", "variable"), FOLDERS)
def test_the_variable_names_the_folder(monkeypatch, tmp_path, folder, variable):
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert folder() == tmp_path / "elsewhere"


@pytest.mark.parametrize(("folder", "variable"), FOLDERS)
def test_the_variable_is_read_at_every_call(monkeypatch, folder, variable):
    for name in ("/one", "/two"):
        monkeypatch.setenv(variable, name)
        assert folder() == Path(name)


@pytest.mark.parametrize(("folder", "variable"), FOLDERS)
def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path, folder, variable):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/kitchen")
    assert folder() == tmp_path / "kitchen"


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(
    ("folder", "variable", "default"),
    [
        (cache_dir, "SHISHEN_CACHE_DIR", platformdirs.user_cache_dir),
        (data_dir, "SHISHEN_DATA_DIR", platformdirs.user_data_dir),
    ],
)
def test_else_it_is_the_folder_of_the_platform(monkeypatch, folder, variable, default, value):
    if value is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, value)
    assert folder() == Path(default("shishen"))


def test_cache_and_data_are_two_folders(monkeypatch):
    for _, variable in FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    assert cache_dir() != data_dir()


def test_no_folder_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("SHISHEN_CACHE_DIR", str(tmp_path / "cache"))
    cache_dir()
    assert list(tmp_path.iterdir()) == []
