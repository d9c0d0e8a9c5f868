"""Faults of a disk while a zone is labelled: calls that fail, and no room.

`session` is what a child does (see `forks`): every kind of edit, each either acknowledged or refused in one
sentence. `traced` runs it while strace makes one of its calls fail, as a failing disk does.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from forks import Forker, Say
from label_cases import GRID, any_edit, open_store

from workbench.errors import JournalError, WorkbenchError
from workbench.labels.reading import verify_journal

CALLS = ("fsync", "fdatasync", "pwrite64", "write", "rename", "ftruncate", "unlink", "mkdir")
"""What a disk can refuse of what a store asks of it."""


def session(say: Say, directory: str, turns: int = 12, limit: int = 0, ballast: int = 0) -> None:
    """Label a zone, and say of each edit whether it was acknowledged or refused, and what is on the screen.

    With a limit no file may grow above so many bytes, as on a full disk, until an edit is refused. With
    ballast a file of so many bytes lies beside the folder until then.
    """
    home = Path(directory)
    if limit:
        limit_files(limit)
    stone = home.parent / "ballast"
    if ballast:
        stone.write_bytes(bytes(ballast))
    for _ in range(2):
        try:
            store = open_store(home, "marie", snapshots=home.parent / "snapshots")
            break
        except WorkbenchError as error:
            say(json.dumps({"refused": str(error), "labels": bytes(math.prod(GRID.shape)).hex()}))
    else:
        return
    for turn in range(turns):
        before, ops = store.labels.tobytes(), store.head
        try:
            any_edit(store, turn)
        except WorkbenchError as error:
            assert (store.labels.tobytes(), store.head) == (before, ops), "a refused edit changes nothing"
            say(json.dumps({"refused": str(error), "labels": before.hex()}))
            if limit:
                limit_files(-1)
            stone.unlink(missing_ok=True)
        if store.head == ops:
            continue  # refused, or there was nothing to undo
        assert store.last_own is not None
        say(json.dumps({"op": store.last_own.id, "labels": store.labels.tobytes().hex()}))
    store.snapshot()
    store.close()


def limit_files(size: int) -> None:
    """Let no file of this process grow above some bytes from now on; -1 for no limit."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def warm_up() -> None:
    """Load and compile what a session needs."""
    with tempfile.TemporaryDirectory() as folder:
        session(lambda text: None, str(Path(folder, "journal")), turns=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a session said, and how it ended."""

    said: list[dict[str, str]]
    status: int
    log: str = field(default="", repr=False)
    """Of strace."""

    @property
    def acknowledged(self) -> list[str]:
        """Ids of the last op of each acknowledged edit."""
        return [one["op"] for one in self.said if "op" in one]

    @property
    def refusals(self) -> list[str]:
        """Sentences."""
        return [one["refused"] for one in self.said if "refused" in one]

    @property
    def injected(self) -> bool:
        """Whether strace made a call fail."""
        return "INJECTED" in self.log


def run(forker: Forker, directory: Path, **options: int) -> Outcome:
    """Run a session in a child."""
    forker.start(directory=directory, **options)
    return Outcome(said=[json.loads(line) for line in forker.said()], status=forker.status)


def traced(forker: Forker, directory: Path, log: Path, *options: str, deadly: bool = False) -> Outcome:
    """Run a session under strace with some options; where it is deadly, a refusal is the last thing said."""
    pid = forker.start(held=True, directory=directory)
    command = ["strace", "-f", "-p", str(pid), "-o", str(log), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        assert "attached" in line, line
        forker.release()
        said = []
        for text in forker.said():
            said.append(json.loads(text))
            if deadly and "refused" in said[-1]:
                os.kill(pid, signal.SIGKILL)
                deadly = False
    return Outcome(said=said, status=forker.status, log=log.read_text(errors="replace"))


def failing(call: str, number: int, error: str = "EIO", *, ever: bool = False) -> tuple[str, ...]:
    """Return the options that make strace fail the n-th of some calls, or from that one on all."""
    inject = f"inject={call}:error={error}:when={number}{'+' if ever else ''}"
    return "-e", f"trace={','.join(CALLS)}", "-e", inject


def counted(log: str) -> dict[str, int]:
    """Return how often each call is in a log of strace."""
    names = [line.split(maxsplit=1)[1].partition("(")[0] for line in log.splitlines()]
    return {call: names.count(call) for call in CALLS}


def lost(directory: Path, outcome: Outcome) -> int:
    """Open what a session left; return how many acknowledged edits are not there.

    Raises
    ------
    JournalError
        It cannot be read.
    """
    path = directory / "marie.sqlite"
    if path.exists():
        problem = verify_journal(path).problem
        if problem:
            raise JournalError(problem)
    with open_store(directory, "marie", snapshots=directory.parent / "snapshots") as store:
        there = {op.id for op in store.ops}
    return len(set(outcome.acknowledged) - there)
