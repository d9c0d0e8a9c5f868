"""Lazy pictures in a real viewer: colours, places and recipes on the screen. Needs a display."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from test_pictures import LEFT, TOP, ZONE, Counted, grid_of

from napari_plugin.desk_rasters import DeskRaster, desk_raster
from napari_plugin.pictures import Look, Picture, Showing, Swipe
from napari_plugin.recipes import Composite, Recipe
from workbench.geo.placed import PlacedPixels

NO_DISPLAY = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(NO_DISPLAY, reason="a window needs a display: apt-get install xvfb"),
]
NATURAL = Recipe(key="rgb", titles={}, raster="ortho", rendering=Composite(("R", "G", "B")))
SWAPPED = Recipe(key="irc", titles={}, raster="ortho", rendering=Composite(("B", "R", "G")))
# A square of ground, in metres right of and below the zone's corner: whole pixels in 0.05, 0.2 and 0.8 m.
MARK = (40.0, 60.8)


def marked(resolution: float, *, left: float, top: float, side: float = 110.0) -> DeskRaster:
    """A dark raster on which the square of 6.4 m at the mark is red."""
    pixels = round(side / resolution)
    grid = grid_of(resolution, pixels, pixels, left=LEFT + left, top=TOP - top)
    found = np.full((3, pixels, pixels), 20, np.uint8)
    row, col = (
        round((place - corner) / resolution) for place, corner in zip(MARK[::-1], (top, left), strict=True)
    )
    found[0, row : row + round(6.4 / resolution), col : col + round(6.4 / resolution)] = 220
    placed = PlacedPixels(pixels=found, bands=("R", "G", "B"), grid=grid, valid=None)
    return desk_raster(placed, ZONE, key="ortho")


def shown(viewer: Any, picture: Picture, **options: Any) -> Image:
    raster = picture.raster
    layer = Image(
        picture.levels,
        multiscale=True,
        rgb=True,
        scale=(raster.scale, raster.scale),
        translate=raster.translate,
        units=("m", "m"),
        **options,
    )
    viewer.add_layer(layer)
    return layer


@pytest.fixture
def viewer(make_napari_viewer_proxy: Any) -> Any:
    made = make_napari_viewer_proxy(show=True)
    made.window.resize(1000, 800)
    QTest.qWait(200)
    return made


def look(viewer: Any, *, at: tuple[float, float] = (63.9, 43.1), zoom: float = 6.0) -> np.ndarray:
    viewer.scene.camera.center, viewer.scene.camera.zoom = at, zoom
    QTest.qWait(80)
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def ground(viewer: Any, shot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where rows and columns of a screenshot lie, in metres below and right of the zone's corner."""
    down, across = viewer.scene.camera.center[-2:]
    metres = viewer.canvas.size[0] / shot.shape[0] / viewer.scene.camera.zoom
    rows, cols = ((np.arange(side) + 0.5 - side / 2) * metres for side in shot.shape[:2])
    return down + rows + 0.1, across + cols + 0.1  # the origin is the centre of a pixel of 0.2 m


@pytest.mark.parametrize("zoom", [2.0, 6.0, 40.0], ids=["far", "middle", "near"])
@pytest.mark.parametrize(
    ("resolution", "left", "top"),
    [(0.2, 0.0, 0.0), (0.2, -7.4, -3.2), (0.05, 20.05, 33.35), (0.05, -0.7, -9.9), (0.8, -12.0, -19.2)],
    ids=["the zone's grid", "reaching further", "finer", "finer, further", "coarser"],
)
def test_the_mark_is_where_it_is_on_the_ground(
    viewer: Any, resolution: float, left: float, top: float, zoom: float
) -> None:
    shown(viewer, Picture(marked(resolution, left=left, top=top), Showing(recipe=NATURAL, dimmed=False)))
    # Its upper left corner in the middle, or a bit aside from it where all of it fits.
    shot = look(viewer, at=(MARK[1] + 1.03, MARK[0] + 1.07), zoom=zoom)
    down, right = ground(viewer, shot)
    red = shot[..., 0] > 120
    for places, marked_lines, start in ((down, red.any(axis=1), MARK[1]), (right, red.any(axis=0), MARK[0])):
        pixel = places[1] - places[0]
        sure = (np.abs(places - start) > pixel) & (np.abs(places - start - 6.4) > pixel)
        expected = (places > start) & (places < start + 6.4)
        assert expected.any()
        assert (marked_lines == expected)[sure].all()


def test_a_refresh_shows_another_recipe_and_look_at_every_zoom(viewer: Any) -> None:
    picture = Picture(marked(0.2, left=0, top=0), Showing(recipe=NATURAL, dimmed=False))
    layer = shown(viewer, picture)
    for zoom in (1.0, 3.0, 30.0):
        colours = []
        for recipe, gamma in ((NATURAL, 1.0), (SWAPPED, 1.0), (NATURAL, 2.0)):
            picture.view = Showing(recipe=recipe, dimmed=False, look=Look(gamma=gamma))
            layer.refresh()
            shot = look(viewer, zoom=zoom)
            colours.append(tuple(shot[shot.shape[0] // 2, shot.shape[1] // 2]))
        lifted = round(255 * (20 / 255) ** 0.5)
        assert colours == [(220, 20, 20), (20, 220, 20), (round(255 * (220 / 255) ** 0.5), lifted, lifted)]


def test_the_levels_of_another_picture_can_take_the_place_of_the_first(viewer: Any) -> None:
    raster = marked(0.2, left=0, top=0)
    natural, swapped = (
        Picture(raster, Showing(recipe=recipe, dimmed=False)) for recipe in (NATURAL, SWAPPED)
    )
    layer = shown(viewer, natural)
    for picture, colour in ((swapped, (20, 220, 20)), (natural, (220, 20, 20))):
        look(viewer, zoom=40.0)
        layer.data = picture.levels
        shot = look(viewer, zoom=40.0)
        assert tuple(shot[shot.shape[0] // 2, shot.shape[1] // 2]) == colour


def test_a_swipe_shows_what_lies_below(viewer: Any) -> None:
    raster = marked(0.2, left=0, top=0)
    shown(viewer, Picture(raster, Showing(recipe=NATURAL, dimmed=False)))
    upper = Picture(raster, Showing(recipe=SWAPPED, dimmed=False))
    layer = shown(viewer, upper)
    for hides, side in (("left", 1), ("right", -1)):
        # The line is in the mark: red of the lower layer on one side, green of the upper one on the other.
        upper.view = Showing(recipe=SWAPPED, dimmed=False, swipe=Swipe(hides=hides, at=43.0))
        layer.refresh()
        shot = look(viewer, at=(63.9, 43.0), zoom=20.0)
        row, col = shot.shape[0] // 2, shot.shape[1] // 2
        assert tuple(shot[row, col + 20 * side]) == (20, 220, 20)
        assert tuple(shot[row, col - 20 * side]) == (220, 20, 20)


def test_no_more_is_drawn_than_the_screen_shows(viewer: Any) -> None:
    picture = Counted(marked(0.05, left=-10, top=-10, side=200.0), Showing(recipe=NATURAL))
    shown(viewer, picture)
    rows, cols = viewer.canvas.size
    for zoom in (40.0, 20.0, 12.0):
        picture.drawn = []
        look(viewer, zoom=zoom)
        # napari takes up to twice as many pixels a side as the canvas has, and whole chunks of 256.
        assert 0 < max(pixels for _, pixels in picture.drawn) <= (2 * rows + 512) * (2 * cols + 512)
    picture.drawn = []
    look(viewer, at=(63.95, 43.15), zoom=12.0)
    assert picture.drawn == [], "a step of a pixel stays within the chunks"
