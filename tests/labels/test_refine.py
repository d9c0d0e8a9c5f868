"""Refinements in the journal: kept with their result, undone like edits, and no label ever changes."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_cases import GRID, SUBJECT, open_store, rectangle

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import Undo
from workbench.labels.journal import JournalWriter
from workbench.labels.op import op_document
from workbench.labels.payloads import check_payload, edit_of, entry_of
from workbench.labels.reading import verify_journal
from workbench.labels.refine import MOST_LEAVES, MOST_PIXELS, FinerRegions, Refine
from workbench.labels.review import accept, zone_state

SCHEMA = Path(__file__).resolve().parents[2] / "schema" / "op.schema.json"
WINDOW = Window(row=5, col=6, height=4, width=5)
BASE = "cd" * 32


def finer(seed: int = 0, *, window: Window = WINDOW, bands: int = 2) -> FinerRegions:
    rng = np.random.default_rng(seed)
    mask = rng.random(window.shape) < 0.8
    mask[0, 0] = mask[-1, -1] = True
    pixels = int(mask.sum())
    leaves = rng.permutation(np.arange(pixels) % max(2, pixels // 2)).astype(np.uint32)
    count = int(leaves.max()) + 1
    return FinerRegions(
        mask=mask,
        leaves=leaves,
        s=np.concatenate([[np.inf], rng.exponential(9, count - 1)]).astype(np.float32),
        sums=rng.integers(0, 9999, (bands, count)).astype(np.float64),
        squares=rng.normal(0, 1e9, (bands, count)),
    )


def refine_edit(seed: int = 0, **options: Any) -> Refine:
    window = options.get("window", WINDOW)
    pick = {"row": window.row + 1, "col": window.col + 1}
    return Refine.encode(finer(seed, **options), window, hierarchy_digest=BASE, scale=12.5, **pick)


def same(one: FinerRegions, other: FinerRegions) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("mask", "leaves", "s", "sums", "squares")
    )


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_a_refinement_comes_back_to_the_bit(seed: int, bands: int) -> None:
    assert same(refine_edit(seed, bands=bands).decode(), finer(seed, bands=bands))


def test_it_is_an_op_that_the_schema_knows(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        op = store.record(refine_edit())
    assert (op.kind, op.tool, op.scale, op.hierarchy_digest) == ("refine", "refine", 12.5, BASE)
    assert edit_of(op) == refine_edit()
    check_payload(op)
    document = op_document(op)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert document["payload"]["window"] == [5, 6, 4, 5]
    assert verify_journal(tmp_path / "marie.sqlite").ok


def test_it_is_undone_and_redone_between_edits_and_labels_never_change(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(4, 5, 5, 5, 3))
        first = store.record(refine_edit(1))
        store.apply(rectangle(6, 6, 2, 2, 5))
        second = store.record(refine_edit(2))
        labels, last_op = store.labels.copy(), store.last_op.copy()
        assert [op.id for op in store.refinements()] == [first.id, second.id]
        assert store.undo_steps == 4
        assert store.undo() == WINDOW
        assert store.refinements() == (first,)
        assert (store.labels == labels).all()
        assert (store.last_op == last_op).all()
        store.undo()
        assert (store.labels == 3).any()
        assert not (store.labels == 5).any()
        assert store.refinements() == (first,)
        store.undo()
        assert store.refinements() == ()
        assert store.redo() == WINDOW
        assert store.refinements() == (first,)
    with open_store(tmp_path, "marie") as again:
        assert [op.id for op in again.refinements()] == [first.id]
        again.redo()
        assert (again.labels == labels).all()
        again.redo()
        assert (again.last_op == last_op).all()
        assert [op.id for op in again.refinements()] == [first.id, second.id]
    with open_store(tmp_path) as reader:
        assert (reader.labels == labels).all()
        assert reader.refinements() == ()
        assert len(reader.refinements("marie")) == 2


def test_a_new_refinement_forgets_what_could_be_redone(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(4, 5, 5, 5, 3))
        store.undo()
        store.record(refine_edit())
        assert (store.redo_steps, store.undo_steps) == (0, 1)


def test_each_author_has_their_own(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.record(refine_edit(1))
    with open_store(tmp_path, "paul") as store:
        assert store.refinements() == ()
        own = store.record(refine_edit(2))
        assert store.refinements() == (own,)
        assert len(store.refinements("marie")) == 1


def test_review_judges_labels_and_a_refinement_is_none(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(4, 5, 5, 5, 3))
        heads = store.label_heads()
        accept(store)
        store.record(refine_edit())
        assert zone_state(store).state == "accepted"
        store.undo()
        store.redo()
        assert zone_state(store).state == "accepted"
        assert store.label_heads() == heads
        store.undo()
        with pytest.raises(EditRefused, match="accepted by marie and is locked"):
            store.undo()


def test_a_refinement_outside_the_grid_is_refused_and_not_read(tmp_path: Path) -> None:
    outside = refine_edit(window=dataclasses.replace(WINDOW, row=GRID.height - 3, col=4))
    with open_store(tmp_path, "marie") as store, pytest.raises(EditRefused, match="reaches outside zone"):
        store.record(outside)
    writer = JournalWriter.open(tmp_path, SUBJECT, author="marie")
    writer.append_many([entry_of(outside)], seen={}, lamport=1)
    writer.close()
    with pytest.raises(JournalError, match=r"marie.sqlite: op marie:1 refines .*, outside the zone's"):
        open_store(tmp_path, "marie")


def body_of(edit: Refine, change: Callable[[bytearray], object]) -> bytes:
    planes = bytearray(zlib.decompress(edit.data[edit.mask_bytes :]))
    change(planes)
    return edit.data[: edit.mask_bytes] + zlib.compress(bytes(planes))


def put(place: int, value: int) -> Callable[[bytearray], object]:
    return lambda planes: planes.__setitem__(place, value)


EDIT = refine_edit()
PIXELS = finer().leaves.size


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": EDIT.data[:-3]}, "refinement is damaged: its zlib stream ends too early"),
        ({"data": EDIT.data + b"x"}, "refinement is damaged: its zlib stream goes on"),
        ({"data": EDIT.data[:-1] + b"?"}, "refinement is damaged: Error"),
        ({"data": EDIT.data[: EDIT.mask_bytes]}, "no zlib stream"),
        ({"mask_bytes": EDIT.mask_bytes - 1}, "run-length mask is damaged"),
        ({"leaf_count": EDIT.leaf_count + 1}, "ends too early|bytes of"),
        ({"leaf_count": EDIT.leaf_count - 1}, "inflates to more"),
        ({"band_count": 3}, "bytes of"),
        ({"leaf_count": PIXELS + 1}, "cannot have"),
        ({"data": body_of(EDIT, lambda planes: planes.extend(b"12345678"))}, "inflates to more"),
        ({"data": body_of(EDIT, put(3, 200))}, "its pixels are not of"),
        ({"data": body_of(EDIT, put(3 * PIXELS, 0xFF))}, "its pixels are not of"),
        (
            {"data": body_of(EDIT, put(4 * PIXELS + 4 * (EDIT.leaf_count - 1) - 1, 0xFF))},
            "not finite numbers",
        ),
        ({"data": body_of(EDIT, put(-1, 0xFF))}, None),
    ],
)
def test_a_body_that_is_not_what_it_says_is_named(changes: dict[str, object], reason: str | None) -> None:
    damaged = dataclasses.replace(EDIT, **changes)
    if reason is None:  # another finite number: nothing here can tell, the hierarchy's sums do
        damaged.decode()
        return
    with pytest.raises(JournalError, match=reason):
        damaged.decode()


def test_a_damaged_refinement_is_found_by_verify_and_hinders_no_label(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(4, 5, 5, 5, 3))
        store.record(dataclasses.replace(EDIT, data=EDIT.data[:-3]))
    report = verify_journal(tmp_path / "marie.sqlite")
    assert report.first_bad == "marie:2"
    assert "op marie:2: refinement is damaged" in str(report.problem)
    with open_store(tmp_path, "marie") as store:
        assert (store.labels == 3).sum() == 25


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"leaf_count": 1}, "2 to 262144 leaves"),
        ({"leaf_count": MOST_LEAVES + 1}, "2 to 262144 leaves"),
        ({"band_count": 0}, "1 to 64 bands"),
        ({"row": 4}, r"pick \(4, 7\) lies outside the refinement's"),
        ({"window": Window(row=0, col=0, height=2049, width=2048)}, "window has at most 4194304 pixels"),
        ({"mask_bytes": -1}, "a mask of -1 bytes"),
        ({"mask_bytes": 10**6}, "a mask of 1000000 bytes"),
    ],
)
def test_a_refinement_that_cannot_be_is_not_made(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        dataclasses.replace(EDIT, **changes)


def test_a_region_of_too_many_pixels_is_refused() -> None:
    window = Window(row=0, col=0, height=1025, width=1025)
    large = dataclasses.replace(
        finer(), mask=np.ones(window.shape, np.bool_), leaves=np.zeros(MOST_PIXELS + 1, np.uint32)
    )
    with pytest.raises(EditRefused, match="is larger than 1048576"):
        Refine.encode(large, window, hierarchy_digest=BASE, scale=1.0, row=0, col=0)


def test_only_what_refines_can_be_undone_by_its_author(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.record(EDIT)
    writer = JournalWriter.open(tmp_path, SUBJECT, author="paul")
    writer.append_many([entry_of(Undo(target="marie:1"))], seen={"marie": 1}, lamport=2)
    writer.close()
    with pytest.raises(JournalError, match=r"undo of marie:1, which is no gesture of paul's"):
        open_store(tmp_path, "marie")
