"""A proposal is made ready to be labelled: zone, regions, and what the model said, without a network."""

from __future__ import annotations

import numpy as np
import pytest
from made_proposals import MODEL, pooled, propose, told

from workbench.campaign import Campaign
from workbench.errors import CampaignError
from workbench.geo.raster import inspect_raster
from workbench.pool import pool
from workbench.workflows.predictions import dalle_prediction, prediction_path, read_prediction
from workbench.workflows.readying import ready_proposal


@pytest.fixture
def proposed(campaign: Campaign) -> Campaign:
    pooled(campaign)
    assert len(propose(campaign, adviser=told(campaign)).proposals) == 2
    return campaign


def first(campaign: Campaign) -> str:
    return propose(campaign, adviser=told(campaign)).proposals[0].id


def test_a_proposal_becomes_a_zone_with_regions_and_what_the_model_said_of_it(
    proposed: Campaign,
) -> None:
    steps: list[tuple[str, float]] = []
    readied = ready_proposal(proposed, first(proposed), progress=lambda *done: steps.append(done))
    names = [step for step, _ in steps]
    assert names == sorted(names, key="zone regions prelabels".find)
    assert all(0 <= share <= 1 for _, share in steps)
    zone = proposed.zone(readied.zone)
    assert proposed.hierarchy_path(zone).exists()
    with proposed.open_store(zone, author="marie") as store:
        waiting = store.prelabels().waiting()
        assert {one.model for one in waiting} == {f"model-{MODEL}"}
        assert sum(one.pixels for one in waiting) == np.count_nonzero(store.footprint)
        assert not store.labels.any()
    assert readied.prelabels > 0
    assert not readied.problem
    offer = proposed.registry.offers()[zone.id]
    assert [one.kind for one in offer.reasons] == ["uncertain"]


def test_its_prediction_is_that_of_the_dalle_and_does_not_pass_for_one_of_the_zone_alone(
    proposed: Campaign,
) -> None:
    zone = proposed.zone(ready_proposal(proposed, first(proposed)).zone)
    (dalle,) = pool(proposed.registry)
    here = read_prediction(prediction_path(proposed, zone), zone.grid)
    there = read_prediction(dalle_prediction(proposed, dalle), zone.grid)
    for name in ("codes", "probability", "entropy"):
        assert np.array_equal(getattr(here, name), getattr(there, name))
    assert "SOURCE_SHA256" not in inspect_raster(prediction_path(proposed, zone)).tags


def test_what_is_ready_is_left_as_it_is_and_a_run_that_was_killed_goes_on(proposed: Campaign) -> None:
    proposal = first(proposed)
    once = ready_proposal(proposed, proposal)
    zone = proposed.zone(once.zone)
    with proposed.open_store(zone) as store:
        head = store.head
    assert ready_proposal(proposed, proposal) == once
    with proposed.open_store(zone) as store:
        assert store.head == head
    proposed.hierarchy_path(zone).unlink()
    assert ready_proposal(proposed, proposal) == once
    assert [one.id for one in proposed.zones()] == [once.zone]


def test_without_a_model_there_is_a_zone_with_regions_and_nothing_to_say(campaign: Campaign) -> None:
    pooled(campaign)
    readied = ready_proposal(campaign, propose(campaign, adviser=None).proposals[0].id)
    assert (readied.prelabels, readied.problem) == (0, "")
    assert campaign.hierarchy_path(campaign.zone(readied.zone)).exists()


def test_what_another_model_said_since_is_not_taken_for_what_it_was_proposed_for(proposed: Campaign) -> None:
    proposal, (dalle,) = first(proposed), pool(proposed.registry)
    told(proposed, digest="b" * 64).predict(dalle)
    readied = ready_proposal(proposed, proposal)
    assert readied.prelabels == 0
    assert f"is of another model than {MODEL}" in readied.problem
    zone = proposed.zone(readied.zone)
    assert proposed.hierarchy_path(zone).exists()
    assert not prediction_path(proposed, zone).exists()


def test_what_was_never_proposed_is_refused_and_nothing_is_made(proposed: Campaign) -> None:
    with pytest.raises(CampaignError, match="there is no proposal D051_2019/else"):
        ready_proposal(proposed, "D051_2019/else")
    assert not proposed.zones()
