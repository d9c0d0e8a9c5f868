"""A campaign that cannot be written takes note of no release, so none is made of it; of a copy one is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_orthos import MakeOrtho
from made_zones import file_bytes
from rights import open_folder, read_only

from workbench import withdraw_zones
from workbench.campaign import Campaign
from workbench.errors import CampaignError, ReleaseError
from workbench.export import Release
from workbench.registry import Registry
from workbench.workflows.backup import back_up
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, judge, publish

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders have no mode there")
GONE = "D051_2019/Z2_AA"


def quiet(sentence: str) -> None:
    """Say nothing."""


@pytest.fixture
def place(make_ortho: MakeOrtho) -> Iterator[Path]:
    """A folder with a campaign of two accepted zones, whose pictures lie in it, and an empty folder."""
    with open_folder() as place:
        campaign = Campaign.create(place / "campaign")
        (campaign.path / "rasters").mkdir()
        for number, name in enumerate(("Z1_AA", "Z2_AA")):
            image, mask = make_ortho(512, 512, col=2048 * number, name=name)
            image = image.rename(campaign.path / "rasters" / image.name)
            add_zone(campaign, image, domain="D051_2019", name=name, mask=mask)
        (place / "out").mkdir()
        (place / "out").chmod(0o777)
        yield place


Make = Callable[[Campaign, Path, Release], object]
MAKES: dict[str, Make] = {
    "build": lambda campaign, out, _: publish(campaign, ReleaseOrder(name="V0.2", out=out), say=quiet),
    "withdraw": lambda campaign, out, first: withdraw_zones(
        first, [GONE], reason="the law", name="V0.2", out=out, campaign=campaign
    ),
}


@pytest.mark.parametrize("case", MAKES)
def test_nothing_is_made_of_a_campaign_that_cannot_take_note_of_it(case: str, place: Path) -> None:
    campaign = Campaign.open(place / "campaign")
    first = publish(campaign, ReleaseOrder(name="V0.1", out=place / "first"), say=quiet)
    before = file_bytes(campaign.path)
    with read_only(campaign.path):
        with pytest.raises(ReleaseError, match=r"cannot be written.*campaign backup .*campaign COPY") as told:
            MAKES[case](campaign, place / "out", first)
        assert "\n" not in str(told.value)
        assert list((place / "out").iterdir()) == []
    assert file_bytes(campaign.path) == before


def test_a_copy_of_a_read_only_campaign_gives_the_release_that_it_would(place: Path) -> None:
    campaign = Campaign.open(place / "campaign")
    publish(campaign, ReleaseOrder(name="V0.1", out=place / "first"), say=quiet)
    with read_only(campaign.path):
        assert not judge(campaign, ReleaseOrder(name="V0.1", out=place / "out"), say=quiet).refused
        copy = back_up(Campaign.open(campaign.path), place / "out" / "copy").path
    publish(Campaign.open(copy), ReleaseOrder(name="V0.1", out=place / "out"), say=quiet)
    assert file_bytes(place / "out" / "V0.1") == file_bytes(place / "first" / "V0.1")


def test_a_registry_that_can_be_written_is_not_changed_by_the_question(place: Path) -> None:
    registry = Campaign.open(place / "campaign").registry
    before = registry.path.read_bytes()
    registry.check_writable()
    assert registry.path.read_bytes() == before


def test_a_withdrawal_that_the_campaign_did_not_hear_of_is_told_by_the_same_call(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, out = Campaign.open(place / "campaign"), place / "out"
    first = publish(campaign, ReleaseOrder(name="V0.1", out=out), say=quiet)

    def full(*_: object, **__: object) -> None:
        raise CampaignError("registry.gpkg: it cannot be written (database or disk is full)")

    def withdraw(reason: str = "the law") -> bool:
        done = withdraw_zones(first, [GONE], reason=reason, name="V0.2", out=out, campaign=campaign)
        assert done.document()["reused"] == done.release.reused
        return done.release.reused

    with monkeypatch.context() as broken:
        broken.setattr(Registry, "note_release", full)
        with pytest.raises(CampaignError, match="disk is full"):
            withdraw()
    assert campaign.registry.rows("withdrawals") == []
    before = file_bytes(out)
    assert withdraw()
    assert file_bytes(out) == before
    assert [row["zone"] for row in campaign.registry.rows("withdrawals")] == [GONE]
    later = publish(campaign, ReleaseOrder(name="V0.3", out=out), say=quiet)
    assert [entry["id"] for entry in later.card["zones"]] == ["D051_2019/Z1_AA"]
    with pytest.raises(ReleaseError, match=r"tells otherwise how it was made \(withdrawn in"):
        withdraw(reason="a slip")
