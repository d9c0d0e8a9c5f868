"""What can truly be said of a release in words, once, for the card, the datasheet and Croissant."""

from __future__ import annotations

__all__ = [
    "annotation",
    "biases",
    "collection",
    "km2",
    "limitations",
    "personal",
    "proposals",
    "period",
    "sampling",
    "spatial_bias",
    "splitting",
    "summary",
    "unlabelled",
    "withheld",
]

from collections.abc import Iterable, Iterator
from typing import Final

from workbench.counting import counted
from workbench.dataset.edition import Edition
from workbench.dataset.survey import Survey, ZoneSurvey
from workbench.export.card import derived_statement
from workbench.export.folds import PROD
from workbench.export.label_facts import label_facts

_RARE: Final = 0.001
"""Share of the labelled pixels below which a class is called rare."""
_UNTOLD: Final = 0.2
"""Metres per pixel from which on nobody can tell a face or a number plate."""
_MONTHS: Final = "January,February,March,April,May,June,July,August,September,October,November,December"


def km2(area: float) -> str:
    """Return square kilometres with the figures that one reads.

    >>> km2(2623.4), km2(0.083886)
    ('2,623', '0.0839')
    """
    return f"{area:,.0f}" if area >= 100 else f"{area:.3g}"


def summary(survey: Survey) -> str:
    """Return what the release is, in one sentence, and whether its labels are derived in one more or two."""
    counts, grid, classes = survey.card["counts"], survey.card["grid"], survey.nomenclature
    layout = survey.release.richest
    told = (
        f"{counted(counts['patches'], 'patch', 'patches')} of {grid['patch_pixels']} × "
        f"{grid['patch_pixels']} pixels at {grid['resolution']:g} m ({', '.join(layout.bands)}) with a "
        f"land-cover class for each pixel: {km2(counts['area_km2'])} km² of "
        f"{counted(counts['zones'], 'zone')} in {counted(counts['domains'], 'domain')} (department and "
        f"year), {len(classes.classes)} classes of {classes.name} {classes.version}."
    )
    return f"{told} {derived_statement(survey.card)}" if "derived" in survey.card else told


def period(survey: Survey) -> str:
    """Return when the pictures were taken."""
    first, last = survey.period
    undated = sum(zone.acquired is None for zone in survey.zones)
    told = f"from {first} to {last}"
    if undated:
        told += f"; of {undated:,} of {counted(len(survey.zones), 'zone')} the year alone is known"
    return told


def collection(survey: Survey) -> str:
    """Return where the pictures come from."""
    cameras = sorted({zone.camera for zone in survey.zones if zone.camera})
    crs = survey.card["grid"]["crs"]
    told = f"Orthophotos, taken {period(survey)}, cut into patches along a fixed grid in {crs}"
    if cameras:
        told += f"; cameras: {', '.join(cameras)}"
    return f"{told}."


def annotation(survey: Survey) -> Iterator[str]:
    """Yield how the labels came about."""
    yield (
        "Each zone was labelled as a whole: every edit gives a class to a set of pixels and is kept in a "
        "journal that is never rewritten; the labels are what the edits in force leave."
    )
    yield (
        "Only zones that a reviewer has accepted are in the release, at exactly the edits that were "
        "reviewed: release.json has the last edit of each author, under a pseudonym, zone by zone "
        f"({len(survey.people):,} in all)."
    )
    yield (
        "Edits may have been made by hand, imported from an existing mask, or proposed by a model and "
        "accepted by a person; the release does not say which pixels are which."
    )


def unlabelled(survey: Survey) -> str:
    """Return how much nobody labelled."""
    if not survey.unlabelled:
        return f"Every pixel {'whose labels are here ' if survey.withheld else ''}is labelled."
    share = survey.unlabelled / survey.pixels
    return (
        f"{survey.unlabelled:,} pixels ({100 * share:.2g} %) were labelled by nobody and are written as "
        "other: give that class weight 0."
    )


def splitting() -> str:
    """Return how patches are divided."""
    return (
        "Folds are made of domains, so no department and year is in two of them. In split_k the zones of "
        "fold k are test; the others are train or valid, drawn zone by zone from a hash of their ids (the "
        f"rule and its seed are in release.json). {PROD} has no test."
    )


def sampling(survey: Survey) -> str:
    """Return how patches were chosen from the zones."""
    grid = survey.card["grid"]
    pitch = grid["resolution"] * grid["patch_pixels"]
    told = (
        f"Zones were chosen by those who ran the campaign; each is cut completely into squares of {pitch:g} "
        f"m of one fixed grid in {grid['crs']}, which do not overlap."
    )
    if out := survey.card.get("excluded_patches"):
        told += (
            f" {counted(out, 'patch was', 'patches were')} kept out because they show what nobody may see."
        )
    return told


def spatial_bias(survey: Survey) -> str:
    """Return where the ground of the release is concentrated."""
    area = {name: sum(zone.area for zone in zones) for name, zones in survey.domains.items()}
    total = sum(area.values())
    most = max(sorted(area), key=lambda name: area[name])
    told = (
        f"{km2(total / 1e6)} km² in {counted(len(area), 'domain')} and {counted(len(survey.zones), 'zone')}; "
        "nothing outside them is represented, nor other years and seasons"
    )
    if len(area) > 1:
        told += f"; the largest part, {100 * area[most] / total:.0f} %, is in {most}"
    return f"{told}."


def biases(survey: Survey, edition: Edition) -> Iterator[str]:
    """Yield what is out of balance: what is counted, then what the publisher knows."""
    yield spatial_bias(survey)
    pixels = survey.class_pixels
    rare = [key for key in survey.nomenclature.keys if 0 < pixels[key] < _RARE * pixels.total()]
    absent = [key for key in survey.nomenclature.keys if not pixels[key]]
    if rare:
        yield f"Rare (below {100 * _RARE:g} % of the labelled pixels): {_named(survey, rare)}."
    if absent:
        yield f"Without any pixel: {_named(survey, absent)}."
    months = sorted({zone.acquired.month for zone in survey.zones if zone.acquired})
    if months:
        named = ", ".join(_MONTHS.split(",")[month - 1] for month in months)
        yield f"Pictures were taken in {named}; leaves, crops and shadows look otherwise in other months."
    if told := proposals(survey):
        yield told
    yield from edition.known_biases


def proposals(survey: Survey) -> str | None:
    """Return how many labels are a model's proposals that nobody touched; None where no zone tells of any."""
    facts = label_facts(survey.card["zones"])
    untouched, every = facts.origins.get("untouched", 0), sum(facts.origins.values())
    if not untouched:
        return None
    where = "" if facts.told == facts.zones else f" of {facts.told:,} of {counted(facts.zones, 'zone')}"
    return (
        f"{100 * untouched / every:.2g} % of the labelled pixels{where} are proposals of models that nobody "
        "touched before the zone was accepted: whoever compares models on them favours those models."
    )


def withheld(survey: Survey) -> str:
    """Return whose labels are kept apart, for a challenge."""
    told = survey.card["withheld"]
    return (
        f"Labels of the {counted(told['patches'], 'patch', 'patches')} that are test in {told['split']} are "
        f"withheld, for a challenge: they are in {told['sealed']}, whose digests are in SEAL."
    )


def limitations(survey: Survey) -> Iterator[str]:
    """Yield what the release cannot be used for, or only with care: its own warnings among it."""
    if survey.withheld:
        yield withheld(survey)
    if survey.unlabelled:
        yield unlabelled(survey)
    if confused := _confused(survey):
        yield f"Classes that are easily taken for each other: {confused}."
    for warning in survey.card["warnings"]:
        if warning["kind"] != "unlabelled":  # said above
            yield f"{warning['message']}."


def personal(survey: Survey) -> Iterator[str]:
    """Yield what concerns people."""
    yield (
        "People who made the labels are pseudonyms; the release holds no names of them and no hours of their "
        "work."
    )
    resolution = survey.card["grid"]["resolution"]
    yield (
        f"The pictures show homes and gardens from above at {resolution:g} m per pixel; faces and number "
        "plates cannot be told at this size."
        if resolution >= _UNTOLD
        else f"The pictures show homes and gardens from above at {resolution:g} m per pixel."
    )
    if out := survey.card.get("excluded_patches"):
        many = counted(out, "patch", "patches")
        yield f"Kept out: {many}, over places that nobody may see; where is not said."


def area_km2(zones: Iterable[ZoneSurvey]) -> float:
    """Return the ground of some zones."""
    return sum(zone.area for zone in zones) / 1e6


def _confused(survey: Survey) -> str:
    pairs = {
        tuple(sorted((entry.key, other)))
        for entry in survey.nomenclature.classes
        for other in entry.confused_with
    }
    return ", ".join(f"{_title(survey, one)} and {_title(survey, two)}" for one, two in sorted(pairs))


def _named(survey: Survey, keys: list[str]) -> str:
    return ", ".join(_title(survey, key) for key in keys)


def _title(survey: Survey, key: str) -> str:
    return survey.nomenclature.by_key(key).titles["en"]
