"""A packed zone taken into a campaign: a new zone, or what was done elsewhere to one that is there.

Nothing of the file is trusted. Journals are never taken as files: their ops are checked, given their names
and places in this campaign (`workbench.labels.carrying`), and written anew.
"""

from __future__ import annotations

__all__ = ["Unpacked", "unpack_zone"]

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import replacing
from workbench.errors import (
    CampaignError,
    GridError,
    HierarchyError,
    JournalError,
    NomenclatureError,
    RasterError,
)
from workbench.export.assistance import Choice
from workbench.geo.placed import pixels_digest
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Zone
from workbench.labels.carrying import carried_in, is_carried, names_inside
from workbench.labels.edits import Comment
from workbench.labels.folder import journal_path
from workbench.labels.journal import extend_journals, write_journal
from workbench.labels.meta import JournalSubject
from workbench.labels.payloads import edit_of
from workbench.labels.reading import Journal, read_journal, read_together, verify_journal
from workbench.labels.tables import op_of_row
from workbench.nomenclature import Nomenclature
from workbench.segmentation.storage import read_hierarchy
from workbench.workflows.archive import CARD, HIERARCHY, ORTHO, PackArchive, journal_member
from workbench.workflows.authors import open_journals
from workbench.workflows.pack_card import MARGIN, choice_of, read_card, zone_of

_AGAIN = "ask for the zone to be packed again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What `unpack_zone` did."""

    zone: str
    added: bool
    """Whether the zone is new to the campaign."""
    journals: Mapping[str, tuple[int, int]]
    """By the name that each author of the pack has here: ops that are new here, and ops in the pack."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-unpack.schema.json``)."""
        return {
            "zone": self.zone,
            "added": self.added,
            "journals": [
                {"author": author, "new": new, "packed": packed}
                for author, (new, packed) in self.journals.items()
            ],
        }

    def text(self) -> str:
        """Return one line per journal."""
        new = sum(new for new, _ in self.journals.values())
        if self.added:
            lines = [f"{self.zone}: added with {counted(new, 'op')}"]
        elif new:
            lines = [f"{self.zone}: {counted(new, 'op is', 'ops are')} new here"]
        else:
            lines = [f"{self.zone}: all that the pack holds is here already; nothing was done"]
        lines += [
            f"  {author}: {new:,} of {counted(packed, 'op is', 'ops are')} new"
            for author, (new, packed) in self.journals.items()
        ]
        return "\n".join(lines)


def unpack_zone(campaign: Campaign, path: Path) -> Unpacked:
    """Take a packed zone into a campaign; a file that is refused leaves nothing behind.

    A zone that the campaign has not is added, with the orthophoto inside its directory. To one that it has,
    the ops come that are not there yet; journals of its own people are compared and never written to.

    Raises
    ------
    WorkbenchError
        The file is damaged, was made to do harm or is no pack of this campaign's nomenclature; it is of other
        pixels, or of another past, than the zone of that name here; or somebody writes to a journal that
        would get longer.
    """
    with PackArchive.opened(path) as archive:
        card = read_card(archive.read(CARD), archive.path)
        digests = card["files"]
        if odd := digests.keys() ^ (archive.sizes.keys() - {CARD}):
            raise CampaignError(f"{path}: {CARD} and the archive disagree on {min(odd)}; {_AGAIN}")
        _check_nomenclature(campaign, card, path)
        zone = zone_of(card, path, campaign.zone_dir)
        there = [one for one in campaign.zones() if one.id.lower() == zone.id.lower()]
        if not there:
            try:
                return _added(campaign, zone, archive, digests, choice_of(card))
            except CampaignError as error:
                if zone.id not in {one.id for one in campaign.zones()}:
                    raise
                raise CampaignError(
                    f"{path}: zone {zone.id} came here meanwhile, by another unpack say; unpack it again to "
                    "take what is not there yet"
                ) from error
        _check_same(there[0], zone, path)
        return _brought_home(campaign, there[0], archive, digests)


def _check_nomenclature(campaign: Campaign, card: Mapping[str, Any], path: Path) -> None:
    made_with, ours = card["nomenclature"]["name"], campaign.nomenclature.name
    if made_with != ours:
        raise CampaignError(
            f"{path}: its codes are those of nomenclature {made_with}, {campaign.path} labels with {ours}; "
            f"unpack it into a campaign of {made_with}"
        )


def _check_same(there: Zone, packed: Zone, path: Path) -> None:
    """Refuse a pack of other ground, or of another picture, than the zone of its name here."""
    same = there.grid.coincides(packed.grid) and there.cells == packed.cells
    if not same or there.ortho.pixels_sha256 != packed.ortho.pixels_sha256:
        what = "another picture" if same else "other patch cells"
        raise CampaignError(
            f"{path}: there is a zone {there.id} here, of {what}; unpack it into another campaign"
        )


def _added(
    campaign: Campaign,
    zone: Zone,
    archive: PackArchive,
    digests: Mapping[str, str],
    choice: Choice | None,
) -> Unpacked:
    """Add the zone of a pack; it appears whole or not at all."""
    counts: dict[str, int] = {}

    def fill(staged: Campaign) -> None:
        folder = staged.zone_dir(zone)
        for name in sorted({ORTHO, HIERARCHY} & digests.keys()):
            with replacing(folder / name) as temporary, temporary.open("xb") as file:
                archive.copy(name, digests[name], file)
        _check_pictures(folder, zone, archive.path)
        packed = _journals(archive, digests, campaign.subject(zone))
        for journal in _arriving(campaign, zone, archive.path, packed, home=()):
            write_journal(folder / "journal" / journal.path.name, journal.meta, journal.rows)
            counts[journal.meta.author] = len(journal.rows)

    campaign.add_zone(Arrival(zone=zone, choice=choice), fill=fill)
    return Unpacked(
        zone=zone.id, added=True, journals={author: (count, count) for author, count in counts.items()}
    )


def _brought_home(
    campaign: Campaign, zone: Zone, archive: PackArchive, digests: Mapping[str, str]
) -> Unpacked:
    """Take from the pack of a zone that is there what is not there yet."""
    for name in sorted({ORTHO, HIERARCHY} & digests.keys()):
        archive.copy(name, digests[name])
    packed = _journals(archive, digests, campaign.subject(zone))
    home = read_together(campaign.journal_dir(zone), campaign.subject(zone))
    arriving = _arriving(campaign, zone, archive.path, packed, home=home)
    extend_journals(campaign.journal_dir(zone), arriving)
    before = {journal.meta.author: len(journal.rows) for journal in home}
    new = {one.meta.author: len(one.rows) - before.get(one.meta.author, 0) for one in arriving}
    inside = names_inside(home, pseudonym=cache(campaign.pseudonym))
    return Unpacked(
        zone=zone.id,
        added=False,
        journals={
            author: (new.get(author, 0), len(journal.rows))
            for journal in packed
            for author in [inside(journal.meta.author)]
        },
    )


def _check_pictures(folder: Path, zone: Zone, path: Path) -> None:
    """Refuse an orthophoto, or a hierarchy, that is not the zone's.

    Raises
    ------
    RasterError, HierarchyError
        With the pack's path, since the file will be gone.
    """
    try:
        info = inspect_raster(folder / ORTHO)
        window = zone.ortho.window
        fits = (
            info.dtype == "uint8"
            and info.band_count == len(zone.ortho.bands)
            and info.grid.height <= window.row_stop + MARGIN
            and info.grid.width <= window.col_stop + MARGIN
            and info.grid.crop(window).coincides(zone.grid)
        )
        image = read_bands(folder / ORTHO, window=window)
    except (RasterError, GridError) as error:
        raise RasterError(
            f"{path}: its orthophoto cannot be used ({_inner(error, folder)}); {_AGAIN}"
        ) from error
    if not fits or pixels_digest(image) != zone.ortho.pixels_sha256:
        raise RasterError(f"{path}: its orthophoto does not show zone {zone.id}; {_AGAIN}")
    if (folder / HIERARCHY).exists():
        try:
            found = read_hierarchy(folder / HIERARCHY)
        except HierarchyError as error:
            raise HierarchyError(
                f"{path}: its hierarchy cannot be used ({_inner(error, folder)}); {_AGAIN}"
            ) from error
        if not found.is_made_of(image, zone.grid, zone.footprint()):
            raise HierarchyError(
                f"{path}: its hierarchy was made of other pixels than {zone.id} has; {_AGAIN}"
            )


def _inner(error: Exception, folder: Path) -> str:
    """Return what an error says about a file that nobody will see."""
    return str(error).partition(";")[0].replace(f"{folder}/", "")


def _journals(
    archive: PackArchive, digests: Mapping[str, str], subject: JournalSubject
) -> tuple[Journal, ...]:
    """Read the journals of a pack, each of which was checked down to the masks of its ops."""
    found = []
    with tempfile.TemporaryDirectory(prefix="workbench-unpack-") as name:
        for author in archive.authors():
            path, member = Path(name, f"{author}.sqlite"), journal_member(author)
            with path.open("xb") as file:
                archive.copy(member, digests[member], file)
            report = verify_journal(path)
            try:
                if report.problem or report.meta is None:
                    raise JournalError((report.problem or "").removeprefix(f"{path}: "))
                report.meta.check_belongs(subject)
                if not is_carried(report.meta):
                    raise JournalError("it was not packed: it has a person's name, or the time of its making")
            except JournalError as error:
                reason = str(error).partition(";")[0]
                raise JournalError(f"{archive.path}: {member} cannot be used ({reason}); {_AGAIN}") from error
            found.append(read_journal(path))
    return tuple(found)


def _arriving(
    campaign: Campaign, zone: Zone, path: Path, packed: Sequence[Journal], *, home: Sequence[Journal]
) -> tuple[Journal, ...]:
    """Return the journals that get longer here, or are new, proven to make labels with the others."""
    subject, folder = campaign.subject(zone), campaign.journal_dir(zone)
    try:
        arriving = carried_in(
            packed, home=home, subject=subject, directory=folder, pseudonym=cache(campaign.pseudonym)
        )
        for journal in arriving:
            journal_path(folder, journal.meta.author)  # no other author of nearly that name
            _check_rulings(journal, campaign.nomenclature)
    except JournalError as error:
        raise JournalError(f"{path}: {error}") from error
    together = {journal.meta.author: journal for journal in (*home, *arriving)}
    for track in sorted({"labels"} | {row.track for journal in arriving for row in journal.rows}):
        open_journals(campaign, zone, together.values(), track=track, source=path)
    return arriving


def _check_rulings(journal: Journal, nomenclature: Nomenclature) -> None:
    """Refuse a ruling, undone ones too, for what is no class here: nothing could be told of it."""
    for row in journal.rows:
        if row.kind == "comment":
            op = op_of_row(row, journal.meta.author)
            comment = edit_of(op)
            if isinstance(comment, Comment) and comment.ruling is not None:
                try:
                    nomenclature.above(comment.ruling)
                except NomenclatureError as error:
                    raise JournalError(f"op {op.id} rules for another nomenclature: {error}") from error
