"""The seal of ``hierarchy.h5``: the SHA-256 of its bytes, checked before HDF5 sees any of them.

HDF5 checks what lies in chunks, and only where it finds them. Where its own structures are damaged, it may
loop for ever or take lost chunks for zeros, and nobody who asks it can tell. So the seal lies outside, in the
user block: the first 512 bytes, which HDF5 leaves to applications. Other software skips it.

Files from before the seal, of format versions 1 and 2, start with HDF5's signature. Of their structures the
global heaps are checked, which hold the text attributes: there a size of 0 makes HDF5 loop for ever.
"""

from __future__ import annotations

__all__ = ["BEGINS", "BLOCK", "is_sealed", "read_content", "seal"]

import struct
from pathlib import Path

from workbench import documents
from workbench.errors import HierarchyError

BLOCK = 512
"""Bytes of the seal; HDF5 looks for its own signature at 0, 512, 1024 …"""

_MARK = b"workbench-hierarchy, sealed: SHA-256 of all from byte 512 on is "
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
BEGINS = (_MARK, _SIGNATURE)
"""What a hierarchy file begins with: the seal, or HDF5's signature where there is none."""
# "GCOL" and version 1. In deflated data these five bytes turn up once in a million million.
_HEAP = b"GCOL\x01"
_HEAP_HEADER = 16
_OBJECT = struct.Struct("<HHIQ")


def seal(content: bytes | memoryview) -> bytes:
    r"""Return the block that goes before the HDF5 structures and data of a file.

    >>> seal(b"")[:90]
    b'workbench-hierarchy, sealed: SHA-256 of all from byte 512 on is e3b0c44298fc1c149afbf4c899'
    """
    return (_MARK + documents.digest(content).encode("ascii") + b"\n").ljust(BLOCK, b"\0")


def is_sealed(path: Path) -> bool:
    """Tell whether a file says that it is a hierarchy, damaged or not."""
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


def read_content(path: Path) -> bytes:
    """Read a file, and refuse bytes that are damaged, or that no hierarchy can be.

    Raises
    ------
    HierarchyError
        The seal is broken, there is neither seal nor HDF5, or a heap of an unsealed file is damaged.
    OSError
        The file is not there, or cannot be read.
    """
    with path.open("rb") as file:
        if not file.read(BLOCK).startswith(BEGINS):
            raise HierarchyError("it is no hierarchy file, or its beginning is damaged")
        file.seek(0)
        content = file.read()
    if content.startswith(_SIGNATURE):
        _check_heaps(content)
    elif content[:BLOCK] != seal(memoryview(content)[BLOCK:]):
        raise HierarchyError("it is damaged: its bytes are not those that were written")
    return content


def _check_heaps(content: bytes) -> None:
    start = content.find(_HEAP)
    while start >= 0:
        _check_heap(content, start)
        start = content.find(_HEAP, start + 1)


def _check_heap(content: bytes, start: int) -> None:
    """Follow the objects of a heap, each of which gives the way to the next.

    A heap has signature, version, 3 bytes and its size in 8. An object has its number in 2 bytes, 6 others,
    the size of what follows in 8, and that, filled up to 8 bytes. Number 0 is free space of that size in all.
    """
    at = start + _HEAP_HEADER
    size = int.from_bytes(content[at - 8 : at], "little")
    stop = start + size
    while at <= stop - _OBJECT.size and stop <= len(content):
        number, _, _, size = _OBJECT.unpack_from(content, at)
        step = size if number == 0 else _OBJECT.size + -(-size // 8) * 8
        if step < _OBJECT.size:
            break
        at += step
    else:
        if at <= stop <= len(content):
            return
    raise HierarchyError(f"it is damaged: the HDF5 heap at byte {start} leads nowhere")
