"""Long work beside the window: in a thread, with its progress and a way to stop it in napari's activity dock.

Results and errors arrive in the window's own thread, so nothing but the work itself runs elsewhere.
"""

from __future__ import annotations

__all__ = ["Job", "Report", "Stopped", "in_process", "start"]

import multiprocessing
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from napari.utils import cancelable_progress
from qtpy.QtCore import QObject, QRunnable, QThreadPool, Signal

from workbench.errors import WorkbenchError

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.1
_STEPS = 100
_SWITCH_SECONDS = 0.0005

Report = Callable[[float, str], None]
"""Called by the work with the share that is done, 0 to 1, and with what it does now; raises `Stopped`."""


class Stopped(Exception):
    """The work was stopped from the activity dock."""


class Job(QObject):
    """One piece of long work."""

    done = Signal(object)
    """What it returned."""
    failed = Signal(str)
    """Why it could not be done, as one sentence; empty where it was stopped."""
    _told = Signal(float, str)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._bar = cancelable_progress(total=_STEPS, desc=title)
        self.running = True
        self._told.connect(self._on_told)
        self.done.connect(self._end)
        self.failed.connect(self._end)

    def report(self, share: float, what: str) -> None:
        """Tell how far the work is; called by the work, in its own thread."""
        if self._bar.is_canceled:
            raise Stopped
        self._told.emit(share, what)

    def stop(self) -> None:
        """Have the work stopped at its next report."""
        self._bar.cancel()

    def _on_told(self, share: float, what: str) -> None:
        if self.running:
            self._bar.set_description(f"{self._title} – {what}" if what else self._title)
            self._bar.update(max(0, round(share * _STEPS) - self._bar.n))

    def _end(self, _what: object) -> None:
        self.running = False
        self._bar.close()


class _Run(QRunnable):
    def __init__(self, job: Job, work: Callable[[Report], Any]) -> None:
        super().__init__()
        self._job, self._work = job, work

    def run(self) -> None:
        try:
            # A warning that is shown from another thread brings Qt down.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = self._work(self._job.report)
        except Stopped:
            self._job.failed.emit("")
        except (WorkbenchError, OSError, MemoryError) as error:
            self._job.failed.emit(str(error) or type(error).__name__)
        else:
            self._job.done.emit(result)


def start(
    title: str,
    work: Callable[[Report], _Result],
    *,
    done: Callable[[_Result], None],
    failed: Callable[[str], None],
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
    """
    # Work in Python holds the window up for so long at each of its steps; five milliseconds can be felt.
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
    job = Job(title)
    job.done.connect(done)
    job.failed.connect(failed)
    QThreadPool.globalInstance().start(_Run(job, work))
    return job


def in_process(function: Callable[..., _Result], *arguments: Any) -> Callable[[Report], _Result]:
    """Return work that calls a function in a process of its own, so that it can be stopped at any moment.

    Parameters
    ----------
    function
        Of a module; it is called with the arguments and a `Report`, and writes files whole or not at all.
    arguments
        Values that can be sent to another process.
    """

    def work(report: Report) -> _Result:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_call, args=(there, function, arguments), daemon=True)
        process.start()
        there.close()
        try:
            return _await(here, report)
        finally:
            process.terminate()
            process.join()

    return work


def _await(messages: Connection, report: Report) -> Any:
    """Return what the other process sends in the end, having passed its reports on."""
    share, what = 0.0, ""
    while True:
        report(share, what)  # raises where somebody stopped the work
        if not messages.poll(_POLL_SECONDS):
            continue
        try:
            kind, *values = messages.recv()
        except EOFError:
            raise WorkbenchError("the work ended without a result; there may not be enough memory") from None
        if kind == "progress":
            share, what = values
        elif kind == "error":
            raise WorkbenchError(values[0])
        else:
            return values[0]


def _call(messages: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Call a function in the other process, and send what comes of it."""
    try:
        result = function(*arguments, lambda share, what: messages.send(("progress", share, what)))
    except (WorkbenchError, OSError, MemoryError) as error:
        messages.send(("error", str(error) or type(error).__name__))
    else:
        messages.send(("result", result))
