"""What can go wrong with model files, each said in one sentence: what was got, what was wanted, what to do.

* WeightsError
  + RegistryError             the registry file itself is wrong; stops start-up
  + UnknownModelError         no such name in the registry
  + WeightsMissingError       known, but not on this machine
  + WeightsHashError          bytes are there, but they are not the registry's bytes
  + DiskSpaceError            the disk has no room for the pull
  + SourceUnavailableError    one source failed; the store goes on to the next one
  + NoSourceError             every source failed
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.filesize import decimal


class WeightsError(Exception):
    """Root of everything this package raises on purpose; its text can be shown to a person as it is."""


class RegistryError(WeightsError):
    """The registry file cannot be read or does not hold together."""


class UnknownModelError(WeightsError):
    """The registry has no model of this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        """Keep the name and list the known ones.

        Args:
            name: What was asked for.
            known: Every name in the registry, in its order.
        """
        self.name = name
        self.known = tuple(known)
        super().__init__(f"No model is called {name!r}; the known models are: {', '.join(known) or '(none)'}.")


class WeightsMissingError(WeightsError):
    """The model is known, but its files are not on this machine."""

    def __init__(self, name: str, where: str | Path, remedy: str) -> None:
        """Say which model, where it was looked for and the command that brings it.

        Args:
            name: Model name in the registry.
            where: The file or the package that is missing.
            remedy: A command line, without backquotes.
        """
        self.name = name
        self.where = where
        super().__init__(f"Model {name!r} is not on this machine ({where} is missing): run `{remedy}`.")


class WeightsHashError(WeightsError):
    """The bytes are not those that the registry describes."""

    def __init__(self, file: str | Path, got: str, wanted: str, remedy: str) -> None:
        """Name the file, what it is and what it should be.

        Args:
            file: The file, or the package member, that differs.
            got: sha256 in hex, or 'N bytes' where the size alone already tells them apart.
            wanted: The same measure, from the registry.
            remedy: What to do, as the end of a sentence and without a full stop.
        """
        self.file = file
        self.got = got
        self.wanted = wanted
        super().__init__(f"{file} is not the file that the registry describes (got {got}, wanted {wanted}): {remedy}.")


class DiskSpaceError(WeightsError):
    """The file system of the cache has too little room for a pull."""

    def __init__(self, name: str, folder: Path, needed_bytes: int | None, free_bytes: int) -> None:
        """Compare what is needed with what is free.

        Args:
            name: Model name in the registry.
            folder: The cache folder.
            needed_bytes: Room that the pull still needs; None when the disk filled up in the middle of it.
            free_bytes: Room that there is.
        """
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes
        needed = "more room than there is" if needed_bytes is None else f"{decimal(needed_bytes)} more"
        super().__init__(
            f"Model {name!r} needs {needed} in {folder}, where {decimal(free_bytes)} is free: "
            "free some space or choose another cache folder, then pull again."
        )


class SourceUnavailableError(WeightsError):
    """One source did not give the file: not reached, refused, broken off too often, or not as the registry says."""

    def __init__(self, source: str, reason: str) -> None:
        """Name the source and the reason.

        Args:
            source: A host or a package, for a person; never a URL that could carry a signature or a token.
            reason: What happened, as the end of a sentence and without a full stop.
        """
        self.source = source
        self.reason = reason
        super().__init__(f"{source} {reason}.")


class NoSourceError(WeightsError):
    """Every source of a file failed."""

    def __init__(self, name: str, target: Path, failures: Sequence[str]) -> None:
        """Say in one sentence what to do; the reasons stay in `failures`.

        Args:
            name: Model name in the registry.
            target: Where the file belongs if a person brings it by hand.
            failures: One text per source, in the order they were tried; empty when no source was allowed.
        """
        self.name = name
        self.target = target
        self.failures = tuple(failures)
        tried = "no source could be reached" if failures else "none of the allowed sources has it"
        super().__init__(
            f"Model {name!r} could not be fetched because {tried}: connect to a network and run "
            f"`shishen models pull {name}` again, or put the file into {target}."
        )
