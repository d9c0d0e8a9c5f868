"""Ops out of the bytes of a damaged journal, without SQLite's help.

A record of the table ``ops`` can be told by its header: fourteen serial types of which the last two are
those of blobs of 32 bytes (SQLite, *Database File Format*, sections 2.1 and 1.6). So records are found
whatever became of the pages and trees around them. What is found may be anything; only the chain of hashes
makes it an op, and `believed_chain` follows that chain from the meta document on. Nothing is ever guessed.
"""

from __future__ import annotations

__all__ = ["believed_chain", "carved_dates", "carved_metas", "carved_rows", "claimed_size", "images"]

import json
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.errors import JournalError
from workbench.labels.meta import JournalMeta
from workbench.labels.tables import Row, check_following, checked

_PAGE = 4096
_HASHES = bytes([2 * 32 + 12] * 2)
"""Serial types of two blobs of 32 bytes, with which a record's header ends."""
_COLUMNS = 14
_HEADERS = range(_COLUMNS + 1, 40)
_META = b'{"author":"'
_CREATED = re.compile(rb'"created":"([0-9T:.Z-]{20,32})"')
_LONGEST_META = 1 << 16
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WHOLE_NUMBERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def images(main: bytes, wal: bytes) -> list[tuple[bytes, int]]:
    """Return the states in which a database may be, each with its page size: without its WAL, and with it."""
    size = _page_size(main)
    pages = {number: main[at : at + size] for number, at in enumerate(range(0, len(main), size), start=1)}
    for at in range(_WAL_HEADER, len(wal), _FRAME_HEADER + size):
        (number,) = struct.unpack_from(">I", wal.ljust(at + 4, b"\0"), at)
        if 1 <= number <= len(pages) + len(wal) // size + 1:
            pages[number] = wal[at + _FRAME_HEADER : at + _FRAME_HEADER + size]
    merged = b"".join(
        pages.get(number, b"").ljust(size, b"\0") for number in range(1, max(pages, default=0) + 1)
    )
    return [(main, size), (merged, size)] if wal else [(main, size)]


def claimed_size(main: bytes) -> int:
    """Return how many bytes a database has by its header (section 1.3.8), 0 where it has none."""
    return int.from_bytes(main[28:32], "big") * _page_size(main)


def carved_rows(image: bytes, page: int) -> Iterator[Row]:
    """Yield every record that could be an op. Its ``seq`` is 0, for that is not in the record."""
    at = image.find(_HASHES)
    while at >= 0:
        for length in _HEADERS:
            start = at + len(_HASHES) - length
            if start >= 0 and image[start] == length:
                row = _row_at(image, start, page)
                if row is not None:
                    yield row
        at = image.find(_HASHES, at + 1)


def carved_metas(image: bytes) -> Iterator[JournalMeta]:
    """Yield every meta document."""
    decoder = json.JSONDecoder()
    at = image.find(_META)
    while at >= 0:
        text = image[at : at + _LONGEST_META].decode("utf-8", errors="replace")
        try:
            _, stop = decoder.raw_decode(text)
            yield JournalMeta.parse(text[:stop])
        except (ValueError, RecursionError, JournalError):
            pass
        at = image.find(_META, at + 1)


def carved_dates(image: bytes) -> Iterator[str]:
    """Yield every time at which a journal may have been created, as its meta document has it."""
    for found in _CREATED.finditer(image):
        yield found[1].decode("ascii")


def believed_chain(rows: Iterable[Row], meta: JournalMeta, *, own: Iterable[Row] = ()) -> list[Row]:
    """Return the ops that follow each other from the first on, as far as there is just one that follows.

    Parameters
    ----------
    rows
        Candidates, in any order, of any number; their ``seq`` does not matter.
    meta
        Of the journal.
    own
        Those of them that go on where others follow, too.
    """
    first = {row.sha256 for row in own}
    by_previous: dict[bytes, set[Row]] = defaultdict(set)
    for row in rows:
        by_previous[row.previous].add(row)
    chain: list[Row] = []
    previous = bytes.fromhex(meta.genesis)
    while True:
        last = chain[-1] if chain else None
        found = {}
        for candidate in by_previous.get(previous, ()):
            row = candidate._replace(seq=len(chain) + 1)
            try:
                check_following(checked(row), last, meta)
            except (ValueError, TypeError, OverflowError, RecursionError, JournalError):
                continue
            found[row.sha256] = row
        if len(found) > 1:
            found = {sha256: row for sha256, row in found.items() if sha256 in first}
        if len(found) != 1:
            return chain
        (row,) = found.values()
        chain.append(checked(row))
        previous = row.sha256


def _page_size(main: bytes) -> int:
    size = int.from_bytes(main[16:18], "big")
    return size if size in (512 << power for power in range(7)) else _PAGE


def _row_at(image: bytes, start: int, page: int) -> Row | None:
    """Return the record whose header starts somewhere, or None if there is none."""
    stop = start + image[start]
    types: list[int] = []
    at = start + 1
    while at < stop and len(types) < _COLUMNS:
        value, at = _varint(image, at)
        types.append(value)
    if at != stop or len(types) != _COLUMNS or types[0] != 0:
        return None
    sizes = [_size(kind) for kind in types]
    if min(sizes) < 0:
        return None
    total = sum(sizes)
    content = _content(image, start, image[start] + total, page)[image[start] :]
    if len(content) < total:
        return None
    values: list[Any] = []
    at = 0
    for kind, size in zip(types, sizes, strict=True):
        part = content[at : at + size]
        at += size
        try:
            values.append(_value(kind, part))
        except UnicodeDecodeError:
            return None
    row = Row._make([0, *values[1:]])
    scale: Any = row.scale  # SQLite keeps a real number that is whole as an integer
    return row._replace(scale=float(scale)) if isinstance(scale, int) else row


def _content(image: bytes, start: int, total: int, page: int) -> bytes:
    """Return a record whole, following its overflow pages (section 1.6)."""
    largest, least = page - 35, (page - 12) * 32 // 255 - 23
    if total <= largest:
        return image[start : start + total]
    local = least + (total - least) % (page - 4)
    local = local if local <= largest else least
    parts = [image[start : start + local]]
    (number,) = struct.unpack_from(">I", image[start + local : start + local + 4].ljust(4, b"\0"))
    left, seen = total - local, set()
    while left > 0 and number and number not in seen and number * page <= len(image):
        seen.add(number)
        begin = (number - 1) * page
        parts.append(image[begin + 4 : begin + 4 + min(left, page - 4)])
        left -= page - 4
        (number,) = struct.unpack_from(">I", image, begin)
    return b"".join(parts)


def _varint(image: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        byte = image[at + step] if at + step < len(image) else 0
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | (image[at + 8] if at + 8 < len(image) else 0), at + 9


def _size(kind: int) -> int:
    """Return the bytes that a value of a serial type takes, -1 for a type that there is not."""
    if kind in _WHOLE_NUMBERS:
        return _WHOLE_NUMBERS[kind]
    if kind in (0, 8, 9):
        return 0
    if kind == 7:
        return 8
    return (kind - 12) // 2 if kind >= 12 else -1


def _value(kind: int, part: bytes) -> int | float | str | bytes | None:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return float(struct.unpack(">d", part)[0])
    if kind in _WHOLE_NUMBERS:
        return int.from_bytes(part, "big", signed=True)
    return part if kind % 2 == 0 else part.decode("utf-8")
