"""``stac/``: a STAC 1.1 collection with an item per zone, which catalogues and browsers read.

Items are zones, not patches: of a quarter of a million patches nobody wants as many files, and
``index.parquet`` has a row for each. An asset is what a zone has of a modality: a file where the layout keeps
zones or domains in one, else the folder of its patches.
"""

from __future__ import annotations

__all__ = ["COLLECTION", "write_stac"]

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import shapely

from workbench.dataset import statements
from workbench.dataset.described import DescribedFile, media_type
from workbench.dataset.edition import Edition
from workbench.dataset.ground import lonlat_outline, rounded
from workbench.dataset.survey import Survey, ZoneSurvey
from workbench.export.folds import PROD, SPLITS
from workbench.export.layouts import Layout
from workbench.export.modalities import MODALITIES
from workbench.export.patches import IMAGE, LABEL

if TYPE_CHECKING:
    import pystac

COLLECTION: Final = "stac/collection.json"
_ITEMS: Final = "stac/items"
_ML_AOI: Final = "https://stac-extensions.github.io/ml-aoi/v0.2.0/schema.json"
_ML_SETS: Final = {"train": "train", "valid": "validate", "test": "test"}
_OWN: Final = "ocs"
"""Prefix of our own properties."""
_SHA256: Final = "1220"
"""What a multihash begins with: SHA-256, 32 bytes."""


def write_stac(
    survey: Survey,
    edition: Edition,
    folder: Path,
    *,
    about: Iterable[DescribedFile],
    packs: Mapping[str, DescribedFile],
) -> None:
    """Write the collection and its items below a folder, which becomes that of a release.

    Parameters
    ----------
    survey
        The release.
    edition
        What is said of it.
    folder
        Where ``stac/`` goes.
    about
        Files of the whole release; they become assets of the collection.
    packs
        By path, the files that hold many patches.

    Raises
    ------
    OSError
        The disk is full.
    """
    import pystac
    from pystac.layout import CustomLayoutStrategy

    items = [_item(survey, zone, packs) for zone in survey.zones]
    collection = _collection(survey, edition, items, about)
    collection.add_items(items)
    strategy = CustomLayoutStrategy(
        collection_func=lambda _, root, is_root: str(folder / COLLECTION),
        item_func=lambda item, parent: str(folder / _ITEMS / f"{item.id}.json"),
    )
    collection.normalize_hrefs(str(folder / "stac"), strategy=strategy)
    collection.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)


def _collection(
    survey: Survey,
    edition: Edition,
    items: Sequence[pystac.Item],
    about: Iterable[DescribedFile],
) -> pystac.Collection:
    import pystac
    from pystac.extensions.scientific import ScientificExtension
    from pystac.extensions.version import VersionExtension

    first, last = survey.period
    boxes = [item.bbox for item in items if item.bbox]
    whole = [min(box[0] for box in boxes), min(box[1] for box in boxes)]
    whole += [max(box[2] for box in boxes), max(box[3] for box in boxes)]
    collection = pystac.Collection(
        id=survey.name,
        title=edition.title,
        description=edition.description or statements.summary(survey),
        license=edition.licence.spdx,
        keywords=["land cover", "semantic segmentation", "orthophoto", survey.nomenclature.name],
        providers=[pystac.Provider(name, roles=[pystac.ProviderRole.PRODUCER]) for name in edition.authors],
        extent=pystac.Extent(
            pystac.SpatialExtent([whole]), pystac.TemporalExtent([[_morning(first), _evening(last)]])
        ),
        summaries=pystac.Summaries(
            {
                "gsd": [survey.card["grid"]["resolution"]],
                "proj:code": [survey.card["grid"]["crs"]],
                f"{_OWN}:domain": list(survey.domains),
                f"{_OWN}:fold": list(survey.folds),
                "ml-aoi:split": sorted({_ML_SETS[zone.splits[SPLITS[0]]] for zone in survey.zones}),
            },
            maxcount=len(survey.domains) + 1,
        ),
        extra_fields={f"{_OWN}:content_sha256": survey.card["content_sha256"]},
    )
    VersionExtension.ext(collection, add_if_missing=True).apply(version=str(survey.release.version))
    ScientificExtension.ext(collection, add_if_missing=True).apply(
        doi=edition.doi, citation=edition.attribution
    )
    _describe_assets(collection, survey)
    collection.add_link(
        pystac.Link(pystac.RelType.LICENSE, edition.licence.url, "text/html", edition.licence.name)
    )
    if edition.url:
        collection.add_link(pystac.Link("about", edition.url, "text/html", edition.title))
    for file in about:
        roles = ["thumbnail"] if file.path.endswith(".png") else ["metadata"]
        asset = _asset(f"../{file.path}", file.description, roles=roles)
        collection.add_asset(file.path, asset)
        _proven(asset, file)
    return collection


def _item(survey: Survey, zone: ZoneSurvey, packs: Mapping[str, DescribedFile]) -> pystac.Item:
    import pystac
    from pystac.extensions.projection import ProjectionExtension

    outline = lonlat_outline(zone.outline, survey.card["grid"]["crs"])
    first, last = zone.period
    item = pystac.Item(
        id=zone.id.replace("/", "."),
        geometry=shapely.geometry.mapping(outline),
        bbox=[rounded(degrees) for degrees in outline.bounds],
        datetime=None,
        properties={
            "title": zone.id,
            "gsd": survey.card["grid"]["resolution"],
            "ml-aoi:split": _ML_SETS[zone.splits[SPLITS[0]]],
            f"{_OWN}:zone": zone.id,
            f"{_OWN}:domain": zone.domain,
            f"{_OWN}:fold": zone.fold,
            **{f"{_OWN}:{column}": zone.splits[column] for column in (*SPLITS, PROD)},
            f"{_OWN}:patches": zone.patches,
            f"{_OWN}:class_pixels": dict(zone.class_pixels),
            f"{_OWN}:unlabelled_pixels": zone.unlabelled,
        },
        start_datetime=_morning(first),
        end_datetime=_evening(last),
    )
    item.stac_extensions.append(_ML_AOI)
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=survey.card["grid"]["crs"], bbox=list(zone.outline.bounds)
    )
    for layout in survey.release.layouts:
        for modality, path in zone.files[layout.name].items():
            pack = packs.get(path)
            item.add_asset(f"{layout.name}-{modality}", asset := _modality(layout, modality, path, pack))
            if pack is not None:
                _proven(asset, pack)
    return item


def _describe_assets(collection: pystac.Collection, survey: Survey) -> None:
    """Say once for all items what their assets are, and what the values of labels mean."""
    import pystac
    from pystac.extensions.classification import Classification, ClassificationExtension

    for layout in survey.release.layouts:
        for modality in layout.modalities:
            collection.item_assets[f"{layout.name}-{modality}"] = pystac.ItemAssetDefinition.create(
                title=f"{_called(modality)}, layout {layout.name}",
                description=None,
                media_type=media_type(survey.patterns[layout.name, modality]),
                roles=[_role(modality)],
                extra_fields=_bands(layout, modality),
            )
        classes = [
            Classification.create(
                value=entry.values[layout.scheme],
                name=entry.key,
                title=entry.titles["en"],
                color_hint=entry.colour.removeprefix("#").upper(),
            )
            for entry in survey.nomenclature.classes
        ]
        labels = collection.item_assets[f"{layout.name}-{LABEL}"]
        ClassificationExtension.ext(labels, add_if_missing=True).apply(classes)


def _modality(layout: Layout, modality: str, path: str, pack: DescribedFile | None) -> pystac.Asset:
    """Return what a zone has of a modality: the file that holds it, or the folder of its patches."""
    if pack is not None:
        asset = _asset(f"../../{path}", f"{_called(modality)}: {pack.description}", roles=[_role(modality)])
    else:
        folder, told = f"../../{path.rpartition('/')[0]}/", f"{_called(modality)}: a GeoTIFF per patch"
        asset = _asset(folder, told, roles=[_role(modality)])
    asset.extra_fields |= _bands(layout, modality)
    return asset


def _called(modality: str) -> str:
    return {IMAGE: "Orthophoto", LABEL: "Labels"}.get(modality, modality.capitalize())


def _role(modality: str) -> str:
    return "labels" if modality == LABEL else "data"


def _bands(layout: Layout, modality: str) -> dict[str, Any]:
    known = MODALITIES[modality].bands if modality in MODALITIES else ()
    bands = layout.bands if modality == IMAGE else known
    return {"bands": [{"name": band} for band in bands]} if bands else {}


def _asset(href: str, description: str, *, roles: list[str]) -> pystac.Asset:
    import pystac

    kind = media_type(href)
    return pystac.Asset(href, description=description, media_type=kind, roles=roles)


def _proven(asset: pystac.Asset, file: DescribedFile) -> None:
    """Give size and digest of the file that an asset is, as the extension *file* does."""
    from pystac.extensions.file import FileExtension

    FileExtension.ext(asset, add_if_missing=True).apply(checksum=f"{_SHA256}{file.sha256}", size=file.size)


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(0, 0), UTC)


def _evening(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), UTC)
