"""What a release says about itself: the contents of ``release.json`` and ``README.md``."""

from __future__ import annotations

__all__ = ["FORMAT", "FORMAT_VERSION", "layout_entries", "readme", "release_card", "sums", "warnings"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from workbench.export.encoding import ENCODING
from workbench.export.folds import PROD, RULE, SEED
from workbench.export.gates import shared_ground
from workbench.export.layouts import Layout
from workbench.export.patches import Patch, ZoneSource
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
) -> dict[str, Any]:
    """Return the content of ``release.json``; equal zones give an equal card, whenever it is made."""
    totals = Totals.of(patches)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "content_sha256": content_sha256,
        "encoding": ENCODING,
        "software": {"name": "ocs-workbench", "version": software},
        "nomenclature": {"name": nomenclature.name, "version": nomenclature.version},
        "grid": {
            "crs": lattice.crs,
            "resolution": lattice.resolution,
            "patch_pixels": lattice.pixels,
            "x": lattice.x,
            "y": lattice.y,
        },
        "layouts": layout_entries(layouts),
        **sums(totals, nomenclature),
        "splits": {"rule": RULE, "seed": SEED, "columns": totals.columns()},
        "zones": [_zone_entry(source, totals) for source in sources if source.zone.id in totals.zone_folds],
        "warnings": [*warnings(totals, layouts), *_ground_warnings(sources)],
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


def warnings(totals: Totals, layouts: Sequence[Layout]) -> Iterator[dict[str, str]]:
    """Yield what a user should know of patches, as far as they tell it themselves."""
    yield from _set_warnings(totals.columns())
    yield from _label_warnings(totals)
    yield from _metadata_warnings(totals, layouts)


def readme(card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
    """Return the content of ``README.md``: what is where, and how to read it."""
    counts, nomenclature, grid = card["counts"], card["nomenclature"], card["grid"]
    parts = [
        f"# {card['name']}\n",
        f"{counts['patches']:,} patches of {grid['patch_pixels']} × {grid['patch_pixels']} pixels at "
        f"{grid['resolution']:g} m ({counts['area_km2']:g} km², {grid['crs']}) from {counts['zones']} "
        f"zones in {counts['domains']} domains, labelled with {nomenclature['name']} "
        f"{nomenclature['version']}.\n",
        _COMMON,
        *(layout.note() for layout in layouts),
    ]
    if card["warnings"]:
        parts.append("## Warnings\n")
        parts.append("".join(f"- {warning['message']}.\n" for warning in card["warnings"]))
    return "\n".join(parts)


_COMMON: Final = """\
- `release.json`: counts, zones with their fold and reviewed state, split rule, warnings.
- `index.parquet`: GeoParquet, a row per patch: ids, zone, fold, sets, class counts, files and their digests.
- `nomenclature.json`: the classes and their values in every scheme.
- `SHA256SUMS`: the digest of every file; check with `sha256sum -c SHA256SUMS` or `workbench release verify`.

Folds are made of domains. In `split_k` the zones of fold k are test, the others train or valid, zone by zone;
`prod` has no test. Pixels that nobody labelled are written as *other* (19 in FLAIR's numbering, 18 in
FLAIR-HUB's): give that class weight 0. No raster has a nodata tag.
"""


def _zone_entry(source: ZoneSource, totals: Totals) -> dict[str, Any]:
    zone = source.zone
    return {
        "id": zone.id,
        "fold": source.fold,
        "splits": source.splits,
        "state": source.state,
        "heads": dict(sorted(source.heads.items())),
        "patches": totals.zone_patches[zone.id],
        "unlabelled_pixels": totals.unlabelled[zone.id],
        "pixels_sha256": zone.ortho.pixels_sha256,
        "labels_sha256": source.labels_sha256,
        "views": {name: view.sha256 for name, view in sorted(source.views.items())},
        "acquired": zone.acquired.isoformat() if zone.acquired else None,
        "time": zone.time_of_day.isoformat("minutes") if zone.time_of_day else None,
        "camera": zone.camera,
        "theme": zone.theme,
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
        message = f"{pixels:,} pixels ({share:.2g} %) in {zones} zones are unlabelled and written as other"
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
        f"the campaign does not know {', '.join(lacking)} of {totals.patches:,} patches: they are null in "
        "flair_aerial_metadata.json, so FLAIR's loader needs use_metadata: False"
    )
    yield {"kind": "metadata", "message": message}


def _ground_warnings(sources: Sequence[ZoneSource]) -> Iterator[dict[str, str]]:
    for one, other, columns in shared_ground(sources):
        message = (
            f"zones {one} and {other} show the same ground and are in different sets of {', '.join(columns)}"
        )
        yield {"kind": "same-ground", "message": message}
