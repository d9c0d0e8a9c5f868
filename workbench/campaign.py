"""A campaign: a directory with its registry, and the zones that are labelled in it."""

from __future__ import annotations

__all__ = ["Campaign"]

import hashlib
import math
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from workbench.arrivals import Arrival
from workbench.counting import listed
from workbench.documents import digest_file, inside, sync_directory, write_document
from workbench.errors import CampaignError, HierarchyError, RasterError
from workbench.geo.grid import Window
from workbench.geo.placed import PlacedPixels, check_pixels, read_placed, without_nodata
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.labels.annotation import AnnotationStore
from workbench.labels.carrying import check_goes_on
from workbench.labels.meta import JournalSubject
from workbench.nomenclature import Nomenclature, load_nomenclature
from workbench.registry import Registry
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.storage import read_hierarchy

_FORMAT, _FORMAT_VERSION = "ocs-workbench/campaign", 1
_REGISTRY, _NOMENCLATURE = "registry.gpkg", "nomenclature.json"
_ADDING = ".adding"
"""File that marks the folder of a zone until the zone is registered: what a kill leaves can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign directory: a path and a registry; what it knows is read from the files each time."""

    path: Path
    registry: Registry

    @classmethod
    def create(
        cls, path: Path, *, nomenclature: str | Nomenclature = "flair-19", carries_on: Campaign | None = None
    ) -> Campaign:
        """Make an empty campaign in a new or empty directory.

        Parameters
        ----------
        path
            The directory.
        nomenclature
            One that ships with the workbench, by name, any by the path of its ``.json`` document, or one at
            hand. The campaign keeps a copy, and reads by it for ever.
        carries_on
            A campaign that goes on in this one: people keep the pseudonyms that they have there, who is
            admitted stays so, and the same share of zones is drawn for double annotation.

        Raises
        ------
        CampaignError
            The directory holds something already.
        NomenclatureError
            No nomenclature of that name ships with the workbench.
        DocumentError
            The document of the nomenclature cannot be read or breaks its rules.
        """
        if cls.is_in(path):
            raise CampaignError(f"{path} is a campaign already; add zones to it, or choose another directory")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise CampaignError(f"{path} is not an empty directory; choose a new one for the campaign")
        classes = load_nomenclature(nomenclature) if isinstance(nomenclature, str) else nomenclature
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CampaignError(
                f"{path} cannot be made ({error.strerror}); choose another directory"
            ) from error
        write_document(classes.document(), path / _NOMENCLATURE, schema="nomenclature")
        # People appear outside the campaign under pseudonyms made with this salt.
        before = carries_on.registry.facts() if carries_on else {"pseudonym_salt": secrets.token_hex(16)}
        facts = {key: before[key] for key in ("pseudonym_salt", "double_share") if key in before} | {
            "format": _FORMAT,
            "format_version": str(_FORMAT_VERSION),
            "nomenclature": classes.name,
            "nomenclature_version": classes.version,
            "nomenclature_sha256": digest_file(path / _NOMENCLATURE),
        }
        admissions = carries_on.registry.rows("admissions") if carries_on else []
        try:
            return cls(path=path, registry=Registry.create(path / _REGISTRY, facts, admissions=admissions))
        except BaseException:
            (path / _NOMENCLATURE).unlink()
            raise

    @staticmethod
    def is_in(path: Path) -> bool:
        """Tell whether a directory holds a campaign."""
        return (path / _REGISTRY).exists()

    @classmethod
    def open(cls, path: Path) -> Campaign:
        """Open a campaign.

        Raises
        ------
        CampaignError
            There is none, its registry is damaged, or a newer workbench wrote it.
        """
        if not (path / _REGISTRY).is_file():
            raise CampaignError(f"{path} is not a campaign; make one: workbench campaign init {path}")
        campaign = cls(path=path, registry=Registry(path=path / _REGISTRY))
        facts = campaign.registry.facts()
        if facts.get("format") != _FORMAT:
            raise CampaignError(f"{path / _REGISTRY} is no registry of a campaign; restore it from a backup")
        if not facts.get("format_version", "").isdecimal() or "nomenclature" not in facts:
            raise CampaignError(f"{path / _REGISTRY} is damaged; restore it from a backup")
        if int(facts["format_version"]) > _FORMAT_VERSION:
            raise CampaignError(
                f"{path} has format {facts['format_version']}, this workbench knows up to "
                f"{_FORMAT_VERSION}; install a newer workbench"
            )
        campaign.registry.check()
        return campaign

    @property
    def nomenclature_path(self) -> Path:
        """Where the campaign keeps its nomenclature; campaigns from before there were copies have none."""
        return self.registry.path.with_name(_NOMENCLATURE)

    @property
    def nomenclature(self) -> Nomenclature:
        """The nomenclature that the campaign labels with: its own copy, as it was when it was made.

        Campaigns from before there were copies use the shipped one of that name.

        Raises
        ------
        CampaignError
            The copy is missing or was changed: the codes in the journals would mean something else.
        """
        facts, path = self.registry.facts(), self.nomenclature_path
        if "nomenclature_sha256" not in facts:
            return load_nomenclature(facts["nomenclature"])
        if not path.is_file() or digest_file(path) != facts["nomenclature_sha256"]:
            raise CampaignError(
                f"{path} is missing, or not the {facts['nomenclature']} {facts['nomenclature_version']} that "
                "the campaign was made with; put it back from a backup, and take another version to a new "
                "campaign: workbench zone migrate --to"
            )
        return load_nomenclature(path)

    def zones(self) -> tuple[Zone, ...]:
        """Return all zones, sorted by id."""
        return self.registry.zones()

    def zone(self, zone_id: str) -> Zone:
        """Return a zone by its id, or by its bare name where that is unique.

        Raises
        ------
        CampaignError
            No zone or several zones have that name.
        """
        zones = self.zones()
        found = [zone for zone in zones if zone.id == zone_id] or [
            zone for zone in zones if zone.name == zone_id
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise CampaignError(
                f"{zone_id!r} is a zone of several domains; say which: {listed([zone.id for zone in found])}"
            )
        known = (
            f"it has {listed([zone.id for zone in zones])}"
            if zones
            else "it has no zone yet; see workbench zone add"
        )
        raise CampaignError(f"{self.path} has no zone {zone_id!r}; {known}")

    def only_zone(self) -> Zone:
        """Return the zone of a campaign that has a single one.

        Raises
        ------
        CampaignError
            It has none, or several.
        """
        zones = self.zones()
        if len(zones) != 1:
            known = listed([zone.id for zone in zones]) or "none yet; add one: workbench zone add"
            raise CampaignError(f"{self.path} has {len(zones)} zones ({known}); say which with --zone")
        return zones[0]

    def folds(self) -> dict[str, int]:
        """Return the fold (1–5) of each domain."""
        return self.registry.folds()

    @property
    def test_folds(self) -> frozenset[int]:
        """The folds that are kept for test, where active learning proposes nothing; empty where none is."""
        return self.registry.test_folds()

    def patch_numbers(self, zone: Zone) -> dict[Cell, int]:
        """Return the numeric FLAIR id of each cell of a zone; it is kept for ever."""
        return self.registry.patch_numbers(zone)

    def pseudonym(self, author: str) -> str:
        """Return the name that an author has outside the campaign, the same every time."""
        salted = f"{self.registry.facts()['pseudonym_salt']}:{author}".encode()
        return f"person-{hashlib.sha256(salted).hexdigest()[:8]}"

    def drawn(self, zone: Zone) -> bool:
        """Tell whether a zone is among those that two people annotate, the second one blind."""
        return bool(self.drawn_among((zone,)))

    def drawn_among(self, zones: Iterable[Zone]) -> tuple[Zone, ...]:
        """Return which zones two people annotate, the second one blind.

        Each zone is drawn by a hash of its id, so that nothing changes for the others when one is added.
        """
        facts = self.registry.facts()
        salt, share = facts["pseudonym_salt"], float(facts.get("double_share", 0))
        return tuple(zone for zone in zones if _lot(f"{salt}:double:{zone.id}") < share)

    @property
    def double_share(self) -> float:
        """Share of the zones that is drawn for double annotation, 0 to 1."""
        return float(self.registry.facts().get("double_share", 0))

    def draw(self, share: float) -> tuple[Zone, ...]:
        """Have a share of all zones, those to come as well, annotated by two people; return those drawn.

        Raises
        ------
        CampaignError
            The share is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise CampaignError(f"share {share} is not between 0 and 1; give 0.1 for one zone in ten")
        self.registry.state(double_share=repr(float(share)))
        return self.drawn_among(self.zones())

    def zone_dir(self, zone: Zone) -> Path:
        """Return the directory that holds a zone's hierarchy and journals."""
        return inside(self.path, "zones", zone.domain, zone.name)

    def hierarchy_path(self, zone: Zone) -> Path:
        """Return where a zone's hierarchy lies once it is segmented."""
        return self.zone_dir(zone) / "hierarchy.h5"

    def read_hierarchy(
        self, zone: Zone, *, image: NDArray[Any] | Callable[[], NDArray[Any]] | None = None
    ) -> Hierarchy:
        """Read a zone's hierarchy, and prove that it was made of the zone's pixels.

        Parameters
        ----------
        zone
            Whose hierarchy.
        image
            What `read_image` gives for the zone, where it was read already; or what gives it once the file is
            read, which may wait for a thread that reads the image meanwhile.

        Raises
        ------
        HierarchyError
            The zone is not segmented, or the file is broken, or of another zone, date or footprint: picks
            on it would label wrong pixels without a word.
        """
        path, again = self.hierarchy_path(zone), f"workbench segment {self.path} --zone {zone.id}"
        if not path.exists():
            raise HierarchyError(f"zone {zone.id} is not segmented; run: {again}")
        found = read_hierarchy(path)
        if image is None:
            image = self.read_image(zone)
        if not found.is_made_of(image() if callable(image) else image, zone.grid, zone.footprint()):
            raise HierarchyError(
                f"{path} was made of other pixels than zone {zone.id} has; run: {again}; "
                "labels are not touched"
            )
        return found

    def journal_dir(self, zone: Zone) -> Path:
        """Return the directory of a zone's journals."""
        return self.zone_dir(zone) / "journal"

    def snapshot_dir(self, zone: Zone) -> Path:
        """Return where snapshots of a zone's labels lie."""
        return self.zone_dir(zone) / "snapshots"

    def subject(self, zone: Zone) -> JournalSubject:
        """Return what every journal of a zone is about."""
        return JournalSubject(zone=zone.id, grid=zone.grid, nomenclature=self.nomenclature.name)

    def open_store(
        self, zone: Zone, *, author: str | None = None, blind: bool = False, from_snapshot: bool = True
    ) -> AnnotationStore:
        """Open a zone's labels, for one author to edit or (without an author) to read.

        Without snapshots every op is painted again, as for a release: a snapshot is a file beside the
        journals, and nothing but the journals is the truth. ``blind`` is a second annotation, see
        `AnnotationStore.open`.

        Raises
        ------
        JournalError
            As for `AnnotationStore.open`; or the author's journal came with a pack, or their name is a
            pseudonym.
        """
        if author is not None:
            check_goes_on(self.journal_dir(zone), author)
            # It holds somebody's work from now on.
            (self.zone_dir(zone) / _ADDING).unlink(missing_ok=True)
        return AnnotationStore.open(
            self.journal_dir(zone),
            zone_id=zone.id,
            grid=zone.grid,
            footprint=zone.footprint(),
            nomenclature=self.nomenclature,
            author=author,
            blind=blind,
            snapshots=self.snapshot_dir(zone) if from_snapshot else None,
        )

    def read_image(self, zone: Zone, *, window: Window | None = None) -> NDArray[Any]:
        """Read a zone's orthophoto, shape (band, row, col), in the order of ``zone.ortho.bands``.

        Parameters
        ----------
        zone
            Whose pixels.
        window
            In the zone's grid; the whole zone by default, whose pixels are then checked against the digest
            that was taken when the zone was added.

        Raises
        ------
        RasterError
            The raster has gone, is damaged or has changed since.
        """
        ortho = zone.ortho
        part = window or zone.grid.whole
        row, col = ortho.window.row + part.row, ortho.window.col + part.col
        pixels = read_bands(ortho.path, window=Window(row=row, col=col, height=part.height, width=part.width))
        if window is None:
            check_pixels(zone, ortho, pixels)
        return pixels

    def read_surroundings(self, zone: Zone, *, margin: int = 256) -> tuple[NDArray[Any], tuple[int, int]]:
        """Read the orthophoto of a zone and around it, as far as the raster reaches.

        The zone's own pixels are checked against the digest that was taken when the zone was added.

        Returns
        -------
        pixels
            Shape (band, row, col), the zone included.
        offset
            (row, col) of the first pixel in the zone's grid; negative or zero.
        """
        at, grid = zone.ortho.window, inspect_raster(zone.ortho.path).grid
        window = at.grown(margin, within=grid.whole)
        pixels = read_bands(zone.ortho.path, window=window)
        inside = at.within(window)
        check_pixels(zone, zone.ortho, pixels[:, *inside.slices])
        return pixels, (-inside.row, -inside.col)

    def read_raster(self, zone: Zone, raster: ZoneRaster, *, margin: int = 256) -> PlacedPixels:
        """Read any raster of a zone and what lies around, with its place and without nodata values.

        Parameters
        ----------
        zone, raster
            One of the zone's rasters; its window is checked against the digest that was taken when it was
            added, and its place as well.
        margin
            Around the window, in pixels of the zone.

        Raises
        ------
        RasterError
            The raster has gone, is damaged, or has changed or moved since.
        """
        grid = raster.grid or zone.grid
        around = math.ceil(margin * zone.grid.resolution / grid.resolution)
        found, inside = read_placed(raster.path, raster.window, margin=around, bands=raster.bands)
        check_pixels(zone, raster, found.pixels[:, *inside.slices])
        if raster.grid is not None and not found.grid.crop(inside).coincides(grid):
            raise RasterError(
                f"{raster.path} lies elsewhere than when it was added to zone {zone.id}; "
                "put the old file back"
            )
        return without_nodata(found)

    def add_raster(self, zone: Zone, raster: ZoneRaster) -> Zone:
        """Have a zone look at one more raster; return the zone as it is then.

        Raises
        ------
        CampaignError
            The zone has one of that role and date, or of that file, already.
        """
        self.registry.add_raster(zone.id, raster)
        return self.zone(zone.id)

    def add_zone(self, arrival: Arrival, *, fill: Callable[[Campaign], None] | None = None) -> None:
        """Add a zone, durably and as a whole.

        Parameters
        ----------
        arrival
            What to add. Its domain gets a fold if it is new, its cells get their numeric ids.
        fill
            Writes existing labels into the zone before it appears; an error there leaves all as it was. See
            `add_zones`.

        Raises
        ------
        CampaignError
            A zone of that id (whatever its case) exists, or one of its domain covers some of its cells.
        """
        self.add_zones([arrival], fill=lambda staged, _: fill(staged) if fill else None)

    def add_zones(self, arrivals: Sequence[Arrival], *, fill: Callable[[Campaign, Zone], None]) -> None:
        """Add zones, durably, and all of them or none.

        Parameters
        ----------
        arrivals
            What to add, with folds and numbers from elsewhere where they have some.
        fill
            Called for each zone before any of them appears, with this campaign in which the new zones lie
            somewhere else as yet. An error there leaves all as it was.

        Raises
        ------
        CampaignError
            As for `add_zone`; or a zone brings a fold that is not that of its domain here.
        """
        zones = [arrival.zone for arrival in arrivals]
        self._check_free(zones)
        staged = replace(self, path=inside(self.path, "zones", f".D-{secrets.token_hex(4)}"))
        try:
            with self.registry.adding(arrivals):
                # One process adds at a time: what another one left behind when it was killed is nobody's.
                for leftover in (self.path / "zones").glob(".D*"):
                    shutil.rmtree(leftover, ignore_errors=True)
                for zone in self._half_added(zones):
                    shutil.rmtree(self.zone_dir(zone))
                for zone in zones:
                    staged.journal_dir(zone).mkdir(parents=True)
                    fill(staged, zone)
                    (staged.zone_dir(zone) / _ADDING).touch()
                    for folder in (staged.journal_dir(zone), staged.zone_dir(zone)):
                        sync_directory(folder)
                for zone in zones:
                    home = self.zone_dir(zone)
                    home.parent.mkdir(parents=True, exist_ok=True)
                    staged.zone_dir(zone).rename(home)
                    for folder in (home, home.parent, home.parent.parent, self.path):
                        sync_directory(folder)
        except BaseException:
            # The registry could not be written after all.
            for zone in self._unregistered(zones):
                self.zone_dir(zone).rename(staged.zone_dir(zone))
            raise
        finally:
            shutil.rmtree(staged.path, ignore_errors=True)
        for zone in zones:
            (self.zone_dir(zone) / _ADDING).unlink()

    def _check_free(self, zones: Sequence[Zone]) -> None:
        half = self._half_added(zones)
        for zone in (zone for zone in self._unregistered(zones) if zone not in half):
            raise CampaignError(
                f"{self.zone_dir(zone)} exists but is not in the registry; move it away first"
            )

    def _half_added(self, zones: Sequence[Zone]) -> list[Zone]:
        """Return those zones of which a killed process left the folder."""
        return [zone for zone in self._unregistered(zones) if (self.zone_dir(zone) / _ADDING).exists()]

    def _unregistered(self, zones: Sequence[Zone]) -> list[Zone]:
        """Return those zones whose folder is there while the registry does not know them."""
        known = self.registry.zone_ids()
        return [zone for zone in zones if zone.id not in known and self.zone_dir(zone).exists()]


def _lot(salted: str) -> float:
    """Return a number from 0 to below 1 that hangs on a text alone."""
    return int(hashlib.sha256(salted.encode()).hexdigest()[:13], 16) / 16**13
