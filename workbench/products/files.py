"""The files of a map, and how an older one is known again: it is of one product, CoSIA or OCS GE."""

from __future__ import annotations

__all__ = ["MapFiles", "files_of"]

from dataclasses import dataclass

from workbench.geo.geopackage import is_map, style_head
from workbench.geo.raster_kinds import RasterKind
from workbench.geo.styles import style_kind
from workbench.outputs import FileKind, OutputKind
from workbench.products.kinds import ProductKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFiles:
    """Kinds of files that a map of one product has."""

    polygons: FileKind
    """A GeoPackage."""
    pixels: RasterKind
    """A GeoTIFF. Those of earlier versions say nothing of themselves, and are not known."""
    style: FileKind
    """Of the polygons."""

    @property
    def all(self) -> tuple[OutputKind, ...]:
        """Return polygons, pixels and style."""
        return self.polygons, self.pixels, self.style


def files_of(product: ProductKind) -> MapFiles:
    """Return the kinds of files of a product."""
    mark, fields = f"ocs-workbench/{product.name}", (product.number_field, product.title_field)
    return MapFiles(
        polygons=FileKind(
            name=f"a map of {product.title}",
            mark=mark,
            is_one=lambda path: is_map(path, mark=mark, fields=fields),
        ),
        pixels=RasterKind(name=f"a raster of {product.title}", mark=mark),
        style=style_kind(
            f"a style of {product.title}", f"{mark}-style", unmarked=style_head(product.number_field)
        ),
    )
