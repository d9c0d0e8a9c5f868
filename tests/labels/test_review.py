"""A verdict holds for the labels it judged, and only the next step of a review is legal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from label_cases import open_store, rectangle
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import ACCEPTED, PROTECTED, Comment, Protect, Review
from workbench.labels.review import ZoneState, accept, send_back, submit, zone_state

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
Step = Callable[[AnnotationStore], object]


def back(store: AnnotationStore) -> ZoneState:
    return send_back(store, "the crop is grass")


def paint(store: AnnotationStore) -> object:
    return store.apply(rectangle(5, 6, 3, 3, 7))


def walk(directory: Path, steps: list[Step]) -> ZoneState:
    with open_store(directory, "marie", clock=lambda: NOON) as store:
        paint(store)
        for step in steps:
            step(store)
        state = zone_state(store)
    with open_store(directory) as store:
        assert zone_state(store) == state
    return state


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], "open"),
        ([submit], "submitted"),
        ([submit, accept], "accepted"),
        ([accept], "accepted"),
        ([submit, back], "sent_back"),
        ([accept, back], "sent_back"),
        ([submit, back, submit, accept], "accepted"),
        ([submit, paint], "open"),
        ([submit, paint, submit], "submitted"),
        ([accept, back, paint], "sent_back"),
        ([accept, back, lambda store: store.undo(), submit, accept], "accepted"),
        ([submit, back, paint], "sent_back"),
        ([submit, back, paint, submit], "submitted"),
    ],
)
def test_a_zone_is_where_its_last_verdict_and_edits_left_it(
    tmp_path: Path, steps: list[Step], state: str
) -> None:
    assert walk(tmp_path, steps).state == state


@pytest.mark.parametrize(
    ("steps", "illegal", "way_out"),
    [
        ([], back, "submit it first"),
        ([submit], submit, "accept it or send it back"),
        ([accept], submit, "send it back to label in it again"),
        ([accept], paint, "accepted by marie and is locked; send it back with a reason"),
        ([accept], accept, "nothing to do"),
        ([submit, back], accept, "submit it again"),
        ([submit, back], back, "submit it first"),
        ([submit, back, paint], accept, "submit it again"),
        ([submit], lambda store: send_back(store, " "), "reason"),
    ],
)
def test_an_illegal_step_is_refused_with_the_way_out(
    tmp_path: Path, steps: list[Step], illegal: Step, way_out: str
) -> None:
    walk(tmp_path, steps)
    with open_store(tmp_path, "jean") as store:
        before = store.ops
        with pytest.raises(EditRefused, match=way_out):
            illegal(store)
        assert store.ops == before


def test_a_locked_zone_takes_remarks_and_refinements_but_no_label(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        paint(store)
        store.record(Comment(row=5, col=6, text="larch?"))
        accept(store)
        store.record(Comment(row=5, col=6, text="no, spruce"))
        store.apply(Protect(mask=rectangle(5, 6, 3, 3, 7).mask, on=True))
        for _ in range(2):
            store.undo()
        assert zone_state(store).state == "accepted"
        store.undo()  # the first remark, which was before the verdict
        with pytest.raises(EditRefused, match="locked"):
            store.undo()
        assert store.labels.any()


def test_a_reviewer_accepts_part_of_a_zone(tmp_path: Path) -> None:
    part = rectangle(5, 6, 2, 2, 7)
    with open_store(tmp_path, "marie") as marie:
        paint(marie)
        with open_store(tmp_path, "paul") as paul:
            paul.apply(Protect(mask=rectangle(5, 6, 2, 9, 7).mask, on=True, accepted=True))
        marie.refresh()
        assert int((marie.protected == ACCEPTED).sum()) == 6  # what is labelled of it
        with pytest.raises(
            EditRefused, match=r"around \(5, 6\) are accepted by paul \(op paul:1\); have them"
        ):
            marie.apply(part)
        with pytest.raises(EditRefused, match="accepted by paul"):
            marie.apply(Protect(mask=part.mask, on=False))
        with pytest.raises(EditRefused, match="accepted by paul"):
            marie.undo()
        marie.apply(rectangle(5, 6, 3, 9, 4))  # all around it
        assert (marie.labels[5:7, 6:9] == 7).all()
        assert (marie.labels[7, 6:9] == 4).all()
        marie.apply(Protect(mask=part.mask, on=False, accepted=True))
        marie.apply(part)


def test_a_verdict_says_who_when_why_and_on_what(tmp_path: Path) -> None:
    walk(tmp_path, [submit])
    with open_store(tmp_path, "jean", clock=lambda: NOON) as store:
        state = send_back(store, "the crop is grass")
        assert (state.state, state.by, state.reason, state.at) == (
            "sent_back",
            "jean",
            "the crop is grass",
            NOON,
        )
        assert [(head.author, head.seq) for head in state.heads] == [("marie", 1)]
        assert state.heads[0].sha256 == store.ops[0].sha256
        assert str(state) == "sent back by jean: the crop is grass"


def test_an_edit_that_the_reviewer_had_not_seen_reopens_the_zone(tmp_path: Path) -> None:
    walk(tmp_path, [])
    with open_store(tmp_path, "jean") as reviewer, open_store(tmp_path, "anne") as annotator:
        annotator.apply(rectangle(7, 7, 2, 2, 3))
        assert accept(reviewer).state == "accepted"
    with open_store(tmp_path) as store:
        assert zone_state(store).state == "open"


def test_reviewing_is_no_undo_step(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        paint(store)
        submit(store)
        store.undo()
        assert not store.labels.any()
        assert store.undo() is None
        assert zone_state(store) == ZoneState(state="open")


def test_an_unlabelled_zone_can_be_accepted(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        assert accept(store, reason="all of it is sea").heads == ()
        assert zone_state(store).state == "accepted"


def test_reading_takes_no_verdicts(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, pytest.raises(EditRefused, match="read-only"):
        accept(store)


def test_a_zone_in_conflict_is_not_accepted(tmp_path: Path) -> None:
    marie, jean = open_store(tmp_path, "marie"), open_store(tmp_path, "jean")
    marie.apply(rectangle(5, 6, 3, 4, 7))
    jean.apply(rectangle(6, 8, 3, 4, 2))
    jean.refresh()
    submit(jean)
    with pytest.raises(EditRefused, match=r"1 conflict, .*\(6, 8\) between jean:1 and marie:1; label"):
        accept(jean)
    jean.apply(rectangle(6, 8, 2, 2, 2))
    assert accept(jean).state == "accepted"
    for store in (marie, jean):
        store.close()


def test_what_a_reviewer_had_not_read_does_not_pass_for_accepted(tmp_path: Path) -> None:
    part = Protect(mask=rectangle(5, 6, 3, 3, 7).mask, on=True, accepted=True)
    with open_store(tmp_path, "marie") as marie, open_store(tmp_path, "anna") as anna:
        paint(marie)
        marie.apply(rectangle(5, 6, 1, 3, 8))
        anna.refresh()
        with open_store(tmp_path, "paul") as paul:
            paul.apply(part)
        # Neither has read it.
        marie.undo()
        anna.apply(rectangle(6, 6, 1, 3, 9))
        anna.apply(Protect(mask=part.mask, on=False))
        for store in (marie, anna):
            store.refresh()
            assert (store.protected[7, 6:9] == ACCEPTED).all()
            assert not store.protected[5:7, 6:9].any()  # what marie undid, and what anna gave
            assert store.labels[5, 6] == 7
        with pytest.raises(EditRefused, match="accepted by paul"):
            anna.apply(rectangle(7, 6, 1, 1, 3))
        anna.apply(rectangle(5, 6, 2, 3, 3))


def test_an_undo_of_what_lies_hidden_leaves_an_acceptance(tmp_path: Path) -> None:
    part = rectangle(5, 6, 2, 2, 5)
    with open_store(tmp_path, "marie") as marie:
        paint(marie)
        with open_store(tmp_path, "bob") as bob:
            bob.apply(part)
        with open_store(tmp_path, "zoe") as zoe:
            zoe.apply(Protect(mask=part.mask, on=True, accepted=True))
        marie.undo()  # she has not read it, and what she undoes shows nowhere that was accepted
        marie.refresh()
        assert np.count_nonzero(marie.protected == ACCEPTED) == 4
        with pytest.raises(EditRefused, match="accepted by zoe"):
            marie.apply(part)
        assert marie.redo() is not None
        assert np.count_nonzero(marie.protected == ACCEPTED) == 4


def test_undo_brings_an_acceptance_back_and_away(tmp_path: Path) -> None:
    whole = rectangle(5, 6, 3, 9, 7)
    with open_store(tmp_path, "zoe") as zoe:
        steps = [
            whole,
            Protect(mask=whole.mask, on=True, accepted=True),
            Protect(mask=whole.mask, on=False, accepted=True),
            rectangle(5, 6, 3, 9, 5),
        ]
        states = [(zoe.labels.copy(), zoe.protected)]
        for step in steps:
            zoe.apply(step)
            states.append((zoe.labels.copy(), zoe.protected))
        assert [int((levels == ACCEPTED).sum()) for _, levels in states] == [0, 0, 27, 0, 0]

        def check(labels: NDArray[np.uint8], levels: NDArray[np.uint8]) -> None:
            assert np.array_equal(zoe.labels, labels)
            assert np.array_equal(zoe.protected, levels)

        for state in reversed(states[:-1]):
            assert zoe.undo() is not None
            check(*state)
        for state in states[1:]:
            assert zoe.redo() is not None
            check(*state)


def test_only_a_class_that_nobody_contradicts_is_accepted(tmp_path: Path) -> None:
    whole = Protect(mask=rectangle(5, 6, 3, 6, 7).mask, on=True, accepted=True)
    marie, jean = open_store(tmp_path, "marie"), open_store(tmp_path, "jean")
    marie.apply(replace(rectangle(5, 6, 3, 2, 17), upper="woody_vegetation"))
    marie.apply(rectangle(5, 8, 3, 2, 7))
    jean.apply(rectangle(5, 9, 3, 2, 2))
    for store in (marie, jean):
        store.close()
    with open_store(tmp_path, "paul") as paul:
        assert paul.unresolved() == {"woody_vegetation": 6}
        assert paul.conflicts().pixels == 3
        for part in (rectangle(5, 6, 3, 2, 7), rectangle(5, 9, 3, 1, 7), rectangle(8, 6, 1, 2, 7)):
            with pytest.raises(EditRefused, match="unlabelled, of an upper class, or in conflict"):
                paul.apply(Protect(mask=part.mask, on=True, accepted=True))
        paul.apply(whole)
        assert [np.unique(paul.protected[5:8, col]).tolist() for col in range(6, 12)] == [
            [0], [0], [ACCEPTED], [0], [ACCEPTED], [0]
        ]  # fmt: skip
        paul.apply(rectangle(5, 9, 3, 1, 2))
        assert not paul.conflicts().pixels


def test_to_reopen_a_part_takes_no_protection_away(tmp_path: Path) -> None:
    mask = rectangle(5, 6, 3, 3, 7).mask
    with open_store(tmp_path, "marie") as store:
        paint(store)
        store.apply(Protect(mask=mask, on=True))
        store.apply(Protect(mask=mask, on=True, accepted=True))
        store.apply(Protect(mask=mask, on=False, accepted=True))
        assert (store.protected[5:8, 6:9] == PROTECTED).all()


@pytest.mark.parametrize("stale", [submit, accept])
def test_of_verdicts_unread_by_each_other_the_stricter_one_holds(tmp_path: Path, stale: Step) -> None:
    walk(tmp_path, [submit])
    strict = accept if stale is submit else back
    with open_store(tmp_path, "anna") as anna:
        with open_store(tmp_path, "paul") as paul:
            strict(paul)
        if stale is submit:
            anna.record(Review(state="submitted", heads=anna.label_heads()))
        else:
            stale(anna)
    with open_store(tmp_path) as store:
        assert zone_state(store).by == "paul"


def test_a_model_judges_nothing(tmp_path: Path) -> None:
    walk(tmp_path, [submit])
    with open_store(tmp_path, "model-unet") as store, pytest.raises(EditRefused, match="review as a person"):
        submit(store)


def test_a_model_sends_nothing_back_in_any_state(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as store:
        for judge in (submit, accept, back):
            with pytest.raises(EditRefused, match="model-unet is a model, and judges no labels"):
                judge(store)


def test_a_reason_does_not_pass_for_other_lines(tmp_path: Path) -> None:
    with open_store(tmp_path, "paul") as store:
        submit(store)
        state = send_back(store, "a pond\n  100.0% labelled \u202ex")
    assert str(state) == r"sent back by paul: a pond\n  100.0% labelled \u202ex"
    assert state.reason == "a pond\n  100.0% labelled \u202ex"
