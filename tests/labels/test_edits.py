"""Edits as values, and the payloads that journals keep of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_cases import PICK, edits, rectangle

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Edit, Provenance, Redo, Review, Undo, assign, assign_raster
from workbench.labels.op import Entry, Head, Op, check_author, join_payload, split_payload
from workbench.labels.payloads import check_payload, edit_of, entry_of
from workbench.labels.tables import chained_rows, op_of_row

HEADS = (Head(author="jean", seq=4, sha256="0" * 64), Head(author="marie", seq=12, sha256="f" * 64))


def op_of(entry: Entry) -> Op:
    clock = datetime(2026, 11, 22, 19, 37, 45, 123456, tzinfo=UTC)
    (row,) = chained_rows(
        [entry], author="marie", after=(6, "0" * 64), seen={"jean": 4}, lamport=20, clock=lambda: clock
    )
    op = op_of_row(row, "marie")
    assert op == op.sealed()
    return op


@given(
    edits()
    | st.builds(Undo, target=st.just("marie:3"))
    | st.builds(Redo, target=st.just("marie:3"))
    | st.builds(
        Review, state=st.just("sent_back"), reason=st.text().map("why? {}".format), heads=st.just(HEADS)
    )
    | st.builds(Review, state=st.sampled_from(["submitted", "accepted"]), heads=st.sampled_from([(), HEADS]))
)
def test_an_edit_comes_back_from_its_op(edit: Edit) -> None:
    op = op_of(entry_of(edit))
    assert edit_of(op) == edit
    check_payload(op)


def test_an_unknown_kind_is_named_with_the_way_out() -> None:
    op = op_of(Entry(kind="recode", tool="polygon", payload=join_payload({"from": 3, "to": 2})))
    with pytest.raises(JournalError, match=r"op marie:7 is of kind 'recode'.*update the workbench"):
        edit_of(op)
    check_payload(op)  # it is not damaged, only newer


def test_keys_that_a_newer_version_adds_to_a_header_are_passed_over() -> None:
    entry = entry_of(rectangle(5, 6, 2, 3, 7))
    header, body = split_payload(entry.payload)
    newer = replace(entry, payload=join_payload(header | {"view": "nir"}, body))
    assert edit_of(op_of(newer)) == edit_of(op_of(entry))


ASSIGN = entry_of(rectangle(5, 6, 2, 3, 7))
HEADER, BODY = split_payload(ASSIGN.payload)


@pytest.mark.parametrize(
    ("kind", "payload", "complaint"),
    [
        ("assign", b"\xff\x00", "JSON"),
        ("assign", b"[1,2]", "canonical JSON object"),
        ("assign", b'{"code": 7}', "canonical"),
        ("assign", b"{" * 100_000, "JSON"),
        ("assign", join_payload(HEADER), "mask"),
        ("assign", join_payload(HEADER | {"code": "7"}, BODY), "'code' is '7'"),
        ("assign", join_payload(HEADER | {"code": True}, BODY), "'code' is True"),
        ("assign", join_payload(HEADER | {"code": 255}, BODY), "255"),
        ("assign", join_payload(HEADER | {"window": [5, 6, 2]}, BODY), "four"),
        ("assign", join_payload(HEADER | {"window": [5, 6, 0, 3]}, BODY), "empty"),
        ("assign", join_payload(HEADER | {"window": [-1, 6, 2, 3]}, BODY), "outside"),
        ("assign", join_payload(HEADER | {"window": [5, 6, 1 << 40, 1 << 40]}, BODY), "larger"),
        ("assign", join_payload(HEADER | {"window": [5, 6, 2, 4]}, BODY), "6 of 8 pixels"),
        ("assign", join_payload(HEADER | {"row": -4}, BODY), "outside"),
        ("undo", join_payload({}), "'target' is None"),
        ("review", join_payload({"state": "maybe", "reason": None, "heads": []}), "maybe"),
        ("review", join_payload({"state": "accepted", "reason": 3, "heads": []}), "reason"),
        ("review", join_payload({"state": "accepted", "reason": None, "heads": [3]}), "no object"),
        (
            "review",
            join_payload(
                {
                    "state": "accepted",
                    "reason": None,
                    "heads": [{"author": "..", "seq": 1, "sha256": "0" * 64}],
                }
            ),
            "'..'",
        ),
    ],
)
def test_a_payload_that_breaks_its_kinds_rules_is_refused_by_name(
    kind: str, payload: bytes, complaint: str
) -> None:
    op = op_of(Entry(kind=kind, tool="pick", payload=payload))
    with pytest.raises(JournalError, match="op marie:7: ") as refusal:
        check_payload(op)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        ({"row": 3}, "both row and col"),
        ({"row": 3, "col": -1}, "outside"),
        ({"scale": float("inf")}, "finite"),
        ({"scale": float("nan")}, "finite"),
        ({"scale": -0.5}, "finite"),
    ],
)
def test_provenance_that_cannot_be_is_refused(made: dict[str, Any], complaint: str) -> None:
    with pytest.raises(EditRefused, match=complaint):
        Provenance(tool="pick", **made)


@pytest.mark.parametrize("field", ["tool", "hierarchy_digest", "model"])
@pytest.mark.parametrize("value", ["", "\x1b[31mred", "a b", "é"])
def test_provenance_holds_no_text_that_a_terminal_would_obey(field: str, value: str) -> None:
    edit = rectangle(5, 6, 2, 3, 7, replace(PICK, **{field: value}))
    with pytest.raises(EditRefused, match=field):
        entry_of(edit)


def test_numpy_numbers_become_plain_ones() -> None:
    window = Window(row=np.int64(5), col=np.int64(6), height=np.int32(2), width=np.int32(3))  # type: ignore[arg-type]
    made = Provenance(tool="pick", row=np.int64(5), col=np.uint16(6), scale=np.float32(0.5))  # type: ignore[arg-type]
    edit = assign(np.ones((2, 3), np.bool_), window, np.uint8(7), made)  # type: ignore[arg-type]
    assert edit_of(op_of(entry_of(edit))) == edit


def test_minus_zero_scale_is_zero_because_sqlite_keeps_no_minus_zero() -> None:
    assert str(Provenance(tool="pick", scale=-0.0).scale) == "0.0"


def test_a_negative_code_and_255_are_refused() -> None:
    for code in (-1, 255):
        with pytest.raises(EditRefused, match=str(code)):
            rectangle(5, 6, 2, 3, code)


def test_assign_cuts_the_window_down_to_the_mask() -> None:
    mask = np.zeros((6, 8), np.bool_)
    mask[2, 3] = mask[4, 6] = True
    edit = assign(mask, Window(row=10, col=20, height=6, width=8), 3, PICK)
    assert edit.window == Window(row=12, col=23, height=3, width=4)
    assert np.array_equal(edit.mask.decode(), mask[2:5, 3:7])


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(EditRefused, match="no pixel"):
        assign(np.zeros((2, 2), np.bool_), Window(row=0, col=0, height=2, width=2), 3, PICK)


def test_a_raster_becomes_edits_that_write_it_again() -> None:
    codes = np.random.default_rng(0).integers(0, 4, (23, 31)).astype(np.uint8)
    written = np.zeros_like(codes)
    pieces = list(assign_raster(codes, provenance=Provenance(tool="import"), tile=10))
    for edit in pieces:
        assert isinstance(edit, AssignMask)
        assert edit.code
        written[edit.window.slices][edit.mask.decode()] = edit.code
    assert np.array_equal(written, codes)
    assert max(edit.window.height for edit in pieces) <= 10


def test_sending_back_needs_a_reason() -> None:
    with pytest.raises(EditRefused, match="reason"):
        Review(state="sent_back", reason="  ", heads=())


@pytest.mark.parametrize(
    "name", ["marie", "Marie.Dupont-2", "a", "model-resnet34_v2", "7", "con-rad", "x" * 64]
)
def test_names_that_are_file_names_everywhere_are_authors(name: str) -> None:
    assert check_author(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", "a:b", "a b", "é", "x.", ".x", "-x", "a*", "a\n", "a\0"),
        *("con", "NUL", "com1", "lpt9.x", "x" * 65),
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(JournalError, match="cannot name a journal"):
        check_author(name)
