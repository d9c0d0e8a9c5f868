"""SIGKILL at random instants: a writer that acknowledges each edit, and what is left of its store.

``python kills.py WRITER`` is a process that forks a writer for each folder it reads from its input: forking
costs milliseconds where starting Python and its libraries costs a second. `killed` uses it.
"""

# ruff: noqa: T201 - it talks to the process that starts it

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

SHAPE = (512, 512)


def write_journal_edits(directory: Path, acknowledge: Callable[[str], None]) -> None:
    """Edit a zone without end: picks, gestures of two edits, undo and redo."""
    from label_cases import open_store, rectangle

    with open_store(directory, "marie", snapshots=directory.parent / "snapshots") as store:
        for turn in range(100_000):
            if turn % 7 == 6:
                store.undo()
            elif turn % 11 == 10 and store.redo_steps:
                store.redo()
            elif turn % 5 == 4:
                store.apply_all([rectangle(5, 6, 3, 3, 1 + turn % 19), rectangle(8, 9, 2, 2, 1 + turn % 18)])
            else:
                store.apply(rectangle(4 + turn % 5, 6, 3, 3, 1 + turn % 19))
            acknowledge(f"{store.last_id} {store.labels.tobytes().hex()}")
            if turn % 3 == 2:
                store.snapshot()


def write_hdf5_edits(directory: Path, acknowledge: Callable[[str], None], flushed: int = 1) -> None:
    """Do what other tools do: change labels in place in an HDF5 file, and flush after so many edits."""
    import h5py

    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng()
    with h5py.File(directory / "labels.h5", "a") as file:
        labels = file.require_dataset("labels", SHAPE, "u1", chunks=(256, 256), compression="gzip")
        edits = file.require_group("edits")
        for number in range(len(edits), 100_000):
            row, col = (int(at) for at in rng.integers(0, 448, 2))
            code = 1 + number % 19
            labels[row : row + 64, col : col + 64] = code
            edits.create_dataset(f"{number:06}", data=np.array([row, col, code]))
            if number % flushed == 0:
                file.flush()
            acknowledge(f"{number:06}")


WRITERS = {
    "journal": write_journal_edits,
    "hdf5": write_hdf5_edits,
    "hdf5-20": partial(write_hdf5_edits, flushed=20),
}


def killed(writer: str, directory: Path, kills: int, *, seed: int) -> Iterator[list[str]]:
    """Kill a writer again and again; yield what it had acknowledged each time, before it starts anew."""
    rng = random.Random(seed)
    command = [sys.executable, __file__, writer]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forker:
        assert forker.stdin is not None
        assert forker.stdout is not None
        for number in range(kills):
            print(directory, file=forker.stdin, flush=True)
            pid = int(forker.stdout.readline())
            # Every other time after an edit at least, however slow the machine is.
            said = [forker.stdout.readline()] if number % 2 else []
            time.sleep(rng.uniform(0, 0.12) ** 1.5 * 3)
            os.kill(pid, signal.SIGKILL)
            while (line := forker.stdout.readline()) != "dead\n":
                said.append(line)
            yield [line.rstrip("\n") for line in said if line.endswith("\n")]
        forker.stdin.close()


def _fork(write: Callable[[Path, Callable[[str], None]], None]) -> None:
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            print(os.getpid(), flush=True)
            write(Path(line.strip()), lambda text: print(text, flush=True))
            os._exit(0)
        os.waitpid(pid, 0)
        print("\ndead", flush=True)


if __name__ == "__main__":
    # Whatever has to be loaded or compiled is, before the first fork.
    import h5py  # noqa: F401
    from label_cases import open_store, rectangle

    scratch = Path(sys.argv[0]).with_name("nowhere")
    assert open_store(scratch).coverage() == 0
    rectangle(5, 6, 3, 3, 1)
    _fork(WRITERS[sys.argv[1]])
