"""Packs for tests: a labelled zone, its pack taken apart, and put together again with something changed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.workflows.labelling import label_zone

Members = dict[str, bytes]


def label(campaign: Campaign, zone: Zone, author: str, *lines: str, blind: bool = False) -> None:
    label_zone(campaign, zone, author=author, lines=lines, on_edit=lambda op, line: None, blind=blind)


def square(row: int, col: int, side: int, key: str) -> str:
    last = [row + side - 1, col + side - 1]
    corners = [[row, col], [row, last[1]], last, [last[0], col]]
    return json.dumps({"polygon": corners, "class": key})


def files(root: Path) -> dict[str, bytes]:
    """Return all files but the empty lock files, which stay where somebody once looked for the lock."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def members_of(pack: Path) -> Members:
    with zipfile.ZipFile(pack) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def relisted(members: Mapping[str, bytes], **changed: Any) -> Members:
    """Return members whose ``pack.json`` lists them as they are, with other keys changed."""
    card = json.loads(members["pack.json"]) | changed
    card["files"] = {
        name: hashlib.sha256(content).hexdigest() for name, content in members.items() if name != "pack.json"
    }
    return dict(members) | {"pack.json": json.dumps(card).encode()}


def with_card(members: Mapping[str, bytes], change: Callable[[dict[str, Any]], object]) -> Members:
    """Return members in whose ``pack.json`` something is changed in place."""
    card = json.loads(members["pack.json"])
    change(card)
    return dict(members) | {"pack.json": json.dumps(card).encode()}


def info(name: str, **changed: Any) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = 0o100644 << 16
    for key, value in changed.items():
        setattr(made, key, value)
    return made


def zipped(members: Mapping[str, bytes] | list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    entries = members.items() if isinstance(members, Mapping) else members
    with zipfile.ZipFile(buffer, "w") as archive:
        for entry, content in entries:
            archive.writestr(info(entry) if isinstance(entry, str) else entry, content)
    return buffer.getvalue()
