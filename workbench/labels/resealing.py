"""Journals sealed again: the same ops, changed in what they say, in new chains of hashes.

A journal's ops hold each other by their hashes, and a review holds the ops that it judged. So whoever changes
what one op says has to seal anew all that came after it, in the order in which it came.
"""

from __future__ import annotations

__all__ = ["resealed"]

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from workbench.labels.meta import JournalMeta
from workbench.labels.op import Op, join_payload, split_payload
from workbench.labels.reading import Journal
from workbench.labels.tables import Row, row_of_op


def resealed(
    journals: Iterable[Journal],
    directory: Path,
    *,
    about: Callable[[JournalMeta], JournalMeta],
    change: Callable[[Op], Op],
) -> tuple[Journal, ...]:
    """Return the journals of a zone with changed ops, each sealed again; nothing is written.

    Ops are taken in their total order, so that a review meets the new hash of every op that it judged. A head
    that no journal holds stays as it is.

    Parameters
    ----------
    journals
        All journals of the zone.
    directory
        The folder that the new ones are for.
    about
        What a journal is about from now on.
    change
        What an op says from now on. Its place stays: seq, gesture and lamport.
    """
    found = list(journals)
    metas = {journal.meta.author: about(journal.meta) for journal in found}
    last = {author: meta.genesis for author, meta in metas.items()}
    rows: dict[str, list[Row]] = {author: [] for author in metas}
    renewed: dict[str, str] = {}
    for op in heapq.merge(*(journal.ops for journal in found), key=lambda op: op.order):
        changed = change(op if op.kind != "review" else _judging(op, renewed))
        sealed = replace(changed, previous=last[op.author]).sealed()
        renewed[op.sha256] = last[op.author] = sealed.sha256
        rows[op.author].append(row_of_op(sealed))
    return tuple(
        Journal(path=directory / f"{meta.author}.sqlite", meta=meta, rows=tuple(rows[author]))
        for author, meta in metas.items()
    )


def _judging(op: Op, renewed: dict[str, str]) -> Op:
    """Return a review with the new hashes of the ops that it judged."""
    header, body = split_payload(op.payload)
    heads = [
        {**head, "sha256": renewed.get(head["sha256"], head["sha256"])} for head in header.get("heads", ())
    ]
    return replace(op, payload=join_payload({**header, "heads": heads}, body))
