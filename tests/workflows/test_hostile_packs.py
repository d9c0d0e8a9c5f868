"""Packs that were damaged, or made to do harm: one sentence each, and nothing on the disk."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_orthos import made_grid, made_image, made_truth
from packs import Members, files, info, label, members_of, relisted, square, with_card, zipped

from workbench.campaign import Campaign
from workbench.errors import WorkbenchError
from workbench.geo.geotiff import encode_raster, write_raster
from workbench.labels.edits import AssignMask, Comment, Provenance, Undo, assign
from workbench.labels.journal import write_journal
from workbench.labels.meta import JournalMeta
from workbench.labels.op import from_microseconds
from workbench.labels.payloads import entry_of
from workbench.labels.tables import chained_rows
from workbench.segmentation import segment, write_hierarchy
from workbench.workflows.intake import add_zone
from workbench.workflows.packing import pack_zone
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.unpacking import unpack_zone

EPOCH = "1970-01-01T00:00:00.000000Z"
PERSON = "journal/person-0123abcd.sqlite"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Campaign, Members, Path]:
    """A campaign, the members of a good pack of its zone, and a folder for pieces to put into others."""
    folder = tmp_path_factory.mktemp("sent")
    truth = made_truth(512, 512)
    write_raster(folder / "ortho.tif", made_image(truth), made_grid(512, 512), level=1)
    campaign = Campaign.create(folder / "campaign")
    zone = add_zone(campaign, folder / "ortho.tif", domain="D051_2019", name="Z1_AA").zone
    list(segment_zones(campaign, None, say=lambda sentence: None))
    label(campaign, zone, "marie", square(10, 10, 40, "water"), square(30, 30, 40, "vineyard"), '{"undo": 1}')
    pack_zone(campaign, zone, folder / "zone.zip", overwrite=False)
    return campaign, members_of(folder / "zone.zip"), folder


Change = Callable[["Pieces"], bytes]


class Pieces:
    """What hostile packs are made of."""

    def __init__(self, campaign: Campaign, members: Members, folder: Path) -> None:
        self.campaign, self.members, self.folder = campaign, dict(members), folder
        (self.zone,) = campaign.zones()
        self.name = next(name for name in members if name.startswith("journal/"))

    def swapped(self, **changed: bytes) -> bytes:
        """Return the pack with other content in members, which ``pack.json`` knows."""
        names = {"ortho": "ortho.tif", "hierarchy": "hierarchy.h5", "journal": self.name}
        return zipped(relisted(self.members | {names[key]: value for key, value in changed.items()}))

    def added(self, name: str | zipfile.ZipInfo, content: bytes = b"x") -> bytes:
        return zipped([*self.members.items(), (name, content)])

    def carded(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        return zipped(with_card(self.members, change))

    def raw(self, change: Callable[[bytearray], object]) -> bytes:
        content = bytearray(zipped(self.members))
        change(content)
        return bytes(content)

    def journal(self, name: str = PERSON, *, created: str = EPOCH, edits: Any = (), **subject: Any) -> bytes:
        """Return the pack with a journal more, of one gesture each, sound by itself."""
        about = self.campaign.subject(self.zone)
        for key, value in subject.items():
            about = type(about)(
                **{"zone": about.zone, "grid": about.grid, "nomenclature": about.nomenclature} | {key: value}
            )
        author = Path(name).stem
        meta = JournalMeta(subject=about, author=author, created=created)
        rows, end = [], (0, meta.genesis)
        for edit in edits or [painted(3)]:
            rows += chained_rows(
                [entry_of(edit)], author=author, after=end, seen={}, lamport=end[0] + 1,
                clock=lambda: from_microseconds(0),
            )  # fmt: skip
            end = rows[-1].seq, rows[-1].sha256.hex()
        path = self.folder / Path(name).name
        path.unlink(missing_ok=True)
        write_journal(path, meta, rows)
        return zipped(relisted(self.members | {name: path.read_bytes()}))


def painted(code: int, row: int = 5) -> AssignMask:
    from workbench.geo.grid import Window

    return assign(
        np.ones((2, 2), np.bool_), Window(row=row, col=5, height=2, width=2), code, Provenance(tool="pick")
    )


def central(content: bytearray, name: bytes) -> int:
    """Return where the entry of a member begins in the directory of a zip."""
    return content.rfind(b"PK\x01\x02", 0, content.rfind(name))


def put(content: bytearray, at: int, form: str, *values: int) -> None:
    struct.pack_into(form, content, at, *values)


def declare(content: bytearray, name: bytes, offset: int, form: str, value: int) -> None:
    put(content, central(content, name) + offset, form, value)


def bomb(pieces: Pieces, size: int) -> bytes:
    """A journal of zeros: a thousand times smaller packed."""
    entry = info(PERSON, compress_type=zipfile.ZIP_DEFLATED)
    listed = relisted(pieces.members | {PERSON: bytes(size)})
    return zipped([(entry if name == PERSON else name, content) for name, content in listed.items()])


def altered_journal(pieces: Pieces, statement: str) -> bytes:
    path = pieces.folder / "altered.sqlite"
    path.write_bytes(pieces.members[pieces.name])
    with closing(sqlite3.connect(path)) as connection, connection:
        triggers = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]
        kept = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
        for trigger in triggers:
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
        for sql in kept:
            connection.execute(sql)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return pieces.swapped(journal=path.read_bytes())


def other_hierarchy(pieces: Pieces) -> bytes:
    path = pieces.folder / "other.h5"
    write_hierarchy(
        segment(made_image(made_truth(512, 512, 5), 5), grid=made_grid(512, 512)), path, overwrite=True
    )
    return pieces.swapped(hierarchy=path.read_bytes())


def picture(
    height: int = 512, width: int = 512, bands: int = 5, seed: int = 1, kind: type = np.uint8, **where: int
) -> bytes:
    pixels = made_image(made_truth(height, width, seed), seed)[:bands].astype(kind)
    return encode_raster(pixels, made_grid(height, width, **where), level=1)


def many_members(pieces: Pieces) -> bytes:
    return zipped([*pieces.members.items(), *((f"journal/person-{n:08x}.sqlite", b"") for n in range(1200))])


HOSTILE: dict[str, tuple[Change, str]] = {
    "absolute path": (lambda p: p.added("/tmp/evil.sqlite"), "none that a pack has"),
    "out of the folder": (lambda p: p.added("../evil.sqlite"), "none that a pack has"),
    "out of the journals": (lambda p: p.added("journal/../../evil.sqlite"), "none that a pack has"),
    "backslashes": (lambda p: p.added("journal\\evil.sqlite"), "none that a pack has"),
    "drive letter": (lambda p: p.added("C:evil.sqlite"), "none that a pack has"),
    "null in a name": (
        lambda p: p.added("journal/evil_.sqlite").replace(b"evil_", b"evil\0"),
        "none that a pack has",
    ),
    "unknown member": (lambda p: p.added("snapshots/1.npz"), "none that a pack has"),
    "folder": (lambda p: p.added("journal/"), "none that a pack has"),
    "name of a device": (lambda p: p.added("journal/con.sqlite"), "none that a pack has"),
    "name that ends in a dot": (lambda p: p.added("journal/a..sqlite"), "none that a pack has"),
    "name with a line break": (lambda p: p.added("journal/a\nb.sqlite"), "none that a pack has"),
    "very long name": (lambda p: p.added("journal/" + "a" * 60_000 + ".sqlite"), "none that a pack has"),
    "name that is no text": (
        lambda p: p.added(info(PERSON, flag_bits=0x800)).replace(b"person-0123", b"person-\xff123"),
        "none that a pack has",
    ),
    "link": (lambda p: p.added(info(PERSON, external_attr=0o120777 << 16), b"/etc/passwd"), "a link"),
    "device": (lambda p: p.added(info(PERSON, external_attr=0o020666 << 16), b""), "a link"),
    "the same name twice": (lambda p: p.added(p.name), "the same name"),
    "the same name on Windows": (lambda p: p.added(p.name.replace("person", "PERSON")), "the same name"),
    "encrypted": (lambda p: p.raw(lambda raw: declare(raw, b"ortho.tif", 8, "<H", 1)), "encrypted"),
    "packed by another method": (
        lambda p: zipped([*p.members.items(), (info(PERSON, compress_type=zipfile.ZIP_LZMA), b"x")]),
        "compressed in a way",
    ),
    "declared larger than it is": (
        lambda p: p.raw(lambda raw: declare(raw, b"ortho.tif", 24, "<I", len(p.members["ortho.tif"]) + 9)),
        "ortho.tif",
    ),
    "declared smaller than it is": (
        lambda p: p.raw(lambda raw: declare(raw, b"ortho.tif", 24, "<I", 99)),
        "ortho.tif is damaged",
    ),
    "declared gigantic": (
        lambda p: p.raw(lambda raw: declare(raw, b"ortho.tif", 24, "<I", 0xFFFFFFF0)),
        "which no file of a pack does",
    ),
    "bomb": (lambda p: bomb(p, 1 << 24), "which no file of a pack does"),
    "bomb that lies about its size": (
        lambda p: (lambda raw: declare(raw, PERSON.encode(), 24, "<I", 4096) or bytes(raw))(
            bytearray(bomb(p, 1 << 24))
        ),
        f"{PERSON} is damaged",
    ),
    "too many members": (many_members, "a pack has at most 1000"),
    "directory larger than any": (
        lambda p: p.raw(lambda raw: put(raw, len(raw) - 10, "<I", 1 << 30)),
        "a pack has at most",
    ),
    "in parts": (lambda p: p.raw(lambda raw: put(raw, len(raw) - 18, "<H", 1)), "in parts"),
    "with a comment": (
        lambda p: p.raw(lambda raw: raw.extend(b"!") or put(raw, len(raw) - 3, "<H", 1)),
        "no zip",
    ),
    "of 64 bits": (
        lambda p: p.raw(lambda raw: raw.__setitem__(slice(-22, -22), b"PK\x06\x07" + bytes(16))),
        "of 64 bits",
    ),
    "member beyond the end": (
        lambda p: p.raw(lambda raw: declare(raw, b"ortho.tif", 42, "<I", 0x7FFFFFFF)),
        "ortho.tif is damaged",
    ),
    "member on another": (
        lambda p: p.raw(lambda raw: declare(raw, b"ortho.tif", 42, "<I", 0)),
        "ortho.tif is damaged",
    ),
    "cut short": (lambda p: zipped(p.members)[:-1000], "no zip, or cut short"),
    "cut to nothing": (lambda p: b"", "no zip, or cut short"),
    "no zip": (lambda p: b"SQLite format 3\0" * 99, "no zip, or cut short"),
    "flipped bit": (
        lambda p: p.raw(
            lambda raw: raw.__setitem__(raw.find(b"II*\0") + 5000, raw[raw.find(b"II*\0") + 5000] ^ 1)
        ),
        "ortho.tif is damaged",
    ),
    "no pack.json": (
        lambda p: zipped({name: content for name, content in p.members.items() if name != "pack.json"}),
        "no pack.json",
    ),
    "no orthophoto": (
        lambda p: zipped({name: content for name, content in p.members.items() if name != "ortho.tif"}),
        "no ortho.tif",
    ),
    "pack.json is no JSON": (lambda p: zipped(p.members | {"pack.json": b"{"}), "is not JSON"),
    "pack.json is deep": (lambda p: zipped(p.members | {"pack.json": b"[" * 100_000}), "pack.json"),
    "pack.json is large": (lambda p: zipped(p.members | {"pack.json": b" " * (2 << 20)}), "at most"),
    "pack.json breaks its schema": (
        lambda p: p.carded(lambda card: card.pop("zone")),
        "'zone' is a required",
    ),
    "newer format": (
        lambda p: p.carded(lambda card: card.update(format_version=2)),
        "install a newer workbench",
    ),
    "another format": (
        lambda p: p.carded(lambda card: card.update(format="ocs-workbench/release")),
        "format",
    ),
    "zone name": (
        lambda p: p.carded(lambda card: card["zone"].update(name="con", id="D051_2019/con")),
        "con",
    ),
    "two zone names": (lambda p: p.carded(lambda card: card["zone"].update(name="Z2_AA")), "is called"),
    "off the patch grid": (
        lambda p: p.carded(lambda card: card["zone"]["grid"]["transform"].__setitem__(2, 831081.8)),
        "off the patch grid",
    ),
    "cells outside the grid": (lambda p: p.carded(lambda card: card["zone"].update(cells=[[0, 1]])), "cells"),
    "impossible date": (
        lambda p: p.carded(lambda card: card["zone"].update(acquired="2019-02-31")),
        "2019-02-31",
    ),
    "another nomenclature": (
        lambda p: p.carded(lambda card: card["nomenclature"].update(name="corine")),
        "unpack it into a campaign of corine",
    ),
    "digest of a member": (
        lambda p: p.carded(lambda card: card["files"].update({"ortho.tif": "0" * 64})),
        "ortho.tif has SHA-256",
    ),
    "member that is not listed": (lambda p: p.added(PERSON), "disagree on " + PERSON),
    "listed and not there": (
        lambda p: p.carded(lambda card: card["files"].update({PERSON: "0" * 64})),
        "disagree on " + PERSON,
    ),
    "journal with a changed op": (
        lambda p: altered_journal(p, "UPDATE ops SET scale = 1.0 WHERE seq = 1"),
        "was damaged or tampered with",
    ),
    "journal with a trigger more": (
        lambda p: altered_journal(p, "CREATE TRIGGER evil AFTER INSERT ON ops BEGIN SELECT 1; END"),
        "something changed them",
    ),
    "journal of text": (lambda p: p.swapped(journal=b"text" * 4000), "cannot be used"),
    "empty journal": (lambda p: p.swapped(journal=b""), "cannot be used"),
    "journal of another author": (
        lambda p: zipped(relisted(p.members | {PERSON: p.members[p.name]})),
        "it is the journal of",
    ),
    "journal under a person's name": (lambda p: p.journal("journal/marie.sqlite"), "it was not packed"),
    "journal with its time": (
        lambda p: p.journal(created="2026-03-02T08:15:00.000000Z"),
        "it was not packed",
    ),
    "journal of another zone": (lambda p: p.journal(zone="D051_2019/Z2_AA"), "it was made for zone"),
    "journal of another grid": (
        lambda p: p.journal(grid=made_grid(512, 512, row=512)),
        "it was made for zone",
    ),
    "journal of another nomenclature": (lambda p: p.journal(nomenclature="corine"), "its codes are those of"),
    "code of no class": (lambda p: p.journal(edits=[painted(200)]), "200"),
    "pixels outside the zone": (lambda p: p.journal(edits=[painted(3, row=511)]), "person-0123abcd:1"),
    "ruling for no class": (
        lambda p: p.journal(
            edits=[
                Comment(row=5, col=5, text="which?", question=True),
                Comment(row=5, col=5, text="x", answers="person-0123abcd:1", ruling="x\n 0.0% labelled"),
            ]
        ),
        "op person-0123abcd:2 rules for another nomenclature",
    ),
    "undo of nothing": (
        lambda p: p.journal(edits=[painted(3), Undo(target="person-0123abcd:900")]),
        "which is no gesture of",
    ),
    "undo of somebody else's": (
        lambda p: p.journal(edits=[painted(3), Undo(target=f"{Path(p.name).stem}:1")]),
        "which is no gesture of",
    ),
}
"""What can be refused whether the campaign has the zone already or not."""

HOSTILE_PICTURES: dict[str, tuple[Change, str]] = {
    "orthophoto of noise": (
        lambda p: p.swapped(ortho=b"II*\0" + b"noise" * 999),
        "its orthophoto cannot be used",
    ),
    "orthophoto is no raster": (lambda p: p.swapped(ortho=b"text" * 999), "its orthophoto cannot be used"),
    "orthophoto of other pixels": (lambda p: p.swapped(ortho=picture(seed=8)), "does not show zone"),
    "orthophoto of another place": (lambda p: p.swapped(ortho=picture(row=512)), "does not show zone"),
    "orthophoto of three bands": (lambda p: p.swapped(ortho=picture(bands=3)), "does not show zone"),
    "orthophoto of 16 bits": (lambda p: p.swapped(ortho=picture(kind=np.uint16)), "does not show zone"),
    "orthophoto too small": (lambda p: p.swapped(ortho=picture(300, 300)), "its orthophoto cannot be used"),
    "orthophoto with a county around": (lambda p: p.swapped(ortho=picture(1024, 512)), "does not show zone"),
    "hierarchy of text": (lambda p: p.swapped(hierarchy=b"text" * 999), "its hierarchy cannot be used"),
    "hierarchy with a flipped bit": (
        lambda p: p.swapped(hierarchy=p.members["hierarchy.h5"][:-9] + b"flipped!!"),
        "its hierarchy cannot be used",
    ),
    "hierarchy of other pixels": (other_hierarchy, "its hierarchy was made of other pixels"),
}


def refused(campaign: Campaign, content: bytes, reason: str, folder: Path) -> None:
    """Unpack, and prove that it is one sentence and that no file is left, here or anywhere near."""
    path = folder / "pack.zip"
    path.write_bytes(content)
    before, around = files(campaign.path), files(folder)
    with pytest.raises(WorkbenchError) as error:
        unpack_zone(campaign, path)
    assert reason in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1500
    assert files(campaign.path) == before
    assert files(folder) == around
    assert [path.name for path in campaign.path.rglob(".*")] == []


@pytest.fixture
def pieces(sent: tuple[Campaign, Members, Path]) -> Pieces:
    return Pieces(*sent)


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is unpacked for a moment goes where the test looks."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", HOSTILE | HOSTILE_PICTURES)
def test_a_hostile_pack_adds_no_zone(pieces: Pieces, tmp_path: Path, case: str) -> None:
    change, reason = (HOSTILE | HOSTILE_PICTURES)[case]
    refused(Campaign.create(tmp_path / "away"), change(pieces), reason, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "case", [case for case in HOSTILE if case not in ("zone name", "off the patch grid")]
)
def test_a_hostile_pack_changes_nothing_at_home(pieces: Pieces, tmp_path: Path, case: str) -> None:
    change, reason = HOSTILE[case]
    content = change(pieces)
    home = Campaign.open(Path(shutil.copytree(pieces.campaign.path, tmp_path / "home")))
    refused(home, content, reason, tmp_path)


def test_the_pieces_make_a_good_pack(pieces: Pieces, tmp_path: Path) -> None:
    """Or else the packs above may be refused for another reason than theirs."""
    away = Campaign.create(tmp_path / "away")
    (tmp_path / "pack.zip").write_bytes(pieces.journal(edits=[painted(3), Undo(target="person-0123abcd:1")]))
    done = unpack_zone(away, tmp_path / "pack.zip")
    assert done.journals["person-0123abcd"] == (2, 2)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_no_byte_of_a_foreign_journal_is_taken(pieces: Pieces, tmp_path: Path) -> None:
    """Ops are; an SQLite file can hold more than its tables show."""
    content = pieces.members[pieces.name]
    hidden = content + b"hidden".ljust(len(content) // 2 * 2, b"!")
    (tmp_path / "pack.zip").write_bytes(pieces.swapped(journal=hidden))
    away = Campaign.create(tmp_path / "away")
    unpack_zone(away, tmp_path / "pack.zip")
    assert not any(b"hidden" in content for content in files(away.path).values())


def test_a_pack_that_is_none_is_named(campaign: Campaign, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.zip", tmp_path):
        with pytest.raises(WorkbenchError, match="is not a file on this machine"):
            unpack_zone(campaign, path)
