"""What zones are worth: monotone, submodular, told in reasons, and better than chance where it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pools import CLASSES, measures, task

from workbench.active.budget import Budget
from workbench.active.measures import Known
from workbench.active.value import value
from workbench.active.worth import Weights, Worth

PARTS = {
    "classes": Weights(looks=0, domains=0),
    "looks": Weights(classes=0, domains=0),
    "domains": Weights(classes=0, looks=0),
    "all": Weights(),
}


@pytest.mark.parametrize("weights", PARTS.values(), ids=PARTS)
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


def test_a_class_of_which_little_is_labelled_is_worth_more():
    pool = measures(2)
    one, other = np.zeros((2, len(CLASSES))), np.zeros((2, len(CLASSES)))
    one[0, 0], one[1, 3] = 1e5, 1e5  # as many doubtful pixels: buildings here, greenhouses there
    other[:, 0] = 1e6  # buildings are labelled, greenhouses are not
    pool = replace(pool, doubtful=one, expected=one)
    known = Known(zones=replace(measures(2, name="k"), expected=other))
    gains = Worth(pool, known, weights=PARTS["classes"]).gains()
    assert gains[1] > 2 * gains[0] > 0


def test_a_class_that_is_predicted_well_is_worth_less():
    pool, known = measures(2), measures(2, name="k")
    doubtful = np.zeros((2, len(CLASSES)))
    doubtful[0, 1], doubtful[1, 2] = 1e5, 1e5
    pool = replace(pool, doubtful=doubtful, expected=doubtful)
    known = replace(known, expected=np.full((2, len(CLASSES)), 1e4))
    quality = np.array([0.8, 0.9, 0.3, np.nan])
    worth = Worth(pool, Known(zones=known, quality=quality), weights=PARTS["classes"])
    assert worth.gains()[1] == pytest.approx(7 * worth.gains()[0])
    worth.take(1)
    assert (worth.reasons[0][0].kind, worth.reasons[0][0].told) == ("weak", "weak brushwood")


def test_a_copy_of_a_zone_that_was_taken_has_no_new_looks():
    pool = measures(6)
    features = pool.features.copy()
    features[1] = features[0]
    worth = Worth(replace(pool, features=features), Known(zones=measures(0)), weights=PARTS["looks"])
    worth.take(0)
    assert worth.gains()[1] == 0


def test_the_domain_without_a_zone_comes_first():
    pool = replace(measures(4), domains=("D010_2020", "D010_2020", "D011_2020", "D010_2020"))
    known = Known(zones=replace(measures(1, name="k"), domains=("D010_2020",)))
    worth = Worth(pool, known, weights=PARTS["domains"])
    assert worth.gains().argmax() == 2
    worth.take(2)
    assert worth.reasons[0][0].told == "D011_2020 has no zone yet"


def test_of_zones_alike_the_cheaper_is_chosen():
    pool = measures(2)
    alike = {
        name: np.repeat(getattr(pool, name)[:1], 2, axis=0) for name in ("expected", "doubtful", "features")
    }
    pool = replace(pool, domains=("D010_2020",) * 2, picks=np.array([90.0, 30.0]), **alike)
    found = value(task(candidates=pool, budget=Budget.parse("115picks"), known=Known(zones=measures(0))))
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
    found = value(task(candidates=measures(40, doubt=False), known=Known(zones=measures(0))))
    assert len({task().candidates.domains[row] for row in found.rows[:3]}) == 3
