"""Cross-validation: each fold's model is judged on domains that it never saw."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import read_document, validate
from workbench.errors import EvaluationError, ModelError
from workbench.export import open_release
from workbench.inference.card import read_card, write_card
from workbench.inference.embedded import embedded_model
from workbench.training import Recipe
from workbench.workflows.crossvalidating import CROSS_VALIDATION, cross_validate
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, publish


def release_of(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path, *domains: str) -> Path:
    for number, domain in enumerate(domains):
        image, mask = make_ortho(512, 1024, col=2048 * number, seed=number + 1, name=domain)
        add_zone(campaign, image, domain=domain, name="Z1_AA", mask=mask)
    built = publish(
        campaign,
        ReleaseOrder(name="FR_V0.1", out=tmp_path / "releases", layouts=("flair-hub",)),
        say=lambda text: None,
    )
    return built.path


@pytest.fixture
def release(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path) -> Path:
    return release_of(campaign, make_ortho, tmp_path, "D051_2019", "D055_2018")


def test_each_fold_is_judged_on_the_domain_that_its_model_never_saw(release: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folds"
    arguments = ["crossval", str(release), "-o", str(folder), "--steps", "2", "--no-prod", "--json"]
    ran = CliRunner().invoke(command, [*arguments, "--device", "cpu"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    validate(document, "outputs/crossval", source="crossval")
    written = read_document(folder / CROSS_VALIDATION, schema="cross-validation")
    assert written == document["cross_validation"]
    assert [fold["model"] for fold in written["folds"]] == [
        f"folds-{fold['name']}" for fold in written["folds"]
    ]
    judged = {fold["name"]: fold["domains"] for fold in written["folds"]}
    assert sorted(judged.values()) == [["D051_2019"], ["D055_2018"]]
    for model, domains in judged.items():
        assert not set(read_card(folder / model).domains) & set(domains)
    assert "mIoU" in (folder / "cross-validation.md").read_text()


def test_a_fold_that_the_first_model_saw_is_no_test_and_that_is_said(release: Path, tmp_path: Path) -> None:
    first, said = tmp_path / "first", list[str]()
    shutil.copytree(embedded_model(), first)
    write_card(replace(read_card(first), domains=("D051_2019",)), first)
    found = cross_validate(
        release, tmp_path / "folds", begin=first, steps=1, prod=False, device="cpu", say=said.append
    )
    (seen,) = (fold for fold in found.folds if fold.domains == ("D051_2019",))
    (fresh,) = (fold for fold in found.folds if fold.domains == ("D055_2018",))
    assert [text for text in said if "no test" in text] == [
        f"{seen.name}: no test, or perhaps none, and in no mean: it was trained on D051_2019"
    ]
    assert (seen.doubt, fresh.doubt) == ("it was trained on D051_2019", None)
    assert found.pooled.mean_iou == found.rule.score(fresh.confusion).mean_iou
    assert found.document()["mean_iou"]["mean"] == pytest.approx(found.pooled.mean_iou, abs=1e-5)
    assert f"{seen.name} *" in found.text()
    assert f"no test of {seen.name}" in found.text()


OTHERWISE: dict[str, tuple[dict[str, Any], str]] = {
    "budget": ({"steps": 2}, "budget 1 step, not 2 steps"),
    "time": ({"minutes": 1}, "budget 1 step, not 1 step or 1 minute"),
    "seed": ({"seed": 1}, "seed 0, not 1"),
    "loss": ({"focal": True}, "loss cross-entropy, not focal"),
    "start": ({"begin": embedded_model()}, r"begun with nothing, not tiny \(card "),
    "network": ({"network": "heavy-unet"}, r"network tiny-unet \(workbench\), not heavy-unet \(odeon\)"),
    "recipe": ({"recipe": Recipe(batch=3)}, "batch 8, not 3"),
}


def test_models_that_were_trained_otherwise_are_not_taken_and_nothing_is_trained(
    release: Path, tmp_path: Path
) -> None:
    folder, how = tmp_path / "folds", {"steps": 1, "begin": "none", "prod": False, "device": "cpu"}
    cross_validate(release, folder, **how)
    shutil.rmtree(folder / "fold_1")
    before = sorted(folder.rglob("*"))
    for change, told in OTHERWISE.values():
        sentence = rf"fold_2 was trained otherwise \(.*{told}.*choose a new folder"
        with pytest.raises(ModelError, match=sentence):
            cross_validate(release, folder, resume=True, **how | change)
        assert sorted(folder.rglob("*")) == before
    said: list[str] = []
    cross_validate(release, folder, resume=True, **how, say=said.append)
    assert [text for text in said if "already" in text] == ["fold_2: is there already"]


def test_the_model_for_production_is_made_where_nothing_can_judge_it(release: Path, tmp_path: Path) -> None:
    assert not any(patch.splits["prod"] == "valid" for patch in open_release(release).patches())
    folder = tmp_path / "folds"
    arguments = ["crossval", str(release), "-o", str(folder), "--steps", "1", "--device", "cpu", "--json"]
    ran = CliRunner().invoke(command, arguments, catch_exceptions=False)
    document = json.loads(ran.stdout)
    assert document["models"]["prod"] == str(folder / "prod")
    assert document["cross_validation"]["prod"] is None
    assert read_card(folder / "prod").domains == ("D051_2019", "D055_2018")
    assert "prod: trained on the zones of all folds; none is valid in it, so it is not judged" in ran.stderr
    again = CliRunner().invoke(command, [*arguments, "--resume"], catch_exceptions=False)
    assert "prod: is there already" in again.stderr
    assert json.loads(again.stdout) == document


def test_nothing_is_written_into_a_folder_of_something_else(
    campaign: Campaign, release: Path, tmp_path: Path
) -> None:
    before = sorted(campaign.path.rglob("*"))
    with pytest.raises(EvaluationError, match=r"campaign holds .*, which is no part of a cross-validation"):
        cross_validate(release, campaign.path, steps=1, resume=True)
    assert sorted(campaign.path.rglob("*")) == before


def test_models_of_another_release_are_not_taken(
    campaign: Campaign, make_ortho: MakeOrtho, release: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folds"
    cross_validate(release, folder, steps=1, prod=False, device="cpu")
    image, mask = make_ortho(512, 512, col=4096, seed=9, name="more")
    add_zone(campaign, image, domain="D051_2019", name="Z2_AA", mask=mask)
    other = publish(
        campaign,
        ReleaseOrder(name="FR_V0.1", out=tmp_path / "anew", layouts=("flair-hub",)),
        say=lambda text: None,
    ).path
    with pytest.raises(ModelError, match="whose labels or folds are others"):
        cross_validate(other, folder, steps=1, prod=False, resume=True, device="cpu")


def test_models_that_are_there_are_not_trained_again(release: Path, tmp_path: Path) -> None:
    folder, said = tmp_path / "folds", []
    first = cross_validate(release, folder, steps=2, prod=False, device="cpu")
    with pytest.raises(EvaluationError, match="is not empty"):
        cross_validate(release, folder, steps=2)
    again = cross_validate(release, folder, steps=2, prod=False, resume=True, device="cpu", say=said.append)
    assert again.document() == first.document()
    assert sum("is there already" in text for text in said) == 2
    shutil.rmtree(folder / "fold_1")
    folder.joinpath("fold_2").rename(folder / "fold_1")
    with pytest.raises(ModelError, match="was not trained on split_1"):
        cross_validate(release, folder, steps=2, prod=False, resume=True, device="cpu")


def test_a_cross_validation_that_made_no_model_leaves_no_folder(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no device"):
        cross_validate(release, tmp_path / "folds", steps=1, device="tpu!")
    assert not (tmp_path / "folds").exists()


def test_where_there_is_nothing_to_go_on_from_that_is_said_once(release: Path, tmp_path: Path) -> None:
    said: list[str] = []
    cross_validate(
        release, tmp_path / "folds", steps=1, prod=False, resume=True, device="cpu", say=said.append
    )
    told = f"{tmp_path / 'folds'} holds nothing to go on from: the cross-validation begins"
    assert [text for text in said if "go on from" in text] == [told]


def test_one_domain_is_not_enough(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path) -> None:
    release = release_of(campaign, make_ortho, tmp_path, "D051_2019")
    with pytest.raises(EvaluationError, match="takes two folds"):
        cross_validate(release, tmp_path / "folds", steps=1)
    assert not (tmp_path / "folds").exists()
