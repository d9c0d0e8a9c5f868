"""Models on releases: classes and bands by name, whatever their order in the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from made_models import made_card, state  # noqa: E402

from workbench.errors import EvaluationError, ModelError  # noqa: E402
from workbench.export import Release  # noqa: E402
from workbench.inference import Band, ModelCard  # noqa: E402
from workbench.inference.models import write_model  # noqa: E402
from workbench.workflows.evaluating import compare_models, evaluate_model  # noqa: E402

CARD = made_card(
    ("water", "snow", "herbaceous_vegetation"),
    ("NIR", "E"),
    untrained=("snow",),
    optional=("E",),
    domains=("D036_2020",),
    name="grass",
)


def model(folder: Path, card: ModelCard = CARD) -> Path:
    """Write a model whose head fires its third class, and return its folder."""
    weights = state(card.architecture)
    weights["head.weight"] = torch.zeros_like(weights["head.weight"])
    weights["head.bias"] = torch.tensor([0.0, 50.0, 5.0])
    write_model(card, weights, folder / card.id)
    return folder / card.id


def test_a_model_is_judged_in_the_codes_of_the_release(release: Release, tmp_path: Path) -> None:
    said: list[str] = []
    found = evaluate_model(
        release.path, model(tmp_path), rule="flair", split="split_2", device="cpu", say=said.append
    )
    grass = sum(patch.class_counts["herbaceous_vegetation"] for patch in release.patches()[2:4])
    assert found.score.accuracy == grass / (2 * 512**2)
    assert "snow" in found.score.dropped  # it was not trained on snow
    assert found.calibration(found.total).confidence == pytest.approx(0.993, abs=0.01)
    assert said == []


def test_what_the_figures_have_to_be_read_with_is_said(release: Release, tmp_path: Path) -> None:
    said: list[str] = []
    path = model(tmp_path, replace(CARD, resolution=0.5))
    found = evaluate_model(release.path, path, split="all", device="cpu", say=said.append)
    assert [one.domain for one in found.seen] == ["D036_2020"]
    assert [sentence.split(" was trained ")[1][:6] for sentence in said] == ["at 0.5", "on D03"]


def test_a_model_that_does_not_fit_is_refused(release: Release, tmp_path: Path) -> None:
    thermal = replace(CARD, bands=(Band(name="T", mean=0.0, std=1.0), CARD.bands[1]))
    with pytest.raises(ModelError, match=r"release FR_V0.1 has the bands R,G,B,NIR,E, .*; T missing"):
        evaluate_model(release.path, model(tmp_path, thermal), device="cpu")
    glacier = replace(CARD, id="ice", classes=("water", "snow", "glacier"))
    with pytest.raises(ModelError, match="gives glacier"):
        evaluate_model(release.path, model(tmp_path, glacier), device="cpu")


def test_models_are_compared_by_a_rule_that_drops_the_same_classes(release: Release, tmp_path: Path) -> None:
    keys = ("herbaceous_vegetation", "plowed_land", "water")
    wet = replace(CARD, id="lakes", classes=keys, untrained=("plowed_land",), domains=())
    told: list[tuple[int, int]] = []
    found = compare_models(
        release.path,
        [model(tmp_path, wet), model(tmp_path)],
        rule="flair",
        split="all",
        device="cpu",
        progress=lambda done, total: told.append((done, total)),
    )
    assert [one.subject for one in found.evaluations] == ["lakes", "grass"]
    assert {"snow", "plowed_land"} <= set(found.scores["lakes"].dropped)
    assert found.gain.mean_iou == pytest.approx(
        found.scores["grass"].mean_iou - found.scores["lakes"].mean_iou
    )
    assert [one["seen"] for one in found.document()["models"]] == [[], ["D036_2020"]]
    assert told[-1][0] == told[-1][1] == 2 * len(release.patches())
    with pytest.raises(EvaluationError, match="the same id"):
        compare_models(release.path, [tmp_path / "grass"] * 2, device="cpu")
