"""The registry that ships, and the rules that every registry keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from weights import Registry, RegistryError, UnknownModelError, load_registry
from weights.registry import PackagePartsSource


def test_shipped_registry_lists_hubs_before_packages() -> None:
    registry = load_registry()
    assert registry.names() == (
        "qwen2.5-coder-0.5b-instruct-q4_k_m",
        "qwen2.5-coder-1.5b-instruct-q4_k_m",
        "multilingual-e5-small-q4",
        "use-multilingual-v3",
    )
    for model in registry.models:
        for file in model.files:
            kinds = [source.kind for source in file.sources]
            assert model.is_bundled or kinds == ["huggingface", "modelscope", "package_parts"]


def test_shipped_chat_models_have_all_their_parts_in_order() -> None:
    for name, count in (("qwen2.5-coder-0.5b-instruct-q4_k_m", 6), ("qwen2.5-coder-1.5b-instruct-q4_k_m", 22)):
        source = load_registry().get(name).files[0].sources[-1]
        assert isinstance(source, PackagePartsSource)
        assert [part.member[-6:-4] for part in source.parts] == [f"{n:02d}" for n in range(1, count + 1)]
        assert [part.package.rsplit("part")[-1] for part in source.parts] == [str(n) for n in range(1, count + 1)]


def test_optional_models_are_left_out_of_the_default_pull() -> None:
    registry = load_registry()
    assert set(registry.names()) - set(registry.names(with_optional=False)) == {"qwen2.5-coder-1.5b-instruct-q4_k_m"}


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"'gpt'.*multilingual-e5-small-q4, use-multilingual-v3\.$"):
        load_registry().get("gpt")


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "a//b", ".hidden", "a\\..\\b", "C:x", "", "a/./b"]
)
def test_a_path_that_could_leave_the_model_folder_is_refused(path, model_entry, file_entry) -> None:
    with pytest.raises(ValidationError, match="plain relative path"):
        Registry.model_validate({"models": [model_entry("m", [file_entry(path, b"x")])]})


@pytest.mark.parametrize("name", ["../m", "a/b", ".m", "", "M", "-m"])
def test_a_model_name_that_is_no_folder_name_is_refused(name, model_entry, file_entry) -> None:
    with pytest.raises(ValidationError):
        Registry.model_validate({"models": [model_entry(name, [file_entry("x", b"x")])]})


@pytest.mark.parametrize(
    ("package", "version"), [("--index-url=evil", "1.0"), ("a", "-r"), ("a b", "1"), ("a", "1.0; x"), ("a-", "1")]
)
def test_a_package_that_could_be_an_option_of_pip_is_refused(package, version, model_entry, file_entry) -> None:
    source = {"kind": "package_member", "package": package, "version": version, "member": "a/x"}
    with pytest.raises(ValidationError):
        Registry.model_validate({"models": [model_entry("m", [file_entry("x", b"x", sources=[source])])]})


def test_rules_between_fields(model_entry, file_entry) -> None:
    part = {"package": "p", "version": "1", "member": "p/x", "size": 3, "sha256": "0" * 64}
    bundled = {"package": "p", "version": "1", "member": "p/x"}
    wrong = {
        "add up to 3 bytes, not to 1": [file_entry("x", b"x", sources=[{"kind": "package_parts", "parts": [part]}])],
        "lists a file twice": [file_entry("x", b"x"), file_entry("x", b"x")],
        "either sources or bundled": [file_entry("x", b"x", sources=[])],
        "all lie in one folder": [file_entry("x", b"x", bundled=bundled), file_entry("y", b"y")],
        "must be the end of its bundled member": [file_entry("z", b"x", bundled=bundled)],
        "may not end in '.verified'": [file_entry("x.verified", b"x")],
    }
    for message, files in wrong.items():
        with pytest.raises(ValidationError, match=message):
            Registry.model_validate({"models": [model_entry("m", files)]})


def test_two_models_of_one_name_are_refused(model_entry, file_entry) -> None:
    entry = model_entry("m", [file_entry("x", b"x")])
    with pytest.raises(ValidationError, match="same name"):
        Registry.model_validate({"models": [entry, entry]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: [", "cannot be read"),
        ("models: [{nam: x}]", r"wrong at models\.0\.name"),
        ("!!python/object/apply:os.getcwd []", "cannot be read"),
        ("", "wrong at the top level"),
    ],
)
def test_a_broken_registry_file_is_one_sentence(text, message, tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text(text)
    with pytest.raises(RegistryError, match=message) as caught:
        load_registry(path)
    assert "\n" not in str(caught.value)


def test_a_missing_registry_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"none\.yaml cannot be read"):
        load_registry(tmp_path / "none.yaml")
