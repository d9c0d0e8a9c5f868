"""The changelog of a release in Markdown, made from its difference to the one before."""

from __future__ import annotations

__all__ = ["CHANGELOG", "changelog"]

from collections.abc import Iterator
from typing import Final

from workbench.export.release_diff import ReleaseDiff
from workbench.markdown import bullets, inline, table
from workbench.outputs import FileKind, begins_with
from workbench.workflows.diff_words import (
    about_releases,
    area,
    cause_word,
    headline,
    many,
    share,
    unmoved_zones,
    why,
    zone_lines,
)
from workbench.workflows.release_reasons import Reasons

_MARK: Final = "ocs-workbench/release-changelog"
_FIRST: Final = f"<!-- {_MARK} -->"
CHANGELOG: Final = FileKind(name="a changelog", mark=_MARK, is_one=begins_with(_FIRST.encode()))
_LARGEST: Final = 5
"""Transitions that are told one by one."""
_LISTED: Final = 50
"""Zones, remarks and patches that are; of more the number is told."""


def changelog(diff: ReleaseDiff, reasons: Reasons | None) -> str:
    """Return the text; equal releases and journals give equal bytes.

    Parameters
    ----------
    diff
        Of the release and the one before.
    reasons
        What the journals say; None where nobody asked them.
    """
    sections = [
        _FIRST,
        f"# {inline(diff.after.name)}: what changed since {inline(diff.before.name)}",
        bullets(headline(diff)),
        *_section("Zones", [inline(line) for line in zone_lines(diff)]),
        *_classes(diff),
        *_zones(diff, reasons),
        *(_reasons(diff, reasons) if reasons else _cards(diff)),
        *_section("Classes, layouts and sets", [inline(line) for line in about_releases(diff)]),
    ]
    return "\n\n".join(sections) + "\n"


def _section(title: str, lines: list[str]) -> Iterator[str]:
    """Yield a heading and a list, if there is one."""
    if lines:
        yield f"## {title}"
        yield bullets(_some(lines))


def _some(lines: list[str]) -> list[str]:
    left = len(lines) - _LISTED
    return [*lines[:_LISTED], *([f"and {left:,} more"] if left > 0 else [])]


def _classes(diff: ReleaseDiff) -> Iterator[str]:
    """Yield the largest transitions, and what each class lost and gained."""
    moves, changed = diff.transitions.moves(), diff.transitions.changed
    if not moves:
        return
    yield "## What became what"
    rows = [
        (move.before, move.after, f"{move.pixels:,}", area(diff, move.pixels), share(move.pixels, changed))
        for move in moves[:_LARGEST]
    ]
    yield table(("from", "to", "pixels", "area", "of all changes"), rows, right=(2, 3, 4))
    if len(moves) > _LARGEST:
        rest = sum(move.pixels for move in moves[_LARGEST:])
        others = many(len(moves) - _LARGEST, "other transition")
        yield f"{others}: {area(diff, rest)}, {share(rest, changed)}."
    before, after = diff.transitions.before(), diff.transitions.after()
    kept = {key: diff.transitions.pixels[key, key] for key in before.keys() | after.keys()}
    classes = sorted(kept, key=lambda key: (-abs(after[key] - before[key]), key))
    balance = [
        (
            key,
            area(diff, before[key] - kept[key]),
            area(diff, after[key] - kept[key]),
            f"{'+' if after[key] >= before[key] else '−'}{area(diff, abs(after[key] - before[key]))}",
        )
        for key in classes
        if before[key] - kept[key] or after[key] - kept[key]
    ]
    yield table(("class", "lost", "gained", "balance"), balance, right=(1, 2, 3))


def _zones(diff: ReleaseDiff, reasons: Reasons | None) -> Iterator[str]:
    """Yield a table of the zones whose labels or pictures changed, most pixels first."""
    zones = [zone for zone in diff.zones if zone.patches.labels or zone.patches.pictures]
    if not zones:
        return
    zones.sort(key=lambda zone: (-zone.transitions.changed, zone.name))
    rows = []
    for zone in zones[:_LISTED]:
        first = next(iter(zone.moves), None)
        rows.append(
            (
                inline(zone.name),
                f"{zone.patches.labels:,}",
                f"{zone.patches.pictures:,}",
                area(diff, zone.transitions.changed),
                f"{first.before} → {first.after}" if first else "",
                inline(why(diff, zone, reasons)),
            )
        )
    yield "## Zones that changed inside"
    head = ("zone", "other labels", "other pictures", "area", "most", "why")
    yield table(head, rows, right=(1, 2, 3))
    if len(zones) > _LISTED:
        yield f"And {many(len(zones) - _LISTED, 'zone')} more."


def _reasons(diff: ReleaseDiff, reasons: Reasons) -> Iterator[str]:
    """Yield what the journals say; nothing where nothing changed."""
    changed = any(zone.patches.labels or zone.patches.pictures for zone in diff.zones)
    if not changed and not reasons.zones:
        return
    yield "## Why"
    rows = [
        (inline(cause_word(one.cause)), f"{one.ops:,}", f"{one.pixels:,}", area(diff, one.pixels))
        for one in reasons.explained
    ]
    if rows:
        yield table(("cause", "edits", "pixels", "area"), rows, right=(1, 2, 3))
    said = [f"{zone.zone}: {inline(remark)}" for zone in reasons.zones for remark in zone.remarks]
    if said:
        yield bullets(_some(said))
    if not reasons.unexplained:
        if changed:
            yield "Every patch that changed is explained by the journals."
        return
    yield (
        f"**{many(reasons.unexplained, 'patch')} changed and nobody knows why** "
        f"({many(reasons.unexplained_pixels, 'pixel')} of labels):"
    )
    problems = [inline(zone.problem) for zone in reasons.zones if zone.problem]
    left = [
        f"{one.patch}: {'its picture' if one.picture else many(one.pixels, 'pixel')}"
        for zone in reasons.zones
        for one in zone.unexplained
    ]
    yield bullets([*_some(problems), *_some(left)])


def _cards(diff: ReleaseDiff) -> Iterator[str]:
    """Yield what the cards alone say of reasons."""
    unmoved = list(unmoved_zones(diff))
    if unmoved:
        yield "## Labels that changed while no head of a journal moved"
        yield bullets(_some(unmoved))
