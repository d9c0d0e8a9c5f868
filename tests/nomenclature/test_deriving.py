"""Derived classes against lists by hand, and numbers in published trees that mislead no loader."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.documents import read_document, shipped, validate
from workbench.errors import DocumentError, NomenclatureError
from workbench.nomenclature import derivation_to, load_artificialisation, load_crosswalk, load_nomenclature
from workbench.nomenclature.deriving import TARGETS, Derivation

FLAIR = load_nomenclature("flair-19")
# IGN's presentation of CoSIA, in its sequence, and Autre.
SLIDE = [
    *("building", "impervious_surface", "pervious_surface", "swimming_pool", "greenhouse", "bare_soil"),
    *("water", "snow", "coniferous", "deciduous", "clear_cut", "brushwood", "herbaceous_vegetation"),
    *("agricultural_land", "plowed_land", "vineyard", "other"),
]


@pytest.fixture(params=TARGETS)
def made(request: pytest.FixtureRequest) -> Derivation:
    return derivation_to(request.param, FLAIR)


def test_the_16_classes_are_those_of_igns_presentation() -> None:
    made = derivation_to("16", FLAIR)
    assert set(made.target.keys) == set(SLIDE)
    assert {key for key, goal in made.goals.items() if goal != key} == {"mixed", "ligneous"}
    assert {made.goals["mixed"], made.goals["ligneous"]} == {"other"}
    assert {one.key: one.code for one in made.target.classes} == {
        key: FLAIR.by_key(key).code for key in SLIDE
    }
    assert {one.key: one.colour for one in made.target.classes} == {
        key: FLAIR.by_key(key).colour for key in SLIDE
    }
    assert load_crosswalk("flair-19-to-16").status == "derived"


def test_every_class_becomes_one_that_is_there_and_the_document_is_sound(made: Derivation) -> None:
    validate(made.target.document(), "nomenclature", source=made.target.name)
    assert set(made.goals) == set(FLAIR.keys)
    assert set(made.goals.values()) <= set(made.target.keys)
    codes = np.array(FLAIR.codes, np.uint8)
    derived = made.apply(codes)
    for code, found in zip(codes.tolist(), derived.tolist(), strict=True):
        goal = made.goals[FLAIR.by_code(code).key]
        assert made.target.by_code(found).key == goal
        assert FLAIR.by_code(code) in made.origins(goal)


def test_codes_come_back_from_the_numbers_of_either_tree(made: Derivation) -> None:
    codes = np.array(made.target.codes, np.uint8)
    for scheme, first in (("flair", 1), ("flair_hub", 0)):
        values = made.target.encode(codes, scheme)
        assert values.min() == first
        np.testing.assert_array_equal(made.target.decode(values, scheme), codes)


@pytest.mark.parametrize("goal", ["15", "16"])
def test_classes_that_are_not_renumbered_keep_the_numbers_of_both_trees(goal: str) -> None:
    """A network of FLAIR-HUB's 19 outputs reads them as before; FLAIR's own order would mislead it."""
    for entry in derivation_to(goal, FLAIR).target.classes:
        before = FLAIR.by_key(entry.key).values
        assert entry.values == {scheme: before[scheme] for scheme in ("flair", "flair_hub")}


def test_the_challenges_numbers_are_1_to_13_and_less_1_in_the_other_tree() -> None:
    classes = derivation_to("12-1", FLAIR).target.classes
    assert [entry.values["flair"] for entry in classes] == list(range(1, 14))
    assert [entry.values["flair_hub"] for entry in classes] == list(range(13))


def test_a_nomenclature_is_the_same_whatever_is_decided() -> None:
    free = derivation_to("ocsge-cover", FLAIR)
    decided = derivation_to("ocsge-cover", FLAIR, decisions={"ligneous": "CS2.1.3", "other": "undecided"})
    assert free.target == decided.target
    assert (free.goals["ligneous"], decided.goals["ligneous"]) == ("undecided", "cs2_1_3")
    assert free.waiting == ("swimming_pool", "clear_cut", "ligneous", "greenhouse", "other")
    assert decided.waiting == ("swimming_pool", "clear_cut", "greenhouse")


def test_artificialisation_is_the_rule_for_each_class_and_usage() -> None:
    rule = load_artificialisation()
    made = derivation_to("artificialised", FLAIR, decisions={"greenhouse": "CS1.1.1.1"})
    table = made.crosswalk.table
    answers = {True: "artificialised", False: "not_artificialised"}
    for key in FLAIR.keys:
        if key not in table:
            assert made.goals[key] == "undecided"
            continue
        told = {answers[rule.is_artificialised(table[key], usage=usage)] for usage in rule.usages}
        assert made.goals[key] == (told.pop() if len(told) == 1 else "depends_on_usage")
    assert made.goals["greenhouse"] == "artificialised"
    hanging = {"pervious_surface", "herbaceous_vegetation", "agricultural_land", "plowed_land"}
    assert {FLAIR.by_code(code).key for code in made.hanging} == hanging
    codes = np.repeat(np.array([FLAIR.codes], np.uint8), len(made.usages) + 1, axis=0)
    places = np.arange(len(made.usages) + 1, dtype=np.uint8)[:, np.newaxis].repeat(19, axis=1)
    derived = made.apply(codes, places)
    for place, usage in enumerate(made.usages, start=1):
        for col, key in enumerate(FLAIR.keys):
            found = made.target.by_code(int(derived[place, col])).key
            if key in hanging:
                assert found == answers[rule.is_artificialised(table[key], usage=usage)]
            else:
                assert found == made.goals[key]


def test_codes_of_no_class_are_refused() -> None:
    with pytest.raises(NomenclatureError, match="flair-19 has no class of code 0"):
        derivation_to("15", FLAIR).apply(np.zeros((1, 1), np.uint8))


def test_labels_of_another_nomenclature_have_no_such_table() -> None:
    with pytest.raises(DocumentError, match="starts from flair-19, not from ign-naf"):
        derivation_to("15", load_nomenclature("ign-naf"))


def test_the_categories_of_the_decree_are_told() -> None:
    document = read_document(shipped("schema") / "derived" / "artificialisation.json", schema="nomenclature")
    texts = {entry["key"]: entry["definition"]["en"] for entry in document["classes"]}
    for key, categories in (("artificialised", range(1, 6)), ("not_artificialised", range(6, 11))):
        assert "2023-1096" in texts[key]
        assert all(f"{number} " in texts[key] for number in categories)
