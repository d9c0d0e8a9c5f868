"""The store of a session in another thread's hands: a store has one user at a time."""

from __future__ import annotations

__all__ = ["lend", "take_back"]

from napari_plugin.session import Session
from workbench.geo.grid import Window


def lend(session: Session, why: str) -> bool:
    """Leave the store to another thread until `take_back`; return whether that can be, and say why not.

    Meanwhile nothing is written and nobody looks at what others did. The thread holds `Session.borrowed` as
    long as it uses the store, so that the zone is not closed under it.

    Parameters
    ----------
    session
        Whose store.
    why
        What the other thread does, in one sentence: who wants to edit reads it.
    """
    if reason := session.barred or session.lent:
        session.refused.emit(reason)
        return False
    session.lent = why
    return True


def take_back(session: Session, window: Window | None) -> None:
    """Have the store back, and show what changed; None if nothing did."""
    session.lent = ""
    if window is not None:
        session.show_painted(window)
