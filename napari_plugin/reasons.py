"""Why zones are proposed, as the desk says it: reasons in the language in use, with their shares."""

from __future__ import annotations

__all__ = ["ClassTitles", "reason_colour", "reason_detail", "reason_lines", "reason_words", "reasons_told"]

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from napari_plugin.language import area, number, percent, title, tr
from workbench.active.reasons import REASON_KINDS
from workbench.active.selection import Reason

ClassTitles = Mapping[str, Mapping[str, str]]
"""What classes are called, by key, then by language."""
_LEAST = 0.05
"""Share below which a reason decided nothing."""
_OTHER = "#8a8a8a"


def reasons_told(reasons: Iterable[Reason]) -> str:
    r"""Return the kinds of some reasons with what they count for, most first; empty where there are none.

    >>> reasons_told([Reason(kind="rare", share=0.7), Reason(kind="scarce", share=0.3)])
    'rare classes 70\xa0%, looks with few labels 30\xa0%'
    """
    shares = defaultdict[str, float](float)
    for one in reasons:
        shares[one.kind] += one.share
    most_first = sorted(shares.items(), key=lambda one: -one[1])
    told = [(_title(kind), share) for kind, share in most_first if share >= _LEAST]
    if len(told) == 1:
        return told[0][0]
    return ", ".join(f"{what} {percent(share, 0)}" for what, share in told)


def reason_words(reasons: Iterable[Reason], classes: ClassTitles) -> str:
    """Return kinds and classes of some reasons, without numbers, for a search through thousands of zones."""
    words = []
    for one in reasons:
        words += [_title(one.kind), *(_called(key, classes) for key in one.named)]
    return " ".join(words)


def reason_lines(reasons: Iterable[Reason], classes: ClassTitles) -> list[str]:
    """Return all reasons, each with its share and with what is known of it."""
    lines = []
    for one in reasons:
        head = tr("{share} {what}", share=percent(one.share, 0), what=_title(one.kind))
        detail = reason_detail(one, classes)
        lines.append(tr("{where}: {what}", where=head, what=detail) if detail else head)
    return lines


def reason_detail(reason: Reason, classes: ClassTitles) -> str:
    """Return what is known of a reason beside its kind; empty where that says it all.

    The language's own `Reason.told`: what another package tells stays as it wrote it.
    """
    match reason.kind, reason.named, reason.measured:
        case "uncertain" | "mapped" | "weak" | "rare", (_, *_), _:
            return ", ".join(_called(key, classes) for key in reason.named)
        case "uncertain", _, float(doubt):
            return tr("{share} doubtful", share=percent(doubt, 0))
        case "uncovered", (), float(ground):
            return tr("{share} looks like nothing that is labelled or chosen", share=percent(ground, 0))
        case "uncovered", _, float(ground):
            return tr(
                "{share} looks like nothing that is labelled or chosen, taken for {classes}",
                share=percent(ground, 0),
                classes=", ".join(_called(key, classes) for key in reason.named),
            )
        case "scarce", _, float(ground):
            return tr("{share} looks like what has few labels", share=percent(ground, 0))
        case "far", _, None:
            return tr("nothing is labelled yet")
        case "far", _, float(metres):
            return tr("{distance} km from what is labelled or chosen", distance=number(metres / 1000, 1))
        case "domain", (domain,), None:
            return tr("{domain} has no zone yet", domain=domain)
        case "domain", (domain,), float(labelled):
            return tr("{area} of {domain} are labelled or chosen", area=area(labelled * 1e6), domain=domain)
        case "drawn", (_, *_), _:
            return tr("in its domain, theme and main class")
        case _:
            return reason.words


def reason_colour(reasons: Sequence[Reason]) -> str:
    """Return the colour ``#rrggbb`` of the main reason, as on the map of proposals."""
    kind = REASON_KINDS.get(reasons[0].kind) if reasons else None
    return kind.colour if kind is not None else _OTHER


def _title(kind: str) -> str:
    found = REASON_KINDS.get(kind)
    return title(found.titles) if found is not None else kind


def _called(key: str, classes: ClassTitles) -> str:
    """Return what people call a class; what is none, or of another nomenclature, by its own name."""
    return title(classes[key]) if key in classes else key
