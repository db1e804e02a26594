"""The wheel: what is in it, and that it starts where no checkout is."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True, capture_output=True)
    return next(out.glob("shishen-*.whl"))


def test_wheel_holds_the_packages_and_their_data(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    packages = {"commands", "serving", "chains", "runnables", "vectorstores", "recipes", "weights", "configs"}
    assert tops == packages | {"server.py", "cli.py"}
    assert {"configs/base.yaml", "configs/embedded.yaml", "recipes/starter.jsonl", "weights/registry.yaml"} <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path):
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import server, configs;"
        "print(configs.__file__, configs.known_profiles())"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(target) in result.stdout
    assert "embedded" in result.stdout


@pytest.mark.parametrize("package", ["chains", "configs", "runnables", "vectorstores", "recipes", "weights", "serving"])
def test_no_other_distribution_owns_our_names(package: str):
    # The price of generic names (docs/adr/0001): another distribution with the same package would silently win.
    owners = set(packages_distributions().get(package, ["shishen"]))
    assert owners == {"shishen"}
