"""Polygons of a map as a GeoPackage, and the style that QGIS opens it with. Equal maps give equal bytes."""

from __future__ import annotations

__all__ = ["geopackage_bytes", "is_map", "read_polygons", "style_bytes", "style_head"]

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal
from xml.sax.saxutils import quoteattr

import shapely
import shapely.errors
from numpy.typing import NDArray

from workbench.geo.styles import QGIS, style_of
from workbench.outputs import FileKind, OutputKind

_SQLITE, _GEOPACKAGE = b"SQLite format 3\0", b"GPKG"
_ABOUT: Final = """
    SELECT description, strftime('%Y-%m-%dT%H:%M:%fZ', last_change) || '' AS moment FROM gpkg_contents
"""
"""What a GeoPackage tells of its layers: a map says there what kind of output it is."""
_PINNED_DATE: Final = "2000-01-01T00:00:00.000Z"
"""In place of the time of writing, which OGR writes into a GeoPackage."""
_NO_OUTLINE: Final = '<Option type="QString" name="outline_style" value="no"/>'
_SEEN_THROUGH: Final = 70
"""Of 255: how little of what lies below an area hides that is outlined."""


def geopackage_bytes(
    polygons: NDArray[Any],
    columns: Mapping[str, NDArray[Any]],
    *,
    kind: OutputKind,
    layer: str,
    crs: str,
    geometry_type: Literal["Polygon", "MultiPolygon"] = "Polygon",
) -> bytes:
    """Return a GeoPackage of one layer of polygons.

    Parameters
    ----------
    polygons
        Shape (polygon,). Of shapely.
    columns
        Shape (polygon,) each, by name of the field.
    kind
        What it says that it is.
    """
    import pyogrio.raw

    content = io.BytesIO()
    with _configured(OGR_CURRENT_DATE=_PINNED_DATE):
        pyogrio.raw.write(
            content,
            geometry=shapely.to_wkb(polygons),
            field_data=list(columns.values()),
            fields=list(columns),
            layer=layer,
            driver="GPKG",
            geometry_type=geometry_type,
            crs=crs,
            description=kind.mark,
        )
    return content.getvalue()


def read_polygons(
    path: Path, *, layer: str, columns: Sequence[str], most: int
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Read the polygons of a layer and some of their columns; the inverse of `geopackage_bytes`.

    Parameters
    ----------
    path
        A GeoPackage that `is_map` knows.
    columns
        Names of fields.
    most
        Polygons that it may have.

    Returns
    -------
    polygons
        Shape (polygon,). Of shapely.
    columns
        Shape (polygon,) each, by name.

    Raises
    ------
    ValueError
        It is damaged, lacks the layer or a column, or has more polygons.
    """
    import pyogrio.raw
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        with _configured(GDAL_PAM_ENABLED="NO"), warnings.catch_warnings(action="ignore"):
            about, _, encoded, found = pyogrio.raw.read(
                path, layer=layer, columns=list(columns), max_features=most + 1
            )
        polygons = shapely.from_wkb(encoded)
    except (DataSourceError, DataLayerError, RuntimeError, shapely.errors.ShapelyError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    told = dict(zip(about["fields"].tolist(), found, strict=True))
    if missing := sorted(set(columns) - set(told)):
        raise ValueError(f"it lacks the field {missing[0]}")
    if len(polygons) > most:
        raise ValueError(f"it has more than {most:,} polygons")
    return polygons, {name: told[name] for name in columns}


def is_map(path: Path, *, mark: str, fields: Sequence[str]) -> bool:
    """Tell whether a file is a GeoPackage with a map of a kind, and nothing else in it.

    Parameters
    ----------
    path
        A file of any kind.
    mark
        What it says that it is.
    fields
        Of the polygons in what was written before it said so.
    """
    with path.open("rb") as file:
        head = file.read(72)
    if not (head.startswith(_SQLITE) and head.endswith(_GEOPACKAGE)):
        return False
    import pyogrio.raw

    try:
        with _configured(GDAL_PAM_ENABLED="NO"), warnings.catch_warnings(action="ignore"):
            *_, (told, moments) = pyogrio.raw.read(path, sql=_ABOUT)
            if len(told) != 1 or told[0]:
                return list(told) == [mark]
            named = list(pyogrio.read_info(path)["fields"])
    except RuntimeError:  # of pyogrio, for whatever GDAL meets in a damaged file
        return False
    return list(moments) == [_PINNED_DATE] and named == list(fields)


@contextmanager
def _configured(**options: str) -> Iterator[None]:
    """Set options of GDAL meanwhile."""
    import pyogrio

    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def style_bytes(
    kind: FileKind,
    field: str,
    classes: Iterable[tuple[str, str, str]],
    *,
    numeric: bool,
    outlined: bool = False,
) -> bytes:
    """Return a style of QGIS (QML): one plain colour for each value of a field.

    Parameters
    ----------
    kind
        What it says that it is.
    field
        Name of the field.
    classes
        Value, title and ``#rrggbb`` of each class.
    numeric
        Whether the field has numbers.
    outlined
        Whether outlines have the colour, and what lies below is seen through the areas; else areas alone have
        it, and hide that.
    """
    values, categories, symbols = ("long" if numeric else "string"), [], []
    opacity = _SEEN_THROUGH if outlined else 255
    for place, (value, title, colour) in enumerate(classes):
        categories.append(
            f'   <category render="true" symbol="{place}" value={quoteattr(value)} type="{values}" '
            f"label={quoteattr(title)}/>"
        )
        rgb = ",".join(str(part) for part in bytes.fromhex(colour[1:]))
        symbols.append(
            f'   <symbol type="fill" name="{place}" alpha="1"><layer class="SimpleFill" enabled="1">'
            f'<Option type="Map"><Option type="QString" name="color" value="{rgb},{opacity}"/>'
            '<Option type="QString" name="style" value="solid"/>'
            f"{_outline(rgb) if outlined else _NO_OUTLINE}</Option></layer></symbol>"
        )
    lines = [
        _renderer(field),
        "  <categories>",
        *categories,
        "  </categories>",
        "  <symbols>",
        *symbols,
        "  </symbols>",
        " </renderer-v2>",
    ]
    return style_of(kind, lines)


def _outline(rgb: str) -> str:
    options = {
        "outline_color": f"{rgb},255",
        "outline_style": "solid",
        "outline_width": "0.8",
        "outline_width_unit": "MM",
    }
    return "".join(
        f'<Option type="QString" name="{name}" value="{value}"/>' for name, value in options.items()
    )


def _renderer(field: str) -> str:
    return f' <renderer-v2 type="categorizedSymbol" attr={quoteattr(field)} enableorderby="0">'


def style_head(field: str) -> str:
    """Return what styles of a field began with before they said what they are."""
    return f"{QGIS}\n{_renderer(field)}"
