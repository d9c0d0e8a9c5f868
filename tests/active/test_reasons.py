"""Reasons: every kind has its words and colour, QGIS shows them, and offers keep them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_pools import measures, task

from workbench.active.offer import Offer
from workbench.active.reasons import PROPOSAL_STYLE, REASON_KINDS, proposal_style
from workbench.active.registered import strategies, strategy_named
from workbench.active.selection import Reason
from workbench.outputs import is_known


@pytest.mark.parametrize("name", strategies())
def test_the_reasons_of_our_strategies_have_words_and_a_colour(name):
    reasons = [reason for one in strategy_named(name)(task()).chosen for reason in one.reasons]
    assert {one.kind for one in reasons} <= REASON_KINDS.keys()
    assert all(one.told and not one.words for one in reasons)


def test_without_a_model_an_old_map_is_the_reason_and_no_doubt():
    asked = task(candidates=measures(40, doubt=False))
    kinds = {reason.kind for one in strategy_named("value")(asked).chosen for reason in one.reasons}
    assert "mapped" in kinds
    assert "uncertain" not in kinds


@pytest.mark.parametrize(
    ("kind", "named", "measured", "told"),
    [
        ("uncertain", (), 0.314, "31% doubtful"),
        ("uncertain", ("water", "snow"), None, "doubtful water, snow"),
        ("mapped", ("water",), None, "an old map has water"),
        ("weak", ("water",), None, "weak water"),
        ("uncovered", (), 0.5, "50% looks like nothing that is labelled or chosen"),
        (
            "uncovered",
            ("water", "snow"),
            0.5,
            "50% looks like nothing that is labelled or chosen, taken for water, snow",
        ),
        ("scarce", (), 0.25, "25% looks like what has few labels"),
        ("far", (), 12_345.0, "12.3 km from what is labelled or chosen"),
        ("far", (), None, "nothing is labelled yet"),
        ("domain", ("D055_2018",), 0.262, "0.262 km² of D055_2018 are labelled or chosen"),
        ("domain", ("D055_2018",), None, "D055_2018 has no zone yet"),
        ("drawn", (), None, "drawn by chance"),
        ("drawn", ("domain", "class"), None, "drawn by chance in its domain and class"),
        ("pretty", (), None, "a lake at dusk"),
    ],
)  # fmt: skip
def test_a_reason_is_told_by_its_values_and_comes_back_from_its_document(kind, named, measured, told):
    words = told if kind == "pretty" else ""
    reason = Reason(kind=kind, share=0.25, named=named, measured=measured, words=words)
    assert reason.told == told
    assert Reason.of(reason.document()) == reason


def test_colours_are_apart_and_titles_are_in_both_languages():
    assert len({one.colour for one in REASON_KINDS.values()}) == len(REASON_KINDS)
    for one in REASON_KINDS.values():
        assert re.fullmatch("#[0-9a-f]{6}", one.colour)
        assert one.titles.keys() == {"fr", "en"}
        assert all(one.titles.values())


def test_the_style_draws_each_main_reason_in_its_colour_and_what_is_below_is_seen():
    root = ElementTree.fromstring(proposal_style().split(b"\n", 1)[1])
    renderer = root.find("renderer-v2")
    assert renderer.get("attr") == "main_reason"
    symbols = {
        one.get("name"): {option.get("name"): option.get("value") for option in one.iter("Option")}
        for one in renderer.iter("symbol")
    }
    categories = {one.get("value"): one for one in renderer.iter("category")}
    assert categories.keys() == {*REASON_KINDS, ""}  # the empty value is all others
    for kind, one in REASON_KINDS.items():
        rgb = ",".join(str(part) for part in bytes.fromhex(one.colour[1:]))
        drawn = symbols[categories[kind].get("symbol")]
        assert drawn["outline_color"] == f"{rgb},255"
        assert drawn["outline_style"] == "solid"
        red, green, blue, opacity = drawn["color"].split(",")
        assert f"{red},{green},{blue}" == rgb
        assert int(opacity) < 128
        assert categories[kind].get("label") == f"{one.titles['fr']} ({one.titles['en']})"


def test_the_style_is_known_again_and_one_that_somebody_saved_over_it_is_not(tmp_path: Path):
    path = tmp_path / "proposals.qml"
    path.write_bytes(proposal_style())
    assert is_known(path, PROPOSAL_STYLE)
    path.write_bytes(proposal_style().replace(b"<!-- ocs-workbench/proposals-style -->\n", b""))
    assert not is_known(path, PROPOSAL_STYLE)


def test_an_offer_keeps_its_reasons_and_one_of_earlier_days_has_none():
    reasons = (
        Reason(kind="rare", share=0.5, named=("snow", "greenhouse")),
        Reason(kind="far", share=0.25, measured=1200.0),
        Reason(kind="pretty", share=0.25, words="a lake at dusk"),
    )
    offer = Offer(reason="snow (75%); 9 picks (25%)", picks=9, proposal="D/x", model="m", reasons=reasons)
    assert Offer.of(offer.document()) == offer
    earlier = {"reason": "31% doubtful (100%)", "picks": 59, "proposal": "D/x", "model": "m"}
    assert Offer.of(earlier) == Offer(reason=earlier["reason"], picks=59, proposal="D/x", model="m")
