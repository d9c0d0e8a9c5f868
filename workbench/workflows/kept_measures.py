"""What was measured of zones, kept beside what it was measured of: derived, and anybody may throw it away."""

from __future__ import annotations

__all__ = ["FILE", "keep", "read_kept", "stamp"]

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from workbench.documents import write_file
from workbench.errors import CampaignError

FILE: Final = "measures.json"
_Of = TypeVar("_Of")


def read_kept(path: Path, key: str, read: Callable[[Mapping[str, Any]], _Of]) -> list[_Of] | None:
    """Return what was measured before; None where that is of something else, damaged, or not there.

    Parameters
    ----------
    path
        Of the file.
    key
        Digest of all that the measures depend on.
    read
        Makes of what was kept of a zone what was measured of it.
    """
    try:
        kept = json.loads(path.read_bytes())
        return [read(one) for one in kept["zones"]] if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep(path: Path, key: str, zones: Sequence[dict[str, Any]]) -> None:
    """Keep what was measured; a disk that is full is no error, for it can be measured again."""
    with suppress(OSError, CampaignError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, json.dumps({"key": key, "zones": zones}).encode(), error=CampaignError)


def stamp(path: Path) -> list[Any]:
    """Return by what a file is known to be as it was; empty where none is."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [path.name, status.st_size, status.st_mtime_ns]
