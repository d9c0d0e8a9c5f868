"""The ``-wal`` of a journal: whether ops that were committed to it are there no more.

SQLite reads a WAL as far as its checksums hold, and takes what follows for a commit that a power cut tore. So
a WAL that was damaged or cut short only looks shorter, and acknowledged ops would be gone without a word. Two
things tell: the ``-shm`` of a killed writer says how many pages were committed, for it is written after they
were synced; and after a torn commit there is no other. (SQLite, *WAL-mode File Format*.)
"""

from __future__ import annotations

__all__ = ["missing_bytes", "wal_damage"]

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel

_HEADER, _FRAME = 32, 24
_MAGIC = (0x377F0682, 0x377F0683)
_INDEX = 48
"""Bytes of each of the two copies of the header of a ``-shm``."""


def wal_damage(wal: Path, shm: Path) -> str | None:
    """Return what is wrong with a WAL, None if nothing is; SQLite must not have opened the journal since.

    Parameters
    ----------
    wal, shm
        The files beside a journal; they may be missing.
    """
    claimed = _claim(shm)
    content = _content(wal)
    if not any(content[:_HEADER]):  # nothing was synced yet, or it is empty
        gone = claimed is not None and claimed.frames > claimed.settled
        return f"its -wal is gone, of {claimed.frames} pages" if claimed and gone else None
    if not _is_sound(content[:_HEADER]):
        return "the beginning of its -wal is damaged"
    salts, step = content[16:24], _FRAME + int.from_bytes(content[8:12], "big")
    sound, after = _frames(content, step)
    if claimed is not None and claimed.salts == salts and claimed.frames > sound:
        return f"of the {claimed.frames} pages in its -wal the first {sound} can be believed"
    return f"its -wal is damaged at page {sound + 1}, and commits follow" if after > 1 else None


def missing_bytes(wal: Path, shm: Path) -> bool:
    """Tell whether a WAL is shorter than what was committed to it."""
    claimed, content = _claim(shm), _content(wal)
    if claimed is None or content[16:24] not in (b"", claimed.salts):
        return False
    return len(content) < _HEADER + claimed.frames * (_FRAME + int.from_bytes(content[8:12], "big"))


class _Claim(NamedTuple):
    """What a ``-shm`` says of its WAL."""

    frames: int
    """Frames up to the last commit."""
    settled: int
    """Frames that are in the journal itself by now."""
    salts: bytes
    """8 bytes that every frame of that WAL has."""


def _claim(shm: Path) -> _Claim | None:
    """Return what a ``-shm`` says, None if it is missing or in the middle of a change."""
    header = _content(shm, 2 * _INDEX + 4)
    one, other = header[:_INDEX], header[_INDEX : 2 * _INDEX]
    if len(header) < 2 * _INDEX + 4 or one != other or not one[12]:
        return None
    if _checksum(one[:40], "=") != struct.unpack("=2I", one[40:]):
        return None
    (frames,), (settled,) = struct.unpack_from("=I", one, 16), struct.unpack_from("=I", header, 2 * _INDEX)
    return _Claim(frames=frames, settled=settled, salts=one[32:40])


def _content(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""


def _is_sound(header: bytes) -> bool:
    magic, _, page = struct.unpack_from(">3I", header.ljust(_HEADER, b"\0"))
    if magic not in _MAGIC or page not in (512 << power for power in range(8)):
        return False
    return _checksum(header[:24], ">" if magic & 1 else "<") == struct.unpack(">2I", header[24:32])


def _checksum(content: bytes, order: str) -> tuple[int, int]:
    first = second = 0
    for one, other in struct.iter_unpack(f"{order}2I", content):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _frames(content: bytes, step: int) -> tuple[int, int]:
    """Return how many frames are believed, up to a commit, and how many commits of this WAL come after."""
    count = (len(content) - _HEADER) // step
    stored = np.frombuffer(content, ">u4", (_HEADER + count * step) // 4).astype(np.uint32)
    summed = stored if content[3] & 1 else stored.byteswap()
    sound = _sound_frames(stored, summed, step // 4)
    heads = stored[_HEADER // 4 + sound * step // 4 :].reshape(count - sound, step // 4)[:, :4]
    return sound, int(np.count_nonzero((heads[:, 1] > 0) & (heads[:, 2:] == stored[4:6]).all(axis=1)))


@kernel
def _sound_frames(stored: NDArray[np.uint32], summed: NDArray[np.uint32], step: int) -> int:
    """Return how many frames SQLite believes.

    Parameters
    ----------
    stored, summed
        Shape (word,). The file as big-endian words, and as the words that its checksums are made of.
    step
        Words of a frame.
    """
    mask = np.uint64(0xFFFFFFFF)
    first, second = np.uint64(stored[6]), np.uint64(stored[7])
    sound = 0
    for number in range((stored.size - 8) // step):
        start = 8 + number * step
        if stored[start + 2] != stored[4] or stored[start + 3] != stored[5]:
            break
        for word in range(start, start + step, 2):
            if word < start + 2 or word >= start + 6:
                first = (first + np.uint64(summed[word]) + second) & mask
                second = (second + np.uint64(summed[word + 1]) + first) & mask
        if first != np.uint64(stored[start + 4]) or second != np.uint64(stored[start + 5]):
            break
        if stored[start + 1]:
            sound = number + 1
    return sound
