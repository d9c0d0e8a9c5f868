"""Long work beside the window: in a thread, with its progress and a way to stop it in napari's activity dock.

Results and errors arrive in the window's own thread, so nothing but the work itself runs elsewhere.
"""

from __future__ import annotations

__all__ = ["Job", "OneAtATime", "Report", "Stopped", "in_kept_process", "in_process", "start"]

import atexit
import threading
import warnings
from collections.abc import Callable
from typing import TypeVar

from napari.utils import cancelable_progress
from qtpy.QtCore import QObject, QTimer, Signal

from napari_plugin.processes import Report, Stopped, in_kept_process, in_process
from workbench.errors import WorkbenchError

_Result = TypeVar("_Result")
_STEPS = 100
_PATIENCE_MILLISECONDS = 1500
"""Work that ends sooner gets no bar: napari spins a wheel beside it, and the window is composed anew for each
of its pictures, which where OpenGL is software takes more than most work does."""
_LAST_SECONDS = 5.0


class Job(QObject):
    """One piece of long work."""

    done = Signal(object)
    """What it returned."""
    failed = Signal(str)
    """Why it could not be done, as one sentence; empty where it was stopped."""
    _told = Signal(float, str)
    _returned = Signal(object)
    _raised = Signal(str)

    def __init__(self, title: str, *, patience: int) -> None:
        super().__init__()
        self._title, self._told_last = title, (0.0, "")
        self._bar: cancelable_progress | None = None
        self._stopped = threading.Event()
        self.running = True
        self.thread: threading.Thread | None = None
        # What the work emits arrives in the thread of the object that hears it; a plain function has none.
        self._told.connect(self._on_told)
        self._returned.connect(self._on_returned)
        self._raised.connect(self._on_raised)
        self._patience = QTimer(self, singleShot=True, interval=patience)
        self._patience.timeout.connect(self._show_bar)
        self._patience.start()

    def run(self, work: Callable[[Report], object]) -> None:
        """Do the work; called in the other thread."""
        try:
            # A warning that is shown from another thread brings Qt down.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = work(self.report)
        except Stopped:
            self._raised.emit("")
        except (WorkbenchError, OSError, MemoryError) as error:
            self._raised.emit(str(error) or type(error).__name__)
        except Exception as error:  # a mistake of ours: the bar goes, and napari shows what it was
            self._raised.emit(f"{type(error).__name__}: {error}")
            raise
        else:
            self._returned.emit(result)

    def report(self, share: float, what: str) -> None:
        """Tell how far the work is; called by the work, in its own thread."""
        if self._stopped.is_set() or (self._bar is not None and self._bar.is_canceled):
            raise Stopped
        self._told.emit(share, what)

    def stop(self) -> None:
        """Have the work stopped at its next report."""
        self._stopped.set()

    def _show_bar(self) -> None:
        self._bar = cancelable_progress(total=_STEPS, desc=self._title)
        self._on_told(*self._told_last)

    def _on_told(self, share: float, what: str) -> None:
        before, self._told_last = self._told_last, (share, what)
        if not self.running or self._bar is None:
            return
        if self._bar.n == 0 or what != before[1]:
            self._bar.set_description(f"{self._title} – {what}" if what else self._title)
        steps = round(share * _STEPS)
        if steps > self._bar.n:
            self._bar.update(steps - self._bar.n)

    def _on_returned(self, result: object) -> None:
        self._end()
        self.done.emit(result)
        self._forget()

    def _on_raised(self, why: str) -> None:
        self._end()
        self.failed.emit(why)
        self._forget()

    def _end(self) -> None:
        self.running = False
        self._patience.stop()
        if self._bar is not None:
            self._bar.close()
        _RUNNING.discard(self)

    def _forget(self) -> None:
        """Let go of whom it told; who keeps a job that is over does not keep a zone by it."""
        for signal in (self.done, self.failed):
            signal.disconnect()


class OneAtATime:
    """Has one job done at a time, of those that ask here."""

    def __init__(self) -> None:
        self._job: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether one is being done."""
        return self._job is not None and self._job.running

    def begin(self, job: Callable[[], Job]) -> bool:
        """Begin a job, unless one is being done; return whether it was begun."""
        if self.busy:
            return False
        self._job = job()
        return True

    def stop(self) -> None:
        """Have what is being done stopped."""
        if self._job is not None:
            self._job.stop()


_RUNNING: set[Job] = set()
"""Jobs whose end was not told yet: whoever began one may be gone by then, and its bar has to go anyway."""


@atexit.register
def _stop_all() -> None:
    """Have what still runs when the program ends stop, and wait for it: Python takes its libraries down."""
    threads = [job.thread for job in _RUNNING]
    for job in list(_RUNNING):
        job.stop()
    for thread in threads:
        if thread is not None:
            thread.join(_LAST_SECONDS)


def start(
    title: str,
    work: Callable[[Report], _Result],
    *,
    done: Callable[[_Result], None],
    failed: Callable[[str], None],
    patience: int | None = None,
) -> Job:
    """Do some work in another thread.

    Parameters
    ----------
    title
        Of its bar in the activity dock.
    work
        Called in the other thread, with what it reports its progress to. It touches nothing that the window
        works on.
    done
        Called in this thread with what the work returned.
    failed
        Called in this thread with one sentence; an empty one where somebody stopped the work.
    patience
        Milliseconds until it gets its bar, 1,500 by default; more where the dock itself tells what is
        being done.
    """
    job = Job(title, patience=_PATIENCE_MILLISECONDS if patience is None else patience)
    _RUNNING.add(job)
    job.done.connect(done)
    job.failed.connect(failed)
    # A thread of Python's own, not of Qt's pool: to those each piece of work is a thread that was never there
    # before, and libraries that keep something for each thread (PROJ its context) find it gone, and crash.
    job.thread = threading.Thread(target=job.run, args=(work,), daemon=True, name=title)
    job.thread.start()
    return job
