"""A ruling lists the labels that it touches, and those that do not follow it yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from label_cases import FLAIR, open_store, rectangle

from workbench.labels.edits import Comment
from workbench.labels.rulings import open_questions, rulings


def test_a_ruling_touches_the_label_where_it_was_asked_and_every_doubt_it_can_resolve(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        crop, grass = FLAIR.by_key("agricultural_land").code, FLAIR.by_key("herbaceous_vegetation").code
        store.apply(rectangle(5, 0, 4, 4, crop))
        store.apply(rectangle(5, 4, 4, 2, crop))  # of the same label
        for col in (8, 12):
            doubt = rectangle(5, col, 2, 2, 0)
            store.apply(replace(doubt, upper="herbaceous_and_arable"))
        store.apply(replace(rectangle(9, 9, 2, 2, 17), upper="woody_vegetation"))
        question = store.record(Comment(row=6, col=1, text="crop or grass?", question=True))
        assert [name for name, _ in open_questions(store.comments())] == [question.id]
        assert rulings(store, FLAIR) == ()
        ruling = store.record(
            Comment(row=6, col=1, text="grass", answers=question.id, ruling="herbaceous_vegetation")
        )
        assert open_questions(store.comments()) == ()
        (found,) = rulings(store, FLAIR)
        assert (found.id, found.question, found.key) == (ruling.id, question.id, "herbaceous_vegetation")
        assert [(one.given, one.pixels, one.row, one.col, one.follows) for one in found.touched] == [
            ("agricultural_land", 24, 5, 0, False),
            ("herbaceous_and_arable", 4, 5, 8, False),
            ("herbaceous_and_arable", 4, 5, 12, False),
        ]
        store.apply(rectangle(5, 0, 4, 6, grass))
        store.apply(rectangle(5, 8, 2, 2, grass))
        (found,) = rulings(store, FLAIR)
        assert [(one.given, one.follows) for one in found.touched] == [
            ("herbaceous_vegetation", True),
            ("herbaceous_and_arable", False),
        ]
        store.undo()
        store.undo()
        store.undo()  # the ruling
        assert rulings(store, FLAIR) == ()


def test_a_ruling_where_nothing_is_labelled_touches_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        question = store.record(Comment(row=6, col=9, text="what is it?", question=True))
        store.record(Comment(row=6, col=9, text="snow", answers=question.id, ruling="snow"))
        (found,) = rulings(store, FLAIR)
        assert found.touched == ()


def test_who_read_a_ruling_replaces_it_and_who_did_not_leaves_both(tmp_path: Path) -> None:
    def ruled(author: str, key: str) -> Comment:
        return Comment(row=6, col=9, text=f"{author}: {key}", answers="marie:1", ruling=key)

    def holding() -> list[tuple[str, str]]:
        with open_store(tmp_path) as now:
            return [(one.id, one.key) for one in rulings(now, FLAIR)]

    with open_store(tmp_path, "marie") as marie:
        marie.record(Comment(row=6, col=9, text="which tree?", question=True))
        marie.record(Comment(row=6, col=8, text="and here?", question=True))
        with open_store(tmp_path, "paul") as paul, open_store(tmp_path, "zoe") as zoe:
            paul.record(ruled("paul", "deciduous"))
            zoe.record(ruled("zoe", "coniferous"))  # without having read Paul's
            assert holding() == [("paul:1", "deciduous"), ("zoe:1", "coniferous")]
            paul.record(ruled("paul", "vineyard"))  # his own earlier one he knows
            assert holding() == [("zoe:1", "coniferous"), ("paul:2", "vineyard")]
            zoe.refresh()
            zoe.record(ruled("zoe", "brushwood"))
            assert holding() == [("zoe:2", "brushwood")]
            zoe.record(Comment(row=6, col=8, text="snow", answers="marie:2", ruling="snow"))
            assert holding() == [("zoe:2", "brushwood"), ("zoe:3", "snow")]
            zoe.undo()
            zoe.undo()
            assert holding() == [("zoe:1", "coniferous"), ("paul:2", "vineyard")]
            zoe.redo()
            zoe.redo()
        marie.undo()  # the second question
        assert holding() == [("zoe:2", "brushwood")]
        marie.undo()
        assert holding() == []
