"""The zone queue: what it reads, whose turn it says it is, and in which order. No screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from made_orthos import MakeOrtho
from made_pools import measures, task
from made_proposals import pooled, propose

from napari_plugin.language import speak
from napari_plugin.queue import (
    FILTERS,
    QueuedZone,
    Turn,
    WaitingProposals,
    arranged,
    counts,
    remarks,
    state_title,
    tooltip,
    turn_of,
)
from napari_plugin.queue_reading import ZoneReader
from napari_plugin.reasons import reason_colour, reason_detail, reason_lines, reasons_told
from workbench.active.offer import Offer
from workbench.active.registered import strategies, strategy_named
from workbench.active.selection import Reason
from workbench.campaign import Campaign
from workbench.errors import CampaignError
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Provenance, assign
from workbench.labels.review import accept, send_back, submit
from workbench.leases import Tenancy
from workbench.workflows.accepting import accept_proposals
from workbench.workflows.admitting import set_gold
from workbench.workflows.intake import add_zone

ZONES = ("Z1_AA", "Z2_AA", "Z3_AA", "Z10_AA")
IDS = tuple(f"D051_2019/{name}" for name in ZONES)


@pytest.fixture
def four(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """A campaign of four zones of one patch each."""
    for place, name in enumerate(ZONES):
        image, _ = make_ortho(row=1024 * place, name=name)
        add_zone(campaign, image, domain="D051_2019", name=name)
    return campaign


def label(campaign: Campaign, zone: str, author: str, *, rows: int = 512, blind: bool = False) -> None:
    with campaign.open_store(campaign.zone(zone), author=author, blind=blind) as store:
        window = Window(row=0, col=0, height=rows, width=512)
        store.apply(assign(np.ones(window.shape, np.bool_), window, 5, Provenance(tool="brush")))


def judge(campaign: Campaign, zone: str, author: str, step: Callable[[AnnotationStore], object]) -> None:
    with campaign.open_store(campaign.zone(zone), author=author) as store:
        step(store)


def back(store: AnnotationStore) -> object:
    return send_back(store, "Haies oubliées près du canal")


def read(campaign: Campaign, reader: ZoneReader | None = None, **offers: Offer) -> dict[str, QueuedZone]:
    """Read a whole campaign, all zones wanted."""
    reader = reader or ZoneReader(
        campaign.path, "jean", offers=lambda _: {f"D051_2019/{k}": v for k, v in offers.items()}
    )
    reader.wanted = IDS
    found: dict[str, QueuedZone] = {}
    reader.read(
        tell=lambda zones: found.update({one.zone.id: one for one in zones}), report=lambda share, what: None
    )
    return found


def admit_all(campaign: Campaign) -> None:
    with campaign.registry.writing() as connection:
        connection.execute("INSERT INTO admissions VALUES ('jean', '2026-11-26T10:42:00+00:00', '{}')")


def damage(campaign: Campaign, zone: str, author: str) -> None:
    path = campaign.journal_dir(campaign.zone(zone)) / f"{author}.sqlite"
    path.write_bytes(path.read_bytes()[:-2000])


def test_a_zone_that_nobody_opened_is_open_and_costs_no_pixel(four: Campaign) -> None:
    found = read(four)
    assert list(found) == sorted(IDS)
    for queued in found.values():
        assert (queued.state, queued.labelled, queued.segmented) == ("open", 0.0, False)
        assert turn_of(queued, "marie") == Turn.OPEN
        assert state_title(queued, "marie") == "open"


@pytest.mark.parametrize(
    ("steps", "turns"),
    [
        ([("marie", None)], {"marie": Turn.MINE, "paul": Turn.OTHERS}),
        ([("marie", submit)], {"marie": Turn.SUBMITTED, "paul": Turn.SUBMITTED}),
        ([("marie", submit), ("paul", accept)], {"marie": Turn.ACCEPTED, "paul": Turn.ACCEPTED}),
        ([("marie", submit), ("paul", back)], {"marie": Turn.BACK_TO_ME, "paul": Turn.BACK}),
    ],
    ids=["in work", "submitted", "accepted", "sent back"],
)
def test_whose_turn_it_is_hangs_on_who_looks(
    four: Campaign,
    steps: list[tuple[str, Callable[[AnnotationStore], object] | None]],
    turns: Mapping[str, Turn],
) -> None:
    label(four, IDS[0], "marie", rows=256)
    for author, step in steps:
        if step is not None:
            judge(four, IDS[0], author, step)
    queued = read(four)[IDS[0]]
    assert queued.labelled == pytest.approx(0.5)
    assert {author: turn_of(queued, author) for author in turns} == turns


def test_the_most_urgent_zones_come_first_and_numbers_count_as_numbers(four: Campaign) -> None:
    label(four, IDS[3], "marie")
    judge(four, IDS[3], "marie", submit)
    judge(four, IDS[3], "paul", back)
    label(four, IDS[1], "marie", rows=10)
    found = read(four, Z3_AA=Offer(reason="vineyards", picks=340))
    ids = [queued.zone.name for queued in arranged(found.values(), "marie")]
    assert ids == ["Z10_AA", "Z2_AA", "Z3_AA", "Z1_AA"]
    ids = [queued.zone.name for queued in arranged(found.values(), "luc")]
    assert ids == ["Z3_AA", "Z10_AA", "Z1_AA", "Z2_AA"]


def test_proposals_come_in_their_own_order_with_reason_and_picks(four: Campaign) -> None:
    found = read(four, Z3_AA=Offer(reason="vineyards", picks=3400), Z1_AA=Offer(reason="model is unsure"))
    shown = arranged(found.values(), "marie", only="proposed")
    assert [queued.zone.name for queued in shown] == ["Z3_AA", "Z1_AA"]
    assert [remarks(queued, "marie")[0] for queued in shown] == [
        "vineyards, about 3,400 picks",
        "model is unsure",
    ]


REASONS = (
    Reason(kind="uncertain", share=0.52, measured=0.31),
    Reason(kind="weak", share=0.3, named=("brushwood", "bare_soil")),
    Reason(kind="uncertain", share=0.15, named=("water",)),
    Reason(kind="scarce", share=0.03, measured=0.4),
)


def test_reasons_are_told_by_kind_with_shares_and_in_full_in_the_tooltip(four: Campaign) -> None:
    offer = Offer(reason="31% doubtful (52%); …", picks=59, reasons=REASONS)
    queued = read(four, Z3_AA=offer)[IDS[2]]
    told = "the model doubts 67 %, classes it knows badly 30 %, about 59 picks"
    assert plain(remarks(queued, "marie")[0]) == told
    lines = plain(tooltip(queued, "marie")).splitlines()
    assert [line for line in lines if re.match(r"\d+ % ", line)][:4] == [
        "52 % the model doubts: 31 % doubtful",
        "30 % classes it knows badly: brushwood, bare soil",
        "15 % the model doubts: water",
        "3 % looks with few labels: 40 % looks like what has few labels",
    ]
    for text in ("doubts badly", "doubtful", "bare soil"):
        assert arranged([queued], "marie", text=text)
    speak("fr")
    try:
        assert remarks(queued, "marie")[0].startswith("le modèle doute 67")
        lines = plain(tooltip(queued, "marie")).splitlines()
        assert [line for line in lines if re.match(r"\d+ % ", line)][:3] == [
            "52 % le modèle doute : douteuse à 31 %",
            "30 % classes mal reconnues : broussaille, sol nu",
            "15 % le modèle doute : eau",
        ]
        assert arranged([queued], "marie", text="broussaille")
    finally:
        speak("en")


@pytest.mark.parametrize("name", [*strategies(), "value without a model"])
def test_no_reason_of_ours_is_told_in_english_to_who_speaks_french(name: str) -> None:
    asked = task() if name in strategies() else task(candidates=measures(40, doubt=False))
    reasons = [one for chosen in strategy_named(name.split()[0])(asked).chosen for one in chosen.reasons]
    titles = {key: {"fr": key.upper(), "en": key} for key in asked.candidates.classes}
    english = {(one.kind, reason_detail(one, titles)) for one in reasons}
    speak("fr")
    try:
        french = {(one.kind, reason_detail(one, titles)) for one in reasons}
    finally:
        speak("en")
    assert {kind for kind, detail in english if not detail} <= {"drawn"}
    assert not {pair for pair in english & french if pair[1]}
    assert not any(one.words for one in reasons)


def test_what_another_package_tells_stays_as_it_wrote_it() -> None:
    reason = Reason(kind="pretty", share=0.4, words="a lake at dusk")
    assert plain(reason_lines([reason], {})[0]) == "40 % pretty: a lake at dusk"
    assert plain(reason_lines([Reason(kind="drawn", share=1.0)], {})[0]) == "100 % drawn by lot"


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_one_reason_alone_needs_no_share_and_a_kind_of_somebody_elses_is_told_as_it_is() -> None:
    assert reasons_told([Reason(kind="drawn", share=1.0)]) == "drawn by lot"
    assert reasons_told([Reason(kind="pretty", share=1.0)]) == "pretty"
    assert reasons_told([]) == ""
    colours = {reason_colour((reason,)) for reason in (*REASONS, Reason(kind="pretty", share=1.0))}
    assert len(colours) == 4
    assert reason_colour(()) in colours


def test_proposals_wait_until_they_are_zones_and_are_read_again_when_the_file_changed(
    four: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_plugin import queue_reading

    reader = ZoneReader(four.path, "marie")
    read(four, reader)
    assert reader.waiting == WaitingProposals()
    pooled(four)
    proposed = propose(four, adviser=None).proposals
    opened, real = [], queue_reading.read_proposals
    monkeypatch.setattr(queue_reading, "read_proposals", lambda path: (opened.append(path), real(path))[1])
    for _ in range(2):
        read(four, reader)
    assert [one.id for one in reader.waiting.proposals] == [one.id for one in proposed]
    assert len(opened) == 1
    accept_proposals(four, ids=[proposed[0].id])
    found = read(four, reader)
    assert [one.id for one in reader.waiting.proposals] == [proposed[1].id]
    assert [one.offer.proposal for one in found.values() if one.offer] == [proposed[0].id]
    assert len(opened) == 1
    propose(four, adviser=None)
    read(four, reader)
    assert len(opened) == 2


def test_proposals_that_cannot_be_read_are_one_sentence_and_hide_no_zone(four: Campaign) -> None:
    (four.path / "proposals.gpkg").write_bytes(b"SQLite format 3\0" + b"\0" * 100)
    reader = ZoneReader(four.path, "marie")
    assert list(read(four, reader)) == sorted(IDS)
    assert reader.waiting.proposals == ()
    assert reader.waiting.problem.endswith("is no file of proposals; have zones proposed again")


def test_who_holds_a_zone_is_told_to_others_only(four: Campaign) -> None:
    with Tenancy(four.registry, IDS[0], "jean"):
        queued = read(four)[IDS[0]]
    assert (queued.held_by_other("marie"), queued.held_by_other("jean")) == ("jean", "")
    assert turn_of(queued, "jean") == Turn.MINE
    assert remarks(queued, "marie")[0].startswith("jean is there since ")


def test_a_damaged_journal_is_a_row_that_says_so_and_keeps_no_other_from_being_read(four: Campaign) -> None:
    label(four, IDS[0], "marie")
    label(four, IDS[1], "marie")
    damage(four, IDS[0], "marie")
    found = read(four)
    assert turn_of(found[IDS[0]], "marie") == Turn.DAMAGED
    assert remarks(found[IDS[0]], "marie")[0].startswith("marie.sqlite: ")
    assert str(four.path) in found[IDS[0]].problem
    assert found[IDS[1]].labelled == 1


def test_words_find_names_people_and_reasons_whatever_accents_and_capitals(four: Campaign) -> None:
    label(four, IDS[2], "jean")
    judge(four, IDS[2], "jean", submit)
    judge(four, IDS[2], "paul", back)
    found = read(four)
    for text in ("z3", "OUBLIEES canal", "jean", "paul haies", "Z3 D051"):
        assert [queued.zone.id for queued in arranged(found.values(), "marie", text=text)] == [IDS[2]], text
    assert not arranged(found.values(), "marie", text="z3 z1")


def test_filters_take_what_they_say(four: Campaign) -> None:
    four.draw(1.0)
    admit_all(four)
    for zone in IDS[:3]:
        label(four, zone, "jean")
        judge(four, zone, "jean", submit)
    judge(four, IDS[0], "paul", accept)
    judge(four, IDS[1], "paul", back)
    set_gold(four, four.zone(IDS[0]), 0.9)
    found = read(four).values()
    names = {name: {one.zone.name for one in arranged(found, "jean", only=name)} for name in FILTERS}
    assert names == {
        "all": set(ZONES),
        "mine": {"Z2_AA"},
        "proposed": set(),
        "sent_back": {"Z2_AA"},
        "open": {"Z10_AA"},
        "submitted": {"Z3_AA"},
        "accepted": {"Z1_AA"},
        "double": set(ZONES),
        "gold": {"Z1_AA"},
        "damaged": set(),
    }
    assert counts(found, "jean") == {name: len(taken) for name, taken in names.items()}


def test_the_second_of_two_annotators_is_to_label_blind_and_nobody_else(four: Campaign) -> None:
    four.draw(1.0)
    label(four, IDS[0], "jean")
    before = read(four)
    assert not before[IDS[1]].to_be_blind("marie")  # nobody was first
    assert not before[IDS[0]].to_be_blind("jean")
    assert before[IDS[0]].to_be_blind("marie")
    label(four, IDS[0], "marie", blind=True)
    after = read(four)[IDS[0]]
    assert after.to_be_blind("marie")  # goes on with it
    assert not after.to_be_blind("luc")  # it has its two
    assert "annotated blind by marie" in tooltip(after, "luc")


def test_whoever_is_not_admitted_yet_begins_with_the_gold_zones_blind(four: Campaign) -> None:
    label(four, IDS[2], "paul")
    judge(four, IDS[2], "paul", accept)
    set_gold(four, four.zone(IDS[2]), 0.9)
    first = arranged(read(four).values(), "jean")[0]
    assert (first.zone.id, state_title(first, "jean")) == (IDS[2], "begin here")
    assert first.to_be_blind("jean")
    assert remarks(first, "jean")[0] == "label it blind, to be admitted to the other zones"
    admit_all(four)
    after = read(four)[IDS[2]]
    assert (turn_of(after, "jean"), after.to_be_blind("jean")) == (Turn.ACCEPTED, False)


def test_zones_that_are_looked_at_are_read_first_and_only_their_labels_are_counted(four: Campaign) -> None:
    for zone in IDS:
        label(four, zone, "marie", rows=128)
    reader = ZoneReader(four.path, "marie")
    reader.wanted = (IDS[3],)
    order: list[str] = []
    look = reader._read_one
    reader._read_one = lambda zone_id: (order.append(zone_id), look(zone_id))[1]
    found: dict[str, QueuedZone] = {}
    reader.read(
        tell=lambda zones: found.update({z.zone.id: z for z in zones}), report=lambda share, what: None
    )
    assert order == [IDS[3], IDS[3], *sorted(IDS[:3])]
    assert {zone: queued.labelled for zone, queued in found.items()} == dict.fromkeys(IDS[:3]) | {
        IDS[3]: 0.25
    }
    assert reader.lacks(IDS[:1])
    assert not reader.lacks(IDS[3:])


def test_what_did_not_change_is_not_read_again(four: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    label(four, IDS[0], "marie", rows=128)
    label(four, IDS[1], "marie", rows=128)
    reader = ZoneReader(four.path, "marie")
    read(four, reader)
    opened: list[str] = []
    from napari_plugin import queue_reading

    real = queue_reading.read_outline
    monkeypatch.setattr(
        queue_reading,
        "read_outline",
        lambda journal, subject: (opened.append(subject.zone), real(journal, subject))[1],
    )
    label(four, IDS[1], "jean", rows=256)
    found = read(four, reader)
    assert opened == [IDS[1]]
    assert (found[IDS[0]].labelled, found[IDS[1]].labelled) == (0.25, 0.5)


def test_a_zone_that_is_added_and_a_lease_that_ends_show_at_the_next_reading(
    four: Campaign, make_ortho: MakeOrtho
) -> None:
    reader = ZoneReader(four.path, "marie")
    with Tenancy(four.registry, IDS[0], "jean"):
        assert read(four, reader)[IDS[0]].lease is not None
    image, _ = make_ortho(row=1024 * 9, name="late")
    add_zone(four, image, domain="D052_2019", name="Z1_BB")
    found = read(four, reader)
    assert found[IDS[0]].lease is None
    assert "D052_2019/Z1_BB" in found


def test_reading_can_be_stopped_and_gone_on_with(four: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_plugin import queue_reading

    monkeypatch.setattr(queue_reading, "_BATCH_SECONDS", 0.0)
    reader, found = ZoneReader(four.path, "marie"), dict[str, QueuedZone]()

    def tell(zones: list[QueuedZone]) -> None:
        found.update({one.zone.id: one for one in zones})

    def stop(share: float, what: str) -> None:
        raise InterruptedError(what)

    with pytest.raises(InterruptedError, match="1 of 4 zones"):
        reader.read(tell=tell, report=stop)
    assert sum(queued.read for queued in found.values()) == 1
    assert reader.left == 3
    reader.go_on(tell=tell, report=lambda share, what: None)
    assert all(queued.read for queued in found.values())


def test_a_damaged_registry_is_one_sentence(four: Campaign) -> None:
    four.registry.path.write_bytes(b"SQLite format 3\0" + b"\0" * 100)
    with pytest.raises(CampaignError, match="restore it from a backup"):
        read(four)


def test_edits_that_may_be_lost_are_told(four: Campaign) -> None:
    label(four, IDS[0], "marie", rows=10)
    label(four, IDS[0], "jean", rows=20)
    (four.journal_dir(four.zone(IDS[0])) / "marie.sqlite").unlink()
    queued = read(four)[IDS[0]]
    assert any(
        "edits may be lost: no journal holds op marie:1" in remark for remark in remarks(queued, "jean")
    )
