"""Comments: where one would be read by nobody it is refused, and a text is told on one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_cases import open_store, rectangle

from workbench.errors import EditRefused
from workbench.labels.comments import one_line, threads
from workbench.labels.edits import Comment

TEXTS = {
    "plain": ("spruce or larch?", "spruce or larch?"),
    "accents and other scripts": ("mélèze, 落葉, שלום", "mélèze, 落葉, שלום"),
    "a space that does not break": ("mélèze\u00a0?", "mélèze ?"),
    "a forged line": ("x\n  0.0% labelled\r\n", r"x\n  0.0% labelled\r\n"),
    "a line separator": ("x\u2028y\u0085z", r"x\u2028y\x85z"),
    "another colour": ("\x1b[31mred", r"\x1b[31mred"),
    "turned round": ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
    "of no width": ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
    "half a character": ("a\ud800", r"a\ud800"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_is_told_on_one_line_with_nothing_hidden(case: str) -> None:
    text, told = TEXTS[case]
    assert one_line(text) == told
    assert told.isprintable()
    assert one_line(told) == told


def test_comments_are_grouped_by_what_they_answer(tmp_path: Path) -> None:
    said = [
        Comment(row=6, col=9, text="a pond"),
        Comment(row=6, col=8, text="which tree?", question=True),
        Comment(row=6, col=9, text="dry", answers="marie:1"),
        Comment(row=6, col=9, text="in summer", answers="marie:3"),
        Comment(row=6, col=9, text="a weir", justifies="tall-water"),
        Comment(row=6, col=8, text="larch", answers="marie:2", ruling="deciduous"),
        Comment(row=6, col=8, text="and beside it?", answers="marie:6", question=True),
    ]
    with open_store(tmp_path, "marie") as store:
        for comment in said:
            store.record(comment)
        found = threads(store.comments())
    assert [(one.id, one.comment.text, [name for name, _ in one.answers]) for one in found] == [
        ("marie:1", "a pond", ["marie:3", "marie:4"]),
        ("marie:2", "which tree?", ["marie:6"]),
        ("marie:7", "and beside it?", []),
    ]


@pytest.mark.parametrize(
    "comment",
    [
        Comment(row=6, col=9, text="a pond?", question=True),
        Comment(row=6, col=9, text="a pond"),
        Comment(row=6, col=9, text="a weir", justifies="tall-water"),
    ],
    ids=["question", "comment", "justification"],
)
def test_a_comment_that_nobody_would_see_is_refused(tmp_path: Path, comment: Comment) -> None:
    with open_store(tmp_path, "model-unet") as model:
        with pytest.raises(EditRefused, match=r"model-unet is a model, .* do it as a person"):
            model.record(comment)
        assert model.ops == ()
    with open_store(tmp_path, "marie", blind=True) as blind:
        blind.apply(rectangle(5, 6, 1, 1, 2))
        with pytest.raises(EditRefused, match=r"blind annotation .* comment without --blind"):
            blind.record(comment)
        assert len(blind.ops) == 1
    with open_store(tmp_path, "marie") as store:
        assert store.record(comment).seq == 2


def test_blanks_are_no_comment() -> None:
    with pytest.raises(EditRefused, match="a comment of blanks says nothing"):
        Comment(row=6, col=9, text=" \n")
    with pytest.raises(EditRefused, match="1 to 2000 characters, not 2001"):
        Comment(row=6, col=9, text="x" * 2001)
