"""Model cards: what is told of a model, and what cannot be told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_models import made_card

from workbench.errors import DocumentError, ModelError
from workbench.inference import Band, read_card
from workbench.inference.card import write_card
from workbench.nomenclature import load_nomenclature

CARD = made_card(("water", "clear_cut", "building"), ("R", "NIR"), optional=("NIR",), name="two")


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_card(CARD, tmp_path)
    assert read_card(tmp_path) == CARD
    assert read_card(tmp_path).digest == CARD.digest


def test_classes_are_found_by_name_and_untrained_ones_never() -> None:
    flair = load_nomenclature("flair-19")
    codes = CARD.codes(flair)
    assert codes.tolist() == [flair.by_key("water").code, 0, flair.by_key("building").code]
    assert np.array_equal(CARD.trained, [True, False, True])


def test_a_trained_class_that_the_nomenclature_lacks_is_refused() -> None:
    card = replace(CARD, classes=("water", "clear_cut", "glacier"))
    with pytest.raises(ModelError, match="gives glacier, which flair-19 does not have"):
        card.codes(load_nomenclature("flair-19"))


def test_bands_are_found_by_name() -> None:
    assert CARD.band_numbers(("NIR", "R", "G"), where="x.tif") == (2, 1)
    assert CARD.band_numbers(("R", "G", "B"), where="x.tif") == (1, None)
    with pytest.raises(ModelError, match=r"x\.tif has the bands P, model two takes R,NIR; R missing"):
        CARD.band_numbers(("P",), where="x.tif")


def test_a_pixel_that_is_not_there_is_filled_with_the_mean_as_far_as_a_byte_holds_it() -> None:
    means = {"R": 104.6, "NIR": -3.0, "DSM": 412.0}
    bands = tuple(Band(name=name, mean=mean, std=40.0) for name, mean in means.items())
    card = replace(CARD, bands=bands, architecture=replace(CARD.architecture, inputs=3))
    assert card.fills == (105, 0, 255)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "Two Models"}, "is no name of a model"),
        ({"classes": ("water", "water", "building")}, "class water is there twice"),
        ({"untrained": ("snow",)}, "snow untrained, but none of its classes"),
        ({"untrained": CARD.classes}, "no class was trained"),
        ({"classes": ("water", "clear_cut")}, "the card names 2 bands and 2 classes"),
        ({"resolution": 0.0}, "resolution 0.0 is not above 0"),
    ],
)
def test_an_impossible_card_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        replace(CARD, **changes)


def test_statistics_that_normalise_nothing_are_refused() -> None:
    with pytest.raises(ModelError, match="std is above 0"):
        Band(name="R", mean=0.0, std=0.0)


def test_a_folder_without_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no model: it has no card\.json"):
        read_card(tmp_path)


def test_all_that_is_wrong_with_a_document_is_told(tmp_path: Path) -> None:
    write_card(CARD, tmp_path)
    document = json.loads((tmp_path / "card.json").read_text())
    document |= {"licence": 3, "surprise": 1}
    (tmp_path / "card.json").write_text(json.dumps(document))
    with pytest.raises(DocumentError) as caught:
        read_card(tmp_path)
    assert len(caught.value.problems) == 2
