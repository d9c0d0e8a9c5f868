"""The pools of the active learning benchmark stay what they were before there was a strategy."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "active_learning"
DIGESTS = {
    "development": "3d79aad48339ff8198975c50728ed83353b996c36a738c669a32baddab2767ab",
    "reported": "23d2c57ee91ef85f3cc1ec3345fa28c16bd8d318cbd385706f11816617e236a7",
}


@pytest.fixture(scope="module")
def pools():
    """Import the benchmark's module as its scripts do: from its own folder."""
    sys.path.insert(0, str(BENCHMARK))
    try:
        yield importlib.import_module("pools")
    finally:
        sys.path.remove(str(BENCHMARK))


@pytest.fixture(
    params=[(name, which) for name in ("redundant", "diverse", "hidden_rare") for which in DIGESTS]
)
def pool(pools, request):
    return pools.make_pool(*request.param)


@pytest.mark.parametrize("which", DIGESTS)
def test_pools_are_those_that_were_frozen(pools, which):
    """Whoever changes a pool changes what was measured on it: measure all arms again, and say so."""
    assert pools.digest(which) == DIGESTS[which]


def test_no_scene_is_in_two_pools_and_none_is_tested_on_that_can_be_chosen(pools):
    every = [pools.make_pool(name, which) for name in pools.POOLS for which in pools.SETS]
    seeds = [zone.seed for pool in every for zone in (*pool.candidates, *pool.tested)]
    assert len(set(seeds)) == len(seeds)


def test_a_set_differs_from_the_other_by_its_seeds_alone(pools):
    for name in pools.POOLS:
        one, other = (pools.make_pool(name, which) for which in pools.SETS)
        assert [(zone.id, zone.snow) for zone in one.candidates] == [
            (zone.id, zone.snow) for zone in other.candidates
        ]
        assert not {zone.flight for zone in one.candidates} & {zone.flight for zone in other.candidates}


def test_zones_of_a_domain_lie_within_30_km_and_domains_at_least_50_km_apart(pool):
    zones = [*pool.candidates, *pool.tested]
    places = {
        domain: np.array([(zone.x, zone.y) for zone in zones if zone.domain == domain])
        for domain in pool.domains
    }
    for found in places.values():
        assert np.ptp(found, axis=0).max() <= 30_200
        gaps = np.abs(found[:, None] - found[None]).max(axis=2) + 1e6 * np.eye(len(found))
        assert gaps.min() > 204.8
    centres = [found.mean(axis=0) for found in places.values()]
    nearest = [min(np.hypot(*(one - other)) for other in centres if other is not one) for one in centres]
    assert min(nearest) > 50_000
    assert max(nearest) < 300_000


def test_as_many_zones_of_each_domain_are_tested_on_and_every_theme_is(pool):
    counts = Counter(zone.domain for zone in pool.tested)
    assert len(set(counts.values())) == 1
    assert {(zone.domain, zone.theme) for zone in pool.tested} == {
        (zone.domain, zone.theme) for zone in pool.candidates
    }


def test_zones_of_a_domain_were_flown_together(pool):
    for domain, zones in itertools.groupby((*pool.candidates, *pool.tested), key=lambda zone: zone.domain):
        assert len({zone.flight for zone in zones}) == 1, domain


def test_four_zones_of_one_or_two_domains_are_labelled_from_the_start_none_of_a_hidden_one(pools, pool):
    starts = [pools.initial_zones(pool, seed) for seed in range(50)]
    assert len(set(starts)) > 40
    for start in starts:
        domains = {pool.candidates[zone].domain for zone in start}
        assert len(set(start)) == 4
        assert 1 <= len(domains) <= 2
        assert not domains & set(pool.hidden)
