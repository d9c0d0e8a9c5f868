"""Gold zones admit annotators; a share of zones is drawn for a second annotation."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import CampaignError, EditRefused
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign_raster
from workbench.workflows.admitting import admit, gold_zones, set_gold
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.standing import review_zone

WHOLE = [[-1, -1], [-1, 600], [600, 600], [600, -1]]
HALF = [[-1, -1], [-1, 600], [255.5, 600], [255.5, -1]]
CORNER = [[-1, -1], [-1, 99.5], [99.5, 99.5], [99.5, -1]]


def label(campaign: Campaign, zone: Zone, author: str, *lines: object, blind: bool = False) -> None:
    label_zone(
        campaign, zone, author=author, lines=map(json.dumps, lines), on_edit=lambda *_: None, blind=blind
    )


@pytest.fixture
def gold(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    image, mask = make_ortho()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    set_gold(campaign, zone, 0.9)
    return zone


@pytest.fixture
def other(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    return add_zone(campaign, make_ortho(name="other")[0], domain="D052_2019", name="Z1_AA").zone


def test_nobody_labels_before_they_have_shown_how(campaign: Campaign, gold: Zone, other: Zone) -> None:
    line = {"polygon": CORNER, "class": "water"}
    with pytest.raises(CampaignError, match=r"marie is not admitted .* label D051_2019/Z1_AA with --blind"):
        label(campaign, other, "marie", line)
    assert not campaign.journal_dir(other).joinpath("marie.sqlite").exists()
    found = admit(campaign, "marie")
    assert not found.passed
    assert "nothing labelled blind yet" in found.text()

    label(campaign, gold, "marie", {"polygon": HALF, "class": "water"}, blind=True)
    half = admit(campaign, "marie").results[0]
    assert half.labelled == pytest.approx(0.5, abs=0.01)
    with campaign.open_store(gold) as store:
        reference = store.labels.copy()
    assert half.overall == pytest.approx((reference[:256] == 5).mean())
    assert not half.passed

    with campaign.open_store(gold, author="marie", blind=True) as store:
        store.apply_all(assign_raster(reference, provenance=Provenance(tool="brush")))
    found = admit(campaign, "marie")
    assert found.passed
    validate(
        {"format": "ocs-workbench/gold-admit", "format_version": 1} | found.document(),
        "outputs/gold-admit",
        source="admit",
    )
    label(campaign, other, "marie", line)
    with pytest.raises(CampaignError, match="jean is not admitted"):
        label(campaign, other, "jean", line)


def test_an_annotator_is_admitted_for_a_reason(campaign: Campaign, gold: Zone, other: Zone) -> None:
    assert admit(campaign, "anne", reason="trains the others").passed
    label(campaign, other, "anne", {"polygon": CORNER, "class": "water"})
    assert not admit(campaign, "anne").passed  # judged again, without one
    with pytest.raises(CampaignError, match="anne is not admitted"):
        label(campaign, other, "anne", {"undo": 1})


def test_who_is_not_admitted_judges_nothing_and_a_gold_zone_that_is_open_admits_nobody(
    campaign: Campaign, gold: Zone
) -> None:
    with pytest.raises(CampaignError, match="newb is not admitted"):
        review_zone(campaign, gold, author="newb", verdict="send-back", reason="mine")
    admit(campaign, "paul", reason="reviews")
    review_zone(campaign, gold, author="paul", verdict="send-back", reason="the road is wrong")
    with pytest.raises(
        CampaignError, match=r"gold zone .* is sent back by paul: .* accepted again, or remove it"
    ):
        admit(campaign, "newb")


def test_models_and_campaigns_without_gold_zones_go_on(campaign: Campaign, gold: Zone, other: Zone) -> None:
    label(campaign, other, "model-unet", {"polygon": CORNER, "class": "water"})
    set_gold(campaign, gold, None)
    assert gold_zones(campaign) == {}
    label(campaign, other, "marie", {"polygon": CORNER, "class": "water"})
    with pytest.raises(CampaignError, match="no gold zone, so that everybody may label"):
        admit(campaign, "marie")


def test_only_an_accepted_zone_is_gold(campaign: Campaign, other: Zone) -> None:
    with pytest.raises(CampaignError, match="is open; only an accepted zone"):
        set_gold(campaign, other, 0.9)
    for minimum in (0, 1.5, float("nan")):
        with pytest.raises(CampaignError, match="no share above 0"):
            set_gold(campaign, other, minimum)


def test_a_share_of_zones_is_drawn_for_good(campaign: Campaign, gold: Zone) -> None:
    zones = [replace(gold, name=f"Z{number}_AA") for number in range(400)]
    assert not any(map(campaign.drawn, zones))
    campaign.draw(0.25)
    drawn = {zone.id for zone in zones if campaign.drawn(zone)}
    assert 70 <= len(drawn) <= 130
    campaign.draw(0.5)
    assert drawn < {zone.id for zone in zones if campaign.drawn(zone)}
    campaign.draw(1)
    assert all(map(campaign.drawn, zones))
    with pytest.raises(CampaignError, match="not between 0 and 1"):
        campaign.draw(1.1)


def test_what_makes_no_sense_of_admissions_is_refused(campaign: Campaign, gold: Zone, other: Zone) -> None:
    for reason in ("", "  \n"):
        with pytest.raises(CampaignError, match="for a reason that others can read; give one"):
            admit(campaign, "anne", reason=reason)
    assert campaign.registry.rows("admissions") == []
    with pytest.raises(CampaignError, match="zone D052_2019/Z1_AA is no gold zone"):
        set_gold(campaign, other, None)
    assert gold_zones(campaign) == {gold.id: 0.9}
    told = admit(campaign, "anne", reason="x\nadmitted").text().splitlines()
    assert told == [r"anne: admitted (x\nadmitted)", "  D051_2019/Z1_AA: nothing labelled blind yet"]
    with pytest.raises(EditRefused, match="is a model, and judges no labels"):
        review_zone(campaign, gold, author="model-unet", verdict="send-back", reason="mine")
