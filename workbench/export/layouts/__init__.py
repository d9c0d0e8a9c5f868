"""Layouts: how published trees name, number and describe patches, so that their loaders read ours.

Requirements of each loader are in the docstrings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from workbench.errors import ReleaseError
from workbench.export.layouts.flair_hub import FlairHub
from workbench.export.layouts.flair_one import FlairOne
from workbench.export.layouts.flair_two import FlairTwo
from workbench.export.layouts.hdf5 import Hdf5
from workbench.export.layouts.layout import Layout
from workbench.export.layouts.shards import Shards
from workbench.export.modalities import MODALITIES
from workbench.export.patches import IMAGE, LABEL

__all__ = [
    "DEFAULT_LAYOUTS",
    "LAYOUTS",
    "FlairHub",
    "FlairOne",
    "FlairTwo",
    "Hdf5",
    "Layout",
    "Shards",
    "layouts_of",
    "parse_layouts",
    "with_modalities",
]

_FOLDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_TAKEN: Final = frozenset(
    {
        "citation.cff", "croissant.json", "datasheet.md", "index.parquet", "license", "nomenclature.json",
        "preview.parquet", "preview.png", "readme.md", "release.json", "seal", "seal.key", "sha256sums",
        "stac",
    }
)  # fmt: skip
"""What lies in the folder of a release or of its publication, in lower case."""

LAYOUTS: Final[Mapping[str, type[FlairHub] | type[FlairOne] | type[Hdf5] | type[Shards]]] = {
    one.name: one for one in (FlairHub, FlairOne, FlairTwo, Hdf5, Shards)
}
DEFAULT_LAYOUTS: Final = ("flair-hub", "flair1")
"""What a release has unless told otherwise."""


def parse_layouts(specs: Iterable[str | Layout]) -> tuple[Layout, ...]:
    """Return the layouts of specifications such as ``flair1`` or, with another folder, ``flair-hub=HUB``.

    Raises
    ------
    ReleaseError
        A layout is unknown or named twice, two have the same folder, or a folder's name is not a plain one
        or is taken by something else of a release or of its publication.

    >>> [layout.root for layout in parse_layouts(["flair1", "flair-hub=FLAIR-HUB_TOY"])]
    ['FLAIR1', 'FLAIR-HUB_TOY']
    """
    layouts = _parsed(specs)
    for layout in layouts:
        if layout.root.lower() in _TAKEN:
            raise ReleaseError(
                f"layout {layout.name}: {layout.root!r} is a file or folder of every release, or of its "
                f"publication; choose another folder, or leave ={layout.root} out"
            )
    return layouts


def _parsed(specs: Iterable[str | Layout]) -> tuple[Layout, ...]:
    """Return the layouts of specifications; those of releases of before may have any folder."""
    layouts = tuple(_parse(spec) if isinstance(spec, str) else spec for spec in specs)
    if not layouts:
        raise ReleaseError(f"no layout is named; choose from {', '.join(LAYOUTS)}")
    for layout in layouts:
        if not _FOLDER.fullmatch(layout.root) or ".." in layout.root:
            raise ReleaseError(
                f"layout {layout.name}: folder {layout.root!r} is not letters, digits and . _ -"
            )
    for taken in ([layout.name for layout in layouts], [layout.root.lower() for layout in layouts]):
        if len(set(taken)) < len(taken):
            twice = max(taken, key=taken.count)
            raise ReleaseError(f"layout or folder {twice} is named twice; name each once")
    return layouts


def layouts_of(card: Mapping[str, Any]) -> tuple[Layout, ...]:
    """Return the layouts that a ``release.json`` lists, with the modalities that they have there."""
    named = _parsed(f"{entry['name']}={entry['folder']}" for entry in card["layouts"])
    return tuple(
        with_modalities(layout, entry.get("modalities", (IMAGE, LABEL)), entry["bands"])
        for layout, entry in zip(named, card["layouts"], strict=True)
    )


def with_modalities(layout: Layout, modalities: Iterable[str], bands: Iterable[str] | None = None) -> Layout:
    """Return a layout with those of some modalities, and bands, that it may have.

    Orthophoto and labels it has always; FLAIR#1 has no others, and like FLAIR-HUB its own bands.
    """
    if not isinstance(layout, FlairHub | Hdf5 | Shards):
        return layout
    found = replace(layout, modalities=(IMAGE, LABEL, *(one for one in MODALITIES if one in modalities)))
    return replace(found, bands=tuple(bands)) if bands and not isinstance(found, FlairHub) else found


def _parse(spec: str) -> Layout:
    name, _, root = spec.partition("=")
    if name not in LAYOUTS:
        raise ReleaseError(f"layout {name!r} is unknown; choose from {', '.join(LAYOUTS)}")
    kind = LAYOUTS[name]
    return kind(root=root) if "=" in spec else kind()
