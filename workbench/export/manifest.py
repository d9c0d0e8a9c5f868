"""``SHA256SUMS``: which files a release has and what is in them.

The format is that of ``sha256sum``: 64 hexadecimal digits, two spaces, the path with ``/``, one file a line,
sorted by path. Every file is listed but ``SHA256SUMS`` itself.
"""

from __future__ import annotations

__all__ = ["ABOUT", "MANIFEST", "Manifest", "check_files", "is_about", "listed_files"]

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self

from workbench.documents import digest_file, inside
from workbench.errors import Problem, ReleaseError, WorkbenchError
from workbench.threads import Map

MANIFEST: Final = "SHA256SUMS"
# What tells about the data and is not the data: the same patches under another name, cut again by a newer
# workbench, or published with what others read, are the same content.
ABOUT: Final = (
    r"README\.md|release\.json|CITATION\.cff|LICENSE|croissant\.json|datasheet\.md|preview\.(parquet|png)"
    r"|stac/collection\.json|stac/items/[^/]+\.json"
)
"""Paths of such files, as ``grep -E`` and Python read them; releases have no others of these names."""
_ABOUT: Final = re.compile(ABOUT)
_LINE = re.compile(r"([0-9a-f]{64})  (\S[^\r\n]*)")


class Manifest:
    r"""Digests by path, in the order of ``SHA256SUMS``; a million of them takes no memory to speak of.

    >>> manifest = Manifest([("b/x.tif", "0" * 64), ("a.json", "f" * 64)])
    >>> [line[60:] for line in manifest.lines()]
    ['ffff  a.json\n', '0000  b/x.tif\n']
    """

    def __init__(self, digests: Iterable[tuple[str, str]] = ()) -> None:
        # A database without a name lies in memory, and on the disk where it grows large; it goes by itself.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE TABLE listed (path TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID")
        self.put(digests)

    @classmethod
    def read(cls, release: Path, name: str = MANIFEST) -> Self:
        """Read the digests of a release, or others in a file of that form.

        Raises
        ------
        ReleaseError
            There is no such file, or a line of it is not a new digest and path.
        """
        path = release / name
        manifest = cls()
        try:
            with path.open(encoding="utf-8", newline="\n") as lines:
                manifest.put(_parsed(lines, path))
        except sqlite3.IntegrityError as error:
            raise ReleaseError(f"{path} lists a file twice; copy the release again") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ReleaseError(f"{path} cannot be read; copy the release again") from error
        return manifest

    def put(self, digests: Iterable[tuple[str, str]]) -> None:
        """Add digests of more files."""
        self._database.execute("BEGIN")
        try:
            self._database.executemany("INSERT INTO listed VALUES (?, ?)", digests)
        finally:
            self._database.execute("COMMIT")

    def get(self, path: str) -> str | None:
        """Return the digest of a file, None where it is not listed."""
        row = self._database.execute("SELECT sha256 FROM listed WHERE path = ?", (path,)).fetchone()
        return None if row is None else str(row[0])

    def __len__(self) -> int:
        """Return the number of files."""
        return int(self._database.execute("SELECT count(*) FROM listed").fetchone()[0])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield path and digest of each file, by path."""
        yield from self._database.execute("SELECT path, sha256 FROM listed ORDER BY path")

    def write(self, folder: Path) -> None:
        """Write ``SHA256SUMS`` in a folder; raises `OSError` where the disk is full."""
        with (folder / MANIFEST).open("w", encoding="utf-8", newline="") as file:
            file.writelines(self.lines())

    def lines(self, *, content: bool = False) -> Iterator[str]:
        """Yield the lines of ``SHA256SUMS``; with ``content`` only those of the data."""
        return (f"{sha256}  {path}\n" for path, sha256 in self if not (content and is_about(path)))

    @property
    def content_sha256(self) -> str:
        """The SHA-256 that identifies the data of a release.

        It is taken over the lines of ``SHA256SUMS`` but those of files that tell about the data, so
        ``grep -vE "  ($ABOUT)$" SHA256SUMS | sha256sum`` gives the same. Of a release that was not published,
        which has ``README.md`` and ``release.json`` alone of these,
        ``grep -v -e '  README.md$' -e '  release.json$' SHA256SUMS | sha256sum`` is enough.
        """
        hasher = hashlib.sha256()
        for line in self.lines(content=True):
            hasher.update(line.encode())
        return hasher.hexdigest()

    def first_other(self, other: Manifest) -> str:
        """Return the first file, by path, that two manifests do not have alike, if content differs."""
        paths = [
            next((path for path, sha256 in one if not is_about(path) and two.get(path) != sha256), None)
            for one, two in ((self, other), (other, self))
        ]
        return min(path for path in paths if path is not None)


def is_about(path: str) -> bool:
    """Tell whether a file of a release tells about the data, and is not the data.

    >>> is_about("stac/items/D055_2018.Z2_UF.json"), is_about("FLAIR1/README.md")
    (True, False)
    """
    return _ABOUT.fullmatch(path) is not None


def listed_files(release: Path) -> Iterator[str]:
    """Yield the path of every file and link below a release, with ``/``."""
    waiting = [release]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    yield Path(entry.path).relative_to(release).as_posix()


def check_files(
    release: Path,
    manifest: Manifest,
    *,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
    extra: bool = True,
) -> list[Problem]:
    """Compare the files of a release with its manifest.

    Parameters
    ----------
    release
        Its folder.
    manifest
        Of the files.
    map
        Such as `workbench.threads.in_threads` gives.
    extra
        Whether files that are not in the manifest are wrong.

    Returns
    -------
    list of Problem
        Of kind ``missing``, ``changed`` or ``extra``, each with the file's path as ``loc``.
    """
    problems = [problem for problem in map(_Check(release), manifest) if problem is not None]
    if not extra:
        return problems
    more = sorted(path for path in listed_files(release) if path != MANIFEST and manifest.get(path) is None)
    return problems + [Problem(loc=(path,), message=f"is not in {MANIFEST}", kind="extra") for path in more]


class _Check:
    """Check one (path, digest); a class, so that it can be sent to another process."""

    def __init__(self, release: Path) -> None:
        self.release = release

    def __call__(self, entry: tuple[str, str]) -> Problem | None:
        name, expected = entry
        try:
            path = inside(self.release, name)
            if (self.release / name).is_symlink() or not path.is_file():
                return Problem(loc=(name,), message="is missing, or no plain file", kind="missing")
            found = digest_file(path)
        except (OSError, WorkbenchError) as error:
            return Problem(loc=(name,), message=f"cannot be read: {error}", kind="missing")
        if found == expected:
            return None
        return Problem(
            loc=(name,),
            message=f"has SHA-256 {found[:12]}…, {MANIFEST} says {expected[:12]}…",
            kind="changed",
        )


def _parsed(lines: Iterable[str], path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match is None:
            raise ReleaseError(f"{path}: line {number} is not a digest and path; copy the release again")
        yield match[2], match[1]
