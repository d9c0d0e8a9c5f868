"""Long work in a process of its own: it leaves the window alone, and can be stopped at any moment.

Neither Qt nor napari is imported here, so that the other process starts without them. It is a Python of its
own that runs this module, not one of `multiprocessing`: those run the program once more that opened the
window, and a script with ``napari.run()`` at its end would open a second one. Both talk in pickles: what to
do is written to the other's standard input, what it tells is read from its standard output. It ends when its
input is closed, so it does not outlive a window that was killed.
"""

from __future__ import annotations

__all__ = ["Report", "Stopped", "in_process"]

import os
import pickle
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
        process = subprocess.Popen(  # noqa: S603 - our own Python
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        orders, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        with process:
            try:
                with suppress(BrokenPipeError):  # it is gone already, as is told below
                    pickle.dump((sys.path, language()), orders)
                    pickle.dump((function, arguments), orders)
                    orders.flush()
                return cast("_Result", _await(answers, report))
            finally:
                process.kill()

    return work


def _await(stream: IO[bytes], report: Report) -> Any:
    """Return what the other process tells in the end, having passed its reports on."""
    told = SimpleQueue[tuple[Any, ...]]()
    threading.Thread(target=_hear, args=(stream, told), daemon=True).start()
    share, what = 0.0, ""
    while True:
        report(share, what)  # raises where somebody stopped the work
        try:
            kind, *values = told.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
        if kind == "progress":
            share, what = values
        elif kind == "result":
            return values[0]
        else:
            raise WorkbenchError(values[0])


def _hear(stream: IO[bytes], told: SimpleQueue[tuple[Any, ...]]) -> None:
    """Pass on what the other process tells, until it ends."""
    try:
        while True:
            told.put(pickle.load(stream))  # noqa: S301 - from our own process
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        told.put(("error", "the work ended without a result; there may not be enough memory"))


def _main() -> None:
    """Do what standard input says, and tell of it on standard output; be gone when the input is."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        orders = sys.stdin.buffer
        sys.path[:], spoken = pickle.load(orders)  # noqa: S301 - from the window
        speak(spoken)
        function, arguments = pickle.load(orders)  # noqa: S301
        threading.Thread(target=_end_with, args=(orders,), daemon=True).start()

        def tell(*message: object) -> None:
            pickle.dump(message, answers)
            answers.flush()

        try:
            result = function(*arguments, lambda share, what: tell("progress", share, what))
        except (WorkbenchError, OSError, MemoryError) as error:
            tell("error", str(error) or type(error).__name__)
        else:
            tell("result", result)


def _end_with(orders: IO[bytes]) -> None:
    """End this process, whatever it does, when nobody waits for it any more."""
    orders.read()
    os._exit(1)


if __name__ == "__main__":
    _main()
