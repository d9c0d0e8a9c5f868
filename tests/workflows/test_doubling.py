"""Double annotation: nobody sees the other's labels before both are done."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_orthos import MakeOrtho

from workbench.assessment.disagreement import CLASS
from workbench.campaign import Campaign
from workbench.errors import EditRefused
from workbench.geo.zone import Zone
from workbench.labels.review import submit
from workbench.workflows.doubling import check_unblinded, compare_doubles, double
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone

WHOLE = [[-1, -1], [-1, 600], [600, 600], [600, -1]]
HALF = [[-1, -1], [-1, 600], [255.5, 600], [255.5, -1]]
CORNER = [[-1, -1], [-1, 99.5], [99.5, 99.5], [99.5, -1]]


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    return add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone


def label(campaign: Campaign, zone: Zone, author: str, *lines: object, blind: bool = False) -> None:
    label_zone(
        campaign, zone, author=author, lines=map(json.dumps, lines), on_edit=lambda *_: None, blind=blind
    )


def hand_in(campaign: Campaign, zone: Zone, author: str, *, blind: bool = False) -> None:
    with campaign.open_store(zone, author=author, blind=blind) as store:
        submit(store)


def test_labels_stay_hidden_until_both_are_done(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, "marie", {"polygon": WHOLE, "class": "coniferous"})
    assert not double(campaign, zone).begun
    label(campaign, zone, "jean", {"polygon": HALF, "class": "coniferous"}, blind=True)
    found = double(campaign, zone)
    assert [(one.author, one.blind, one.labelled, one.state) for one in found.authors] == [
        ("marie", False, 1.0, "open"),
        ("jean", True, 0.5, "open"),
    ]
    told = "hidden until both are handed in: marie has labelled 100% and jean has labelled 50% blind"
    assert found.hidden(("marie", "jean")) == told
    with pytest.raises(EditRefused, match=told):
        compare_doubles(campaign, zone, ("marie", "jean"))

    hand_in(campaign, zone, "marie")
    with pytest.raises(EditRefused, match=r"jean has labelled 50% blind$"):
        compare_doubles(campaign, zone, ("marie", "jean"))
    hand_in(campaign, zone, "jean", blind=True)
    # It is the blind annotation that was handed in, not the zone a second time.
    with campaign.open_store(zone) as store:
        assert store.last_review() is not None
        assert store.last_review().author == "marie"
    compared = compare_doubles(campaign, zone, ("marie", "jean"))
    assert compared.comparison.found.overall.value == 1.0
    assert compared.places == ()

    # Who labels on is not done any more.
    label(campaign, zone, "jean", {"polygon": CORNER, "class": "water"}, blind=True)
    with pytest.raises(EditRefused, match=r"jean has labelled 50% blind$"):
        compare_doubles(campaign, zone, ("marie", "jean"))


def test_who_labelled_every_pixel_blind_is_done(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, "marie", {"polygon": WHOLE, "class": "coniferous"})
    hand_in(campaign, zone, "marie")
    label(
        campaign, zone, "jean",
        {"polygon": WHOLE, "class": "coniferous"}, {"polygon": CORNER, "class": "water"},
        blind=True,
    )  # fmt: skip
    compared = compare_doubles(campaign, zone, ("marie", "jean"))
    (place,) = (one for one in compared.places if one.kind == CLASS)
    keys = [campaign.nomenclature.by_code(code).key for code in place.classes]
    assert keys == ["coniferous", "water"]
    assert np.array_equal(compared.kinds > 0, compared.first != compared.second)
    assert (compared.first[50, 50], compared.second[50, 50]) == place.classes


def test_who_labels_blind_is_not_shown_the_zone_before_they_are_done(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, "marie", {"polygon": WHOLE, "class": "coniferous"})
    label(campaign, zone, "jean", {"polygon": HALF, "class": "water"}, blind=True)
    with campaign.open_store(zone) as store:
        check_unblinded(campaign, zone, store, "marie")
        with pytest.raises(EditRefused, match=r"jean labels zone D051_2019/Z1_AA blind .*50% labelled"):
            check_unblinded(campaign, zone, store, "jean")
    hand_in(campaign, zone, "jean", blind=True)
    with campaign.open_store(zone) as store:
        check_unblinded(campaign, zone, store, "jean")
