"""Work that tests of jobs send to another process; it imports nothing heavy there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from workbench.errors import WorkbenchError

Report = Callable[[float, str], None]


def add(one: int, other: int, report: Report) -> int:
    report(0.5, f"adding in {os.getpid()}")
    return one + other


def refuse(report: Report) -> None:
    raise WorkbenchError("the zone is gone; add it again")


def die(report: Report) -> None:
    report(0.2, "about to be killed")
    os.kill(os.getpid(), signal.SIGKILL)


def go_on_for_ever(path: str, report: Report) -> None:
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    while True:
        report(0.5, "still going")


def whoami(report: Report) -> int:
    return os.getpid()


def write_down(path: str, report: Report) -> None:
    report(0.5, "writing")
    with open(path, "w") as file:
        file.write(str(os.getpid()))
