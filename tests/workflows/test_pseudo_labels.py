"""Pseudo-labels: what is learned from where a model was sure, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_orthos import made_grid, made_image, made_truth

pytest.importorskip("torch")

from workbench.campaign import Campaign
from workbench.errors import ModelError
from workbench.geo.geotiff import write_raster
from workbench.workflows.intake import add_zone
from workbench.workflows.patch_sources import SplitPatches, campaign_patches, sure_patches
from workbench.workflows.predictions import prediction_path, prediction_tags
from workbench.workflows.training import train_model
from workbench.workflows.unseen import unknown_ground

TAGS = prediction_tags(model="teacher", digest="ab" * 32, nomenclature="flair-19", domains=["D010_2018"])
SURE = 230
"""Of 255: a hair above 0.9."""


def add(campaign: Campaign, number: int, domain: str, *, mask: bool = False) -> np.ndarray:
    """Add a zone of one patch, labelled or not; return what it shows."""
    folder = campaign.path.parent
    truth, grid = made_truth(512, 512, number + 1), made_grid(512, 512, col=1024 * number)
    write_raster(folder / f"{number}.tif", made_image(truth), grid, level=1)
    write_raster(folder / f"{number}-mask.tif", truth, grid)
    labels = folder / f"{number}-mask.tif" if mask else None
    add_zone(campaign, folder / f"{number}.tif", domain=domain, name=f"Z{number + 1}_AA", mask=labels)
    return truth


def predict(campaign: Campaign, zone_id: str, codes: np.ndarray, *, tags: dict[str, str] = TAGS) -> None:
    """Write a prediction that is sure in the left half of a zone, and not in the right one."""
    zone = campaign.zone(zone_id)
    sure = np.where(np.arange(512) < 256, SURE, SURE - 1) * np.ones((512, 1))
    planes = np.stack([codes, sure, np.zeros_like(codes)]).astype(np.uint8)
    prediction_path(campaign, zone).unlink(missing_ok=True)
    write_raster(prediction_path(campaign, zone), planes, zone.grid, tags=tags)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Return a campaign of two labelled zones, and a third that a model has predicted."""
    made = Campaign.create(tmp_path / "campaign")
    for number in (0, 1):
        add(made, number, "D051_2019", mask=True)
    predict(made, "D036_2020/Z3_AA", add(made, 2, "D036_2020"))
    return made


@pytest.fixture
def labelled(campaign: Campaign) -> SplitPatches:
    return campaign_patches(campaign)


def test_what_a_model_is_sure_of_is_learned_from_and_nothing_else(
    campaign: Campaign, labelled: SplitPatches
) -> None:
    found = sure_patches(campaign, labelled, confidence=0.9)
    assert found.patches.zones == ("D036_2020/Z3_AA",)
    codes, truth = found.patches.read(0).codes, made_truth(512, 512, 3)
    assert np.array_equal(codes[:, :256], truth[:, :256])
    assert not codes[:, 256:].any()
    assert found.patches.class_pixels.sum() == 512 * 256
    assert found.models == (("teacher", "ab" * 32),)


def test_the_student_has_seen_what_its_teacher_saw(campaign: Campaign, tmp_path: Path) -> None:
    done = train_model(
        campaign.path, tmp_path / "student", steps=1, begin="none", device="cpu", sure=campaign.path
    )
    assert done.card.domains == ("D010_2018", "D036_2020", "D051_2019")
    assert done.card.training["seen_zones"] == ["D036_2020/Z3_AA", "D051_2019/Z1_AA", "D051_2019/Z2_AA"]
    predict(
        campaign,
        "D036_2020/Z3_AA",
        made_truth(512, 512, 3),
        tags={**TAGS, "MODEL_ZONES": '["D010_2018/Z1"]'},
    )
    taught = sure_patches(campaign, campaign_patches(campaign), confidence=0.9).saw
    assert taught.zones == {"D010_2018/Z1", "D036_2020/Z3_AA"}
    told = done.card.training["pseudo_labels"]
    assert (told["confidence"], told["zones"], told["pixels"]) == (0.9, ["D036_2020/Z3_AA"], 512 * 256)
    assert done.card.training["zones"] == ["D051_2019/Z1_AA", "D051_2019/Z2_AA"]
    assert "1 patch of 1 unlabelled zone, where teacher was at least 90% sure" in done.text()


def test_of_a_teacher_that_does_not_say_what_it_saw_nobody_knows_what_the_student_saw(
    campaign: Campaign, labelled: SplitPatches, tmp_path: Path
) -> None:
    assert sure_patches(campaign, labelled, confidence=0.9).domains_known
    silent = {key: value for key, value in TAGS.items() if key != "MODEL_DOMAINS"}
    predict(campaign, "D036_2020/Z3_AA", made_truth(512, 512, 3), tags=silent)
    done = train_model(
        campaign.path, tmp_path / "student", steps=1, begin="none", device="cpu", sure=campaign.path
    )
    assert "pseudo-labels of teacher, whose domains are not known" in str(unknown_ground(done.card))


def test_no_more_patches_than_labelled_ones_and_nothing_where_people_labelled(
    campaign: Campaign, labelled: SplitPatches
) -> None:
    for number in (3, 4, 5):
        predict(campaign, f"D036_2020/Z{number + 1}_AA", add(campaign, number, "D036_2020"))
    said: list[str] = []
    found = sure_patches(campaign, labelled, confidence=0.9, say=said.append)
    assert len(found.patches) == len(labelled.train) == 2
    assert said == ["4 patches have pseudo-labels: 2 of them are taken, as many as are labelled"]
    predict(campaign, "D051_2019/Z1_AA", made_truth(512, 512, 1))
    only = SplitPatches(
        train=labelled.train.of_zones(["D051_2019/Z2_AA"]),
        held_out=labelled.held_out,
        nomenclature=labelled.nomenclature,
        source={},
    )
    assert "D051_2019/Z1_AA" not in sure_patches(campaign, only, confidence=0.5).patches.zones


def test_domains_of_the_test_stay_out_whatever_their_fold_in_the_campaign(
    campaign: Campaign, labelled: SplitPatches
) -> None:
    fold = campaign.folds()["D036_2020"]
    assert campaign_patches(campaign, split=f"split_{fold}").tested == {"D036_2020"}
    with pytest.raises(ModelError, match="of which a model is sure"):
        sure_patches(campaign, replace(labelled, tested=frozenset({"D036_2020"})), confidence=0.9)


def test_what_cannot_be_is_refused(campaign: Campaign, labelled: SplitPatches) -> None:
    with pytest.raises(ModelError, match="a confidence of 0 is none"):
        sure_patches(campaign, labelled, confidence=0)
    with pytest.raises(ModelError, match="choose a lower --confidence"):
        sure_patches(campaign, labelled, confidence=0.95)
    for odd in ('"D010_2018"', '["Vosges"]', "[1]", "{"):
        predict(campaign, "D036_2020/Z3_AA", made_truth(512, 512, 3), tags={**TAGS, "MODEL_DOMAINS": odd})
        with pytest.raises(ModelError, match="MODEL_DOMAINS is no list of domains"):
            sure_patches(campaign, labelled, confidence=0.9)
    predict(campaign, "D036_2020/Z3_AA", made_truth(512, 512, 3), tags={})
    with pytest.raises(ModelError, match="does not say which model made it"):
        sure_patches(campaign, labelled, confidence=0.9)
