"""A zone in outline is what its store says, without the store."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_cases import FOOTPRINT, SUBJECT, any_edit, open_store, rectangle

from workbench.errors import EditRefused, JournalError, WorkbenchError
from workbench.labels.annotation import AnnotationStore
from workbench.labels.journal import JournalWriter
from workbench.labels.op import Entry, join_payload
from workbench.labels.outline import read_outline, read_share
from workbench.labels.review import accept, send_back, submit, zone_state

STEPS = ("edit", "submit", "accept", "send back", "refresh")


def test_a_zone_without_journals_is_open_and_bare(tmp_path: Path) -> None:
    outline = read_outline(tmp_path / "journal", SUBJECT)
    assert (outline.state.state, outline.authors, outline.edited) == ("open", (), None)
    assert read_share(tmp_path / "journal", SUBJECT, FOOTPRINT) == 0


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(("marie", "paul")), st.sampled_from(STEPS), st.integers(0, 11)), max_size=25
    ),
    blind=st.booleans(),
)
def test_an_outline_is_what_the_store_says(steps: list[tuple[str, str, int]], blind: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        with open_store(directory, "marie") as marie, open_store(directory, "paul", blind=blind) as paul:
            for author, step, turn in steps:
                take(marie if author == "marie" else paul, step, turn)
        with open_store(directory) as store:
            found = read_outline(directory, SUBJECT)
            assert found.state == zone_state(store)
            assert found.authors == tuple(head.author for head in store.label_heads())
            assert found.blind == store.blind_authors
            assert found.missing == store.missing()
            assert read_share(directory, SUBJECT, FOOTPRINT) == pytest.approx(store.coverage())
            changed = [op.wall_time for op in store.ops if op.head in store.label_heads()]
            assert found.edited == max(changed, default=None)


def take(store: AnnotationStore, step: str, turn: int) -> None:
    """Do what is asked where it is legal."""
    try:
        match step:
            case "edit":
                any_edit(store, turn)
            case "submit":
                submit(store)
            case "accept":
                accept(store)
            case "send back":
                send_back(store, "the crop is grass")
            case "refresh":
                store.refresh()
    except EditRefused:
        pass


def test_only_a_zone_without_a_bare_pixel_is_wholly_labelled(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(0, 0, 12, 17, 7))
        assert read_share(tmp_path, SUBJECT, FOOTPRINT) == 1
        store.apply(rectangle(5, 6, 1, 1, 0))
    assert read_share(tmp_path, SUBJECT, FOOTPRINT) == 1 - 1 / FOOTPRINT.sum()


def test_a_damaged_journal_is_an_error_that_names_it(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
    path = tmp_path / "marie.sqlite"
    path.write_bytes(path.read_bytes()[:-2000])
    for read in (lambda: read_outline(tmp_path, SUBJECT), lambda: read_share(tmp_path, SUBJECT, FOOTPRINT)):
        with pytest.raises(JournalError, match=r"marie\.sqlite"):
            read()


@pytest.mark.parametrize(
    "header",
    [
        {"code": 1},
        {"code": "one", "window": [5, 5, 1, 1]},
        {"code": 1, "window": 3},
        {"window": [5, 5, 1, 1]},
    ],
    ids=["no window", "no number", "window of no sides", "no code"],
)
def test_an_op_that_is_no_label_is_named(tmp_path: Path, header: dict[str, object]) -> None:
    mask = rectangle(5, 5, 1, 1, 1).mask
    writer = JournalWriter.open(tmp_path, SUBJECT, author="marie")
    writer.append_many([Entry(kind="assign", payload=join_payload(header, mask.data))], seen={}, lamport=1)
    writer.close()
    with pytest.raises(WorkbenchError, match="op marie:1"):
        read_share(tmp_path, SUBJECT, FOOTPRINT)
