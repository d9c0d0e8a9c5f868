"""Long work in a process of its own: it leaves the window alone, and can be stopped at any moment.

Neither Qt nor napari is imported here, so that the other process starts without them. It is a Python of its
own that runs this module, not one of `multiprocessing`: those run the program once more that opened the
window, and a script with ``napari.run()`` at its end would open a second one. Both talk in pickles: what to
do is written to the other's standard input, what it tells is read from its standard output. It ends when its
input is closed, so it does not outlive a window that was killed.

A process that has answered a question can be kept for the next one, which then waits for no library to load:
one at a time, until `dismiss`. What was stopped or failed takes its process along.
"""

from __future__ import annotations

__all__ = ["Report", "Stopped", "dismiss", "in_kept_process", "in_process", "prepare"]

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Any, TypeVar, cast

from napari_plugin.language import language, speak
from workbench.errors import WorkbenchError

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.1

Report = Callable[[float, str], None]
"""Called by the work with the share that is done, 0 to 1, and with what it does now; raises `Stopped`."""


class Stopped(Exception):
    """The work was stopped from the activity dock."""


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
        process = _Process()
        try:
            return cast("_Result", process.do(function, arguments, report))
        finally:
            process.end()

    return work


def in_kept_process(function: Callable[..., _Result], *arguments: Any) -> Callable[[Report], _Result]:
    """Return work like that of `in_process`, in the process that is kept where that has nothing to do.

    For questions, which take little memory and leave nothing behind in their process.
    """

    def work(report: Report) -> _Result:
        process = _KEPT.take()
        try:
            result = process.do(function, arguments, report)
        except BaseException:
            process.end()
            raise
        _KEPT.keep(process)
        return cast("_Result", result)

    return work


def prepare(function: Callable[..., object], *arguments: Any) -> None:
    """Have a process kept that called a function, for its libraries; nobody hears what that tells.

    Nothing is done where one is kept already.
    """
    _KEPT.prepare(function, arguments)


def dismiss() -> None:
    """End the process that is kept; the next question has another one."""
    _KEPT.end()


class _Process:
    """Another Python, which does one thing after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own Python
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._orders = cast("IO[bytes]", self._process.stdin)
        self._told = SimpleQueue[tuple[Any, ...]]()
        self._unheard = 0
        """How many things it has to do that nobody waits for."""
        threading.Thread(target=_hear, args=(self._process.stdout, self._told), daemon=True).start()
        self._tell(sys.path)

    @property
    def alive(self) -> bool:
        """Whether it can still do something."""
        return self._process.poll() is None

    def prepare(self, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        """Have a function called, and go on at once."""
        self._unheard += 1
        self._order(function, arguments)

    def do(self, function: Callable[..., object], arguments: tuple[Any, ...], report: Report) -> Any:
        """Return what a function returns there, having passed its reports on."""
        self._order(function, arguments)
        share, what = 0.0, ""
        while True:
            report(share, what)  # raises where somebody stopped the work
            try:
                kind, *values = self._told.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            if kind == "gone":
                raise WorkbenchError("the work ended without a result; there may not be enough memory")
            if self._unheard:
                self._unheard -= kind != "progress"
            elif kind == "progress":
                share, what = values
            elif kind == "result":
                return values[0]
            else:
                raise WorkbenchError(values[0])

    def end(self) -> None:
        """End it, whatever it does."""
        with suppress(BrokenPipeError), self._process:  # an order may lie in the pipe
            self._process.kill()

    def _order(self, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        # What the function and its arguments need is loaded there when it is their turn, not when it is read.
        self._tell(pickle.dumps((language(), function, arguments)))

    def _tell(self, message: object) -> None:
        with suppress(BrokenPipeError):  # it is gone already, as is told when it is asked
            pickle.dump(message, self._orders)
            self._orders.flush()


class _Kept:
    """The one process that is kept; any thread may ask for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def take(self) -> _Process:
        """Return the process that is kept, or another one; it is given back by `keep`, or ended."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.alive:
            return process
        if process is not None:
            process.end()
        return _Process()

    def keep(self, process: _Process) -> None:
        """Keep a process, unless one is kept already."""
        with self._lock:
            if self._process is None:
                self._process = process
                return
        process.end()

    def prepare(self, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        """Keep a process that calls a function now, unless one is kept already."""
        with self._lock:
            if self._process is None:
                self._process = _Process()
                self._process.prepare(function, arguments)

    def end(self) -> None:
        """End the process that is kept."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.end()


_KEPT = _Kept()
atexit.register(dismiss)


def _hear(stream: IO[bytes], told: SimpleQueue[tuple[Any, ...]]) -> None:
    """Pass on what the other process tells, until it ends."""
    try:
        while True:
            told.put(pickle.load(stream))  # noqa: S301 - from our own process
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        told.put(("gone",))


def _main() -> None:
    """Do what standard input says, and tell of it on standard output; be gone when the input is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the window, with which this ends
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        sys.path[:] = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the window
        orders = SimpleQueue[bytes]()
        threading.Thread(target=_take_orders, args=(sys.stdin.buffer, orders), daemon=True).start()

        def tell(*message: object) -> None:
            pickle.dump(message, answers)
            answers.flush()

        while True:
            spoken, function, arguments = pickle.loads(orders.get())  # noqa: S301 - from the window
            speak(spoken)
            try:
                result = function(*arguments, lambda share, what: tell("progress", share, what))
            except (WorkbenchError, OSError, MemoryError) as error:
                tell("error", str(error) or type(error).__name__)
            else:
                tell("result", result)


def _take_orders(stream: IO[bytes], orders: SimpleQueue[bytes]) -> None:
    """Take what there is to do; end this process, whatever it does, when nobody waits for it any more."""
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            orders.put(pickle.load(stream))  # noqa: S301 - from the window
    os._exit(1)


if __name__ == "__main__":
    _main()
