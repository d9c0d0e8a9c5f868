"""Agreement: known answers, and planted errors that come out under the right name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from workbench.assessment.agreement import DISTANCES, measure_agreement
from workbench.errors import EditRefused

WHOLE = np.ones((400, 500), np.bool_)


def compare(first: NDArray[np.uint8], second: NDArray[np.uint8], footprint: NDArray[np.bool_] = WHOLE):  # type: ignore[no-untyped-def]
    return measure_agreement(first, second, footprint, rng=np.random.default_rng(0))


def patchwork(seed: int, shape: tuple[int, int] = (400, 500), regions: int = 300) -> NDArray[np.intp]:
    """Regions of some pixels around random places, as numbers."""
    rng = np.random.default_rng(seed)
    places = np.ones(shape, np.bool_)
    flat = rng.choice(places.size, regions, replace=False)
    places.flat[flat] = False
    _, nearest = ndimage.distance_transform_edt(places, return_indices=True)
    numbers = np.zeros(shape, np.intp)
    numbers.flat[flat] = np.arange(regions)
    return numbers[tuple(nearest)]


def test_who_says_the_same_agrees() -> None:
    labels = (patchwork(1) % 6 + 1).astype(np.uint8)
    found = compare(labels, labels)
    assert found.pixels == labels.size
    assert (found.overall.value, found.kappa.value) == (1.0, 1.0)
    assert all(interval.value == 1.0 for interval in (*found.classes.values(), *found.borders.values()))
    assert found.pairs == ()
    assert found.boundary is None


def test_figures_of_a_small_table_are_those_by_hand() -> None:
    """Cohen's own example is 20, 5, 10, 15 of 50: agreement .7, kappa .4."""
    first = np.repeat([1, 1, 2, 2], (20, 5, 10, 15)).astype(np.uint8).reshape(5, 10)
    second = np.repeat([1, 2, 1, 2], (20, 5, 10, 15)).astype(np.uint8).reshape(5, 10)
    found = compare(first, second, np.ones((5, 10), np.bool_))
    assert found.overall.value == pytest.approx(0.7)
    assert found.kappa.value == pytest.approx(0.4)
    assert found.classes[1].value == pytest.approx(20 / 35)
    assert found.classes[2].value == pytest.approx(15 / 30)


def test_only_what_both_labelled_counts() -> None:
    first = np.full((400, 500), 3, np.uint8)
    second = first.copy()
    first[:10], second[-20:] = 0, 0
    footprint = WHOLE.copy()
    footprint[:, :100] = False
    found = compare(first, second, footprint)
    assert (found.pixels, found.only_first, found.only_second) == (370 * 400, 20 * 400, 10 * 400)
    assert found.overall.value == 1
    with pytest.raises(EditRefused, match="no pixel that both labelled"):
        compare(first, np.zeros_like(second))


def test_the_order_of_the_two_does_not_matter() -> None:
    first = (patchwork(1) % 6 + 1).astype(np.uint8)
    second = (patchwork(2) % 6 + 1).astype(np.uint8)
    one, other = compare(first, second), compare(second, first)
    assert one.pairs == other.pairs
    assert one.kappa.value == pytest.approx(other.kappa.value)
    assert one.borders[3].value == pytest.approx(other.borders[3].value)
    assert abs(one.kappa.value) < 0.1
    assert one.kappa.low < one.kappa.value < one.kappa.high


def test_planted_errors_come_out_named_and_under_the_right_kind() -> None:
    """Regions of one class given another on the left, borders moved by 3 pixels on the right."""
    numbers = patchwork(3, (1200, 1600), 2400)
    rng = np.random.default_rng(3)
    classes = rng.choice([1, 5, 7, 10, 11], 2400)
    truth = classes[numbers].astype(np.uint8)
    left = np.arange(1600) < 800
    crops = [number for number in np.unique(numbers[:, :780]) if classes[number] == 11][:200]
    assert len(crops) == 200
    second = truth.copy()
    planted = np.isin(numbers, crops) & left
    second[planted] = 10  # agricultural land taken for grass
    second[:, 800:] = np.roll(truth, 3, axis=0)[:, 800:]
    found = compare(truth, second, np.ones(truth.shape, np.bool_))
    worst = found.pairs[0]
    assert worst.classes == (10, 11)
    moved = (truth != second) & ~planted
    assert worst.label > 0.8 * planted.sum()
    assert sum(pair.label for pair in found.pairs[1:]) < 0.05 * moved.sum()
    assert sum(pair.boundary for pair in found.pairs) > 0.95 * moved.sum()
    assert found.borders[1].value < found.borders[3].value <= found.borders[5].value
    assert found.classes[11].value == min(interval.value for interval in found.classes.values())
    assert found.overall.low < found.overall.value < found.overall.high


def test_planted_errors_in_a_made_scene_come_out_under_the_right_kind(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[1] / "benchmarks" / "agreement_planted.py"
    options = ["--megapixels", "1.44", "--json", tmp_path / "planted.json"]
    subprocess.run([sys.executable, script, *options], check=True, capture_output=True)
    (found,) = json.loads((tmp_path / "planted.json").read_text())
    assert found["rank"] == 1
    assert found["regions"] >= 20
    assert found["as class"] > 0.95 * found["swapped px"]
    assert found["as borders"] > 0.95 * found["shifted px"]
    assert found["class elsewhere"] < 0.02 * found["shifted px"]


@pytest.mark.parametrize("shift", [1, 2, 4])
def test_a_moved_border_is_found_within_its_distance(shift: int) -> None:
    first = np.full((400, 500), 1, np.uint8)
    second = first.copy()
    first[:, 250:], second[:, 250 + shift :] = 2, 2
    found = compare(first, second)
    assert [found.borders[distance].value for distance in DISTANCES] == [
        float(distance >= shift) for distance in DISTANCES
    ]
    assert found.boundary == 1
    assert found.pairs[0].boundary == 400 * shift
