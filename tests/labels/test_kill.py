"""SIGKILL at random instants: what was acknowledged is there, and everything can be read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from label_cases import open_store

from workbench.errors import JournalError
from workbench.labels.journal import verify_journal

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from label_cases import open_store, rectangle
with open_store(Path(sys.argv[2]), "marie") as store:
    for turn in range(100_000):
        if turn % 7 == 6:
            store.undo()
        elif turn % 5 == 4:
            store.apply_all([rectangle(5, 6, 3, 3, 1 + turn % 19), rectangle(8, 9, 2, 2, 1 + turn % 18)])
        else:
            store.apply(rectangle(4 + turn % 5, 6, 3, 3, 1 + turn % 19))
        print(store.last_id, store.labels.tobytes().hex(), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_no_acknowledged_edit_is_lost_to_a_kill(tmp_path: Path) -> None:
    rng = random.Random(5)
    directory, acknowledged = tmp_path / "journal", 0
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(directory)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            with pytest.raises(JournalError, match="another window"):
                open_store(directory, "marie")
            with open_store(directory) as reader:
                assert reader.last_id is not None
            time.sleep(rng.uniform(0, 0.25))
            os.kill(writer.pid, signal.SIGKILL)
            lines += writer.stdout.read().splitlines(keepends=True)
        whole = [line.split() for line in lines if line.endswith("\n")]
        last_id, labels = whole[-1]
        acknowledged += len(whole)
        report = verify_journal(directory / "marie.sqlite")
        assert report.problem is None
        with open_store(directory) as store:
            places = {op.id: place for place, op in enumerate(store.ops)}
            assert {op_id for op_id, _ in whole} <= set(places)
            later = {op.gesture_id for op in store.ops[places[last_id] + 1 :]}
            assert len(later) <= 1  # at most the gesture that was on its way, and that one whole
            if not later:
                assert store.labels.tobytes().hex() == labels
        with open_store(directory, "marie") as store:  # the kill left no lock
            assert store.can_undo
    assert acknowledged > 10
