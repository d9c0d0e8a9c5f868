"""What zones are worth: monotone, submodular, told in reasons, and better than chance where it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pools import CLASSES, measures, task

from workbench.active.budget import Budget
from workbench.active.measures import Known, Measures
from workbench.active.parts import Parts
from workbench.active.value import value
from workbench.active.worth import Weights, Worth

WEIGHTS = {
    "grounds": Weights(domains=0),
    "domains": Weights(grounds=0),
    "both": Weights(),
}
MEADOW, LAKE, ROOFS = np.eye(3)
"""Looks that are no more like each other than any other two."""


def ground(*parts: tuple[np.ndarray, int, float, float]) -> Parts:
    """Return parts of a look, class, pixels, and mean doubt of these."""
    looks, classes, pixels, doubt = zip(*parts, strict=True)
    return Parts(
        looks=np.array(looks),
        classes=np.array(classes),
        pixels=np.array(pixels),
        doubtful=np.array(pixels) * np.array(doubt),
    )


def zones(*parts: Parts, name: str = "c") -> Measures:
    """Return zones of one domain, made of these, and otherwise alike."""
    sums = {
        column: np.array(
            [np.bincount(one.classes + 1, getattr(one, of), len(CLASSES) + 1)[1:] for one in parts]
        ).reshape(len(parts), len(CLASSES))
        for column, of in (("expected", "pixels"), ("doubtful", "doubtful"))
    }
    few = measures(len(parts), name=name, domains=1)
    return replace(few, **sums, parts=parts, picks=np.full(len(parts), 40.0))


NOTHING = Known(zones=zones(name="k"))


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
@settings(max_examples=20)
@given(seed=st.integers(0, 1000), doubt=st.booleans())
def test_gains_are_never_below_0_and_never_rise(weights, seed, doubt):
    rng = np.random.default_rng(seed)
    known = Known(zones=measures(4, seed=seed + 1, name="k"))
    worth = Worth(measures(15, seed=seed, doubt=doubt), known, weights=weights)
    before = worth.gains()
    assert (before >= 0).all()
    for row in rng.permutation(15)[:6].tolist():
        worth.take(row)
        after = worth.gains()
        assert (after >= -1e-12).all()
        assert (after <= before + 1e-12).all()
        before = after


def test_the_whole_pool_is_worth_the_weights():
    pool = measures(12)
    worth = Worth(pool, Known(zones=measures(4, seed=1, name="k")), weights=Weights(grounds=3, domains=0.5))
    total = 0.0
    for row in range(12):
        total += worth.gains()[row]
        worth.take(row)
    assert total == pytest.approx(3.5)


def test_of_as_many_doubtful_pixels_those_count_more_of_which_less_is_labelled():
    pool = zones(ground((MEADOW, 0, 1e5, 0.2)), ground((LAKE, 1, 1e5, 0.2)))
    known = Known(zones=zones(ground((MEADOW, 0, 1e6, 0.0)), name="k"))
    gains = Worth(pool, known, weights=WEIGHTS["grounds"]).gains()
    assert gains[1] > 2 * gains[0] > 0


def test_what_looks_like_nothing_labelled_counts_whatever_the_model_takes_it_for():
    pool = zones(ground((MEADOW, 0, 1e5, 0.2)), ground((LAKE, 0, 1e5, 0.2)))
    known = Known(zones=zones(ground((MEADOW, 0, 1e6, 0.0)), name="k"))
    worth = Worth(pool, known, weights=WEIGHTS["grounds"])
    assert worth.gains()[1] > 2 * worth.gains()[0] > 0
    worth.take(1)
    assert [one.told for one in worth.reasons[0]] == [
        "100% looks like nothing that is labelled or chosen, taken for building"
    ]


def test_what_the_model_is_sure_of_is_worth_nothing():
    pool = zones(ground((MEADOW, 0, 1e6, 0.0)), ground((MEADOW, 0, 1e3, 0.5)))
    assert Worth(pool, NOTHING, weights=WEIGHTS["grounds"]).gains().tolist() == [0, pytest.approx(1)]


def test_a_class_that_is_predicted_well_is_worth_less():
    pool = zones(ground((MEADOW, 1, 1e5, 0.3)), ground((MEADOW, 2, 1e5, 0.3)))
    known = zones(ground((MEADOW, 1, 1e4, 0), (MEADOW, 2, 1e4, 0)), name="k")
    quality = np.array([0.8, 0.9, 0.3, np.nan])
    worth = Worth(pool, Known(zones=known, quality=quality), weights=WEIGHTS["grounds"])
    assert worth.gains()[1] == pytest.approx(7 * worth.gains()[0])
    worth.take(1)
    assert (worth.reasons[0][0].kind, worth.reasons[0][0].told) == ("weak", "weak brushwood")


def test_a_copy_of_a_zone_is_worth_less_once_the_zone_was_taken():
    pool = zones(ground((MEADOW, 0, 1e5, 0.3)), ground((MEADOW, 0, 1e5, 0.3)), ground((LAKE, 1, 1e5, 0.3)))
    worth = Worth(pool, NOTHING, weights=WEIGHTS["grounds"])
    before = worth.gains()
    worth.take(0)
    after = worth.gains()
    assert before[1] == before[0] > 4 * after[1]
    assert after[2] == before[2]


def test_the_domain_without_a_zone_comes_first():
    pool = replace(measures(4), domains=("D010_2020", "D010_2020", "D011_2020", "D010_2020"))
    known = Known(zones=replace(measures(1, name="k"), domains=("D010_2020",)))
    worth = Worth(pool, known, weights=WEIGHTS["domains"])
    assert worth.gains().argmax() == 2
    worth.take(2)
    assert worth.reasons[0][0].told == "D011_2020 has no zone yet"


def test_of_zones_alike_the_cheaper_is_chosen():
    pool = replace(
        zones(ground((MEADOW, 0, 1e5, 0.3)), ground((MEADOW, 0, 1e5, 0.3))), picks=np.array([90.0, 30.0])
    )
    found = value(task(candidates=pool, budget=Budget.parse("115picks"), known=NOTHING))
    assert found.rows == [1]


def test_reasons_are_of_several_kinds_and_add_up():
    found = value(task())
    for one in found.chosen:
        assert sum(reason.share for reason in one.reasons) == pytest.approx(1)
        assert [reason.share for reason in one.reasons] == sorted(
            (reason.share for reason in one.reasons), reverse=True
        )
    assert {"uncovered", "domain"} < {reason.kind for one in found.chosen for reason in one.reasons}


def test_it_tells_how_good_the_choice_is_at_least():
    assert 0.3 < value(task()).reached <= 1


def test_without_a_model_or_a_label_it_goes_by_looks_and_domains():
    pool = measures(40, doubt=False)
    pool = replace(pool, parts=tuple(replace(one, classes=np.full(len(one), -1)) for one in pool.parts))
    found = value(task(candidates=pool, known=Known(zones=measures(0))))
    assert len({pool.domains[row] for row in found.rows[:3]}) == 3


def test_without_a_model_what_is_labelled_already_is_worth_less_whatever_its_class():
    pool = zones(ground((MEADOW, -1, 1e5, 0)), ground((ROOFS, -1, 1e5, 0)))
    known = Known(zones=zones(ground((MEADOW, 2, 1e6, 0)), name="k"))
    worth = Worth(pool, known, weights=WEIGHTS["grounds"])
    assert worth.gains()[1] > 10 * worth.gains()[0] > 0
    worth.take(0)
    assert [one.kind for one in worth.reasons[0]] == ["scarce"]
