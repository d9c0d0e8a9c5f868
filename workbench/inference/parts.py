"""The parts of a prediction, beside its output until they are one file.

A part is a block, whole or not there: its file is called after the digest of its bytes, and one that has
others is made again. Parts outlast a kill, and a disk that is full; what could not go on with them takes them
along.
"""

from __future__ import annotations

__all__ = ["NotWritten", "Parts", "parts_of"]

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.documents import alone, canonical_bytes, digest, digest_file, write_file
from workbench.errors import ModelError, RasterError, WorkbenchError
from workbench.inference.tiles import Block

_PLAN = "plan.json"
_DIGITS = 16
"""Of a digest, in the name of a part: damage is not made on purpose."""
_PART = re.compile(rf"(\d{{5,}})-(\d{{5,}})-([0-9a-f]{{{_DIGITS}}})\.tif")


_OURS = re.compile(
    rf"{re.escape(_PLAN)}|\d{{5,}}-\d{{5,}}(-[0-9a-f]{{{_DIGITS}}})?\.tif|[^.]*\.vrt|\..*\.part.*|.*ovr.*"
)
"""Names of what such a folder may hold: parts, and what becomes a part or one file of them."""


class NotWritten(RasterError):
    """The disk takes no more: the parts that are done are worth going on from."""


class Parts:
    """The parts that are done. Several threads may keep one at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """For other files, too, that go when there is one file of the parts."""
        self._paths: dict[tuple[int, int], Path] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, block: Block) -> bool:
        return (block.row, block.col) in self._paths

    def path(self, block: Block) -> Path:
        """Return the file of a part that is done."""
        return self._paths[block.row, block.col]

    def keep(self, block: Block, content: bytes) -> None:
        """Write a part.

        Raises
        ------
        NotWritten
            There is no room for it.
        """
        path = self.folder / f"{block.row:05}-{block.col:05}-{digest(content)[:_DIGITS]}.tif"
        write_file(path, content, error=NotWritten)
        self._paths[block.row, block.col] = path

    def take(self) -> int:
        """Take the parts that an earlier run made; return how many were damaged, and are gone."""
        damaged = 0
        for path in list(self.folder.iterdir()):
            found = _PART.fullmatch(path.name)
            if found and digest_file(path).startswith(found[3]):
                self._paths[int(found[1]), int(found[2])] = path
            elif path.name != _PLAN:  # what it was writing when it was killed is none
                damaged += path.suffix == ".tif" and not path.name.startswith(".")
                path.unlink()
        return damaged


@contextmanager
def parts_of(output: Path, plan: Mapping[str, Any], *, say: Callable[[str], None]) -> Iterator[Parts]:
    """Give the parts of an output that are done already; those of another plan go.

    Parameters
    ----------
    output
        The file that the parts become.
    plan
        All that they depend on, as JSON.
    say
        Told what becomes of parts that are there.

    Raises
    ------
    ModelError
        Another process is at work there, nothing can be written, or the folder of parts is somebody's own.
    """
    folder = output.with_name(f".{output.name}.parts")
    with alone(output, error=ModelError):
        _check_own(folder)
        parts = Parts(folder)
        try:
            _prepare(parts, canonical_bytes(plan), say)
            yield parts
        except NotWritten as failure:
            if not parts:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            raise RasterError(
                f"{failure}; {len(parts)} parts that are done stay in {folder}: predict again to go on from "
                "them, or remove it"
            ) from failure
        except WorkbenchError:  # nobody can go on with them
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except BaseException:  # it was stopped
            if not parts:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder)


def _check_own(folder: Path) -> None:
    """Refuse a folder that holds anything but parts: it goes with them."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(f"{folder} is no folder of parts; move it away, or choose another name")
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in there:
        if not path.is_file() or _OURS.fullmatch(path.name) is None:
            raise ModelError(
                f"{folder} holds {path.name}, no part of a prediction, which would be lost; move it away, or "
                "choose another name for the output"
            )


def _prepare(parts: Parts, plan: bytes, say: Callable[[str], None]) -> None:
    """Make the folder of parts, or take those of the same plan that are in it."""
    folder, path = parts.folder, parts.folder / _PLAN
    if folder.is_dir() and (not path.is_file() or path.read_bytes() != plan):
        if any(_PART.fullmatch(one.name) for one in folder.iterdir()):
            say(f"{folder}: parts of another prediction, of other pixels, models or settings, are dropped")
        shutil.rmtree(folder)
    if folder.is_dir():
        if damaged := parts.take():
            say(f"{folder}: {damaged} parts are not as they were written, and are done again")
        return
    try:
        folder.mkdir()
    except OSError as error:
        raise RasterError(f"{folder} cannot be made ({error.strerror}); choose another place") from error
    write_file(path, plan, error=NotWritten)
