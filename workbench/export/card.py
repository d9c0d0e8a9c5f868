"""What a release says about itself: the contents of ``release.json`` and ``README.md``."""

from __future__ import annotations

__all__ = ["FORMAT", "FORMAT_VERSION", "readme", "release_card"]

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workbench.counting import counted
from workbench.export.folds import PROD, RULE, SEED, SPLITS, SUBSETS
from workbench.export.gates import shared_ground
from workbench.export.layouts import Layout
from workbench.export.patches import Patch, ZoneSource
from workbench.geo.grid import NATIONAL_GRID
from workbench.nomenclature import Nomenclature

FORMAT: Final = "ocs-workbench/release"
FORMAT_VERSION: Final = 1


def release_card(
    *,
    name: str,
    software: str,
    content_sha256: str,
    nomenclature: Nomenclature,
    layouts: Sequence[Layout],
    sources: Sequence[ZoneSource],
    patches: Sequence[Patch],
) -> dict[str, Any]:
    """Return the content of ``release.json``; equal zones give an equal card, whenever it is made."""
    classes: Counter[str] = Counter(dict.fromkeys(nomenclature.keys, 0))
    for patch in patches:
        classes.update(patch.class_counts)
    unlabelled: Counter[str] = Counter()
    for patch in patches:
        unlabelled[patch.zone] += patch.unlabelled
    columns: dict[str, dict[str, int]] = {
        column: {subset: sum(patch.splits[column] == subset for patch in patches) for subset in SUBSETS}
        for column in (*SPLITS, PROD)
    }
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "content_sha256": content_sha256,
        "software": {"name": "ocs-workbench", "version": software},
        "nomenclature": {"name": nomenclature.name, "version": nomenclature.version},
        "grid": {
            "crs": NATIONAL_GRID.crs,
            "resolution": NATIONAL_GRID.resolution,
            "patch_pixels": NATIONAL_GRID.pixels,
            "x": NATIONAL_GRID.x,
            "y": NATIONAL_GRID.y,
        },
        "layouts": [
            {"name": one.name, "folder": one.root, "scheme": one.scheme, "bands": list(one.bands)}
            for one in layouts
        ],
        "counts": {
            "domains": len({patch.domain for patch in patches}),
            "zones": len(sources),
            "patches": len(patches),
            "pixels": classes.total() + unlabelled.total(),
            "area_km2": round(sum(patch.area for patch in patches) / 1e6, 6),
        },
        "class_pixels": dict(classes),
        "unlabelled_pixels": unlabelled.total(),
        "splits": {"rule": RULE, "seed": SEED, "columns": columns},
        "zones": [_zone_entry(source, unlabelled[source.zone.id]) for source in sources],
        "warnings": [
            *_set_warnings(columns),
            *_label_warnings(unlabelled, len(patches)),
            *_metadata_warnings(patches, layouts),
            *_ground_warnings(sources),
        ],
    }


def readme(card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
    """Return the content of ``README.md``: what is where, and how to read it."""
    counts, nomenclature = card["counts"], card["nomenclature"]
    parts = [
        f"# {card['name']}\n",
        f"{counted(counts['patches'], 'patch', 'patches')} of 512 × 512 pixels at 0.2 m "
        f"({counts['area_km2']:g} km², EPSG:2154) from {counted(counts['zones'], 'zone')} in "
        f"{counted(counts['domains'], 'domain')}, labelled with {nomenclature['name']} "
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


def _zone_entry(source: ZoneSource, unlabelled: int) -> dict[str, Any]:
    zone = source.zone
    return {
        "id": zone.id,
        "fold": source.fold,
        "splits": source.splits,
        "state": source.state,
        "heads": dict(sorted(source.heads.items())),
        "patches": len(zone.cells),
        "unlabelled_pixels": unlabelled,
        "acquired": zone.acquired.isoformat() if zone.acquired else None,
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


def _label_warnings(unlabelled: Counter[str], patches: int) -> Iterator[dict[str, str]]:
    if pixels := unlabelled.total():
        share = 100 * pixels / (patches * NATIONAL_GRID.pixels**2)
        zones = sum(count > 0 for count in unlabelled.values())
        where = f"({share:.2g} %) in {counted(zones, 'zone')}"
        message = f"{counted(pixels, 'unlabelled pixel')} {where}, written as other"
        yield {"kind": "unlabelled", "message": message}


def _metadata_warnings(patches: Sequence[Patch], layouts: Sequence[Layout]) -> Iterator[dict[str, str]]:
    if all(layout.name != "flair1" for layout in layouts):
        return
    undated = sum(patch.acquired is None for patch in patches)
    blind = sum(patch.camera is None for patch in patches)
    message = (
        "the campaign does not know the time of day and the ground height of any patch"
        f", the date of {undated} and the camera of {blind} of {len(patches)}: they are null in "
        "flair_aerial_metadata.json, so FLAIR's loader needs use_metadata: False"
    )
    yield {"kind": "metadata", "message": message}


def _ground_warnings(sources: Sequence[ZoneSource]) -> Iterator[dict[str, str]]:
    for one, other, columns in shared_ground(sources):
        message = (
            f"zones {one} and {other} show the same ground and are in different sets of {', '.join(columns)}"
        )
        yield {"kind": "same-ground", "message": message}
