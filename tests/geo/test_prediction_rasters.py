"""What passes for a prediction, how its classes are numbered, and what QGIS shows of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from made_orthos import made_grid

from workbench.errors import RasterError
from workbench.geo.codes import ARGMAX, CODES, numbering_of
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import (
    DISAGREEMENT,
    PLANES,
    PREDICTION,
    PROBABILITIES,
    check_picture,
    check_prediction,
)
from workbench.geo.raster import RasterInfo, inspect_raster
from workbench.geo.raster_kinds import LABELS, REGIONS, RasterKind
from workbench.geo.styles import PREDICTION_STYLE, RasterClass, raster_style
from workbench.outputs import is_known

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "outputs_unmarked"
CLASSES = {"building": 1, "water": 5, "deciduous": 7}
MODEL = {"MODEL": "unet", "MODEL_SHA256": "ab" * 32, "CLASSES": json.dumps(CLASSES)}
Made = Callable[..., RasterInfo]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def made(bands: int, dtype: str = "uint8", **options: object) -> RasterInfo:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tif"
        write_raster(path, np.zeros((bands, 4, 4), dtype), made_grid(4, 4), **options)
        return inspect_raster(path)

    return made


@pytest.mark.parametrize(
    ("bands", "options"),
    [
        (1, {}),
        (1, {"kind": LABELS}),
        (3, {}),
        (3, {"kind": PREDICTION, "descriptions": PLANES}),
        (4, {"kind": PREDICTION, "descriptions": (*PLANES, DISAGREEMENT)}),
        (3, {"tags": MODEL}),
    ],
    ids=["classes alone", "labels", "three planes", "the workbench's", "a committee's", "another tool's"],
)
def test_a_prediction_is_classes_alone_or_with_how_sure_they_are(made: Made, bands: int, options) -> None:
    check_prediction(made(bands, **options))


@pytest.mark.parametrize(
    ("bands", "options", "told"),
    [
        (3, {"kind": PROBABILITIES}, "file of --probabilities, a band for each class; give the prediction"),
        (1, {"kind": PROBABILITIES}, "file of --probabilities"),
        (3, {"tags": MODEL, "descriptions": tuple(CLASSES)}, "file of --probabilities"),
        (1, {"tags": MODEL, "descriptions": ("water",)}, "file of --probabilities"),
        (19, {}, "has 19 bands; a prediction has class, probability of the class, entropy and perhaps"),
        (2, {}, "has 2 bands"),
        (5, {}, "has 5 bands"),
        (3, {"descriptions": ("R", "G", "B")}, "has 3 bands, called R, G, B; a prediction has class"),
        (3, {"dtype": "uint16"}, "is uint16; the classes of a prediction are 8-bit numbers"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value)[:24],
)
def test_what_is_no_prediction_is_refused(made: Made, bands: int, options, told: str) -> None:
    info = made(bands, **options)
    with pytest.raises(RasterError, match=told):
        check_prediction(info)


@pytest.mark.parametrize(
    ("bands", "options", "told"),
    [
        (3, {"kind": PREDICTION, "descriptions": PLANES}, "is a prediction of the workbench, and no picture"),
        (3, {"kind": PROBABILITIES}, r"is a file of --probabilities of the workbench"),
        (1, {"kind": LABELS}, "is a raster of labels"),
        (1, {"kind": REGIONS}, "is a raster of regions"),
        (3, {"descriptions": PLANES}, "is a prediction"),
        (1, {"descriptions": PLANES[:1]}, "is a prediction"),
        (3, {"tags": MODEL, "descriptions": PLANES}, "is a prediction"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value)[:24],
)
def test_an_output_of_the_workbench_is_no_picture(made: Made, bands: int, options, told: str) -> None:
    info = made(bands, **options)
    with pytest.raises(RasterError, match=told):
        check_picture(info)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"descriptions": ("Red", "Green", "Blue")},
        {"tags": {"FORMAT": "somebody's"}},
        {"kind": RasterKind(name="a sample scene", mark="ocs-workbench/sample-scene")},
    ],
)
def test_what_does_not_say_that_it_is_an_output_may_be_a_picture(made: Made, options) -> None:
    check_picture(made(3, **options))


def test_predictions_and_probabilities_of_earlier_versions_are_told_apart() -> None:
    check_prediction(inspect_raster(GOLDEN / "prediction.tif"))
    with pytest.raises(RasterError, match="file of --probabilities"):
        check_prediction(inspect_raster(GOLDEN / "probabilities.tif"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, None),
        ({"kind": PREDICTION}, CODES),
        ({"tags": MODEL}, CODES),
        ({"kind": LABELS, "tags": {"SCHEME": "flair_hub"}}, "flair_hub"),
        ({"tags": {"NOMENCLATURE": "flair-19 1.0.0", "SCHEME": "flair_hub"}}, "flair_hub"),
        ({"tags": {"SCHEME": "somebody's"}}, None),
    ],
    ids=["silent", "prediction", "model", "labels", "labels of before", "something else"],
)
def test_what_a_raster_says_of_its_numbers_is_not_contradicted(made: Made, options, said) -> None:
    info = made(1, **options)
    assert numbering_of(info, None, otherwise="flair") == (said or "flair")
    for scheme in (CODES, ARGMAX, "flair_hub"):
        if said in (None, scheme):
            assert numbering_of(info, scheme, otherwise="flair") == scheme
        else:
            with pytest.raises(RasterError, match=f"not {scheme}; leave the scheme out"):
                numbering_of(info, scheme, otherwise="flair")


def test_a_style_of_a_raster_gives_each_class_its_colour_and_title(tmp_path: Path) -> None:
    classes = [RasterClass(1, 'bâti & "dur"', "#db0e9a"), RasterClass(7, "feuillus", "#46e483")]
    path = tmp_path / "prediction.qml"
    path.write_bytes(raster_style(PREDICTION_STYLE, classes))
    renderer = ElementTree.parse(path).getroot().find("pipe/rasterrenderer")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    entries = [
        (int(one.get("value")), one.get("label"), one.get("color")) for one in renderer.iter("paletteEntry")
    ]
    assert entries == classes
    assert is_known(path, PREDICTION_STYLE)
    path.write_text(path.read_text().replace("<!-- ocs-workbench/prediction-style -->\n", ""))
    assert not is_known(path, PREDICTION_STYLE)  # as QGIS saves it


def test_a_raster_of_several_bands_has_no_room_for_colours(tmp_path: Path) -> None:
    """Why a prediction has a style beside it; who makes this fail may do without."""
    path = tmp_path / "prediction.tif"
    write_raster(path, np.ones((3, 4, 4), np.uint8), made_grid(4, 4), colours={1: (219, 14, 154)})
    with rasterio.open(path) as source, pytest.raises(ValueError, match="NULL color table"):
        source.colormap(1)
