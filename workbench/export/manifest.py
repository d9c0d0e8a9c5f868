"""``SHA256SUMS``: which files a release has and what is in them.

The format is that of ``sha256sum``: 64 hexadecimal digits, two spaces, the path with ``/``, one file a line,
sorted by path. Every file is listed but ``SHA256SUMS`` itself.
"""

from __future__ import annotations

__all__ = [
    "ABOUT",
    "MANIFEST",
    "check_files",
    "content_digest",
    "format_manifest",
    "listed_files",
    "read_manifest",
]

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from workbench.documents import digest, digest_file, inside
from workbench.errors import Problem, ReleaseError, WorkbenchError

MANIFEST: Final = "SHA256SUMS"
# What tells about the data and is not the data: the same patches under another name, or cut again by a newer
# workbench, are the same content.
ABOUT: Final = frozenset({"README.md", "release.json"})
_LINE = re.compile(r"([0-9a-f]{64})  (\S[^\r\n]*)")


def format_manifest(digests: Mapping[str, str]) -> str:
    """Return the text of ``SHA256SUMS`` for digests by path.

    >>> [line[60:] for line in format_manifest({"b/x.tif": "0" * 64, "a.json": "f" * 64}).splitlines()]
    ['ffff  a.json', '0000  b/x.tif']
    """
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests))


def content_digest(digests: Mapping[str, str]) -> str:
    """Return the SHA-256 that identifies the data of a release.

    It is taken over the lines of ``SHA256SUMS`` without ``README.md`` and ``release.json``, so
    ``grep -v -e '  README.md$' -e '  release.json$' SHA256SUMS | sha256sum`` gives the same.
    """
    return digest(format_manifest({p: d for p, d in digests.items() if p not in ABOUT}).encode())


def read_manifest(release: Path) -> dict[str, str]:
    """Read the digests by path.

    Raises
    ------
    ReleaseError
        There is no ``SHA256SUMS``, or a line of it is not a digest and a path.
    """
    path = release / MANIFEST
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path} cannot be read; copy the release again") from error
    digests: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise ReleaseError(f"{path}: line {number} is not a new digest and path; copy the release again")
        digests[match[2]] = match[1]
    return digests


def listed_files(release: Path) -> Iterator[str]:
    """Yield the path of every file and link below a release, sorted, with ``/``."""
    found = (path for path in release.rglob("*") if path.is_symlink() or not path.is_dir())
    yield from sorted(path.relative_to(release).as_posix() for path in found)


def check_files(
    release: Path,
    digests: Mapping[str, str],
    *,
    map: Callable[..., Iterable[Any]] = map,  # noqa: A002 - the house's name for what runs in parallel
) -> list[Problem]:
    """Compare the files of a release with its digests.

    Returns
    -------
    list of Problem
        Of kind ``missing``, ``changed`` or ``extra``, each with the file's path as ``loc``.
    """
    problems = [problem for problem in map(_Check(release), digests.items()) if problem is not None]
    present = set(listed_files(release)) - {MANIFEST}
    extra = sorted(present - set(digests))
    return problems + [Problem(loc=(path,), message=f"is not in {MANIFEST}", kind="extra") for path in extra]


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
