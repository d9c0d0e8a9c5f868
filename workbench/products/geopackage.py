"""Polygons of a map as a GeoPackage, and the style that QGIS opens it with. Equal maps give equal bytes."""

from __future__ import annotations

__all__ = ["geopackage_bytes", "style_bytes"]

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import shapely
from numpy.typing import NDArray

from workbench.geo.polygons import Outlines

# OGR writes the time of writing into a GeoPackage.
_PINNED_DATE: Final = "2000-01-01T00:00:00.000Z"


def geopackage_bytes(
    outlines: Outlines, columns: Mapping[str, NDArray[Any]], *, layer: str, crs: str
) -> bytes:
    """Return a GeoPackage of one layer of polygons.

    Parameters
    ----------
    outlines
        The polygons.
    columns
        Shape (polygon,) each, by name of the field.
    """
    import pyogrio
    import pyogrio.raw

    content = io.BytesIO()
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _PINNED_DATE})
    try:
        pyogrio.raw.write(
            content,
            geometry=shapely.to_wkb(outlines.polygons),
            field_data=list(columns.values()),
            fields=list(columns),
            layer=layer,
            driver="GPKG",
            geometry_type="Polygon",
            crs=crs,
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
    return content.getvalue()


def style_bytes(field: str, classes: Iterable[tuple[str, str, str]], *, numeric: bool) -> bytes:
    """Return a style of QGIS (QML): one plain colour for each value of a field.

    Parameters
    ----------
    field
        Name of the field.
    classes
        Value, title and ``#rrggbb`` of each class.
    numeric
        Whether the field has numbers.
    """
    kind, categories, symbols = ("long" if numeric else "string"), [], []
    for place, (value, title, colour) in enumerate(classes):
        categories.append(
            f'   <category render="true" symbol="{place}" value={quoteattr(value)} type="{kind}" '
            f"label={quoteattr(title)}/>"
        )
        rgb = ",".join(str(part) for part in bytes.fromhex(colour[1:]))
        symbols.append(
            f'   <symbol type="fill" name="{place}" alpha="1"><layer class="SimpleFill" enabled="1">'
            f'<Option type="Map"><Option type="QString" name="color" value="{rgb},255"/>'
            '<Option type="QString" name="style" value="solid"/>'
            '<Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>'
        )
    lines = [
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>",
        '<qgis version="3.28.0" styleCategories="Symbology">',
        f' <renderer-v2 type="categorizedSymbol" attr={quoteattr(field)} enableorderby="0">',
        "  <categories>",
        *categories,
        "  </categories>",
        "  <symbols>",
        *symbols,
        "  </symbols>",
        " </renderer-v2>",
        "</qgis>",
    ]
    return ("\n".join(lines) + "\n").encode()
