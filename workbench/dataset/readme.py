"""``README.md`` of a published release: what it is, how to load it, what is in it, what to beware of.

Plain functions of a `Survey` and an `Edition`: nothing is read, and the same values give the same text.
"""

from __future__ import annotations

__all__ = ["README", "readme"]

from collections.abc import Sequence
from typing import Final

from workbench.counting import counted
from workbench.dataset import statements
from workbench.dataset.citation import bibtex
from workbench.dataset.edition import Edition
from workbench.dataset.loading import loading
from workbench.dataset.preview import PREVIEW, SHEET, Preview
from workbench.dataset.survey import Survey, ZoneSurvey
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.manifest import ABOUT, MANIFEST
from workbench.markdown import bullets, plain, table

README: Final = "README.md"


def readme(survey: Survey, edition: Edition, preview: Preview, *, head: str, software: str) -> str:
    """Return the text.

    Parameters
    ----------
    survey
        The release.
    edition
        What is said of it.
    preview
        Pictures of some patches.
    head
        The metadata above it, as `workbench.dataset.hub_head.hub_head` returns it.
    software
        Name and version of what writes it.
    """
    sections = [
        head,
        f"# {plain(edition.title)}",
        plain(statements.summary(survey)),
        *([edition.description.strip()] if edition.description else []),
        f"![{_drawn(preview)}]({SHEET})",
        f"*{_drawn(preview)}: {', '.join(map(plain, preview.shown))}.*",
        _facts(survey, edition),
        "## How to load it",
        *loading(survey),
        "## What is in it",
        _files(survey, preview),
        "No raster has a nodata tag.",
        *(_lowered(layout.note()) for layout in survey.release.layouts),
        "## Classes",
        _classes(survey),
        plain(statements.unlabelled(survey)),
        *([plain(statements.withheld(survey))] if survey.withheld else []),
        "## Splits and folds",
        plain(statements.splitting()),
        _splits(survey),
        _folds(survey),
        "## Domains",
        _domains(survey),
        "## How it was made",
        bullets(map(plain, (statements.collection(survey), *statements.annotation(survey)))),
        "## Known biases and limits",
        bullets(map(plain, (*statements.biases(survey, edition), *statements.limitations(survey)))),
        "## People",
        bullets(map(plain, statements.personal(survey))),
        "## Licence",
        _licence(edition),
        "## Citation",
        f"```bibtex\n{bibtex(survey, edition)}\n```",
        "## Digests",
        _digests(survey),
        f"This card was written by `workbench release publish` of {software}.",
    ]
    return "\n\n".join(section.strip("\n") for section in sections) + "\n"


def _facts(survey: Survey, edition: Edition) -> str:
    counts, grid = survey.card["counts"], survey.card["grid"]
    area = statements.km2(counts["area_km2"])
    rows = [
        ("name, version", f"{plain(survey.name)}, {survey.release.version}"),
        ("published", edition.published.isoformat()),
        ("licence", plain(edition.licence.name)),
        ("made by", plain(", ".join(edition.authors))),
        ("contact", plain(edition.contact or "")),
        ("address", plain(edition.link or "")),
        (
            "ground",
            f"{area} km²; {counts['domains']:,} domains, {counts['zones']:,} zones",
        ),
        ("pictures", plain(f"{', '.join(survey.release.richest.bands)}; {statements.period(survey)}")),
        (
            "grid",
            f"{grid['crs']}, {grid['resolution']:g} m, patches of {grid['patch_pixels']}² pixels",
        ),
        ("content", f"`{survey.card['content_sha256']}`"),
    ]
    return table(("", ""), [row for row in rows if row[1]])


def _files(survey: Survey, preview: Preview) -> str:
    rows = [
        (f"`{layout.root}/`", f"patches in the layout {layout.name}: {', '.join(layout.modalities)}")
        for layout in survey.release.layouts
    ]
    rows += [
        (
            "`index.parquet`",
            "GeoParquet, a row per patch: ids, zone, fold, sets, class counts, files and digests",
        ),
        ("`nomenclature.json`", "the classes and their numbers in every scheme"),
        ("`release.json`", "counts, zones with their fold and reviewed state, split rule, warnings"),
        (
            f"`{PREVIEW}`",
            f"{counted(preview.patches, 'patch', 'patches')} as PNG: {', '.join(preview.names)}, with their "
            "class shares",
        ),
        ("`croissant.json`", "Croissant 1.1 with RAI and GeoCroissant terms"),
        ("`stac/collection.json`", "STAC 1.1, an item per zone"),
        ("`datasheet.md`", "a datasheet for the data set"),
        ("`CITATION.cff`, `LICENSE`", "how to cite it, and under which licence it may be used"),
        (f"`{MANIFEST}`", "the digest of every file"),
    ]
    return table(("file", "what it is"), rows)


def _lowered(note: str) -> str:
    """Return a layout's note with its heading one level down."""
    return f"#{note}" if note.startswith("#") else note


def _classes(survey: Survey) -> str:
    pixels, schemes = survey.class_pixels, sorted({layout.scheme for layout in survey.release.layouts})
    rows = [
        (
            plain(entry.titles["en"]),
            f"`{entry.key}`",
            f"`{entry.colour}`",
            *(str(entry.values[scheme]) for scheme in schemes),
            f"{pixels[entry.key]:,}",
            percent(pixels[entry.key], survey.pixels),
        )
        for entry in survey.nomenclature.classes
    ]
    rows += [
        (name, "", "", *("" for _ in schemes), f"{number:,}", percent(number, survey.pixels))
        for name, number in (("*unlabelled*", survey.unlabelled), ("*withheld*", survey.withheld))
        if number or name == "*unlabelled*"
    ]
    head = ("class", "key", "colour", *(f"in {plain(scheme)}" for scheme in schemes), "pixels", "%")
    return table(head, rows, right=range(3, len(head)))


def _splits(survey: Survey) -> str:
    columns = survey.card["splits"]["columns"]
    rows = [(f"`{name}`", *(f"{columns[name][one]:,}" for one in SUBSETS)) for name in (*SPLITS, PROD)]
    return table(("patches", *SUBSETS), rows, right=range(1, 4))


def _folds(survey: Survey) -> str:
    rows = [
        (str(fold), plain(", ".join(sorted({zone.domain for zone in zones}))), *_amounts(zones))
        for fold, zones in survey.folds.items()
    ]
    return table(("fold", "domains", "zones", "patches", "km²"), rows, right=(0, 2, 3, 4))


def _domains(survey: Survey) -> str:
    rows = [
        (plain(name), str(zones[0].fold), *_amounts(zones), plain(_taken(zones)))
        for name, zones in survey.domains.items()
    ]
    return table(("domain", "fold", "zones", "patches", "km²", "taken"), rows, right=(1, 2, 3, 4))


def _amounts(zones: Sequence[ZoneSurvey]) -> tuple[str, str, str]:
    patches = sum(zone.patches for zone in zones)
    return f"{len(zones):,}", f"{patches:,}", f"{statements.area_km2(zones):,.3f}"


def _taken(zones: Sequence[ZoneSurvey]) -> str:
    days = sorted({zone.acquired for zone in zones if zone.acquired})
    if not days:
        return f"{zones[0].period[0].year}, day not known"
    told = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return told if all(zone.acquired for zone in zones) else f"{told}; of some the day is not known"


def _licence(edition: Edition) -> str:
    licence = edition.licence
    told = f"[{plain(licence.name)}]({licence.url}) (`{licence.spdx}`)."
    if licence.attribution:
        told += f" Whoever uses the data says so: *{plain(edition.attribution)}*"
    return told


def _digests(survey: Survey) -> str:
    return (
        f"`{MANIFEST}` has the digest of each file: `sha256sum -c {MANIFEST}`, or `workbench release verify "
        ".`, which looks into the files, too. The content is the digest of its lines without those of files "
        f"that only tell about the data:\n\n```sh\ngrep -vE '  ({ABOUT})$' {MANIFEST} | sha256sum\n```"
    )


def _drawn(preview: Preview) -> str:
    named = {"picture": "Orthophoto", "infrared": "infrared", "labels": "labels"}
    shown = counted(len(preview.shown), "patch", "patches")
    return f"{', '.join(named[name] for name in preview.names)} of {shown}"


def percent(part: int, whole: int) -> str:
    """Return a share in percent, with three figures.

    >>> percent(1, 8), percent(1, 1_000_000), percent(0, 8)
    ('12.5', '0.0001', '0')
    """
    return f"{100 * part / whole:.3g}" if part > whole / 1e5 or not part else f"{100 * part / whole:.1g}"
