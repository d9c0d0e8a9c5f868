"""The registry of a campaign: which zones there are, in which folds, and under which numbers.

``registry.gpkg`` is a GeoPackage, so QGIS opens it: the layer *zones* on the map, the tables *domains*
(fold of each domain, for ever), *patches* (FLAIR's numeric id of each patch, for ever), *leases* (who labels
which zone just now; see `workbench.leases`), *gold* and *admissions* (which zones admit annotators, and whom
they did), *places* (zones that lie near another one and share its draw), *choices* (zones that no person
chose), *models* (what those were trained on that proposed labels), *releases*, *withdrawals* (zones that no
release may have), *dalles* (orthophotos that zones may be proposed on; see `workbench.pool`), *offers* (why
zones were proposed) and *campaign*.
Updates are short ``BEGIN IMMEDIATE`` transactions with SQLite's rollback journal; pyogrio makes the empty
file, so that it is a GeoPackage as GDAL understands it.

A digest in *campaign* is that of all that labels and releases hang on; the names of cameras and the like may
be mended in QGIS.
"""

from __future__ import annotations

__all__ = ["Registry"]

import json
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.active.offer import Offer
from workbench.arrivals import Arrival, give_fold, give_numbers, give_place, insert, kept_numbers
from workbench.documents import canonical_bytes, digest, write_file
from workbench.errors import CampaignError
from workbench.export.assistance import Choice
from workbench.export.folds import FOLDS, NEAR
from workbench.geo.zone import Cell, Zone, ZoneRaster, nearest
from workbench.registry_tables import LATER_TABLES, TABLES
from workbench.zone_rows import (
    SRID,
    check_another,
    check_new,
    raster_document,
    raster_of,
    row_of,
    zone_of,
)

_COLUMNS = ("id", "domain", "name", "acquired", "camera", "theme", "cells", "grid", "rasters")
_SEAL = "content_sha256"
_TEST_FOLDS = "test_folds"
_SEALED = (
    "SELECT id, domain, name, cells, grid, rasters FROM zones ORDER BY id",
    "SELECT name, fold FROM domains ORDER BY name",
    "SELECT number, zone, row, col FROM patches ORDER BY number",
    f"SELECT key, value FROM campaign WHERE key != '{_SEAL}' ORDER BY key",  # noqa: S608
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The registry file of a campaign directory; nothing of it is kept in memory."""

    path: Path

    @classmethod
    def create(
        cls, path: Path, facts: Mapping[str, str], *, admissions: Sequence[Mapping[str, str]] = ()
    ) -> Registry:
        """Make a registry without zones that states some facts about its campaign, and who is admitted."""
        import geopandas

        empty = geopandas.GeoDataFrame({name: [] for name in _COLUMNS}, geometry=[], crs=SRID)
        empty = empty.astype(dict.fromkeys(_COLUMNS, "object"))
        # Elsewhere first: GDAL may not say that a disk is full.
        with tempfile.TemporaryDirectory(prefix="workbench-registry-") as folder:
            made = Path(folder, path.name)
            try:
                empty.to_file(
                    made,
                    layer="zones",
                    driver="GPKG",
                    engine="pyogrio",
                    geometry_type="MultiPolygon",
                    # An R-tree would bring triggers that call functions which only GDAL's SQLite has.
                    SPATIAL_INDEX="NO",
                )
                with closing(sqlite3.connect(made)) as connection, connection:
                    connection.executescript(TABLES)
                    for statement in LATER_TABLES:
                        connection.execute(statement)
                    connection.executemany("INSERT INTO campaign VALUES (?, ?)", sorted(facts.items()))
                    connection.executemany(
                        "INSERT INTO admissions VALUES (:author, :at, :document)", admissions
                    )
                    _seal(connection)
            except (RuntimeError, sqlite3.Error) as error:
                reason = " ".join(str(error).split())
                raise CampaignError(
                    f"{path} cannot be made ({reason}); look at the room on the disk, and in {folder}"
                ) from error
            write_file(path, made.read_bytes(), error=CampaignError)
        return cls(path=path)

    def check(self) -> None:
        """Make sure that the registry is as it was written.

        Raises
        ------
        CampaignError
            A bit of it is another one, or it is cut short.
        """
        with self.reading() as connection:
            complaint = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            written = connection.execute("SELECT value FROM campaign WHERE key = ?", (_SEAL,)).fetchone()
            if complaint == "ok" and written and str(written[0]) != _digest(connection):
                complaint = "it does not say what was written to it"
        if complaint != "ok":
            reason = " ".join(complaint.split())
            raise CampaignError(f"{self.path}: the registry is damaged ({reason}); restore it from a backup")

    def facts(self) -> dict[str, str]:
        """Return what the campaign states about itself: its format, its nomenclature and so on."""
        with self.reading() as connection:
            return dict(connection.execute("SELECT key, value FROM campaign").fetchall())

    def state(self, **facts: str) -> None:
        """Change what the campaign states about itself."""
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO campaign VALUES (?, ?)", sorted(facts.items()))
            _seal(connection)

    def folds(self) -> dict[str, int]:
        """Return the fold (1–5) of each domain."""
        with self.reading() as connection:
            return dict(connection.execute("SELECT name, fold FROM domains ORDER BY name").fetchall())

    def test_folds(self) -> frozenset[int]:
        """Return the folds that are kept for test."""
        return frozenset(map(int, filter(None, self.facts().get(_TEST_FOLDS, "").split(","))))

    def keep_for_test(self, folds: Collection[int]) -> None:
        """Keep folds for test, in place of those that were.

        Raises
        ------
        CampaignError
            One is none, or no fold would be left to train on.
        """
        if wrong := sorted(set(folds) - set(FOLDS)):
            raise CampaignError(f"fold {wrong[0]} cannot be kept for test; folds are 1 to {FOLDS[-1]}")
        if set(FOLDS) <= set(folds):
            raise CampaignError(
                "all folds are kept for test, and none is left to train on; name some of them"
            )
        self.state(**{_TEST_FOLDS: ",".join(map(str, sorted(set(folds))))})

    def places(self) -> dict[str, str]:
        """Return, by zone, the zone that it is drawn together with; who is drawn alone is not there."""
        return {row["zone"]: row["place"] for row in self.rows("places")}

    def set_folds(self, folds: Mapping[str, int]) -> None:
        """Put domains into other folds; who does knows that no release has them."""
        with self.writing() as connection:
            connection.executemany(
                "UPDATE domains SET fold = ? WHERE name = ?", [(fold, name) for name, fold in folds.items()]
            )
            _seal(connection)

    def note_release(
        self,
        row: Mapping[str, str],
        *,
        withdrawn: Iterable[Mapping[str, str]] = (),
        readmitted: Iterable[str] = (),
    ) -> None:
        """Remember a release that was built; again if it is there.

        Parameters
        ----------
        row
            What is known of it.
        withdrawn
            Zones that no release may have from now on, why, and since which version.
        readmitted
            Zones that were withdrawn, and that somebody let in again.
        """
        with self.writing() as connection:
            for entry in withdrawn:
                connection.execute(
                    "INSERT OR REPLACE INTO withdrawals VALUES (:zone, :reason, :since)", dict(entry)
                )
            connection.executemany("DELETE FROM withdrawals WHERE zone = ?", [(zone,) for zone in readmitted])
            connection.execute("DELETE FROM releases WHERE content_sha256 = ?", (row["content_sha256"],))
            insert(connection, "releases", row)
            connection.execute(
                "INSERT OR REPLACE INTO release_paths VALUES (?, ?)", (row["path"], row["content_sha256"])
            )

    def release_paths(self) -> set[Path]:
        """Return where releases of the campaign were built, whatever lies there now."""
        return {Path(row["path"]) for table in ("releases", "release_paths") for row in self.rows(table)}

    def zones(self) -> tuple[Zone, ...]:
        """Return all zones, sorted by id."""
        with self.reading() as connection:
            rows = connection.execute("SELECT * FROM zones ORDER BY id").fetchall()
        try:
            return tuple(zone_of(row, self.path.parent) for row in rows)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise CampaignError(
                f"{self.path}: a zone in the registry is damaged ({reason}); restore it from a backup"
            ) from error

    def zone_ids(self) -> frozenset[str]:
        """Return the ids of all zones, without reading the zones."""
        with self.reading() as connection:
            return frozenset(str(row[0]) for row in connection.execute("SELECT id FROM zones"))

    def patch_numbers(self, zone: Zone) -> dict[Cell, int]:
        """Return the numeric FLAIR id of each cell of a zone."""
        query = "SELECT row, col, number FROM patches WHERE zone = ?"
        with self.reading() as connection:
            rows = connection.execute(query, (zone.id,)).fetchall()
        return {Cell(row=row, col=col): number for row, col, number in rows}

    @contextmanager
    def adding(self, arrivals: Sequence[Arrival]) -> Iterator[None]:
        """Register zones if the body of the ``with`` succeeds, or else none of them.

        A new domain gets its fold, the cells get their numbers: those that they bring along, as long as none
        of the zone's is taken. Other writers wait meanwhile.

        Raises
        ------
        CampaignError
            A zone is there already, shares cells with another one, or brings a fold that is not its domain's.
        """
        with self.writing() as connection:
            zones = list(self.zones())
            areas, held = self._areas(zones), self.test_folds()
            kept = kept_numbers(connection, arrivals)
            # Those that keep their numbers first: new numbers must not take theirs.
            for arrival in sorted(arrivals, key=lambda one: one.zone.id not in kept):
                check_new(arrival.zone, zones)
                insert(connection, "zones", row_of(arrival.zone, self.path.parent))
                give_numbers(connection, arrival.zone, kept.get(arrival.zone.id, {}))
                beside = nearest(arrival.zone, zones, within=NEAR)
                areas[give_fold(connection, arrival, areas, beside, held)] += arrival.zone.area
                give_place(connection, arrival, beside)
                zones.append(arrival.zone)
                if arrival.gold is not None:
                    values = arrival.zone.id, arrival.gold
                    connection.execute("INSERT OR REPLACE INTO gold VALUES (?, ?)", values)
                if (choice := arrival.choice) is not None:
                    chosen = arrival.zone.id, choice.strategy, choice.inclusion
                    connection.execute("INSERT OR REPLACE INTO choices VALUES (?, ?, ?)", chosen)
                if (offer := arrival.offer) is not None:
                    told = arrival.zone.id, json.dumps(offer.document(), ensure_ascii=False)
                    connection.execute("INSERT OR REPLACE INTO offers VALUES (?, ?)", told)
            _seal(connection)
            yield

    def add_raster(self, zone_id: str, raster: ZoneRaster) -> None:
        """Have a zone look at one more raster.

        Raises
        ------
        CampaignError
            There is no such zone, or it has a raster of that role and date, or of that file.
        """
        root = self.path.parent
        with self.writing() as connection:
            row = connection.execute("SELECT rasters FROM zones WHERE id = ?", (zone_id,)).fetchone()
            if row is None:
                raise CampaignError(f"{self.path}: there is no zone {zone_id} any more; add it again")
            documents = json.loads(row[0])
            check_another(zone_id, raster, [raster_of(document, root) for document in documents])
            text = json.dumps([*documents, raster_document(raster, root)])
            connection.execute("UPDATE zones SET rasters = ? WHERE id = ?", (text, zone_id))
            _seal(connection)

    def choices(self) -> dict[str, Choice]:
        """Return, by zone, how zones were chosen that no person chose."""
        rows = self.rows("choices")
        return {row["zone"]: Choice(strategy=row["strategy"], inclusion=row["inclusion"]) for row in rows}

    def offers(self) -> dict[str, Offer]:
        """Return, by zone, why zones were proposed, in the order in which they were accepted."""
        try:
            return {row["zone"]: Offer.of(json.loads(row["document"])) for row in self.rows("offers")}
        except (ValueError, TypeError, KeyError) as error:
            raise CampaignError(
                f"{self.path}: why a zone was proposed is damaged; restore it from a backup"
            ) from error

    def models(self) -> dict[str, tuple[str, ...] | None]:
        """Return the domains that models were trained on which proposed labels, by what edits call them.

        None stands for a model of which nobody knows that.
        """
        rows = ((row["model"], row["domains"]) for row in self.rows("models"))
        try:
            return {model: None if told is None else tuple(json.loads(told)) for model, told in rows}
        except (ValueError, TypeError) as error:
            raise CampaignError(
                f"{self.path}: what a model was trained on is damaged; restore it from a backup"
            ) from error

    def note_models(self, models: Mapping[str, tuple[str, ...] | None]) -> None:
        """Keep what models were trained on, in place of what was known of them."""
        known = self.models()
        if all(model in known and known[model] == domains for model, domains in models.items()):
            return
        told = [
            (model, None if domains is None else json.dumps(domains)) for model, domains in models.items()
        ]
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO models VALUES (?, ?)", told)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, none where the registry is older than the table."""
        with self.reading() as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            found = connection.execute(f"SELECT * FROM {table}").fetchall() if known else []  # noqa: S608
        return [dict(row) for row in found]

    @contextmanager
    def writing(self, *, patience: float = 10) -> Iterator[sqlite3.Connection]:
        """Open the registry for one transaction, which is kept if the body of the ``with`` succeeds.

        Parameters
        ----------
        patience
            Seconds to wait for other writers.
        """
        with self._open(patience=patience) as connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in LATER_TABLES:
                connection.execute(statement)
            yield connection
            connection.execute("COMMIT")

    def check_writable(self) -> None:
        """Make sure that the registry can be written; nothing of it changes.

        Raises
        ------
        CampaignError
            Its file or folder is read-only, the disk is full, or somebody else writes for long.
        """
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE probe (x)")  # only what changes a page asks for the rights
            connection.execute("ROLLBACK")

    def copy_to(self, target: Path) -> None:
        """Copy the registry as it is at one instant, whoever writes to it meanwhile.

        Raises
        ------
        CampaignError
            The registry cannot be read, or the copy not be written.
        """
        with self.reading() as connection, closing(sqlite3.connect(target)) as copy:
            connection.backup(copy)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the registry for reading."""
        with self._open() as connection:
            connection.execute("PRAGMA query_only = ON")
            yield connection

    @contextmanager
    def _open(self, *, patience: float = 10) -> Iterator[sqlite3.Connection]:
        # Not mode=ro: a reader too has to roll back what a writer left that was killed while it committed.
        uri = f"{self.path.resolve().as_uri()}?mode=rw"
        try:
            with closing(
                sqlite3.connect(uri, uri=True, isolation_level=None, timeout=patience)
            ) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA trusted_schema = OFF")
                yield connection
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                reason = "it is in use by another process, or open in another program such as QGIS; try again"
            elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL):
                reason = f"it cannot be written ({error}); look at its rights and the room on the disk"
            else:
                reason = f"the registry is damaged ({error}); restore it from a backup"
            raise CampaignError(f"{self.path}: {reason}") from error
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise CampaignError(
                f"{self.path}: the registry fails ({error}); restore it from a backup"
            ) from error

    def _areas(self, zones: Sequence[Zone]) -> dict[int, float]:
        folds, areas = self.folds(), dict.fromkeys(FOLDS, 0.0)
        for zone in zones:
            if zone.domain not in folds:
                raise CampaignError(
                    f"{self.path}: domain {zone.domain} has no fold; restore it from a backup"
                )
            areas[folds[zone.domain]] += zone.area
        return areas


def _digest(connection: sqlite3.Connection) -> str:
    found = [[list(row) for row in connection.execute(query)] for query in _SEALED]
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'places'").fetchone():
        drawn = [list(row) for row in connection.execute("SELECT zone, place FROM places ORDER BY zone")]
        found += [drawn] if drawn else []
    return digest(canonical_bytes(found))


def _seal(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO campaign VALUES (?, ?)", (_SEAL, _digest(connection)))
