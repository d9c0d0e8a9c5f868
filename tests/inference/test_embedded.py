"""The model that ships: small, honest about itself, and of use on scenes like those that it learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.errors import ModelError
from workbench.inference.card import read_card
from workbench.inference.embedded import embedded_model
from workbench.inference.network import open_segmenter
from workbench.nomenclature import load_nomenclature
from workbench.workflows.demo import load_sample_maker

CARD = read_card(embedded_model())


def test_it_is_no_larger_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in embedded_model().iterdir()) <= 1_000_000


def test_it_says_that_it_is_no_land_cover_model() -> None:
    assert CARD.title == "Demonstration weights, not a land-cover model"
    assert CARD.licence == "Apache-2.0"
    assert "worthless until it is trained" in CARD.limits
    assert "start for training" in CARD.usage
    assert all(scene.startswith("synthetic/") for scene in CARD.training["scenes"])


@pytest.mark.parametrize(
    ("bands", "numbers"),
    [
        (("R", "G", "B", "NIR", "E"), (1, 2, 3, 4, 5)),
        (("R", "G", "B", "NIR"), (1, 2, 3, 4, None)),
        (("R", "G", "B"), (1, 2, 3, None, None)),
        (("NIR", "R", "G"), (2, 3, None, 1, None)),
    ],
    ids=("all", "RGBI", "RGB", "IRG"),
)
def test_one_file_serves_rasters_of_other_bands(
    bands: tuple[str, ...], numbers: tuple[int | None, ...]
) -> None:
    assert CARD.band_numbers(bands, where="x.tif") == numbers


def test_a_picture_without_colours_is_refused() -> None:
    with pytest.raises(ModelError, match="R and G missing"):
        CARD.band_numbers(("P",), where="x.tif")


@pytest.mark.parametrize(
    "bands", [("R", "G", "B", "NIR", "E"), ("R", "G", "B"), ("NIR", "R", "G")], ids=",".join
)
def test_an_unseen_scene_is_told_better_than_by_its_commonest_class(bands: tuple[str, ...]) -> None:
    scene = load_sample_maker().make_scene(seed=77_003, height=512, theme="AU")
    planes = [
        scene.image[number] if band.name in bands else np.full(scene.shape, round(band.mean), np.uint8)
        for number, band in enumerate(CARD.bands)
    ]
    segmenter = open_segmenter(embedded_model(), device="cpu")
    found = segmenter.predict_reduced(np.stack(planes, axis=-1)[np.newaxis])[0, 0]
    right = CARD.codes(load_nomenclature("flair-19"))[found - 1] == scene.classes
    commonest = max(scene.class_shares().values())
    assert right.mean() > max(commonest, 0.5)


def test_a_missing_model_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("workbench.inference.embedded.__file__", str(tmp_path / "a" / "b" / "embedded.py"))
    with pytest.raises(ModelError, match="install the package again"):
        embedded_model()
