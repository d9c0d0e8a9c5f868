"""Handing in: findings by kind, what justifies them, and no zone that is closed with gaps and no reason."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from desk_cases import heard, over

from napari_plugin.handin import FINDING_TITLES, HandIn
from napari_plugin.inquiries import check_labels, count_fates
from napari_plugin.jobs import in_process
from napari_plugin.language import speak
from napari_plugin.session import Session
from workbench.assessment.findings import KINDS, Region, finding_at
from workbench.campaign import Campaign
from workbench.errors import JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Provenance, assign
from workbench.labels.review import send_back
from workbench.workflows.doubling import double

WHOLE = Window(row=0, col=0, height=512, width=512)
STRIP = Window(row=100, col=50, height=2, width=60)
HOLE = Window(row=300, col=300, height=20, width=30)


def quiet(share: float, what: str) -> None:
    """Report to nobody."""


def filled(window: Window, code: int) -> AssignMask:
    return assign(np.ones(window.shape, bool), window, code, Provenance(tool="brush"))


def checked(session: Session) -> HandIn:
    handin = HandIn(session)
    check(handin, session)
    return handin


def check(handin: HandIn, session: Session) -> None:
    directory = session.opened.campaign.path
    handin.take(check_labels(directory, session.zone_id, handin.blind, quiet))


@pytest.fixture
def labelled(session: Session) -> Session:
    """A zone of bare soil with a sliver and a hole."""
    code = session.nomenclature.by_key("bare_soil").code
    session.store.apply_all([filled(WHOLE, code), filled(STRIP, 7), filled(HOLE, 0)])
    return session


def test_findings_are_told_by_kind_with_what_is_open_first(labelled: Session) -> None:
    handin = checked(labelled)
    assert {kind: len(found) for kind, found in handin.groups().items()} == {"unlabelled": 1, "sliver": 1}
    assert handin.told() == "2 findings are open."
    assert handin.fresh
    ((hole,), (sliver,)) = handin.groups().values()
    assert handin.measured(hole.finding) == "600 pixels, no label"
    assert np.array_equal(
        over((hole.finding.window, hole.finding.mask.decode()), labelled.grid.shape), labelled.labels == 0
    )
    assert handin.justify(sliver.finding, "a garden wall")
    assert handin.told() == "1 finding is open."
    ((_,), (sliver,)) = handin.groups().values()
    assert sliver.by is not None
    assert sliver.by[1].text == "a garden wall"
    # The next check finds the justification in the journal.
    check(handin, labelled)
    assert [one.kind for one in handin.open] == ["unlabelled"]


def test_a_pixel_without_a_label_is_no_matter_of_opinion(labelled: Session) -> None:
    handin, noticed = checked(labelled), heard(labelled.noticed)
    hole = next(one for one in handin.open if one.kind == "unlabelled")
    steps = len(labelled.store.ops)
    assert not handin.justify(hole, "who cares")
    assert noticed == ["A pixel without a label cannot be justified: label it."]
    assert len(labelled.store.ops) == steps


def test_a_zone_with_gaps_is_handed_in_for_a_written_reason_only(labelled: Session) -> None:
    handin, refused = checked(labelled), heard(labelled.refused)
    assert not handin.submit()
    assert "has 2 open findings; fix or justify each, or give a reason" in refused[0]
    assert not handin.submit(reason="   ")
    assert handin.state.state == "open"
    assert handin.submit(reason="the cloud hides it")
    assert (handin.state.state, handin.state.reason) == ("submitted", "the cloud hides it")


def test_what_was_not_checked_as_it_is_now_is_not_handed_in(labelled: Session) -> None:
    handin, refused = HandIn(labelled), heard(labelled.refused)
    assert handin.told() == "Not checked yet."
    assert not handin.submit()
    code = labelled.nomenclature.by_key("bare_soil").code
    labelled.store.apply_all([filled(STRIP, code), filled(HOLE, code)])
    check(handin, labelled)
    assert handin.told() == "Checked: nothing was found."
    labelled.store.apply(filled(HOLE, 7))
    assert not handin.fresh
    assert handin.told() == "The labels changed since they were checked."
    assert not handin.submit()
    assert [("not checked as it is now" in sentence) for sentence in refused] == [True, True]
    labelled.undo()
    check(handin, labelled)
    assert handin.submit()
    assert handin.state.state == "submitted"
    assert handin.state.reason is None


def test_what_was_sent_back_is_mended_and_handed_in_again(labelled: Session) -> None:
    handin = checked(labelled)
    assert handin.submit(reason="first try")
    send_back(labelled.store, "close the hole")
    assert (handin.state.state, handin.state.reason) == ("sent_back", "close the hole")
    assert not handin.submit()
    assert handin.submit(reason="it is a well")


def test_next_finding_walks_over_what_is_open(labelled: Session) -> None:
    handin, noticed = HandIn(labelled), heard(labelled.noticed)
    assert handin.next_finding() is None
    check(handin, labelled)
    found = [handin.next_finding() for _ in range(3)]
    assert [one.finding.kind for one in found if one] == ["unlabelled", "sliver", "unlabelled"]
    assert noticed[0] == "The zone was not checked yet."
    assert noticed[1].startswith("1 of 2: Without a label, unlabelled: 600 pixels")
    for judged in list(handin.groups()["sliver"]):
        handin.justify(judged.finding, "a wall")
    labelled.store.apply(filled(HOLE, 7))
    check(handin, labelled)
    assert handin.next_finding() is None
    assert noticed[-1] == "Nothing that was found is open."


def test_every_kind_of_finding_has_a_title() -> None:
    assert set(FINDING_TITLES) == set(KINDS)


def test_checks_that_cannot_be_made_are_told(labelled: Session) -> None:
    handin = HandIn(labelled)
    assert handin.left_out == ()
    bands = labelled.opened.zone.ortho.bands
    check(handin, labelled)
    assert all(sentence.endswith(".") for sentence in handin.left_out)
    assert bool(handin.left_out) == (not {"NIR", "E", "R"} <= set(bands))


def test_a_blind_annotation_is_checked_and_handed_in_by_itself(zone: Campaign) -> None:
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as first:
        first.store.apply(filled(WHOLE, 7))
    with closing(Session.open(zone.path, zone_id=None, author="jean", blind=True)) as session:
        handin = HandIn(session)
        with pytest.raises(JournalError, match="has no journal of jean"):
            check(handin, session)
        session.store.apply_all([filled(WHOLE, 7), filled(HOLE, 0)])
        check(handin, session)
        assert [one.kind for one in handin.open] == ["unlabelled"]
        assert handin.submit(reason="a cloud")
        assert handin.state.state == "submitted"
    states = {one.author: one.state for one in double(zone, zone.only_zone()).authors}
    assert states == {"marie": "open", "jean": "submitted"}


PLACE = Region(window=Window(row=0, col=0, height=1, width=1), mask=np.ones((1, 1), bool))
TOLD = {
    "a building": (
        finding_at(
            PLACE, "flat-building", np.ones((1, 1), np.uint8), measured=0.417, limit=1.5, named=("building",),
            told="0.4 m above ground, a building has at least 1.5 m",
        ),
        "0.4 m above ground, a building has at least 1.5 m",
        "0,4 m au-dessus du sol, bâtiment\u202f: au moins 1,5 m",
    ),
    "a border": (
        finding_at(
            PLACE, "border-break", np.ones((1, 1), np.uint8), measured=1.1, limit=2.0,
            named=("bare_soil", "herbaceous_vegetation", "D055_2018/Z3_AA"),
            told="bare_soil here and herbaceous_vegetation in D055_2018/Z3_AA, and so on",
        ),
        "bare soil here and herbaceous vegetation in D055_2018/Z3_AA, and the picture shows no edge there",
        "sol nu ici et pelouse dans D055_2018/Z3_AA, sans limite visible sur l’image",
    ),
    "an upper class": (
        finding_at(
            PLACE, "unresolved", np.ones((1, 1), np.uint8), measured=1, limit=0, named=("woody_vegetation",),
            told="its author was sure of woody_vegetation only",
        ),
        "its author was sure of woody vegetation, type to be decided only",
        "son auteur n’était sûr que de la classe supérieure "
        "«\u202fvégétation ligneuse, type à préciser\u202f»",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_findings_call_classes_by_their_titles_in_the_language(session: Session, case: str) -> None:
    finding, english, french = TOLD[case]
    handin = HandIn(session)
    assert handin.told_of(finding) == english
    speak("fr")
    try:
        assert handin.told_of(finding) == french
    finally:
        speak("en")


def test_what_the_checks_find_names_what_its_sentence_does(session: Session) -> None:
    unsure = replace(filled(STRIP, 0), upper="woody_vegetation")
    session.store.apply_all([filled(WHOLE, 7), unsure])
    (found,) = [one for one in checked(session).open if one.kind == "unresolved"]
    assert found.named == ("woody_vegetation",)
    assert HandIn(session).title_of(found) == "woody vegetation, type to be decided"
    assert found.named[0] in found.told


def test_questions_are_answered_in_a_process_of_its_own(labelled: Session) -> None:
    path: Path = labelled.opened.campaign.path
    shares: list[float] = []
    work = in_process(check_labels, path, labelled.zone_id, "")
    found = work(lambda share, what: shares.append(share))
    assert {one.finding.kind for one in found.zone.findings} == {"unlabelled", "sliver"}
    assert found.heads == labelled.store.label_heads()
    assert max(shares) > 0
    assert count_fates(path, labelled.zone_id, quiet) == {}
