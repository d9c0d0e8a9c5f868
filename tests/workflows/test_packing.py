"""A zone sent to a colleague and back: the same labels, no names, no hours, nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_orthos import MakeOrtho
from packs import files, label, members_of, square
from test_kept_refinements import refined

from workbench.campaign import Campaign
from workbench.documents import parse_document
from workbench.errors import CampaignError, HierarchyError, JournalError, RasterError, WorkbenchError
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Zone
from workbench.labels.review import zone_state
from workbench.workflows.intake import add_zone
from workbench.workflows.journals import verify_journals
from workbench.workflows.labelling import export_labels
from workbench.workflows.packing import pack_zone
from workbench.workflows.refining import refined_by
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone
from workbench.workflows.unpacking import unpack_zone


@pytest.fixture
def home(campaign: Campaign, make_ortho: MakeOrtho) -> tuple[Campaign, Zone]:
    """A segmented zone inside a larger picture, imported, and labelled by two people."""
    image, mask = make_ortho(40 + 512 + 300, 20 + 512 + 12, row=-40, col=-20)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, camera="UCE-M3").zone
    review_zone(campaign, zone, author="import", verdict="send-back", reason="a pond is missing")
    list(segment_zones(campaign, None, say=lambda sentence: None))
    label(
        campaign,
        zone,
        "marie",
        square(10, 10, 40, "water"),
        '{"pick": [200, 200], "scale": 900, "class": "snow"}',
    )
    label(campaign, zone, "jean", square(30, 30, 40, "vineyard"), square(90, 90, 9, "water"), '{"undo": 1}')
    label(campaign, zone, "marie", '{"comment": "a pond?", "at": [12, 12], "question": true}')
    label(campaign, zone, "marie", square(0, 0, 50, "building"), blind=True)
    review_zone(campaign, zone, author="jean", verdict="submit", anyway="of squares")
    return campaign, zone


@pytest.fixture
def away(tmp_path: Path) -> Campaign:
    return Campaign.create(tmp_path / "away")


def exported(campaign: Campaign, zone: Zone, folder: Path) -> bytes:
    path = folder / "labels.tif"
    export_labels(campaign, zone, path, scheme="flair", overwrite=True)
    return path.read_bytes()


def test_a_packed_zone_is_usable_elsewhere(
    home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path
) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    done = unpack_zone(away, tmp_path / "zone.zip")
    assert done.added
    (there,) = away.zones()
    assert (there.id, there.cells, there.camera, there.theme) == (zone.id, zone.cells, "UCE-M3", "AA")
    assert there.ortho.path == away.zone_dir(there) / "ortho.tif"
    assert exported(away, there, tmp_path) == exported(campaign, zone, tmp_path)
    here, moved = campaign.read_surroundings(zone), away.read_surroundings(there)
    assert moved[1] == here[1] == (-40, -20)
    assert np.array_equal(moved[0], here[0])
    assert away.read_hierarchy(there).digest == campaign.read_hierarchy(zone).digest
    assert verify_journals(away, there, author=None).sound
    with away.open_store(there) as store:
        assert zone_state(store).state == "submitted"
        assert store.head == {
            "import": done.journals["import"][1],
            campaign.pseudonym("marie"): 4,
            campaign.pseudonym("jean"): 4,
        }
    label(away, there, "bob", '{"pick": [300, 300], "scale": 500, "class": "deciduous"}')
    moved_away = Campaign.open(away.path.rename(tmp_path / "elsewhere"))  # the picture goes with it
    assert moved_away.read_image(moved_away.zones()[0]).shape == (5, 512, 512)


def test_finer_regions_go_with_the_zone(home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path) -> None:
    campaign, zone = home
    with campaign.open_store(zone, author="marie") as store:
        picks = ((40, 40), (300, 200))
        *_, last = refined(store, campaign.read_hierarchy(zone), campaign.read_image(zone), picks)
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    unpack_zone(away, tmp_path / "zone.zip")
    (there,) = away.zones()
    with away.open_store(there) as store:
        ops = store.refinements(campaign.pseudonym("marie"))
        found, left_out = refined_by(away.read_hierarchy(there), ops)
    assert (found.digest, left_out) == (last.digest, "")


def test_nothing_in_a_pack_tells_who_when_or_where(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    members = members_of(tmp_path / "zone.zip")
    parse_document(members["pack.json"], schema="pack", source="pack.json")
    assert [name for name in members if name.startswith("journal/")] == sorted(
        f"journal/{name}.sqlite" for name in ("import", *map(campaign.pseudonym, ("marie", "jean")))
    )
    for name, content in members.items():
        for secret in ("marie", "jean", str(tmp_path), "scene", campaign.registry.facts()["pseudonym_salt"]):
            assert secret.encode() not in content.replace(b"imported from scene-mask.tif", b""), (
                name,
                secret,
            )


def test_the_same_zone_gives_the_same_bytes(
    home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path
) -> None:
    campaign, zone = home
    paths = [tmp_path / name for name in ("one.zip", "two.zip", "three.zip")]
    for path in paths[:2]:
        pack_zone(campaign, zone, path, overwrite=False)
    unpack_zone(away, paths[0])
    pack_zone(away, away.zones()[0], paths[2], overwrite=False)
    assert len({path.read_bytes() for path in paths}) == 1


def test_a_pack_replaces_only_a_pack(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    output = tmp_path / "zone.zip"
    pack_zone(campaign, zone, output, overwrite=False)
    before = output.read_bytes()
    with pytest.raises(WorkbenchError, match="--overwrite"):
        pack_zone(campaign, zone, output, overwrite=False)
    pack_zone(campaign, zone, output, overwrite=True)
    assert output.read_bytes() == before
    shutil.make_archive(str(tmp_path / "other"), "zip", campaign.zone_dir(zone))
    for other in (tmp_path / "other.zip", zone.ortho.path):
        with pytest.raises(WorkbenchError, match="choose another name"):
            pack_zone(campaign, zone, other, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []


def test_what_is_damaged_at_home_is_not_packed(home: tuple[Campaign, Zone], tmp_path: Path) -> None:
    campaign, zone = home
    output, journal = tmp_path / "zone.zip", campaign.journal_dir(zone) / "jean.sqlite"
    whole, hierarchy = journal.read_bytes(), campaign.hierarchy_path(zone).read_bytes()
    journal.write_bytes(whole[:5000])
    with pytest.raises(JournalError, match="jean"):
        pack_zone(campaign, zone, output, overwrite=False)
    journal.write_bytes(whole)
    campaign.hierarchy_path(zone).write_bytes(hierarchy[:-1])
    with pytest.raises(HierarchyError, match="workbench segment"):
        pack_zone(campaign, zone, output, overwrite=False)
    campaign.hierarchy_path(zone).unlink()
    assert not pack_zone(campaign, zone, output, overwrite=False).hierarchy
    output.unlink()
    pixels = read_bands(zone.ortho.path)
    pixels[0, 100, 100] ^= 1
    grid = inspect_raster(zone.ortho.path).grid
    zone.ortho.path.unlink()
    write_raster(zone.ortho.path, pixels, grid)
    with pytest.raises(RasterError, match="not those"):
        pack_zone(campaign, zone, output, overwrite=False)
    assert not output.exists()


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from packs import square
from workbench.campaign import Campaign
from workbench.workflows.labelling import label_zone
campaign = Campaign.open(Path(sys.argv[2]))
(zone,) = campaign.zones()
keys = ("water", "building", "deciduous")
def lines():
    for turn in range(100_000):
        if Path(sys.argv[2], "stop").exists() and turn > 20:
            return
        yield square(7 * turn % 400, 11 * turn % 400, 30, keys[turn % 3]) if turn % 5 < 4 else '{"undo": 1}'
author, told = sys.argv[3], lambda op, line: print(op, flush=True)
label_zone(campaign, zone, author=author, lines=lines(), on_edit=told, together=True)
"""


def test_it_is_packed_while_two_people_label(
    home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path
) -> None:
    campaign, zone = home
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(campaign.path)]
    writers = [
        subprocess.Popen([*command, author], stdout=subprocess.PIPE, text=True) for author in ("anne", "zoe")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline().endswith(":1\n")
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    (campaign.path / "stop").touch()
    said = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    unpack_zone(away, tmp_path / "zone.zip")
    (there,) = away.zones()
    with away.open_store(there) as store, campaign.open_store(zone) as now:
        heads = {author: store.head[campaign.pseudonym(author)] for author in ("anne", "zoe")}
        assert store.missing() == {}
        assert all(heads.values())
        assert {author: now.head[author] for author in heads} == {
            author: len(ops) + 1 for author, ops in zip(("anne", "zoe"), said, strict=True)
        }
    # What was packed is what the journals said at that moment.
    for author, head in heads.items():
        ours = [(op.kind, op.gesture) for op in _ops(campaign, zone, author)[:head]]
        theirs = [(op.kind, op.gesture) for op in _ops(away, there, campaign.pseudonym(author))]
        assert theirs == ours


def _ops(campaign: Campaign, zone: Zone, author: str) -> list:
    with campaign.open_store(zone) as store:
        return sorted((op for op in store.ops if op.author == author), key=lambda op: op.seq)


# Home again


def test_a_zone_that_comes_home_brings_what_the_colleague_did(
    home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path
) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "out.zip", overwrite=False)
    unpack_zone(away, tmp_path / "out.zip")
    (there,) = away.zones()
    label(away, there, "bob", square(10, 10, 20, "snow"))
    label(campaign, zone, "marie", square(20, 20, 20, "building"))  # meanwhile
    pack_zone(away, there, tmp_path / "back.zip", overwrite=False)
    before = files(campaign.path)
    done = unpack_zone(campaign, tmp_path / "back.zip")
    bob = away.pseudonym("bob")
    assert not done.added
    assert done.journals == {
        "import": (0, done.journals["import"][1]),
        "jean": (0, 4),
        "marie": (0, 4),
        bob: (1, 1),
    }
    new = files(campaign.path)
    assert new.keys() - before.keys() == {f"zones/D051_2019/Z1_AA/journal/{bob}.sqlite"}
    assert {name: new[name] for name in before} == before
    snow = campaign.nomenclature.by_key("snow").code
    with campaign.open_store(zone) as store:
        assert (store.labels[10:20, 10:30] == snow).all()
        (conflict,) = (one for one in store.conflicts().found if f"{bob}:1" in one.ops)
        assert (conflict.ops, conflict.pixels) == (("marie:5", f"{bob}:1"), 100)
    again = unpack_zone(campaign, tmp_path / "back.zip")
    assert "nothing was done" in again.text()
    assert files(campaign.path) == new
    # And on to Bob, whose own journal is his.
    pack_zone(campaign, zone, tmp_path / "on.zip", overwrite=False)
    assert unpack_zone(away, tmp_path / "on.zip").journals == {
        "bob": (0, 1),
        "import": (0, done.journals["import"][1]),
        campaign.pseudonym("jean"): (0, 4),
        campaign.pseudonym("marie"): (1, 5),
    }
    assert exported(away, there, tmp_path) == exported(campaign, zone, tmp_path)
    assert verify_journals(away, there, author=None).sound
    assert verify_journals(campaign, zone, author=None).sound


def test_a_pack_of_other_ground_or_of_another_picture_is_refused(
    home: tuple[Campaign, Zone], away: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    add_zone(away, make_ortho(512, 512, seed=9, name="other")[0], domain="D051_2019", name="z1_aa")
    before = files(away.path)
    with pytest.raises(CampaignError, match="of another picture"):
        unpack_zone(away, tmp_path / "zone.zip")
    third = Campaign.create(tmp_path / "third")
    add_zone(third, make_ortho(1024, 512, name="larger")[0], domain="D051_2019", name="Z1_AA")
    with pytest.raises(CampaignError, match="of other patch cells"):
        unpack_zone(third, tmp_path / "zone.zip")
    assert files(away.path) == before


def test_a_zone_that_shares_cells_with_another_is_refused(
    home: tuple[Campaign, Zone], away: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    add_zone(away, make_ortho(512, 512, name="same")[0], domain="D051_2019", name="Z9_AA")
    before = files(away.path)
    with pytest.raises(CampaignError, match="shares 1 patch cell"):
        unpack_zone(away, tmp_path / "zone.zip")
    assert files(away.path) == before


def test_a_model_runs_on_both_sides_and_the_colleagues_work_comes_home(
    home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path
) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "out.zip", overwrite=False)
    unpack_zone(away, tmp_path / "out.zip")
    (there,) = away.zones()
    label(campaign, zone, "model-unet", square(300, 300, 40, "water"))
    label(away, there, "model-unet", square(400, 400, 20, "snow"), square(400, 400, 10, "water"))
    label(away, there, "bob", '{"prelabels": "replace"}')
    pack_zone(away, there, tmp_path / "back.zip", overwrite=False)
    done = unpack_zone(campaign, tmp_path / "back.zip")
    (theirs,) = (name for name in done.journals if name.startswith("model-unet.from-"))
    assert done.journals[theirs] == (2, 2)
    assert done.journals[away.pseudonym("bob")][0] > 0
    assert f"  {theirs}: 2 of 2 ops are new" in done.text().splitlines()
    assert "nothing was done" in unpack_zone(campaign, tmp_path / "back.zip").text()
    with campaign.open_store(zone) as store:
        assert store.head["model-unet"] == 1
        assert store.missing() == {}
    pack_zone(campaign, zone, tmp_path / "on.zip", overwrite=False)
    (ours,) = (one for one in unpack_zone(away, tmp_path / "on.zip").journals if ".from-" in one)
    assert exported(away, there, tmp_path) == exported(campaign, zone, tmp_path)
    pack_zone(away, there, tmp_path / "again.zip", overwrite=False)
    assert "nothing was done" in unpack_zone(campaign, tmp_path / "again.zip").text()
    assert verify_journals(campaign, zone, author=None).sound
    before = files(away.path)
    with pytest.raises(JournalError, match=f"{ours} is a model of another campaign"):
        label(away, there, ours, square(300, 300, 40, "snow"))
    with pytest.raises(JournalError, match="is a pseudonym; label under your own name"):
        label(away, there, campaign.pseudonym("marie"), square(300, 300, 40, "snow"))
    with pytest.raises(JournalError, match="came here with a pack"):
        review_zone(away, there, author="import", verdict="send-back", reason="mine")
    assert files(away.path) == before
    label(away, there, "model-unet", square(450, 450, 20, "snow"))  # its own goes on


def test_who_unpacks_second_at_the_same_time_is_told_to_do_it_again(
    home: tuple[Campaign, Zone], away: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, zone = home
    pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    zones = Campaign.zones

    def before_the_other(opened: Campaign) -> tuple[Zone, ...]:
        monkeypatch.setattr(Campaign, "zones", zones)
        found = opened.zones()
        unpack_zone(away, tmp_path / "zone.zip")
        return found

    monkeypatch.setattr(Campaign, "zones", before_the_other)
    with pytest.raises(CampaignError, match="came here meanwhile, by another unpack say; unpack it again"):
        unpack_zone(away, tmp_path / "zone.zip")
    assert "nothing was done" in unpack_zone(away, tmp_path / "zone.zip").text()
