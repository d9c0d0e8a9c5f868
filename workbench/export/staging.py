"""A folder that appears whole or not at all."""

from __future__ import annotations

__all__ = ["Staging"]

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from filelock import FileLock, Timeout

from workbench.documents import is_abandoned
from workbench.errors import ReleaseError

_LOCK: Final = ".building"


class Staging:
    """A hidden sibling of a folder to be, filled by one builder and renamed last.

    The builder holds a lock inside it for as long as it lives, so the next builder of the same folder can
    tell what a killed one left behind from what another one is filling, and removes the former.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}")
        self._lock = FileLock(self.path / _LOCK)

    @classmethod
    @contextmanager
    def beside(cls, target: Path) -> Iterator[Self]:
        """Give a staging folder; what was not published is gone afterwards."""
        made = [parent for parent in (target.parent, *target.parent.parents) if not parent.exists()]
        staging = cls(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target)
            staging.path.mkdir()
        except OSError as error:
            raise ReleaseError(
                f"{target.parent} is no folder to write in ({error.strerror}); choose another"
            ) from error
        try:
            staging._lock.acquire()
            yield staging
        finally:
            staging._lock.release()
            shutil.rmtree(staging.path, ignore_errors=True)
            _remove_empty(made)

    def publish(self) -> bool:
        """Sync everything, then rename; False if the target is there already and nothing was done.

        Files are synced here, once and in the order of their folders: syncing each as it is written takes
        about twice as long. A power cut before the rename leaves a hidden folder, after it the whole target.

        Raises
        ------
        ReleaseError
            The disk is full or fails.
        """
        try:
            return self._publish()
        except OSError as error:
            raise ReleaseError(
                f"{self.target} cannot be written ({error.strerror}) and was not made; choose another folder"
            ) from error

    def _publish(self) -> bool:
        for folder, _, files in os.walk(self.path):
            for name in files:
                _sync(Path(folder, name))
            _sync(Path(folder))
        self._unlock()
        try:
            self.path.rename(self.target)
        except OSError:
            if self.target.exists():
                return False
            raise
        _sync(self.target.parent)
        return True

    def _unlock(self) -> None:
        """Take the lock out; before it is free, where an open file can be deleted."""
        if os.name != "nt":
            (self.path / _LOCK).unlink()
        self._lock.release()
        (self.path / _LOCK).unlink(missing_ok=True)


def _remove_abandoned(target: Path) -> None:
    for path in target.parent.glob(f".{target.name}-????????"):
        if not (path / _LOCK).is_file():  # it was killed before it locked the folder, or while it published
            if is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
            continue
        try:
            with FileLock(path / _LOCK, timeout=0):
                pass
        except Timeout:
            continue
        shutil.rmtree(path, ignore_errors=True)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # it holds the published target by now
            return


def _sync(path: Path) -> None:
    if os.name == "nt":  # Windows syncs files opened for writing only, and no folders
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
