"""The measurement of expected picks runs from scene to table, and its ranks are those of its cases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import kendalltau, spearmanr

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_ranks_and_pairs_are_those_of_the_cases_and_models_leave_no_more_than_nothing(tmp_path):
    pytest.importorskip("torch")
    figures = tmp_path / "figures.json"
    options = ["--scenes", "6", "--side", "192", "--json", figures]
    script = BENCHMARKS / "expected_picks.py"
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(figures.read_text())
    groups = [row["group"] for row in told["rows"]]
    cases = {group: [one for one in told["cases"] if one["group"] == group] for group in groups}
    assert [len(own) for own in cases.values()] == [6, 6, 6, 6]
    for row in told["rows"]:
        expected, real = ([one[name] for one in cases[row["group"]]] for name in ("expected", "real"))
        expected = [round(one, 1) for one in expected]
        assert row["rank"] == pytest.approx(spearmanr(expected, real).statistic)
        assert row["at_most"] <= 1
        assert 0 <= row["pairs"] <= 1
        if len(set(real)) == len(set(expected)) == 6:
            assert row["pairs"] == pytest.approx((1 + kendalltau(expected, real).statistic) / 2)
    nothing = {one["zone"]: one for one in cases["scenes, no model"]}
    for one in cases["scenes, as they are"]:
        assert one["expected"] <= nothing[one["zone"]]["expected"]
        assert one["right"] > 0.3
