"""A zone withdrawn from a release of a campaign is in none that is built later, until it is readmitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_orthos import MakeOrtho

from workbench import withdraw_zones
from workbench.campaign import Campaign
from workbench.errors import ReleaseError
from workbench.export import Release
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, publish

GONE = "D051_2019/Z2_AA"


@pytest.fixture
def first(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path) -> Release:
    for place, name in enumerate(("Z1_AA", "Z2_AA")):
        image, mask = make_ortho(512, 512, col=2048 * place, name=name)
        add_zone(campaign, image, domain="D051_2019", name=name, mask=mask)
    return publish(campaign, ReleaseOrder(name="V0.1", out=tmp_path / "out"), say=lambda sentence: None)


def zones_of(release: Release) -> list[str]:
    return [entry["id"] for entry in release.card["zones"]]


@pytest.mark.parametrize("parent", ["V0.1", "V0.2", None])
def test_no_later_release_has_it_whatever_that_is_built_on(
    parent: str | None, campaign: Campaign, first: Release, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = withdraw_zones(first, [GONE], reason="the law", name="V0.2", out=out, campaign=campaign)
    assert campaign.registry.rows("releases")[-1]["content_sha256"] == done.release.card["content_sha256"]
    said: list[str] = []
    before = out / parent if parent else None
    later = publish(campaign, ReleaseOrder(name="V0.3", out=out, parent=before), say=said.append)
    assert zones_of(later) == ["D051_2019/Z1_AA"]
    assert f"{GONE} was withdrawn in 0.2.0 and stays out: the law" in said
    back = publish(
        campaign, ReleaseOrder(name="V0.4", out=out, parent=before, readmit=[GONE]), say=said.append
    )
    assert zones_of(back) == ["D051_2019/Z1_AA", GONE]
    assert campaign.registry.rows("withdrawals") == []
    campaign.registry.check()


def test_it_is_said_where_the_zone_still_is(campaign: Campaign, first: Release, tmp_path: Path) -> None:
    publish(
        campaign,
        ReleaseOrder(name="COPY", out=tmp_path / "elsewhere", layouts=["flair1"]),
        say=lambda sentence: None,
    )
    done = withdraw_zones(
        first, [GONE], reason="the law", name="V0.2", out=tmp_path / "out", campaign=campaign
    )
    assert [one.path for one in done.remains] == [first.path, tmp_path / "elsewhere" / "COPY"]
    files = [first.path / name for name in done.remains[0].files]
    assert files
    assert all(path.is_dir() and "Z2" in path.parts[-1] + path.parts[-2] for path in files)
    text = done.text()
    assert f"{first.path} still has it and should be taken down, here and wherever it was published" in text
    assert f"{tmp_path / 'elsewhere' / 'COPY'} has {GONE}, too" in text


def test_a_campaign_that_has_no_such_zone_is_refused(
    first: Release, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Campaign.create(tmp_path_factory.mktemp("other") / "campaign")
    with pytest.raises(ReleaseError, match=f"has no zone {GONE}; give the campaign that V0.1 is of"):
        withdraw_zones(first, [GONE], reason="the law", name="V0.2", out=tmp_path / "out", campaign=other)
    assert not (tmp_path / "out" / "V0.2").exists()
