"""The tables of a registry, beside the layer of zones, as SQL."""

from __future__ import annotations

__all__ = ["LATER_TABLES", "TABLES"]

TABLES = """
CREATE UNIQUE INDEX zones_id ON zones (id COLLATE NOCASE);
CREATE TABLE campaign (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
CREATE TABLE domains (
    fid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fold INTEGER NOT NULL CHECK (fold BETWEEN 1 AND 5)
);
CREATE TABLE patches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    zone TEXT NOT NULL, row INTEGER NOT NULL, col INTEGER NOT NULL, UNIQUE (zone, row, col)
);
INSERT INTO gpkg_contents (table_name, data_type, identifier, description) VALUES
    ('domains', 'attributes', 'domains', 'fold of each domain'),
    ('patches', 'attributes', 'patches', 'numeric FLAIR id of each patch'),
    ('campaign', 'attributes', 'campaign', 'format, nomenclature');
"""
LATER_TABLES = (
    """CREATE TABLE IF NOT EXISTS leases (
    zone TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, token TEXT NOT NULL,
    since TEXT NOT NULL, heartbeat TEXT NOT NULL
)""",
    "CREATE TABLE IF NOT EXISTS places (zone TEXT PRIMARY KEY NOT NULL, place TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS releases (
    content_sha256 TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, path TEXT NOT NULL,
    domains TEXT NOT NULL
)""",
    "CREATE TABLE IF NOT EXISTS gold (zone TEXT PRIMARY KEY NOT NULL, minimum REAL NOT NULL)",
    """CREATE TABLE IF NOT EXISTS admissions (
    author TEXT PRIMARY KEY NOT NULL, at TEXT NOT NULL, document TEXT NOT NULL
)""",
    """INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description) VALUES
    ('leases', 'attributes', 'leases', 'who labels which zone just now'),
    ('places', 'attributes', 'places', 'zones that are drawn together with another one'),
    ('releases', 'attributes', 'releases', 'releases that were built, and their domains'),
    ('gold', 'attributes', 'gold', 'zones by which annotators are admitted'),
    ('admissions', 'attributes', 'admissions', 'annotators who were admitted, and how they labelled')""",
    """CREATE TABLE IF NOT EXISTS choices (
    zone TEXT PRIMARY KEY NOT NULL, strategy TEXT NOT NULL, inclusion REAL
)""",
    "CREATE TABLE IF NOT EXISTS models (model TEXT PRIMARY KEY NOT NULL, domains TEXT)",
    """CREATE TABLE IF NOT EXISTS withdrawals (
    zone TEXT PRIMARY KEY NOT NULL, reason TEXT NOT NULL, since TEXT NOT NULL
)""",
    """INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description) VALUES
    ('withdrawals', 'attributes', 'withdrawals', 'zones that no release may have, and why'),
    ('choices', 'attributes', 'choices', 'zones that no person chose'),
    ('models', 'attributes', 'models', 'domains that those were trained on that proposed labels')""",
    "CREATE TABLE IF NOT EXISTS release_paths (path TEXT PRIMARY KEY NOT NULL, content_sha256 TEXT NOT NULL)",
    """INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description) VALUES
    ('release_paths', 'attributes', 'release_paths', 'where releases were built')""",
    "CREATE TABLE IF NOT EXISTS offers (zone TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS dalles (
    domain TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, path TEXT NOT NULL UNIQUE, bands TEXT NOT NULL,
    acquired TEXT, camera TEXT, grid TEXT NOT NULL, PRIMARY KEY (domain, name)
)""",
    """INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description) VALUES
    ('dalles', 'attributes', 'dalles', 'orthophotos that zones may be proposed on'),
    ('offers', 'attributes', 'offers', 'why zones were proposed, and what was expected')""",
)
"""What registries of the first version lack; whoever writes to one adds it."""
