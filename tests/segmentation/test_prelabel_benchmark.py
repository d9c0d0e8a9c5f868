"""The measurement of pre-labels runs from scene to table, on a tiny scene."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_picks_left_are_counted_after_each_kind_of_prelabels(tmp_path):
    figures = tmp_path / "figures.json"
    options = ["--scenes", "1", "--side", "160", "--network", "", "--prices", "20", "--json", figures]
    script = BENCHMARKS / "prelabel_picks.py"
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(figures.read_text())["rows"]
    methods = {row["method"] for row in rows}
    assert {
        "nothing",
        "pixels",
        "vote, best for 95%",
        "explained 20",
        "nested 20",
        "explained one 20",
    } <= methods
    assert {row["group"] for row in rows} == {f"made, simulated {share}%" for share in (65, 75, 85)}
    for row in rows:
        if row["method"] == "pixels":
            assert abs(100 * row["accuracy"] - int(row["group"][-3:-1])) < 1
