"""Journals in other codes: whatever was done, the labels are those of before, seen through the table."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_cases import FLAIR, FOOTPRINT, GRID, PICK, SUBJECT, counting, edits, open_store, rectangle
from numpy.typing import NDArray
from test_refine import refine_edit

from workbench.errors import EditRefused, JournalError, NomenclatureError
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask, Comment, Protect
from workbench.labels.journal import write_journal
from workbench.labels.meta import JournalMeta
from workbench.labels.op import Op, join_payload, split_payload
from workbench.labels.payloads import edit_of
from workbench.labels.reading import Journal, read_journals, verify_journal
from workbench.labels.recoding import recoded, spoken_of
from workbench.labels.resealing import resealed
from workbench.labels.review import accept, send_back, submit, zone_state
from workbench.nomenclature import Nomenclature, Recoding

AUTHORS = ("anne", "marie")
GROUPS = tuple(group.key for group in FLAIR.groups)


def backwards() -> Nomenclature:
    """Return flair-19 with other codes, a fallback less and a fallback more."""
    document = FLAIR.document() | {"name": "flair-backwards"}
    for entry in document["classes"]:
        entry["code"] = 120 - entry["code"]
    fallbacks = {"woody_vegetation": None, "mineral_ground": "bare_soil"}
    for group in document["groups"]:
        group["fallback"] = fallbacks.get(group["key"], group["fallback"])
    return Nomenclature.from_document(document, source="backwards")


BACKWARDS = backwards()
KEYS = (*FLAIR.keys, *GROUPS)


def table(
    links: dict[str, str], *, source: Nomenclature = FLAIR, target: Nomenclature = BACKWARDS
) -> Recoding:
    return Recoding(name="made 1.0.0", source=source, target=target, links=links, undecided={})


LINKS = st.fixed_dictionaries({key: st.sampled_from(KEYS) for key in KEYS})
STEPS = (
    *("edit", "edit", "upper", "gesture", "undo", "undo", "redo", "refresh", "protect", "refine"),
    *("ruling", "submit", "accept", "send back", "blind"),
)
STEP = st.tuples(
    st.sampled_from(STEPS),
    st.sampled_from(AUTHORS),
    st.lists(edits(), min_size=1, max_size=3),
    st.sampled_from(GROUPS),
)


def step(stores: dict[str, AnnotationStore], blind: AnnotationStore, taken: tuple[Any, ...]) -> None:
    name, author, drawn, group = taken
    store, edit = stores[author], drawn[0]
    match name:
        case "edit":
            store.apply(edit)
        case "upper":
            fallback = FLAIR.upper(group).fallback
            code = FLAIR.by_key(fallback).code if fallback else 0
            store.apply(replace(edit, code=code, upper=group))
        case "gesture":
            store.apply_all(drawn)
        case "protect":
            store.apply(Protect(mask=edit.mask, on=edit.code % 2 == 0))
        case "refine":
            store.record(refine_edit(edit.code))
        case "ruling":
            asked = store.record(Comment(row=5, col=6, text="grass or crop?", question=True)).id
            key = FLAIR.by_code(edit.code or 1).key
            store.record(Comment(row=5, col=6, text="so it is", answers=asked, ruling=key))
        case "blind":
            blind.apply(edit)
        case "submit":
            submit(store)
        case "accept":
            accept(store)
        case "send back":
            send_back(store, "look at the hedge")
        case _:
            getattr(store, name)()


def carried(directory: Path, new: Path, recoding: Recoding) -> tuple[Journal, ...]:
    journals = read_journals(directory, replace(SUBJECT, nomenclature=recoding.source.name))
    subject = replace(SUBJECT, nomenclature=recoding.target.name)
    written = resealed(
        journals,
        new,
        about=lambda meta: replace(meta, subject=subject),
        change=lambda op: recoded(op, recoding),
    )
    new.mkdir()
    for journal in written:
        write_journal(journal.path, journal.meta, journal.rows)
    return written


def expected_labels(ops: tuple[Op, ...], recoding: Recoding) -> tuple[NDArray[np.uint8], dict[str, int]]:
    """The definition: paint what each op of before becomes, and count the upper classes that show."""
    labels = np.zeros(GRID.shape, np.uint8)
    uppers = np.full(GRID.shape, "", object)
    for _, edit in counting(ops):
        if isinstance(edit, AssignMask):
            key = edit.upper or (recoding.source.by_code(edit.code).key if edit.code else None)
            code, upper = 0, ""
            if key is not None and recoding.links[key] in recoding.target.keys:
                code = recoding.target.by_key(recoding.links[key]).code
            elif key is not None:
                upper = recoding.links[key]
                fallback = recoding.target.upper(upper).fallback
                code = recoding.target.by_key(fallback).code if fallback else 0
            mask = np.zeros(GRID.shape, np.bool_)
            mask[edit.window.slices] = edit.mask.decode()
            labels[mask & FOOTPRINT], uppers[mask & FOOTPRINT] = code, upper
    return labels, {key: int((uppers == key).sum()) for key in sorted(set(uppers.flat) - {""})}


def conflict_mask(store: AnnotationStore) -> NDArray[np.bool_]:
    return store.conflicts().mask(GRID.whole)


def envelope(op: Op) -> tuple[object, ...]:
    """Everything but what is said and how it is sealed."""
    return (
        op.id, op.gesture, dict(op.seen), op.lamport, op.wall_time, op.track, op.kind, op.tool, op.scale,
        op.hierarchy_digest, op.model,
    )  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=2, max_size=20), links=LINKS)
def test_labels_are_those_of_before_seen_through_the_table(
    steps: list[tuple[Any, ...]], links: dict[str, str]
) -> None:
    recoding = table(links)
    with tempfile.TemporaryDirectory() as place:
        old, new = Path(place) / "old", Path(place) / "new"
        stores = {author: open_store(old, author) for author in AUTHORS}
        with open_store(old, "zoe", blind=True) as blind:
            for taken in steps:
                with suppress(EditRefused):  # protected, or no review that is legal now
                    step(stores, blind, taken)
        for store in stores.values():
            store.close()
        for journal in carried(old, new, recoding):
            assert verify_journal(journal.path).ok
        with open_store(old) as before, open_store(new, nomenclature=BACKWARDS) as after:
            labels, uppers = expected_labels(before.ops, recoding)
            assert np.array_equal(after.labels, labels)
            assert after.unresolved() == uppers
            assert np.array_equal(after.last_op, before.last_op)
            assert np.array_equal(after.protected, before.protected)
            assert not (conflict_mask(after) & ~conflict_mask(before)).any(), "a conflict was invented"
            assert [envelope(op) for op in after.ops] == [envelope(op) for op in before.ops]
            same = ("state", "by", "reason", "at")
            verdicts = [[getattr(zone_state(store), name) for name in same] for store in (before, after)]
            assert verdicts[0] == verdicts[1]
            for author in AUTHORS:
                refined = [[edit_of(op) for op in store.refinements(author)] for store in (before, after)]
                assert refined[0] == refined[1]
            for (_, said), (_, says) in zip(before.comments(), after.comments(), strict=True):
                ruling = recoding.links[said.ruling] if said.ruling else None
                assert says == replace(said, ruling=ruling)
        with (
            open_store(old, "zoe", blind=True) as before,
            open_store(new, "zoe", blind=True, nomenclature=BACKWARDS) as after,
        ):
            codes = [0] + [recoding.landing(FLAIR.by_code(code).key).code for code in FLAIR.codes]
            assert np.array_equal(after.labels, np.array(codes)[before.labels])
        for author in AUTHORS:
            with open_store(old, author) as before, open_store(new, author, nomenclature=BACKWARDS) as after:
                assert (after.undo_steps, after.redo_steps) == (before.undo_steps, before.redo_steps)
                for store in (before, after):
                    if zone_state(store).state == "accepted":
                        send_back(store, "undo it all")
                while before.undo():
                    assert after.undo() is not None
                    assert np.array_equal(after.labels, expected_labels(before.ops, recoding)[0])


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=1, max_size=12))
def test_there_and_back_gives_the_same_bytes(steps: list[tuple[Any, ...]]) -> None:
    there = table({key: key for key in KEYS}, target=replace(FLAIR, name="flair-again"))
    back = table({key: key for key in KEYS}, source=replace(FLAIR, name="flair-again"), target=FLAIR)
    with tempfile.TemporaryDirectory() as place:
        old, new, again = (Path(place) / name for name in ("old", "new", "again"))
        stores = {author: open_store(old, author) for author in AUTHORS}
        with open_store(old, "zoe", blind=True) as blind:
            for taken in steps:
                with suppress(EditRefused):
                    step(stores, blind, taken)
        for store in stores.values():
            store.close()
        carried(old, new, there)
        carried(new, again, back)
        found = [[(one.meta, one.rows) for one in read_journals(path, SUBJECT)] for path in (old, again)]
        assert found[0] == found[1]


def test_a_verdict_follows_the_ops_that_it_judged(tmp_path: Path) -> None:
    with open_store(tmp_path / "old", "marie") as marie:
        marie.apply(rectangle(5, 6, 3, 4, 7))
    with open_store(tmp_path / "old", "anne") as anne:
        anne.apply(rectangle(5, 6, 1, 1, 3))
        judged = accept(anne).heads
    carried(tmp_path / "old", tmp_path / "new", table({key: key for key in KEYS}))
    with open_store(tmp_path / "new", nomenclature=BACKWARDS) as store:
        state = zone_state(store)
        assert (state.state, state.heads) == ("accepted", store.label_heads())
        assert [(head.author, head.seq) for head in state.heads] == [(h.author, h.seq) for h in judged]
        assert {head.sha256 for head in state.heads}.isdisjoint(head.sha256 for head in judged)


def one_op(directory: Path, **changed: Any) -> Op:
    with open_store(directory, "marie") as store:
        store.apply(rectangle(5, 6, 3, 4, 7))
        (op,) = store.ops
    header, body = split_payload(op.payload)
    return replace(op, payload=join_payload({**header, **changed}, body))


def test_what_a_newer_version_wrote_beside_the_class_stays(tmp_path: Path) -> None:
    op = one_op(tmp_path, weather="haze")
    header, body = split_payload(recoded(op, table({key: key for key in KEYS})).payload)
    assert (header["code"], header["weather"]) == (113, "haze")
    assert body == split_payload(op.payload)[1]


def test_an_op_of_another_nomenclature_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"op marie:1: flair-19 has no class of code 77"):
        spoken_of(one_op(tmp_path / "code", code=77), FLAIR)
    with pytest.raises(JournalError, match=r"op marie:1 speaks of 'marsh', which is no class of flair-19"):
        spoken_of(one_op(tmp_path / "upper", upper="marsh"), FLAIR)


def test_an_undecided_class_is_not_guessed(tmp_path: Path) -> None:
    links = {key: key for key in KEYS if key != "deciduous"}
    with pytest.raises(NomenclatureError, match="does not say what 'deciduous' becomes"):
        recoded(one_op(tmp_path), table(links))


def test_a_head_that_no_journal_holds_stays_as_it_is(tmp_path: Path) -> None:
    with open_store(tmp_path / "old", "anne") as anne:
        anne.apply(rectangle(5, 6, 3, 4, 7))
    with open_store(tmp_path / "old", "marie") as marie:
        marie.apply(rectangle(5, 6, 1, 1, 3))
        submit(marie)
    (tmp_path / "old" / "anne.sqlite").unlink()
    carried(tmp_path / "old", tmp_path / "new", table({key: key for key in KEYS}))
    with (
        open_store(tmp_path / "old") as before,
        open_store(tmp_path / "new", nomenclature=BACKWARDS) as after,
    ):
        heads = [{h.author: h.sha256 for h in edit_of(s.last_review()).heads} for s in (before, after)]  # type: ignore
        assert heads[0]["anne"] == heads[1]["anne"]
        assert heads[0]["marie"] != heads[1]["marie"]
        assert zone_state(after).state == zone_state(before).state == "open"


def test_authors_may_get_other_names(tmp_path: Path) -> None:
    """What is sealed again need not be the labels: any change that leaves each op its place will do."""
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 3, 4, 7))
        marie.apply(rectangle(6, 6, 3, 4, 8))

    def about(meta: JournalMeta) -> JournalMeta:
        return replace(meta, author="person-1")

    (journal,) = resealed(
        read_journals(tmp_path, SUBJECT),
        tmp_path / "new",
        about=about,
        change=lambda op: replace(op, author="person-1"),
    )
    (tmp_path / "new").mkdir()
    write_journal(journal.path, journal.meta, journal.rows)
    assert verify_journal(tmp_path / "new" / "person-1.sqlite").ok
    with open_store(tmp_path / "new") as store:
        assert store.head == {"person-1": 2}
        assert store.labels[6, 7] == 8
    assert PICK.tool == store.ops[0].tool
