"""Recipes, places and lazy pictures, without a window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image

from napari_plugin import pictures
from napari_plugin.desk_rasters import DeskRaster, desk_raster, placement
from napari_plugin.pictures import Look, Picture, Showing, Swipe
from napari_plugin.recipes import Recipe, recipes_for
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.placed import PlacedPixels
from workbench.geo.zone import Cell, Zone, ZoneRaster

LEFT, TOP = 831081.6, 6829179.2
BANDS = ("R", "G", "B", "NIR", "E")


def grid_of(resolution: float, height: int, width: int, *, left: float = LEFT, top: float = TOP) -> PixelGrid:
    transform = Affine(resolution, 0, left, 0, -resolution, top)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=height, width=width)


def raster_of(role: str, *bands: str, day: date | None = None) -> ZoneRaster:
    window = Window(row=0, col=0, height=9, width=9)
    return ZoneRaster(
        role=role, path=Path("x.tif"), bands=bands, window=window, pixels_sha256="0" * 64, acquired=day
    )


# Cells (0, 0), (1, 0) and (1, 1): an L.
ZONE = Zone(
    domain="D051_2019",
    name="Z1_AA",
    grid=grid_of(0.2, 1024, 1024),
    cells=(Cell(row=0, col=0), Cell(row=1, col=0), Cell(row=1, col=1)),
    rasters=(raster_of("ortho", *BANDS),),
    acquired=None,
    camera=None,
    theme=None,
)
RECIPES = {recipe.key: recipe for recipe in recipes_for(ZONE.rasters)}


def placed(
    grid: PixelGrid, bands: tuple[str, ...] = BANDS, dtype: str = "uint8", **more: Any
) -> PlacedPixels:
    pixels = np.random.default_rng(1).integers(0, 256, (len(bands), *grid.shape)).astype(dtype)
    return PlacedPixels(pixels=pixels, bands=bands, grid=grid, valid=more.get("valid"))


@pytest.fixture(scope="module")
def ortho() -> DeskRaster:
    """The zone's orthophoto, which reaches 37 rows up, 50 columns left and 21 and 30 down and right."""
    grid = grid_of(0.2, 1024 + 37 + 21, 1024 + 50 + 30, left=LEFT - 50 * 0.2, top=TOP + 37 * 0.2)
    return desk_raster(placed(grid), ZONE, key="ortho")


ORTHO_5 = ["rgb", "irc", "ndvi", "height", "hillshade"]
SINGLE_5 = ["band-R", "band-G", "band-B", "band-NIR", "band-E"]
LISTED = {
    "five bands": ([raster_of("ortho", *BANDS)], [*ORTHO_5, *SINGLE_5]),
    "colours": ([raster_of("ortho", "R", "G", "B")], ["rgb", "band-R", "band-G", "band-B"]),
    "panchromatic": ([raster_of("ortho", "P")], ["band-P"]),
    "infrared alone": (
        [raster_of("ortho", "NIR", "R", "G")],
        ["irc", "ndvi", "band-NIR", "band-R", "band-G"],
    ),
    "height models": (
        [raster_of("ortho", "P"), raster_of("dsm", "DSM"), raster_of("dtm", "DTM")],
        ["band-P", "dsm-height", "dsm-hillshade", "dtm-height", "dtm-hillshade"],
    ),
    "two in one file": (
        [raster_of("ortho", "P"), raster_of("dsm", "DSM", "DTM")],
        ["band-P", "dsm-height", "dsm-hillshade", "dsm-height-dtm", "dsm-hillshade-dtm"],
    ),
    "other dates": (
        [
            raster_of("ortho", "R", "G", "B"),
            raster_of("other-date", "P", day=date(1950, 6, 1)),
            raster_of("other-date", "R", "G", "B", "NIR", day=date(2014, 6, 1)),
        ],
        [
            "rgb",
            "other-date-1950-06-01",
            "other-date-2014-06-01",
            "other-date-2014-06-01-irc",
            "other-date-2014-06-01-ndvi",
            *("band-R", "band-G", "band-B"),
        ],
    ),
    "an infrared picture beside colours": (
        [raster_of("ortho", "R", "G", "B"), raster_of("irc", "NIR", "R", "G")],
        ["rgb", "irc", "irc-ndvi", "band-R", "band-G", "band-B"],
    ),
    "an infrared picture beside infrared": (
        [raster_of("ortho", *BANDS), raster_of("irc", "NIR", "R", "G")],
        [*ORTHO_5, "irc-irc", "irc-ndvi", *SINGLE_5],
    ),
    "satellites": (
        [
            raster_of("ortho", "P"),
            raster_of("sentinel2", "B", "G", "R", "NIR"),
            raster_of("sentinel1", "VV", "VH"),
        ],
        ["band-P", "sentinel2", "sentinel2-irc", "sentinel2-ndvi", "sentinel1", "sentinel1-band-VH"],
    ),
}


@pytest.mark.parametrize("case", LISTED)
def test_the_recipes_of_a_zone_are_what_its_rasters_allow(case: str) -> None:
    rasters, keys = LISTED[case]
    found = recipes_for(rasters)
    assert [recipe.key for recipe in found] == keys
    bands = {raster.key: raster.bands for raster in rasters}
    for recipe in found:
        assert set(recipe.rendering.bands) <= set(bands[recipe.raster])
    for language in ("en", "fr"):
        titles = [recipe.titles[language] for recipe in found]
        assert all(titles)
        assert len(set(titles)) == len(titles)


def test_a_title_tells_the_day_as_its_language_writes_it() -> None:
    other = raster_of("other-date", "R", "G", "B", day=date(2014, 6, 1))
    _, recipe, *_ = recipes_for([raster_of("ortho", "R", "G", "B"), other])
    assert recipe.titles == {
        "en": "Natural colours, another date 2014-06-01",
        "fr": "Couleurs naturelles, autre date 01/06/2014",
    }


@pytest.mark.parametrize(
    ("resolution", "left", "top", "expected"),
    [
        (0.2, LEFT, TOP, (0.2, (0.0, 0.0))),
        (0.2, LEFT - 10, TOP + 7.4, (0.2, (-7.4, -10.0))),
        (0.2, LEFT + 1e-5, TOP - 1e-5, (0.2, (0.0, 0.0))),
        (0.5, LEFT, TOP, (0.5, (0.15, 0.15))),
        (0.05, LEFT, TOP, (0.05, (-0.075, -0.075))),
        (0.5, LEFT - 100.3, TOP + 50.7, (0.5, (-50.55, -100.15))),
        (10.0, LEFT - 7, TOP + 3, (10.0, (1.9, -2.1))),
    ],
    ids=["itself", "reaches further", "float noise", "coarser", "finer", "odd offset", "satellite"],
)
def test_a_raster_lies_where_it_lies(
    resolution: float, left: float, top: float, expected: tuple[float, tuple[float, float]]
) -> None:
    scale, translate = placement(grid_of(resolution, 99, 99, left=left, top=top), ZONE.grid)
    assert (scale, translate) == (expected[0], pytest.approx(expected[1], abs=1e-8))


@settings(max_examples=60)
@given(
    resolution=st.sampled_from([0.05, 0.2, 0.5, 1.6, 10.0]),
    offset=st.tuples(st.integers(-4000, 100), st.integers(-4000, 100)),
    inside=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
)
def test_a_known_coordinate_is_in_the_known_pixel_of_each_raster(
    resolution: float, offset: tuple[int, int], inside: tuple[int, int]
) -> None:
    """Of each layer napari itself tells the pixel; ground is on a lattice that misses pixel edges."""
    grid = grid_of(resolution, 64, 64, left=LEFT + offset[0] * 0.01, top=TOP - offset[1] * 0.01)
    x, y = LEFT + inside[0] * 2e-5 + 0.003, TOP - inside[1] * 2e-5 - 0.003
    fraction = ~ZONE.grid.transform @ (x, y)
    world = ((fraction[1] - 0.5) * 0.2, (fraction[0] - 0.5) * 0.2)
    scale, translate = placement(grid, ZONE.grid)
    layer = Image(np.zeros((64, 64)), scale=(scale, scale), translate=translate)
    found = tuple(int(np.floor(place + 0.5)) for place in layer.world_to_data(world))
    assert found == grid.rowcol(x, y)


def keys() -> st.SearchStrategy[Any]:
    size = 271
    index = st.integers(-size, size - 1)
    edge = st.none() | st.integers(-size - 9, size + 9)
    part = st.builds(slice, edge, edge, st.none() | st.integers(-7, 7).filter(bool))
    channel = st.just(slice(None)) | st.integers(-4, 3) | st.just(slice(0, 3))
    return st.one_of(
        index | part | st.just(...),
        st.tuples(index | part, index | part),
        st.tuples(index | part, index | part, channel),
        st.tuples(index | part, st.just(...), channel),
        st.tuples(st.just(...), channel),
    )


@settings(max_examples=150)
@given(key=keys())
def test_a_level_is_indexed_as_an_array_is(ortho: DeskRaster, key: Any) -> None:
    level = Picture(ortho, Showing(recipe=RECIPES["rgb"])).levels[-1]
    whole = np.asarray(level)
    assert whole.shape == level.shape == (271, 276, 4)
    assert (level.ndim, level.dtype, level.size) == (whole.ndim, whole.dtype, whole.size)
    found = level[key]
    assert found.shape == whole[key].shape
    assert (found == whole[key]).all()


@pytest.mark.parametrize("key", [(0, 0, 0, 0), (..., ...), 272, (0, 276)], ids=str)
def test_an_index_beyond_a_level_is_refused(ortho: DeskRaster, key: Any) -> None:
    with pytest.raises(IndexError):
        Picture(ortho, Showing(recipe=RECIPES["rgb"])).levels[-1][key]


@pytest.mark.parametrize("key", RECIPES)
def test_each_recipe_is_what_its_rendering_draws(ortho: DeskRaster, key: str) -> None:
    recipe = RECIPES[key]
    picture = Picture(ortho, Showing(recipe=recipe, dimmed=False))
    for number, level in enumerate(ortho.levels):
        rows, cols = level.pixels.shape[1:]
        stretches = [
            ortho.stretch(band, recipe.rendering.percentiles, 1.0) for band in recipe.rendering.bands
        ]
        expected = recipe.rendering.draw(
            [level.pixels[ortho.bands.index(band)] for band in recipe.rendering.bands],
            stretches,
            Window(row=0, col=0, height=rows, width=cols),
            pixel=0.2 * 2**number,
            valid=None,
            into=None,
        )
        assert (picture.levels[number][:rows, :cols] == expected).all()
        assert not picture.levels[number][rows:].any()
        assert not picture.levels[number][:, cols:].any()


def test_levels_are_exact_multiples_of_each_other(ortho: DeskRaster) -> None:
    shapes = [level.shape[:2] for level in Picture(ortho, Showing(recipe=RECIPES["rgb"])).levels]
    assert shapes == [(1084, 1104), (542, 552), (271, 276)]


@pytest.mark.parametrize(("resolution", "reach"), [(0.2, 20), (0.5, 60.3), (0.05, 3.3), (10.0, 33)])
def test_what_lies_around_the_zone_is_dimmed(resolution: float, reach: float) -> None:
    height = int((40 + 2 * reach) / resolution) + 3
    # At the middle of the zone, where the cell at the upper right is missing.
    left, top = LEFT + 102.4 - 20 - reach, TOP - 102.4 + 20 + reach
    grid = grid_of(resolution, height, height, left=left, top=top)
    raster = desk_raster(placed(grid), ZONE, key="ortho")
    light = Picture(raster, Showing(recipe=RECIPES["rgb"], dimmed=False))
    dim = Picture(raster, Showing(recipe=RECIPES["rgb"]))
    for number, level in enumerate(raster.levels):
        rows, cols = level.pixels.shape[1:]
        side = resolution * 2**number
        x = left + side * (np.arange(cols) + 0.5)
        y = top - side * (np.arange(rows) + 0.5)
        right, down = (x - LEFT) / 102.4, (TOP - y) / 102.4
        inside = (right >= 0) & (right < 2) & (down[:, None] >= 0) & (down[:, None] < 2)
        inside &= ~((right >= 1) & (down[:, None] < 1))
        before, after = (one.levels[number][:rows, :cols].astype(int) for one in (light, dim))
        assert (before == after).all(axis=-1)[inside].all()
        assert (before[~inside].sum(axis=-1) > after[~inside].sum(axis=-1)).mean() > 0.95
        assert inside.any()
        assert not inside.all()


@pytest.mark.parametrize("hides", ["left", "right", "above", "below"])
@pytest.mark.parametrize("at", [-1e9, -10.0, -9.9, 0.0, 50.05, 1e9])
def test_a_swipe_hides_the_pixels_on_one_side_of_a_line(ortho: DeskRaster, hides: Any, at: float) -> None:
    view = Showing(recipe=RECIPES["irc"])
    whole, swiped = Picture(ortho, view), Picture(ortho, replace(view, swipe=Swipe(hides=hides, at=at)))
    for number, level in enumerate(ortho.levels):
        rows, cols = level.pixels.shape[1:]
        side = 0.2 * 2**number
        # The world's origin is the centre of the zone's first pixel, 37 rows and 50 columns in.
        y = (np.arange(rows) * 2**number + (2**number - 1) / 2 - 37) * 0.2
        x = (np.arange(cols) * 2**number + (2**number - 1) / 2 - 50) * 0.2
        before, beyond = np.broadcast_arrays(
            (x if hides in ("left", "right") else y[:, None]) < at - 1e-9,
            (x if hides in ("left", "right") else y[:, None]) > at + 1e-9,
        )
        before, beyond = (np.broadcast_to(one, (rows, cols)) for one in (before, beyond))
        hidden, shown = (before, beyond) if hides in ("left", "above") else (beyond, before)
        found = swiped.levels[number][:rows, :cols]
        assert not found[hidden].any()
        assert (found[shown] == whole.levels[number][:rows, :cols][shown]).all()
        assert side > 0


def test_gaps_are_clear_at_every_level() -> None:
    grid, valid = grid_of(0.2, 1024, 1024), np.ones((1024, 1024), bool)
    valid[:400, :300] = False
    raster = desk_raster(placed(grid, valid=valid), ZONE, key="ortho")
    picture = Picture(raster, Showing(recipe=RECIPES["hillshade"]))
    for number, level in enumerate(picture.levels):
        assert not level[: 400 >> number, : 300 >> number].any()
        assert (level[400 >> number :, :, 3] == 255).all()


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_other_types_are_stretched_to_what_a_screen_shows(dtype: str) -> None:
    grid = grid_of(0.5, 600, 600)
    found = placed(grid, ("DSM",), dtype)
    found.pixels[0] += np.arange(600, dtype=dtype) * 10
    recipe = Recipe(key="x", titles={}, raster="dsm", rendering=RECIPES["band-E"].rendering)
    recipe = replace(recipe, rendering=replace(recipe.rendering, band="DSM"))
    raster = desk_raster(found, ZONE, key="dsm")
    shown = Picture(raster, Showing(recipe=recipe, dimmed=False)).levels[0][..., 0]
    assert (shown.min(), shown.max()) == (0, 255)
    assert abs(int(np.median(shown)) - 127) < 12
    lifted = Picture(raster, Showing(recipe=recipe, dimmed=False, look=Look(gamma=2.0))).levels[0][..., 0]
    assert (lifted >= shown).all()
    assert lifted.mean() > shown.mean() + 20


def test_a_new_look_is_painted_over_the_array_that_napari_keeps(ortho: DeskRaster) -> None:
    picture = Picture(ortho, Showing(recipe=RECIPES["rgb"]))
    kept = np.asarray(picture.levels[-1])
    before = kept.copy()
    picture.view = replace(picture.view, look=Look(gamma=2.5))
    assert np.asarray(picture.levels[-1]) is kept
    assert kept.mean() > before.mean() + 10
    assert (picture.levels[-1][:] == kept).all()


def test_what_was_drawn_stays_while_somebody_looks_at_it(ortho: DeskRaster) -> None:
    picture = Picture(ortho, Showing(recipe=RECIPES["rgb"]))
    held = [(part := picture.levels[0][k : k + 300, :500], part.copy()) for k in range(0, 600, 60)]
    for recipe in RECIPES.values():
        picture.view = Showing(recipe=recipe)
        picture.levels[0][:300, :500]
    assert all((part == copy).all() for part, copy in held)


def test_reserved_memory_is_what_the_next_views_are_drawn_in(
    ortho: DeskRaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_MEMORY", pictures._Memory())
    pictures.reserve(100, 120, pictures=2)
    picture = Picture(ortho, Showing(recipe=RECIPES["rgb"]))
    kept = list(pictures._MEMORY._pieces)
    parts = [picture.levels[0][:700, :750] for _ in range(2)]
    assert pictures._MEMORY._pieces == kept
    assert all(a is b for a, b in zip(pictures._MEMORY._pieces, kept, strict=True))
    parts.append(picture.levels[0][:700, :750])
    assert len(pictures._MEMORY._pieces) == 3


def test_a_recipe_of_another_raster_is_refused(ortho: DeskRaster) -> None:
    *_, other, _ = recipes_for([raster_of("ortho", "P"), raster_of("dsm", "DSM"), raster_of("dtm", "P")])
    with pytest.raises(ValueError, match=r"dsm-hillshade is of raster dsm, not ortho"):
        Picture(ortho, Showing(recipe=other))


class Counted(Picture):
    """Keeps which levels were drawn, and how many pixels of them."""

    def draw(self, level: int, window: Window) -> np.ndarray:
        self.drawn = [*getattr(self, "drawn", []), (level, window.height * window.width)]
        return super().draw(level, window)


def test_adding_a_layer_draws_the_coarsest_level_alone(ortho: DeskRaster) -> None:
    picture, viewer = Counted(ortho, Showing(recipe=RECIPES["rgb"])), ViewerModel()
    layer = Image(picture.levels, multiscale=True, rgb=True, scale=(0.2, 0.2), translate=ortho.translate)
    viewer.add_layer(layer)
    viewer.fit_to_view()
    assert picture.drawn == [(2, 271 * 276)]
    picture.view = Showing(recipe=RECIPES["ndvi"])
    layer.refresh()
    assert {level for level, _ in picture.drawn} == {2}
