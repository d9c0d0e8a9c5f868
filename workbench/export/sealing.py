"""Seals: what proves later that labels which were kept apart are those of the day they were.

A release that withholds labels lists a digest of every file of its sealed sibling that it has not itself. A
plain digest would tell: the label of a patch that is all water is one of few files, and anybody can try them.
So what is digested is a key of 256 random bits, which lies in the sealed folder alone, and then the file:
``cat SEALED/seal.key SEALED/FILE | sha256sum``. Who publishes the sealed folder publishes the proof.
"""

from __future__ import annotations

__all__ = ["KEY", "SEAL", "check_seal", "key_of", "write_key", "write_seal"]

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from workbench.documents import inside
from workbench.errors import Problem, ReleaseError, WorkbenchError
from workbench.export.cutting import disk_told
from workbench.export.manifest import Manifest

KEY: Final = "seal.key"
"""File of a sealed release that holds the key."""
SEAL: Final = "SEAL"
"""File of a release that withholds labels, with the sealed digests, written as ``SHA256SUMS`` is."""
_KEY = re.compile(rb"[0-9a-f]{64}\n")
_AT_ONCE: Final = 1 << 20


def key_of(sealed: Path) -> bytes:
    """Return the key of a sealed release, or a new one where there is none yet.

    Raises
    ------
    ReleaseError
        The file holds no key.
    """
    try:
        found = (sealed / KEY).read_bytes()
    except FileNotFoundError:
        return f"{secrets.token_hex(32)}\n".encode()
    except OSError as error:
        raise ReleaseError(f"{sealed / KEY} cannot be read ({error.strerror}); check its rights") from error
    if not _KEY.fullmatch(found):
        raise ReleaseError(f"{sealed / KEY} holds no key; put the sealed folder back from a copy")
    return found


def write_key(folder: Path, sealed: Path) -> None:
    """Write the key of a sealed release into the folder that it is made in; nobody else may read it.

    Raises
    ------
    ReleaseError
        There is a file of that name that holds no key, or the disk is full.
    """
    content = key_of(sealed)
    with disk_told(folder):
        handle = os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)


def write_seal(folder: Path, shown: Manifest, sealed: Path, whole: Manifest) -> None:
    """Write the seal of a release.

    Parameters
    ----------
    folder
        Of the release that withholds labels.
    shown
        Its own files.
    sealed, whole
        Folder and files of the sealed release.

    Raises
    ------
    OSError
        The disk is full, or a file cannot be read.
    """
    key = key_of(sealed)
    kept = ((path, _sealed(key, sealed / path)) for path, sha256 in whole if shown.get(path) != sha256)
    with (folder / SEAL).open("w", encoding="utf-8", newline="") as file:
        file.writelines(Manifest(kept).lines())


def check_seal(release: Path, sealed: Path) -> Iterator[Problem]:
    """Yield each file of a sealed release that is not as the seal says, or that the seal does not name.

    Where none is, the two were never one: that is one problem. A seal that is missing is named by who looks
    at what the release withholds.

    Raises
    ------
    ReleaseError
        The release withholds nothing, or there is no key.
    """
    if not (sealed / KEY).is_file():
        raise ReleaseError(f"{sealed} is not sealed: it has no {KEY}; give the folder that ends in -SEALED")
    if not (release / SEAL).is_file():
        if not _withholds(release):
            raise ReleaseError(
                f"{release} withholds no labels, so nothing was sealed and {sealed} proves nothing of it; "
                "leave --sealed out"
            )
        return
    key, named, shown = key_of(sealed), Manifest.read(release, SEAL), Manifest.read(release)
    problems = [problem for path, said in named if (problem := _unlike(key, sealed, path, said))]
    if problems and len(problems) == len(named):
        message = (
            f"fits nothing in {sealed}: that is the sealed folder of another challenge, or its {KEY} is "
            f"another one; give the folder that was made with {release}"
        )
        yield Problem(loc=(SEAL,), message=message, kind="seal")
        return
    yield from problems
    for path, sha256 in Manifest.read(sealed):
        if named.get(path) is None and shown.get(path) != sha256:
            yield Problem(loc=(SEAL, path), message=f"does not name this file of {sealed}", kind="seal")


def _unlike(key: bytes, sealed: Path, path: str, said: str) -> Problem | None:
    """Return what is wrong with a file that a seal names; None where that is nothing."""
    try:
        if _sealed(key, inside(sealed, path)) == said:
            return None
        message = f"was made of another file than {sealed} has"
    except (OSError, WorkbenchError):
        message = f"names a file that {sealed} lacks"
    return Problem(loc=(SEAL, path), message=message, kind="seal")


def _withholds(release: Path) -> bool:
    """Tell whether a release says that it withholds labels, whatever else it says."""
    try:
        card = json.loads((release / "release.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and card.get("withheld") is not None


def _sealed(key: bytes, path: Path) -> str:
    hasher = hashlib.sha256(key)
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            hasher.update(part)
    return hasher.hexdigest()
