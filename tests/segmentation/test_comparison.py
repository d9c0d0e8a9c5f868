"""The comparison with other segmentations runs from end to end, on a tiny image.

Nothing here asks how long anything took. `tests/benchmarks` itself is not collected.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from segmentation_oracles import pixel_energy, scene

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
METHODS = ["plain", "default", "higra", "felzenszwalb", "slic", "seeds", "slico"]
TREES = ("plain", "default", "higra")


def compare(folder, *options, hidden=()):
    """Run the script in a process that cannot import some modules; return its output and its document."""
    for name in hidden:
        (folder / f"{name}.py").write_text(f"raise ModuleNotFoundError('hidden', name={name!r})\n")
    script, figures = BENCHMARKS / "compare_segmentation.py", folder / "figures.json"
    done = subprocess.run(
        [sys.executable, script, "--sizes", "0.02", "--json", figures, *options],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(figures.read_text())


def shares(quality):
    yield quality["ev"]
    for truth in ("classes", "objects"):
        yield from (quality[truth][measure] for measure in ("asa", "br", "bp"))


def test_the_comparison_runs_from_scene_to_table(tmp_path):
    drawn = importlib.util.find_spec("matplotlib") is not None
    plot = tmp_path / "figure.png"
    text, document = compare(tmp_path, *(["--plot", plot] if drawn else []))
    assert plot.exists() == drawn
    (result,) = document["results"]
    cases = {case["method"]: case for case in result["cases"]}
    assert list(cases) == METHODS
    assert not [case for case in cases.values() if "failed" in case]
    table = text.split("\n\n")[1].splitlines()
    assert len({line.count("|") for line in table}) == 1
    assert len(table) == 2 + len(METHODS)
    done = [name for name in METHODS if "missing" not in cases[name]]
    assert set(result["judged"]) == set(done)
    for name in done:
        case, judged = cases[name], result["judged"][name]
        assert case["cpu_s"] > 0
        assert case["wall_s"] > 0
        assert judged["quality"]["regions"] <= case["regions"] < result["pictures"][0]["pixels"]
        assert all(0.0 <= share <= 1.0 for share in shares(judged["quality"]))
        assert ("energies" in judged) == (name in TREES)
        if name not in ("plain", "default"):
            for ours in judged["ours"].values():
                assert ours["regions"] <= judged["quality"]["regions"]
                assert all(0.0 <= share <= 1.0 for share in shares(ours))
    if "higra" in done:
        assert all(0.9 < ratio < 10 for ratio in result["judged"]["plain"]["energy_ratios"])


def test_a_peer_that_is_not_installed_is_a_row_that_says_so(tmp_path):
    text, document = compare(tmp_path, "--methods", "seeds,slico", hidden=["cv2"])
    assert [case["missing"] for case in document["results"][0]["cases"]] == ["cv2", "cv2"]
    assert text.count("not installed (cv2)") == 2


def test_energies_of_higra_trees_are_those_of_their_partitions(monkeypatch):
    hg = pytest.importorskip("higra")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from higra_energies import energies_and_labels

    image = scene(3, side=24)
    values = np.moveaxis(image, 0, 2).reshape(-1, image.shape[0]).astype(np.float64)
    tree, _ = hg.binary_partition_tree_MumfordShah_energy(hg.get_4_adjacency_graph((24, 24)), values)
    scales = (0.0, 100.0, 1000.0, 10000.0)
    for at, scale in enumerate(scales):
        energies, labels = energies_and_labels(tree, image, scales, scale)
        rise, length = pixel_energy(image, labels)
        assert energies[at] == pytest.approx(rise + scale * length)
