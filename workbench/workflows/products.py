"""From a prediction to a published map: polygons, pixels and a style, made before any is written."""

from __future__ import annotations

__all__ = ["Product", "build_product"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.documents import write_files
from workbench.errors import ProductError
from workbench.geo.codes import CODES, numbering_of, read_codes
from workbench.geo.geopackage import geopackage_bytes, style_bytes
from workbench.geo.geotiff import encode_raster
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.polygons import polygonise
from workbench.geo.predictions import check_prediction
from workbench.geo.raster import RasterInfo, crs_name, inspect_raster
from workbench.nomenclature import Crosswalk, load_crosswalk, load_nomenclature
from workbench.outputs import check_output, new_folder
from workbench.products import KINDS, Cover, MinimumUnits, ProductKind, Regions, blocks_of, make_cover
from workbench.products.files import MapFiles, files_of
from workbench.segmentation import read_hierarchy

_SUFFIX = ".gpkg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A map that was written."""

    kind: ProductKind
    prediction: Path
    crosswalk: Crosswalk
    units: MinimumUnits
    resolution: float
    """Metres of its pixels."""
    files: tuple[Path, ...]
    pixels: Mapping[int, int]
    """By value."""
    polygons: Mapping[int, int]
    """By value."""
    merged: int
    small: int

    @property
    def empty(self) -> bool:
        """Whether no pixel of the prediction has a class."""
        return not any(self.pixels.values())

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/product-build.schema.json``)."""
        cell = self.resolution**2
        return {
            "kind": self.kind.name,
            "prediction": str(self.prediction),
            "crosswalk": self.crosswalk.name,
            "mmu": str(self.units),
            "resolution": self.resolution,
            "files": [str(path) for path in self.files],
            "classes": [
                {
                    self.kind.number_is: self.kind.label(target.value, self.crosswalk),
                    "title": target.titles["fr"],
                    "polygons": self.polygons[target.value],
                    "area_m2": round(self.pixels[target.value] * cell, 4),
                }
                for target in self.crosswalk.targets
                if self.pixels[target.value]
            ],
            "merged": self.merged,
            "small": self.small,
        }

    def text(self) -> str:
        """Return what was written, for a person."""
        cell = self.resolution**2
        lines = [
            f"{self.kind.label(target.value, self.crosswalk):>9}  {target.titles['fr']}: "
            f"{self.pixels[target.value] * cell:,.0f} m², "
            f"{counted(int(self.polygons[target.value]), 'polygon')}"
            for target in self.crosswalk.targets
            if self.pixels[target.value]
        ]
        if self.empty:
            lines.append(f"empty: no pixel of {self.prediction} has a class")
        if self.merged:
            lines.append(f"{counted(self.merged, 'piece')} below {self.units} m² went to the neighbours")
        if self.small:
            lines.append(
                f"{counted(self.small, 'piece is', 'pieces are')} smaller still, with nothing around"
            )
        return "\n".join([*lines, *map(str, self.files)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Files, and the pixels of the prediction that they show."""

    polygons: Path
    pixels: Path
    window: Window

    @property
    def style(self) -> Path:
        """Where QGIS looks for the style of the polygons."""
        return self.polygons.with_suffix(".qml")

    @property
    def files(self) -> tuple[Path, ...]:
        return self.polygons, self.pixels, self.style


def build_product(
    prediction: Path,
    output: Path,
    *,
    kind: str,
    domain: str | None = None,
    crosswalk: str | None = None,
    nomenclature: str = "flair-19",
    scheme: str | None = None,
    crs: str | None = None,
    decisions: Mapping[str, str] | None = None,
    mmu: str | None = None,
    hierarchy: Path | None = None,
    scale: float = 0.0,
    resolution: float | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Product:
    """Make a map of a prediction: a GeoPackage of polygons, a GeoTIFF of pixels and a style for QGIS.

    Parameters
    ----------
    prediction
        A raster whose first band is the class; see `workbench.geo.predictions`.
    output
        ``FILE.gpkg``, or for CoSIA a folder, which gets blocks of 10 km with IGN's names.
    kind
        ``cosia`` or ``ocsge``.
    domain
        Department and year; what blocks are named after.
    crosswalk
        Name or path of another one than the kind's.
    nomenclature
        Of the prediction's classes, by name or path.
    scheme
        How they are numbered: ``codes``, ``flair-argmax`` or a scheme of the nomenclature; by default as the
        file says, or ``codes``.
    crs
        Where the prediction lies, if its own CRS has no EPSG code, as with FLAIR's masks.
    decisions
        What classes become that the crosswalk leaves undecided, by key.
    mmu
        Minimum mapping units, as `MinimumUnits.parse` reads them; by default the kind's.
    hierarchy
        Of the same image; each of its regions gets one class.
    scale
        λ of the regions; 0 = the leaves.
    resolution
        Metres of the map's pixels, where they are larger than the prediction's.
    overwrite
        Replace an older map.
    progress
        Called with the blocks done and their total.

    Raises
    ------
    WorkbenchError
        The prediction cannot be read or makes no such map, or something is in the way; nothing is written.
    """
    made = KINDS[kind]
    info = _inspected(prediction, crs)
    numbering = numbering_of(info, scheme, otherwise=CODES)
    parts = tuple(_parts(made, info.grid, output, domain))
    kinds = files_of(made)
    for part in parts:
        for path, what in zip(part.files, kinds.all, strict=True):
            if path.parent.exists() or path.parent != output:
                check_output(path, what, overwrite=overwrite, sources=(prediction,), error=ProductError)
    table = load_crosswalk(
        made.crosswalk if crosswalk is None else crosswalk, source=load_nomenclature(nomenclature)
    ).decide(decisions or {})
    units = made.units if mmu is None else MinimumUnits.parse(mmu)
    regions = None if hierarchy is None else _regions(hierarchy, scale, info)
    covers = []
    for done, part in enumerate(parts, start=1):
        codes = read_codes(info, part.window, table.source, numbering)
        inside = None if regions is None else _cropped(regions, part.window)
        grid = info.grid.crop(part.window)
        covers.append(make_cover(codes, grid, table, units=units, regions=inside, resolution=resolution))
        if progress is not None:
            progress(done, len(parts))
    polygons = _write(made, kinds, parts, covers)
    totals = [cover.pixels() for cover in covers]
    return Product(
        kind=made,
        prediction=prediction,
        crosswalk=table,
        units=units,
        resolution=covers[0].grid.resolution,
        files=tuple(path for part in parts for path in part.files),
        pixels={value: sum(one[value] for one in totals) for value in totals[0]},
        polygons={value: int(polygons[value]) for value in totals[0]},
        merged=sum(cover.merged for cover in covers),
        small=sum(cover.small for cover in covers),
    )


def _inspected(prediction: Path, crs: str | None) -> RasterInfo:
    """Return the header of a prediction that lies where a map can be made of it."""
    wanted = None if crs is None else crs_name(crs)
    info = inspect_raster(prediction, assume_crs=wanted)
    check_prediction(info)
    if wanted is not None and info.grid.crs != wanted:
        raise ProductError(f"{prediction} lies in {info.grid.crs}, not in {crs}; leave --crs out")
    if info.local:
        raise ProductError(
            f"{prediction} has a CRS of its own, which does not say where on Earth it is; pass the true one: "
            "--crs EPSG:2154"
        )
    if info.geographic:
        raise ProductError(
            f"{prediction} lies in degrees, a map has areas in m²; warp the orthophoto and predict it again: "
            "gdalwarp -t_srs EPSG:2154"
        )
    return info


def _parts(kind: ProductKind, grid: PixelGrid, output: Path, domain: str | None) -> Iterator[_Part]:
    """Yield what is written where."""
    if output.suffix.lower() == _SUFFIX:
        yield _Part(
            polygons=output.with_suffix(_SUFFIX), pixels=output.with_suffix(".tif"), window=grid.whole
        )
        return
    if not kind.in_blocks:
        raise ProductError(f"{output}: {kind.title} is one GeoPackage; give it a name that ends in {_SUFFIX}")
    if domain is None:
        raise ProductError(
            f"{output}: blocks of {kind.title} are named after a domain; pass --domain D055_2018, or name "
            f"one file that ends in {_SUFFIX}"
        )
    if output.exists() and not output.is_dir():
        raise ProductError(f"{output} is a file; give a folder, or a name that ends in {_SUFFIX}")
    if not output.parent.is_dir():
        raise ProductError(f"{output.parent} is not a folder; make it first")
    for block in blocks_of(grid):
        name = block.name(domain)  # of rasters no name of IGN's is known: this one is ours
        yield _Part(
            polygons=output / f"{name}_vecto{_SUFFIX}",
            pixels=output / f"{name}_raster.tif",
            window=block.window,
        )


def _regions(path: Path, scale: float, info: RasterInfo) -> Regions:
    """Return the regions of a hierarchy at a scale, proven to be of the prediction's pixels."""
    found = read_hierarchy(path)
    if not info.grid.coincides(found.grid):
        raise ProductError(
            f"{path} ({found.grid.height} × {found.grid.width} pixels from {found.grid.xy(0, 0)}) is not of "
            f"the pixels of {info.path} ({info.grid.height} × {info.grid.width} from "
            f"{info.grid.xy(0, 0)}); segment the same image"
        )
    cut = found.cut(scale)
    return Regions(labels=cut.labels(), count=cut.count)


def _cropped(regions: Regions, window: Window) -> Regions:
    return Regions(labels=regions.labels[window.slices], count=regions.count)


def _write(
    kind: ProductKind, kinds: MapFiles, parts: tuple[_Part, ...], covers: list[Cover]
) -> NDArray[np.int64]:
    """Write all files, once all are made; return how many polygons each value has, shape (256,)."""
    polygons, made = np.zeros(256, np.int64), dict[Path, bytes]()
    for part, cover in zip(parts, covers, strict=True):
        outlines = polygonise(cover.values, cover.grid)
        polygons += np.bincount(outlines.values, minlength=256)
        targets = cover.crosswalk.targets
        classes = [(kind.label(one.value, cover.crosswalk), one.titles["fr"], one.colour) for one in targets]
        colours = {
            one.value: (int(one.colour[1:3], 16), int(one.colour[3:5], 16), int(one.colour[5:7], 16))
            for one in targets
        }
        contents = (
            geopackage_bytes(
                outlines.polygons,
                kind.columns(outlines.values, cover.crosswalk),
                kind=kinds.polygons,
                layer=part.polygons.stem,
                crs=cover.grid.crs,
            ),
            encode_raster(cover.values, cover.grid, kind=kinds.pixels, colours=colours),
            style_bytes(kinds.style, kind.number_field, classes, numeric=kind.number_is == "value"),
        )
        made |= zip(part.files, contents, strict=True)
    with new_folder(parts[0].polygons.parent):
        write_files(made, error=ProductError)
    return polygons
