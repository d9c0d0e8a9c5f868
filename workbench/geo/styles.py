"""Styles of QGIS (QML), which opens a layer with the one that lies beside it under the same name.

A style says in a comment what it is of; QGIS leaves that out of the styles that it saves, so that a person's
own is never taken for one of these.
"""

from __future__ import annotations

__all__ = ["PREDICTION_STYLE", "QGIS", "RasterClass", "raster_style", "style_kind", "style_of"]

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple
from xml.sax.saxutils import quoteattr

from workbench.outputs import FileKind

_HEAD: Final = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
QGIS: Final = '<qgis version="3.28.0" styleCategories="Symbology">'
_MOST: Final = 1 << 10
"""Bytes at the beginning of a style, in which it says what it is."""


def style_kind(name: str, mark: str, *, unmarked: str | None = None) -> FileKind:
    """Return a kind of style.

    Parameters
    ----------
    name, mark
        As for `workbench.outputs.OutputKind`.
    unmarked
        What those of earlier versions began with, after the first line.
    """

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            first = file.read(_MOST).decode("utf-8", "replace")
        begins = [_comment(mark), *([unmarked] if unmarked else [])]
        return first.startswith(tuple(f"{_HEAD}\n{begin}\n" for begin in begins))

    return FileKind(name=name, mark=mark, is_one=is_one)


def style_of(kind: FileKind, lines: Iterable[str]) -> bytes:
    """Return a style of a kind, made of the lines that say how a layer is drawn."""
    head = [_HEAD, _comment(kind.mark), QGIS]
    return "".join(f"{line}\n" for line in [*head, *lines, "</qgis>"]).encode()


PREDICTION_STYLE: Final = style_kind("a style of a prediction", "ocs-workbench/prediction-style")


class RasterClass(NamedTuple):
    """A value of a raster, and how it is shown."""

    value: int
    title: str
    colour: str
    """Such as ``#db0e9a``."""


def raster_style(kind: FileKind, classes: Iterable[RasterClass]) -> bytes:
    """Return the style of a raster whose first band is a class; other values are not drawn."""
    entries = [
        f'    <paletteEntry value="{value}" label={quoteattr(title)} color="{colour}" alpha="255"/>'
        for value, title, colour in classes
    ]
    return style_of(
        kind,
        [
            " <pipe>",
            '  <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">',
            "   <colorPalette>",
            *entries,
            "   </colorPalette>",
            "  </rasterrenderer>",
            " </pipe>",
        ],
    )


def _comment(mark: str) -> str:
    return f"<!-- {mark} -->"
