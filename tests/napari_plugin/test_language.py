"""French and English: sentences, plurals, what the core says, numbers, a catalogue with holes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from napari_plugin import language
from napari_plugin.language import (
    ago,
    area,
    count,
    number,
    percent,
    said,
    second_title,
    sentence,
    speak,
    title,
    tr,
)
from workbench.nomenclature import load_nomenclature

ENTRIES = """
msgid "Undo"
msgstr "Annuler"

#. core: x.py
msgid "zone {zone} was closed; open it again"
msgstr "la zone {zone} a été fermée ; rouvrez-la"

#. core: x.py
msgid "{path} cannot be read: {why}"
msgstr "{path} est illisible : {why}"

#. core: x.py
msgid "{path} cannot be read: the disk is full"
msgstr "{path} est illisible : le disque est plein"

#. core: x.py
msgid "no space left"
msgstr "plus de place"

#. core: x.py
msgid "{author} is {author}"
msgstr "{author} est bien {author}"

msgid "Untranslated"
msgstr ""

msgid "{count} region in {zone}"
msgid_plural "{count} regions in {zone}"
msgstr[0] "{count} région dans {zone}"
msgstr[1] "{count} régions dans {zone}"
"""
French = Callable[[str], None]
NARROW = "\u202f"
"""The space that French puts between thousands."""


def test_english_says_what_is_written_in_the_code() -> None:
    assert tr("{count} regions in the zone", count=3) == "3 regions in the zone"
    assert said("zone D051_2019/Z1_AA was closed; open it again") == (
        "zone D051_2019/Z1_AA was closed; open it again"
    )


def test_french_says_what_the_catalogue_says_and_english_where_it_says_nothing(in_french: French) -> None:
    in_french(ENTRIES)
    assert [tr("Undo"), tr("Untranslated"), tr("Never heard of {what}", what="it")] == [
        "Annuler",
        "Untranslated",
        "Never heard of it",
    ]


def test_a_value_that_looks_like_a_place_is_left_as_it_is() -> None:
    assert tr("{path} is gone", path="C:/{zone}/x") == "C:/{zone}/x is gone"
    assert tr("{path} is {what}", path="x") == "x is {what}"


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("the disk is full", "The disk is full."),
        ("l’op marie:3 est inconnu", "L’op marie:3 est inconnu."),
        ("élargissez la zone", "Élargissez la zone."),
        ("Not segmented yet.", "Not segmented yet."),
        ("hierarchy.h5 is damaged", "hierarchy.h5 is damaged."),
        ("model-unet is a model", "model-unet is a model."),
        ("marie:5 is no question", "marie:5 is no question."),
        ("31_042 was made on another grid", "31_042 was made on another grid."),
        ("/tmp/campaign is not a folder", "/tmp/campaign is not a folder."),
        ("", ""),
    ],
)
def test_an_error_is_shown_as_a_sentence_and_names_keep_their_letters(text: str, begun: str) -> None:
    assert sentence(text) == begun


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("zone D051/Z1 was closed; open it again", "la zone D051/Z1 a été fermée ; rouvrez-la"),
        ("a.tif cannot be read: no space left", "a.tif est illisible : plus de place"),
        ("a.tif cannot be read: it is\ntwo lines", "a.tif est illisible : it is\ntwo lines"),
        ("a.tif cannot be read: the disk is full", "a.tif est illisible : le disque est plein"),
        ("paul is paul", "paul est bien paul"),
        ("paul is marie", "paul is marie"),
        ("Undo", "Undo"),
        ("(anything) [else]", "(anything) [else]"),
    ],
)
def test_what_the_core_says_is_found_by_its_template(in_french: French, sentence: str, expected: str) -> None:
    in_french(ENTRIES)
    assert said(sentence) == expected


@pytest.mark.parametrize(
    ("number_of", "english", "french"),
    [
        (0, "0 regions in Z1", "0 région dans Z1"),
        (1, "1 region in Z1", "1 région dans Z1"),
        (2, "2 regions in Z1", "2 régions dans Z1"),
        (12_000, "12,000 regions in Z1", f"12{NARROW}000 régions dans Z1"),
    ],
)
def test_nothing_is_plural_in_english_and_singular_in_french(
    in_french: French, number_of: int, english: str, french: str
) -> None:
    forms = "{count} region in {zone}", "{count} regions in {zone}"
    assert count(*forms, number_of, zone="Z1") == english
    in_french(ENTRIES)
    assert count(*forms, number_of, zone="Z1") == french
    assert count("{count} pixel", "{count} pixels", 0) == "0 pixel"


def test_numbers_are_written_as_the_language_does(in_french: French) -> None:
    assert [number(6_829_077.25, 1), number(0.5, 2), percent(0.1234), percent(1.0)] == [
        "6,829,077.2",
        "0.50",
        "12.3\xa0%",
        "100.0\xa0%",
    ]
    in_french("")
    assert [number(6_829_077.25, 1), number(-1234.5), percent(0.1234)] == [
        f"6{NARROW}829{NARROW}077,2",
        f"-1{NARROW}234",
        f"12,3{NARROW}%",
    ]


def test_an_area_is_in_the_unit_in_which_it_is_read_best(in_french: French) -> None:
    areas = {0: "0\xa0m²", 0.04: "0\xa0m²", 5_001.2: "5,001\xa0m²", 10_000: "1.00\xa0ha"}
    areas |= {999_000: "99.90\xa0ha", 1_000_000: "1.00\xa0km²", 4_194_304: "4.19\xa0km²"}
    assert {square_metres: area(square_metres) for square_metres in areas} == areas
    in_french("")
    assert area(125_032) == "12,50\xa0ha"


@pytest.mark.parametrize(
    ("past", "english", "french"),
    [
        (timedelta(seconds=2), "2 seconds ago", "il y a 2 secondes"),
        (timedelta(minutes=3), "3 minutes ago", "il y a 3 minutes"),
        (timedelta(hours=30), "30 hours ago", "il y a 30 heures"),
    ],
)
def test_how_long_ago_is_said_in_the_language(
    in_french: French, past: timedelta, english: str, french: str
) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert ago(now - past, now) == english
    in_french("")
    assert ago(now - past, now) == french


def test_a_clock_that_runs_ahead_has_saved_nothing_in_the_future() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert ago(now + timedelta(hours=2), now) == ago(now, now)


def test_titles_come_in_the_language_in_use_with_the_other_one_beside(in_french: French) -> None:
    titles = load_nomenclature("flair-19").by_code(5).titles
    assert (title(titles), second_title(titles)) == ("water", "eau")
    in_french("")
    assert (title(titles), second_title(titles)) == ("eau", "water")
    assert title({"en": "swamp"}) == "swamp"


def test_a_language_that_the_desk_does_not_know_is_english(in_french: French) -> None:
    in_french("")
    assert language.language() == "fr"
    speak("de")
    assert (language.language(), number(1.5, 1)) == ("en", "1.5")
