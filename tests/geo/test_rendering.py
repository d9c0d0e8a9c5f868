"""Pictures of bands: against their definitions in numpy, window by window, with gaps and at borders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from workbench.geo import ramps
from workbench.geo.grid import Window
from workbench.geo.hillshading import hillshade
from workbench.geo.rendering import coloured, composite, ndvi, veil
from workbench.geo.stretches import Stretch

DTYPES = ("uint8", "uint16", "float32")
SHAPE = (23, 31)
WHOLE = Window(row=0, col=0, height=SHAPE[0], width=SHAPE[1])


def windows() -> st.SearchStrategy[Window]:
    def inside(row: int, col: int, height: int, width: int) -> Window:
        return Window(row=row, col=col, height=min(height, SHAPE[0] - row), width=min(width, SHAPE[1] - col))

    return st.builds(inside, st.integers(0, 22), st.integers(0, 30), st.integers(1, 23), st.integers(1, 31))


def made_bands(dtype: str, count: int = 3) -> np.ndarray:
    values = np.random.default_rng(5).uniform(0, 250 if dtype == "uint8" else 9000, (count, *SHAPE))
    return values.astype(dtype)


@given(low=st.floats(-1e4, 1e4), width=st.floats(1e-3, 1e4), gamma=st.floats(0.2, 5), values=st.data())
def test_a_stretch_is_monotone_and_fills_the_screens_range(
    low: float, width: float, gamma: float, values: st.DataObject
) -> None:
    stretch = Stretch(low=low, high=low + width, gamma=gamma)
    found = np.sort(values.draw(npst.arrays(np.float64, 9, elements=st.floats(-1e5, 1e5))))
    shades = stretch.shades(found)
    assert (np.diff(shades) >= 0).all()
    assert stretch.shades(np.array([low, low + width])) == pytest.approx([0, 1], abs=1e-6)
    lifted = Stretch(low=low, high=low + width, gamma=gamma * 1.5).shades(found)
    assert (lifted >= shades).all()


def test_a_stretch_is_taken_between_percentiles_of_what_is_known() -> None:
    sample = np.concatenate([np.arange(101.0), [np.nan, np.inf]])
    assert Stretch.of(sample, percentiles=(10, 90), gamma=2) == Stretch(low=10, high=90, gamma=2)
    assert Stretch.of(np.array([np.nan])) == Stretch(low=0, high=1)
    assert Stretch.of(np.full((3, 3), 7, np.uint16)) == Stretch(low=7, high=8)


@pytest.mark.parametrize(
    "values", [{"low": 3, "high": 3}, {"low": np.nan}, {"gamma": 0}, {"gamma": -1}, {"high": np.inf}], ids=str
)
def test_no_stretch_can_be_built_of_nonsense(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not"):
        Stretch(**values)


def test_8_bit_bands_are_shown_as_they_are_by_default() -> None:
    assert (Stretch().table() == np.arange(256)).all()
    assert (Stretch(gamma=2).table()[1:60] > np.arange(1, 60)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_a_composite_is_each_band_in_its_shades(dtype: str, gamma: float) -> None:
    bands = made_bands(dtype)
    stretches = [Stretch.of(band, gamma=gamma) for band in bands]
    picture = composite(bands, stretches, WHOLE)
    assert (picture.shape, picture.dtype, picture.flags.c_contiguous) == ((*SHAPE, 4), np.uint8, True)
    assert (picture[..., 3] == 255).all()
    for channel, (band, stretch) in enumerate(zip(bands, stretches, strict=True)):
        expected = np.rint(255 * stretch.shades(band)).astype(int)
        # The curve of other types has steps, the first of which gamma makes high.
        off = 0 if dtype == "uint8" else 1 if gamma == 1 else 4
        assert np.abs(picture[..., channel].astype(int) - expected).max() <= off


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_band_is_coloured_by_its_shades(dtype: str) -> None:
    band = made_bands(dtype, 1)[0]
    stretch = Stretch.of(band)
    grey = coloured(band, stretch, ramps.GREY, WHOLE)
    assert np.abs(grey[..., 0] - 255 * stretch.shades(band)).max() <= 1
    assert (grey[..., :3] == grey[..., :1]).all()
    assert (coloured(band, stretch, ramps.VIRIDIS, WHOLE)[..., :3] == ramps.VIRIDIS[grey[..., 0]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_ndvi_is_its_formula(dtype: str) -> None:
    infrared, red = made_bands(dtype, 2)
    infrared[0, :2] = red[0, :2] = 0, 9
    infrared[1, :2], red[1, :2] = (0, 200), (200, 0)
    picture = ndvi(infrared, red, WHOLE, span=0.4)
    total = infrared.astype(float) + red
    index = np.where(total > 0, (infrared.astype(float) - red) / np.maximum(total, 1e-9), 0)
    place = np.clip((index / 0.4 + 1) * 127.5, 0, 255)
    near = [ramps.RED_YELLOW_GREEN[np.clip(place + step, 0, 255).astype(int)] for step in (-0.5, 0, 0.5, 1)]
    assert (
        np.min([np.abs(picture[..., :3].astype(int) - one).max(axis=-1) for one in near], axis=0).max() == 0
    )
    assert (picture[0, :2, :3] == ramps.RED_YELLOW_GREEN[128]).all(), "black and grey are neither"
    assert (picture[1, :2, :3] == ramps.RED_YELLOW_GREEN[[0, 255]]).all()


@pytest.mark.parametrize(
    ("ramp", "name", "off"), [("RED_YELLOW_GREEN", "RdYlGn", 1), ("VIRIDIS", "viridis", 5)]
)
def test_ramps_are_those_that_people_know(ramp: str, name: str, off: int) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    expected = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
    assert np.abs(getattr(ramps, ramp).astype(int) - expected).max() <= off


def by_slope_and_aspect(
    height: np.ndarray, unit: float, pixel: float, azimuth: float, altitude: float
) -> np.ndarray:
    """Hillshade as textbooks have it (Burrough and McDonnell 1998): by slope and aspect, in angles."""
    z = np.pad(height.astype(np.float64) * unit, 1, mode="edge")
    a, b, c = z[:-2, :-2], z[:-2, 1:-1], z[:-2, 2:]
    d, f = z[1:-1, :-2], z[1:-1, 2:]
    g, h, i = z[2:, :-2], z[2:, 1:-1], z[2:, 2:]
    east = ((c + 2 * f + i) - (a + 2 * d + g)) / (8 * pixel)
    south = ((g + 2 * h + i) - (a + 2 * b + c)) / (8 * pixel)
    slope, aspect = np.arctan(np.hypot(east, south)), np.arctan2(south, -east)
    zenith, sun = np.radians(90 - altitude), np.radians(360 - azimuth + 90)
    shade = np.cos(zenith) * np.cos(slope) + np.sin(zenith) * np.sin(slope) * np.cos(sun - aspect)
    return 255 * np.maximum(shade, 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("azimuth", "altitude"), [(315, 45), (100, 20), (0, 90)])
def test_a_hillshade_is_that_of_slope_and_aspect(dtype: str, azimuth: float, altitude: float) -> None:
    rough = made_bands(dtype, 1)[0]
    for height in (rough, np.add.outer(np.arange(SHAPE[0]), np.arange(SHAPE[1])[::-1]).astype(dtype)):
        sun = {"unit": 0.2, "pixel": 2.0, "azimuth": azimuth, "altitude": altitude}
        picture = hillshade(height, WHOLE, **sun)
        assert np.abs(picture[..., 0] - by_slope_and_aspect(height, *sun.values())).max() <= 0.6
        assert (picture[..., :3] == picture[..., :1]).all()


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [(0, 0, 180), (2**-0.5, 2**-0.5, 255), (1, 1, 251), (-1, -1, 0), (-1, 1, 104)],
    ids=["level", "square to the sun", "steeper", "away from it", "aside"],
)
def test_the_sun_stands_in_the_north_west_at_45_degrees(down: float, right: float, expected: int) -> None:
    height = np.add.outer(down * np.arange(9), right * np.arange(9)).astype(np.float32)
    picture = hillshade(height, Window(row=0, col=0, height=9, width=9), unit=1, pixel=1)
    # What rises by 1 both ways rises by √2 in its own direction, 54.7 degrees: cos(54.7° − 45°) = 0.986.
    assert picture[4, 4, 0] == expected


DRAWINGS: dict[str, Callable[..., np.ndarray]] = {
    "composite": lambda b, w, **k: composite(b, [Stretch.of(x, gamma=1.7) for x in b], w, **k),
    "coloured": lambda b, w, **k: coloured(b[0], Stretch.of(b[0]), ramps.VIRIDIS, w, **k),
    "ndvi": lambda b, w, **k: ndvi(b[0], b[1], w, **k),
    "hillshade": lambda b, w, **k: hillshade(b[0], w, unit=0.5, pixel=3, **k),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", DRAWINGS)
@settings(max_examples=25)
@given(window=windows(), gaps=st.booleans())
def test_windows_fit_together(name: str, dtype: str, window: Window, gaps: bool) -> None:
    bands, options = made_bands(dtype), {}
    if gaps:
        options["valid"] = np.random.default_rng(3).random(SHAPE) < 0.9
    whole = DRAWINGS[name](bands, WHOLE, **options)
    assert (DRAWINGS[name](bands, window, **options) == whole[window.slices]).all()


@pytest.mark.parametrize("name", DRAWINGS)
def test_there_is_no_picture_where_there_is_no_data(name: str) -> None:
    valid = np.random.default_rng(3).random(SHAPE) < 0.7
    picture = DRAWINGS[name](made_bands("uint16"), WHOLE, valid=valid)
    assert ((picture[..., 3] == 255) == valid).all()
    assert not picture[~valid].any()


def test_a_surface_goes_on_level_beside_a_gap() -> None:
    height, valid = np.full(SHAPE, 350, np.float32), np.ones(SHAPE, bool)
    height[5:9, 7:11], valid[5:9, 7:11] = 0, False
    picture = hillshade(height, WHOLE, unit=1, pixel=1, valid=valid)
    assert set(np.unique(picture[valid][:, 0])) == {180}


@settings(max_examples=40)
@given(
    cells=npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=4)),
    places=st.data(),
)
def test_a_veil_lies_on_what_is_outside_and_nothing_else(cells: np.ndarray, places: st.DataObject) -> None:
    rows = np.array(places.draw(st.lists(st.integers(-1, cells.shape[0] - 1), min_size=1, max_size=9)))
    cols = np.array(places.draw(st.lists(st.integers(-1, cells.shape[1] - 1), min_size=1, max_size=9)))
    picture = np.random.default_rng(1).integers(0, 256, (rows.size, cols.size, 4), dtype=np.uint8)
    before = picture.astype(float)
    veil(picture, rows, cols, cells)
    inside = cells[rows][:, cols] & (rows >= 0)[:, None] & (cols >= 0)
    dark = before[..., :3] * 0.38 + 255 * 0.62 * np.array([0.04, 0.05, 0.07])
    assert (picture[inside] == before[inside]).all()
    assert np.abs(picture[..., :3] - dark)[~inside].max(initial=0) <= 1
    assert (picture[..., 3] == before[..., 3]).all()
