from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from workbench.documents import validate
from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import PixelGrid, Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Look, Provenance, assign
from workbench.labels.op import op_document
from workbench.labels.payloads import edit_of, entry_of, renamed_payload
from workbench.nomenclature import load_nomenclature

GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 0, 0, -0.2, 0), height=20, width=30)
LEFT, RIGHT = Window(row=0, col=0, height=20, width=15), Window(row=0, col=15, height=20, width=15)


def opened(folder: Path, author: str | None = "marie") -> AnnotationStore:
    return AnnotationStore.open(
        folder / "journal",
        zone_id="D051_2019/Z1_AA",
        grid=GRID,
        footprint=np.ones(GRID.shape, bool),
        nomenclature=load_nomenclature("flair-19"),
        author=author,
        snapshots=folder / "snapshots",
    )


def test_looks_are_told_by_author_and_outlive_closing_and_snapshots(tmp_path: Path) -> None:
    with opened(tmp_path) as marie, opened(tmp_path, "bob") as bob:
        for window in (LEFT, RIGHT):
            marie.record(Look(window=window))
        bob.record(Look(window=RIGHT))
        marie.snapshot()
    with opened(tmp_path, None) as read:
        assert read.looks() == {"bob": (RIGHT,), "marie": (LEFT, RIGHT)}


def test_a_look_changes_no_label_repaints_nothing_and_is_no_step_to_undo(tmp_path: Path) -> None:
    with opened(tmp_path) as marie, opened(tmp_path, "bob") as bob:
        marie.apply(
            assign(np.ones((2, 2), bool), Window(row=1, col=1, height=2, width=2), 5, Provenance(tool="pick"))
        )
        bob.refresh()
        before, heads = marie.labels.copy(), marie.label_heads()
        op = marie.record(Look(window=LEFT))
        assert (op.kind, op.seq) == ("look", 2)
        assert (marie.labels == before).all()
        assert marie.label_heads() == heads
        assert marie.undo_steps == 1
        assert bob.refresh() is None
        assert bob.looks() == {"marie": (LEFT,)}
        marie.undo()
        assert not marie.labels.any()
        assert marie.looks() == {"marie": (LEFT,)}


def test_a_look_is_a_document_of_its_schema_and_names_nobody(tmp_path: Path) -> None:
    with opened(tmp_path) as marie:
        op = marie.record(Look(window=RIGHT))
    assert edit_of(op) == Look(window=RIGHT)
    validate(op_document(op), "op", source="a look")
    assert renamed_payload(op.kind, op.payload, str.upper, lambda head: head.sha256) == op.payload


def test_looks_outside_the_zone_are_refused_and_in_journals_named(tmp_path: Path) -> None:
    outside = Look(window=Window(row=0, col=20, height=20, width=15))
    with opened(tmp_path) as marie:
        with pytest.raises(EditRefused, match="reaches outside zone"):
            marie.record(outside)
        assert marie.head == {}
        # As a journal of a larger zone would hold it.
        marie._writer.append_many([entry_of(outside)], seen={}, lamport=1)
    with pytest.raises(JournalError, match=r"op marie:1 looked at Window.*, outside the zone's"):
        opened(tmp_path)
