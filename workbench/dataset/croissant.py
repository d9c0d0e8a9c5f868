"""``croissant.json``: the release as Croissant 1.1 describes data sets, with what RAI and GeoCroissant add.

mlcroissant writes it and finds its errors. Of GeoCroissant it knows no terms; these are added as its
specification has them (http://mlcommons.org/croissant/geo/1.0).
"""

from __future__ import annotations

__all__ = ["CROISSANT", "croissant"]

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.dataset import statements
from workbench.dataset.citation import bibtex
from workbench.dataset.described import DescribedFile, media_type
from workbench.dataset.edition import Edition
from workbench.dataset.ground import grid_cells, lonlat_bounds
from workbench.dataset.survey import Survey
from workbench.errors import ReleaseError
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.index import INDEX
from workbench.export.patches import IMAGE, LABEL

if TYPE_CHECKING:
    import mlcroissant

CROISSANT: Final = "croissant.json"
_SCHEMA: Final = "https://schema.org/"
_CONFORMS: Final = (
    "http://mlcommons.org/croissant/1.1",
    "http://mlcommons.org/croissant/RAI/1.0",
    "http://mlcommons.org/croissant/geo/1.0",
)
_CONTEXT: Final = {
    "arrayShape": "cr:arrayShape",
    "containedIn": "cr:containedIn",
    "description": {"@container": "@language"},
    "geocr": "http://mlcommons.org/croissant/geo/",
    "isArray": "cr:isArray",
    "name": {"@container": "@language"},
}
"""What the context has beyond that of Croissant 1.0."""
_SETS: Final = {
    "train": ("cr:TrainingSplit", "To learn from."),
    "valid": ("cr:ValidationSplit", "To choose and stop by while learning."),
    "test": ("cr:TestSplit", "To measure by, once; zones of the split's own fold of domains."),
}
_PARQUET: Final = "application/x-parquet"
_TOKENS: Final = 2000
"""Cells of the spatial index at most."""


def croissant(survey: Survey, edition: Edition, files: Iterable[DescribedFile]) -> bytes:
    """Return the file.

    Parameters
    ----------
    survey
        The release.
    edition
        What is said of it.
    files
        The index, the preview and what else stands alone.

    Raises
    ------
    ReleaseError
        mlcroissant finds an error or has a warning, which is a mistake of ours.
    """
    import mlcroissant

    context = mlcroissant.Context(conforms_to=_CONFORMS[0])
    context.rdf = mlcroissant.Rdf(context={**context.rdf.context, **_CONTEXT})
    layouts = {layout.name: layout for layout in survey.release.layouts}
    metadata = mlcroissant.Metadata(
        ctx=context,
        name=edition.title,
        description=edition.description or statements.summary(survey),
        version=str(survey.release.version),
        license=[edition.licence.reference],
        date_published=edition.published.isoformat(),
        cite_as=bibtex(survey, edition),
        url=edition.link,
        creators=[mlcroissant.Organization(ctx=context, name=name) for name in edition.authors],
        keywords=[
            "land cover",
            "semantic segmentation",
            "orthophoto",
            "aerial imagery",
            survey.nomenclature.name,
        ],
        conforms_to=list(_CONFORMS),
        distribution=[
            *(_file(context, one) for one in files),
            *(
                _file_set(context, layout, modality, glob, layouts[layout].root)
                for (layout, modality), glob in survey.patterns.items()
            ),
        ],
        record_sets=[_sets(context), _classes(context, survey), _patches(context, survey)],
        data_collection=statements.collection(survey),
        data_collection_type=["Physical data collection", "Manual Human Curator"],
        data_collection_timeframe=[day.isoformat() for day in survey.period],
        data_collection_missing_data=statements.unlabelled(survey) if survey.unlabelled else None,
        data_annotation_protocol=list(statements.annotation(survey)),
        data_annotation_platform=["ocs-workbench"],
        data_biases=list(statements.biases(survey, edition)),
        data_limitations=list(statements.limitations(survey)) or None,
        data_use_cases=["Training", "Validation", "Testing"],
        personal_sensitive_information=list(statements.personal(survey)),
    )
    if context.issues.errors or context.issues.warnings:
        raise ReleaseError(f"{CROISSANT} is not sound: {context.issues.report()}")
    return _escaped(metadata.to_json() | _geo(survey))


def _geo(survey: Survey) -> dict[str, Any]:
    """Return what schema.org and GeoCroissant say of place and bands."""
    west, south, east, north = lonlat_bounds(survey)
    first, last = survey.period
    bands = survey.release.richest.bands
    return {
        "spatialCoverage": {
            "@type": "Place",
            "geo": {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"},
        },
        "temporalCoverage": f"{first}/{last}",
        "geocr:coordinateReferenceSystem": survey.card["grid"]["crs"],
        "geocr:spatialResolution": {
            "@type": "QuantitativeValue",
            "value": survey.card["grid"]["resolution"],
            "unitText": "m",
        },
        "geocr:bandConfiguration": {
            "@type": "geocr:BandConfiguration",
            "geocr:totalBands": len(bands),
            "geocr:bandNameList": list(bands),
        },
        "geocr:samplingStrategy": statements.sampling(survey),
        "geocr:spatialBias": statements.spatial_bias(survey),
        "geocr:spatialIndex": grid_cells(survey, most=_TOKENS),
    }


def _file(context: Any, file: DescribedFile) -> mlcroissant.FileObject:
    import mlcroissant

    return mlcroissant.FileObject(
        ctx=context,
        id=file.path,
        name=file.path,
        description=file.description,
        content_url=file.path,
        content_size=f"{file.size} B",
        encoding_formats=_formats(file.path),
        sha256=file.sha256,
    )


def _file_set(context: Any, layout: str, modality: str, glob: str, root: str) -> mlcroissant.FileSet:
    import mlcroissant

    what = {IMAGE: "Orthophotos", LABEL: "Labels"}.get(modality, modality.capitalize())
    return mlcroissant.FileSet(
        ctx=context,
        id=f"{layout}-{modality}",
        name=f"{layout}-{modality}",
        description=f"{what} in the layout {layout}, folder {root}; {INDEX} tells each patch's file.",
        includes=[glob],
        encoding_formats=_formats(glob),
    )


def _formats(path: str) -> list[str]:
    """Return the media type of a file; mlcroissant reads Parquet under its older name alone."""
    kind = media_type(path) or "application/octet-stream"
    return [*([_PARQUET] if path.endswith(".parquet") else []), kind]


def _sets(context: Any) -> mlcroissant.RecordSet:
    """Return the sets that patches are in, as Croissant tells of splits."""
    import mlcroissant

    return mlcroissant.RecordSet(
        ctx=context,
        id="splits",
        name="splits",
        description="The sets of each split.",
        data_types=["http://mlcommons.org/croissant/Split"],
        key=["splits/name"],
        fields=[
            _field(context, "splits/name", "sc:Text", "Name of the set."),
            _field(context, "splits/url", "sc:URL", "What Croissant calls it."),
            _field(context, "splits/description", "sc:Text", "What it is for."),
        ],
        data=[
            {"splits/name": name, "splits/url": _SETS[name][0], "splits/description": _SETS[name][1]}
            for name in SUBSETS
        ],
    )


def _classes(context: Any, survey: Survey) -> mlcroissant.RecordSet:
    import mlcroissant

    schemes = sorted({layout.scheme for layout in survey.release.layouts})
    return mlcroissant.RecordSet(
        ctx=context,
        id="classes",
        name="classes",
        description="Classes with their colours, and their numbers in the label files of each numbering.",
        data_types=[f"{_SCHEMA}Enumeration"],
        key=["classes/key"],
        fields=[
            _field(context, "classes/key", "sc:Text", "Name of the class in files."),
            _field(context, "classes/name", "sc:Text", "What it is called in English."),
            _field(context, "classes/colour", "sc:Text", "#rrggbb"),
            *(_field(context, f"classes/{one}", "sc:Integer", f"Its number in {one}.") for one in schemes),
        ],
        data=[
            {
                "classes/key": entry.key,
                "classes/name": entry.titles["en"],
                "classes/colour": entry.colour,
                **{f"classes/{one}": entry.values[one] for one in schemes},
            }
            for entry in survey.nomenclature.classes
        ],
    )


def _patches(context: Any, survey: Survey) -> mlcroissant.RecordSet:
    """Return the rows of the index."""
    import mlcroissant

    return mlcroissant.RecordSet(
        ctx=context,
        id="patches",
        name="patches",
        description=f"A patch a row, from {INDEX}: ids, sets, pixels of each class, files and their digests.",
        key=["patches/id"],
        fields=list(_columns(context, survey)),
    )


def _columns(context: Any, survey: Survey) -> Iterator[mlcroissant.Field]:
    import mlcroissant

    for column, arrow in survey.columns:
        if column == "geometry":
            continue
        kind = "sc:Integer" if arrow.startswith(("int", "uint")) else "sc:Text"
        kind = "sc:Float" if arrow in ("double", "float") else kind
        source = mlcroissant.Source(file_object=INDEX, extract=mlcroissant.Extract(column=column))
        references = mlcroissant.Source(field="splits/name") if column in (*SPLITS, PROD) else None
        yield _field(
            context, f"patches/{column}", kind, _told(survey, column), source=source, references=references
        )


def _told(survey: Survey, column: str) -> str:
    """Return what a column of the index is."""
    known = {
        "id": "Name of the patch, as FLAIR-HUB writes it.",
        "domain": "Department and year.",
        "fold": "Fold of its domain, 1 to 5.",
        "acquired": "Day of the picture, empty where only the year is known.",
        "area_m2": "Ground in square metres.",
        "ground": "Height of the ground at its middle in metres.",
    }
    if column in known:
        return known[column]
    if column.startswith("pixels_") and column.removeprefix("pixels_") in survey.nomenclature.keys:
        return f"Pixels of {survey.nomenclature.by_key(column.removeprefix('pixels_')).titles['en']}."
    if column in (*SPLITS, PROD):
        return "Set that it is in."
    if column.endswith("_sha256"):
        return f"SHA-256 of {column.removesuffix('_sha256').replace('_', ' ')}."
    return f"{column.replace('_', ' ').capitalize()}."


def _field(context: Any, name: str, kind: str, description: str, **more: Any) -> mlcroissant.Field:
    import mlcroissant

    return mlcroissant.Field(
        ctx=context,
        id=name,
        name=name.partition("/")[2],
        description=description,
        data_types=[_SCHEMA + kind.removeprefix("sc:")],
        **{key: value for key, value in more.items() if value is not None},
    )


def _escaped(document: Mapping[str, Any]) -> bytes:
    r"""Return JSON that may stand in a ``<script>`` of a page, where hubs put it: ``</`` is ``<\/``."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".replace("</", "<\\/").replace("<!--", "\\u003c!--").encode()
