"""What a release says about itself: the contents of ``release.json`` and ``README.md``."""

from __future__ import annotations

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "derived_statement",
    "excluded_patches",
    "grid_document",
    "layout_entries",
    "nomenclature_document",
    "readme",
    "release_card",
    "sums",
    "warnings",
]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from workbench.counting import counted
from workbench.export.encoding import ENCODING
from workbench.export.folds import PROD, RULE, SEED
from workbench.export.honesty import disclosures
from workbench.export.layouts import Layout
from workbench.export.patches import Patch, ZoneSource, cut_patches
from workbench.export.rules import Verdict
from workbench.export.totals import Totals
from workbench.geo.grid import PatchLattice
from workbench.nomenclature import Nomenclature

FORMAT: Final = "ocs-workbench/release"
FORMAT_VERSION: Final = 2


def release_card(
    *,
    name: str,
    software: str,
    content_sha256: str,
    nomenclature: Nomenclature,
    lattice: PatchLattice,
    layouts: Sequence[Layout],
    sources: Sequence[ZoneSource],
    patches: Iterable[Patch],
    verdicts: Sequence[Verdict] = (),
) -> dict[str, Any]:
    """Return the content of ``release.json``; equal zones give an equal card, whenever it is made."""
    totals = Totals.of(patches)
    told = {one.source.zone.id: one.text() for one in disclosures(sources)}
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "content_sha256": content_sha256,
        "encoding": ENCODING,
        "software": {"name": "ocs-workbench", "version": software},
        "nomenclature": nomenclature_document(nomenclature),
        "grid": grid_document(lattice),
        "layouts": layout_entries(layouts),
        **sums(totals, nomenclature),
        "splits": {"rule": RULE, "seed": SEED, "columns": totals.columns()},
        "zones": [
            _zone_entry(source, totals) | {"disclosure": told.get(source.zone.id)}
            for source in sources
            if source.zone.id in totals.zone_folds
        ],
        "excluded_patches": sum(excluded_patches(source, lattice) for source in sources),
        "rules": [verdict.document() for verdict in verdicts],
        "warnings": [*warnings(totals, layouts), *_rule_warnings(verdicts)],
    }


def layout_entries(layouts: Iterable[Layout]) -> list[dict[str, Any]]:
    """Return what ``release.json`` says of layouts."""
    return [
        {
            "name": one.name,
            "folder": one.root,
            "scheme": one.scheme,
            "bands": list(one.bands),
            "modalities": list(one.modalities),
        }
        for one in layouts
    ]


def sums(totals: Totals, nomenclature: Nomenclature) -> dict[str, Any]:
    """Return what ``release.json`` says of all patches together."""
    return {
        "counts": {
            "domains": len(totals.folds),
            "zones": len(totals.zone_folds),
            "patches": totals.patches,
            "pixels": totals.pixels,
            "area_km2": round(totals.area / 1e6, 6),
        },
        "class_pixels": {key: totals.classes[key] for key in nomenclature.keys},
        "unlabelled_pixels": totals.unlabelled.total(),
    }


def nomenclature_document(nomenclature: Nomenclature) -> dict[str, Any]:
    """Return what a card says of its classes."""
    return {"name": nomenclature.name, "version": nomenclature.version}


def grid_document(lattice: PatchLattice) -> dict[str, Any]:
    """Return what a card says of how patches are cut."""
    return {
        "crs": lattice.crs,
        "resolution": lattice.resolution,
        "patch_pixels": lattice.pixels,
        "x": lattice.x,
        "y": lattice.y,
    }


def warnings(totals: Totals, layouts: Sequence[Layout]) -> Iterator[dict[str, str]]:
    """Yield what a user should know of patches, as far as they tell it themselves."""
    yield from _set_warnings(totals.columns())
    yield from _label_warnings(totals)
    yield from _metadata_warnings(totals, layouts)


def readme(card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
    """Return the content of ``README.md``: what is where, and how to read it."""
    counts, nomenclature, grid = card["counts"], card["nomenclature"], card["grid"]
    side, keys = grid["patch_pixels"], card.keys() | {key for zone in card["zones"] for key in zone}
    parts = [
        f"# {card['name']}\n",
        *([f"{derived_statement(card)}\n"] if "derived" in card else []),
        f"{counted(counts['patches'], 'patch', 'patches')} of {side} × {side} pixels at "
        f"{grid['resolution']:g} m ({counts['area_km2']:g} km², {grid['crs']}) from "
        f"{counted(counts['zones'], 'zone')} in {counted(counts['domains'], 'domain')}, labelled with "
        f"{nomenclature['name']} {nomenclature['version']}.\n",
        _COMMON.format(also="".join(f"{text}, " for key, text in _CARD_TELLS.items() if key in keys)),
        *(layout.note() for layout in layouts),
    ]
    if card["warnings"]:
        parts.append("## Warnings\n")
        parts.append("".join(f"- {warning['message']}.\n" for warning in card["warnings"]))
    if told := [zone["disclosure"] for zone in card["zones"] if zone.get("disclosure")]:
        parts.append("## Zones that are no plain test\n")
        parts.append("".join(f"- {line}.\n" for line in told))
    return "\n".join(parts)


def derived_statement(card: Mapping[str, Any]) -> str:
    """Return what has to be known of derived labels before anything else, for people."""
    derived = card["derived"]
    rule = derived["rule"]
    by = f"{derived['crosswalk']} {derived['version']}"
    by += f" and the rule {rule['name']} {rule['version']}" if rule else ""
    links = {
        "published": "the links of that table are those of the classes' owner",
        "derived": "the links of that table are this workbench's own, and no official ones",
    }
    told = (
        f"The labels are DERIVED: nobody annotated in these classes. They were made of the release "
        f"{derived['of']} (content {derived['content_sha256'][:12]}) by the table {by}; "
        f"{links[derived['status']]}."
    )
    if chosen := derived["decisions"]:
        told += f" Decided by whoever made it: {', '.join(f'{a} = {b}' for a, b in chosen.items())}."
    if left := derived["undecided"]:
        counts = ", ".join(f"{key} ({counted(count, 'pixel')})" for key, count in left.items())
        told += f" Undecided, and written as the class *undecided*, with what nobody labelled: {counts}."
    if usage := derived["usage"]:
        told += (
            f" Usage is that of {usage['features']:,} polygons (field {usage['field']}): known for "
            f"{usage['known_pixels']:,} of the pixels that hang on it, unknown for "
            f"{usage['unknown_pixels']:,}, contested by overlapping polygons for "
            f"{usage['contested_pixels']:,}."
        )
    return told


_CARD_TELLS: Final = {
    "assistance": "what models gave of their labels",
    "rules": "what the release was held against",
}
"""By key, what some cards tell and those of parts and of derived labels do not."""
_COMMON: Final = """\
- `release.json`: counts, zones with their fold and reviewed state, {also}split rule, warnings.
- `index.parquet`: GeoParquet, a row per patch: ids, zone, fold, sets, class counts, files and their digests.
- `nomenclature.json`: the classes and their values in every scheme.
- `SHA256SUMS`: the digest of every file; check with `sha256sum -c SHA256SUMS` or `workbench release verify`.

Folds are made of domains. In `split_k` the zones of fold k are test, the others train or valid, zone by zone;
`prod` has no test. Pixels that nobody labelled are written as the *other* of each scheme in
`nomenclature.json` (of flair-19, 19 in FLAIR's numbering, 18 in FLAIR-HUB's): give that class weight 0. No
raster has a nodata tag.
"""


def excluded_patches(source: ZoneSource, lattice: PatchLattice) -> int:
    """Return how many patches of a zone stay out, for they show what nobody may see."""
    every = replace(source, excluded=lambda bounds: False)
    return sum(1 for _ in cut_patches(every, lattice)) - sum(1 for _ in cut_patches(source, lattice))


def _zone_entry(source: ZoneSource, totals: Totals) -> dict[str, Any]:
    zone = source.zone
    return {
        "id": zone.id,
        "fold": source.fold,
        "place": source.place or zone.id,
        "splits": source.splits,
        "state": source.state,
        "heads": dict(sorted(source.heads.items())),
        "patches": totals.zone_patches[zone.id],
        "unlabelled_pixels": totals.unlabelled[zone.id],
        "pixels_sha256": zone.ortho.pixels_sha256,
        "bands": list(zone.ortho.bands),
        "labels_sha256": source.labels_sha256,
        "views": {name: view.sha256 for name, view in sorted(source.views.items())},
        "assistance": [one.document() for one in source.assistance],
        "choice": source.choice.document() if source.choice else None,
        "acquired": zone.acquired.isoformat() if zone.acquired else None,
        "time": zone.time_of_day.isoformat("minutes") if zone.time_of_day else None,
        "camera": zone.camera,
        "theme": zone.theme,
        **source.facts,
    }


def _set_warnings(columns: Mapping[str, Mapping[str, int]]) -> Iterator[dict[str, str]]:
    for column, sizes in columns.items():
        empty = [subset for subset, size in sizes.items() if not size and (column, subset) != (PROD, "test")]
        if empty:
            message = (
                f"{column} has no patch in {' and '.join(empty)}: the release has too few zones or domains"
            )
            yield {"kind": "empty-set", "message": message}


def _label_warnings(totals: Totals) -> Iterator[dict[str, str]]:
    if pixels := totals.unlabelled.total():
        share = 100 * pixels / (pixels + totals.classes.total())
        zones = sum(count > 0 for count in totals.unlabelled.values())
        where = f"({share:.2g} %) in {counted(zones, 'zone')}"
        message = f"{counted(pixels, 'unlabelled pixel')} {where}, written as other"
        yield {"kind": "unlabelled", "message": message}


def _metadata_warnings(totals: Totals, layouts: Sequence[Layout]) -> Iterator[dict[str, str]]:
    unknown = {
        "date": totals.undated,
        "time of day": totals.untimed,
        "camera": totals.without_camera,
        "ground height": totals.without_ground,
    }
    lacking = [f"the {what} of {count:,}" for what, count in unknown.items() if count]
    if not lacking or not any(layout.numbered for layout in layouts):
        return
    message = (
        f"the campaign does not know {', '.join(lacking)} of {counted(totals.patches, 'patch', 'patches')}: "
        "they are null in flair_aerial_metadata.json, so FLAIR's loader needs use_metadata: False"
    )
    yield {"kind": "metadata", "message": message}


def _rule_warnings(verdicts: Iterable[Verdict]) -> Iterator[dict[str, str]]:
    """Yield what a maintainer accepted although a rule speaks against it."""
    for verdict in verdicts:
        if verdict.outcome == "warned":
            yield {"kind": verdict.rule, "message": verdict.message}
