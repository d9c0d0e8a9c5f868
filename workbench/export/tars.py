"""Tar files of many members, with equal bytes for equal members."""

from __future__ import annotations

__all__ = ["Members", "each_member", "member_names", "read_member", "write_members"]

import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import ReleaseError


def write_members(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write a tar file: names and contents in their sequence, no owner and no date.

    Raises
    ------
    OSError
        The disk is full.
    """
    with path.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))


def read_member(path: Path, name: str) -> bytes:
    """Return the content of a member.

    Raises
    ------
    ReleaseError
        The file is no tar file, or has no such member.
    """
    try:
        with tarfile.open(path) as tar:
            file = tar.extractfile(name)
            if file is not None:
                return file.read()
    except (OSError, tarfile.TarError, KeyError) as error:
        raise _lacking(path, name) from error
    raise ReleaseError(f"{path}: {name} is no file; copy the release again")


class Members:
    """Where the members of a tar file lie, for who reads many of them; the file is not kept open.

    Raises
    ------
    ReleaseError
        The file is no tar file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _opened(path) as tar:
            self._places = {entry.name: (entry.offset_data, entry.size) for entry in tar}

    def read(self, name: str) -> bytes:
        """Return what `read_member` does."""
        try:
            offset, size = self._places[name]
            with self._path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except (OSError, KeyError) as error:
            raise _lacking(self._path, name) from error


def each_member(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each member, in the file's sequence.

    Raises
    ------
    ReleaseError
        The file is no tar file.
    """
    with _opened(path) as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isfile() else None
            yield entry.name, file.read() if file else b""


def member_names(path: Path) -> tuple[str, ...]:
    """Return the names of the members of a tar file, in its sequence.

    Raises
    ------
    ReleaseError
        The file is no tar file.
    """
    with _opened(path) as tar:
        return tuple(tar.getnames())


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar file; what is wrong with it while it is read is said, too."""
    try:
        with tarfile.open(path) as tar:
            yield tar
    except (OSError, tarfile.TarError) as error:
        raise ReleaseError(f"{path} is no tar file that can be read; copy the release again") from error


def _lacking(path: Path, name: str) -> ReleaseError:
    return ReleaseError(f"{path} has no {name} that can be read; copy the release again")
