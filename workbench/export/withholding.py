"""Whether a release that withholds labels tells nothing of them: no file, no count, no digest."""

from __future__ import annotations

__all__ = ["check_withheld"]

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from workbench.errors import Problem, ReleaseError
from workbench.export.contents import Whole
from workbench.export.hdf5 import modalities_of
from workbench.export.index import INDEX, PatchIndex
from workbench.export.layouts import layouts_of
from workbench.export.patches import IMAGE, LABELS, Patch
from workbench.export.sealing import SEAL
from workbench.export.tars import each_member

_TOLD = ("unlabelled_pixels", "labels_sha256")
_COUNTED = ("class_counts", "unlabelled")


def check_withheld(patches: PatchIndex, card: Mapping[str, Any], whole: Whole) -> Iterator[Problem]:
    """Yield what is wrong with the labels that a release says it withholds.

    Parameters
    ----------
    patches
        Its index.
    card
        Its ``release.json``.
    whole
        Its files that are as ``SHA256SUMS`` says.
    """
    withheld = card.get("withheld")
    split = withheld["split"] if withheld else None
    found = 0
    for patch in patches:
        found += patch.withheld
        if patch.withheld != (split is not None and patch.splits[split] == "test"):
            message = (
                f"patch {patch.id} {'lacks' if patch.withheld else 'has'} labels; release.json says other"
            )
            yield Problem(loc=(INDEX,), message=message, kind="withheld")
        elif patch.withheld and (told := [*_told(patch)]):
            message = (
                f"tells the {' and the '.join(told)} of the labels of patch {patch.id}, which are withheld"
            )
            yield Problem(loc=(INDEX,), message=message, kind="leak")
    if withheld is None:
        return
    if found != withheld["patches"]:
        message = f"says {withheld['patches']}, {INDEX} {found}"
        yield Problem(loc=("release.json", "withheld", "patches"), message=message, kind="counts")
    if SEAL not in whole:
        what = "is another one than was made" if (whole.release / SEAL).is_file() else "is missing"
        yield Problem(loc=(SEAL,), message=f"{what}: nobody can prove what is withheld", kind="seal")
    yield from _zone_leaks(card, split)
    yield from _container_leaks(patches, card, whole)


def _told(patch: Patch) -> Iterator[str]:
    """Yield what is told of the labels of a patch that withholds them."""
    if patch.class_counts or patch.unlabelled:
        yield "counts"
    if patch.label_sha256:
        yield "digest"
    if any(one in files for files in patch.files.values() for one in LABELS):
        yield "files"


def _zone_leaks(card: Mapping[str, Any], split: str | None) -> Iterator[Problem]:
    for place, zone in enumerate(card["zones"]):
        if split is None or zone["splits"][split] != "test":
            continue
        told = [name for name in _TOLD if zone[name] is not None]
        told += ["heads"] if zone["heads"] else []
        told += [name for name in LABELS if name in zone.get("views", {})]
        for name in told:
            message = f"tells of labels of {zone['id']}, which are withheld"
            yield Problem(loc=("release.json", "zones", place, name), message=message, kind="leak")


def _container_leaks(patches: PatchIndex, card: Mapping[str, Any], whole: Whole) -> Iterator[Problem]:
    """Yield what files of many patches tell of labels that are withheld."""
    for layout in layouts_of(card):
        if layout.container == "files":
            continue
        name = layout.name
        for path, held in groupby(patches, key=lambda patch: patch.files[name][IMAGE].path):
            if not all(patch.withheld for patch in held) or path not in whole:
                continue
            try:
                leaks = [*(_in_tar if layout.container == "tar" else _in_hdf5)(whole.release / path)]
            except (ReleaseError, ValueError):  # named by who reads its patches
                continue
            for leak in leaks:
                message = f"has {leak}, and its labels are withheld"
                yield Problem(loc=(path,), message=message, kind="leak")


def _in_hdf5(path: Path) -> Iterator[str]:
    yield from (one for one in modalities_of(path) if one in LABELS)


def _in_tar(path: Path) -> Iterator[str]:
    for name, content in each_member(path):
        what = name.partition(".")[2]
        if what.removesuffix(".tif") in LABELS:
            yield name
        elif what == "json" and any(key in json.loads(content) for key in _COUNTED):
            yield f"class counts in {name}"
