"""The measurement of where to look first runs from scene to table, and flatters no order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_looks_never_put_less_right_and_no_order_puts_more_right_than_the_best(tmp_path):
    pytest.importorskip("torch")
    figures = tmp_path / "figures.json"
    options = ["--scenes", "1", "--side", "160", "--seeds", "1", "--json", figures]
    script = BENCHMARKS / "next_region.py"
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    walks = json.loads(figures.read_text())["walks"]
    groups = {walk["group"] for walk in walks}
    assert groups == {"made, the model that ships", *(f"made, simulated {share}%" for share in (65, 75, 85))}
    for group in groups:
        own = {walk["order"]: walk["accuracy"] for walk in walks if walk["group"] == group}
        assert {"confidence", "size", "power 3", "weak", "chance", "best"} <= own.keys()
        for accuracy in own.values():
            assert accuracy == sorted(accuracy)
            assert accuracy[0] == pytest.approx(own["best"][0])
            assert all(one <= best + 1e-9 for one, best in zip(accuracy, own["best"], strict=True))
            assert accuracy[-1] == pytest.approx(own["best"][-1])  # so small a zone is seen in all
    assert any(walk["accuracy"][-1] > walk["accuracy"][0] for walk in walks)
