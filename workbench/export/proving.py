"""That what is read of a release is what was built: its index by ``release.json``, each file by the index.

``release.json`` has the digest of the lines of ``SHA256SUMS`` that tell of the data, which have that of the
index, which has that of each patch file; and ``SHA256SUMS`` has the digest of ``release.json``. So nobody has
to verify a whole release before reading some of it, and a model's card can vouch for the digest of the
release: hashing takes a small part of what decoding takes.
"""

from __future__ import annotations

__all__ = ["prove_index", "proven"]

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from workbench.documents import digest_file, inside
from workbench.errors import ReleaseError
from workbench.export.manifest import MANIFEST, is_about

_READ: Final = ("index.parquet", "nomenclature.json")
_CARD: Final = "release.json"


def proven(release: Path, name: str, sha256: str) -> Path:
    """Return the path of a file of a release, if its content is that of a digest.

    Parameters
    ----------
    release
        Its folder.
    name
        Path inside it, with ``/``.
    sha256
        Of the file as it was built.

    Raises
    ------
    ReleaseError
        The file is missing, or has other content.
    """
    path = inside(release, name)
    try:
        found = digest_file(path)
    except OSError as error:
        raise _other(release, f"{name} cannot be read ({error.strerror or error})") from error
    if found != sha256:
        raise _other(release, f"{name} has other content")
    return path


def prove_index(release: Path, card: Mapping[str, Any]) -> None:
    """Refuse a release whose index or nomenclature is not that of its ``release.json``, or that one another.

    Raises
    ------
    ReleaseError
        One of them, or ``SHA256SUMS``, has other content or is missing.
    """
    hasher, listed = hashlib.sha256(), dict[str, str]()
    try:
        with (release / MANIFEST).open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                sha256, _, name = line.rstrip("\n").partition("  ")
                if not is_about(name):
                    hasher.update(line.encode())
                if name in (*_READ, _CARD):
                    listed[name] = sha256
    except (OSError, UnicodeDecodeError) as error:
        raise _other(release, f"{MANIFEST} cannot be read") from error
    if hasher.hexdigest() != card["content_sha256"]:
        raise _other(release, f"{MANIFEST} is not that of its release.json")
    for name in (*_READ, _CARD):
        proven(release, name, listed.get(name, ""))


def _other(release: Path, what: str) -> ReleaseError:
    return ReleaseError(
        f"{release} is not as it was built: {what}; run: workbench release verify {release}, and copy the "
        "release again"
    )
