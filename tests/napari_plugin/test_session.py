"""The session: what the desk knows and does, without Qt and without a viewer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk_cases import heard, last_op, lit

from napari_plugin.others import Others
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.errors import CampaignError, HierarchyError, JournalError, NomenclatureError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import Window
from workbench.geo.raster import inspect_raster, read_bands
from workbench.labels import Provenance, assign
from workbench.labels.editing import Given
from workbench.labels.review import accept, send_back, submit, zone_state
from workbench.leases import LeaseTaken
from workbench.segmentation.building import segment
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

ZONE = "D051_2019/Z1_AA"
MakeOrtho = Callable[..., tuple[Path, Path]]


def add(
    campaign: Campaign, image: Path, *, name: str = "Z1_AA", segmented: bool = True, **options: Any
) -> None:
    add_zone(campaign, image, domain="D051_2019", name=name, **options)
    if segmented:
        list(segment_zones(campaign, None, say=lambda message: None))


def open_session(campaign: Campaign, author: str = "marie", zone_id: str | None = None) -> Session:
    return Session.open(campaign.path, zone_id=zone_id, author=author)


@pytest.mark.parametrize("level", [0, 40, 100, 140, 170, 200, 230, 254])
def test_a_click_takes_exactly_the_pixels_that_light_up(session: Session, level: int) -> None:
    session.set_level(level)
    rng = np.random.default_rng(level)
    for number, (row, col) in enumerate(rng.integers(0, 512, (12, 2)).tolist()):
        before = session.labels.copy()
        session.set_class(1 + number % 19)
        taken = lit(session, session.hover_at(row, col))
        assert taken[row, col]
        session.assign_at(row, col)
        assert (session.labels == np.where(taken, session.code, before)).all()


def test_what_lights_up_is_the_region_of_the_cut(session: Session) -> None:
    assert session.hierarchy is not None
    for level in (60, 150, 210):
        session.set_level(level)
        regions = session.hierarchy.cut(session.scale).labels()
        assert (lit(session, session.hover_at(200, 300)) == (regions == regions[200, 300])).all()


def test_coarser_steps_never_shrink_what_lights_up_and_finer_steps_come_back(session: Session) -> None:
    session.set_level(0)
    areas, counts, levels = [], [], []
    for _ in range(80):
        areas.append(int(lit(session, session.hover_at(256, 256)).sum()))
        counts.append(session.scales.regions)
        levels.append(session.level)
        session.step_scale(1)
    assert areas == sorted(areas)
    assert counts == sorted(counts, reverse=True)
    assert (areas[-1], counts[-1], levels[-1]) == (512 * 512, 1, 254)
    session.step_scale(-80)
    assert session.level == session.scales.finest
    assert session.scales.regions == session.hierarchy.leaf_count


def test_each_level_counts_the_regions_of_its_cut(session: Session) -> None:
    assert session.hierarchy is not None
    for level in (0, 1, 77, 180, 253, 254):
        session.set_level(level)
        assert session.scales.regions == session.hierarchy.cut(session.scale).count
    assert session.scales.regions_per_km2 == pytest.approx(1 / (512 * 0.2) ** 2 * 1e6)


def test_a_step_of_the_scale_is_half_an_octave(session: Session) -> None:
    session.set_level(100)
    before = session.scale
    session.step_scale(2)
    assert session.scale / before == pytest.approx(2, rel=0.1)


def test_a_scale_given_by_its_value_is_the_step_at_or_above_it(session: Session) -> None:
    session.set_level(120)
    wanted = session.scale
    session.set_level(0)
    session.set_scale(wanted * 0.999)
    assert session.level == 120


def test_the_region_under_a_resting_pointer_follows_the_scale(session: Session) -> None:
    session.set_level(0)
    session.hover_at(100, 100)
    before = lit(session, session.hover)
    hovered = heard(session.hovered)
    session.set_level(230)
    assert hovered == [session.hover]
    assert lit(session, session.hover)[before].all()
    assert lit(session, session.hover).sum() > before.sum()


def test_moving_inside_a_region_says_nothing_new(session: Session) -> None:
    session.set_level(254)
    session.hover_at(10, 10)
    hovered = heard(session.hovered)
    session.hover_at(400, 400)
    assert hovered == []
    session.leave()
    session.leave()
    assert hovered == [None]


def test_an_edit_is_announced_with_what_to_repaint_and_its_place_in_the_journal(
    session: Session,
) -> None:
    repainted, saved = heard(session.repainted), heard(session.saved)
    before = session.labels.copy()
    session.assign_at(30, 40)
    changed = np.argwhere(session.labels != before)
    (window,) = repainted
    low, high = changed.min(axis=0), changed.max(axis=0)
    assert window == Window(row=low[0], col=low[1], height=high[0] - low[0] + 1, width=high[1] - low[1] + 1)
    assert [(one.id, one.number) for one in saved] == [("marie:1", 1)]
    assert saved == [session.last_saved]


def test_a_pick_leaves_its_provenance(session: Session) -> None:
    session.set_level(150)
    session.assign_at(30, 40)
    op = session.store.op_at(30, 40)
    assert op == last_op(session)
    assert session.hierarchy is not None
    assert (op.tool, op.scale, op.hierarchy_digest) == ("pick", session.scale, session.hierarchy.digest)


def test_undo_and_redo_walk_through_every_state(session: Session) -> None:
    states = [session.labels.copy()]
    for number, (row, col) in enumerate([(10, 10), (300, 200), (310, 210), (500, 500), (256, 10)]):
        session.set_level(120 + 20 * number)
        session.set_class(number + 1)
        session.assign_at(row, col)
        states.append(session.labels.copy())
    for state in states[-2::-1]:
        session.undo()
        assert (session.labels == state).all()
    notices = heard(session.noticed)
    session.undo()
    assert notices == ["Nothing left to undo."]
    for state in states[1:]:
        session.redo()
        assert (session.labels == state).all()
    session.redo()
    assert notices[1:] == ["Nothing to redo."]


def test_labels_and_undo_are_there_when_the_zone_is_opened_again(zone: Campaign) -> None:
    with closing(open_session(zone)) as first:
        first.set_class(5)
        first.assign_at(100, 100)
        labels = first.labels.copy()
    with closing(open_session(zone)) as again:
        assert (again.labels == labels).all()
        assert labels.any()
        assert again.last_saved is not None
        assert again.last_saved.id == "marie:1"
        again.undo()
        assert not again.labels.any()


def test_what_is_saved_is_said_of_ones_own_edits_only(zone: Campaign) -> None:
    with closing(open_session(zone)) as marie:
        marie.assign_at(100, 100)
    with closing(open_session(zone, author="paul")) as paul:
        assert paul.labels.any()
        assert paul.last_saved is None


def test_a_region_that_has_the_class_already_makes_no_edit(session: Session) -> None:
    session.assign_at(100, 100)
    notices = heard(session.noticed)
    session.assign_at(100, 100)
    assert session.store.last_id == "marie:1"
    assert notices == ["This region is building already."]


def test_code_0_erases(session: Session) -> None:
    session.assign_at(100, 100)
    session.set_class(0)
    session.assign_at(100, 100)
    assert not session.labels.any()
    session.undo()
    assert session.labels.any()


def test_only_classes_of_the_nomenclature_come_to_hand(session: Session) -> None:
    chosen = heard(session.class_chosen)
    session.set_class(7)
    session.set_class(7)
    with pytest.raises(NomenclatureError, match="no class of code 77"):
        session.set_class(77)
    with pytest.raises(NomenclatureError, match="swamp"):
        session.give(Given(code=7, upper="swamp"))
    assert (session.given, chosen) == (Given(code=7), [Given(code=7)])


def test_an_upper_class_in_hand_is_what_its_pixels_are_given(session: Session) -> None:
    session.give(Given(code=0, upper="woody_vegetation"))
    assert (session.given, session.code) == (Given(code=17, upper="woody_vegetation"), 17)
    session.assign_at(100, 100)
    numbers, keys = session.store.uppers()
    assert [keys[number - 1] for number in np.unique(numbers[session.labels == 17])] == ["woody_vegetation"]
    assert session.given_at(100, 100) == session.given
    notices = heard(session.noticed)
    session.assign_at(100, 100)
    assert notices == [f"This region is {session.called(session.given)} already."]
    session.set_class(17)
    session.assign_at(100, 100)
    assert session.given_at(100, 100) == Given(code=17)
    assert not session.store.uppers()[0].any()


@pytest.mark.parametrize(("upper", "code"), [("mineral_ground", 0), ("woody_vegetation", 17)])
def test_an_upper_class_is_another_label_than_its_code_alone(session: Session, upper: str, code: int) -> None:
    if code:
        session.set_class(code)
        session.assign_at(100, 100)
    session.give(Given(code=code, upper=upper))
    session.assign_at(100, 100)
    assert session.given_at(100, 100) == Given(code=code, upper=upper)


def test_two_classes_take_turns_in_hand(session: Session) -> None:
    first = session.given
    session.set_class(5)
    session.take_last_class()
    assert session.given == first
    session.take_last_class()
    assert session.given == Given(code=5)


def test_pointing_and_clicking_outside_the_zone_does_nothing(session: Session) -> None:
    notices = heard(session.noticed)
    for row, col in ((-1, 5), (5, -1), (512, 5), (5, 512)):
        assert session.hover_at(row, col) is None
        session.assign_at(row, col)
    assert set(notices) == {"Outside the zone: nothing is labelled here."}
    assert session.store.last_id is None


def test_nothing_lights_up_or_is_painted_outside_the_footprint(bent: Campaign) -> None:
    with closing(open_session(bent)) as session:
        assert session.store.footprint.sum() == 3 * 512**2
        session.set_level(254)
        assert not (lit(session, session.hover_at(10, 10)) & ~session.store.footprint).any()
        session.assign_at(10, 10)
        assert not session.labels[~session.store.footprint].any()
        notices = heard(session.noticed)
        assert session.hover_at(10, 600) is None
        session.assign_at(10, 600)
        assert notices == ["Outside the zone: nothing is labelled here."]


def test_a_region_that_reaches_beyond_the_footprint_is_cut_at_it(bent: Campaign) -> None:
    zone = bent.zones()[0]
    with closing(open_session(bent)) as session:
        whole = segment(bent.read_image(zone), grid=zone.grid)  # as if the zone were its bounding box
        wide = Session(replace(session.opened, hierarchy=whole))
        wide.set_level(254)
        assert (lit(wide, wide.hover_at(10, 10)) == session.store.footprint).all()
        wide.assign_at(10, 10)
        assert ((wide.labels == wide.code) == session.store.footprint).all()


def test_the_surroundings_come_with_the_zone_and_its_pixels_keep_their_place(bent: Campaign) -> None:
    zone = bent.zones()[0]
    with closing(open_session(bent)) as session:
        backdrop = session.backdrop
        assert backdrop.offset == (-130, -70)
        inside = backdrop.pixels[:, 130 : 130 + 1024, 70 : 70 + 1024]
        assert (inside == read_bands(zone.ortho.path, window=zone.ortho.window)).all()


def test_a_place_has_its_ground_position_and_class(session: Session) -> None:
    session.set_class(5)
    session.assign_at(100, 100)
    place = session.place_at(100, 100)
    assert (place.x, place.y) == session.grid.xy(100, 100)
    assert session.title_of(place.code) == "water"
    assert session.place_at(-3, 100).code is None


def test_a_zone_without_hierarchy_shows_its_labels_and_says_that_it_has_no_regions(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    image, mask = make_ortho()
    add(campaign, image, segmented=False, mask=mask, scheme="flair")
    with closing(open_session(campaign)) as session:
        assert (session.labels == read_bands(mask)[0]).all()
        assert session.hierarchy is None
        assert session.opened.advice == "Not segmented yet: there are no regions to pick."
        notices = heard(session.noticed)
        assert session.hover_at(10, 10) is None
        session.assign_at(10, 10)
        level = session.level
        session.step_scale(-3)
        assert notices == ["This zone has no regions to pick yet."]
        assert (session.level, session.scales.regions) == (level, 0)


def test_a_broken_hierarchy_is_no_reason_not_to_see_the_labels(zone: Campaign) -> None:
    with closing(open_session(zone)) as session:
        session.assign_at(5, 5)
        labels = session.labels.copy()
    path = zone.hierarchy_path(zone.zones()[0])
    path.write_bytes(path.read_bytes()[:5000])
    with closing(open_session(zone)) as session:
        assert session.hierarchy is None
        assert str(path) in session.opened.advice
        assert (session.labels == labels).all()


def test_a_hierarchy_of_another_place_is_not_picked_from(zone: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho(col=512, name="beside")
    add(zone, image, name="Z2_AA")
    here, there = (zone.hierarchy_path(one) for one in zone.zones())
    shutil.copyfile(there, here)
    with closing(open_session(zone, zone_id=ZONE)) as session:
        assert session.hierarchy is None
        assert "was made of other pixels than zone" in session.opened.advice


def test_a_session_takes_no_hierarchy_of_another_size(bent: Campaign, make_ortho: MakeOrtho) -> None:
    add(bent, make_ortho(col=4096, name="far")[0], name="Z2_AA")
    with (
        closing(open_session(bent, zone_id=ZONE)) as large,
        closing(open_session(bent, zone_id="Z2_AA")) as small,
        pytest.raises(HierarchyError, match="segment the zone again"),
    ):
        Session(replace(large.opened, hierarchy=small.hierarchy))


def test_an_edit_that_cannot_be_written_is_told_once_and_changes_nothing(session: Session) -> None:
    session.assign_at(100, 100)
    labels = session.labels.copy()
    session.close()  # as when the journal is lost while the window is open
    refused, repainted, saved = heard(session.refused), heard(session.repainted), heard(session.saved)
    session.set_class(5)
    session.assign_at(400, 400)
    assert len(refused) == 1
    assert "was closed; open it again" in refused[0]
    assert (repainted, saved) == ([], [])
    assert (session.labels == labels).all()


def test_one_author_labels_a_zone_in_one_window(session: Session, zone: Campaign) -> None:
    with pytest.raises(JournalError, match="marie"):
        open_session(zone)
    with pytest.raises(LeaseTaken, match="marie is labelling zone"):
        open_session(zone, author="paul")
    Session.open(zone.path, zone_id=None, author="paul", together=True).close()
    session.close()
    open_session(zone, author="paul").close()


def test_what_others_do_is_shown_and_conflicts_are_said(session: Session, zone: Campaign) -> None:
    repainted, noticed, reviewed = heard(session.repainted), heard(session.noticed), []
    session.reviewed.connect(lambda: reviewed.append(True))
    others = Others(session)
    others.look()
    assert repainted == noticed == reviewed == []
    with zone.open_store(zone.zones()[0], author="jean") as jean:
        window = Window(row=20, col=30, height=4, width=5)
        edit = assign(np.ones(window.shape, np.bool_), window, 5, Provenance(tool="brush"))
        jean.apply(edit)
        others.look()
        assert repainted == [window]
        assert noticed == ["jean labelled here too."]
        assert reviewed == [True]
        assert (session.store.labels[window.slices] == 5).all()
        session.store.apply(replace(edit, code=2))
        jean.apply(replace(edit, code=3))
    others.look()
    assert noticed[1:] == ["jean labelled here too: 1 conflict, at row 21, column 32."]


def test_an_accepted_zone_is_labelled_after_it_was_sent_back(session: Session, zone: Campaign) -> None:
    session.set_level(200)
    session.assign_at(300, 300)
    with zone.open_store(zone.only_zone(), author="paul") as paul:
        accept(paul)
    assert session.locked_by is None
    Others(session).look()
    assert session.locked_by == "paul"
    refused, before = heard(session.refused), session.labels.copy()
    session.set_class(7)
    session.assign_at(300, 300)
    session.undo()
    assert len(refused) == 2
    assert all("accepted by paul and is locked" in sentence for sentence in refused)
    assert np.array_equal(session.labels, before)
    assert session.write(lambda: send_back(session.store, "the wood is a vineyard"))
    assert session.locked_by is None
    session.assign_at(300, 300)
    assert session.labels[300, 300] == 7


def test_a_journal_that_cannot_be_read_is_complained_of_once(session: Session, zone: Campaign) -> None:
    refused = heard(session.refused)
    (session.opened.journal.parent / "jean.sqlite").write_bytes(b"SQLite format 3\0 and noise")
    others = Others(session)
    others.look()
    others.look()
    assert len(refused) == 1
    assert "jean.sqlite" in refused[0]


def test_a_raster_that_was_changed_is_not_labelled(zone: Campaign) -> None:
    path = zone.zones()[0].ortho.path
    pixels = read_bands(path)
    pixels[0, 100, 100] ^= 1
    grid = inspect_raster(path).grid
    path.unlink()
    write_raster(path, pixels, grid)
    with pytest.raises(RasterError, match="not those that zone D051_2019/Z1_AA was made on"):
        open_session(zone)


def test_without_a_name_the_only_zone_is_opened(zone: Campaign, make_ortho: MakeOrtho) -> None:
    with closing(open_session(zone)) as session:
        assert session.zone_id == ZONE
        assert session.title == f"campaign · {ZONE} · marie"
    add(zone, make_ortho(col=512, name="beside")[0], name="Z2_AA", segmented=False)
    with pytest.raises(CampaignError, match=r"2 zones \(D051_2019/Z1_AA, D051_2019/Z2_AA\).*--zone"):
        open_session(zone)


def test_an_edit_in_a_zone_that_was_handed_in_says_that_it_opens_it(session: Session) -> None:
    session.set_class(3)
    session.set_level(200)
    session.assign_at(100, 100)
    told = heard(session.noticed)
    submit(session.store)
    session.set_class(5)
    session.assign_at(100, 100)
    assert zone_state(session.store).state == "open"
    assert [text for text in told if "handed in" in text]
    told.clear()
    session.set_class(6)
    session.assign_at(100, 100)
    assert told == []
