"""What holds for every strategy, and what each is for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from made_pools import measures, task

from workbench.active.budget import Budget, Tariff
from workbench.active.measures import Known
from workbench.active.strategies import k_centre, random_zones, stratified, uncertain, varied
from workbench.active.value import value
from workbench.active.variety import distances
from workbench.errors import CampaignError

ALL = [value, random_zones, stratified, k_centre, uncertain, varied]
NOTHING = Known(zones=measures(0))


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("budget", ["800picks", "40min", "2km2", "7zones"])
def test_a_selection_keeps_its_budget_and_leaves_no_room_for_another_zone(strategy, budget):
    asked = task(budget=Budget.parse(budget))
    found = strategy(asked)
    assert len(set(found.rows)) == len(found.rows) > 0
    assert found.cost == pytest.approx(asked.costs[found.rows].sum())
    assert found.cost <= asked.budget.limit * (1 + 1e-6)
    if strategy is not varied:  # which looks at half of the candidates
        assert np.delete(asked.costs, found.rows).min() > asked.budget.limit - found.cost


@pytest.mark.parametrize("strategy", ALL)
def test_the_same_task_gives_the_same_selection(strategy):
    assert strategy(task()) == strategy(task())


@pytest.mark.parametrize("strategy", ALL)
def test_reasons_add_up(strategy):
    for one in strategy(task()).chosen:
        assert sum(reason.share for reason in one.reasons) == pytest.approx(1)
        assert all(reason.told for reason in one.reasons)


@pytest.mark.parametrize("strategy", [random_zones, stratified])
def test_chance_depends_on_the_seed(strategy):
    assert {tuple(strategy(task(seed=seed)).rows) for seed in range(5)} != {tuple(strategy(task()).rows)}


def test_inclusion_is_exact_where_all_zones_cost_the_same():
    found = random_zones(task(budget=Budget.parse("10zones")))
    assert [one.inclusion for one in found.chosen] == pytest.approx([10 / 40] * 10, abs=0.05)


def test_inclusion_is_that_of_the_draw_where_costs_differ():
    """Of two zones a budget buys either: whichever is drawn first."""
    either = replace(measures(2), picks=np.array([10.0, 20.0]))
    found = random_zones(task(candidates=either, budget=Budget.parse("20picks"), tariff=Tariff(opening=0)))
    assert [one.inclusion for one in found.chosen] == pytest.approx([0.5], abs=0.05)


def test_stratified_evens_out_the_labelled_ground_of_domains():
    asked = task(budget=Budget.parse("12zones"))
    chosen = [asked.candidates.domains[row] for row in stratified(asked).rows]
    total = Counter(chosen) + Counter(asked.known.zones.domains)
    assert max(total.values()) - min(total.values()) <= 1


def test_k_centre_goes_where_nothing_is_labelled():
    asked = task(budget=Budget.parse("1zones"))
    apart = distances(asked.candidates.places, asked.known.zones.places).min(axis=1)
    assert k_centre(asked).rows == [int(apart.argmax())]


def test_without_a_labelled_zone_k_centre_begins_in_the_middle():
    asked = task(known=NOTHING, budget=Budget.parse("1zones"))
    middle = asked.candidates.places.mean(axis=0, keepdims=True)
    assert k_centre(asked).rows == [int(distances(asked.candidates.places, middle).argmin())]


def test_uncertain_takes_the_most_doubtful():
    asked = task(budget=Budget.parse("5zones"))
    doubt = asked.candidates.doubt
    assert uncertain(asked).rows == np.argsort(-doubt)[:5].tolist()


def test_varied_takes_of_the_more_doubtful_half_what_is_unlike():
    asked = task(budget=Budget.parse("5zones"))
    doubt = asked.candidates.doubt
    assert (doubt[varied(asked).rows] >= np.median(doubt)).all()
    assert set(varied(asked).rows) != set(uncertain(asked).rows)


@pytest.mark.parametrize("strategy", [uncertain, varied])
def test_without_a_model_doubt_is_no_guide(strategy):
    with pytest.raises(CampaignError, match="give one with --model"):
        strategy(task(candidates=measures(40, doubt=False)))


def test_an_empty_pool_is_refused_in_one_sentence():
    with pytest.raises(CampaignError, match="has no candidate; add orthophotos"):
        task(candidates=measures(0))


def test_a_budget_that_buys_nothing_says_what_the_cheapest_costs():
    with pytest.raises(CampaignError, match=r"the cheapest, c\d+, is expected to cost \d+ picks"):
        task(budget=Budget.parse("3picks"))


@pytest.mark.parametrize("text", ["0picks", "0h", "0km2"])
def test_a_budget_of_zero_is_refused(text):
    with pytest.raises(CampaignError, match="labels nothing"):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["", "500", "-3h", "2 days", "1e3picks", "infpicks"])
def test_what_is_no_budget_is_refused_with_examples(text):
    with pytest.raises(CampaignError, match="500picks, 2h"):
        Budget.parse(text)


def test_picks_pay_for_opening_a_zone():
    tariff, picks, area = Tariff(seconds_per_pick=2, opening=30), np.array([10.0]), np.array([1.0])
    costs = {
        text: Budget.parse(text).costs(picks, area, tariff=tariff)[0] for text in ("9picks", "1h", "1km2")
    }
    assert costs == {"9picks": 25, "1h": 50, "1km2": 1}
