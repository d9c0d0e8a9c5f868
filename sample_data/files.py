"""Where a scene lies in France, and the files it is written to."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["ScenePaths", "check_free", "national_corner", "place_of", "scene_paths", "write_scene"]

import json
from dataclasses import astuple, dataclass
from pathlib import Path

from affine import Affine

from workbench.documents import replacing
from workbench.errors import GridError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.raster_kinds import RasterKind
from workbench.nomenclature import load_nomenclature

from .scene import VERSION, Scene

_FRANCE = (100_000.0, 1_250_000.0, 6_050_000.0, 7_120_000.0)
"""Left, right, bottom and top of mainland France in Lambert-93, in metres."""
# Scenes without a place lie in blocks of 64 × 64 patches, 6.55 km a side, as large as the largest scene.
_BLOCK = 64 * NATIONAL_GRID.pitch
_BLOCK_COLS, _BLOCK_ROWS = 91, 106
_WEST, _NORTH = 300_000.0, 6_940_000.0
# Coprime to the number of blocks: one block per seed, far from its neighbour's.
_STRIDE = 5003


_SCENE = RasterKind(
    name="a raster of a sample scene",
    mark="ocs-workbench/sample-scene",
    unmarked=lambda info: "SCENE_GENERATOR" in info.tags,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePaths:
    """The files of a scene."""

    ortho: Path
    """R, G, B, NIR and, unless left out, elevation; uint8."""
    truth: Path
    """FLAIR codes 1 … 19; uint8."""
    objects: Path
    """Object ids from 1; uint32."""
    document: Path
    """What the scene was made of."""


def national_corner(x: float, y: float) -> tuple[float, float]:
    """Return the corner of the national patch grid nearest to a place in Lambert-93.

    Raises
    ------
    GridError
        The place is not in mainland France.

    >>> national_corner(665_000, 6_360_000)
    (664988.8, 6359982.4)
    """
    left, right, bottom, top = _FRANCE
    if not (left <= x <= right and bottom <= y <= top):
        raise GridError(
            f"({x:g}, {y:g}) is not in mainland France; use Lambert-93 metres, x {left:g} … {right:g} and "
            f"y {bottom:g} … {top:g}"
        )
    grid = NATIONAL_GRID
    cols, rows = round((x - grid.x) / grid.pitch), round((y - grid.y) / grid.pitch)
    return round(grid.x + cols * grid.pitch, 1), round(grid.y + rows * grid.pitch, 1)


def place_of(seed: int) -> tuple[float, float]:
    """Return the upper left corner of a seed's scene: scenes of 9,646 consecutive seeds never overlap.

    >>> place_of(0), place_of(1)
    ((300035.2, 6939976.0), (883305.6, 6586081.6))
    """
    block = seed * _STRIDE % (_BLOCK_COLS * _BLOCK_ROWS)
    return national_corner(_WEST + block % _BLOCK_COLS * _BLOCK, _NORTH - block // _BLOCK_COLS * _BLOCK)


def scene_paths(directory: Path) -> ScenePaths:
    """Return where the files of a scene lie in its directory."""
    return ScenePaths(
        ortho=directory / "ortho.tif",
        truth=directory / "truth.tif",
        objects=directory / "objects.tif",
        document=directory / "scene.json",
    )


def check_free(directory: Path) -> None:
    """Refuse a directory that holds a scene already, or that is a file.

    Raises
    ------
    RasterError
        Something is in the way.
    """
    if directory.exists() and not directory.is_dir():
        raise RasterError(f"{directory} is a file, not a folder; choose another one")
    for path in astuple(scene_paths(directory)):
        if path.exists():
            raise RasterError(f"{path} exists already; choose another folder or pass --overwrite")


def write_scene(
    scene: Scene,
    directory: Path,
    *,
    x: float | None = None,
    y: float | None = None,
    elevation: bool = True,
    overwrite: bool = False,
) -> ScenePaths:
    """Write a scene as GeoTIFFs on the national patch grid, and what it was made of as JSON.

    Parameters
    ----------
    scene
        What to write.
    directory
        Made where it does not exist.
    x, y
        The upper left corner in Lambert-93, moved to the nearest corner of the patch grid; by default the
        place of the seed.
    elevation
        Whether the orthophoto gets its fifth band.
    overwrite
        Replace the files of another scene.

    Raises
    ------
    RasterError
        A file exists already.
    GridError
        One of x and y is missing, or they are not in France.
    """
    if (x is None) != (y is None):
        raise GridError(f"a place needs both x and y, found x {x} and y {y}")
    left, top = place_of(scene.seed) if x is None or y is None else national_corner(x, y)
    if not overwrite:
        check_free(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = scene_paths(directory)
    side = NATIONAL_GRID.resolution
    transform = Affine(side, 0, left, 0, -side, top)
    grid = PixelGrid(crs=NATIONAL_GRID.crs, transform=transform, height=scene.shape[0], width=scene.shape[1])
    tags = {"SCENE_SEED": str(scene.seed), "SCENE_THEME": scene.theme, "SCENE_GENERATOR": str(VERSION)}
    bands = "RGBNE" if elevation else "RGBN"
    names = ["NIR" if band == "N" else band for band in bands]
    write_raster(
        paths.ortho,
        scene.image[: len(bands)],
        grid,
        kind=_SCENE,
        descriptions=names,
        tags=tags,
        tiled=True,
        overwrite=overwrite,
    )
    colours = load_nomenclature("flair-19").colour_table("flair")
    write_raster(
        paths.truth, scene.classes, grid, kind=_SCENE, colours=colours, tags=tags, overwrite=overwrite
    )
    write_raster(paths.objects, scene.objects, grid, kind=_SCENE, tags=tags, overwrite=overwrite)
    text = json.dumps(_document(scene, left, top, names), indent=2, sort_keys=True)
    with replacing(paths.document) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return paths


def _document(scene: Scene, left: float, top: float, bands: list[str]) -> dict[str, object]:
    return {
        "format": "sample-scene",
        "format_version": 1,
        "generator_version": VERSION,
        "seed": scene.seed,
        "theme": scene.theme,
        "height": scene.shape[0],
        "width": scene.shape[1],
        "x": left,
        "y": top,
        "bands": bands,
        "objects": scene.object_count,
        "class_shares": {str(code): round(share, 6) for code, share in scene.class_shares().items()},
    }
