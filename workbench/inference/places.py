"""Where a model may be written: a new folder, or in the place of an older model and of nothing else.

A model's folder is replaced as a whole, so each file in it has to be one of the model as the workbench wrote
it: of any of them its content says so, whatever it is called.
"""

from __future__ import annotations

__all__ = ["CURVES", "FILES", "HISTORY", "TRAINING_CURVES", "check_place"]

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from workbench.documents import digest_file, read_document
from workbench.errors import ModelError
from workbench.inference.card import CARD, WEIGHTS, ModelCard, read_card
from workbench.outputs import FileKind, is_known, picture_kind

HISTORY, CURVES = "history.json", "curves.png"
TRAINING_CURVES: Final = picture_kind("a picture of training curves", "ocs-workbench/training-curves")
_SUMS: Final = "SHA256SUMS"
FILES: Final = frozenset(
    {CARD, WEIGHTS, HISTORY, CURVES, "README.md", "metrics.json", "confusion.png", _SUMS}
)
"""Names of the files that a model may have, after training and publishing."""
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


def check_place(directory: Path, *, overwrite: bool) -> None:
    """Refuse a place for a model before any work goes into it: nothing but an older model is replaced.

    Raises
    ------
    ModelError
        The directory exists and may not be replaced, holds more than a model, or there is no folder for it.
    """
    if directory.is_symlink():
        raise ModelError(f"{directory} is a link; give the folder itself, or another name")
    if directory.exists():
        if not overwrite:
            raise ModelError(f"{directory} exists already; choose another name or pass --overwrite")
        _check_content(directory, read_card(directory))
    elif not directory.parent.is_dir():
        raise ModelError(f"{directory.parent} is not a folder; make it first")
    if not os.access(directory.parent, os.W_OK):
        raise ModelError(f"{directory.parent} may not be written to; choose another folder")


def _check_content(directory: Path, card: ModelCard) -> None:
    """Refuse a folder that holds anything but the files of a model, as they were written."""
    way_out = "which would be lost; move it away, or choose another folder"
    listed = _listed(directory / _SUMS)
    for path in sorted(directory.iterdir()):
        if path.name not in FILES:
            raise ModelError(f"{directory} holds {path.name}, no part of a model, {way_out}")
        if not _is_written(path, card, listed):
            raise ModelError(f"{directory} holds {path.name}, not as the workbench wrote it, {way_out}")


def _is_written(path: Path, card: ModelCard, listed: Mapping[str, str] | None) -> bool:
    """Tell whether a file of a model's folder is as training, importing or publishing wrote it."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.name == CARD:  # it was read
        return True
    if path.name == _SUMS:
        return listed is not None
    if path.name == WEIGHTS:
        return digest_file(path) == card.weights_sha256
    own = _BESIDE.get(path.name)
    if own is not None and is_known(path, own):
        return True
    return listed is not None and listed.get(path.name) == digest_file(path)


def _is_history(path: Path) -> bool:
    return bool(read_document(path, schema="training-history"))


def _is_curves(path: Path) -> bool:
    """Recognise a picture of training curves; the earlier ones by their size and by who drew them."""
    with path.open("rb") as file:
        first = file.read(1 << 10)
    return TRAINING_CURVES.is_one(path) or (first[16:24] == _EARLIER and b"Matplotlib version" in first)


_EARLIER: Final = (900).to_bytes(4, "big") + (360).to_bytes(4, "big")
"""Width and height in a PNG's header."""
_BESIDE: Final = {
    HISTORY: FileKind(name="a training history", is_one=_is_history),
    CURVES: FileKind(name=TRAINING_CURVES.name, is_one=_is_curves),
}
"""What training leaves beside a model; the rest is known by the digests of a published one."""


def _listed(path: Path) -> dict[str, str] | None:
    """Return the digests of a published model's files by name; None where there are none, or other lines."""
    with suppress(OSError, UnicodeDecodeError):
        lines = [_LINE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = {match[2]: match[1] for match in lines if match is not None}
        if len(found) == len(lines) and CARD in found and found.keys() <= FILES:
            return found
    return None
