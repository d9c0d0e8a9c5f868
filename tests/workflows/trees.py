"""Published trees of patches and campaigns, made small."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from made_orthos import LEFT, TOP, made_image, made_truth
from numpy.typing import NDArray

from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.export.modalities import MODALITIES
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.geo.placed import pixels_digest
from workbench.geo.zone import Cell, Zone, ZoneRaster, theme_of
from workbench.workflows.intake import import_labels
from workbench.workflows.rasters import add_raster

SIDE = 512
L_SHAPE = ((0, 0), (0, 1), (1, 1))
DAYS = (date(2018, 6, 3), date(2018, 8, 22))


def grid_at(
    row: int, col: int, *, south: int = 0, east: int = 0, shape: Sequence[int] = (SIDE, SIDE)
) -> PixelGrid:
    """Return the grid of a cell, some pixels beside it."""
    corner = Affine(0.2, 0.0, LEFT + 102.4 * col + 0.2 * east, 0.0, -0.2, TOP - 102.4 * row - 0.2 * south)
    return PixelGrid(crs="EPSG:2154", transform=corner, height=shape[0], width=shape[1])


def cell_pixels(row: int, col: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return image and FLAIR mask of a cell; each cell has others."""
    seed = 1 + 31 * row + col
    truth = made_truth(SIDE, SIDE, seed)
    return made_image(truth, seed), truth


class FlairTree:
    """A tree of FLAIR#1 that is written patch by patch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records: dict[str, Any] = {}

    def put(
        self,
        zone: str,
        number: int,
        place: tuple[int, int],
        *,
        subset: str = "train",
        grid: PixelGrid | None = None,
        image: NDArray[Any] | None = None,
        mask: NDArray[Any] | None = None,
        labelled: bool = True,
        **record: Any,
    ) -> tuple[Path, Path]:
        """Write a patch; return the paths of its image and mask."""
        pixels, truth = cell_pixels(*place)
        where = grid or grid_at(*place)
        paths = (
            self.root / f"flair_aerial_{subset}" / zone / "img" / f"IMG_{number:06d}.tif",
            self.root / f"flair_labels_{subset}" / zone / "msk" / f"MSK_{number:06d}.tif",
        )
        written = (pixels if image is None else image, truth if mask is None else mask)
        for path, content in zip(paths, written, strict=True):
            if path.name.startswith("IMG") or labelled:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_raster(path, content, where, level=1, overwrite=True)
        if record:
            domain, _, name = zone.partition("/")
            self.records[f"IMG_{number:06d}"] = {"domain": domain, "zone": name, **record}
            (self.root / "flair_aerial_metadata.json").write_text(json.dumps(self.records))
        return paths

    def put_zone(
        self, zone: str, first: int, places: Iterable[tuple[int, int]] = L_SHAPE, **options: Any
    ) -> None:
        """Write the patches of a zone."""
        for number, place in enumerate(places, start=first):
            self.put(zone, number, place, **options)


def put_zone(
    campaign: Campaign,
    folder: Path,
    zone_id: str,
    places: Sequence[tuple[int, int]] = L_SHAPE,
    *,
    at: int = 0,
    fold: int | None = None,
    first: int = 1,
    bands: Sequence[str] = ("R", "G", "B", "NIR", "E"),
    seed: int = 0,
    acquired: date | None = None,
    time_of_day: time | None = None,
    camera: str | None = None,
    views: Iterable[str] = (),
) -> Zone:
    """Add an accepted zone of coarse noise with all classes, ``at`` cells to the south; return it."""
    rng = np.random.default_rng(seed)
    rows, cols = (1 + max(place[axis] for place in places) for axis in (0, 1))
    grid = grid_at(at, 0, shape=(rows * SIDE, cols * SIDE))
    image = rng.integers(0, 256, (len(bands), rows * 64, cols * 64), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    codes = rng.integers(1, 20, (rows * 32, cols * 32), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    path = folder / f"{zone_id.replace('/', '-')}.tif"
    write_raster(path, image, grid, level=1)
    ortho = ZoneRaster(
        role="ortho", path=path, bands=tuple(bands), window=grid.whole, pixels_sha256=pixels_digest(image)
    )
    domain, _, name = zone_id.partition("/")
    zone = Zone(
        domain=domain,
        name=name,
        grid=grid,
        cells=tuple(Cell(row=row, col=col) for row, col in sorted(places)),
        rasters=(ortho,),
        acquired=acquired,
        time_of_day=time_of_day,
        camera=camera,
        theme=theme_of(name),
    )
    numbers = {cell: number for number, cell in enumerate(zone.cells, start=first)}
    labels = np.where(zone.footprint(), codes, 0).astype(np.uint8)

    def fill(staged: Campaign, added: Zone) -> None:
        import_labels(staged, added, labels, author="marie", source="nowhere")

    campaign.add_zones([Arrival(zone=zone, fold=fold, numbers=numbers)], fill=fill)
    for modality in views:
        put_view(campaign, folder, campaign.zone(zone_id), modality, rng)
    return campaign.zone(zone_id)


def put_view(campaign: Campaign, folder: Path, zone: Zone, modality: str, rng: np.random.Generator) -> None:
    """Have a zone look at the rasters that a modality is made of, on the pixels that it has."""
    known = MODALITIES[modality]
    step = known.grid(grid_at(0, 0)).resolution
    shape = tuple(round(size * 0.2 / step) for size in zone.grid.shape)
    transform = Affine(step, 0.0, zone.grid.transform.c, 0.0, -step, zone.grid.transform.f)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=shape[0], width=shape[1])
    made_of = {
        "elevation": [("dsm", 1, None), ("dtm", 1, None)],
        "historical": [("historical", 1, DAYS[0])],
        "spot": [("spot", 4, DAYS[1])],
        "sentinel2": [("sentinel2", 10, day) for day in DAYS],
        "sentinel2-masks": [("sentinel2-mask", 2, day) for day in DAYS],
        "sentinel1-asc": [("sentinel1-asc", 2, day) for day in DAYS],
        "parcels": [("lpis", 1, None)],
    }
    for role, bands, day in made_of[modality]:
        top = 46 if modality == "parcels" else 100
        pixels = rng.integers(1, top, (bands, *shape)).astype(known.dtype)
        path = folder / f"{zone.name}-{role}-{day}.tif"
        write_raster(path, pixels, grid, level=1)
        add_raster(campaign, campaign.zone(zone.id), path, role=role, acquired=day)
