"""Long work in a process of its own: it leaves the window alone, and can be stopped at any moment.

Neither Qt nor napari is imported here, so that the other process starts without them.
"""

from __future__ import annotations

__all__ = ["Report", "Stopped", "in_process"]

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

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
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        given = there, language(), function, arguments
        process = context.Process(target=_call, args=given, daemon=True)
        process.start()
        there.close()
        try:
            return cast("_Result", _await(here, report))
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


def _call(
    messages: Connection, spoken: str, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """Call a function in the other process, in the language of this one, and send what comes of it."""
    speak(spoken)
    try:
        result = function(*arguments, lambda share, what: messages.send(("progress", share, what)))
    except (WorkbenchError, OSError, MemoryError) as error:
        messages.send(("error", str(error) or type(error).__name__))
    else:
        messages.send(("result", result))
