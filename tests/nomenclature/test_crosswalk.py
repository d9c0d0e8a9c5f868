"""The groupings and the OCS GE crosswalk against the published tables."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workbench.documents import read_document, shipped
from workbench.errors import DocumentError, NomenclatureError
from workbench.nomenclature import (
    Artificialised,
    Crosswalk,
    load_artificialisation,
    load_crosswalk,
    load_nomenclature,
)

ALL = np.arange(1, 20, dtype=np.uint8)

# By hand from the ministry's couverture.csv: code, name, colour, parent.
OCSGE_LEAVES = [
    ("CS1.1.1.1", "Zones bâties", "#ff377a", "CS1.1.1"),
    ("CS1.1.1.2", "Zones non bâties (routes, places, parking...)", "#ff9191", "CS1.1.1"),
    ("CS1.1.2.1", "Zones à matériaux minéraux", "#ffff99", "CS1.1.2"),
    ("CS1.1.2.2", "Zones à autres matériaux composites", "#a64d00", "CS1.1.2"),
    ("CS1.2.1", "Sols nus", "#cccccc", "CS1.2"),
    ("CS1.2.2", "Surfaces d'eau", "#00ccf2", "CS1.2"),
    ("CS1.2.3", "Névés et glaciers", "#a6e6cc", "CS1.2"),
    ("CS2.1.1.1", "Peuplement de feuillus", "#80ff00", "CS2.1.1"),
    ("CS2.1.1.2", "Peuplement de conifères", "#00a600", "CS2.1.1"),
    ("CS2.1.1.3", "Peuplement mixte", "#80be00", "CS2.1.1"),
    ("CS2.1.2", "Formations arbustives et sous-arbrisseaux", "#a6ff80", "CS2.1"),
    ("CS2.1.3", "Autres formations ligneuses (vignes et autres lianes)", "#e68000", "CS2.1"),
    ("CS2.2.1", "Formations herbacées (pelouses, prairies, terres arables, roselières)", "#ccf24d", "CS2.2"),
    ("CS2.2.2", "Autres formations non ligneuses", "#ccffcc", "CS2.2"),
]
OCSGE_GROUPS = {
    "CS1": ("Sans végétation", None),
    "CS1.1": ("Surfaces anthropisées", "CS1"),
    "CS1.1.1": ("Zones imperméables", "CS1.1"),
    "CS1.1.2": ("Zones perméables", "CS1.1"),
    "CS1.2": ("Surfaces naturelles", "CS1"),
    "CS2": ("Avec végétation", None),
    "CS2.1": ("Végétation ligneuse", "CS2"),
    "CS2.1.1": ("Formations arborées", "CS2.1"),
    "CS2.2": ("Végétation non ligneuse", "CS2"),
}
OCSGE_LINKS = {
    "building": "CS1.1.1.1",
    "impervious_surface": "CS1.1.1.2",
    "pervious_surface": "CS1.1.2.1",
    "bare_soil": "CS1.2.1",
    "water": "CS1.2.2",
    "snow": "CS1.2.3",
    "deciduous": "CS2.1.1.1",
    "coniferous": "CS2.1.1.2",
    "mixed": "CS2.1.1.3",
    "brushwood": "CS2.1.2",
    "vineyard": "CS2.1.3",
    "herbaceous_vegetation": "CS2.2.1",
    "agricultural_land": "CS2.2.1",
    "plowed_land": "CS2.2.1",
}
TO_DECIDE = {"ligneous", "clear_cut", "greenhouse", "swimming_pool", "other"}


@pytest.fixture
def cover() -> Crosswalk:
    return load_crosswalk("flair-19-to-ocsge-cover")


def test_the_challenge_clamps_values_above_12_to_13() -> None:
    grouped = load_crosswalk("flair-19-to-12-1").apply(ALL)
    assert grouped.tolist() == [min(value, 13) for value in range(1, 20)]


def test_the_15_classes_keep_their_flair_value_and_the_four_of_weight_0_become_19() -> None:
    crosswalk = load_crosswalk("flair-19-to-15")
    assert crosswalk.apply(ALL).tolist() == [*range(1, 15), 19, 19, 19, 18, 19]
    assert sum(target.scored for target in crosswalk.targets) == 15


@pytest.mark.parametrize(("name", "other"), [("flair-19-to-12-1", 13), ("flair-19-to-15", 19)])
def test_unlabelled_becomes_the_other_of_a_grouping(name: str, other: int) -> None:
    crosswalk = load_crosswalk(name)
    assert crosswalk.apply(np.zeros((2, 2), dtype=np.uint8)).tolist() == [[other, other]] * 2
    assert [target.key for target in crosswalk.targets if not target.scored] == ["other"]


@pytest.mark.parametrize("name", ["flair-19-to-12-1", "flair-19-to-15"])
def test_a_class_looks_the_same_in_a_grouping(name: str) -> None:
    flair = load_nomenclature("flair-19")
    for target in load_crosswalk(name).targets:
        source = flair.by_key(target.key)
        assert target.colour == source.colour
        assert target.key == "other" or dict(target.titles) == dict(source.titles)


def test_ocsge_covers_are_as_published(cover: Crosswalk) -> None:
    assert [(t.key, t.titles["fr"], t.colour, t.parent) for t in cover.targets] == OCSGE_LEAVES
    assert {group.key: (group.titles["fr"], group.parent) for group in cover.groups} == OCSGE_GROUPS
    assert [target.value for target in cover.targets] == list(range(1, 15))


def test_ocsge_links_are_a_default_with_five_classes_to_decide(cover: Crosswalk) -> None:
    assert dict(cover.table) == OCSGE_LINKS
    assert set(cover.undecided) == TO_DECIDE
    assert cover.status == "derived"


def test_undecided_classes_are_refused_unless_a_value_is_given_for_them(cover: Crosswalk) -> None:
    codes = np.array([[1, 18, 0], [5, 18, 7]], dtype=np.uint8)
    with pytest.raises(NomenclatureError) as refused:
        cover.apply(codes)
    assert str(refused.value) == (
        "unknown values 0 in 1 pixel, 18 in 2 pixels, first at (row 0, col 1): "
        "not in flair-19-to-ocsge-cover; undecided are 13 swimming_pool, 15 clear_cut, 17 ligneous, "
        "18 greenhouse, 19 other, and 0 (unlabelled) goes with other; "
        "decide them, or give a value for undecided pixels"
    )
    assert cover.apply(codes, undecided=99).tolist() == [[1, 99, 99], [6, 99, 8]]


@pytest.mark.parametrize("value", [-1, 5, 255])
def test_undecided_pixels_cannot_take_a_target_s_value_or_255(cover: Crosswalk, value: int) -> None:
    with pytest.raises(NomenclatureError, match=f"{value} cannot mark undecided pixels"):
        cover.apply(ALL, undecided=value)


def test_a_code_of_no_class_is_refused_even_where_undecided_ones_have_a_value(cover: Crosswalk) -> None:
    with pytest.raises(NomenclatureError, match="unknown value 20 in 1 pixel"):
        cover.apply(np.array([[20]], dtype=np.uint8), undecided=99)


def test_deciding_all_classes_makes_a_crosswalk_without_gaps(cover: Crosswalk) -> None:
    decisions = {
        "greenhouse": "CS1.1.1.1",
        "swimming_pool": "CS1.1.1.2",
        "clear_cut": "CS2.1.2",
        "ligneous": "CS2.1.2",
        "other": "CS1.2.1",
    }
    decided = cover.decide(decisions)
    assert decided.apply(np.array([18, 13, 15, 17, 19, 0, 1], dtype=np.uint8)).tolist() == [
        1,
        2,
        11,
        11,
        5,
        5,
        1,
    ]
    assert not decided.undecided
    assert set(cover.undecided) == TO_DECIDE


def test_only_undecided_classes_can_be_decided_and_only_for_targets(cover: Crosswalk) -> None:
    with pytest.raises(NomenclatureError, match="'building' is not undecided"):
        cover.decide({"building": "CS1.1.1.2"})
    with pytest.raises(NomenclatureError, match=r"ocsge-cover has no class 'CS9'; it has CS1\.1\.1\.1,"):
        cover.decide({"greenhouse": "CS9"})


def test_what_becomes_a_group_is_written_as_its_fallback_or_is_undecided() -> None:
    urbain = load_crosswalk("ign-urbain-to-flair-19")
    codes = np.array([[0, 1, 2]], dtype=np.uint8)  # ligneux becomes woody_vegetation, written as ligneous
    assert urbain.apply(codes).tolist() == [[0, 1, 17]]
    mineral = urbain.decide({"mineraux": "mineral_ground"})
    assert not mineral.undecided
    with pytest.raises(NomenclatureError, match=r"undecided are 5 mineraux, and 0 \(unlabelled\) stays 0"):
        mineral.apply(np.array([[5]], dtype=np.uint8))
    assert mineral.apply(np.array([[5]], dtype=np.uint8), undecided=99).tolist() == [[99]]


def test_a_group_has_no_answer_to_artificialisation(cover: Crosswalk) -> None:
    answers = load_artificialisation().of_classes(cover.decide({"ligneous": "CS2.1", "clear_cut": "CS2.1.2"}))
    assert (answers["ligneous"], answers["clear_cut"]) == (Artificialised.UNDECIDED, Artificialised.NEVER)


def test_every_shipped_crosswalk_has_the_name_of_its_file() -> None:
    names = [path.stem for path in (shipped("schema") / "crosswalks").glob("*.json")]
    assert len(names) == 10
    assert [load_crosswalk(name).name for name in names] == names


def test_a_crosswalk_that_is_not_shipped_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        NomenclatureError, match="there is no crosswalk 'corine'; choose one of flair-19-to-12-1, "
    ):
        load_crosswalk("corine")


Change = Callable[[dict[str, Any]], Any]

BROKEN: list[tuple[str, Change, str, str]] = [
    ("a value given twice", lambda d: d["targets"][1].update(value=1), "targets/1/value", "duplicate"),
    ("a target given twice", lambda d: d["targets"][1].update(key="CS1.1.1.1"), "targets/1/key", "duplicate"),
    ("a target below nothing", lambda d: d["targets"][5].update(parent="CS7"), "targets/5/parent", "unknown"),
    ("a group above itself", lambda d: d["groups"][0].update(parent="CS1.1"), "groups/0/parent", "cycle"),
    ("a link to nothing", lambda d: d["table"].update(water="CS7"), "table/water", "unknown"),
    ("a link from nothing", lambda d: d["table"].update(sea="CS1.2.2"), "table/sea", "unknown"),
    ("a class left out", lambda d: d["table"].pop("snow"), "table", "missing"),
    ("a decided undecided", lambda d: d["table"].update(other="CS1.2.1"), "undecided/other", "duplicate"),
    (
        "a candidate that is nothing",
        lambda d: d["undecided"]["ligneous"].update(candidates=["CS7"]),
        "undecided/ligneous/candidates/0",
        "unknown",
    ),
    (
        "an undecided nothing",
        lambda d: d["undecided"].update(sea={"candidates": [], "reason": "none"}),
        "undecided/sea",
        "unknown",
    ),
    (
        "a fallback that is nothing",
        lambda d: d["groups"][0].update(fallback="x"),
        "groups/0/fallback",
        "unknown",
    ),
    ("unlabelled as nothing", lambda d: d.update(unlabelled_as="rest"), "unlabelled_as", "unknown"),
]


@pytest.fixture
def document() -> dict[str, Any]:
    path = shipped("schema") / "crosswalks" / "flair-19-to-ocsge-cover.json"
    return copy.deepcopy(read_document(path, schema="crosswalk"))


@pytest.mark.parametrize(
    ("change", "loc", "kind"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_what_a_schema_cannot_say_is_checked(
    document: dict[str, Any], change: Change, loc: str, kind: str
) -> None:
    change(document)
    assert (loc, kind) in _problems(document)


def test_where_unlabelled_stays_0_no_class_is_written_so(document: dict[str, Any]) -> None:
    document["unlabelled_as"], document["targets"][3]["value"] = None, 0
    assert _problems(document) == [("targets/3/value", "duplicate")]


def test_all_problems_of_a_crosswalk_are_reported_at_once(document: dict[str, Any]) -> None:
    for _, change, _, _ in BROKEN:
        change(document)
    assert set(_problems(document)) >= {(loc, kind) for _, _, loc, kind in BROKEN}


def test_a_crosswalk_of_another_nomenclature_is_refused(document: dict[str, Any]) -> None:
    document["source"] = "corine-44"
    assert _problems(document) == [("source", "source")]


def _problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError, match=r"^broken\.json: ") as refused:
        Crosswalk.from_document(document, nomenclature=load_nomenclature("flair-19"), source="broken.json")
    return [("/".join(map(str, problem.loc)), problem.kind) for problem in refused.value.problems]
