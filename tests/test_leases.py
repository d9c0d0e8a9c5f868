"""A zone is one person's at a time, until they leave, or give no sign of life."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.errors import EditRefused
from workbench.geo.zone import Zone
from workbench.leases import EXPIRY, HEARTBEAT, LeaseTaken, Tenancy, leases
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.standing import review_zone, standing

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SQUARE = '{"polygon": [[9, 9], [9, 20], [20, 20]], "class": "water"}'


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    return add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone


class Clock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_a_zone_is_held_until_its_holder_leaves(campaign: Campaign, zone: Zone) -> None:
    with Tenancy(campaign.registry, zone.id, "marie"):
        assert leases(campaign.registry)[zone.id].holder == "marie"
        assert standing(campaign, zone).holder == "marie"
        with pytest.raises(LeaseTaken, match=r"marie is labelling zone .* last sign of life .* --together"):
            label(campaign, zone, "jean")
        assert not campaign.journal_dir(zone).joinpath("jean.sqlite").exists()
        assert label(campaign, zone, "jean", together=True) == []
        assert label(campaign, zone, "zoe", blind=True) == []
        assert label(campaign, zone, "model-unet") == []
        assert label(campaign, zone, "marie") == []  # whose other session was killed, say
    with Tenancy(campaign.registry, zone.id, "jean"):
        assert leases(campaign.registry)[zone.id].holder == "jean"
    assert leases(campaign.registry) == {}
    assert standing(campaign, zone).holder is None


def test_who_gives_no_sign_of_life_is_followed_by_others_and_told(campaign: Campaign, zone: Zone) -> None:
    clock = Clock()
    marie = Tenancy(campaign.registry, zone.id, "marie", clock=clock).begin()
    clock.now += EXPIRY
    with pytest.raises(LeaseTaken):
        Tenancy(campaign.registry, zone.id, "jean", clock=clock)
    assert marie.renew() == ""
    clock.now += EXPIRY
    assert leases(campaign.registry, now=clock.now)[zone.id].holder == "marie"
    clock.now += timedelta(seconds=1)
    assert leases(campaign.registry, now=clock.now) == {}
    with Tenancy(campaign.registry, zone.id, "jean", clock=clock):
        assert "jean is labelling zone" in marie.renew()
        assert marie.renew() == ""  # once
        marie.end()
        assert leases(campaign.registry, now=clock.now)[zone.id].holder == "jean"


def test_a_sign_of_life_is_given_once_a_minute(campaign: Campaign, zone: Zone) -> None:
    clock = Clock()
    with Tenancy(campaign.registry, zone.id, "marie", clock=clock) as tenancy:
        before = campaign.registry.path.read_bytes()
        clock.now += HEARTBEAT - timedelta(seconds=1)
        tenancy.renew()
        assert campaign.registry.path.read_bytes() == before
        clock.now += timedelta(seconds=1)
        tenancy.renew()
        lease = leases(campaign.registry, now=clock.now)[zone.id]
        assert (lease.since, lease.heartbeat) == (NOON, clock.now)


def test_a_registry_that_is_busy_keeps_nobody_from_labelling(
    campaign: Campaign, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    opened = Tenancy._take
    monkeypatch.setattr(Tenancy, "_take", lambda self, *, patience: opened(self, patience=0.05))
    with closing(sqlite3.connect(campaign.registry.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert label(campaign, zone, "marie", say=said.append) == []
    assert len(said) == 1
    assert "others do not see that you are labelling here" in said[0]
    assert "in use by another process" in said[0]


def test_a_registry_of_before_gets_its_table(campaign: Campaign, zone: Zone) -> None:
    with closing(sqlite3.connect(campaign.registry.path)) as connection, connection:
        connection.execute("DROP TABLE leases")
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = 'leases'")
    assert leases(campaign.registry) == {}
    with Tenancy(campaign.registry, zone.id, "marie"):
        assert leases(campaign.registry)[zone.id].holder == "marie"


def label(
    campaign: Campaign,
    zone: Zone,
    author: str,
    *,
    say: Callable[[str], None] = lambda _: None,
    **how: bool,
) -> list[str]:
    """Label, and return the leases that are left of it."""
    before = leases(campaign.registry)
    assert (
        label_zone(campaign, zone, author=author, lines=[SQUARE], on_edit=lambda *_: None, say=say, **how)
        == 1
    )
    after = leases(campaign.registry)
    return [holder for holder in after if holder not in before]


def test_a_clock_that_is_wrong_holds_nothing_for_ever_and_forgets_no_sign_of_life(
    campaign: Campaign, zone: Zone
) -> None:
    ahead = Clock()
    ahead.now += timedelta(days=30)
    Tenancy(campaign.registry, zone.id, "marie", clock=ahead).begin()
    assert leases(campaign.registry, now=NOON) == {}
    clock = Clock()
    with Tenancy(campaign.registry, zone.id, "jean", clock=clock) as tenancy:
        clock.now -= timedelta(hours=1)
        tenancy.renew()
        assert leases(campaign.registry, now=clock.now)[zone.id].heartbeat == clock.now


@pytest.mark.parametrize("time", ["yesterday", "2026-11-26T12:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_no_lease(campaign: Campaign, zone: Zone, time: str) -> None:
    with Tenancy(campaign.registry, zone.id, "marie"):
        with closing(sqlite3.connect(campaign.registry.path)) as connection, connection:
            connection.execute("UPDATE leases SET heartbeat = ?", (time,))
        assert leases(campaign.registry, now=NOON + timedelta(days=9)) == {}
        assert label(campaign, zone, "jean") == []


def test_a_verdict_goes_on_beside_somebody_and_says_so(campaign: Campaign, zone: Zone) -> None:
    said: list[str] = []
    with Tenancy(campaign.registry, zone.id, "marie"):
        for author in ("marie", "paul"):
            with pytest.raises(EditRefused):
                review_zone(campaign, zone, author=author, verdict="send-back", reason="x", say=said.append)
    assert said == [f"marie is labelling zone {zone.id} just now"]
