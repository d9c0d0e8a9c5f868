from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import ReleaseError
from workbench.export.balancing import DomainGround, balance_folds, imbalance
from workbench.export.folds import FOLDS
from workbench.geo.zone import departments_of

KEYS = ("building", "water", "vineyard")
GROUNDS = st.lists(
    st.builds(
        DomainGround,
        name=st.builds(
            "D{}_{}".format,
            st.lists(
                st.sampled_from([f"{n:03d}" for n in range(1, 13)]), min_size=1, max_size=2, unique=True
            ).map("".join),
            st.sampled_from((2018, 2021)),
        ),
        area=st.floats(0.1, 10),
        classes=st.dictionaries(st.sampled_from(KEYS), st.floats(0.01, 5)),
    ),
    max_size=9,
    unique_by=lambda one: one.name,
)


@given(GROUNDS)
def test_years_of_a_department_stay_together_and_every_domain_has_a_fold(domains: list[DomainGround]) -> None:
    folds = balance_folds(domains, fixed={})
    assert folds.keys() == {one.name for one in domains}
    assert set(folds.values()) <= set(FOLDS)
    for one, other in product(folds, folds):
        if departments_of(one) & departments_of(other):
            assert folds[one] == folds[other]


@given(GROUNDS, st.randoms())
def test_the_sequence_of_the_domains_does_not_matter(domains: list[DomainGround], random: object) -> None:
    shuffled = list(domains)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert balance_folds(domains, fixed={}) == balance_folds(shuffled, fixed={})


@settings(max_examples=20)
@given(GROUNDS, st.sampled_from(FOLDS))
def test_a_fold_that_a_release_has_stays(domains: list[DomainGround], fold: int) -> None:
    if domains:
        fixed = {domains[0].name: fold}
        assert balance_folds(domains, fixed=fixed)[domains[0].name] == fold


@settings(max_examples=20)
@given(GROUNDS, st.sets(st.sampled_from(FOLDS), min_size=1, max_size=4), st.randoms())
def test_a_domain_comes_into_no_fold_that_it_is_barred_from(
    domains: list[DomainGround], held: set[int], random: object
) -> None:
    names = [one.name for one in domains if random.random() < 0.5]  # type: ignore[attr-defined]
    folds = balance_folds(domains, fixed={}, barred=dict.fromkeys(names, held))
    assert not {folds[name] for name in names} & held
    assert balance_folds(domains, fixed={}, barred={}) == balance_folds(domains, fixed={})


def test_few_domains_are_balanced_as_well_as_can_be() -> None:
    """All 5^6 ways are tried."""
    domains = [
        DomainGround(name=f"D0{number}1_2019", area=area, classes={"water": water, "vineyard": vines})
        for number, (area, water, vines) in enumerate(
            [
                (5.0, 1.0, 0.0),
                (3.0, 0.0, 2.0),
                (2.0, 2.0, 1.0),
                (2.0, 0.5, 0.0),
                (4.0, 0.1, 3.0),
                (1.0, 2.0, 0.2),
            ]
        )
    ]
    names = [one.name for one in domains]
    least = min(imbalance(domains, dict(zip(names, way, strict=True))) for way in product(FOLDS, repeat=6))
    assert imbalance(domains, balance_folds(domains, fixed={})) == pytest.approx(least)


def test_a_rare_class_is_spread_where_areas_alone_would_not() -> None:
    """Ten domains of one size; two of them have all the vineyards."""
    domains = [
        DomainGround(name=f"D{number:03d}_2019", area=1.0, classes={"vineyard": 1.0} if number > 8 else {})
        for number in range(1, 11)
    ]
    folds = balance_folds(domains, fixed={})
    assert sorted(list(folds.values()).count(fold) for fold in FOLDS) == [2] * 5
    assert folds["D009_2019"] != folds["D010_2019"]


def test_domains_of_one_department_that_releases_have_apart_stay_apart() -> None:
    domains = [DomainGround(name=f"D055_{year}", area=1.0, classes={}) for year in (2015, 2018, 2021)]
    folds = balance_folds(domains, fixed={"D055_2015": 4, "D055_2018": 2})
    assert (folds["D055_2015"], folds["D055_2018"]) == (4, 2)


def test_fold_that_is_none_is_refused() -> None:
    with pytest.raises(ReleaseError, match="domain D055_2018 is in fold 7; folds are 1 to 5"):
        balance_folds([DomainGround(name="D055_2018", area=1.0, classes={})], fixed={"D055_2018": 7})
