"""Folders that nobody may write to, whoever runs the tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that every user may enter and write to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        yield Path(place)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Take the right to write to a folder and all in it away, and root's right to do so all the same."""
    inside = [directory, *directory.rglob("*")]
    for file in inside:
        file.chmod(0o555 if file.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for file in inside:
            if file.is_dir():
                file.chmod(0o755)
