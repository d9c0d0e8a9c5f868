"""Files of many patches that are read again and again: opened, or looked through, once in each process."""

from __future__ import annotations

__all__ = ["PackedFiles"]

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Final

from numpy.typing import NDArray

from workbench.export.hdf5 import OpenPatches
from workbench.export.tars import Members

_MOST: Final = 64
"""Files of a kind that are known at a time; a system lets a process open some hundred."""


class PackedFiles:
    """What is known of files of many patches; threads may ask, and another process begins anew."""

    def __init__(self) -> None:
        self._forget()

    def patch(self, path: Path, modality: str, patch_id: str) -> NDArray[Any]:
        """Return the pixels of a patch in an HDF5 file, as `workbench.export.hdf5.read_patch` does.

        Raises
        ------
        ReleaseError
            The file is damaged, or has no such patch or modality.
        """
        opened: OpenPatches = self._known(path, OpenPatches)
        return opened.read(modality, patch_id)

    def member(self, path: Path, name: str) -> bytes:
        """Return the content of a member of a tar file, as `workbench.export.tars.read_member` does.

        Raises
        ------
        ReleaseError
            The file is no tar file, or has no such member.
        """
        members: Members = self._known(path, Members)
        return members.read(name)

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = Lock()
        self._files: OrderedDict[Path, Any] = OrderedDict()

    def _known(self, path: Path, look: Callable[[Path], Any]) -> Any:
        if self._process != os.getpid():  # forked: what the other process has open is its own
            self._forget()
        with self._lock:
            if path not in self._files:
                self._files[path] = look(path)
                if len(self._files) > _MOST:
                    self._files.popitem(last=False)
            self._files.move_to_end(path)
            return self._files[path]
