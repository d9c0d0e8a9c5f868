"""Folds that are kept for test stay a test, whatever a maintainer tries, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely
from click.testing import CliRunner, Result
from made_orthos import MakeOrtho, made_grid

from workbench.active.budget import Budget
from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.errors import CampaignError, ReleaseError
from workbench.export.assistance import Choice
from workbench.export.folds import NEAR
from workbench.workflows.accepting import accept_proposals
from workbench.workflows.folding import balance_campaign, keep_for_test, set_folds
from workbench.workflows.intake import add_zone
from workbench.workflows.pooling import add_to_pool
from workbench.workflows.publishing import ReleaseOrder, judge, publish
from workbench.workflows.zone_proposing import ProposalOrder, Proposed, propose_zones

BLIND = Choice(strategy="value", inclusion=None)
APART = 20_480
"""Pixels from one made zone to the next."""


@pytest.fixture
def three(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """Return a campaign of labelled zones in folds 1 to 3, of which a strategy chose that of fold 2."""
    for number, domain in enumerate(("D036_2020", "D051_2019", "D067_2021")):
        image, mask = make_ortho(col=APART * number, name=domain, seed=number)
        choice = BLIND if domain == "D051_2019" else None
        add_zone(campaign, image, domain=domain, name="Z1_AA", mask=mask, choice=choice)
    assert campaign.folds() == {"D036_2020": 1, "D051_2019": 2, "D067_2021": 3}
    return campaign


def propose(campaign: Campaign) -> Proposed:
    order = ProposalOrder(budget=Budget.parse("9zones"), strategy="stratified", zone_size=1)
    return propose_zones(campaign, order)


def run(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def quiet(*_: object) -> None:
    """Say nothing."""


def test_what_is_proposed_is_all_that_lies_far_enough_from_test(campaign: Campaign, make_ortho: MakeOrtho):
    dalle, _ = make_ortho(1024, 2048, name="dalle")
    add_to_pool(campaign, [dalle], domain="D067_2021")
    beside, _ = make_ortho(512, 512, row=1024, col=2048, name="beside")
    # It touches the last patch by a corner.
    test = add_zone(campaign, beside, domain="D036_2020", name="Z1").zone
    keep_for_test(campaign, ["1"])
    bounds = made_grid(1024, 2048).bounds
    patch = 102.4
    patches = [
        shapely.box(bounds.left + patch * col, bounds.top - patch * (row + 1),
                    bounds.left + patch * (col + 1), bounds.top - patch * row)
        for row in range(2) for col in range(4)
    ]  # fmt: skip
    far = [one for one in patches if one.distance(test.outline()) >= NEAR - 1e-6]
    proposed = propose(campaign)
    assert len(far) == 7
    found = shapely.union_all([one.footprint for one in proposed.proposals])
    assert found.symmetric_difference(shapely.union_all(far)).area == pytest.approx(0, abs=1e-3)
    assert proposed.left_out == ("left out: 1 candidate on or beside ground of fold 1, kept for test",)


def test_proposals_of_ground_that_is_test_since_become_no_zones(campaign: Campaign, make_ortho: MakeOrtho):
    for number, domain in enumerate(("D036_2020", "D067_2021")):
        dalle, _ = make_ortho(512, 512, row=APART * number, name=domain)
        add_to_pool(campaign, [dalle], domain=domain)
    elsewhere, _ = make_ortho(512, 512, row=4 * APART, name="elsewhere")
    add_zone(campaign, elsewhere, domain="D036_2019", name="Z1")
    assert {one.domain for one in propose(campaign).proposals} == {"D036_2020", "D067_2021"}
    keep_for_test(campaign, [str(campaign.folds()["D036_2019"])])
    told = r"proposal D036_2020/D036-2020-r0c0 lies on or beside ground of fold 1, kept for test; have zones"
    with pytest.raises(CampaignError, match=told):
        accept_proposals(campaign)
    assert [zone.id for zone in campaign.zones()] == ["D036_2019/Z1"]
    propose(campaign)
    assert [zone for zone, _ in accept_proposals(campaign).zones] == ["D067_2021/Z1"]


def test_a_proposal_beside_a_test_zone_that_came_later_becomes_none(
    campaign: Campaign, make_ortho: MakeOrtho
):
    """Its own domain is in another fold: the ground tells it, before anybody labels what no release takes."""
    known, _ = make_ortho(512, 512, row=APART, name="known")
    add_zone(campaign, known, domain="D067_2018", name="Z1")
    test, _ = make_ortho(512, 512, row=2 * APART, name="test")
    add_zone(campaign, test, domain="D036_2020", name="Z1")
    keep_for_test(campaign, ["2"])
    dalle, _ = make_ortho(512, 512, name="dalle")
    add_to_pool(campaign, [dalle], domain="D067_2021")
    (one,) = propose(campaign).proposals
    beside, _ = make_ortho(512, 512, col=512, name="beside")
    add_zone(campaign, beside, domain="D036_2020", name="Z2")
    assert campaign.folds() == {"D036_2020": 2, "D067_2018": 1}
    with pytest.raises(CampaignError, match=f"proposal {one.id} lies on or beside ground of fold 2"):
        accept_proposals(campaign, ids=[one.id])
    assert len(campaign.zones()) == 3


def test_what_a_strategy_chose_is_added_to_no_test_fold_by_hand_either(
    three: Campaign, make_ortho: MakeOrtho
):
    keep_for_test(three, ["1"])
    image, _ = make_ortho(row=APART, name="more")
    words = [
        "zone",
        "add",
        three.path,
        image,
        "--domain",
        "D036_2020",
        "--zone",
        "Z2_AA",
        "--chosen-by",
        "bald",
    ]
    refused = run(*words)
    assert refused.exit_code == 1
    assert "Z2_AA was chosen by bald and would be in fold 1, which is kept for test" in str(refused.exception)
    assert len(three.zones()) == 3
    assert not (three.path / "zones" / "D036_2020" / "Z2_AA").exists()


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("6", "fold 6 cannot be kept for test; folds are 1 to 5"),
        ("0", "fold 0 cannot be kept for test; folds are 1 to 5"),
        ("one", "'one' is no fold; write them like 1,2, or none"),
        ("-1", "'-1' is no fold"),
        ("1,none", "'none' is no fold"),
        ("", "'' is no fold"),
        ("1,2", "D051_2019/Z1_AA was chosen by a strategy, and fold 2 is no test; keep another fold"),
    ],
)
def test_a_fold_that_cannot_be_test_is_refused_and_those_before_stay(three: Campaign, wish: str, told: str):
    keep_for_test(three, ["3"])
    refused = run("campaign", "folds", three.path, f"--test={wish}")
    assert refused.exit_code == 1
    assert told in str(refused.exception)
    assert three.test_folds == {3}
    three.registry.check()


def test_some_fold_is_left_to_train_on(campaign: Campaign):
    refused = run("campaign", "folds", campaign.path, "--test", "1,2,3,4,5")
    assert "all folds are kept for test, and none is left to train on; name some" in str(refused.exception)
    assert campaign.test_folds == frozenset()


@pytest.mark.parametrize("other", [["--balance"], ["--table", "folds.csv"]])
def test_folds_are_moved_or_kept_for_test_and_not_both_at_once(three: Campaign, other: list[str]):
    assert run("campaign", "folds", three.path, "--test", "1", *other).exit_code == 2
    assert three.test_folds == frozenset()


def test_zones_with_a_known_probability_may_be_test(three: Campaign, make_ortho: MakeOrtho):
    image, _ = make_ortho(col=3 * APART, name="drawn")
    choice = Choice(strategy="stratified", inclusion=0.2)
    add_zone(three, image, domain="D034_2021", name="Z1_AA", choice=choice)
    keep_for_test(three, [str(three.folds()["D034_2021"])])
    assert three.test_folds == {4}


def test_no_table_moves_what_a_strategy_chose_into_a_test_fold(three: Campaign, tmp_path: Path):
    keep_for_test(three, ["1"])
    table = tmp_path / "folds.csv"
    table.write_text("domain,fold\nD067_2021,2\nD051_2019,1\n")
    with pytest.raises(
        CampaignError, match=r"Z1_AA was chosen by a strategy, and D051_2019 cannot come into"
    ):
        set_folds(three, table)
    assert three.folds() == {"D036_2020": 1, "D051_2019": 2, "D067_2021": 3}
    table.write_text("domain,fold\nD067_2021,1\nD051_2019,4\n")
    assert set_folds(three, table).folds == {"D036_2020": 1, "D051_2019": 4, "D067_2021": 1}


@pytest.mark.parametrize("held", ["1", "1,3,4,5"])
def test_balancing_moves_no_such_domain_there_either(three: Campaign, held: str):
    three.registry.set_folds({"D036_2020": 2, "D051_2019": 2, "D067_2021": 2})
    keep_for_test(three, held.split(","))
    balanced = balance_campaign(three)
    assert balanced.folds["D051_2019"] not in three.test_folds
    assert len(set(balanced.folds.values())) == 3


def test_another_fold_for_test_after_a_release_is_one_that_can_be(three: Campaign, tmp_path: Path):
    keep_for_test(three, ["1"])
    out = tmp_path / "out"
    first = publish(three, ReleaseOrder(name="FR_V0.1", out=out), say=quiet)
    assert outcome(first.card["rules"]) == "warned"
    with pytest.raises(CampaignError, match="fold 2 is no test"):
        keep_for_test(three, ["2"])
    keep_for_test(three, ["3"])
    second = ReleaseOrder(name="FR_V0.2", out=out, parent=first.path)
    trial = judge(three, second, say=quiet)
    (verdict,) = [one for one in trial.verdicts if one.rule == "chosen-test"]
    assert verdict.outcome == "warned"
    assert "only split_3 tell how good a model is" in verdict.message
    keep_for_test(three, ["none"])  # now every fold is a test
    with pytest.raises(ReleaseError, match=r"test zones are chosen by value \(D051_2019/Z1_AA\)"):
        publish(three, second, say=quiet)


def outcome(rules: list[dict[str, str]]) -> str:
    """Return the verdict on zones that a strategy chose."""
    return next(one["verdict"] for one in rules if one["rule"] == "chosen-test")
