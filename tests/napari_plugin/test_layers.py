"""Domain ↔ layer data: colours, composites, pyramids, places, dirty boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from napari.layers import Image, Labels

from napari_plugin import layers
from workbench.geo.grid import PixelGrid, Window
from workbench.nomenclature import load_nomenclature
from workbench.segmentation.building import segment

GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 831081.6, 0, -0.2, 6829179.2), height=96, width=96)
small_images = npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def test_every_class_has_its_official_colour_and_the_rest_is_clear() -> None:
    nomenclature = load_nomenclature("flair-19")
    colours = layers.class_colours(nomenclature)
    assert set(colours) == {None, 0, *nomenclature.codes}
    assert colours[None] == colours[0] == (0, 0, 0, 0)
    for entry in nomenclature.classes:
        red, green, blue, opacity = colours[entry.code]
        assert f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}" == entry.colour
        assert opacity == 1


def test_the_status_line_table_names_every_code() -> None:
    table = layers.class_features(load_nomenclature("flair-19"))
    named = dict(zip(table["index"], table["class"], strict=True))
    assert (named[0], named[5]) == ("unlabelled", "water")
    assert list(named) == [0, *load_nomenclature("flair-19").codes]


def test_the_status_line_table_speaks_the_language_in_use(in_french: Callable[[str], None]) -> None:
    in_french('msgid "unlabelled"\nmsgstr "non étiqueté"')
    table = layers.class_features(load_nomenclature("flair-19"))
    named = dict(zip(table["index"], table["class"], strict=True))
    assert (named[0], named[5]) == ("non étiqueté", "eau")


def test_natural_and_infrared_colours_are_the_named_bands() -> None:
    pixels = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(5, 2, 3)
    bands = ("R", "G", "B", "NIR", "E")
    natural, infrared = layers.composite(pixels, bands), layers.composite(pixels, bands, ("NIR", "R", "G"))
    assert natural is not None
    assert infrared is not None
    assert (np.moveaxis(natural, 2, 0) == pixels[[0, 1, 2]]).all()
    assert (np.moveaxis(infrared, 2, 0) == pixels[[3, 0, 1]]).all()
    assert natural.flags.c_contiguous


def test_a_raster_without_infrared_has_no_infrared_composite() -> None:
    pixels = np.zeros((3, 2, 2), dtype=np.uint8)
    assert layers.composite(pixels, ("R", "G", "B"), ("NIR", "R", "G")) is None
    assert layers.grey(pixels[:1]).shape == (2, 2, 3)


def test_rasters_of_other_types_are_stretched_to_what_a_screen_shows() -> None:
    band = np.linspace(1000, 9000, 10_000, dtype=np.float32).reshape(100, 100)
    band[0, 0] = np.nan
    shown = layers.grey(band[np.newaxis])
    assert shown.dtype == np.uint8
    assert (shown.min(), shown.max()) == (0, 255)
    assert abs(int(shown[50, 0, 0]) - 127) <= 2
    assert layers.grey(np.full((1, 2, 2), 700, dtype=np.uint16)).max() == 0


def pooled(pool: object, image: np.ndarray) -> list[np.ndarray]:
    """Build a pyramid down to 4 pixels, so that small images have several levels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "SMALLEST_LEVEL", 4)
        return pool(image)  # type: ignore[operator]


@pytest.mark.parametrize("level", [0, 60, 120, 180, 240, 254])
def test_contour_limits_show_exactly_the_edges_of_the_cut(level: int) -> None:
    rng = np.random.default_rng(3)
    blocks = np.kron(rng.integers(40, 200, (3, 6, 6)), np.ones((16, 16)))
    image = (blocks + rng.normal(0, 3, blocks.shape)).astype(np.uint8)
    hierarchy = segment(image, grid=GRID)
    low, high = layers.contour_limits(level)
    saliency = hierarchy.saliency().astype(float)
    regions = hierarchy.cut(hierarchy.scale_steps.scale(level)).labels()
    edges = np.zeros(regions.shape, dtype=bool)
    edges[:, :-1] |= regions[:, :-1] != regions[:, 1:]
    edges[:-1] |= regions[:-1] != regions[1:]
    assert high - low == 1
    # A whole-number saliency is either at or below the lower limit (clear) or at or above the upper one.
    assert ((saliency >= high) == edges).all()
    assert ((saliency <= low) == ~edges).all()


@given(row=st.integers(-3000, 12_000), col=st.integers(-3000, 12_000), near=st.floats(-0.49, 0.49))
def test_a_world_position_belongs_to_the_pixel_whose_centre_is_nearest(
    row: int, col: int, near: float
) -> None:
    assert layers.spot_at(((row + near) * 0.2, (col - near) * 0.2), 0.2).pixel == (row, col)


def test_pixels_agree_with_napari() -> None:
    layer = Labels(np.arange(12, dtype=np.uint8).reshape(3, 4), scale=(0.2, 0.2), units=("m", "m"))
    for position in ((0.0, 0.0), (0.29, 0.51), (0.31, 0.49), (0.45, 0.65)):
        row, col = layers.spot_at(position, 0.2).pixel
        assert layer.get_value(position, world=True) == layer.data[row, col]


def test_the_ground_stays_in_the_metadata() -> None:
    metadata = layers.world_metadata(GRID, "D051_2019/Z1_AA")
    assert metadata == {
        "zone": "D051_2019/Z1_AA",
        "crs": "EPSG:2154",
        "transform": (0.2, 0, 831081.6, 0, -0.2, 6829179.2),
    }


def test_a_repaint_sends_the_window_and_no_other_pixel() -> None:
    codes = np.zeros((50, 60), dtype=np.uint8)
    layer = Labels(codes)
    sent = []
    layer.events.labels_update.connect(lambda event: sent.append((event.data.copy(), tuple(event.offset))))
    window = Window(row=7, col=9, height=3, width=4)
    codes[window.slices] = 5
    layers.repaint(layer, window)
    ((box, offset),) = sent
    assert offset == (7, 9)
    assert (box == np.full((3, 4), 5)).all()


def test_a_layer_that_takes_no_windows_is_refreshed_as_a_whole() -> None:
    layer = Image(np.zeros((5, 6), dtype=np.uint8))
    refreshed = []
    layer.events.set_data.connect(refreshed.append)
    layers.repaint(layer, Window(row=1, col=1, height=1, width=1))
    assert len(refreshed) == 1
