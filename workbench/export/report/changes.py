"""What a release has that the one before it had not, by what the two say of themselves (``release.json``)."""

from __future__ import annotations

__all__ = ["Changes", "changes_since"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.geo.zone import domain_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """What came, went and changed."""

    before: Mapping[str, Any]
    """The card of the release before."""
    zones_added: tuple[str, ...]
    zones_removed: tuple[str, ...]
    labels_changed: tuple[str, ...]
    """Zones whose labels are others; those of releases of format 1 cannot be told."""
    pictures_changed: tuple[str, ...]
    domains_added: tuple[str, ...]
    domains_removed: tuple[str, ...]
    moved: tuple[tuple[str, int, int], ...]
    """Domains whose fold is another one, and both folds."""
    shares: tuple[tuple[str, float, float], ...]
    """Each class that either has, and its share of labelled pixels before and now."""


def changes_since(before: Mapping[str, Any], now: Mapping[str, Any]) -> Changes:
    """Hold a release's card against an older one's."""
    old, new = ({entry["id"]: entry for entry in card["zones"]} for card in (before, now))
    was, is_now = (_domains(entries) for entries in (old, new))
    both = sorted(old.keys() & new.keys())
    return Changes(
        before=before,
        zones_added=tuple(sorted(new.keys() - old.keys())),
        zones_removed=tuple(sorted(old.keys() - new.keys())),
        labels_changed=tuple(zone for zone in both if _differs(old[zone], new[zone], "labels_sha256")),
        pictures_changed=tuple(zone for zone in both if _differs(old[zone], new[zone], "pixels_sha256")),
        domains_added=tuple(sorted(is_now.keys() - was.keys())),
        domains_removed=tuple(sorted(was.keys() - is_now.keys())),
        moved=tuple(
            (name, was[name], is_now[name])
            for name in sorted(was.keys() & is_now.keys())
            if was[name] != is_now[name]
        ),
        shares=_shares(before["class_pixels"], now["class_pixels"]),
    )


def _domains(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    return {domain_of(name): int(entry["fold"]) for name, entry in entries.items()}


def _differs(old: Mapping[str, Any], new: Mapping[str, Any], digest: str) -> bool:
    return digest in old and digest in new and bool(old[digest] != new[digest])


def _shares(old: Mapping[str, int], new: Mapping[str, int]) -> tuple[tuple[str, float, float], ...]:
    totals = [max(1, sum(counts.values())) for counts in (old, new)]
    keys = [key for key in {**new, **old} if old.get(key) or new.get(key)]
    return tuple((key, old.get(key, 0) / totals[0], new.get(key, 0) / totals[1]) for key in keys)
