from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import validate
from workbench.errors import CampaignError
from workbench.export.folds import splits_of_zone
from workbench.workflows.folding import balance_campaign, fold_table, set_folds
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, judge, publish


def added(
    campaign: Campaign, make_ortho: MakeOrtho, domain: str, name: str, *, row: int, size: int = 512
) -> None:
    image, mask = make_ortho(size, 512, row=row, name=f"{domain}-{name}", seed=row)
    add_zone(campaign, image, domain=domain, name=name, mask=mask)


def test_years_of_a_department_get_one_fold(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    for place, domain in enumerate(("D055_2018", "D036_2020", "D055_2021", "D051_2019")):
        added(campaign, make_ortho, domain, "Z1_UU", row=20 * 512 * place)
    assert campaign.folds() == {"D036_2020": 2, "D051_2019": 3, "D055_2018": 1, "D055_2021": 1}


def test_zones_that_lie_near_each_other_are_drawn_together_for_ever(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    """Of three zones in a row the middle one comes last: it is drawn with the first of those as near."""
    for name, row in (("Z1_UU", 0), ("Z3_UU", 1024), ("Z9_UU", 20480), ("Z2_UU", 512)):
        added(campaign, make_ortho, "D055_2018", name, row=row)
    assert campaign.registry.places() == {"D055_2018/Z2_UU": "D055_2018/Z1_UU"}
    campaign.registry.check()
    fold = campaign.folds()["D055_2018"]
    one, two = (
        splits_of_zone(name, fold=fold, place="D055_2018/Z1_UU")
        for name in ("D055_2018/Z1_UU", "D055_2018/Z2_UU")
    )
    assert one == two


@pytest.mark.parametrize("row", [0, 512], ids=["the same ground", "beside it"])
def test_ground_that_is_known_by_another_name_gets_its_fold_and_its_draw(
    campaign: Campaign, make_ortho: MakeOrtho, row: int
) -> None:
    """Neither department nor year tell it: the footprint does."""
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=0)
    added(campaign, make_ortho, "D036_2020", "Z1_UU", row=20480)
    added(campaign, make_ortho, "D099_2023", "Z7_UU", row=row)
    assert campaign.folds() == {"D036_2020": 2, "D055_2018": 1, "D099_2023": 1}
    assert campaign.registry.places() == {"D099_2023/Z7_UU": "D055_2018/Z1_UU"}


def test_of_two_domains_that_lie_as_near_the_one_that_shares_ground_counts(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    added(campaign, make_ortho, "D036_2020", "Z1_UU", row=0)
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=20480)
    set_folds(campaign, folds_in(campaign, "D036_2020,1\nD055_2018,4\n"))
    added(campaign, make_ortho, "D036_2020", "Z2_UU", row=20480 + 512)
    added(campaign, make_ortho, "D099_2023", "Z1_UU", row=20480)
    assert campaign.folds()["D099_2023"] == 4


def test_a_department_that_comes_to_lie_beside_another_one_is_told_and_balanced_with_it(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    """Both domains have their folds when a zone joins them."""
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=0)
    added(campaign, make_ortho, "D036_2020", "Z1_UU", row=20480)
    added(campaign, make_ortho, "D036_2020", "Z2_UU", row=512)
    told = fold_table(campaign).text()
    assert "D036_2020 and D055_2018 share ground or lie nearer than 100 m, and are in folds 2 and 1;" in told
    assert len(set(balance_campaign(campaign).folds.values())) == 1


def test_ground_that_a_parent_has_in_another_fold_is_told(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    """A campaign that begins anew knows nothing of the folds of the release that it builds on."""
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=0)
    first = publish(campaign, ReleaseOrder(name="V0.1", out=tmp_path), say=lambda text: None)
    pilot, said = Campaign.create(tmp_path / "pilot"), list[str]()
    added(pilot, make_ortho, "D036_2020", "Z1_UU", row=20480)
    added(pilot, make_ortho, "D055_2021", "Z1_UU", row=0)
    order = ReleaseOrder(name="V0.2", out=tmp_path, parent=first.path)
    judge(pilot, order, say=said.append)
    told = "D055_2021/Z1_UU is in fold 2, and V0.1 has its ground as D055_2018/Z1_UU in fold 1: put D055_2021"
    assert [text for text in said if text.startswith(told)]
    set_folds(pilot, folds_in(pilot, "D055_2021,1\nD036_2020,2\n"))
    said.clear()
    judge(pilot, order, say=said.append)
    assert not [text for text in said if "has its ground" in text]


def folds_in(campaign: Campaign, rows: str) -> Path:
    path = campaign.path / "folds.csv"
    path.write_text(f"domain,fold\n{rows}")
    return path


def test_release_says_with_which_zone_another_one_is_drawn(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    for name, row in (("Z1_UU", 0), ("Z2_UU", 512)):
        added(campaign, make_ortho, "D055_2018", name, row=row)
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=lambda text: None)
    assert [entry["place"] for entry in release.card["zones"]] == ["D055_2018/Z1_UU"] * 2
    assert release.card["zones"][0]["splits"] == release.card["zones"][1]["splits"]


def test_balancing_moves_what_no_release_has(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=0)
    publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=lambda text: None)
    for place, domain in enumerate(("D036_2020", "D051_2019", "D067_2021"), start=1):
        added(campaign, make_ortho, domain, "Z1_UU", row=20 * 512 * place)
    (tmp_path / "folds.csv").write_text("domain,fold\nD036_2020,1\nD051_2019,1\nD067_2021,1\n")
    moved = set_folds(campaign, tmp_path / "folds.csv")
    assert set(campaign.folds().values()) == {1}
    assert dict(moved.changed) == {"D036_2020": 2, "D051_2019": 3, "D067_2021": 4}
    balanced = balance_campaign(campaign)
    assert balanced.folds["D055_2018"] == 1
    assert sorted(balanced.folds.values()) == [1, 2, 3, 4]
    assert balanced.imbalance < moved.imbalance
    assert balanced.fixed == {"D055_2018"}
    campaign.registry.check()


def test_fold_that_a_release_has_is_not_moved_by_a_table(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=0)
    publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=lambda text: None)
    (tmp_path / "folds.csv").write_text("domain,fold\nD055_2018,3\n")
    with pytest.raises(CampaignError, match="a release has D055_2018, and a domain keeps its fold for ever"):
        set_folds(campaign, tmp_path / "folds.csv")
    assert campaign.folds() == {"D055_2018": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("domain,fold\nD099_2019,1\n", "has no domain D099_2019; it has D055_2018"),
        ("domain,fold\nD055_2018,6\n", "D055_2018 is in fold 6; folds are 1 to 5"),
        ("domain,fold\nD055_2018,1\nD055_2018,2\n", "names a domain twice"),
        ("domain,fold\n", "names no domain"),
        ("zone;fold\nD055_2018;1\n", "is no table of folds; write CSV"),
        ("domain,fold\nD055_2018,two\n", "is no table of folds"),
        (b"\xff\xfe\x00", "is no table of folds"),
    ],
)
def test_table_that_is_none_is_one_sentence_and_changes_nothing(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path, content: str | bytes, told: str
) -> None:
    added(campaign, make_ortho, "D055_2018", "Z1_UU", row=0)
    path = tmp_path / "folds.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CampaignError, match=told) as refusal:
        set_folds(campaign, path)
    assert "\n" not in str(refusal.value)
    assert campaign.folds() == {"D055_2018": 1}


def test_command_shows_folds_and_moves_them(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    for place, domain in enumerate(("D055_2018", "D036_2020")):
        added(campaign, make_ortho, domain, "Z1_UU", row=20 * 512 * place)
    run = CliRunner().invoke
    shown = run(command, ["campaign", "folds", str(campaign.path)])
    assert "fold 1:    0.010 km²  D055_2018\n" in shown.output
    assert "fold 5:    0.000 km²  none\n" in shown.output
    document = json.loads(
        run(command, ["campaign", "folds", str(campaign.path), "--balance", "--json"]).output
    )
    validate(document, "outputs/campaign-folds", source="campaign-folds")
    assert (
        {one["name"]: one["fold"] for one in document["domains"]}
        == campaign.folds()
        == fold_table(campaign).folds
    )
    both = run(command, ["campaign", "folds", str(campaign.path), "--balance", "--table", "x.csv"])
    assert both.exit_code == 2
