"""A campaign carried to another nomenclature, or to another version of its own.

The zones go to a new campaign; the old one is read and stays as it is. Of each zone the journals are written
anew: the same authors, ops, times, gestures, tracks and reviews, with other codes, and sealed again. Domains
keep their folds, since a fold that changed would make yesterday's test patches today's training patches;
patches keep their numbers as long as those are free, so that releases of both campaigns can be compared. Gold
zones stay gold. Who is admitted, and the share of zones that is drawn for double annotation, go along to a
campaign that is made for it; one that was there before has its own, and what it lacks is said.
"""

from __future__ import annotations

__all__ = ["find_recoding", "migrate"]

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import digest
from workbench.errors import CampaignError, JournalError, NomenclatureError
from workbench.geo.zone import Zone
from workbench.labels.journal import write_journal
from workbench.labels.losses import lost_edits
from workbench.labels.op import Op
from workbench.labels.payloads import check_payload
from workbench.labels.reading import read_journals
from workbench.labels.recoding import recoded, spoken_of
from workbench.labels.resealing import resealed
from workbench.nomenclature import Landing, Nomenclature, Recoding, load_crosswalk, load_nomenclature
from workbench.nomenclature.lookup import UNLABELLED
from workbench.workflows.admitting import admitted_authors, gold_zones
from workbench.workflows.migration import CarriedClass, CarriedJournal, Migration, ZoneMigration


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    """What a zone holds before it is carried over."""

    zone: Zone
    heads: Mapping[str, str]
    """Of each author's journal, sha256 of the last op."""
    classes: tuple[CarriedClass, ...]
    """The most pixels first."""
    conflicts: int
    """Pixels."""
    labels_sha256: str
    """Of the labels as they have to be afterwards, undecided classes being unlabelled."""


def find_recoding(campaign: Campaign, new: Path, *, table: str | None, to: str | None) -> Recoding:
    """Return how the labels of a campaign are carried to another one.

    Parameters
    ----------
    campaign
        Whose labels.
    new
        The other campaign, which may not be there yet.
    table
        Name or path of a crosswalk; None where the nomenclature goes to another version of itself.
    to
        Name or path of the nomenclature to go to. By default that of the other campaign, or else the shipped
        one that the table leads to.

    Raises
    ------
    NomenclatureError, DocumentError
        There is no such table or nomenclature, or they do not fit each other or the campaign.
    CampaignError
        The other campaign has another nomenclature.
    """
    source = campaign.nomenclature
    if table is None:
        return Recoding.of_versions(source, _target(new, to, source.name))
    crosswalk = load_crosswalk(table, source=source)
    return Recoding.by_table(crosswalk, _target(new, to, crosswalk.target))


def migrate(
    campaign: Campaign,
    new: Path,
    *,
    zones: Sequence[Zone],
    recoding: Recoding,
    decisions: Mapping[str, str],
    progress: Callable[[int, int], None] | None = None,
) -> Migration:
    """Carry zones to another campaign, all of them or none; the old campaign is not changed.

    Labels afterwards are the labels before, each class (and upper class) replaced by what the recoding says,
    also under every op that is undone or painted over.

    Parameters
    ----------
    campaign
        Where the zones are.
    new
        The campaign to carry them to; made if it is not there.
    zones
        Which ones.
    recoding
        As `find_recoding` found it.
    decisions
        What undecided classes become.
    progress
        Called with the zones done and their total after each.

    Raises
    ------
    NomenclatureError
        Ops speak of classes that are undecided: all of these are listed.
    JournalError
        A journal is damaged, or ops are known to be lost.
    CampaignError
        The new campaign cannot be made or cannot take a zone, or a zone was edited meanwhile.
    """
    recoding = recoding.decide(decisions)
    _check_place(campaign, new)
    surveys = {zone.id: _surveyed(campaign, zone, recoding) for zone in zones}
    _check_decided(recoding, list(surveys.values()))
    _check_absent(new, zones)
    there, folds, done = new.exists(), campaign.folds(), dict[str, ZoneMigration]()
    target, made = _opened(campaign, new, recoding.target)

    def carry(staged: Campaign, zone: Zone) -> None:
        done[zone.id] = _carried(campaign, staged, surveys[zone.id], recoding, fold=folds[zone.domain])
        if progress is not None:
            progress(len(done), len(zones))

    numbers = {zone.id: campaign.patch_numbers(zone) for zone in zones}
    gold, choices = gold_zones(campaign), campaign.registry.choices()
    arrivals = [
        Arrival(
            zone=zone,
            fold=folds[zone.domain],
            numbers=numbers[zone.id],
            gold=gold.get(zone.id),
            choice=choices.get(zone.id),
        )
        for zone in zones
    ]
    try:
        target.add_zones(arrivals, fill=carry)
        target.registry.note_models(campaign.registry.models())
        if made and campaign.test_folds:
            target.registry.keep_for_test(campaign.test_folds)
    except BaseException:
        if made:  # nothing is left of a campaign that holds nothing
            shutil.rmtree(new, ignore_errors=True)
            if there:
                new.mkdir(exist_ok=True)
        raise
    found = (
        replace(
            done[zone.id],
            numbers_kept=target.patch_numbers(zone) == numbers[zone.id],
            gold=gold.get(zone.id),
        )
        for zone in zones
    )
    admitted, there_too = admitted_authors(campaign), admitted_authors(target)
    return Migration(
        source=campaign.path,
        target=new,
        recoding=recoding,
        decisions=dict(decisions),
        zones=tuple(found),
        double_share=(campaign.double_share, target.double_share),
        admitted=tuple(author for author in admitted if author in there_too),
        not_admitted=tuple(author for author in admitted if author not in there_too),
    )


def _target(new: Path, to: str | None, name: str) -> Nomenclature:
    """Return the nomenclature to go to: the one that is asked for, which the new campaign has to have."""
    wanted = load_nomenclature(to) if to is not None else None
    if not Campaign.is_in(new):
        return wanted or load_nomenclature(name)
    there = Campaign.open(new).nomenclature
    if there.name != name or wanted not in (None, there):
        asked = f"{wanted.name} {wanted.version}" if wanted else name
        raise CampaignError(
            f"{new} is labelled with {there.name} {there.version}, not with {asked}; choose another campaign"
        )
    return there


def _check_place(campaign: Campaign, new: Path) -> None:
    place, home = new.resolve(), campaign.path.resolve()
    if place.is_relative_to(home):
        raise CampaignError(
            f"{new} lies inside the campaign {campaign.path}; choose a directory outside of it"
        )
    if home.is_relative_to(place):
        raise CampaignError(f"{new} holds the campaign {campaign.path}; choose a directory of its own")


def _check_absent(new: Path, zones: Sequence[Zone]) -> None:
    """Refuse to carry a zone to where it is already."""
    there = {zone.id for zone in Campaign.open(new).zones()} if Campaign.is_in(new) else set()
    taken = sorted(there & {zone.id for zone in zones})
    if taken:
        raise CampaignError(
            f"{new} has {', '.join(taken)} already, carried there before; name the others with --zone, or "
            "choose a new campaign"
        )


def _opened(campaign: Campaign, new: Path, nomenclature: Nomenclature) -> tuple[Campaign, bool]:
    """Return the new campaign, and whether it was made for this."""
    if Campaign.is_in(new):
        return Campaign.open(new), False
    return Campaign.create(new, nomenclature=nomenclature, carries_on=campaign), True


def _surveyed(campaign: Campaign, zone: Zone, recoding: Recoding) -> _Survey:
    """Read a zone op by op; nothing of it may be damaged or missing."""
    folder = campaign.journal_dir(zone)
    with campaign.open_store(zone, from_snapshot=False) as store:
        if missing := store.missing():
            raise JournalError(f"zone {zone.id}: {lost_edits(missing, into=folder)}")
        ops, last_op, conflicts = store.ops, store.last_op, store.conflicts().pixels
    keys = [_checked_key(op, folder, recoding.source) for op in ops]
    pixels: Counter[str] = Counter()
    for key, count in zip(keys, np.bincount(last_op.reshape(-1), minlength=1 + len(ops))[1:], strict=True):
        pixels[key] += int(count)
    classes = [
        CarriedClass(key=key, pixels=pixels[key], ops=count) for key, count in Counter(keys).items() if key
    ]
    landings = {"": Landing(code=UNLABELLED)} | {key: recoding.landing(key) for key in recoding.links}
    codes = np.array([UNLABELLED, *(landings.get(key, landings[""]).code for key in keys)], np.uint8)
    return _Survey(
        zone=zone,
        heads={op.author: op.sha256 for op in ops},
        classes=tuple(sorted(classes, key=lambda one: (-one.pixels, one.key))),
        conflicts=conflicts,
        labels_sha256=digest(codes[last_op].tobytes()),
    )


def _checked_key(op: Op, directory: Path, nomenclature: Nomenclature) -> str:
    """Return the key of what an op speaks of, empty for nothing; refuse an op that cannot be read."""
    try:
        check_payload(op)
        return spoken_of(op, nomenclature) or ""
    except JournalError as error:
        raise JournalError(f"{directory / op.author}.sqlite: {error}") from error


def _check_decided(recoding: Recoding, surveys: Sequence[_Survey]) -> None:
    """Refuse classes that are undecided and spoken of, all at once."""
    spoken = [one for survey in surveys for one in survey.classes]
    listed, decisions = [], []
    for key, why in recoding.undecided.items():
        found = [one for one in spoken if one.key == key]
        if found:
            pixels, ops = sum(one.pixels for one in found), sum(one.ops for one in found)
            choice = f"could be {', '.join(why.candidates)}" if why.candidates else "no candidate"
            listed.append(
                f"{key} ({counted(pixels, 'pixel')}, {counted(ops, 'op')}; {choice}: "
                f"{why.reason.rstrip('.')})"
            )
            decisions.append(f"--decide {key}={why.candidates[0] if why.candidates else 'CLASS'}")
    if listed:
        raise NomenclatureError(
            f"{recoding.name} leaves undecided what these classes become: {'; '.join(listed)}. Nothing was "
            f"written; decide each for a class or upper class of {recoding.target.name}, such as "
            f"{' '.join(decisions)}"
        )


def _carried(
    campaign: Campaign, staged: Campaign, survey: _Survey, recoding: Recoding, *, fold: int
) -> ZoneMigration:
    """Write a zone's journals and hierarchy anew, and prove that they show what they have to show."""
    zone = survey.zone
    journals = read_journals(campaign.journal_dir(zone), campaign.subject(zone))
    if {one.meta.author: one.head_sha256 for one in journals if one.rows} != survey.heads:
        raise CampaignError(f"zone {zone.id} was edited while it was carried over; run it again")
    subject = staged.subject(zone)
    written = resealed(
        journals,
        staged.journal_dir(zone),
        about=lambda meta: replace(meta, subject=subject),
        change=lambda op: recoded(op, recoding),
    )
    for journal in written:
        write_journal(journal.path, journal.meta, journal.rows)
    if campaign.hierarchy_path(zone).exists():
        shutil.copyfile(campaign.hierarchy_path(zone), staged.hierarchy_path(zone))
    with staged.open_store(zone, from_snapshot=False) as store:
        shown, conflicts = digest(store.labels.tobytes()), store.conflicts().pixels
    if shown != survey.labels_sha256:
        raise CampaignError(
            f"zone {zone.id} would not show what {recoding.name} says, a fault of the workbench; "
            "nothing was written, please report it"
        )
    return ZoneMigration(
        zone=zone,
        fold=fold,
        numbers_kept=True,
        gold=None,
        journals=tuple(
            CarriedJournal(
                author=old.meta.author, ops=len(old.rows), before=old.head_sha256, after=new.head_sha256
            )
            for old, new in zip(journals, written, strict=True)
        ),
        classes=survey.classes,
        conflicts_before=survey.conflicts,
        conflicts_after=conflicts,
    )
