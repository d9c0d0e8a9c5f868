"""A difference of two releases in words, for the terminal, for a changelog and for a page."""

from __future__ import annotations

__all__ = [
    "about_releases",
    "area",
    "cause_word",
    "headline",
    "many",
    "number",
    "share",
    "unit_of",
    "unmoved_zones",
    "why",
    "zone_lines",
]

from collections.abc import Iterator
from math import inf
from typing import Final

from workbench.export.release_diff import ReleaseDiff
from workbench.export.versions import Change
from workbench.export.zone_changes import ZoneChange
from workbench.workflows.release_origins import origins
from workbench.workflows.release_reasons import Reasons
from workbench.workflows.zone_history import Cause

_UNITS: Final = (("m²", 1.0, 1e4), ("ha", 1e4, 1e6), ("km²", 1e6, inf))
"""Units of areas, their size in m², and the area in m² from which the next is taken."""
_CHANGES: Final = {
    Change.NONE: "nothing changed",
    Change.PATCH: "labels, pictures or what is told of them changed, zones and classes did not",
    Change.MINOR: "zones came, went or were cut anew",
    Change.MAJOR: "classes or folds changed",
}
_CAUSES: Final = {
    "hand": "labelled by hand",
    "prelabels": "pre-labels accepted",
    "recoding": "recoded",
    "import": "imported",
    "ruling": "ruling followed",
    "undo": "undone or redone",
    "nomenclature": "other nomenclature",
}
_FACTS: Final = {
    "pixels_sha256": "another orthophoto",
    "views": "other rasters beside the orthophoto",
    "fold": "another fold",
    "place": "drawn together with other zones",
    "acquired": "another date",
    "time": "another time of day",
    "camera": "another camera",
    "theme": "another theme",
}


def many(count: int, noun: str) -> str:
    """Return a number of things.

    >>> many(1, "zone"), many(1200, "patch")
    ('1 zone', '1,200 patches')
    """
    plural = f"{noun}es" if noun.endswith(("ch", "s")) else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def area(diff: ReleaseDiff, pixels: int) -> str:
    """Return the area of some pixels, in m², ha or km²."""
    unit, size = unit_of(diff, pixels)
    return f"{number(pixels * diff.pixel_area / size)} {unit}"


def unit_of(diff: ReleaseDiff, pixels: int) -> tuple[str, float]:
    """Return the unit in which the area of some pixels is told, and its size in m²."""
    return next(one for one in _UNITS if pixels * diff.pixel_area < one[2])[:2]


def number(value: float) -> str:
    """Return a number to three digits that count, or to the whole.

    >>> number(0.0437), number(43.72), number(1234.5)
    ('0.0437', '43.7', '1,234')
    """
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def share(part: int, whole: int) -> str:
    """Return a share in percent, to two digits that count, or to the whole.

    >>> share(1, 3), share(1, 3000), share(0, 0), share(4, 4)
    ('33 %', '0.033 %', '0 %', '100 %')
    """
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.0f} %" if percent >= 9.5 else f"{percent:.2g} %"


def headline(diff: ReleaseDiff) -> list[str]:
    """Return in a few sentences what changed, most important first."""
    patches, transitions, after = diff.patches, diff.transitions, diff.after
    named = [f"{one.name} ({one.version})" for one in (after, diff.before)]
    lines = [f"{named[0]} after {named[1]}: {_CHANGES[diff.change]}"]
    if diff.change == Change.NONE:
        return lines
    made = origins(diff)
    lines += [one.text() for one in made]
    if after.version < diff.least_version and all(one.versioned for one in made):
        lines.append(
            f"its version is {after.version}, and what changed makes it {diff.least_version} at least"
        )
    lines.append(
        f"{many(patches.both, 'patch')} in both, {patches.added:,} added, {patches.removed:,} removed"
    )
    lines.append(
        f"labels changed in {many(patches.labels, 'patch')} ({share(patches.labels, patches.both)}): "
        f"{many(transitions.changed, 'pixel')}, {area(diff, transitions.changed)}, "
        f"{share(transitions.changed, transitions.total)} of the ground in both"
    )
    if transitions.untold:
        lines.append(
            f"of {many(transitions.untold, 'pixel')} more nobody can tell whether they changed between other "
            "and unlabelled, which layouts show alike"
        )
    lines.append(f"pictures changed in {many(patches.pictures, 'patch')}, sets or folds in {patches.sets:,}")
    return lines


def zone_lines(diff: ReleaseDiff) -> Iterator[str]:
    """Yield what became of each zone that is not the same zone as before."""
    for kind in ("added", "removed", "renamed", "re-cut"):
        for zone in diff.of_kind(kind):
            before, after = " + ".join(zone.before), " + ".join(zone.after)
            counts = zone.patches
            if kind in ("added", "removed"):
                pixels = sum((zone.added if kind == "added" else zone.removed).values())
                size = counts.added if kind == "added" else counts.removed
                gone = f", withdrawn: {diff.withdrawn[zone.name]}" if zone.name in diff.withdrawn else ""
                yield f"{kind}: {zone.name} ({many(size, 'patch')}, {area(diff, pixels)}){gone}"
            else:
                named = after if before == after else f"{before} → {after}"
                yield (
                    f"{kind}: {named} ({many(counts.both, 'patch')} in both, {counts.added} added, "
                    f"{counts.removed} removed)"
                )


def about_releases(diff: ReleaseDiff) -> Iterator[str]:
    """Yield what is told otherwise of nomenclature, layouts and sets."""
    change = diff.nomenclature
    if change.before != change.after:
        yield f"nomenclature {change.before} → {change.after}"
    for what, keys in (
        ("added", change.added),
        ("removed", change.removed),
        ("with another code", change.recoded),
        ("with another number in a scheme", change.renumbered),
        ("otherwise described", change.described),
    ):
        if keys:
            yield f"classes {what}: {', '.join(keys)}"
    for layout in diff.layouts:
        if layout.before is None or layout.after is None:
            yield f"layout {layout.name} {'added' if layout.before is None else 'removed'}"
            continue
        for name, value in layout.before.items():
            if layout.after[name] != value:
                yield f"layout {layout.name}: {name} {_listed(value)} → {_listed(layout.after[name])}"
    for zone in diff.changed_zones:
        for move in zone.sets:
            yield (
                f"{zone.name}: {many(move.patches, 'patch')} went from {move.before} to {move.after} in "
                f"{move.column}"
            )


def cause_word(cause: Cause) -> str:
    """Return what a cause is called.

    >>> cause_word(Cause(kind="prelabels", about="unet"))
    'pre-labels accepted (unet)'
    """
    return f"{_CAUSES[cause.kind]} ({cause.about})" if cause.about else _CAUSES[cause.kind]


def why(diff: ReleaseDiff, zone: ZoneChange, reasons: Reasons | None) -> str:
    """Return why a zone changed, in a few words: from the journals, or from the cards alone."""
    told = [_FACTS[fact.name] for fact in zone.facts if fact.name in _FACTS]
    if reasons is None:
        moved = [_moved(fact.before, fact.after) for fact in zone.facts if fact.name == "heads"]
        if not moved and zone.kind == "kept" and zone.patches.labels:
            derived = [f"derived from {one.of}" for one in origins(diff) if one.kind == "recode"]
            moved = derived or ["no head moved"]
        return ", ".join([*told, *moved])
    for name in zone.after:
        found = reasons.of_zone(name)
        if found is None:
            continue
        told += [f"{cause_word(one.cause)}: {one.pixels:,} px" for one in found.explained if one.pixels]
        if found.unexplained:
            told.append(f"{many(len(found.unexplained), 'patch')} unexplained")
        if found.problem:
            told.append(found.problem)
    return ", ".join(told)


def unmoved_zones(diff: ReleaseDiff) -> tuple[str, ...]:
    """Return the zones whose labels changed while nobody's head moved, and no class: cards do not say why.

    Of labels that were derived from others, and by another table or usage layer are others, they do.
    """
    derived = any(one.kind == "recode" for one in origins(diff))
    if derived or diff.nomenclature.before != diff.nomenclature.after:
        return ()
    return tuple(
        zone.name
        for zone in diff.of_kind("kept")
        if zone.patches.labels and all(fact.name != "heads" for fact in zone.facts)
    )


def _moved(before: dict[str, int], after: dict[str, int]) -> str:
    moved = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    steps = (f"{name} {before.get(name, 0)} → {after.get(name, 0)}" for name in moved)
    return f"heads moved: {', '.join(steps)}"


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
