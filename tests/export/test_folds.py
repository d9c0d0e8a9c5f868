from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ReleaseError
from workbench.export.folds import FOLDS, PROD, SEED, SPLITS, assign_fold, fold_for, splits_of_zone

ZONE_IDS = st.from_regex(r"D\d{3}_20\d\d/Z\d{1,3}_[A-Z]{2}", fullmatch=True)


@given(st.dictionaries(st.sampled_from(FOLDS), st.floats(0, 1e9)))
def test_new_domain_goes_to_the_emptiest_fold_and_ties_to_the_smaller_number(areas: dict[int, float]) -> None:
    chosen = assign_fold(areas)
    assert all((areas.get(chosen, 0), chosen) <= (areas.get(fold, 0), fold) for fold in FOLDS)


def test_domains_of_equal_area_fill_the_folds_in_turn() -> None:
    areas: dict[int, float] = {}
    given_folds = []
    for _ in range(7):
        fold = assign_fold(areas)
        areas[fold] = areas.get(fold, 0) + 10485.76
        given_folds.append(fold)
    assert given_folds == [1, 2, 3, 4, 5, 1, 2]


def test_a_joined_domain_is_of_both_its_departments() -> None:
    areas = dict.fromkeys(FOLDS[1:], 9.0)
    assert fold_for("D024047_2021", {"D047_2018": 3}, areas) == 3
    assert fold_for("D024_2018", {"D024047_2021": 3}, areas) == 3
    assert fold_for("D047_2018", {"D024047_2021": 3}, areas) == 3
    assert fold_for("D040_2018", {"D024047_2021": 3}, areas) == 1  # not by the digits where they join


def test_a_joined_domain_of_departments_in_several_folds_goes_to_most_of_their_domains() -> None:
    folds = {"D024_2018": 2, "D047_2018": 4, "D047_2021": 4}
    assert fold_for("D024047_2022", folds, {}) == 4


def test_fold_outside_one_to_five_is_refused() -> None:
    with pytest.raises(ReleaseError, match="fold 6 is not one of 1–5"):
        assign_fold({6: 1.0})
    with pytest.raises(ReleaseError, match="D055_2018/Z2_UF: fold 0"):
        splits_of_zone("D055_2018/Z2_UF", fold=0)


@given(ZONE_IDS, st.sampled_from(FOLDS))
def test_zone_is_tested_in_the_split_of_its_fold_and_nowhere_else(zone_id: str, fold: int) -> None:
    splits = splits_of_zone(zone_id, fold=fold)
    assert list(splits) == [*SPLITS, PROD]
    assert [column for column, subset in splits.items() if subset == "test"] == [f"split_{fold}"]


@given(ZONE_IDS, st.sampled_from(FOLDS), st.sampled_from(FOLDS))
def test_set_of_a_zone_outside_test_does_not_depend_on_its_fold(zone_id: str, one: int, other: int) -> None:
    first, second = splits_of_zone(zone_id, fold=one), splits_of_zone(zone_id, fold=other)
    assert all(first[c] == second[c] for c in first if "test" not in (first[c], second[c]))


def test_draw_is_the_published_rule() -> None:
    for zone_id in ("D055_2018/Z2_UF", "D036_2020/Z17_UA", "D051_2019/Z15_UN", "D012_2019/Z1_AA"):
        share = int(hashlib.sha256(f"{SEED}|split_4|{zone_id}".encode()).hexdigest()[:16], 16) / 2**64
        assert splits_of_zone(zone_id, fold=1)["split_4"] == ("valid" if share < 0.2 else "train")


def test_a_fifth_of_many_zones_is_valid() -> None:
    zones = [splits_of_zone(f"D{n % 90:03d}_2019/Z{n}_UU", fold=5) for n in range(5000)]
    for column in ("split_1", "split_4", PROD):
        assert 0.18 < sum(zone[column] == "valid" for zone in zones) / len(zones) < 0.22


def test_published_sets_never_change() -> None:
    # Pinned: a change here would move zones of releases that are out.
    assert splits_of_zone("D055_2018/Z2_UF", fold=2) == {
        "split_1": "train",
        "split_2": "test",
        "split_3": "valid",
        "split_4": "train",
        "split_5": "train",
        "prod": "train",
    }
