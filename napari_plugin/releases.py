"""A release as layers: the patches of a zone in their places, with the classes in their colours.

What is opened may be the release, any folder in it, such as that of a domain or a zone, or the picture or
labels of one patch. Of many zones the first is shown, and those that lie near it are there to be shown: their
patches are read when their layers are.
"""

from __future__ import annotations

__all__ = ["CARD", "INDEX", "holds_patches", "release_layers", "release_of"]

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from affine import Affine
from napari.utils import DirectLabelColormap
from napari.utils.notifications import show_info
from numpy.typing import NDArray

from napari_plugin import layers as data
from napari_plugin.language import count, number, tr
from napari_plugin.patch_mosaic import PatchMosaic
from workbench.errors import ReleaseError
from workbench.export import Release, open_release
from workbench.export.index import PatchIndex
from workbench.export.patch_rows import file_column
from workbench.export.patches import IMAGE, LABEL, Patch
from workbench.geo.grid import PixelGrid, Window

LayerData = tuple[Any, dict[str, Any], str]
"""Data, options and type of a layer, as napari's readers give them."""

CARD, INDEX = "release.json", "index.parquet"
_CARD_SAYS = b"ocs-workbench/release"
_BEGINNING = 4096
"""Bytes of a card that tell whether it is one of ours."""
_DEEPEST = 8
"""Folders between a release and its patches, and some more."""
_MOST_PATCHES = 100
"""Of a zone; the pixels of so many fill 5,120 × 5,120."""
_MOST_ZONES = 4
_NEAR = 2000.0
"""Metres from the first zone; what lies farther would make it a speck on the screen."""


def release_of(path: Path) -> Path | None:
    """Return the folder of the release that a path is, or lies in; None where there is none."""
    for folder in [path, *path.parents][:_DEEPEST]:
        if _is_card(folder / CARD):
            return folder
    return None


def holds_patches(folder: Path, path: Path) -> bool:
    """Tell whether a path in a release is a picture or labels of a patch, or a folder or file of several."""
    try:
        release = open_release(folder)
        return path == folder or bool(len(_rows_at(release, release.patches(), folder, path)))
    except ReleaseError:
        return True  # it is ours, and its reader says what is wrong


def release_layers(folder: Path, path: Path | None = None) -> list[LayerData]:
    """Return what of a release is shown: for each of a few zones its picture, labels and outlines.

    Parameters
    ----------
    folder
        Of the release.
    path
        The release itself, or what in it is opened.

    Raises
    ------
    WorkbenchError
        The release is damaged, or has no patch there.
    """
    release, path = open_release(folder), path or folder
    index = release.patches()
    if not index:
        raise ReleaseError(f"{folder} has no patch; copy the release again")
    rows = np.arange(len(index)) if path == folder else _rows_at(release, index, folder, path)
    if not len(rows):
        raise ReleaseError(f"{path} holds no patch of {release.name}; open the folder of a domain or zone")
    picture_only = path.is_file() and path.name in _names(release, index[int(rows[0])], IMAGE)
    zones = _near_zones(index, rows)
    first, *others = (
        _ZoneView(
            release=release,
            patches=tuple(index[int(row)] for row in zone_rows[:_MOST_PATCHES]),
            total=len(rows),
            shown=place == 0,
            bare=picture_only,
        )
        for place, zone_rows in enumerate(zones)
    )
    # Napari looks at the first layer, and says of a place what the last one has there.
    picture, *above = first.layers(first.grid)
    made = [picture, *(layer for other in others for layer in other.layers(first.grid)), *above]
    _tell(release, index, rows, len(zones))
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _ZoneView:
    """Patches of a zone, to be shown."""

    release: Release
    patches: tuple[Patch, ...]
    total: int
    """Number of the patches that were opened, of whichever zone."""
    shown: bool
    """Whether its layers are visible."""
    bare: bool
    """Whether the picture was opened alone."""

    @property
    def whole(self) -> Window:
        """The smallest window of the zone that holds the patches."""
        return reduce(Window.union, (patch.window for patch in self.patches))

    @property
    def grid(self) -> PixelGrid:
        """The grid of that window."""
        whole, first = self.whole, self.patches[0]
        place = first.window.within(whole)
        transform = first.grid.transform @ Affine.translation(-place.col, -place.row)
        return PixelGrid(crs=first.grid.crs, transform=transform, height=whole.height, width=whole.width)

    def layers(self, corner: PixelGrid) -> list[LayerData]:
        """Return picture, outlines and labels as seen from the first pixel of a grid; none without labels."""
        common, name = self._common(corner), self._name()
        outlines = common | {"name": tr("Patches {name}", name=name)}
        made = [
            (self._picture(), common | {"name": name, "rgb": True}, "image"),
            _outlines(self.patches, self.whole, outlines),
        ]
        if told := [patch for patch in self.patches if not patch.withheld]:
            labels = PatchMosaic(told, self.whole, self.release.labels)
            made.append((labels, common | self._look() | {"name": tr("Classes {name}", name=name)}, "labels"))
        for mosaic, options, kind in made:  # what is damaged is said before anything is on the screen
            if options["visible"] and kind != "shapes":
                mosaic[:]
        return made

    def _picture(self) -> PatchMosaic:
        bands, image = self.release.layouts[0].bands, self.release.image
        return PatchMosaic(
            self.patches, self.whole, lambda patch: data.natural_colours(image(patch), bands), 3
        )

    def _look(self) -> dict[str, Any]:
        classes = self.release.nomenclature
        return {
            "colormap": DirectLabelColormap(color_dict=data.class_colours(classes)),
            "features": data.class_features(classes),
            "opacity": 0.55,
            "visible": self.shown and not self.bare,
        }

    def _name(self) -> str:
        return count(
            "{zone}, {shown} of {count} patch",
            "{zone}, {shown} of {count} patches",
            self.total,
            zone=self.patches[0].zone,
            shown=number(len(self.patches)),
        )

    def _common(self, corner: PixelGrid) -> dict[str, Any]:
        """Return where the layers lie, and what they are of."""
        grid, first = self.grid, self.patches[0]
        return {
            "scale": (grid.resolution, grid.resolution),
            "translate": data.steps_between(corner, tuple(grid.transform)[:6]),
            "units": ("m", "m"),
            "axis_labels": ("y", "x"),
            "visible": self.shown,
            "metadata": data.world_metadata(grid, first.zone)
            | {
                "source": str(self.release.path),
                "release": self.release.name,
                "nomenclature": self.release.nomenclature.document(),
                "acquired": first.acquired.isoformat() if first.acquired else None,
            },
        }


def _rows_at(release: Release, index: PatchIndex, folder: Path, path: Path) -> NDArray[np.intp]:
    """Return the rows of the patches whose picture or labels a path in a release is, or holds."""
    inside = PurePosixPath(path.relative_to(folder)).as_posix()
    found = np.zeros(len(index), np.bool_)
    for layout in release.layouts:
        for modality in (IMAGE, LABEL):
            column = file_column(layout.name, modality)
            for row, held in enumerate(index.table([column]).column(0).to_pylist()):
                found[row] |= held is not None and (held == inside or held.startswith(f"{inside}/"))
    return np.flatnonzero(found)


def _near_zones(index: PatchIndex, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the rows of the first zone, and of those that lie near it, the nearest first."""
    names, bounds = index.table(["zone"]).column(0).to_pylist(), index.bounds()
    zones: dict[str, list[int]] = {}
    for row in rows.tolist():
        zones.setdefault(names[row], []).append(row)
    boxes = {zone: _box(bounds[own]) for zone, own in zones.items()}
    first = boxes[names[int(rows[0])]]
    apart = {zone: _gap(first, box) for zone, box in boxes.items()}
    near = sorted((zone for zone in zones if apart[zone] <= _NEAR), key=lambda zone: (apart[zone], zone))
    near.sort(key=lambda zone: zone != names[int(rows[0])])
    return [np.array(zones[zone], np.intp) for zone in near[:_MOST_ZONES]]


def _tell(release: Release, index: PatchIndex, rows: NDArray[np.intp], shown: int) -> None:
    """Say how to see the zones that are not there."""
    names = index.table(["zone"]).column(0).to_pylist()
    if (zones := len({names[row] for row in rows.tolist()})) > shown:
        show_info(
            count(
                "{release}: you see {shown} of {count} zone; open the folder of another one to see it.",
                "{release}: you see {shown} of {count} zones; open the folder of another one to see it.",
                zones,
                release=release.name,
                shown=number(shown),
            )
        )


def _names(release: Release, patch: Patch, modality: str) -> set[str]:
    """Return what the files are called that hold a modality of a patch alone."""
    return {
        PurePosixPath(patch.files[layout.name][modality].path).name
        for layout in release.layouts
        if layout.container == "files"
    }


def _outlines(patches: Sequence[Patch], whole: Window, options: dict[str, Any]) -> LayerData:
    """Return the outlines of patches, with what the index says of each as features."""
    shapes = []
    for patch in patches:
        window = patch.window.within(whole)
        # napari counts from the centre of the first pixel.
        top, left = window.row - 0.5, window.col - 0.5
        bottom, right = top + window.height, left + window.width
        shapes.append(np.array([(top, left), (top, right), (bottom, right), (bottom, left)]))
    features: dict[str, list[Any]] = {
        name: [getattr(patch, name) for patch in patches]
        for name in ("id", "number", "domain", "zone", "fold", "theme", "unlabelled")
    }
    for name in patches[0].splits:
        features[name] = [patch.splits[name] for patch in patches]
    look = {
        "shape_type": "rectangle",
        "face_color": "transparent",
        "edge_color": "white",
        "edge_width": 4,
        "features": features,
    }
    return shapes, options | look, "shapes"


def _box(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what holds some boxes: left, bottom, right, top."""
    return np.array([*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)])


def _gap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how far two boxes lie apart along the axis on which they do so most, in metres."""
    return float(max(0.0, *(one[:2] - other[2:]), *(other[:2] - one[2:])))


def _is_card(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _CARD_SAYS in file.read(_BEGINNING)
    except OSError:
        return False
