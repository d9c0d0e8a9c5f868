from __future__ import annotations

import numpy as np
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.labels.edits import Provenance, assign_raster
from workbench.labels.review import accept
from workbench.workflows.examples import examples_of
from workbench.workflows.intake import add_zone


def labelled(campaign: Campaign, make_ortho: MakeOrtho, name: str, *, accepted: bool) -> np.ndarray:
    """Add a zone whose labels are quarters of four classes, one of them with a pond in it."""
    image, _ = make_ortho(name=name, row=0 if name == "Z1_AA" else 1024)
    zone = add_zone(campaign, image, domain="D051_2019", name=name).zone
    codes = np.full(zone.grid.shape, 10, np.uint8)
    codes[:256, 256:], codes[256:, :256], codes[256:, 256:] = 7, 1, 11
    codes[40:110, 300:370] = 5
    with campaign.open_store(zone, author="marie") as store:
        store.apply_all(assign_raster(codes, provenance=Provenance(tool="import")))
        if accepted:
            accept(store)
    return codes


def test_examples_are_of_accepted_zones_pure_and_as_the_picture_is(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    codes = labelled(campaign, make_ortho, "Z1_AA", accepted=True)
    labelled(campaign, make_ortho, "Z2_AA", accepted=False)
    found = examples_of(campaign, each=3)
    assert sorted(found) == [1, 5, 7, 10, 11]
    zone = campaign.zone("Z1_AA")
    picture = campaign.read_image(zone)
    for code, examples in found.items():
        assert {example.zone for example in examples} == {"D051_2019/Z1_AA"}
        for example in examples:
            here = codes[example.window.slices]
            assert example.share == (here == code).mean()
            assert (example.pixels == picture[:, *example.window.slices]).all()
            assert example.pixels.shape == (5, 96, 96)
    assert [example.share for example in found[1]] == [1, 1, 1]
    assert 0.3 <= found[5][0].share < 1  # the pond is smaller than a picture


def test_zones_take_turns(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    for name in ("Z1_AA", "Z2_AA"):
        labelled(campaign, make_ortho, name, accepted=True)
    found = examples_of(campaign, each=3)
    zones = [example.zone for example in found[7]]
    assert zones == ["D051_2019/Z1_AA", "D051_2019/Z2_AA", "D051_2019/Z1_AA"]
    assert len(examples_of(campaign, each=3, zones=1)[7]) == 3


def test_a_campaign_without_accepted_zones_has_none(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    labelled(campaign, make_ortho, "Z1_AA", accepted=False)
    assert examples_of(campaign) == {}
