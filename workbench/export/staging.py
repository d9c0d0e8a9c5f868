"""A folder that appears whole or not at all, and whose filling goes on after a kill."""

from __future__ import annotations

__all__ = ["Staging"]

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from filelock import FileLock, Timeout

from workbench.documents import is_abandoned
from workbench.errors import ReleaseError
from workbench.threads import in_threads

_LOCK: Final = ".building"


class Staging:
    """A hidden sibling of a folder to be, filled by one builder and renamed last.

    The builder holds a lock inside it for as long as it lives, so the next builder of the same folder can
    tell what a killed one left behind from what another one is filling, and goes on with the former.
    """

    def __init__(self, target: Path, path: Path) -> None:
        self.target, self.path = target, path
        self.adopted = False
        """Whether a killed builder began to fill it."""
        self._lock = FileLock(path / _LOCK)
        self._syncing, self._synced = ThreadPoolExecutor(1), list[Future[None]]()

    @classmethod
    @contextmanager
    def beside(cls, target: Path, *, go_on: bool = False) -> Iterator[Self]:
        """Give a staging folder; what was not published is gone afterwards.

        Parameters
        ----------
        target
            Folder to be.
        go_on
            Whether to take over what a killed builder left, and to leave it where somebody interrupts.
        """
        made = [parent for parent in (target.parent, *target.parent.parents) if not parent.exists()]
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            staging = cls._abandoned(target, go_on=go_on) or cls._made(target)
        except OSError as error:
            raise ReleaseError(
                f"{target.parent} is no folder to write in ({error.strerror}); choose another"
            ) from error
        kept = False
        try:
            yield staging
        except KeyboardInterrupt:
            kept = go_on
            raise
        finally:
            staging.release()
            if not kept:
                shutil.rmtree(staging.path, ignore_errors=True)
                _remove_empty(made)

    @classmethod
    def _made(cls, target: Path) -> Self:
        staging = cls(target, target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}"))
        staging.path.mkdir()
        staging._lock.acquire()
        return staging

    @classmethod
    def _abandoned(cls, target: Path, *, go_on: bool) -> Self | None:
        """Return what a killed builder left, of several the one that was begun last; remove the others."""
        found: list[Self] = []
        for path in target.parent.glob(f".{target.name}-????????"):
            if not (
                path / _LOCK
            ).is_file():  # it was killed before it locked the folder, or while it published
                if is_abandoned(path):
                    shutil.rmtree(path, ignore_errors=True)
                continue
            staging = cls(target, path)
            try:
                staging._lock.acquire(timeout=0)
            except Timeout:
                continue
            found.append(staging)
        found.sort(key=lambda staging: staging.path.stat().st_mtime_ns)
        last = found.pop() if go_on and found else None
        for staging in found:
            staging.release()
            shutil.rmtree(staging.path, ignore_errors=True)
        if last is not None:
            last.adopted = True
        return last

    def release(self) -> None:
        """Let others have the folder."""
        self._syncing.shutdown(cancel_futures=True)
        self._lock.release()

    def sync_soon(self, names: Iterable[str]) -> None:
        """Have files on their way to the disk while others are made; `publish` waits for what is left."""
        self._synced.append(self._syncing.submit(_sync_all, [self.path / name for name in names]))

    def publish(self) -> bool:
        """Sync everything, then rename; False if the target is there already and nothing was done.

        What `sync_soon` was told of is on the disk by now, or about to be. A power cut before the rename
        leaves a hidden folder, after it the whole target.

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
        for synced in self._synced:
            synced.result()  # the system tells of a failure once, to whom syncs first
        with in_threads() as threads:
            for _ in threads(_sync, _tree(self.path)):
                pass
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


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # it holds the published target by now
            return


def _tree(path: Path) -> Iterator[Path]:
    """Yield all files below a folder, and all folders after what is in them."""
    for folder, _, files in os.walk(path, topdown=False):
        yield from (Path(folder, name) for name in files)
        yield Path(folder)


def _sync_all(paths: Iterable[Path]) -> None:
    for path in paths:
        _sync(path)


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
