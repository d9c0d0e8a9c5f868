"""Long work begun from the window: regions, export, release; and snapshots in quiet moments."""

from __future__ import annotations

__all__ = ["Snapshots", "Work"]

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QDialog, QFileDialog, QWidget

from napari_plugin import chores
from napari_plugin.inquiries import get_ready
from napari_plugin.jobs import Job, OneAtATime, in_process, start
from napari_plugin.language import count, said, sentence, tr
from napari_plugin.opening import OpenZone
from napari_plugin.processes import dismiss, prepare
from napari_plugin.rehearsal import is_due, rehearse
from napari_plugin.release_dialog import ReleaseDialog
from napari_plugin.session import Session

_SETTLED_MILLISECONDS = 4000
"""After so long a zone that was opened is on the screen, and a core is free for what may be asked later."""
_QUIET_MILLISECONDS = 20_000
"""A hand that rests so long is not about to draw."""
_SCHEMES = {"flair": "FLAIR 1–19", "flair_hub": "FLAIR-HUB 0–18", "cosia_numero": "CoSIA numero"}
_MANY_EDITS = 200
"""After so many edits a zone opens noticeably faster from a new snapshot."""


class Work(QObject):
    """Begins long work on the zone that is open, and on its campaign; tells what comes of it.

    Each piece is done in a process of its own, from the files: every edit is in them already. One of a kind
    is done at a time.

    Parameters
    ----------
    window
        Over which dialogs open.
    opened
        Gives the zone that is open; None where there is none.
    """

    segmented = Signal(str)
    """Id of a zone that has new regions, to be opened again where it is open; empty where several have."""

    def __init__(self, window: QWidget, opened: Callable[[], OpenZone | None]) -> None:
        super().__init__(window)
        self._window, self._opened = window, opened
        self._jobs = defaultdict[str, OneAtATime](OneAtATime)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MILLISECONDS)
        self._settled.timeout.connect(self._get_ready)
        self.destroyed.connect(dismiss)  # not by a lambda, which goes with it while it runs

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each of the actions, by id."""
        return {
            "segment": self.segment,
            "segment_all": self.segment_all,
            "export": self.export,
            "release": self.release,
        }

    def rehearse(self) -> None:
        """Have the desk's kernels compiled, the first time on a machine."""
        if is_due():
            title = tr("Compiling for this machine, once")
            self._begin("rehearsal", title, in_process(rehearse), _silent)

    @property
    def rehearsing(self) -> bool:
        """Whether kernels are being compiled."""
        return self._jobs["rehearsal"].busy

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return any(one.busy for one in self._jobs.values())

    def stop(self) -> None:
        """Stop everything."""
        for one in self._jobs.values():
            one.stop()

    def expect_questions(self) -> None:
        """Have the first question to the zone that was opened answered as fast as those after it."""
        self._settled.start()

    def segment(self) -> None:
        """Make the regions of the zone that is open."""
        opened = self._opened()
        if opened is not None:
            zone = opened.zone.id
            work = in_process(chores.segment_zone, opened.campaign.path, zone)
            title = tr("Regions of {zone}", zone=zone)
            self._begin("segment", title, work, partial(self._on_segmented, zone))

    def segment_all(self) -> None:
        """Make the regions of all zones that have none."""
        opened = self._opened()
        if opened is not None:
            work = in_process(chores.segment_missing, opened.campaign.path)
            title = tr("Regions of all zones that have none")
            self._begin("segment", title, work, self._on_all_segmented)

    def export(self) -> None:
        """Write the labels of the zone that is open to a file that is asked for."""
        opened = self._opened()
        if opened is None:
            return
        if opened.blind:
            show_warning(tr("You label this zone blind: what others did stays hidden."))
            return
        chosen = self._ask_export(opened)
        if chosen is not None:
            path, scheme = chosen
            work = in_process(chores.export_labels, opened.campaign.path, opened.zone.id, path, scheme)
            title = tr("Labels of {zone} to {file}", zone=opened.zone.id, file=path.name)
            self._begin("export", title, work, lambda told: show_info(said(told)))

    def release(self) -> None:
        """Build a release of all accepted zones, as a dialog says."""
        opened = self._opened()
        if opened is None:
            return
        dialog = ReleaseDialog(self._window, folder=opened.campaign.path.resolve().parent)
        agreed = dialog.exec() == QDialog.DialogCode.Accepted
        wanted = dialog.wanted
        dialog.deleteLater()
        if agreed:
            work = in_process(
                chores.build_release, opened.campaign.path, wanted.name, wanted.folder, wanted.layouts
            )
            self._begin("release", tr("Release {name}", name=wanted.name), work, _tell_release)

    def _begin(self, kind: str, title: str, work: Callable[..., Any], done: Callable[[Any], None]) -> None:
        if not self._jobs[kind].begin(lambda: start(title, work, done=done, failed=_tell_failed)):
            show_info(
                tr("Something of that kind is being done already; see the activity at the lower right.")
            )

    def _get_ready(self) -> None:
        opened = self._opened()
        if self.rehearsing:
            self._settled.start()  # it compiles what would be compiled here
        elif opened is not None:
            blind = opened.author if opened.blind else ""
            prepare(get_ready, opened.campaign.path, opened.zone.id, blind)

    def _ask_export(self, opened: OpenZone) -> tuple[Path, str] | None:
        """Ask for a file and a scheme; None where somebody thinks better of it."""
        there = opened.nomenclature.schemes
        ordered = [*(name for name in _SCHEMES if name in there), *sorted(there.keys() - _SCHEMES.keys())]
        schemes = {f"{_SCHEMES.get(name, name)} (*.tif)": name for name in ordered}
        zone = opened.zone
        suggested = opened.campaign.path.resolve().parent / f"{zone.domain}_{zone.name}.tif"
        path, kind = QFileDialog.getSaveFileName(
            self._window, tr("Export the labels, numbered as"), str(suggested), ";;".join(schemes)
        )
        if not path:
            return None
        file = Path(path)
        named = file if file.suffix.lower() in (".tif", ".tiff") else file.with_name(f"{file.name}.tif")
        return named, schemes.get(kind) or next(iter(schemes.values()))

    def _on_segmented(self, zone: str, regions: int) -> None:
        if regions:
            self.segmented.emit(zone)
        else:
            show_info(tr("{zone} has its regions already.", zone=zone))

    def _on_all_segmented(self, zones: int) -> None:
        show_info(count("{count} zone has regions now.", "{count} zones have regions now.", zones))
        if zones:
            self.segmented.emit("")


class Snapshots(QObject):
    """Has the store of a session write down what it knows, in quiet moments, so that the zone opens fast.

    Parameters
    ----------
    session
        Its edits are counted.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._edits = session, 0
        self.job: Job | None = None
        """Writes the last snapshot, or has done so."""
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MILLISECONDS)
        self._quiet.timeout.connect(self._write)
        session.repainted.connect(self._on_repainted)

    def release(self) -> None:
        """Stop following the session."""
        self._quiet.stop()
        self._session.repainted.disconnect(self._on_repainted)

    def _on_repainted(self, _window: object) -> None:
        self._edits += 1
        if self._edits >= _MANY_EDITS:
            self._quiet.start()

    def _write(self) -> None:
        if self._session.lent:
            self._quiet.start()
            return
        self._edits = 0
        pending = self._session.store.begin_snapshot()
        if pending is not None:
            title = tr("Snapshot of {zone}", zone=self._session.zone_id)
            # Nothing depends on a snapshot: one that cannot be written is no news.
            self.job = start(title, lambda report: pending.write(), done=_silent, failed=_silent)


def _silent(_what: object) -> None:
    """Say nothing."""


def _tell_release(told: tuple[str, list[str]]) -> None:
    """Say what was built, and which zones stay out."""
    text, left_out = told
    show_info("\n".join(map(said, [text, *left_out])))


def _tell_failed(why: str) -> None:
    """Say why something could not be done; nothing where somebody stopped it."""
    if why:
        show_warning(sentence(said(why)))
