"""The artificialisation rule against the ministry's, and what it says of FLAIR classes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from workbench.documents import read_document, shipped
from workbench.errors import DocumentError, NomenclatureError
from workbench.nomenclature import (
    ArtificialisationRule,
    Artificialised,
    load_artificialisation,
    load_crosswalk,
)

ALWAYS, NEVER, DEPENDS, UNDECIDED = Artificialised

USAGES = [
    *("US1.1", "US1.2", "US1.3", "US1.4", "US1.5", "US2", "US3", "US235", "US5"),
    *("US4.1.1", "US4.1.2", "US4.1.3", "US4.1.4", "US4.1.5", "US4.2", "US4.3"),
    *("US6.1", "US6.2", "US6.3", "US6.6"),
]
COVERS = [
    *("CS1.1.1.1", "CS1.1.1.2", "CS1.1.2.1", "CS1.1.2.2", "CS1.2.1", "CS1.2.2", "CS1.2.3"),
    *("CS2.1.1.1", "CS2.1.1.2", "CS2.1.1.3", "CS2.1.2", "CS2.1.3", "CS2.2.1", "CS2.2.2"),
]


@pytest.fixture
def rule() -> ArtificialisationRule:
    return load_artificialisation()


def _as_the_ministry_says(cover: str, usage: str) -> bool:
    """Return the rule of the ministry's application, written down a second time from its table."""
    if cover in ("CS1.1.1.1", "CS1.1.1.2", "CS1.1.2.2"):
        return True
    if cover == "CS1.1.2.1":
        return usage != "US1.3"
    if cover in ("CS2.2.1", "CS2.2.2"):
        return (
            usage in ("US2", "US3", "US5", "US235", "US4.2", "US4.3", "US6.1", "US6.2")
            or usage[:5] == "US4.1"
        )
    return False


@pytest.mark.parametrize("cover", COVERS)
def test_each_cover_and_usage_is_judged_as_the_ministry_does(rule: ArtificialisationRule, cover: str) -> None:
    judged = {usage: rule.is_artificialised(cover, usage=usage) for usage in USAGES}
    assert judged == {usage: _as_the_ministry_says(cover, usage) for usage in USAGES}
    by_judgement = {frozenset({True}): ALWAYS, frozenset({False}): NEVER}
    assert rule.of_cover(cover) is by_judgement.get(frozenset(judged.values()), DEPENDS)


def test_the_rule_knows_every_usage_and_every_cover_of_the_crosswalk(rule: ArtificialisationRule) -> None:
    assert sorted(rule.usages) == sorted(USAGES)
    assert (
        list(rule.covers)
        == COVERS
        == [target.key for target in load_crosswalk("flair-19-to-ocsge-cover").targets]
    )
    assert rule.impervious == ("CS1.1.1.1", "CS1.1.1.2")


def test_a_land_cover_class_alone_answers_always_never_or_depends(rule: ArtificialisationRule) -> None:
    assert rule.of_classes(load_crosswalk("flair-19-to-ocsge-cover")) == {
        "building": ALWAYS,
        "pervious_surface": DEPENDS,
        "impervious_surface": ALWAYS,
        "bare_soil": NEVER,
        "water": NEVER,
        "coniferous": NEVER,
        "deciduous": NEVER,
        "brushwood": NEVER,
        "vineyard": NEVER,
        "herbaceous_vegetation": DEPENDS,
        "agricultural_land": DEPENDS,
        "plowed_land": DEPENDS,
        "swimming_pool": UNDECIDED,
        "snow": NEVER,
        "clear_cut": UNDECIDED,
        "mixed": NEVER,
        "ligneous": UNDECIDED,
        "greenhouse": UNDECIDED,
        "other": UNDECIDED,
    }


def test_the_answer_follows_what_the_crosswalk_decides(rule: ArtificialisationRule) -> None:
    decided = load_crosswalk("flair-19-to-ocsge-cover").decide(
        {"greenhouse": "CS1.1.1.1", "clear_cut": "CS2.2.1"}
    )
    answers = rule.of_classes(decided)
    assert (answers["greenhouse"], answers["clear_cut"], answers["other"]) == (ALWAYS, DEPENDS, UNDECIDED)


def test_a_crosswalk_to_something_else_has_no_answer(rule: ArtificialisationRule) -> None:
    with pytest.raises(NomenclatureError, match="use a crosswalk to ocsge-cover"):
        rule.of_classes(load_crosswalk("flair-19-to-15"))


def test_an_unknown_cover_or_usage_is_refused_with_the_known_ones(rule: ArtificialisationRule) -> None:
    with pytest.raises(NomenclatureError, match=r"no usage 'US9'; it has US1\.1, "):
        rule.is_artificialised("CS2.2.1", usage="US9")
    with pytest.raises(NomenclatureError, match=r"no rule for cover 'CS1\.1'; it has CS1\.1\.1\.1, "):
        rule.of_cover("CS1.1")
    with pytest.raises(NomenclatureError, match="there is no artificialisation rule 'zan'"):
        load_artificialisation("zan")


Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def document() -> dict[str, Any]:
    path = shipped("schema") / "rules" / "ocsge-artificialisation.json"
    return copy.deepcopy(read_document(path, schema="artificialisation"))


BROKEN: list[tuple[str, Change, str, str]] = [
    ("an impervious nothing", lambda d: d["impervious"].append("CS7"), "impervious/2", "unknown"),
    (
        "an unknown usage",
        lambda d: d["covers"]["CS2.2.1"]["if_usage_in"].append("US9"),
        "covers/CS2.2.1/if_usage_in/13",
        "unknown",
    ),
    (
        "an unknown exception",
        lambda d: d["covers"]["CS1.1.2.1"].update(unless_usage_in=["US9"]),
        "covers/CS1.1.2.1/unless_usage_in/0",
        "unknown",
    ),
]


def test_all_problems_of_a_rule_are_reported_at_once(document: dict[str, Any]) -> None:
    for _, change, _, _ in BROKEN:
        change(document)
    assert sorted(_problems(document)) == sorted((loc, kind) for _, _, loc, kind in BROKEN)


@pytest.mark.parametrize(
    "rule",
    [
        {"answer": "depends_on_usage"},
        {"answer": "depends_on_usage", "if_usage_in": ["US2"], "unless_usage_in": ["US3"]},
        {"answer": "depends_on_usage", "if_usage_in": []},
        {"answer": "always", "if_usage_in": ["US2"]},
        {"answer": "undecided"},
        {},
    ],
    ids=["no list", "two lists", "an empty list", "a list too many", "undecided", "nothing"],
)
def test_only_what_depends_on_usage_lists_usages_and_in_one_list(
    document: dict[str, Any], rule: dict[str, Any]
) -> None:
    document["covers"]["CS2.1.3"] = rule
    assert all(loc.startswith("covers/CS2.1.3") for loc, _ in _problems(document))


def test_a_rule_built_in_python_keeps_the_same_order(rule: ArtificialisationRule) -> None:
    covers = dict(rule.covers)
    covers["CS2.1.3"] = replace(covers["CS2.1.3"], answer=DEPENDS)
    covers["CS2.2.1"] = replace(covers["CS2.2.1"], answer=UNDECIDED)
    with pytest.raises(DocumentError, match=r"covers/CS2\.1\.3: .*; covers/CS2\.2\.1: "):
        replace(rule, covers=covers)


def _problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError, match=r"^broken\.json: ") as refused:
        ArtificialisationRule.from_document(document, source="broken.json")
    return [("/".join(map(str, problem.loc)), problem.kind) for problem in refused.value.problems]
