"""What napari opens of ours: a campaign, the regions of a hierarchy, a release. Layers as data, no viewer.

A reader is asked whether it takes a path, and gives a function if so. What is wrong with a file is the
sentence of the exception, which napari shows.
"""

from __future__ import annotations

__all__ = [
    "LayerData",
    "campaign_layers",
    "campaign_reader",
    "regions_layers",
    "regions_reader",
    "release_reader",
    "zone_layers",
]

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.colormaps import Colormap

from napari_plugin import layers as data
from napari_plugin.language import number, tr
from napari_plugin.opening import read_backdrop
from napari_plugin.releases import CARD, INDEX, LayerData, holds_patches, release_layers, release_of
from workbench.campaign import Campaign
from workbench.errors import CampaignError
from workbench.geo.grid import PixelGrid
from workbench.geo.zone import Zone
from workbench.segmentation import read_hierarchy
from workbench.segmentation.sealing import BEGINS

Paths = str | Sequence[str]
ReadLayers = Callable[[Paths], list[LayerData]]

_REGISTRY, _HIERARCHY = "registry.gpkg", "hierarchy.h5"
_UNITS, _AXES = ("m", "m"), ("y", "x")
_PIXELS_PER_REGION = 2500
"""About 100 m²: regions that one still sees one by one where a whole zone is on the screen."""
_CONTOURS = [(0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 0.7)]
_BEGINNING = 4096
"""Bytes of a file that tell whether it is one of ours."""


def campaign_reader(path: Paths) -> ReadLayers | None:
    """Take the folder of a campaign, or its ``registry.gpkg``."""
    only = _only(path)
    if only is not None and (only.name == _REGISTRY or (only / _REGISTRY).is_file()):
        return lambda given: campaign_layers(_folder(given, _REGISTRY))
    return None


def regions_reader(path: Paths) -> ReadLayers | None:
    """Take a file that begins like a hierarchy, or is called ``hierarchy.h5``."""
    only = _only(path)
    if only is not None and only.is_file() and (only.name == _HIERARCHY or _holds(only, BEGINS[0])):
        return lambda given: regions_layers(_one(given))
    return None


def release_reader(path: Paths) -> ReadLayers | None:
    """Take a release or its ``release.json`` or ``index.parquet``; in it folders, and rasters of patches."""
    only = _only(path)
    folder = None if only is None else release_of(only)
    if only is None or folder is None:
        return None
    if only in (folder, folder / CARD, folder / INDEX):
        return lambda given: release_layers(folder)
    if holds_patches(folder, only):
        return lambda given: release_layers(folder, _one(given))
    return None


def campaign_layers(directory: Path) -> list[LayerData]:
    """Return the first zone of a campaign, as a layer that the dock takes up.

    Raises
    ------
    WorkbenchError
        The campaign or the zone's raster cannot be read, or there is no zone.
    """
    campaign = Campaign.open(directory)
    zones = campaign.zones()
    if not zones:
        raise CampaignError(f"{directory} has no zone yet; add one: workbench zone add {directory}")
    return zone_layers(campaign, zones[0])


def zone_layers(campaign: Campaign, zone: Zone) -> list[LayerData]:
    """Return the orthophoto of a zone as a layer that names its campaign, so that the dock takes it up."""
    backdrop = read_backdrop(campaign, zone)
    metadata = data.world_metadata(zone.grid, zone.id) | {
        "campaign": str(campaign.path),
        "source": str(zone.ortho.path),
        "acquired": zone.acquired.isoformat() if zone.acquired else None,
    }
    options = _placed(zone.grid, tr("Orthophoto {zone}", zone=zone.id), metadata, offset=backdrop.offset)
    return [(data.natural_colours(backdrop.pixels, backdrop.bands), options | {"rgb": True}, "image")]


def regions_layers(path: Path) -> list[LayerData]:
    """Return the regions of a hierarchy: their contours, whatever the scale, and those of one scale.

    The contours are the saliency: an image of the level at which each edge disappears. Its contrast limits
    show those of the level of the labels; larger limits show larger regions.

    Raises
    ------
    HierarchyError
        The file is damaged, of a newer version or no hierarchy.
    """
    hierarchy = read_hierarchy(path)
    grid, pixels = hierarchy.grid, int(hierarchy.area.sum(dtype=np.int64))
    wanted = max(1, pixels // _PIXELS_PER_REGION)
    level = int(np.argmax(hierarchy.region_counts <= wanted))
    cut = hierarchy.cut(hierarchy.scale_steps.scale(level))
    metadata = _place_of(grid) | {
        "source": str(path),
        "hierarchy": hierarchy.digest,
        "level": level,
        "region_scale": cut.scale,
        "regions": cut.count,
    }
    name = path.parent.name if path.name == _HIERARCHY else path.stem
    levels = list(hierarchy.saliency_pyramid())
    contours = _placed(grid, tr("Contours {name}", name=name), metadata) | {
        "multiscale": len(levels) > 1,
        "colormap": Colormap(_CONTOURS, name="contours"),
        "contrast_limits": data.contour_limits(level),
    }
    regions = tr("{count} regions {name}", count=number(cut.count), name=name)
    options = _placed(grid, regions, metadata) | {"opacity": 0.4}
    # Numbered from 1: napari shows no label 0, to which the number of nodata wraps.
    numbers = (cut.labels() + np.uint32(1)).view(np.int32)
    return [
        (numbers, options, "labels"),
        (levels if len(levels) > 1 else levels[0], contours, "image"),
    ]


def _placed(
    grid: PixelGrid, name: str, metadata: dict[str, Any], *, offset: tuple[int, int] = (0, 0)
) -> dict[str, Any]:
    """Return the options that every layer of ours has: the grid's first pixel at the origin, in metres."""
    resolution = grid.resolution
    return {
        "name": name,
        "scale": (resolution, resolution),
        "translate": tuple(step * resolution for step in offset),
        "units": _UNITS,
        "axis_labels": _AXES,
        "metadata": metadata,
    }


def _place_of(grid: PixelGrid) -> dict[str, Any]:
    return {"crs": grid.crs, "transform": tuple(grid.transform)[:6]}


def _holds(path: Path, text: bytes) -> bool:
    """Tell whether a file begins with, or soon says, what one of ours does; others are left to others."""
    try:
        with path.open("rb") as file:
            return text in file.read(_BEGINNING)
    except OSError:
        return False


def _only(path: Paths) -> Path | None:
    """Return the one path that is asked about; None where it is a stack of several."""
    if isinstance(path, str):
        return Path(path)
    return Path(path[0]) if len(path) == 1 else None


def _one(path: Paths) -> Path:
    return Path(path if isinstance(path, str) else path[0])


def _folder(path: Paths, *files: str) -> Path:
    """Return the folder that is given, or that holds one of some files."""
    only = _one(path)
    return only.parent if only.name in files and not only.is_dir() else only
