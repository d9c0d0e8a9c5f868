"""SIGKILL at random instants: what was said before, and what is left on the disk.

The functions at the top are what children do (see `forks`): edit a zone without end, or run a command.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from forks import Forker, Say
from label_cases import any_edit, open_store

from workbench.errors import WorkbenchError

SHAPE = (512, 512)


def journal(say: Say, directory: str, turns: int = 100_000) -> None:
    """Edit a zone in all ways that there are, and write a snapshot now and then."""
    home = Path(directory)
    with open_store(home, "marie", snapshots=home.parent / "snapshots") as store:
        for turn in range(turns):
            any_edit(store, turn)
            say(f"{store.last_id} {store.labels.tobytes().hex()}")
            if turn % 3 == 2:
                store.snapshot()


def snapshots(say: Say, directory: str) -> None:
    """Write one snapshot after the other."""
    home = Path(directory)
    with open_store(home, "marie", snapshots=home.parent / "snapshots") as store:
        for turn in range(100_000):
            any_edit(store, turn)
            say(f"{store.last_id} {store.labels.tobytes().hex()}")
            store.snapshot()


def hdf5(say: Say, directory: str, flushed: int = 1) -> None:
    """Do what other tools do: change labels in place in an HDF5 file, and flush after so many edits."""
    import h5py

    home = Path(directory)
    home.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng()
    with h5py.File(home / "labels.h5", "a") as file:
        labels = file.require_dataset("labels", SHAPE, "u1", chunks=(256, 256), compression="gzip")
        edits = file.require_group("edits")
        for number in range(len(edits), 100_000):
            row, col = (int(at) for at in rng.integers(0, 448, 2))
            code = 1 + number % 19
            labels[row : row + 64, col : col + 64] = code
            edits.create_dataset(f"{number:06}", data=np.array([row, col, code]))
            if number % flushed == 0:
                file.flush()
            say(f"{number:06}")


def command(say: Say, arguments: Sequence[str], limit: int = 0) -> None:
    """Run a command of the workbench; say how it ended, and what it said on standard error.

    With a limit no file may grow above so many bytes, as on a full disk.
    """
    from faults import limit_files

    from workbench.cli import workbench

    said, code = io.StringIO(), 0
    if limit:
        limit_files(limit)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            workbench(list(arguments), standalone_mode=False)
        except WorkbenchError as error:
            code = 1
            said.write(str(error))
        except OSError as error:  # as `workbench.cli.main` prints it
            code = 1
            said.write(f"{error.filename}: {error.strerror}; look at its rights and the room on the disk")
        except SystemExit as left:
            code = int(left.code or 0)
    say(json.dumps({"code": code, "said": said.getvalue()}))


def warm_up() -> None:
    """Load and compile what the children need."""
    import geopandas  # noqa: F401
    import h5py  # noqa: F401
    import pyarrow  # noqa: F401
    import rasterio  # noqa: F401

    import workbench.workflows.publishing  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        journal(lambda text: None, str(Path(folder, "journal")), turns=24)


def killed(program: str, directory: Path, kills: int, *, seed: int, **options: Any) -> Iterator[list[str]]:
    """Kill a writer again and again; yield what it had acknowledged each time, before it starts anew."""
    rng = random.Random(seed)
    with Forker(f"kills:{program}") as forker:
        for number in range(kills):
            pid = forker.start(directory=directory, **options)
            # Every other time after an edit at least, however slow the machine is.
            said = list(forker.said(most=1)) if number % 2 else []
            time.sleep(rng.uniform(0, 0.12) ** 1.5 * 3)
            os.kill(pid, signal.SIGKILL)
            yield said + list(forker.said())


def run_command(forker: Forker, *arguments: object, limit: int = 0) -> dict[str, Any]:
    """Run a command in a child to its end."""
    forker.start(arguments=[str(argument) for argument in arguments], limit=limit)
    said = list(forker.said())
    assert said, f"the command died with status {forker.status}"
    return dict(json.loads(said[-1]))


def kill_command(forker: Forker, after: float, *arguments: object) -> bool:
    """Kill a command after some seconds; return whether it was still at work."""
    pid = forker.start(arguments=[str(argument) for argument in arguments])
    time.sleep(after)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    list(forker.said())
    return forker.status < 0
