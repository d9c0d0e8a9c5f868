"""Zones proposed from a pool: which may be, what is said of them, and that nothing is lost."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from made_orthos import MakeOrtho

from workbench.active.budget import Budget
from workbench.active.proposal import read_proposals
from workbench.campaign import Campaign
from workbench.errors import CampaignError, ModelError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import Window
from workbench.geo.predictions import PLANES
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign
from workbench.workflows.accepting import accept_proposals, proposal_table
from workbench.workflows.intake import add_zone
from workbench.workflows.measuring import OldMap, measure_labelled
from workbench.workflows.pooling import add_to_pool, drop_from_pool, pool_table
from workbench.workflows.zone_proposing import Adviser, ProposalOrder, propose_zones


def order(budget: str = "2zones", strategy: str = "stratified", **others: object) -> ProposalOrder:
    return ProposalOrder(budget=Budget.parse(budget), strategy=strategy, zone_size=1, **others)  # type: ignore[arg-type]


@pytest.fixture
def pooled(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """Return a campaign with a pool of two dalles of 2 × 2 patches, in two domains."""
    near, _ = make_ortho(1024, 1024, seed=1, name="near")
    far, _ = make_ortho(1024, 1024, row=20_480, seed=2, name="far")
    add_to_pool(campaign, [near], domain="D055_2018", acquired=date(2018, 9, 16), camera="C1")
    add_to_pool(campaign, [far], domain="D067_2021")
    return campaign


def said_by(folder: Path, campaign: Campaign, doubtful: str = "near") -> Adviser:
    """Return a model that takes all for water, and doubts what one dalle shows."""

    def predict(dalle):
        planes = np.zeros((3, *dalle.grid.shape), np.uint8)
        planes[0], planes[1] = 5, 250
        if dalle.name == doubtful:
            planes[1:, :512], planes[2, :512] = 100, 200
        path = folder / f"{dalle.name}-said.tif"
        tags = {"MODEL": "m", "MODEL_SHA256": "0" * 64}
        if not path.exists():
            write_raster(path, planes, dalle.grid, descriptions=PLANES, tags=tags)
        return path

    return Adviser(model="m", digest="0" * 64, predict=predict)


def test_what_is_proposed_lies_on_the_pool_and_is_read_again(pooled: Campaign):
    done = propose_zones(pooled, order("3zones"))
    assert (done.candidates, done.domains, len(done.proposals)) == (8, 2, 3)
    again = read_proposals(done.path)
    assert [one.document() for one in again] == [one.document() for one in done.proposals]
    assert {one.domain for one in again} == {"D055_2018", "D067_2021"}
    assert all(one.footprint.area == pytest.approx(102.4**2) for one in again)


def test_the_same_order_writes_the_same_bytes(pooled: Campaign):
    first = propose_zones(pooled, order()).path.read_bytes()
    assert propose_zones(pooled, order()).path.read_bytes() == first
    shutil.rmtree(pooled.path / "pool")  # what is measured is derived
    assert propose_zones(pooled, order()).path.read_bytes() == first


def test_qgis_reads_why(pooled: Campaign):
    import geopandas

    frame = geopandas.read_file(propose_zones(pooled, order()).path, layer="proposals")
    assert frame.crs.to_epsg() == 2154
    assert frame["rank"].tolist() == [1, 2]
    assert frame["main_reason"].tolist() == ["drawn", "drawn"]
    assert all("by chance" in text for text in frame["reason"])


def test_a_model_s_doubt_decides(pooled: Campaign, tmp_path: Path):
    done = propose_zones(pooled, order(strategy="uncertain"), adviser=said_by(tmp_path, pooled))
    assert {one.dalle for one in done.proposals} == {"D055_2018/near"}
    assert {one.id[-4:] for one in done.proposals} == {"r0c0", "r0c1"}
    assert done.proposals[0].reasons[0].measured == pytest.approx(200 / 255)
    assert (done.proposals[0].model_id, done.proposals[0].model_sha256) == ("m", "0" * 64)


def test_what_was_measured_is_not_measured_again(pooled: Campaign, tmp_path: Path):
    adviser = said_by(tmp_path, pooled)
    propose_zones(pooled, order(strategy="uncertain"), adviser=adviser)
    kept = sorted((pooled.path / "pool").rglob("measures.json"))
    stamps = [path.stat().st_mtime_ns for path in kept]
    propose_zones(pooled, order(strategy="stratified"), adviser=adviser)
    assert len(kept) == 2
    assert [path.stat().st_mtime_ns for path in kept] == stamps


@pytest.fixture
def labelled(campaign: Campaign, make_ortho: MakeOrtho) -> tuple[Campaign, Zone]:
    image, _ = make_ortho(512, 512, name="labelled")
    zone = add_zone(campaign, image, domain="D055_2018", name="Z1").zone
    paint(campaign, zone, 5, rows=300)
    return campaign, zone


def paint(campaign: Campaign, zone: Zone, code: int, *, rows: int) -> None:
    window = Window(row=0, col=0, height=rows, width=512)
    with campaign.open_store(zone, author="marie") as store:
        store.apply(assign(np.ones(window.shape, np.bool_), window, code, Provenance(tool="brush")))


def test_a_labelled_zone_is_measured_again_when_a_label_changed(labelled: tuple[Campaign, Zone]):
    campaign, zone = labelled
    before = measure_labelled(campaign, zone)
    assert before.expected == {"water": 300 * 512}
    paint(campaign, zone, 10, rows=100)
    assert measure_labelled(campaign, zone).expected == {
        "water": 200 * 512,
        "herbaceous_vegetation": 100 * 512,
    }
    with campaign.open_store(zone, author="marie") as store:
        store.undo()
    assert measure_labelled(campaign, zone).document() == before.document()


def test_the_picture_of_a_labelled_zone_is_read_once_until_it_changed(labelled: tuple[Campaign, Zone]):
    campaign, zone = labelled
    before = measure_labelled(campaign, zone)
    path, facts = zone.ortho.path, zone.ortho.path.stat()
    path.write_bytes(b"\0" * facts.st_size)  # whoever reads it is told
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert measure_labelled(campaign, zone).document() == before.document()
    path.touch()
    with pytest.raises(RasterError):
        measure_labelled(campaign, zone)


@pytest.mark.parametrize("cut", [None, 0, 200], ids=["missing", "empty", "cut"])
def test_measures_of_a_labelled_zone_that_are_damaged_are_taken_anew(
    labelled: tuple[Campaign, Zone], cut: int | None
):
    campaign, zone = labelled
    before, kept = measure_labelled(campaign, zone), campaign.zone_dir(zone) / "measures.json"
    whole = kept.read_bytes()
    if cut is None:
        kept.unlink()
    else:
        kept.write_bytes(whole[:cut])
    assert measure_labelled(campaign, zone).document() == before.document()
    assert kept.read_bytes() == whole


def test_measures_that_cannot_be_kept_are_no_error(labelled: tuple[Campaign, Zone]):
    campaign, zone = labelled
    before, kept = measure_labelled(campaign, zone), campaign.zone_dir(zone) / "measures.json"
    kept.unlink()
    kept.mkdir()
    assert measure_labelled(campaign, zone).document() == before.document()


def test_what_is_kept_of_a_zone_is_all_that_was_measured(labelled: tuple[Campaign, Zone]):
    before = measure_labelled(*labelled)
    assert before.parts.pixels.sum() == 512**2
    assert {-1, 4} == set(before.parts.classes.tolist())  # nothing is said of some, and the rest is water
    assert measure_labelled(*labelled).document() == before.document()


def test_no_zone_is_proposed_on_labelled_ground(pooled: Campaign, make_ortho: MakeOrtho):
    again, _ = make_ortho(1024, 1024, seed=9, name="again")  # the ground of the first dalle, at another date
    add_zone(pooled, again, domain="D055_2021", name="Z1")
    done = propose_zones(pooled, order("9zones"))
    assert {one.domain for one in done.proposals} == {"D067_2021"}
    assert done.left_out == ("left out: 4 candidates on ground that a zone shows already",)


def test_of_two_pictures_of_a_place_the_newest_is_proposed(pooled: Campaign, make_ortho: MakeOrtho):
    newer, _ = make_ortho(1024, 1024, seed=9, name="newer")
    add_to_pool(pooled, [newer], domain="D055_2021", acquired=date(2021, 7, 1))
    done = propose_zones(pooled, order("9zones"))
    assert sorted({one.dalle for one in done.proposals}) == ["D055_2021/newer", "D067_2021/far"]


def test_nothing_is_proposed_on_or_beside_ground_of_test_folds(pooled: Campaign, make_ortho: MakeOrtho):
    # Beside the far dalle, of another department: its fold is kept for test.
    beside, _ = make_ortho(512, 512, row=20_480, col=1024, seed=5, name="beside")
    add_zone(pooled, beside, domain="D088_2019", name="Z1")
    pooled.registry.keep_for_test([pooled.folds()["D088_2019"]])
    done = propose_zones(pooled, order("9zones"))
    assert {one.id for one in done.proposals if one.domain == "D067_2021"} == {
        "D067_2021/far-r0c0",
        "D067_2021/far-r1c0",
    }
    assert done.left_out == ("left out: 2 candidates on or beside ground of fold 1, kept for test",)


def test_another_year_of_a_test_department_is_test(pooled: Campaign, make_ortho: MakeOrtho):
    elsewhere, _ = make_ortho(512, 512, row=90_112, seed=5, name="elsewhere")
    add_zone(pooled, elsewhere, domain="D067_2018", name="Z1")
    pooled.registry.keep_for_test([pooled.folds()["D067_2018"]])
    assert {one.domain for one in propose_zones(pooled, order("9zones")).proposals} == {"D055_2018"}


def test_a_new_domain_never_comes_into_a_test_fold(pooled: Campaign):
    pooled.registry.keep_for_test([1, 2, 3])  # all folds are empty: the first would be next
    propose_zones(pooled, order("9zones"))
    accept_proposals(pooled)
    assert set(pooled.folds().values()) == {4, 5}


@pytest.mark.parametrize(("wish", "found"), [("known", {"D055_2018"}), ("new", {"D067_2021"})])
def test_rounds_deepen_known_domains_or_open_new_ones(pooled, make_ortho, wish, found):
    elsewhere, _ = make_ortho(512, 512, row=90_112, seed=5, name="elsewhere")
    add_zone(pooled, elsewhere, domain="D055_2018", name="Z1")
    done = propose_zones(pooled, order("9zones", domains=wish))
    assert {one.domain for one in done.proposals} == found


def test_an_old_map_tells_classes_where_no_model_is(pooled: Campaign, tmp_path: Path):
    grid = inspect_raster(tmp_path / "near.tif").grid
    values = np.full((1024, 1024), 10, np.uint8)
    values[512:] = 1
    write_raster(tmp_path / "old.tif", values, grid)
    drop_from_pool(pooled, "D067_2021/far")
    found = propose_zones(pooled, order("2zones", old_map=OldMap(path=tmp_path / "old.tif", scheme="flair")))
    # One of each class, for strata are domain, theme and main class.
    assert {one.id[-4:-2] for one in found.proposals} == {"r0", "r1"}


def test_proposals_become_zones_that_know_why(pooled: Campaign):
    propose_zones(pooled, order("3zones"))
    first = accept_proposals(pooled, first=1)
    rest = accept_proposals(pooled)
    assert (len(first.zones), first.waiting, len(rest.zones), rest.waiting) == (1, 2, 2, 0)
    zone = pooled.zone("D055_2018/Z1")
    assert (zone.acquired, zone.camera, zone.ortho.bands) == (
        date(2018, 9, 16),
        "C1",
        ("R", "G", "B", "NIR", "E"),
    )
    offer, choice = pooled.registry.offers()[zone.id], pooled.registry.choices()[zone.id]
    assert "by chance" in offer.reason
    assert (choice.strategy, choice.inclusion is not None) == ("stratified", True)
    np.testing.assert_array_equal(
        pooled.read_image(zone), read_bands(zone.ortho.path, window=zone.ortho.window)
    )
    assert accept_proposals(pooled).zones == ()
    table = proposal_table(pooled)
    assert set(table.zones.values()) == {zone.id for zone in pooled.zones()}


def test_a_proposal_is_accepted_by_its_id(pooled: Campaign):
    wanted = propose_zones(pooled, order("3zones")).proposals[2].id
    assert [one.id for _, one in accept_proposals(pooled, ids=[wanted]).zones] == [wanted]
    with pytest.raises(CampaignError, match="there is no proposal D1_2000/x"):
        accept_proposals(pooled, ids=["D1_2000/x"])


def test_candidates_may_be_drawn(pooled: Campaign, tmp_path: Path):
    drawn = draw(tmp_path, pooled, [(0, 0, 1, 2)])
    done = propose_zones(pooled, order("9zones", candidates=drawn))
    assert [(one.id, round(one.area, 4)) for one in done.proposals] == [
        ("D055_2018/near-c1", round(2 * 0.1024**2, 4))
    ]


def test_an_old_map_that_is_not_there_is_one_sentence(pooled: Campaign, tmp_path: Path):
    with pytest.raises(RasterError, match=r"gone\.tif is not a file on this machine"):
        propose_zones(pooled, order(old_map=OldMap(path=tmp_path / "gone.tif", scheme="flair")))


def test_overlapping_candidates_are_refused(pooled: Campaign, tmp_path: Path):
    drawn = draw(tmp_path, pooled, [(0, 0, 1, 2), (0, 1, 2, 1)])
    with pytest.raises(CampaignError, match="candidates 1 and 2 overlap"):
        propose_zones(pooled, order("9zones", candidates=drawn))


def test_candidates_off_the_pool_are_refused(pooled: Campaign, tmp_path: Path):
    drawn = draw(tmp_path, pooled, [(0, 0, 1, 1), (60, 0, 1, 1)])
    with pytest.raises(CampaignError, match="candidate 2 holds the centre of no patch cell"):
        propose_zones(pooled, order("9zones", candidates=drawn))


def draw(folder: Path, campaign: Campaign, squares: list[tuple[int, int, int, int]]) -> Path:
    """Write squares of so many cells from the near dalle's corner: row, column, rows, columns."""
    import geopandas

    grid = inspect_raster(folder / "near.tif").grid
    left, top = grid.bounds.left, grid.bounds.top
    boxes = [
        shapely.box(
            left + 102.4 * col, top - 102.4 * (row + rows), left + 102.4 * (col + cols), top - 102.4 * row
        )
        for row, col, rows, cols in squares
    ]
    path = folder / "drawn.gpkg"
    geopandas.GeoDataFrame(geometry=boxes, crs=grid.crs).to_file(path)
    return path


def test_an_empty_pool_is_told(campaign: Campaign):
    with pytest.raises(CampaignError, match="has no pool to propose from; add orthophotos"):
        propose_zones(campaign, order())


def test_a_model_with_other_classes_is_refused(pooled: Campaign, tmp_path: Path):
    adviser = said_by(tmp_path, pooled)

    def strange(dalle):
        path = adviser.predict(dalle)
        info = inspect_raster(path)
        planes = read_bands(path)
        planes[0] = 77
        path.unlink()
        write_raster(
            path, planes, info.grid, descriptions=PLANES, tags={"MODEL": "m", "MODEL_SHA256": "0" * 64}
        )
        return path

    with pytest.raises(ModelError, match="has class 77"):
        propose_zones(pooled, order(), adviser=Adviser(model="m", digest="0" * 64, predict=strange))


def test_disagreement_of_one_view_is_refused(pooled: Campaign, tmp_path: Path):
    with pytest.raises(ModelError, match="--views 8"):
        propose_zones(pooled, order(doubt="disagreement"), adviser=said_by(tmp_path, pooled))


def test_what_is_no_file_of_proposals_is_never_replaced(pooled: Campaign):
    (pooled.path / "proposals.gpkg").write_bytes(b"a file of mine")
    with pytest.raises(CampaignError, match="not replaced"):
        propose_zones(pooled, order())
    assert (pooled.path / "proposals.gpkg").read_bytes() == b"a file of mine"


def test_a_dalle_that_changed_is_told(pooled: Campaign, make_ortho: MakeOrtho, tmp_path: Path):
    (tmp_path / "near.tif").unlink()
    (tmp_path / "near-mask.tif").unlink()
    make_ortho(512, 512, seed=1, name="near")
    with pytest.raises(CampaignError, match="is another raster than when it joined the pool"):
        propose_zones(pooled, order())


def test_a_dalle_is_in_the_pool_once(pooled: Campaign, tmp_path: Path):
    near = tmp_path / "near.tif"
    with pytest.raises(CampaignError, match="is in the pool already, as D055_2018/near"):
        add_to_pool(pooled, [near], domain="D099_2020")
    assert pool_table(pooled).count("\n") == 2


def test_of_dalles_that_do_not_fit_none_joins(pooled: Campaign, make_ortho: MakeOrtho, tmp_path: Path):
    good, _ = make_ortho(1024, 1024, row=40_960, seed=3, name="good")
    with pytest.raises(RasterError, match=r"gone\.tif"):
        add_to_pool(pooled, [good, tmp_path / "gone.tif"], domain="D055_2018")
    assert "good" not in pool_table(pooled)


def test_damage_to_proposals_is_one_sentence(pooled: Campaign):
    path = propose_zones(pooled, order()).path
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(CampaignError, match=r"no file of proposals|is damaged"):
        read_proposals(path)
