"""Markdown from values: tables, lists and text that stays inside its cell."""

from __future__ import annotations

__all__ = ["bullets", "inline", "plain", "table"]

import re
from collections.abc import Iterable, Sequence


def inline(value: object) -> str:
    """Return text that is one line and opens no cell, tag or comment.

    >>> inline("  <b> of two lines ")
    '&lt;b> of two lines'
    """
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def plain(value: object) -> str:
    r"""Return text that is one line and nothing but text: no link, emphasis, tag, heading or cell of a table.

    >>> print(plain("a *b* <i>[c](d)"))
    a \*b\* &lt;i&gt;\[c\](d)
    """
    line = " ".join(str(value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"^(\d+)([.)] )", r"\1\\\2", re.sub(r"([\\`*_{}\[\]#|!~$]|^[-+=])", r"\\\1", line))


def bullets(lines: Iterable[str]) -> str:
    """Return a list, an entry a line.

    >>> print(bullets(["one", "two"]))
    - one
    - two
    """
    return "\n".join(f"- {line}" for line in lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Return a table of cells that are Markdown already.

    Parameters
    ----------
    head
        One cell a column.
    rows
        As many cells each.
    right
        Columns of numbers, from 0.

    >>> print(table(("class", "IoU"), [("water", "0.5")], right=(1,)))
    | class | IoU |
    |---|--:|
    | water | 0.5 |
    """
    rule = "|" + "|".join("--:" if number in right else "---" for number in range(len(head))) + "|"
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])
