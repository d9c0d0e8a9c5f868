"""HDF5 files of patches: written once, chunk by chunk, and read patch by patch.

Chunks are compressed elsewhere, in several threads, and written as they are; the file goes through Python,
which says when a disk is full.
"""

from __future__ import annotations

__all__ = [
    "Chunked",
    "OpenPatches",
    "compressed",
    "each_patch",
    "modalities_of",
    "read_patch",
    "strange_members",
    "take_patches",
    "write_patches",
]

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError

_LEVEL: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """A dataset of patches."""

    dtype: str
    shape: tuple[int, ...]
    """Of one patch."""


def compressed(pixels: NDArray[Any]) -> bytes:
    """Return the bytes of a chunk, as HDF5's deflate filter has them."""
    return zlib.compress(np.ascontiguousarray(pixels).tobytes(), _LEVEL)


def write_patches(
    path: Path,
    ids: Sequence[str],
    transforms: NDArray[np.float64],
    datasets: Mapping[str, Chunked],
    chunks: Iterable[Mapping[str, bytes]],
    about: Mapping[str, str],
) -> None:
    """Write patches: their ids, where they lie, and a dataset per modality.

    Parameters
    ----------
    path
        The file.
    ids
        Of the patches, in order.
    transforms
        Shape (patch, 6).
    datasets
        By modality.
    chunks
        For each patch the compressed pixels of each modality.
    about
        Attributes of the file.

    Raises
    ------
    OSError
        The disk is full.
    """
    import h5py

    with path.open("wb+") as raw, h5py.File(raw, "w") as file:
        for name, text in sorted(about.items()):  # as they are read, so that a copy has the same bytes
            file.attrs[name] = text
        file.create_dataset("id", data=list(ids), dtype=h5py.string_dtype())
        file.create_dataset("transform", data=transforms)
        made = {
            name: file.create_dataset(
                name,
                shape=(len(ids), *one.shape),
                dtype=np.dtype(one.dtype).newbyteorder("<"),
                chunks=(1, *one.shape),
                compression="gzip",
                compression_opts=_LEVEL,
            )
            for name, one in datasets.items()
        }
        for number, parts in enumerate(chunks):
            for name, content in parts.items():
                made[name].id.write_direct_chunk((number,) + (0,) * len(datasets[name].shape), content)


def take_patches(
    path: Path,
    target: Path,
    ids: Sequence[str],
    modalities: Sequence[str],
    *,
    instead: Iterable[Mapping[str, bytes]] | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write some patches of a file, and some modalities, to another one: chunks as they are.

    Parameters
    ----------
    path, target
        The file, and the one to write.
    ids
        Of the patches, in the order that they are to have.
    modalities
        Those of the file that are taken.
    instead
        For each patch chunks of modalities that are not to be as they are, of the same shape and type.
    about
        Attributes that are not to be as they are.

    Raises
    ------
    ReleaseError
        The file is damaged, or has no such patch or modality.
    OSError
        The disk is full.
    """
    with _opened(path) as file:
        there = {name: number for number, name in enumerate(file["id"].asstr()[:])}
        places = [there[name] for name in ids]
        datasets = {one: Chunked(dtype=file[one].dtype.name, shape=file[one].shape[1:]) for one in modalities}
        transforms, told = file["transform"][:][places], {**file.attrs, **(about or {})}
    chunks: Iterable[Mapping[str, bytes]] = _chunks(path, places, modalities)
    if instead is not None:
        chunks = ({**each, **others} for each, others in zip(chunks, instead, strict=True))
    write_patches(target, ids, transforms, datasets, chunks, told)


def read_patch(path: Path, modality: str, patch_id: str) -> NDArray[Any]:
    """Return the pixels of a modality of a patch, shape as in its dataset without the first axis.

    Raises
    ------
    ReleaseError
        The file is damaged, or has no such patch or modality.
    """
    with _opened(path) as file:
        (places,) = np.nonzero(file["id"].asstr()[:] == patch_id)
        pixels: NDArray[Any] = file[modality][int(places[0])]
    return pixels


class OpenPatches:
    """A file of patches that stays open, for who reads many of them; it is of one process.

    Raises
    ------
    ReleaseError
        The file is damaged.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self._path = path
        with _told(path):
            self._file = h5py.File(path)
            self._places = {name: number for number, name in enumerate(self._file["id"].asstr()[:])}

    def read(self, modality: str, patch_id: str) -> NDArray[Any]:
        """Return what `read_patch` does."""
        with _told(self._path):
            pixels: NDArray[Any] = self._file[modality][self._places[patch_id]]
        return pixels


def each_patch(path: Path, modalities: Sequence[str]) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield the id of each patch, in the file's sequence, and its pixels by modality.

    Raises
    ------
    ReleaseError
        The file is damaged, or has no such modality.
    """
    with _opened(path) as file:
        for number, patch_id in enumerate(file["id"].asstr()[:]):
            yield patch_id, {one: file[one][number] for one in modalities}


def modalities_of(path: Path) -> tuple[str, ...]:
    """Return the modalities that a file has of its patches.

    Raises
    ------
    ReleaseError
        The file is damaged.
    """
    with _opened(path) as file:
        return tuple(name for name in file if name not in ("id", "transform"))


def strange_members(path: Path, modalities: Sequence[str]) -> Iterator[str]:
    """Yield the names of what a file has beside ids, places and some modalities, or of what leads elsewhere.

    Raises
    ------
    ReleaseError
        The file is damaged.
    """
    import h5py

    with _opened(path) as file:
        count = len(file["id"])
        for name in file:
            link = file.get(name, getlink=True)
            found: Any = file[name] if isinstance(link, h5py.HardLink) else None
            own = isinstance(found, h5py.Dataset) and not found.external and not found.is_virtual
            if name not in ("id", "transform", *modalities) or not own or found.shape[:1] != (count,):
                yield name


def _chunks(path: Path, places: Sequence[int], modalities: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """Yield the compressed pixels of patches."""
    with _opened(path) as file:
        for number in places:
            yield {
                one: file[one].id.read_direct_chunk((number,) + (0,) * (file[one].ndim - 1))[1]
                for one in modalities
            }


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import h5py

    with _told(path), h5py.File(path) as file:
        yield file


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError, IndexError, RuntimeError, ValueError) as error:
        raise ReleaseError(f"{path} lacks a patch or modality, or is damaged; copy it again") from error
