"""A backup made while people label: it opens, it is whole, and nobody notices."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_orthos import MakeOrtho
from packs import files, label, square

from workbench.campaign import Campaign
from workbench.errors import CampaignError, JournalError, WorkbenchError
from workbench.export.manifest import MANIFEST, Manifest, check_files
from workbench.geo.grid import Window
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign
from workbench.labels.reading import verify_journal
from workbench.workflows import backup
from workbench.workflows.backup import back_up
from workbench.workflows.intake import add_zone
from workbench.workflows.journals import mend_journals, verify_journals


@pytest.fixture
def home(campaign: Campaign, make_ortho: MakeOrtho) -> tuple[Campaign, Zone]:
    """Two zones, one of which has its picture inside the campaign, labelled by two people."""
    outside, _ = make_ortho()
    (campaign.path / "rasters").mkdir()
    inside = make_ortho(512, 512, col=512, name="east")[0].rename(campaign.path / "rasters" / "east.tif")
    zone = add_zone(campaign, outside, domain="D051_2019", name="Z1_AA").zone
    add_zone(campaign, inside, domain="D051_2019", name="Z2_AA")
    for author in ("jean", "marie"):
        label(campaign, zone, author, square(10, 10, 40, "water"), square(20, 20, 30, "snow"), '{"undo": 1}')
    campaign.hierarchy_path(zone).write_bytes(b"a hierarchy")
    (campaign.snapshot_dir(zone)).mkdir()
    (campaign.snapshot_dir(zone) / "1-0.npz").write_bytes(b"a cache")
    (campaign.zone_dir(zone) / ".half-written.tif").write_bytes(b"half")
    (campaign.path / "releases").mkdir()
    (campaign.path / "releases" / "large.tif").write_bytes(b"published elsewhere")
    return campaign, zone


def test_a_backup_is_the_campaign(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    before = files(campaign.path)
    done = back_up(campaign, tmp_path / "backups" / "monday")
    assert (done.zones, done.journals, done.ops, done.damaged) == (2, 2, 6, {})
    assert files(campaign.path) == before
    copy = Campaign.open(done.path)
    assert copy.registry.facts() == campaign.registry.facts()
    assert [one.id for one in copy.zones()] == [one.id for one in campaign.zones()]
    assert copy.zones()[0].ortho.path == zone.ortho.path
    assert copy.zones()[1].ortho.path == done.path / "rasters" / "east.tif"
    assert set(files(done.path)) == {
        MANIFEST,
        "nomenclature.json",
        "registry.gpkg",
        "rasters/east.tif",
        "zones/D051_2019/Z1_AA/hierarchy.h5",
        "zones/D051_2019/Z1_AA/journal/jean.sqlite",
        "zones/D051_2019/Z1_AA/journal/marie.sqlite",
    }
    assert check_files(done.path, Manifest.read(done.path)) == []
    for ours, theirs in zip(campaign.zones(), copy.zones(), strict=True):
        assert np.array_equal(campaign.read_image(ours), copy.read_image(theirs))
        with campaign.open_store(ours) as one, copy.open_store(theirs) as other:
            assert other.labels.tobytes() == one.labels.tobytes()
            assert other.ops == one.ops
    label(copy, copy.zones()[0], "marie", square(0, 0, 9, "water"))  # it can be gone on with
    assert files(campaign.path) == before


WRITER = """
import sys
from hashlib import sha256
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import Provenance, assign
import numpy as np
campaign = Campaign.open(Path(sys.argv[2]))
zone = campaign.zone("Z1_AA")
with campaign.open_store(zone, author="anne") as store:
    for turn in range(100_000):
        if Path(sys.argv[2], "stop").exists() and turn > 20:
            break
        if turn % 7 == 6:
            store.undo()
        else:
            window = Window(row=7 * turn % 400, col=11 * turn % 400, height=30, width=30)
            store.apply(assign(np.ones((30, 30), bool), window, 1 + turn % 19, Provenance(tool="pick")))
        print(store.head["anne"], sha256(store.labels.tobytes()).hexdigest(), flush=True)
"""


def test_it_is_made_while_somebody_labels(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(campaign.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(5)]
        done = back_up(campaign, tmp_path / "monday")
        (campaign.path / "stop").touch()
        said += writer.communicate()[0].splitlines()
    assert writer.returncode == 0
    assert done.sound
    acknowledged = dict(line.split() for line in said)
    copy = Campaign.open(tmp_path / "monday")
    with copy.open_store(copy.zone("Z1_AA")) as store, campaign.open_store(zone) as now:
        head = store.head["anne"]
        assert head >= 5
        assert hashlib.sha256(store.labels.tobytes()).hexdigest() == acknowledged[str(head)]
        assert now.head["anne"] == len(acknowledged)
        assert hashlib.sha256(now.labels.tobytes()).hexdigest() == acknowledged[str(len(acknowledged))]
    assert not list((tmp_path / "monday").rglob("*-wal"))
    assert not list((tmp_path / "monday").rglob("*-shm"))
    assert verify_journals(campaign, zone, author=None).sound


def test_what_an_op_had_seen_is_in_the_backup(
    home: tuple[Campaign, Zone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jean's journal is copied before Marie's, who sees his newest op before hers is copied."""
    campaign, zone = home
    copy_journal, meanwhile = backup.copy_journal, iter([True])

    def slowly(path: Path, target: Path) -> None:
        copy_journal(path, target)
        if path.stem == "jean" and next(meanwhile, False):
            for author in ("jean", "zoe", "marie"):
                label(campaign, zone, author, square(100, 100, 9, "water"))

    monkeypatch.setattr(backup, "copy_journal", slowly)
    done = back_up(campaign, tmp_path / "monday")
    copy = Campaign.open(done.path)
    with copy.open_store(copy.zone("Z1_AA")) as store:
        assert store.head == {"jean": 4, "marie": 4, "zoe": 1}
        assert store.missing() == {}
    assert (done.journals, done.ops) == (3, 9)


def test_a_journal_that_somebody_was_killed_over_is_copied_whole(
    home: tuple[Campaign, Zone], tmp_path: Path
) -> None:
    campaign, zone = home
    journal = campaign.journal_dir(zone) / "jean.sqlite"
    with campaign.open_store(zone, author="jean") as store:
        store.redo()
        for suffix in ("", "-wal"):
            shutil.copy(f"{journal}{suffix}", tmp_path / f"jean.sqlite{suffix}")
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"jean.sqlite{suffix}", f"{journal}{suffix}")
    before = files(campaign.path)
    done = back_up(campaign, tmp_path / "monday")
    assert (done.sound, done.ops) == (True, 7)
    assert files(campaign.path) == before


@pytest.mark.parametrize("damage", ["cut short", "only the -wal", "half mended", "text", "gone picture"])
def test_what_is_damaged_at_home_is_named_and_copied_as_it_is(
    home: tuple[Campaign, Zone], tmp_path: Path, damage: str
) -> None:
    campaign, zone = home
    journal = campaign.journal_dir(zone) / "jean.sqlite"
    left, where = journal, "zones/D051_2019/Z1_AA/journal/jean.sqlite"
    match damage:
        case "cut short":
            journal.write_bytes(journal.read_bytes()[:6000])
        case "only the -wal":
            left = journal.rename(journal.with_name("jean.sqlite-wal"))
        case "half mended":
            left = journal.with_suffix(".mending")
            left.touch()
        case "text":
            journal.write_text("text")
        case "gone picture":
            (campaign.path / "rasters" / "east.tif").unlink()
            left, where = campaign.hierarchy_path(zone), "rasters/east.tif"
    before = files(campaign.path)
    done = back_up(campaign, tmp_path / "monday")
    assert not done.sound
    assert list(done.damaged) == [where]
    assert Path(where).stem in done.text()
    assert files(campaign.path) == before
    assert (done.path / left.relative_to(campaign.path)).read_bytes() == left.read_bytes()
    assert check_files(done.path, Manifest.read(done.path)) == []
    assert (done.path / "zones/D051_2019/Z1_AA/journal/marie.sqlite").exists()


def test_a_damaged_journal_takes_nobodys_of_a_longer_name_along(
    home: tuple[Campaign, Zone], tmp_path: Path
) -> None:
    campaign, zone = home
    folder = campaign.journal_dir(zone)
    with campaign.open_store(zone, author="marie.dupont") as store:
        mask = np.ones((9, 9), np.bool_)
        store.apply(assign(mask, Window(row=5, col=5, height=9, width=9), 3, Provenance(tool="brush")))
        (folder / "marie.sqlite").write_bytes((folder / "marie.sqlite").read_bytes()[:6000])
        assert (folder / "marie.dupont.sqlite-wal").stat().st_size
        done = back_up(campaign, tmp_path / "monday")
    copied = done.path / "zones/D051_2019/Z1_AA/journal"
    assert sorted(path.name for path in copied.iterdir()) == [
        "jean.sqlite",
        "marie.dupont.sqlite",
        "marie.sqlite",
    ]
    assert verify_journal(copied / "marie.dupont.sqlite").ops == 1
    assert list(done.damaged) == ["zones/D051_2019/Z1_AA/journal/marie.sqlite"]
    assert check_files(done.path, Manifest.read(done.path)) == []


def test_what_the_doctor_set_apart_is_kept(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    journal = campaign.journal_dir(zone) / "jean.sqlite"
    journal.write_bytes(journal.read_bytes()[:6000])
    mend_journals(campaign, zone, author=None)
    done = back_up(campaign, tmp_path / "monday")
    assert not done.damaged
    assert done.missing == {"D051_2019/Z1_AA": {"jean": 3}}
    (apart,) = (done.path / "zones/D051_2019/Z1_AA/journal/quarantine").glob("jean-*/jean.sqlite")
    assert apart.stat().st_size == 6000


def test_a_folder_in_the_place_of_a_journal_is_named(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    (campaign.journal_dir(zone) / "x.sqlite").mkdir()
    with pytest.raises(
        JournalError, match=r"x\.sqlite: it is a folder where a journal should be; move it away"
    ):
        back_up(campaign, tmp_path / "monday")
    assert not (tmp_path / "monday").exists()


def test_a_backup_goes_to_a_new_place_outside_the_campaign(
    home: tuple[Campaign, Zone], tmp_path: Path
) -> None:
    campaign, _ = home
    (tmp_path / "there").mkdir()
    (tmp_path / "text").write_text("text")
    before = files(tmp_path)
    for out, reason in (
        (campaign.path / "backup", "lies in the campaign"),
        (campaign.path, "lies in the campaign"),
        (tmp_path / "there", "exists already"),
        (tmp_path / "text" / "below", "no folder to write in"),
    ):
        with pytest.raises(WorkbenchError, match=reason):
            back_up(campaign, out)
    assert files(tmp_path) == before


def test_a_backup_that_cannot_be_read_again_does_not_appear(
    home: tuple[Campaign, Zone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _ = home
    before = files(tmp_path)
    format_digest = backup.digest_file
    monkeypatch.setattr(
        backup, "digest_file", lambda path: "0" * 64 if path.suffix == ".h5" else format_digest(path)
    )
    with pytest.raises(CampaignError, match=r"hierarchy\.h5 is not in the backup as it was written"):
        back_up(campaign, tmp_path / "monday")
    assert files(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []


# Restoring, as the guide says


def test_a_damaged_journal_is_mended_with_its_backup(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    back_up(campaign, tmp_path / "monday")
    with campaign.open_store(zone) as store:
        labels = store.labels.tobytes()
    folder = campaign.journal_dir(zone)
    (folder / "marie.sqlite").write_bytes((folder / "marie.sqlite").read_bytes()[:5000])
    apart = folder / "quarantine" / "marie-backup"
    apart.mkdir(parents=True)
    shutil.copy(tmp_path / "monday/zones/D051_2019/Z1_AA/journal/marie.sqlite", apart)
    mend_journals(campaign, zone, author="marie")
    (mark,) = apart.parent.glob("*/lost")
    assert str(mark) in str(verify_journals(campaign, zone, author=None).problem)
    mark.unlink()
    assert verify_journals(campaign, zone, author=None).sound
    with campaign.open_store(zone) as store:
        assert store.labels.tobytes() == labels


def test_a_lost_journal_is_put_back(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    back_up(campaign, tmp_path / "monday")
    with campaign.open_store(zone) as store:
        labels = store.labels.tobytes()
    (campaign.journal_dir(zone) / "marie.sqlite").unlink()
    shutil.copy(tmp_path / "monday/zones/D051_2019/Z1_AA/journal/marie.sqlite", campaign.journal_dir(zone))
    with campaign.open_store(zone, author="marie") as store:
        assert store.labels.tobytes() == labels
        assert store.undo() is not None
