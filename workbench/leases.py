"""Leases: who is labelling which zone just now, so that two people do not draw the same road.

A lease keeps nobody's labels safe, journals do that; it keeps people out of each other's way. It stands in
the registry with its holder, is renewed as long as they are there, and ends by itself `EXPIRY` after their
last sign of life. Times are those of the clocks of the holders' machines.
"""

from __future__ import annotations

__all__ = ["EXPIRY", "HEARTBEAT", "Lease", "LeaseTaken", "Tenancy", "leases"]

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from workbench.errors import CampaignError
from workbench.registry import Registry

EXPIRY = timedelta(minutes=5)
"""After the last sign of life of its holder a lease is anybody's."""
HEARTBEAT = timedelta(minutes=1)
"""How often a holder gives a sign of life."""
_PATIENCE = 0.2
"""Seconds that a renewal waits for the registry: somebody is labelling meanwhile."""


class LeaseTaken(CampaignError):
    """Somebody else labels the zone just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds a zone."""

    zone: str
    holder: str
    """Author."""
    token: str
    """Tells two sessions of the holder apart."""
    since: datetime
    heartbeat: datetime
    """Their last sign of life."""

    def expired(self, now: datetime) -> bool:
        """Tell whether the holder gave no sign of life for too long."""
        return abs(now - self.heartbeat) > EXPIRY  # a clock that is far ahead holds nothing for ever


def leases(registry: Registry, *, now: datetime | None = None) -> dict[str, Lease]:
    """Return the leases that stand, by zone id."""
    found, now = [_lease_of(row) for row in registry.rows("leases")], now or _now()
    return {lease.zone: lease for lease in found if lease is not None and not lease.expired(now)}


class Tenancy:
    """An author's stay in a zone: ``with`` it the lease is taken, renewed, and given back at the end.

    Parameters
    ----------
    registry
        Of the campaign.
    zone
        Id.
    author
        Who labels.
    together
        Label beside whoever holds the zone: no lease is taken.
    clock
        Gives the aware time.

    Raises
    ------
    LeaseTaken
        Another author holds the zone.
    """

    def __init__(
        self,
        registry: Registry,
        zone: str,
        author: str,
        *,
        together: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._registry, self._clock = registry, clock or _now
        self.remark = ""
        """Why there is no lease, where there is none; labelling goes on without."""
        now = self._clock()
        self._lease = Lease(zone=zone, holder=author, token=secrets.token_hex(8), since=now, heartbeat=now)
        self._held, self.together = False, together
        """Whether it is beside whoever holds the zone."""
        if not together:
            there = leases(registry, now=now).get(zone)
            self._check_free(there)

    def renew(self) -> str:
        """Give a sign of life if it is time for one.

        Returns
        -------
        str
            What to tell the author once: somebody took the zone over while they were away. Mostly nothing.
        """
        now = self._clock()
        if not self._held or abs(now - self._lease.heartbeat) < HEARTBEAT:
            return ""
        try:
            self._take(patience=_PATIENCE)
        except LeaseTaken as error:
            self._held = False
            return str(error)
        return ""

    def end(self) -> None:
        """Give the lease back; if that cannot be written, it ends by itself."""
        if not self._held:
            return
        self._held = False
        with suppress(CampaignError), self._registry.writing(patience=_PATIENCE) as connection:
            connection.execute("DELETE FROM leases WHERE token = ?", (self._lease.token,))

    def begin(self) -> Self:
        """Take the lease."""
        if not self.together:
            self._take(patience=10)
        return self

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _check_free(self, there: Lease | None) -> None:
        if there is not None and there.holder != self._lease.holder:
            raise LeaseTaken(
                f"{there.holder} is labelling zone {there.zone} since {_told(there.since)}, last "
                f"sign of life at {_told(there.heartbeat)}; take another zone, or label --together"
            )

    def _take(self, *, patience: float) -> None:
        lease, now = self._lease, self._clock()
        try:
            with self._registry.writing(patience=patience) as connection:
                row = connection.execute("SELECT * FROM leases WHERE zone = ?", (lease.zone,)).fetchone()
                there = _lease_of(row) if row is not None else None
                self._check_free(there if there is None or not there.expired(now) else None)
                values = (lease.zone, lease.holder, lease.token, lease.since.isoformat(), now.isoformat())
                connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", values)
        except LeaseTaken:
            raise
        except CampaignError as error:
            # A registry that cannot be written now, open in QGIS say, is no reason not to label.
            self.remark = f"others do not see that you are labelling here: {error}"
        self._held, self._lease = True, replace(lease, heartbeat=now)


def _lease_of(row: Mapping[str, Any]) -> Lease | None:
    """Return the lease of a row; None where somebody wrote a time there that is none, which holds nothing."""
    try:
        since, heartbeat = (
            datetime.fromisoformat(row[key]).astimezone(UTC) for key in ("since", "heartbeat")
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return Lease(zone=row["zone"], holder=row["holder"], token=row["token"], since=since, heartbeat=heartbeat)


def _now() -> datetime:
    return datetime.now(UTC)


def _told(time: datetime) -> str:
    return f"{time.astimezone():%H:%M}"
