"""The commands as a person types them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LiveServer

pytestmark = pytest.mark.integration
SHISHEN = str(Path(sys.executable).with_name("shishen"))


def run(environment: dict[str, str], *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHISHEN, *arguments], env=environment, input=text, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def ready(live_server: LiveServer, live_environment: dict[str, str]) -> dict[str, str]:
    """The environment in which the live server has built the starter index."""
    return live_environment


def test_search_reads_lines_and_writes_one_json_each(ready: dict[str, str]):
    questions = ["红烧肉怎么做", "教我做红邵肉", "", "黑森林蛋糕怎么做", "今天天气怎么样"]
    result = run(ready, "search", "-", "--top-n", "3", "--json", text="\n".join(questions) + "\n")
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["question"] for record in records] == questions
    assert [record["answerable"] for record in records] == [True, True, False, False, False]
    best = records[0]["hits"][0]
    assert set(best) == {"ref", "recipe_id", "dish", "matched_question", "score"}
    assert best["dish"] == records[1]["hits"][0]["dish"] == "红烧肉"
    assert best["ref"].startswith("starter.jsonl#")
    assert len(records[0]["hits"]) == 3


def test_ask_streams_an_answer_with_its_source(ready: dict[str, str]):
    result = run(ready, "ask", "拍黄瓜要放几瓣蒜")
    assert result.returncode == 0, result.stderr
    assert "4瓣" in result.stdout
    assert "starter.jsonl#" in result.stdout


def test_build_info_verify_and_search_an_index_of_ones_own(ready: dict[str, str], corpus_file: Path, tmp_path: Path):
    bad = tmp_path / "mine.jsonl"
    bad.write_text(corpus_file.read_text(encoding="utf-8") + "{broken\n", encoding="utf-8")
    out = tmp_path / "index"
    built = run(ready, "index", "build", "--source", str(bad), "--out", str(out))
    assert built.returncode == 0, built.stderr
    assert "mine.jsonl#13" in built.stderr
    info = json.loads(run(ready, "index", "info", "--index", str(out), "--json").stdout)
    assert info["recipes"] == 13
    assert info["source"]["rejected"] == 1
    assert run(ready, "index", "verify", "--index", str(out)).returncode == 0
    found = run(ready, "search", "可乐鸡翅怎么做", "--index", str(out), "--json")
    hit = json.loads(found.stdout)["hits"][0]
    assert hit["dish"] == "可乐鸡翅"
    assert hit["ref"].startswith("mine.jsonl#")
    part = next(out.glob("v-*/recipes.sqlite"))
    with part.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    damaged = run(ready, "index", "verify", "--index", str(out))
    assert damaged.returncode == 1
    assert "changed since it was built" in damaged.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("index", "build", "--source", "/no/such/file.jsonl", "--out", "/tmp/x"), "no file /no/such/file.jsonl"),
        (("index", "build", "--source", "recipes.csv", "--out", "/tmp/x"), "no file"),
        (("search", "红烧肉", "--index", "/no/such/index"), "shishen index build"),
        (("models", "pull", "gpt-9"), "gpt-9"),
        (("models", "path", "gpt-9"), "gpt-9"),
    ],
)
def test_mistakes_are_sentences(ready: dict[str, str], arguments: tuple[str, ...], said: str):
    result = run(ready, *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_variable_is_a_sentence(ready: dict[str, str]):
    result = run({**ready, "SHISHEN_LLLM__MODEL": "x"}, "config")
    assert result.returncode == 2
    assert "SHISHEN_LLLM__MODEL" in result.stderr


def test_secrets_are_masked(ready: dict[str, str]):
    result = run({**ready, "SHISHEN_LLM__API_KEY": "sk-very-secret"}, "config")
    assert result.returncode == 0
    assert "sk-very-secret" not in result.stdout


def test_models_list_names_what_is_here(ready: dict[str, str]):
    result = run({**ready, "COLUMNS": "200"}, "models", "list")
    assert result.returncode == 0
    assert "qwen2.5-coder-0.5b-instruct-q4_k_m" in result.stdout
    assert "Apache-2.0" in result.stdout


def test_doctor_names_every_fault_with_its_mend(ready: dict[str, str], tmp_path: Path):
    well = run({**ready, "SHISHEN_SERVER__PORT": "0"}, "doctor")
    assert well.returncode == 0, well.stdout
    ill = run({**ready, "SHISHEN_DATA_DIR": str(tmp_path), "SHISHEN_SERVER__PORT": "0"}, "doctor")
    assert ill.returncode == 1
    assert "shishen index build --source starter" in ill.stdout
