"""Files of a published release as other documents name them: what kind they are, their size and digest."""

from __future__ import annotations

__all__ = ["DescribedFile", "media_type"]

from dataclasses import dataclass
from typing import Final

_TYPES: Final = {
    "h5": "application/x-hdf5",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
    "tar": "application/x-tar",
    "tif": "image/tiff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedFile:
    """A file that is there; its path starts at the release's folder, with ``/``."""

    path: str
    sha256: str
    size: int
    """Bytes."""
    description: str


def media_type(path: str) -> str | None:
    """Return the media type that the end of a name stands for; None for a folder.

    >>> media_type("index.parquet")
    'application/vnd.apache.parquet'
    """
    return _TYPES.get(path.rpartition(".")[2])
