"""Veils: their arithmetic against slower definitions; predictions that fit a zone, and others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from napari_plugin.veil_codes import CASE, INSIDE, RIM, class_table, heat, heat_codes, rimmed
from workbench.campaign import Campaign
from workbench.errors import RasterError
from workbench.geo.geotiff import write_raster
from workbench.labels.proposed import Group
from workbench.nomenclature import load_nomenclature
from workbench.workflows.predictions import prediction_path, read_prediction

FLAIR = load_nomenclature("flair-19")
masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@settings(max_examples=200)
@given(masks)
def test_a_rim_is_what_is_near_the_border_and_a_case_what_touches_it(mask: NDArray[np.bool_]) -> None:
    def differs(row: int, col: int, most: int) -> bool:
        steps = [(d * s, e * s) for s in range(1, most + 1) for d, e in ((0, 1), (1, 0), (0, -1), (-1, 0))]
        around = [(row + d, col + e) for d, e in steps]
        height, width = mask.shape
        return any(0 <= r < height and 0 <= c < width and mask[r, c] != mask[row, col] for r, c in around)

    codes = rimmed(mask)
    for row, col in np.ndindex(mask.shape):
        inside = RIM if differs(row, col, 2) else INSIDE
        outside = CASE if differs(row, col, 1) else 0
        assert codes[row, col] == (inside if mask[row, col] else outside)


def test_what_is_unsure_is_hotter_and_more_opaque_than_what_is_sure() -> None:
    colours = heat(0.8)
    codes = heat_codes(np.array([0.0, 0.25, 0.5, 0.75, 1.0])).tolist()
    light = [sum(colours[code][:3]) for code in codes]
    opacity = [colours[code][3] for code in codes]
    assert light == sorted(light, reverse=True)
    assert opacity == sorted(opacity, reverse=True)
    assert opacity[0] == round(255 * 0.8)
    assert set(heat_codes(np.linspace(0, 1, 999)).tolist()) | {102} == set(colours)
    assert max(alpha for *_, alpha in heat(0).values()) == 0


def test_groups_of_one_class_share_a_colour_whatever_their_model() -> None:
    groups = [
        Group(model="model-a", code=3, upper=None),
        Group(model="model-b", code=3, upper=None),
        Group(model="model-b", code=0, upper="herbaceous_and_arable"),
    ]
    codes, colours = class_table(groups, FLAIR)
    assert codes.tolist() == [0, 1, 1, 2]
    assert colours == {1: FLAIR.by_code(3).colour, 2: FLAIR.upper("herbaceous_and_arable").colour}


def test_a_prediction_is_read_on_the_pixels_of_its_zone(zone: Campaign) -> None:
    place, grid = zone.only_zone(), zone.only_zone().grid
    path = prediction_path(zone, place)
    larger = replace(grid, height=600, width=700, transform=grid.transform @ Affine.translation(-100, -50))
    bands = np.random.default_rng(0).integers(0, 255, (3, 600, 700)).astype(np.uint8)
    write_raster(path, bands, larger)
    found = read_prediction(path, grid)
    assert np.array_equal(found.codes, bands[0, 50:562, 100:612])
    assert np.array_equal(found.entropy, bands[2, 50:562, 100:612])


CLASSES = np.zeros((3, 512, 512), np.uint8)
MISFITS = {
    "one band": (CLASSES[:1], {}, "has the class alone, and does not say how sure it is"),
    "16 bits": (CLASSES.astype(np.uint16), {}, "is uint16; the classes of a prediction are 8-bit numbers"),
    "elsewhere": (CLASSES, {"shift": (900, 0)}, "is no prediction for this zone: .*reaches outside"),
    "between pixels": (CLASSES, {"shift": (0.5, 0.0)}, "falls between pixels"),
    "other resolution": (CLASSES, {"pitch": 2.0}, "at 0.4 m; predict the zone again|falls|reaches"),
    "other CRS": (CLASSES, {"crs": "EPSG:32631"}, "it is in EPSG:32631 at 0.2 m"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_prediction_that_does_not_fit_is_refused_in_a_sentence(zone: Campaign, name: str) -> None:
    bands, changed, told = MISFITS[name]
    grid = zone.only_zone().grid
    pitch, shift = changed.get("pitch", 1.0), changed.get("shift", (0, 0))
    moved = grid.transform @ Affine.translation(shift[1], shift[0]) @ Affine.scale(pitch)
    path = prediction_path(zone, zone.only_zone())
    write_raster(path, bands, replace(grid, transform=moved, crs=changed.get("crs", grid.crs)))
    with pytest.raises(RasterError, match=told):
        read_prediction(path, grid)


def test_no_prediction_is_said_so(tmp_path: Path, zone: Campaign) -> None:
    with pytest.raises(RasterError, match="is not a file"):
        read_prediction(tmp_path / "prediction.tif", zone.only_zone().grid)
