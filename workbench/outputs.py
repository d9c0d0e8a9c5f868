"""Outputs of commands: what they may replace, and what is left of those that fail.

An output replaces an older one of its kind, and never anything else. A kind knows its files by what is in
them, whatever they are called: they say it themselves, in the place that their format has for such a thing (a
tag of a GeoTIFF, metadata of a GeoPackage, a comment in a style). What earlier versions wrote without a mark
is known where nothing else looks like it.
"""

from __future__ import annotations

__all__ = [
    "SAID",
    "FileKind",
    "OutputKind",
    "begins_with",
    "check_older",
    "check_output",
    "check_outside_releases",
    "is_known",
    "new_folder",
    "picture_kind",
]

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from workbench.errors import WorkbenchError

SAID: Final = "Comment"
"""Of the texts that a PNG carries, the one in which it says what it is."""
_SUFFIXES: Final = frozenset(
    {".csv", ".gpkg", ".h5", ".json", ".npy", ".png", ".qml", ".tif", ".tiff", ".zip"}
)
"""Of the names of outputs."""
_OF_RELEASES: Final = ("release.json", "SHA256SUMS")
"""Files by which a folder is known as a release."""
_MOST: Final = 1 << 10
"""Bytes at the beginning of a picture, in which it does so."""


class OutputKind(Protocol):
    """A kind of file that a command writes."""

    @property
    def name(self) -> str:
        """What one is called in a sentence, with its article: ``a hierarchy``."""

    @property
    def mark(self) -> str:
        """What its files say of themselves, such as ``ocs-workbench/prediction``; empty where they cannot."""

    def is_one(self, path: Path, /) -> bool:
        """Tell whether a file, which may hold anything, is one of them.

        Raises
        ------
        OSError, ValueError, WorkbenchError
            It cannot be read as one, so it is none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A kind of file that a function recognises."""

    name: str
    mark: str = ""
    is_one: Callable[[Path], bool]


def begins_with(first: bytes) -> Callable[[Path], bool]:
    """Return what recognises files by their first bytes."""

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(len(first)) == first

    return is_one


def picture_kind(name: str, mark: str) -> FileKind:
    """Return a kind of PNG, which says what it is in a comment at its beginning (`SAID`)."""

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            return f"tEXt{SAID}\0{mark}".encode() in file.read(_MOST)

    return FileKind(name=name, mark=mark, is_one=is_one)


def check_outside_releases(path: Path, *, error: type[WorkbenchError] = WorkbenchError) -> None:
    """Refuse a place inside a release, which would not be what its ``SHA256SUMS`` says any more.

    Parameters
    ----------
    path
        File or folder to write; it may be a release itself.
    error
        What to raise.
    """
    folder = path.parent.resolve()
    for above in (folder, *folder.parents):
        if all((above / name).is_file() for name in _OF_RELEASES):
            raise error(f"{path} lies in {above}, which never changes; choose a folder beside it")


def check_output(
    path: Path,
    kind: OutputKind,
    *,
    overwrite: bool,
    sources: Iterable[Path] = (),
    error: type[WorkbenchError] = WorkbenchError,
) -> None:
    """Refuse an output before any work goes into it: nothing but an older output of its kind is replaced.

    Parameters
    ----------
    path
        The file to write.
    kind
        What is written.
    overwrite
        Whether it may be there already.
    sources
        Files that the output is made of.
    error
        What to raise.
    """
    check_outside_releases(path, error=error)
    if not path.parent.is_dir():
        raise error(f"{path.parent} is not a folder; make it first")
    if not os.access(path.parent, os.W_OK):
        raise error(f"{path.parent} may not be written to; choose another folder")
    if not os.path.lexists(path):
        return
    if any(source.exists() and path.exists() and path.samefile(source) for source in sources):
        raise error(f"{path} is what the output is made of; choose another name for the output")
    if not overwrite:
        raise error(f"{path} exists already; choose another name or pass --overwrite")
    if not path.is_file():
        raise error(f"{path} is no file that could be replaced; choose another name")
    if not _is_older(path, kind):
        raise error(
            f"{path} does not say that it is {kind.name} of the workbench, so it is not replaced; choose "
            "another name, or remove it first"
        )


def check_older(path: Path, kind: OutputKind, *, error: type[WorkbenchError] = WorkbenchError) -> None:
    """Refuse what lies where the workbench writes unasked, unless it is an older output of that kind.

    Raises
    ------
    WorkbenchError
        Of the type given: it is something else, and would be lost.
    """
    if os.path.lexists(path) and not (path.is_file() and _is_older(path, kind)):
        raise error(
            f"{path} does not say that it is {kind.name} of the workbench, so it is not replaced; move it "
            "away first"
        )


def _is_older(path: Path, kind: OutputKind) -> bool:
    """Tell whether a file may be replaced: one of the kind, or an empty one that is called like an output.

    An empty file of another name may mean something by being there, as locks do.
    """
    if not path.stat().st_size:
        return path.suffix.lower() in _SUFFIXES
    return is_known(path, kind)


def is_known(path: Path, kind: OutputKind) -> bool:
    """Tell whether a file is of a kind, whatever is in it."""
    with suppress(OSError, ValueError, WorkbenchError):
        return kind.is_one(path)
    return False


@contextmanager
def new_folder(path: Path) -> Iterator[None]:
    """Make a folder, if it is not there; it goes again if what was to lie in it could not be made."""
    made = not path.exists()
    path.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        if made:
            with suppress(OSError):  # something lies in it
                path.rmdir()
        raise
