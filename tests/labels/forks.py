"""Children by the dozen: a process that loads what it needs once, and forks a child for each trial.

Forking costs milliseconds where starting Python and its libraries costs a second. ``python forks.py
MODULE:FUNCTION`` is that process; `Forker` starts it. It calls the module's ``warm_up`` first, and in each
child the function, with ``say`` and the keyword arguments of `Forker.start`. What a child says arrives at
`Forker.said` line by line.
"""

# ruff: noqa: T201 - it talks to the process that starts it

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

Say = Callable[[str], None]
_DEAD = "dead "


class Forker:
    """A process that forks children, one at a time."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.status = 0
        """Exit status of the last child, negative where a signal ended it."""

    def start(self, *, held: bool = False, **arguments: Any) -> int:
        """Start a child and return its process id; one that is held waits for `release`."""
        self._tell(json.dumps({"held": held, "arguments": arguments}, default=str))
        return int(self._line())

    def release(self) -> None:
        """Let a child go that is held."""
        self._tell("go")

    def said(self, most: int | None = None) -> Iterator[str]:
        """Yield what the child says, until it is dead or has said so many lines; no line is cut."""
        while most is None or most > 0:
            line = self._line()
            if line.startswith(_DEAD):
                self.status = int(line.removeprefix(_DEAD))
                return
            most = None if most is None else most - 1
            if line.startswith(">") and line.endswith(".\n"):
                yield line[1:-2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the forking process ended"
        return line


def say(text: str) -> None:
    """Print a line whole; not by ``write``, which may be made to fail in a child."""
    os.writev(1, [f">{text}.\n".encode()])


def _serve(function: Callable[..., None]) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(writing)
            print(os.getpid(), flush=True)
            if order["held"]:
                os.read(reading, 1)
            status = 1
            try:
                function(say, **order["arguments"])
                status = 0
            except BaseException:  # the child ends here, whatever came
                traceback.print_exc()
            finally:
                os._exit(status)
        if order["held"]:
            assert sys.stdin.readline() == "go\n"
            os.write(writing, b"g")
        os.close(reading)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        print(f"\n{_DEAD}{os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    name, _, called = sys.argv[1].partition(":")
    module = importlib.import_module(name)
    module.warm_up()  # whatever has to be loaded or compiled is, before the first fork
    _serve(getattr(module, called))
