"""What a release of derived labels says about itself: its own counts, what it was derived from, and how."""

from __future__ import annotations

__all__ = ["derived_card", "derived_document", "derived_readme"]

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from workbench.export.card import readme
from workbench.export.layouts import Layout
from workbench.export.part_card import part_card
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.export.totals import Totals
from workbench.export.usage import UsageLayer
from workbench.nomenclature import Derivation

_OF_LABELS: Final = ("agreement", "bias")
"""What is told of a zone's own classes and borders, which derived labels do not have."""


def derived_document(
    parent: Release, derivation: Derivation, usage: UsageLayer | None, resolved: Counter[str]
) -> dict[str, Any]:
    """Return what ``release.json`` says of where labels come from.

    Parameters
    ----------
    parent
        The release that they are derived from.
    derivation, usage
        How.
    resolved
        Pixels that hang on the usage, by whether it was known.
    """
    crosswalk, rule = derivation.crosswalk, derivation.rule
    bare = parent.nomenclature.schemes[parent.layouts[0].scheme].other
    pixels = Counter(parent.card["class_pixels"])
    pixels[bare] += parent.card["unlabelled_pixels"]  # in the files they are the same
    return {
        "of": parent.name,
        "content_sha256": parent.card["content_sha256"],
        "crosswalk": crosswalk.name,
        "version": crosswalk.version,
        "status": crosswalk.status,
        "rule": None if rule is None else {"name": rule.name, "version": rule.version},
        "decisions": dict(sorted(derivation.decisions.items())),
        "undecided": {key: pixels[key] for key in derivation.undecided},
        "usage": None
        if usage is None
        else usage.document()
        | {f"{name}_pixels": resolved[name] for name in ("known", "contested", "unknown")},
        "notes": [*crosswalk.notes, *(rule.notes if rule else ())],
    }


def derived_card(
    parent: Release,
    derivation: Derivation,
    patches: Iterable[Patch],
    *,
    label_digests: Mapping[str, str],
    name: str,
    software: str,
    content_sha256: str,
    layouts: Sequence[Layout],
    derived: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of the ``release.json`` of a release of derived labels.

    It keeps the version of the release that it is derived from. What was measured of that one's own classes
    and borders is not repeated. ``label_digests`` has, by zone, a digest of the labels of its patches.
    """
    totals = Totals.of(patches)
    card = part_card(
        parent,
        totals,
        name=name,
        content_sha256=content_sha256,
        layouts=layouts,
        told=lambda entry: _zone(entry, label_digests, totals),
        classes=derivation.target,
    )
    return card | {"software": {"name": "ocs-workbench", "version": software}, "derived": derived}


def derived_readme(card: Mapping[str, Any], layouts: Sequence[Layout], derivation: Derivation) -> str:
    """Return the content of the ``README.md`` of a release of derived labels."""
    schemes = sorted({layout.scheme for layout in layouts})
    lines = [
        f"| class | {' | '.join(f'in `{scheme}`' for scheme in schemes)} | from |",
        f"|---|{'---|' * len(schemes)}---|",
    ]
    for entry in derivation.target.classes:
        numbers = " | ".join(str(entry.values[scheme]) for scheme in schemes)
        origins = ", ".join(one.key for one in derivation.origins(entry.key)) or "nothing by itself"
        lines.append(f"| {entry.titles['en']} (`{entry.key}`) | {numbers} | {origins} |")
    parts = [readme(card, layouts), "## What became of the classes\n", "\n".join(lines) + "\n"]
    if derivation.rule is not None:
        told = (f"- {one.titles['en']}: {one.definition['en']}\n" for one in derivation.target.classes)
        parts.append("".join(told))
    parts.append("".join(f"- {note}\n" for note in card["derived"]["notes"]))
    return "\n".join(parts)


def _zone(entry: Mapping[str, Any], digests: Mapping[str, str], totals: Totals) -> dict[str, Any]:
    kept = {key: value for key, value in entry.items() if key not in _OF_LABELS}
    kept["unlabelled_pixels"] = totals.unlabelled[entry["id"]]
    if "labels_sha256" in entry:
        kept["labels_sha256"] = digests[entry["id"]]
    return kept
