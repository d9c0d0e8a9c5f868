from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.errors import RasterError, ReleaseError, VectorError
from workbench.export import open_release, verify_release
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import Window
from workbench.geo.raster import read_bands
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, judge, publish, release_sources
from workbench.workflows.standing import review_zone


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    image, mask = make_ortho(1024, 512)
    return add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, author="marie").zone


def edit(campaign: Campaign, zone: Zone, author: str) -> None:
    window = Window(row=3, col=4, height=8, width=9)
    with campaign.open_store(zone, author=author) as store:
        store.apply(assign(np.ones(window.shape, dtype=bool), window, 14, Provenance(tool="brush")))


def quiet(message: str) -> None:
    """Say nothing."""


def test_a_release_holds_the_accepted_labels_and_pixels(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    assert verify_release(release.path).sound
    with campaign.open_store(zone) as store:
        for patch in open_release(release.path).patches():
            assert (release.labels(patch) == store.labels[patch.window.slices]).all()
            image = campaign.read_image(zone, window=patch.window)
            assert (release.image(patch, layout="flair1") == image).all()
            assert (release.image(patch, layout="flair-hub") == image[:4]).all()


def test_an_edit_after_acceptance_keeps_the_zone_out_until_it_is_accepted_again(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="a greenhouse is missing")
    edit(campaign, zone, "paul")
    said: list[str] = []
    with pytest.raises(ReleaseError, match="no accepted zone"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=said.append)
    assert len(said) == 1
    assert "D051_2019/Z1_AA is sent back by paul: a greenhouse is missing and stays out" in said[0]
    assert said[0].endswith("--submit, then --accept")
    assert not (tmp_path / "out").exists()
    review_zone(campaign, zone, author="paul", verdict="submit")
    review_zone(campaign, zone, author="zoe", verdict="accept")
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    assert (release.labels(release.patches()[0])[3:11, 4:13] == 14).all()


def test_an_edit_while_a_release_is_built_stops_it(campaign: Campaign, zone: Zone) -> None:
    (source,) = release_sources(campaign, say=quiet)
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="a greenhouse is missing")
    edit(campaign, zone, "paul")
    with pytest.raises(ReleaseError, match="was edited while"):
        source.labels()


def test_a_raster_that_changed_since_is_not_released(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    pixels = read_bands(zone.ortho.path)
    pixels[4, 600, 100] ^= 1
    zone.ortho.path.unlink()
    write_raster(zone.ortho.path, pixels, zone.grid)
    with pytest.raises(RasterError, match="not those that zone"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    assert not (tmp_path / "out").exists()


def test_two_builds_are_the_same_bytes_and_name_nobody(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    trees = []
    for number in (1, 2):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / f"out{number}"), say=quiet)
        root = tmp_path / f"out{number}"
        trees.append({str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    assert trees[0] == trees[1]
    assert not [name for name, data in trees[0].items() if b"marie" in data]


def polygons(path: Path, *boxes: object) -> Path:
    geopandas.GeoDataFrame(geometry=list(boxes), crs=2154).to_file(path, engine="pyogrio")
    return path


def test_excluded_ground_stays_out_and_is_counted(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    left, bottom = zone.grid.bounds.left, zone.grid.bounds.bottom
    path = polygons(tmp_path / "places.gpkg", shapely.box(left + 9, bottom + 9, left + 10, bottom + 10))
    said: list[str] = []
    trial = judge(campaign, ReleaseOrder(name="V1", out=tmp_path / "out", exclude=path), say=said.append)
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out", exclude=path), say=said.append)
    assert said == []
    assert len(release.patches()) == len(zone.cells) - 1
    for done in (trial, release):
        assert done.document()["excluded_patches"] == 1
        assert "1 patch of excluded ground stayed out" in done.text()


def test_a_layer_that_covers_no_patch_is_warned_of(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    path = polygons(tmp_path / "places.gpkg", shapely.box(0, 0, 9, 9))
    said: list[str] = []
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out", exclude=path), say=said.append)
    warned = f"layer places of {path} covers no patch of an accepted zone, so nothing stays out for it"
    assert said == [f"{warned}; check where it lies"]
    assert release.document()["excluded_patches"] == 0
    assert "excluded" not in release.text()
    bounds = zone.grid.bounds
    there = shapely.box(bounds.left + 9, bounds.bottom + 9, bounds.left + 10, bounds.bottom + 10)
    geopandas.GeoDataFrame(geometry=[there], crs=2154).to_file(path, engine="pyogrio", layer="more", mode="a")
    more = publish(campaign, ReleaseOrder(name="V2", out=tmp_path / "out", exclude=path), say=said.append)
    assert said[1:] == said[:1]
    assert more.document()["excluded_patches"] == 1


def test_ground_beside_a_patch_leaves_it_in(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    bounds = zone.grid.bounds
    beside = shapely.box(bounds.left - 50, bounds.bottom, bounds.left, bounds.top)
    path = polygons(tmp_path / "places.gpkg", beside)
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out", exclude=path), say=quiet)
    assert len(release.patches()) == len(zone.cells)


def test_points_beside_polygons_exclude_nothing_and_are_refused(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    path = polygons(tmp_path / "places.gpkg", shapely.box(0, 0, 9, 9), shapely.Point(9, 9))
    with pytest.raises(VectorError, match=r"1 feature of 2 in layer places cover no ground.*Buffer"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out", exclude=path), say=quiet)
    assert not (tmp_path / "out").exists()


def test_a_parent_that_the_campaign_does_not_know_is_told_of(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    said: list[str] = []
    first = publish(campaign, ReleaseOrder(name="V0.1", out=tmp_path), say=said.append)
    publish(campaign, ReleaseOrder(name="V0.2", out=tmp_path, parent=first.path), say=said.append)
    assert said == []
    with campaign.registry.writing() as connection:
        connection.execute("DELETE FROM releases WHERE name = 'V0.1'")
        connection.execute("DELETE FROM releases WHERE name = 'V0.2'")
    publish(campaign, ReleaseOrder(name="V0.3", out=tmp_path, parent=first.path), say=said.append)
    assert len(said) == 1
    assert "knows of no release like V0.1" in said[0]
    assert said[0].endswith(f"workbench release verify --pixels {first.path}")
