"""The archive of a pack: a zip that is written plainly, and read as if it had been made to do harm.

Its members are ``pack.json``, first and not compressed, ``ortho.tif``, ``hierarchy.h5`` where there is one,
and ``journal/<author>.sqlite``. Nothing in it tells when it was made: equal content gives equal bytes.
"""

from __future__ import annotations

__all__ = ["CARD", "FORMAT", "HIERARCHY", "ORTHO", "PACK", "PackArchive", "journal_member", "write_archive"]

import hashlib
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from workbench.documents import replacing
from workbench.errors import CampaignError, JournalError
from workbench.labels.op import check_author
from workbench.outputs import FileKind

CARD, ORTHO, HIERARCHY = "pack.json", "ortho.tif", "hierarchy.h5"
FORMAT = "ocs-workbench/pack"
"""What the card says of itself."""
_BEGINS = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0"
"""First bytes of a pack: a zip whose first member is not compressed and dates from 1980-01-01."""
_JOURNAL = re.compile(r"journal/([^/]+)\.sqlite")
_MOST_MEMBERS = 1_000
_LARGEST = {CARD: 1 << 20, ORTHO: 1 << 30, HIERARCHY: 1 << 29}
"""Bytes of a member; an orthophoto of the largest zone in six bands has 0.7 × 2³⁰."""
_LARGEST_JOURNAL = 1 << 28
_LARGEST_TOTAL = 2 << 30
_LARGEST_RATIO = 100
"""A journal holds two hashes an op, which nothing compresses."""
_PIECE = 1 << 20
# The end of a zip without a comment: signature, disks, members, their directory's size and place.
_END = struct.Struct("<4s4H2IH")
_END_64 = b"PK\x06\x07"
_LARGEST_DIRECTORY = 1 << 18
_PLAIN_FILE = 0o100644
_ENCRYPTED = 0x1 | 0x40 | 0x2000
# What zipfile raises when it meets bytes that it did not write.
_DAMAGED = (
    OSError, ValueError, KeyError, IndexError, EOFError, OverflowError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip


def _is_pack(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.read(_LARGEST[CARD])
    _, member, rest = first.partition(CARD.encode())
    return first.startswith(_BEGINS) and bool(member) and f'"format":"{FORMAT}"'.encode() in rest


PACK = FileKind(name="a packed zone", mark=FORMAT, is_one=_is_pack)


def journal_member(author: str) -> str:
    """Return the name that an author's journal has in a pack."""
    return f"journal/{author}.sqlite"


def write_archive(target: Path, card: bytes, members: Mapping[str, Path]) -> None:
    """Write a pack, by temporary sibling and rename.

    Parameters
    ----------
    target
        The file; one that is there is replaced.
    card
        What ``pack.json`` holds.
    members
        The files of the other members, by name.

    Raises
    ------
    CampaignError
        A member, or all of them, are larger than what would be unpacked again.
    """
    sizes = {CARD: len(card)} | {name: path.stat().st_size for name, path in members.items()}
    _check_sizes(target, sizes)
    with replacing(target) as temporary, zipfile.ZipFile(temporary, "x") as archive:
        archive.writestr(_info(CARD), card)
        for name in sorted(members):
            with members[name].open("rb") as source, archive.open(_info(name), "w") as member:
                shutil.copyfileobj(source, member, _PIECE)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, _PLAIN_FILE << 16
    # An orthophoto and a hierarchy are compressed already.
    info.compress_type = zipfile.ZIP_DEFLATED if _JOURNAL.fullmatch(name) else zipfile.ZIP_STORED
    return info


@dataclass(frozen=True, slots=True, kw_only=True)
class PackArchive:
    """An open pack, every member of which may be one."""

    path: Path
    _zip: zipfile.ZipFile
    sizes: Mapping[str, int]
    """Bytes of each member that it declares; more are never read."""

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """Open a pack and check all that can be said without unpacking anything.

        Raises
        ------
        CampaignError
            It is no zip, damaged, or has a member that no pack has: by name, kind, size or how it is packed.
        """
        if not path.is_file():
            raise CampaignError(f"{path} is not a file on this machine; check the path")
        with path.open("rb") as file:
            _check_end(path, file)
            try:
                archive = zipfile.ZipFile(file)
            except _DAMAGED as error:
                raise _damaged(path, error) from error
            with archive:
                for info in archive.infolist():
                    _check_member(path, info)
                names = [info.filename for info in archive.infolist()]
                if len({name.casefold() for name in names}) < len(names):
                    raise CampaignError(f"{path} holds two members of the same name; {_WAY_OUT}")
                sizes = {info.filename: info.file_size for info in archive.infolist()}
                _check_sizes(path, sizes)
                if missing := {CARD, ORTHO} - sizes.keys():
                    raise CampaignError(f"{path} holds no {min(missing)}, so it is no pack; {_WAY_OUT}")
                yield cls(path=path, _zip=archive, sizes=sizes)

    def authors(self) -> list[str]:
        """Return whose journals there are, by name."""
        found = (_JOURNAL.fullmatch(name) for name in self.sizes)
        return sorted(match[1] for match in found if match)

    def read(self, name: str) -> bytes:
        """Return what a member holds, for one that is small.

        Raises
        ------
        CampaignError
            It cannot be unpacked, or does not have the size that it declares.
        """
        return b"".join(self._pieces(name))

    def copy(self, name: str, sha256: str, target: IO[bytes] | None = None) -> None:
        """Check a member's digest, and write it to an open file if one is given.

        Raises
        ------
        CampaignError
            As for `read`, or it has another digest.
        """
        found = hashlib.sha256()
        for piece in self._pieces(name):
            found.update(piece)
            if target is not None:
                target.write(piece)
        if found.hexdigest() != sha256:
            raise CampaignError(
                f"{self.path}: {name} has SHA-256 {found.hexdigest()[:12]}…, {CARD} says {sha256[:12]}…; "
                f"{_WAY_OUT}"
            )

    def _pieces(self, name: str) -> Iterator[bytes]:
        left = self.sizes[name]
        try:
            with self._zip.open(name) as member:
                while piece := member.read(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        break
                    yield piece
        except _DAMAGED as error:
            raise _damaged(self.path, error, name) from error
        if left:
            raise CampaignError(f"{self.path}: {name} is not of the size that it declares; {_WAY_OUT}")


_WAY_OUT = "ask for the zone to be packed again"


def _damaged(path: Path, error: Exception, what: str = "it") -> CampaignError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return CampaignError(f"{path}: {what} is damaged, cut short or no pack ({reason}); {_WAY_OUT}")


def _check_end(path: Path, file: IO[bytes]) -> None:
    """Refuse a file that does not end as a small zip, before zipfile reads the directory that it names."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - 20))
    tail = file.read()
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise CampaignError(f"{path} is no pack of a zone: it is no zip, or cut short; {_WAY_OUT}")
    _, disk, first_disk, here, members, directory, _, comment = _END.unpack(tail[-_END.size :])
    if disk or first_disk or here != members or comment or tail.startswith(_END_64):
        raise CampaignError(f"{path} is a zip in parts, of 64 bits or with a comment, no pack; {_WAY_OUT}")
    if members > _MOST_MEMBERS or directory > _LARGEST_DIRECTORY:
        raise CampaignError(
            f"{path} has {members} members in a directory of {directory} bytes; a pack has at most "
            f"{_MOST_MEMBERS} in {_LARGEST_DIRECTORY}"
        )


def _check_member(path: Path, info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    shown = ascii(name if len(name) <= 80 else f"{name[:77]}…")
    journal = _JOURNAL.fullmatch(name)
    try:
        known = name in (CARD, ORTHO, HIERARCHY) or (journal and check_author(journal[1])) is not None
    except JournalError:
        known = False
    if not known or info.filename != name:
        raise CampaignError(f"{path}: member {shown} is none that a pack has; {_WAY_OUT}")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG) or info.is_dir():
        raise CampaignError(f"{path}: member {shown} is a link, a folder or a device; {_WAY_OUT}")
    if info.flag_bits & _ENCRYPTED:
        raise CampaignError(f"{path}: member {shown} is encrypted; {_WAY_OUT} without a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CampaignError(f"{path}: member {shown} is compressed in a way that packs are not; {_WAY_OUT}")
    if info.file_size > _LARGEST_RATIO * info.compress_size:
        raise CampaignError(
            f"{path}: member {shown} unpacks {info.compress_size} bytes to {info.file_size}, which no file "
            f"of a pack does; {_WAY_OUT}"
        )


def _check_sizes(path: Path, sizes: Mapping[str, int]) -> None:
    for name, size in sizes.items():
        most = _LARGEST.get(name, _LARGEST_JOURNAL)
        if size > most:
            raise CampaignError(f"{path}: {name} has {size:,} bytes, in a pack it has at most {most:,}")
    total = sum(sizes.values())
    if total > _LARGEST_TOTAL or len(sizes) > _MOST_MEMBERS:
        raise CampaignError(
            f"{path}: {len(sizes)} files of {total:,} bytes in all, a pack has at most {_MOST_MEMBERS:,} of "
            f"{_LARGEST_TOTAL:,}"
        )
