"""What zones tell of their labels, added up; figures made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.export.label_facts import label_facts

NONE = {"value": None, "low": None, "high": None}


def origins(*pixels: int) -> dict[str, int]:
    names = ("drawn", "picked", "imported", "kept", "corrected", "untouched")
    return dict(zip(names, pixels, strict=True))


def agreement(same: int, moved: int, other: int, **overall: float) -> dict[str, Any]:
    """Return what a zone of two classes tells: all that is the same is water."""
    pixels = same + moved + other
    return {
        "pixels": pixels,
        "same": same,
        "overall": overall or {"value": same / pixels, "low": 0.0, "high": 1.0},
        "kappa": NONE,
        "borders": {},
        "classes": {"water": {"both": same, "either": pixels}, "snow": {"both": 0, "either": moved + other}},
        "pairs": [{"classes": ["snow", "water"], "boundary": moved, "class": other}],
    }


def bias(against: str, labels: tuple[int, float], hand: tuple[int, float]) -> dict[str, Any]:
    told = {
        name: {"edgels": n, "share": share, "chance": 0.1}
        for name, (n, share) in {"labels": labels, "reference": hand}.items()
    }
    interval = {"value": labels[1] - hand[1], "low": 0.01, "high": 0.9}
    return {"against": against, "pixels": 9, "bias": interval, "unsteady": {}, **told}


def test_sums_of_zones_make_the_figures() -> None:
    zones = [
        {"id": "A", "origins": origins(1, 2, 3, 4, 5, 6), "agreement": [agreement(80, 15, 5)]},
        {"id": "B", "origins": origins(10, 0, 0, 0, 0, 1), "agreement": [agreement(10, 0, 90)]},
        {"id": "C"},
    ]
    found = label_facts(zones)
    assert (found.zones, found.told) == (3, 2)
    assert found.origins == origins(11, 2, 3, 4, 5, 7)
    agreed = found.agreed
    assert agreed is not None
    assert (agreed.zones, agreed.pixels, agreed.overall.value) == (2, 200, 0.45)
    # Drawn anew, two zones are one of them twice, or both: 0.1, 0.45, 0.8.
    assert (agreed.overall.low, agreed.overall.high) == (0.1, 0.8)
    assert agreed.classes == {"water": (90, 200), "snow": (0, 110)}
    assert agreed.pairs == (("snow", "water", 15, 95),)
    assert agreed.boundary == pytest.approx(15 / 110)
    assert found.document()["agreement"]["classes"]["water"] == {"both": 90, "either": 200, "iou": 0.45}


def test_one_zone_keeps_the_interval_that_it_was_measured_with() -> None:
    told = {"value": 0.8, "low": 0.7, "high": 0.85}
    agreed = label_facts([{"id": "A", "agreement": [agreement(80, 20, 0, **told)]}]).agreed
    assert agreed is not None
    assert agreed.overall.document() == told
    (one,) = label_facts([{"id": "A", "bias": bias("own", (300, 0.6), (400, 0.2))}]).biased
    assert (one.bias.low, one.bias.high) == (0.01, 0.9)


def test_biases_are_weighed_by_border_and_told_apart_by_what_they_are_against() -> None:
    zones = [
        {"id": "A", "bias": bias("second", (100, 0.5), (300, 0.1))},
        {"id": "B", "bias": bias("second", (300, 0.9), (100, 0.5))},
        {"id": "C", "bias": bias("own", (500, 1.0), (500, 0.0))},
    ]
    second, own = label_facts(zones).biased
    assert (second.against, second.zones, second.edgels) == ("second", 2, 400)
    assert (second.labels, second.reference) == pytest.approx((0.8, 0.2))
    assert second.bias.value == pytest.approx(0.6)
    assert (own.against, own.bias.value) == ("own", 1.0)


def test_a_release_that_tells_nothing_has_no_figures() -> None:
    found = label_facts([{"id": "A"}])
    assert (found.told, found.origins, found.agreed, found.biased) == (0, {}, None, ())


@given(st.lists(st.tuples(*[st.integers(1, 1000)] * 3), min_size=1, max_size=6), st.randoms())
def test_the_order_of_zones_does_not_move_a_figure(told: list[tuple[int, int, int]], random: Any) -> None:
    zones = [{"id": str(number), "agreement": [agreement(*one)]} for number, one in enumerate(told)]
    shuffled = random.sample(zones, len(zones))
    one, other = (label_facts(some).agreed for some in (zones, shuffled))
    assert one is not None
    assert other is not None
    assert one.overall.value == other.overall.value
    assert (one.classes, one.pairs, one.boundary) == (other.classes, other.pairs, other.boundary)
    assert np.isclose(one.overall.value, sum(a for a, _, _ in told) / sum(map(sum, told)))
