"""The benchmark of leakage runs from made index to table: what it plants is found. Nothing asks for times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "leakage.py"


def test_all_that_is_planted_in_an_index_is_found_and_nothing_else(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    options = ["--patches", "5000", "--scenes", "0", "--json", figures]
    done = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(figures.read_text())["sizes"]
    for kind in ("overlap", "distance", "duplicate"):
        assert row[kind]["planted"] > 20, kind
        assert row[kind]["found"] == row[kind]["planted"], kind
        assert row[kind]["invented"] == 0, kind
    assert row["candidates"] > row["duplicate"]["planted"]
