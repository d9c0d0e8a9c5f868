"""The loop: rounds that go on where they were, whoever labels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from made_orthos import MakeOrtho

from workbench.active.budget import Budget
from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import CampaignError
from workbench.export import verify_release
from workbench.geo.raster import read_onto
from workbench.geo.zone import Zone
from workbench.inference.card import read_card
from workbench.workflows import active_loop as loops
from workbench.workflows.active_loop import Labelled, LoopPlan, active_loop
from workbench.workflows.annotator import annotate_zone
from workbench.workflows.habits import Habits
from workbench.workflows.pooling import add_to_pool
from workbench.workflows.standing import review_zone
from workbench.workflows.zone_proposing import ProposalOrder

DOMAINS = ("D055_2018", "D067_2021", "D034_2021")


@pytest.fixture
def pooled(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """Return a campaign with three dalles of 2 × 1 patches, and fold 1 kept for test."""
    for number, domain in enumerate(DOMAINS):
        dalle, _ = make_ortho(1024, 512, row=20_480 * number, seed=number + 1, name=domain)
        add_to_pool(campaign, [dalle], domain=domain)
    campaign.registry.keep_for_test([1])
    return campaign


def annotate(campaign: Campaign, zone: Zone) -> Labelled:
    """Label a zone as somebody perfect does, from the mask beside its dalle."""
    ortho = zone.ortho.path
    values = read_onto(ortho.with_name(f"{ortho.stem}-mask.tif"), zone.grid, nearest=True)[0]
    truth = campaign.nomenclature.decode(values, "flair")
    done = annotate_zone(campaign, zone, truth, habits=Habits(), author="marie")
    review_zone(campaign, zone, author="paul", verdict="accept")
    return Labelled(picks=done.picks, seconds=done.seconds)


def plan(tmp_path: Path, *, rounds: int = 2, strategy: str = "stratified", seed: int = 0) -> LoopPlan:
    order = ProposalOrder(budget=Budget.parse("2zones"), strategy=strategy, zone_size=1, seed=seed)
    return LoopPlan(out=tmp_path / "loop", order=order, rounds=rounds, training={"steps": 2}, device="cpu")


@pytest.mark.usefixtures("one_thread")
def test_two_rounds_make_two_releases_and_models_and_are_done_once(pooled: Campaign, tmp_path: Path):
    done = active_loop(pooled, plan(tmp_path), label=annotate)
    first, second = done.rounds
    assert (first.asked, second.asked) == (None, first.model_sha256)  # no model yet, then the first round's
    assert not set(first.zones) & set(second.zones)
    assert len(pooled.zones()) == 4
    assert 1 not in pooled.folds().values()
    for number, one in enumerate(done.rounds, start=1):
        assert verify_release(tmp_path / "loop" / "releases" / str(one.release)).sound
        card = read_card(tmp_path / "loop" / "models" / f"round-{number}")
        assert (card.digest, card.release) == (one.model_sha256, one.release)
        assert one.picks == sum(labelled.picks for labelled in one.labelled.values()) > 0
        told = json.loads((tmp_path / "loop" / "rounds" / f"{number:02d}" / "round.json").read_text())
        validate(told, "active-round", source="round")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "loop").rglob("*") if path.is_file()}

    def nobody(campaign: Campaign, zone: Zone) -> Labelled:
        raise AssertionError(zone.id)

    again = active_loop(pooled, plan(tmp_path), label=nobody)
    assert again == done
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "loop").rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.usefixtures("one_thread")
def test_it_waits_for_people_and_goes_on(pooled: Campaign, tmp_path: Path):
    waiting = active_loop(pooled, plan(tmp_path, rounds=1))
    assert waiting.waiting == waiting.rounds[0].zones != ()
    for zone in waiting.waiting[:1]:
        annotate(pooled, pooled.zone(zone))
    still = active_loop(pooled, plan(tmp_path, rounds=1))
    assert still.waiting == waiting.waiting[1:]
    for zone in still.waiting:
        annotate(pooled, pooled.zone(zone))
    done = active_loop(pooled, plan(tmp_path, rounds=1))
    assert (done.waiting, done.rounds[0].done, done.rounds[0].picks) == ((), True, 0)


STEPS = ("propose_zones", "accept_proposals", "segment_zones", "publish", "train_model")


@pytest.mark.usefixtures("one_thread")
def test_a_loop_that_was_killed_at_any_step_ends_as_if_it_had_not_been(
    pooled: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    copy = Path(shutil.copytree(pooled.path, tmp_path / "copy"))
    whole = active_loop(pooled, plan(tmp_path, rounds=1), label=annotate)
    other = Campaign.open(copy)
    killed = plan(tmp_path / "killed", rounds=1)
    killed.out.parent.mkdir()
    for step in STEPS:
        for before in (True, False):
            with monkeypatch.context() as patch:
                patch.setattr(loops, step, _killing(getattr(loops, step), before=before))
                with pytest.raises(KeyboardInterrupt):
                    active_loop(other, killed, label=annotate)
    done = active_loop(other, killed, label=annotate)
    assert done.rounds[0].release_sha256 == whole.rounds[0].release_sha256
    assert done.rounds[0].zones == whole.rounds[0].zones


def _killing(step, *, before: bool):
    def killed(*args, **options):
        if not before:
            list(step(*args, **options)) if step.__name__ == "segment_zones" else step(*args, **options)
        raise KeyboardInterrupt

    return killed


def test_a_folder_of_another_plan_is_refused(pooled: Campaign, tmp_path: Path):
    active_loop(pooled, plan(tmp_path, rounds=1))
    with pytest.raises(CampaignError, match="choose another folder for another loop"):
        active_loop(pooled, plan(tmp_path, rounds=1, seed=5))


def test_a_loop_is_judged_on_one_fold_from_its_first_round_on(pooled: Campaign, tmp_path: Path):
    active_loop(pooled, plan(tmp_path, rounds=1))
    pooled.registry.keep_for_test([5])
    with pytest.raises(CampaignError, match=r"judged on split_1, not .* judged on split_5; choose"):
        active_loop(pooled, plan(tmp_path, rounds=1))


def test_a_loop_without_a_fold_for_test_is_refused(campaign: Campaign, tmp_path: Path):
    with pytest.raises(CampaignError, match="keeps 0 folds for test"):
        active_loop(campaign, plan(tmp_path))


def test_a_loop_of_no_round_is_refused(tmp_path: Path):
    with pytest.raises(CampaignError, match="give one at least"):
        plan(tmp_path, rounds=0)
