from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas
import numpy as np
import pytest
from made_orthos import MakeOrtho

from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.documents import write_document
from workbench.errors import CampaignError, DocumentError, HierarchyError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import Window
from workbench.geo.raster import read_bands
from workbench.geo.zone import Cell, Zone
from workbench.nomenclature import load_nomenclature
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones


def test_a_zone_comes_back_as_it_was_added(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho(1100, 600)
    added = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", camera="UCE-M3").zone
    assert Campaign.open(campaign.path).zones() == (added,)
    assert added.cells == (Cell(row=0, col=0), Cell(row=1, col=0))
    assert (campaign.read_image(added) == read_bands(image, window=added.ortho.window)).all()


def test_the_registry_opens_as_a_geopackage_map(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho(1100, 600)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    layer = geopandas.read_file(campaign.path / "registry.gpkg", layer="zones")
    assert list(layer["id"]) == [zone.id]
    assert layer.crs.to_epsg() == 2154
    bounds = zone.grid.bounds
    assert layer.total_bounds == pytest.approx([bounds.left, bounds.bottom, bounds.right, bounds.top])
    folds = geopandas.read_file(campaign.path / "registry.gpkg", layer="domains")
    assert dict(zip(folds["name"], folds["fold"], strict=True)) == {"D051_2019": 1}


def test_domains_get_folds_in_turn_and_keep_them(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    seen = {}
    for number in range(6):
        image, _ = make_ortho(col=1024 * number, name=f"scene{number}")
        domain = f"D05{number}_2019"
        add_zone(campaign, image, domain=domain, name="Z1_AA")
        assert campaign.folds().items() >= seen.items()
        seen = campaign.folds()
    assert list(seen.values()) == [1, 2, 3, 4, 5, 1]


def test_patch_numbers_are_never_shared(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    numbers: list[int] = []
    for number in range(3):
        image, _ = make_ortho(1024, 512, col=512 * number, name=f"scene{number}")
        zone = add_zone(campaign, image, domain="D051_2019", name=f"Z{number}_AA").zone
        numbers += campaign.patch_numbers(zone).values()
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


def test_a_bare_name_is_taken_only_where_it_is_unique(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho()
    first = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    assert campaign.zone("Z1_AA") == first
    add_zone(campaign, image, domain="D051_2021", name="Z1_AA")
    with pytest.raises(CampaignError, match=r"D051_2019/Z1_AA, D051_2021/Z1_AA"):
        campaign.zone("Z1_AA")
    assert campaign.zone("D051_2019/Z1_AA") == first
    with pytest.raises(CampaignError, match="has no zone"):
        campaign.zone("../Z1_AA")


def test_a_cell_is_in_one_zone_of_its_domain(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho(1024, 512)
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    overlapping, _ = make_ortho(512, 512, row=512, name="below")
    with pytest.raises(CampaignError, match="shares 1 patch cell with zone D051_2019/Z1_AA"):
        add_zone(campaign, overlapping, domain="D051_2019", name="Z2_AA")
    add_zone(campaign, overlapping, domain="D051_2022", name="Z2_AA")


def test_names_that_differ_in_case_only_are_the_same_name(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho()
    other, _ = make_ortho(col=512, name="other")
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    with pytest.raises(CampaignError, match="already"):
        add_zone(campaign, other, domain="D051_2019", name="z1_aa")


def test_a_failing_import_leaves_the_campaign_as_it_was(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho()
    zone = add_zone(
        Campaign.create(campaign.path.with_name("other")), image, domain="D051_2019", name="Z1"
    ).zone
    before = snapshot(campaign.path)

    def fail(open_store: object) -> None:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        campaign.add_zone(Arrival(zone=zone), fill=fail)
    assert snapshot(campaign.path) == before
    campaign.add_zone(Arrival(zone=zone))
    assert campaign.zones() == (zone,)


def test_a_changed_raster_is_noticed(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    pixels = read_bands(image)
    pixels[0, 100, 100] ^= 1
    image.unlink()
    write_raster(image, pixels, zone.grid)
    with pytest.raises(RasterError, match="not those that zone D051_2019/Z1_AA was made on"):
        campaign.read_image(zone)


def test_the_surroundings_of_a_zone_reach_as_far_as_the_raster(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    image, _ = make_ortho(100 + 512 + 40, 30 + 512 + 400, row=-100, col=-30)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    pixels, offset = campaign.read_surroundings(zone, margin=64)
    assert offset == (-64, -30)
    assert pixels.shape[1:] == (64 + 512 + 40, 30 + 512 + 64)
    window = Window(row=10, col=20, height=50, width=60)
    inside = pixels[:, 64 + 10 : 64 + 60, 30 + 20 : 30 + 80]
    assert (inside == campaign.read_image(zone, window=window)).all()


def test_a_moved_campaign_still_finds_its_own_rasters(tmp_path: Path, make_ortho: MakeOrtho) -> None:
    campaign = Campaign.create(tmp_path / "before")
    image, _ = make_ortho()
    (campaign.path / "rasters").mkdir()
    inside = Path(shutil.copy(image, campaign.path / "rasters"))
    zone = add_zone(campaign, inside, domain="D051_2019", name="Z1_AA").zone
    moved = Campaign.open(campaign.path.rename(tmp_path / "after"))
    assert (moved.read_image(moved.zones()[0]) == read_bands(image)).all()
    assert moved.zones()[0].id == zone.id


def test_people_have_one_pseudonym_in_a_campaign_and_another_in_the_next(tmp_path: Path) -> None:
    one, other = Campaign.create(tmp_path / "one"), Campaign.create(tmp_path / "other")
    assert one.pseudonym("marie") == Campaign.open(one.path).pseudonym("marie")
    assert one.pseudonym("marie") != one.pseudonym("paul")
    assert one.pseudonym("marie") != other.pseudonym("marie")
    assert "marie" not in one.pseudonym("marie")


def own_nomenclature(path: Path) -> Path:
    document = load_nomenclature("flair-19").document() | {"name": "ours", "version": "0.3.0"}
    document["classes"][0]["titles"] = {"en": "house", "fr": "maison"}
    write_document(document, path, schema="nomenclature")
    return path


def test_a_campaign_reads_by_its_own_copy_of_its_nomenclature(tmp_path: Path, make_ortho: MakeOrtho) -> None:
    document = own_nomenclature(tmp_path / "ours.json")
    campaign = Campaign.create(tmp_path / "campaign", nomenclature=str(document))
    document.unlink()
    opened = Campaign.open(campaign.path.rename(tmp_path / "moved"))
    assert (opened.nomenclature.name, opened.nomenclature.by_code(1).titles["en"]) == ("ours", "house")
    image, mask = make_ortho()
    zone = add_zone(opened, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    with opened.open_store(zone) as store:
        assert (store.labels == read_bands(mask)[0]).all()


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_another_nomenclature_under_the_journals_is_refused(campaign: Campaign, damage: str) -> None:
    path = campaign.path / "nomenclature.json"
    if damage == "missing":
        path.unlink()
    else:
        path.write_text(path.read_text().replace('"code": 1,', '"code": 99,'))
    with pytest.raises(
        CampaignError, match=r"nomenclature\.json is missing, or not the flair-19 1\.0\.0 that"
    ):
        str(campaign.nomenclature)


def test_a_bad_nomenclature_makes_no_campaign(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"format": "ocs-workbench/nomenclature"}')
    with pytest.raises(DocumentError, match="'classes' is a required property"):
        Campaign.create(tmp_path / "campaign", nomenclature=str(tmp_path / "bad.json"))
    assert not (tmp_path / "campaign").exists()


def test_several_zones_are_added_together_or_not_at_all(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    other = Campaign.create(campaign.path.with_name("other"))
    for number in range(3):
        add_zone(
            other, make_ortho(col=512 * number, name=f"s{number}")[0], domain="D051_2019", name=f"Z{number}"
        )
    arrivals = [Arrival(zone=zone, fold=4, numbers=other.patch_numbers(zone)) for zone in other.zones()]
    before = snapshot(campaign.path)

    def fail_at_the_last(staged: Campaign, zone: Zone) -> None:
        assert staged.journal_dir(zone).is_dir()
        assert not campaign.zone_dir(zone).exists()
        if zone.name == "Z2":
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        campaign.add_zones(arrivals, fill=fail_at_the_last)
    assert snapshot(campaign.path) == before
    assert list((campaign.path / "zones").iterdir()) == []
    campaign.add_zones(arrivals[1:], fill=lambda staged, zone: None)
    assert campaign.folds() == {"D051_2019": 4}
    add_zone(campaign, make_ortho(col=2048, name="far")[0], domain="D001_2020", name="Z9")
    campaign.add_zones(arrivals[:1], fill=lambda staged, zone: None)
    numbers = {zone.name: list(campaign.patch_numbers(zone).values()) for zone in campaign.zones()}
    assert numbers == {"Z0": [1], "Z1": [2], "Z2": [3], "Z9": [4]}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "is not a campaign"),
        (lambda path: path.write_text("text"), "restore it from a backup"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "restore it from a backup"),
        (lambda path: alter(path, "UPDATE campaign SET value = '99' WHERE key = 'format_version'"), "newer"),
        (lambda path: alter(path, "DELETE FROM campaign"), "no registry"),
        (lambda path: alter(path, "UPDATE campaign SET value = 'x' WHERE key = 'format_version'"), "damaged"),
        (lambda path: alter(path, "DROP TABLE campaign"), "damaged"),
    ],
    ids=["missing", "text", "truncated", "newer format", "another file", "no version", "no table"],
)
def test_a_broken_registry_gets_one_clear_sentence(campaign: Campaign, damage: object, reason: str) -> None:
    damage(campaign.path / "registry.gpkg")  # type: ignore[operator]
    with pytest.raises(CampaignError, match=reason):
        Campaign.open(campaign.path).zones()


def alter(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_campaign_is_made_only_in_an_empty_directory(tmp_path: Path, campaign: Campaign) -> None:
    with pytest.raises(CampaignError, match="is a campaign already"):
        Campaign.create(campaign.path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    with pytest.raises(CampaignError, match="not an empty directory"):
        Campaign.create(tmp_path / "full")


def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[..., sqlite3.Connection]:
    """Make the registry wait for a lock only a moment; return the real connect."""
    real = sqlite3.connect
    monkeypatch.setattr(
        "workbench.registry.sqlite3.connect", lambda *a, **k: real(*a, **k | {"timeout": 0.1})
    )
    return real


def test_two_processes_cannot_add_at_the_same_time(
    campaign: Campaign, make_ortho: MakeOrtho, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _ = make_ortho()
    real = impatient(monkeypatch)
    holder = real(campaign.path / "registry.gpkg", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(CampaignError, match="in use by another process"):
        add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    holder.close()
    assert campaign.zones() == ()
    assert not any(path.is_dir() for path in (campaign.path / "zones").glob("*"))


def test_a_zone_added_while_a_reader_holds_the_registry_leaves_nothing(
    campaign: Campaign, make_ortho: MakeOrtho, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QGIS keeps a read transaction open: the commit fails last, after everything else was done."""
    image, _ = make_ortho()
    real = impatient(monkeypatch)
    reader = real(campaign.path / "registry.gpkg", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM zones").fetchall()
    with pytest.raises(CampaignError, match="QGIS; try again"):
        add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    reader.execute("COMMIT")
    reader.close()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    assert campaign.zones() == (zone,)


def test_what_a_killed_import_left_behind_is_cleared_by_the_next(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    (campaign.path / "zones" / ".D051_2019-Z9-deadbeef" / "journal").mkdir(parents=True)
    image, _ = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    assert [path.name for path in (campaign.path / "zones").iterdir()] == ["D051_2019"]


def test_a_zone_that_a_kill_left_unregistered_is_added_again_unless_somebody_labelled_it(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    image, mask = make_ortho()
    before = (campaign.path / "registry.gpkg").read_bytes()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    home = campaign.zone_dir(zone)
    assert not (home / ".adding").exists()
    (home / ".adding").touch()  # the kill came between rename and commit
    (campaign.path / "registry.gpkg").write_bytes(before)
    assert add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone == zone
    (home / ".adding").touch()  # it came after the commit
    campaign.open_store(zone, author="marie").close()
    (campaign.path / "registry.gpkg").write_bytes(before)  # an old backup
    with pytest.raises(CampaignError, match="exists but is not in the registry; move it away"):
        add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask)
    assert (home / "journal" / "import.sqlite").exists()


def test_a_hierarchy_of_other_pixels_is_refused(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    """Two patches have the same size, and two dates the same place: a pick would label wrong pixels."""
    image, _ = make_ortho(seed=1)
    other, _ = make_ortho(seed=2, name="other")
    zones = [
        add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone,
        add_zone(campaign, other, domain="D051_2021", name="Z1_AA").zone,
    ]
    list(segment_zones(campaign, None, say=lambda message: None))
    assert campaign.read_hierarchy(zones[0]).grid == zones[0].grid
    shutil.copy(campaign.hierarchy_path(zones[0]), campaign.hierarchy_path(zones[1]))
    with pytest.raises(HierarchyError, match="other pixels than zone D051_2021/Z1_AA"):
        campaign.read_hierarchy(zones[1])
    (done,) = segment_zones(campaign, zones[1].id, say=lambda message: None)
    assert not done.skipped
    campaign.read_hierarchy(zones[1])


def test_picture_hierarchy_and_labels_can_be_read_by_three_threads(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    image, _ = make_ortho()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    list(segment_zones(campaign, None, say=lambda message: None))
    with ThreadPoolExecutor(3) as pool:
        picture = pool.submit(campaign.read_image, zone)
        hierarchy = pool.submit(campaign.read_hierarchy, zone, image=picture.result)
        store = pool.submit(campaign.open_store, zone, author="marie")
        store.result().close()
        assert hierarchy.result().digest == campaign.read_hierarchy(zone).digest
        other = picture.result() ^ 1
        with pytest.raises(HierarchyError, match="other pixels"):
            pool.submit(campaign.read_hierarchy, zone, image=lambda: other).result()


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_reading_a_window_reads_those_pixels(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho(700, 700, row=-50, col=-70)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    window = Window(row=5, col=6, height=7, width=8)
    assert np.array_equal(campaign.read_image(zone, window=window), campaign.read_image(zone)[:, 5:12, 6:14])
