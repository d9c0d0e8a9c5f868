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
from workbench.workflows.publishing import ReleaseOrder, note_release, publish

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


def test_a_zone_that_was_withdrawn_before_is_no_part_of_another_withdrawal(
    campaign: Campaign, first: Release, tmp_path: Path
) -> None:
    out, other = tmp_path / "out", "D051_2019/Z1_AA"
    withdraw_zones(first, [GONE], reason="the law", name="V0.2", out=out, campaign=campaign)
    before = campaign.registry.rows("withdrawals")
    with pytest.raises(
        ReleaseError, match=rf"has {GONE}, too, which was withdrawn in 0.2.0: the law; .*--zone"
    ):
        withdraw_zones(first, [other], reason="x", name="V0.3", out=out, campaign=campaign)
    assert not (out / "V0.3").exists()
    assert campaign.registry.rows("withdrawals") == before


def test_what_is_built_without_a_word_about_a_zone_readmits_none(
    campaign: Campaign, first: Release, tmp_path: Path
) -> None:
    withdraw_zones(first, [GONE], reason="the law", name="V0.2", out=tmp_path / "out", campaign=campaign)
    note_release(campaign, first)
    assert [entry["zone"] for entry in campaign.registry.rows("withdrawals")] == [GONE]


def test_a_zone_that_is_withdrawn_while_a_release_is_built_ends_the_build(
    campaign: Campaign, first: Release, tmp_path: Path
) -> None:
    out, done = tmp_path / "out", list[int]()

    def progress(patch: int, total: int) -> None:
        if not done:
            withdraw_zones(first, [GONE], reason="the law", name="V0.2", out=out, campaign=campaign)
        done.append(patch)

    with pytest.raises(ReleaseError, match=f"zone {GONE} was withdrawn while it was built"):
        publish(campaign, ReleaseOrder(name="V0.3", out=out), say=lambda sentence: None, progress=progress)
    assert sorted(path.name for path in out.iterdir()) == ["V0.1", "V0.2"]
    assert [entry["zone"] for entry in campaign.registry.rows("withdrawals")] == [GONE]


def test_ground_that_was_withdrawn_is_told_of_under_any_name(
    campaign: Campaign, first: Release, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    withdraw_zones(first, [GONE], reason="the law", name="V0.2", out=tmp_path / "out", campaign=campaign)
    image, mask = make_ortho(512, 512, col=2048, name="again")
    add_zone(campaign, image, domain="D051_2022", name="Z9_AA", mask=mask)
    said: list[str] = []
    publish(campaign, ReleaseOrder(name="V0.3", out=tmp_path / "out"), say=said.append)
    assert f"D051_2022/Z9_AA shows ground of {GONE}, which was withdrawn in 0.2.0: the law" in " ".join(said)


def test_every_place_of_a_release_is_known_and_what_cannot_be_looked_at_is_named(
    campaign: Campaign, first: Release, tmp_path: Path
) -> None:
    copies = [tmp_path / name / "V0.1" for name in ("a", "b")]
    for copy in copies:
        publish(campaign, ReleaseOrder(name="V0.1", out=copy.parent), say=lambda sentence: None)
    (copies[1] / "release.json").write_text("{")
    done = withdraw_zones(
        first, [GONE], reason="the law", name="V0.2", out=tmp_path / "out", campaign=campaign
    )
    assert [one.path for one in done.remains] == [first.path, copies[0]]
    assert len(done.unseen) == 1
    assert str(copies[1]) in done.unseen[0]
    assert f"not looked at, and may have them: {done.unseen[0]}" in done.text()
