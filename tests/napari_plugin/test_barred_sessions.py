"""A session that lost its lease, or the disk: the next stroke is stopped before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from desk_cases import at, heard

from napari_plugin.here import Here
from napari_plugin.others import Others
from napari_plugin.session import Session
from napari_plugin.tools import TOOLS, ToolBox
from workbench.campaign import Campaign
from workbench.errors import JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import Provenance
from workbench.leases import EXPIRY, HEARTBEAT, Tenancy

ZONE = "D051_2019/Z1_AA"


def later(by: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + by


@pytest.fixture
def robbed(session: Session, zone: Campaign) -> Session:
    """A session with some labels, whose zone somebody took over while its machine slept."""
    session.set_class(3)
    session.set_level(200)
    session.assign_at(100, 100)
    session.set_class(5)
    Tenancy(zone.registry, ZONE, "paul", clock=later(EXPIRY + timedelta(seconds=1))).begin()
    session.opened.tenancy._clock = later(EXPIRY + timedelta(seconds=2))
    return session


def journal(session: Session) -> list[bytes]:
    """Return all that is on the disk of the author's edits."""
    return [path.read_bytes() for path in sorted(session.opened.journal.parent.glob("marie.sqlite*"))]


def gestures(session: Session) -> dict[str, Callable[[], object]]:
    """Return one gesture of each kind that would change labels."""
    tools, here = ToolBox(session), Here(session)

    def with_tool(tool: str) -> None:
        tools.take(tool)
        for row, col in ((300, 20), (301, 200), (320, 500)):
            if tool in ("line", "polygon"):
                tools.current.press(at(row, col))
                tools.current.release(at(row, col), dragged=False)
        if tool not in ("line", "polygon"):
            tools.current.press(at(300, 20))
            tools.current.drag(at(301, 200))
            tools.current.release(at(320, 500), dragged=True)
        if tool == "cut":
            tools.current.press(at(260, 300))
            tools.current.release(at(260, 300), dragged=False)
        tools.current.finish()

    def with_pointer(gesture: Callable[[], None]) -> None:
        session.hover_at(256, 300)
        gesture()

    return {
        "click": lambda: session.assign_at(300, 300),
        **{kind.id: (lambda tool=kind.id: with_tool(tool)) for kind in TOOLS},
        "fill": lambda: with_pointer(here.fill),
        "protect": lambda: with_pointer(here.protect),
        "absorb": lambda: with_pointer(here.absorb),
        "undo": session.undo,
        "redo": session.redo,
    }


def test_a_lost_lease_is_told_once_and_stops_every_gesture_before_anything_changes(robbed: Session) -> None:
    session, refused = robbed, heard(robbed.refused)
    labels, disk, protected = session.labels.copy(), journal(session), session.store.protected.copy()
    others = Others(session)
    others.look()
    others.look()
    (told,) = refused
    assert told.startswith(f"paul is labelling zone {ZONE} since ")
    assert session.barred == told
    repainted, saved = heard(session.repainted), heard(session.saved)
    for name, gesture in gestures(session).items():
        refused.clear()
        gesture()
        assert refused == [told], name
    assert repainted == saved == []
    assert (session.labels == labels).all()
    assert (session.store.protected == protected).all()
    assert journal(session) == disk


def test_whoever_stays_all_the_same_goes_on(robbed: Session) -> None:
    others = Others(robbed)
    others.look()
    others.stay()
    assert robbed.barred == ""
    robbed.assign_at(400, 400)
    assert robbed.labels[400, 400] == 5
    refused = heard(robbed.refused)
    others.look()
    assert refused == []


def test_a_lease_is_renewed_by_looking_at_others(session: Session, zone: Campaign) -> None:
    session.opened.tenancy._clock = later(HEARTBEAT + timedelta(seconds=1))
    refused = heard(session.refused)
    Others(session).look()
    assert refused == []
    # Without the renewal the lease would have ended by then.
    soon = later(EXPIRY + timedelta(seconds=30))
    with pytest.raises(Exception, match="marie is labelling"):
        Tenancy(zone.registry, ZONE, "paul", clock=soon).begin()
    assert session.barred == ""


def test_a_disk_that_is_full_stops_the_stroke_and_the_next_one_tries_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.set_level(200)
    session.assign_at(100, 100)
    labels = session.labels.copy()
    full = JournalError("marie.sqlite: database or disk is full; make room, then go on")
    refused, repainted = heard(session.refused), heard(session.repainted)
    with monkeypatch.context() as patch:
        patch.setattr(session.store, "_commit", raising(full))
        region = Window(row=300, col=300, height=20, width=20), np.ones((20, 20), bool)
        assert not session.paint(region, Provenance(tool="brush"))
        session.assign_at(400, 400)
    assert refused == [str(full)] * 2
    assert repainted == []
    assert (session.labels == labels).all()
    session.assign_at(400, 400)
    assert session.labels[400, 400] == session.code


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_arguments: object) -> None:
        raise error

    return fail
