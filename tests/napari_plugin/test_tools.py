"""The tools, by presses, drags and releases on a session: what they show, paint and leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from desk_cases import at, heard, last_op, lit, over
from numpy.typing import NDArray

from napari_plugin.here import Here
from napari_plugin.pointed import Sketch, Spot
from napari_plugin.session import Session
from napari_plugin.tools import TOOLS, Brush, Cut, Line, Merge, Pick, Polygon, Tool, ToolBox
from workbench.campaign import Campaign
from workbench.labels.editing import Given
from workbench.labels.strokes import brush_mask, cut_mask, polygon_mask

Way = list[tuple[float, float]]
CODE = 5


@pytest.fixture
def bent_session(bent: Campaign) -> Iterator[Session]:
    """An L-shaped zone with two refined regions."""
    with closing(Session.open(bent.path, zone_id=None, author="marie")) as opened:
        opened.set_level(190)
        for row, col in ((300, 200), (800, 700)):
            opened.hover_at(row, col)
            Here(opened).refine()
        assert opened.hierarchy is not None
        assert len(opened.hierarchy.refinements) == 2
        opened.leave()
        yield opened


@pytest.fixture
def tools(session: Session) -> ToolBox:
    session.set_class(CODE)
    return ToolBox(session)


def stroke(tool: Tool, *way: tuple[float, float]) -> None:
    """Drag a tool from place to place and let go."""
    tool.press(at(*way[0]))
    for place in way[1:]:
        tool.drag(at(*place))
    tool.release(at(*way[-1]), dragged=len(way) > 1)


def click(tool: Tool, row: float, col: float) -> None:
    stroke(tool, (row, col))


def ops(session: Session) -> int:
    return len(session.store.ops)


# Pick


@pytest.mark.parametrize("level", [0, 60, 120, 160, 190, 220, 254])
def test_a_click_takes_exactly_what_hovering_showed_in_a_bent_and_refined_zone(
    bent_session: Session, level: int
) -> None:
    session, tool = bent_session, Pick(bent_session)
    session.set_level(level)
    places = [(300, 200), (300, 215), (800, 700), (511, 511), (512, 512), (0, 0), (1023, 1023)]
    places += np.random.default_rng(level).integers(0, 1024, (8, 2)).tolist()
    for number, (row, col) in enumerate(places):
        before, count = session.labels.copy(), ops(session)
        session.set_class(1 + number % 19)
        tool.hover(at(row, col))
        if not session.store.footprint[row, col]:
            assert session.hover is None
            click(tool, row, col)
            assert ops(session) == count
            continue
        taken = lit(session, session.hover)
        assert taken[row, col]
        regions = session.hierarchy.cut(session.scale).labels()
        assert (taken == ((regions == regions[row, col]) & session.store.footprint)).all()
        click(tool, row, col)
        assert (session.labels == np.where(taken, session.code, before)).all()


def test_what_is_picked_is_what_was_pointed_at_when_the_button_went_down(session: Session) -> None:
    session.set_level(60)
    tool = Pick(session)
    tool.press(at(100, 100))
    taken = lit(session, session.hover)
    tool.release(at(103, 103), dragged=False)
    assert ((session.labels > 0) == taken).all()


def pixels_between(way: Way) -> NDArray[np.int64]:
    """Return the pixels nearest to straight lines whose longer side is odd, so that none is a tie."""
    found = []
    for (row, col), (row_stop, col_stop) in pairwise(way):
        steps = int(max(abs(row_stop - row), abs(col_stop - col)))
        assert steps % 2
        share = np.arange(steps + 1) / steps
        found.append(np.rint([row + share * (row_stop - row), col + share * (col_stop - col)]).astype(int))
    return np.concatenate(found, axis=1)


WAYS = {
    "short": [(100, 100), (103, 101)],
    "across": [(20, 30), (131, 481), (400, 312)],
    "far apart": [(5, 5), (500, 496)],
    "back and forth": [(250, 250), (250, 301), (250, 250), (201, 250)],
}


@pytest.mark.parametrize("level", [0, 130, 180, 230])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_drag_paints_the_regions_that_the_way_of_the_pointer_touches_and_no_others(
    session: Session, level: int, way: Way
) -> None:
    session.set_class(CODE)
    session.set_level(level)
    regions = session.hierarchy.cut(session.scale).labels()
    rows, cols = pixels_between(way)
    expected = np.isin(regions, regions[rows, cols])
    tool, repainted = Pick(session), heard(session.repainted)
    stroke(tool, *way)
    assert ((session.labels == CODE) == expected).all()
    assert len(repainted) == 1
    op = last_op(session)
    assert (op.seq, op.tool, op.scale) == (1, "drag", session.scale)
    session.undo()
    assert not session.labels.any()


def test_a_drag_that_is_let_go_farther_on_paints_up_to_there(session: Session) -> None:
    # Napari drops moves that come faster than every 5 ms: the last place of a flick is where it ends.
    session.set_class(CODE)
    session.set_level(120)
    regions = session.hierarchy.cut(session.scale).labels()
    rows, cols = pixels_between([(100, 100), (131, 151), (220, 250)])
    for moves in ([(131, 151)], []):
        tool = Pick(session)
        tool.press(at(100, 100))
        for row, col in moves:
            tool.drag(at(row, col))
        tool.release(at(220, 250), dragged=True)
        if moves:
            assert ((session.labels == CODE) == np.isin(regions, regions[rows, cols])).all()
        assert session.labels[220, 250] == session.labels[100, 100] == CODE
        session.undo()


def test_a_drag_over_the_rim_of_the_zone_paints_what_lies_inside(bent_session: Session) -> None:
    session, tool = bent_session, Pick(bent_session)
    session.set_class(CODE)
    session.set_level(150)
    regions = session.hierarchy.cut(session.scale).labels()
    for way in ([(-40, 100), (101, 100)], [(100, 400), (100, 901)], [(500, 1000), (601, 1050)]):
        rows, cols = pixels_between(way)
        inside = (rows >= 0) & (cols < 1024)
        rows, cols = rows[inside], cols[inside]
        inside = session.store.footprint[rows, cols]
        expected = np.isin(regions, regions[rows[inside], cols[inside]]) & session.store.footprint
        refused = heard(session.refused)
        stroke(tool, *way)
        assert refused == []
        assert ((session.labels == CODE) == expected).all()
        session.undo()


def test_a_drag_in_which_nothing_lies_says_why(session: Session) -> None:
    notices = heard(session.noticed)
    stroke(Pick(session), (-40, -40), (-41, 300))
    assert notices == ["Outside the zone: nothing is labelled here."]
    assert ops(session) == 0


def test_the_regions_that_a_drag_touched_are_shown_before_they_are_painted(session: Session) -> None:
    session.set_level(150)
    tool, sketched = Pick(session), heard(session.sketched)
    tool.press(at(100, 100))
    tool.drag(at(100, 201))
    regions = session.hierarchy.cut(session.scale).labels()
    shown = {(node.first, node.stop) for node in sketched[-1].nodes}
    nodes = [session.hierarchy.node_at(100, col, session.scale) for col in range(100, 202)]
    assert shown == {(node.first, node.stop) for node in nodes}
    assert len(shown) == np.unique(regions[100, 100:202]).size
    tool.release(at(100, 201), dragged=True)
    assert sketched[-1] is None


# Brush, line, polygon


@pytest.mark.parametrize(
    "way", [[(100, 100)], [(60.3, 70.8), (90, 300), (200.5, 20)], [(-20, 500), (30, 530)]]
)
def test_a_brush_paints_what_lies_within_its_radius_of_the_way(session: Session, way: Way) -> None:
    session.set_class(CODE)
    tool = Brush(session)
    stroke(tool, *way)
    expected = over(brush_mask(way, tool.width.radius, session.grid.shape), session.grid.shape)
    assert ((session.labels == CODE) == expected).all()
    assert (last_op(session).seq, last_op(session).tool) == (1, "brush")


def test_a_brush_paints_no_pixel_outside_the_footprint(bent_session: Session) -> None:
    session, tool = bent_session, Brush(bent_session)
    session.set_class(CODE)
    stroke(tool, (500, 400), (500, 700))
    painted = over(brush_mask([(500, 400), (500, 700)], tool.width.radius, session.grid.shape), (1024, 1024))
    assert ((session.labels == CODE) == (painted & session.store.footprint)).all()
    assert (painted & ~session.store.footprint).any()


@pytest.mark.parametrize("make", [Brush, Line])
def test_a_tool_with_a_width_gets_a_quarter_wider_with_each_notch_and_keeps_it(
    session: Session, make: Callable[[Session], Brush | Line]
) -> None:
    tool, level = make(session), session.level
    before, told = tool.width.radius, tool.told
    assert tool.resize(3)
    assert tool.width.radius == pytest.approx(before * 1.25**3)
    assert tool.told != told
    tool.resize(-3)
    assert tool.width.radius == pytest.approx(before)
    tool.resize(-200)
    assert tool.width.radius == 0.5
    stroke(tool, (50, 50), (50, 60))
    tool.finish()
    assert session.labels[50, 50:61].all()
    assert session.labels.sum() == 11 * session.code
    tool.resize(300)
    assert tool.width.radius == 250
    assert session.level == level


def test_a_brush_shows_how_wide_it_paints_where_it_is(session: Session) -> None:
    tool, sketched = Brush(session), heard(session.sketched)
    tool.hover(at(40, 50))
    tool.resize(2)
    assert [(one.path, one.radius) for one in sketched] == [
        ((at(40, 50),), 8.0),
        ((at(40, 50),), tool.width.radius),
    ]
    assert session.hover is None


CORNERS: Way = [(100, 100), (100.4, 300.2), (220, 310), (180, 90)]


@pytest.mark.parametrize("kind", [Line, Polygon])
def test_corners_become_what_strokes_say_when_they_are_finished(
    session: Session, kind: type[Line | Polygon]
) -> None:
    session.set_class(CODE)
    tool = kind(session)
    tool.finish()
    for corner in CORNERS:
        click(tool, *corner)
    assert ops(session) == 0
    tool.finish()
    assert ((session.labels == CODE) == expected_of(tool, CORNERS, session)).all()
    assert (last_op(session).seq, last_op(session).tool) == (1, tool.id)
    tool.finish()
    assert ops(session) == 1


def expected_of(tool: Tool, corners: Way, session: Session) -> NDArray[np.bool_]:
    shape = session.grid.shape
    if isinstance(tool, Line):
        return over(brush_mask(corners, tool.width.radius, shape), shape)
    return over(polygon_mask(corners, shape), shape)


@pytest.mark.parametrize("kind", [Line, Polygon])
def test_the_last_corner_can_be_taken_back(session: Session, kind: type[Line | Polygon]) -> None:
    session.set_class(CODE)
    tool = kind(session)
    for corner in (*CORNERS, (400, 400)):
        click(tool, *corner)
    tool.back()
    tool.finish()
    assert ((session.labels == CODE) == expected_of(tool, CORNERS, session)).all()
    tool.back()
    assert ops(session) == 1


@pytest.mark.parametrize("kind", [Line, Polygon])
def test_a_double_click_sets_its_corner_once(session: Session, kind: type[Line | Polygon]) -> None:
    session.set_class(CODE)
    tool = kind(session)
    for corner in (*CORNERS, CORNERS[-1]):
        click(tool, *corner)
    tool.finish()
    assert ((session.labels == CODE) == expected_of(tool, CORNERS, session)).all()


@pytest.mark.parametrize("kind", [Line, Polygon])
def test_corners_may_be_drawn_freely_and_clicked_in_turn(
    session: Session, kind: type[Line | Polygon]
) -> None:
    session.set_class(CODE)
    tool = kind(session)
    click(tool, *CORNERS[0])
    tool.press(at(*CORNERS[1]))
    tool.drag(at(*CORNERS[2]))
    tool.release(at(*CORNERS[3]), dragged=True)
    click(tool, 300, 20)
    tool.back()
    tool.finish()
    assert ((session.labels == CODE) == expected_of(tool, CORNERS, session)).all()


@pytest.mark.parametrize(("kind", "least"), [(Line, 2), (Polygon, 3)])
def test_too_few_corners_paint_nothing_and_stay(
    session: Session, kind: type[Line | Polygon], least: int
) -> None:
    tool = kind(session)
    for corner in CORNERS[: least - 1]:
        click(tool, *corner)
    tool.finish()
    assert ops(session) == 0
    click(tool, *CORNERS[least - 1])
    tool.finish()
    assert ops(session) == 1


@pytest.mark.parametrize("kind", [Brush, Line, Polygon])
def test_a_stroke_beside_the_zone_says_so_and_paints_nothing(session: Session, kind: type[Tool]) -> None:
    tool, notices = kind(session), heard(session.noticed)
    way = [(-80, -80), (-80, -70), (-60, -75)]
    if kind is Brush:
        stroke(tool, *way)
    else:
        for place in way:
            click(tool, *place)
        tool.finish()
    (notice,) = notices
    assert notice.startswith("Nothing to paint: ")
    assert ops(session) == 0


def test_a_polygon_shows_the_corner_that_another_click_would_set(session: Session) -> None:
    tool, sketched = Polygon(session), heard(session.sketched)
    tool.hover(at(1, 1))
    assert sketched == []
    click(tool, 10, 10)
    tool.hover(at(20, 30))
    assert (sketched[-1].path, sketched[-1].closed) == ((at(10, 10), at(20, 30)), True)


# Cut


LINE: Way = [(300.0, -3.0), (240.3, 200.0), (270.6, 515.0)]
HALFWAY = (245, 253)


def test_the_sides_of_a_cut_part_the_region_but_for_the_line(session: Session) -> None:
    session.set_level(215)
    tool = Cut(session)
    on_line = over(brush_mask(LINE, 0.5**0.5, session.grid.shape), session.grid.shape)
    stroke(tool, *LINE)
    assert ops(session) == 0
    regions = session.hierarchy.cut(session.scale).labels()
    taken = regions == regions[HALFWAY]
    window = session.hierarchy.window(session.hierarchy.node_at(*HALFWAY, session.scale))
    parted, painted = [], np.zeros_like(taken)
    while (left := taken & ~on_line & ~painted).any():
        row, col = np.argwhere(left)[0]
        session.set_class(1 + len(parted))
        click(tool, row, col)
        mask = cut_mask(taken[window.slices], window, LINE, row=row, col=col)
        side = session.labels == session.code
        assert (side == over((window, mask), taken.shape)).all()
        assert side[row, col]
        parted.append(side)
        painted |= side
    assert len(parted) > 1
    assert (painted == taken).all()
    assert (np.sum(parted, axis=0)[~on_line] <= 1).all()
    assert last_op(session).tool == "cut"


def test_a_line_cuts_the_region_in_its_middle_however_few_moves_arrived(session: Session) -> None:
    session.set_level(215)
    tool = Cut(session)
    tool.press(at(300, -3))
    tool.release(at(270.6, 515), dragged=True)
    assert session.hover is not None
    assert lit(session, session.hover)[285, 256]


def test_the_side_under_the_pointer_is_the_one_that_a_click_paints(session: Session) -> None:
    session.set_level(215)
    tool, sketched = Cut(session), heard(session.sketched)
    stroke(tool, *LINE)
    row, col = HALFWAY[0] - 20, HALFWAY[1]
    tool.hover(at(row, col))
    shown = over(sketched[-1].region, session.grid.shape)
    session.set_class(CODE)
    click(tool, row, col)
    assert ((session.labels == CODE) == shown).all()


def test_why_a_line_cuts_nothing_is_said(session: Session) -> None:
    session.set_level(215)
    tool, notices = Cut(session), heard(session.noticed)
    click(tool, 100, 100)
    stroke(tool, (-50, -50), (-60, -60), (-70, -70))
    stroke(tool, (256, 256), (256, 257))
    click(tool, 256, 260)
    assert notices == [
        "Draw a line across the region, then click a side.",
        "Outside the zone: nothing is labelled here.",
        "The line does not part the region here; Esc, then draw it across.",
    ]
    assert ops(session) == 0


# Merge


def test_a_label_that_is_dragged_into_its_neighbour_gives_it_its_class(session: Session) -> None:
    session.set_level(150)
    tool = Merge(session)
    session.set_class(3)
    session.assign_at(100, 100)
    session.give(Given(code=0, upper="woody_vegetation"))
    session.assign_at(400, 400)
    small, upper = session.labels == 3, session.labels == 17
    session.set_class(CODE)
    stroke(tool, (400, 400), (100, 100))
    assert session.given_at(100, 100) == Given(code=17, upper="woody_vegetation")
    assert ((session.labels == 17) == (small | upper)).all()
    assert last_op(session).tool == "merge"
    session.undo()
    assert ((session.labels == 3) == small).all()


def test_why_nothing_is_merged_is_said(session: Session) -> None:
    tool, notices, refused = Merge(session), heard(session.noticed), heard(session.refused)
    click(tool, 100, 100)
    assert notices == ["Drag from one label into the one that becomes part of it."]
    session.assign_at(100, 100)
    for way in ([(400, 400), (100, 100)], [(100, 100), (400, 400)], [(100, 100), (-5, 100)]):
        stroke(tool, *way)
    stroke(tool, (100, 100), (101, 100))
    assert ["there is no label at pixel" in one for one in refused] == [True, True, True]
    assert notices[1:] == ["(101, 100) has the class of (100, 100) already."]
    assert ops(session) == 1


# What all tools have in common


def begin(tool: Tool, session: Session) -> None:
    """Do half of what a tool takes to paint; one more release or `finish` would."""
    session.set_level(215)
    if isinstance(tool, (Line, Polygon)):
        for corner in CORNERS:
            click(tool, *corner)
    tool.press(at(200, 60))
    tool.drag(at(230, 200))
    tool.drag(at(260, 480))


def end(tool: Tool) -> None:
    """Do the other half."""
    tool.release(at(260, 480), dragged=True)
    if isinstance(tool, Cut):
        click(tool, 256, 256)
    tool.finish()


@pytest.mark.parametrize("kind", TOOLS, ids=lambda kind: kind.id)
def test_nothing_is_durable_before_a_gesture_is_done(session: Session, kind: type[Tool]) -> None:
    labelled_for_merging(session)
    tool, count, before = kind(session), ops(session), session.labels.copy()
    saved, repainted = heard(session.saved), heard(session.repainted)
    begin(tool, session)
    assert ops(session) == count
    assert saved == repainted == []
    assert (session.labels == before).all()
    end(tool)
    assert ops(session) == count + 1
    assert (session.labels != before).any()
    assert len(saved) == 1


@pytest.mark.parametrize("give_up", ["cancel", "another tool"])
@pytest.mark.parametrize("kind", TOOLS, ids=lambda kind: kind.id)
def test_what_is_given_up_leaves_no_trace(session: Session, kind: type[Tool], give_up: str) -> None:
    labelled_for_merging(session)
    tools, count, before = ToolBox(session), ops(session), session.labels.copy()
    tools.take(kind.id)
    sketched = heard(session.sketched)
    begin(tools.current, session)
    assert sketched[-1] is not None
    if give_up == "cancel":
        tools.current.cancel()
    else:
        tools.take("brush" if kind.id != "brush" else "line")
        tools.take(kind.id)
    assert sketched[-1] is None
    # The button is down still.
    tools.current.drag(at(265, 470))
    tools.current.release(at(260, 480), dragged=True)
    tools.current.finish()
    assert sketched[-1] is None or sketched[-1].path == (at(260, 480),)
    assert ops(session) == count
    assert (session.labels == before).all()


def labelled_for_merging(session: Session) -> None:
    """Give two far regions other classes, so that one can be merged into the other."""
    session.set_level(150)
    for code, (row, col) in ((3, (200, 60)), (7, (260, 480))):
        session.set_class(code)
        session.assign_at(row, col)
    session.set_class(CODE)


@pytest.mark.parametrize("kind", [Pick, Cut, Brush, Polygon], ids=lambda kind: kind.id)
def test_regions_that_change_in_the_middle_of_a_gesture_do_not_change_what_is_painted(
    session: Session, kind: type[Tool]
) -> None:
    # Nodes are numbers of one hierarchy: in a refined one the same numbers are other pixels.
    tools = ToolBox(session)
    tools.take(kind.id)
    begin(tools.current, session)
    session.hover_at(20, 20)
    Here(session).refine()
    before, count = session.labels.copy(), ops(session)
    end(tools.current)
    if kind in (Pick, Cut):
        assert ops(session) == count
        assert (session.labels == before).all()
    else:
        assert ops(session) == count + 1


def test_a_new_session_picks_regions(tools: ToolBox) -> None:
    assert tools.current.id == "pick"


def test_taking_a_tool_tells_so_and_notches_go_to_what_has_a_width(tools: ToolBox, session: Session) -> None:
    changed = heard(tools.changed)
    session.set_level(100)
    tools.resize(2)
    assert (session.level > 100, changed) == (True, [])
    tools.take("brush")
    level = session.level
    tools.resize(2)
    assert changed == [tools.current, tools.current]
    assert session.level == level
    tools.take("polygon")
    tools.resize(-2)
    assert session.level == 100


def test_tools_say_how_they_go_on(tools: ToolBox) -> None:
    told = {}
    for kind in TOOLS:
        tools.take(kind.id)
        told[kind.id] = tools.current.told
    assert told["brush"] == "3.2 m wide · Ctrl + wheel"
    assert "Enter" in told["line"]
    assert "Enter" in told["polygon"]
    assert "click a side" in told["cut"]


def test_a_sketch_of_the_same_thing_is_announced_once(session: Session) -> None:
    sketched: list[Any] = heard(session.sketched)
    sketch = Sketch(path=(Spot(row=1, col=1),))
    session.sketch(sketch)
    session.sketch(sketch)
    session.sketch(None)
    session.sketch(None)
    assert sketched == [sketch, None]


@pytest.mark.parametrize("kind", TOOLS, ids=lambda kind: kind.id)
def test_what_is_done_where_the_pointer_is_works_with_any_tool(session: Session, kind: type[Tool]) -> None:
    tool, here = kind(session), Here(session)
    tool.hover(at(200, 60))
    assert session.pointer == (200, 60)
    here.fill()
    assert session.labels[200, 60] == session.code
