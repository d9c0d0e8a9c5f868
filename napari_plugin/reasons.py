"""Why zones are proposed, as the desk says it: kinds of reasons in the language in use, with their shares."""

from __future__ import annotations

__all__ = ["reason_colour", "reason_lines", "reason_words", "reasons_told"]

from collections import defaultdict
from collections.abc import Iterable, Sequence

from napari_plugin.language import percent, title, tr
from workbench.active.reasons import REASON_KINDS
from workbench.active.selection import Reason

_LEAST = 0.05
"""Share below which a reason decided nothing."""
_OTHER = "#8a8a8a"


def reasons_told(reasons: Iterable[Reason]) -> str:
    """Return the kinds of some reasons with what they count for, most first; empty where there are none.

    >>> reasons_told([Reason(kind="rare", share=0.7, told="snow"), Reason(kind="cheap", share=0.3, told="")])
    'rare classes 70\\xa0%, few picks 30\\xa0%'
    """
    shares = defaultdict[str, float](float)
    for one in reasons:
        shares[one.kind] += one.share
    most_first = sorted(shares.items(), key=lambda one: -one[1])
    told = [(_title(kind), share) for kind, share in most_first if share >= _LEAST]
    if len(told) == 1:
        return told[0][0]
    return ", ".join(f"{what} {percent(share, 0)}" for what, share in told)


def reason_words(reasons: Iterable[Reason]) -> str:
    """Return the kinds of some reasons, without their shares, for a search through thousands of zones."""
    return " ".join([_title(one.kind) for one in reasons])


def reason_lines(reasons: Iterable[Reason]) -> list[str]:
    """Return all reasons, each with its share and with what whoever proposes says of it."""
    return [
        tr("{share} {what}: {told}", share=percent(one.share, 0), what=_title(one.kind), told=one.told)
        for one in reasons
    ]


def reason_colour(reasons: Sequence[Reason]) -> str:
    """Return the colour ``#rrggbb`` of the main reason, as on the map of proposals."""
    kind = REASON_KINDS.get(reasons[0].kind) if reasons else None
    return kind.colour if kind is not None else _OTHER


def _title(kind: str) -> str:
    found = REASON_KINDS.get(kind)
    return title(found.titles) if found is not None else kind
