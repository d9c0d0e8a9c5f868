"""The benchmark of storage and display runs from end to end, on a small scene. Nothing asks for times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from segmentation_oracles import scene

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "storage_and_display.py"


def test_the_benchmark_runs_from_image_to_table(tmp_path):
    np.save(tmp_path / "image.npy", scene(1, side=600))
    options = ["--image", tmp_path / "image.npy", "--leaves", "900", "--repeat", "1"]
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, *options, "--json", figures], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(figures.read_text())
    assert 500 < document["leaves"] <= 900
    assert document["file_bytes"] >= sum(document["dataset_bytes"].values())
    assert [row["side"] for row in document["refine"]] == [64, 128, 256, 512]
    assert all(row["leaves_after"] > row["leaves_before"] for row in document["refine"])
    assert "| **file** |" in done.stdout
