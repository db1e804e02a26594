"""base.yaml + <profile>.yaml + environment -> typed settings.

Order, highest first: keyword arguments > environment > <profile>.yaml > base.yaml > defaults in code.
``SHISHEN_PROFILE`` picks the profile; ``SHISHEN_LLM__TEMPERATURE=0.9`` overrides one leaf. The programs read a ``.env``
file into the environment first (it may hold ``LANGSMITH_*`` too), where it never replaces a variable that is set.
"""

import os
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, ClassVar, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

PREFIX = "SHISHEN_"
DEFAULT_PROFILE = "embedded"
# Variables that steer the programs themselves and are no settings of a section.
RESERVED = frozenset({"PROFILE", "CACHE_DIR", "DATA_DIR"})


class ConfigError(Exception):
    """The configuration cannot be used; the message is one sentence for the operator (exit code 2)."""


class Section(BaseModel):
    """Base of every capability's settings: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def known_profiles() -> list[str]:
    """Names of the profiles that ship with the package."""
    names = (entry.name for entry in files("configs").iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and name != "base.yaml")


def _read_yaml(name: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(files("configs").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"configs/{name}.yaml is no YAML: {' '.join(str(error).split())}") from error
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"configs/{name}.yaml holds a {type(data).__name__}, a mapping of section names was wanted")
    return data


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _secret_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        if SecretStr in kinds:
            yield prefix + name
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _secret_paths(kind, f"{prefix}{name}.")


def _lookup(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


class _YamlSource(PydanticBaseSettingsSource):
    """The two YAML files of a profile, merged."""

    def __init__(self, settings_cls: type[BaseSettings], profile: str) -> None:
        super().__init__(settings_cls)
        self._data = _merge(_read_yaml("base"), _read_yaml(profile))
        for path in _secret_paths(settings_cls):
            if _lookup(self._data, path) is not None:
                variable = PREFIX + path.upper().replace(".", "__")
                raise ConfigError(f"{path} is a secret: set it in the environment as {variable}, not in YAML")

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - interface
        return self._data.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._data


class ProfileSettings(BaseSettings):
    """Settings of one profile. Subclasses add a field per section."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)
    _profile_in_use: ClassVar[str] = DEFAULT_PROFILE

    profile: str = DEFAULT_PROFILE
    allow_fakes: bool = False
    """Whether sections may be of kind ``fake``; only the test profile says yes."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - interface
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - interface
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keyword arguments > environment > profile YAML."""
        return init_settings, env_settings, _YamlSource(settings_cls, cls._profile_in_use)

    @classmethod
    def load(cls, profile: str | None = None, **overrides: Any) -> Self:
        """Read the settings of a profile.

        Args:
            profile: Its name; by default ``SHISHEN_PROFILE`` or ``embedded``.
            overrides: Sections given by keyword; they win over everything else.

        Raises:
            ConfigError: unknown profile or variable, a wrong value, a secret in YAML, or a fake where none is allowed.
        """
        name = profile or os.environ.get(PREFIX + "PROFILE") or DEFAULT_PROFILE
        if name not in known_profiles():
            raise ConfigError(f"no profile {name!r}; known profiles: {', '.join(known_profiles())}")
        cls._refuse_unknown_variables()
        bound = type(cls.__name__, (cls,), {"_profile_in_use": name, "__module__": cls.__module__})
        try:
            settings: Self = bound(profile=name, **overrides)
        except ValidationError as error:
            secrets = set(_secret_paths(cls))
            raise ConfigError(f"profile {name}: " + "; ".join(_sentences(error, secrets))) from error
        except SettingsError as error:  # a section given as a whole, SHISHEN_LLM=..., that is no JSON
            raise ConfigError(f"profile {name}: {error}; JSON was wanted") from error
        settings._refuse_fakes()
        return settings

    @classmethod
    def _refuse_unknown_variables(cls) -> None:
        # pydantic-settings ignores a misspelt section silently: SHISHEN_LLLM__MODEL=x would simply do nothing.
        # Whether fakes are allowed is for the profile alone to say.
        sections = {name.upper() for name in cls.model_fields if name not in ("profile", "allow_fakes")}
        unknown = [
            key
            for key in os.environ
            if (name := key.upper()).startswith(PREFIX)
            and name.removeprefix(PREFIX).split("__")[0] not in sections
            and key.removeprefix(PREFIX) not in RESERVED
        ]
        if unknown:
            known = ", ".join(sorted(PREFIX + name for name in sections | RESERVED))
            raise ConfigError(f"unknown variables {', '.join(sorted(unknown))}; known beginnings: {known}")

    def _refuse_fakes(self) -> None:
        fakes = list(_fake_sections(self))
        if fakes and not self.allow_fakes:
            raise ConfigError(f"profile {self.profile} forbids fakes, but these sections are fake: {', '.join(fakes)}")


def _fake_sections(model: BaseModel, prefix: str = "") -> Iterator[str]:
    for name in type(model).model_fields:
        section = getattr(model, name)
        if isinstance(section, BaseModel):
            if getattr(section, "kind", None) == "fake":
                yield prefix + name
            yield from _fake_sections(section, f"{prefix}{name}.")


def _sentences(error: ValidationError, secrets: set[str]) -> Iterator[str]:
    for item in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in item["loc"])
        # The value under a misspelt name may be a secret too (llm.api_kye).
        shown = isinstance(item["input"], str | int | float | bool) and item["type"] != "extra_forbidden"
        yield f"{where}: {item['msg']}" + (f" (got {item['input']!r})" if shown and where not in secrets else "")
