"""Folds from the sets of a published tree, where those are folds of domains."""

from __future__ import annotations

__all__ = ["folds_of_splits", "folds_of_test"]

from collections.abc import Mapping, Set

from workbench.export.folds import FOLDS, SPLITS, assign_fold

_TEST = "test"
_TAKEN = float("inf")


def folds_of_splits(sets: Mapping[str, Mapping[str, Set[str]]]) -> tuple[dict[str, int], str]:
    """Return the fold of each domain of which all zones are test in one split and in no other.

    Parameters
    ----------
    sets
        By domain and split, the sets that its patches are in.

    Returns
    -------
    folds
        By domain; empty where the splits are no folds of all domains.
    note
        Why they are not, or empty.

    >>> train, test = {"train", "valid"}, {"test"}
    >>> three = dict.fromkeys(("split_3", "split_4", "split_5"), train)
    >>> folds_of_splits({"D055_2018": {"split_1": train, "split_2": test, **three}})
    ({'D055_2018': 2}, '')
    """
    folds = {}
    for domain, splits in sets.items():
        tested = [split for split in SPLITS if _TEST in splits.get(split, ())]
        if len(tested) != 1 or splits[tested[0]] != {_TEST}:
            where = f"test in {' and '.join(tested)}" if tested else "test in no split"
            mixed = ", and not as a whole" if len(tested) == 1 else ""
            note = f"its splits are no folds of domains ({domain} is {where}{mixed}): the workbench chooses"
            return {}, note
        folds[domain] = FOLDS[SPLITS.index(tested[0])]
    return folds, ""


def folds_of_test(tested: Mapping[str, int], others: Mapping[str, int]) -> tuple[dict[str, int], str]:
    """Return folds of which the first is a test set: its domains stay test in ``split_1``, and no others are.

    Parameters
    ----------
    tested, others
        Patches of each domain that is test, and that is not.

    Returns
    -------
    folds
        By domain; empty where there is no test, or a domain is both.
    note
        What is to be known of them.

    >>> folds_of_test({"D012_2019": 4}, {"D004_2021": 9, "D006_2020": 3, "D007_2020": 5})[0]
    {'D012_2019': 1, 'D004_2021': 2, 'D007_2020': 3, 'D006_2020': 4}
    """
    if not tested or not others:
        return {}, "it has one set alone, which makes no folds: the workbench chooses"
    if torn := sorted(tested.keys() & others.keys()):
        return {}, f"{torn[0]} is in train and in test, so that sets are no folds: the workbench chooses"
    folds, areas = dict.fromkeys(tested, FOLDS[0]), {FOLDS[0]: _TAKEN}
    for domain, patches in sorted(others.items(), key=lambda one: (-one[1], one[0])):
        folds[domain] = assign_fold(areas)
        areas[folds[domain]] = areas.get(folds[domain], 0.0) + patches
    return folds, "domains of its test are fold 1, the others are spread over folds 2 to 5"
