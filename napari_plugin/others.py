"""Other people in the zone: what they did meanwhile, and whether it is still ours to label."""

from __future__ import annotations

__all__ = ["Others"]

from napari_plugin.language import count, said, tr
from napari_plugin.session import Session
from workbench.errors import WorkbenchError


class Others:
    """Looks every few seconds at what others did in the zone of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._complaint = ""

    def look(self) -> None:
        """Take what others did, show it, and say so; bar edits where somebody took the zone over."""
        session, store = self._session, self._session.store
        if session.lent:
            return
        before, labels = store.head, store.label_heads()
        if complaint := session.opened.tenancy.renew():
            session.barred = said(complaint)
            session.refused.emit(session.barred)
        try:
            window = store.refresh()
        except WorkbenchError as error:
            if str(error) != self._complaint:  # once, not every few seconds
                self._complaint = str(error)
                session.refused.emit(said(self._complaint))
            return
        self._complaint = ""
        if store.head != before:
            session.reviewed.emit()
        if window is None:
            return
        session.repainted.emit(window)
        was = {head.author: head.seq for head in labels}
        names = [head.author for head in store.label_heads() if head.seq != was.get(head.author)]
        if names:
            session.noticed.emit(self._told(names))

    def stay(self) -> None:
        """Go on labelling beside whoever took the zone over."""
        self._session.barred = ""

    def _told(self, names: list[str]) -> str:
        conflicts = self._session.store.conflicts().found
        who = tr(" and ").join(names)
        if not conflicts:
            return tr("{names} labelled here too.", names=who)
        first = conflicts[0]
        return count(
            "{names} labelled here too: {count} conflict, at row {row}, column {col}.",
            "{names} labelled here too: {count} conflicts, the largest at row {row}, column {col}.",
            len(conflicts),
            names=who,
            row=first.row,
            col=first.col,
        )
