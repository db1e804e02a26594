"""configs/profile.py: YAML files and the environment in, typed settings out, mistakes told in one sentence."""

import json
import os
from typing import Literal

import pytest
import yaml
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from configs import ConfigError, ProfileSettings, Section, ServerConfig, known_profiles
from configs import profile as profile_module


class LlmSection(Section):
    kind: Literal["local", "api", "fake"] = "local"
    model: str = "code"
    temperature: float = Field(0.0, ge=0, le=2)
    stops: tuple[str, ...] = ()
    api_key: SecretStr | None = None


class DrawerSection(Section):
    kind: str = "card"


class KitchenSection(Section):
    drawer: DrawerSection = DrawerSection()
    token: SecretStr = Field(SecretStr("long enough"), min_length=4)


class Settings(ProfileSettings):
    llm: LlmSection = Field(default_factory=LlmSection)
    kitchen: KitchenSection = Field(default_factory=KitchenSection)
    top_n: int = 3


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for key in [key for key in os.environ if key.upper().startswith("SHISHEN_")]:
        monkeypatch.delenv(key)


@pytest.fixture
def write(monkeypatch, tmp_path):
    """Puts YAML files where the package's own are looked for; base, embedded and test are there and empty."""
    monkeypatch.setattr(profile_module, "files", lambda package: tmp_path)

    def write_file(name, text):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")

    for name in ("base", "embedded", "gpu"):
        write_file(name, "")
    write_file("test", "allow_fakes: true")
    return write_file


# Where a value comes from.


def test_without_anything_the_defaults_hold(write):
    settings = Settings.load()
    assert (settings.profile, settings.llm.model, settings.top_n, settings.allow_fakes) == (
        "embedded",
        "code",
        3,
        False,
    )


def test_each_source_wins_over_the_next(write, monkeypatch):
    assert Settings.load().llm.model == "code"
    write("base", "llm: {model: base}")
    assert Settings.load().llm.model == "base"
    write("embedded", "llm: {model: profile}")
    assert Settings.load().llm.model == "profile"
    monkeypatch.setenv("SHISHEN_LLM__MODEL", "environment")
    assert Settings.load().llm.model == "environment"
    assert Settings.load(llm={"model": "keyword"}).llm.model == "keyword"


def test_a_source_overrides_single_leaves(write, monkeypatch):
    write("base", "llm: {kind: api, model: base, temperature: 0.1, stops: [a]}\ntop_n: 5")
    write("embedded", "llm: {model: profile}")
    monkeypatch.setenv("SHISHEN_LLM__TEMPERATURE", "0.9")
    settings = Settings.load(llm={"stops": ["b"]})
    assert settings.llm == LlmSection(kind="api", model="profile", temperature=0.9, stops=("b",))
    assert settings.top_n == 5


def test_a_section_without_content_in_the_profile_is_told(write):
    write("base", "llm: {model: base}")
    write("embedded", "llm:")
    with pytest.raises(ConfigError, match="llm: Input should be a valid dictionary"):
        Settings.load()


@pytest.mark.parametrize(
    "variable", ["SHISHEN_LLM__TEMPERATURE", "shishen_llm__temperature", "Shishen_Llm__Temperature"]
)
def test_a_variable_overrides_a_leaf_in_any_case(write, monkeypatch, variable):
    monkeypatch.setenv(variable, "0.5")
    assert Settings.load().llm.temperature == 0.5


def test_a_variable_reaches_two_levels_down(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_KITCHEN__DRAWER__KIND", "chest")
    assert Settings.load().kitchen.drawer.kind == "chest"


def test_a_variable_may_hold_a_whole_section_or_list_as_json(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_LLM", '{"model": "json", "temperature": 1}')
    monkeypatch.setenv("SHISHEN_LLM__STOPS", '["a", "b"]')
    assert Settings.load().llm == LlmSection(model="json", temperature=1, stops=("a", "b"))


@pytest.mark.parametrize(("variable", "value"), [("SHISHEN_LLM", "qwen"), ("SHISHEN_LLM__STOPS", "a,b")])
def test_json_that_is_none_is_told_without_its_value(write, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        ConfigError, match=r'^profile embedded: error parsing value for field "llm" .*; JSON was wanted$'
    ):
        Settings.load()


def test_a_program_may_read_a_slice(write, monkeypatch):
    write("base", "llm: {model: base}\ntop_n: 5")

    class Slice(ProfileSettings):
        model_config = SettingsConfigDict(extra="ignore")
        llm: LlmSection = LlmSection()

    assert Slice.load().llm.model == "base"


# Which profile.


@pytest.mark.parametrize(
    ("argument", "variable", "chosen"),
    [
        (None, None, "embedded"),
        (None, "", "embedded"),
        (None, "gpu", "gpu"),
        ("gpu", None, "gpu"),
        ("gpu", "test", "gpu"),
    ],
)
def test_the_profile_is_argument_or_variable_or_embedded(write, monkeypatch, argument, variable, chosen):
    for name in ("embedded", "gpu", "test"):
        write(name, f"llm: {{model: {name}}}")
    if variable is not None:
        monkeypatch.setenv("SHISHEN_PROFILE", variable)
    settings = Settings.load(argument)
    assert (settings.profile, settings.llm.model) == (chosen, chosen)


def test_two_profiles_do_not_mix(write):
    write("gpu", "llm: {model: big}")
    big, small, again = Settings.load("gpu"), Settings.load(), Settings.load("gpu")
    assert (big.llm.model, small.llm.model, again.llm.model) == ("big", "code", "big")


@pytest.mark.parametrize("name", ["nope", "base", "../embedded", "embedded.yaml", "EMBEDDED"])
def test_an_unknown_profile_is_refused(write, name):
    with pytest.raises(ConfigError) as caught:
        Settings.load(name)
    assert str(caught.value) == f"no profile {name!r}; known profiles: embedded, gpu, test"


def test_an_unknown_profile_in_the_environment_is_refused(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_PROFILE", "laptop")
    with pytest.raises(ConfigError, match="no profile 'laptop'"):
        Settings.load()


def test_known_profiles_are_the_files_without_base(write):
    assert known_profiles() == ["embedded", "gpu", "test"]


def test_the_package_ships_its_profiles():
    assert {"embedded", "test"} <= set(known_profiles())


# Mistakes.


@pytest.mark.parametrize(
    "variable",
    [
        "SHISHEN_LLLM__X",
        "SHISHEN_LLM_MODEL",
        "SHISHEN_MODEL",
        "SHISHEN_",
        "SHISHEN_PROFILE__X",
        "shishen_lllm__x",
        "shishen_profile",
    ],
)
def test_an_unknown_variable_is_refused(write, monkeypatch, variable):
    monkeypatch.setenv(variable, "sk-secret")
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert str(caught.value) == (
        f"unknown variables {variable}; known beginnings: SHISHEN_CACHE_DIR, SHISHEN_DATA_DIR, SHISHEN_KITCHEN, "
        "SHISHEN_LLM, SHISHEN_PROFILE, SHISHEN_TOP_N"
    )


def test_all_unknown_variables_are_named_at_once(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_B", "1")
    monkeypatch.setenv("SHISHEN_A__X", "1")
    with pytest.raises(ConfigError, match="unknown variables SHISHEN_A__X, SHISHEN_B;"):
        Settings.load()


def test_variables_of_the_programs_and_of_others_are_left_alone(write, monkeypatch):
    before = Settings.load().model_dump()
    for variable in ("SHISHEN_CACHE_DIR", "SHISHEN_DATA_DIR", "LLM__MODEL", "SHISHENX", "LANGSMITH_API_KEY"):
        monkeypatch.setenv(variable, "x")
    assert Settings.load().model_dump() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("llm: {modle: x}", "profile embedded: llm.modle: Extra inputs are not permitted"),
        ("lllm: {model: x}", "profile embedded: lllm: Extra inputs are not permitted"),
        ("kitchen: {drawer: {kidn: x}}", "profile embedded: kitchen.drawer.kidn: Extra inputs are not permitted"),
    ],
)
def test_an_unknown_key_is_refused(write, text, message):
    write("embedded", text)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert str(caught.value) == message


def test_an_unknown_key_in_the_environment_is_refused_without_its_value(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_LLM__API_KYE", "sk-secret")
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert str(caught.value) == "profile embedded: llm.api_kye: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "llm: {temperature: warm}",
            "llm.temperature: Input should be a valid number, unable to parse string as a number (got 'warm')",
        ),
        ("llm: {temperature: 9}", "llm.temperature: Input should be less than or equal to 2 (got 9)"),
        ("llm: {kind: remote}", "llm.kind: Input should be 'local', 'api' or 'fake' (got 'remote')"),
        ("llm: {model: 5}", "llm.model: Input should be a valid string (got 5)"),
        ("llm: [a]", "llm: Input should be a valid dictionary or instance of LlmSection"),
        ("top_n: many", "top_n: Input should be a valid integer, unable to parse string as an integer (got 'many')"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(write, text, message):
    write("embedded", text)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert str(caught.value) == f"profile embedded: {message}"


def test_all_wrong_values_are_told_at_once(write, monkeypatch):
    write("embedded", "llm: {temperature: 9, kind: x}")
    monkeypatch.setenv("SHISHEN_TOP_N", "many")
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert all(place in str(caught.value) for place in ("llm.temperature: ", "llm.kind: ", "top_n: "))
    assert "\n" not in str(caught.value)


def test_a_wrong_keyword_is_told(write):
    with pytest.raises(ConfigError, match="profile embedded: colour: Extra inputs are not permitted"):
        Settings.load(colour="red")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b", "configs/embedded.yaml holds a list, a mapping of section names was wanted"),
        ("llm", "configs/embedded.yaml holds a str, a mapping of section names was wanted"),
        ("0", "configs/embedded.yaml holds a int, a mapping of section names was wanted"),
        ("true: 1", "configs/embedded.yaml holds a dict, a mapping of section names was wanted"),
        ("llm: {model: x", "configs/embedded.yaml is no YAML: "),
        ("llm: !!python/object/apply:os.system ['true']", "configs/embedded.yaml is no YAML: "),
    ],
)
def test_a_file_that_holds_no_sections_is_told_in_one_line(write, text, message):
    write("embedded", text)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


# Secrets.


@pytest.mark.parametrize("name", ["base", "embedded"])
@pytest.mark.parametrize(
    ("text", "path", "variable"),
    [
        ("llm: {api_key: sk-secret}", "llm.api_key", "SHISHEN_LLM__API_KEY"),
        ("llm: {api_key: ''}", "llm.api_key", "SHISHEN_LLM__API_KEY"),
        ("kitchen: {token: sk-secret}", "kitchen.token", "SHISHEN_KITCHEN__TOKEN"),
    ],
)
def test_a_secret_in_yaml_is_refused(write, name, text, path, variable):
    write(name, text)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert str(caught.value) == f"{path} is a secret: set it in the environment as {variable}, not in YAML"


def test_a_secret_may_be_left_open_in_yaml(write):
    write("embedded", "llm: {api_key: null}")
    assert Settings.load().llm.api_key is None


def test_a_secret_comes_from_the_environment_and_is_masked(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_LLM__API_KEY", "sk-secret")
    settings = Settings.load()
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "sk-secret"
    assert settings.model_dump(mode="json")["llm"]["api_key"] == "**********"
    shown = [str(settings), repr(settings), settings.model_dump_json(), json.dumps(settings.model_dump(mode="json"))]
    assert all("sk-secret" not in text and "**********" in text for text in shown)


def test_a_wrong_secret_is_never_shown(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_KITCHEN__TOKEN", "abc")
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert "kitchen.token: " in str(caught.value)
    assert "abc" not in str(caught.value)


# Fakes.


@pytest.mark.parametrize(
    ("override", "fakes"),
    [
        ({"llm": {"kind": "fake"}}, "llm"),
        ({"kitchen": {"drawer": {"kind": "fake"}}}, "kitchen.drawer"),
        ({"llm": {"kind": "fake"}, "kitchen": {"drawer": {"kind": "fake"}}}, "llm, kitchen.drawer"),
    ],
)
def test_fakes_are_refused_outside_the_test_profile(write, override, fakes):
    with pytest.raises(ConfigError) as caught:
        Settings.load("gpu", **override)
    assert str(caught.value) == f"profile gpu forbids fakes, but these sections are fake: {fakes}"
    assert Settings.load("test", **override).allow_fakes


def test_a_fake_in_the_environment_is_refused(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_LLM__KIND", "fake")
    with pytest.raises(ConfigError, match="these sections are fake: llm"):
        Settings.load()


def test_the_environment_cannot_allow_fakes(write, monkeypatch):
    monkeypatch.setenv("SHISHEN_ALLOW_FAKES", "true")
    with pytest.raises(ConfigError, match="unknown variables SHISHEN_ALLOW_FAKES"):
        Settings.load()


def test_only_the_test_profile_of_the_package_allows_fakes():
    texts = {
        name: (profile_module.files("configs") / f"{name}.yaml").read_text("utf-8")
        for name in ["base", *known_profiles()]
    }
    allowing = [name for name, text in texts.items() if (yaml.safe_load(text) or {}).get("allow_fakes")]
    assert allowing == ["test"]


# What is loaded stays as it is.


def test_settings_and_sections_never_change(write):
    settings = Settings.load()
    with pytest.raises(ValidationError):
        settings.top_n = 4
    with pytest.raises(ValidationError):
        settings.llm.model = "other"


def test_loading_gives_settings_of_the_class_that_was_asked(write):
    assert isinstance(Settings.load(), Settings)
    assert type(Settings.load()).__name__ == "Settings"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", -1),
        ("port", 65536),
        ("max_body_bytes", 10),
        ("max_batch", 0),
        ("timeout_s", 0),
        ("threads", 1),
        ("prot", 1),
    ],
)
def test_the_server_section_refuses_nonsense(field, value):
    with pytest.raises(ValidationError):
        ServerConfig(**{field: value})
