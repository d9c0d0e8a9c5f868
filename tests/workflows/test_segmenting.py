"""Rasters to hierarchies: in memory, block by block, or refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_orthos import made_grid, made_image, made_truth

from workbench.errors import HierarchyError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PREDICTION
from workbench.segmentation import SegmentationParameters, building, read_hierarchy
from workbench.segmentation.scene import Shelf
from workbench.workflows import intake, segmenting


@pytest.fixture
def raster(tmp_path):
    image = made_image(made_truth(512, 400))
    write_raster(tmp_path / "ortho.tif", image, made_grid(*image.shape[1:]))
    return tmp_path / "ortho.tif"


def test_a_raster_that_does_not_fit_is_segmented_block_by_block(raster, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "BLOCK", 200)
    whole = segmenting.segment_raster(raster, tmp_path / "whole.h5")
    monkeypatch.setattr(segmenting, "_needed_memory", lambda info, parameters: (1.0, 0.1))
    steps, said = [], []
    parts = segmenting.segment_raster(
        raster,
        tmp_path / "parts.h5",
        memory=0.5,
        progress=lambda step, done: steps.append(done),
        say=said.append,
    )
    assert said == []
    assert steps == sorted(steps)
    one, other = read_hierarchy(whole.path), read_hierarchy(parts.path)
    assert np.array_equal(one.leaves, other.leaves)
    assert np.array_equal(one.s, other.s)
    assert one.image_digest != other.image_digest, "of the pixels, and of the file"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ortho.tif", "parts.h5", "whole.h5"]


def test_a_raster_that_fits_neither_way_is_refused_with_the_figures(raster, tmp_path):
    with pytest.raises(
        HierarchyError, match=r"GiB at once, 0\.28 GiB block by block.*--memory 0\.3 .*smaller"
    ):
        segmenting.segment_raster(raster, tmp_path / "h.h5", memory=0.0001)
    for memory in (float("nan"), 0.0, -1.0):
        with pytest.raises(HierarchyError, match="no amount of memory"):
            segmenting.segment_raster(raster, tmp_path / "h.h5", memory=memory)
    assert [path.name for path in tmp_path.iterdir()] == ["ortho.tif"]


def test_more_leaves_bands_and_pixels_need_more_memory(raster):
    info = segmenting.inspect_raster(raster)
    large = replace(info, grid=replace(info.grid, height=25_000, width=25_000))
    plain, default = map(SegmentationParameters.preset, ("plain", "default"))
    figures = [
        segmenting._needed_memory(large, default),
        segmenting._needed_memory(replace(large, band_count=10), default),
        segmenting._needed_memory(large, plain),
    ]
    assert figures == sorted(figures)
    assert all(parts < whole for whole, parts in figures)
    assert figures[2][0] > 5 * figures[0][0]
    assert figures[0][1] < 6 < figures[0][0], (
        "a large scene goes through blocks with what is given by default"
    )


def test_a_run_goes_on_from_blocks_and_leaves_none(raster, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "BLOCK", 200)
    monkeypatch.setattr(segmenting, "_needed_memory", lambda info, parameters: (1.0, 0.1))
    write, output, said = segmenting.write_hierarchy, tmp_path / "h.h5", []

    def stopped(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(segmenting, "write_hierarchy", stopped)
    with pytest.raises(KeyboardInterrupt):
        segmenting.segment_raster(raster, output, memory=0.5)
    assert (tmp_path / "h.h5.blocks").is_dir()
    monkeypatch.setattr(segmenting, "write_hierarchy", write)
    again = segmenting.segment_raster(raster, output, memory=0.5, say=said.append)
    assert said == [f"{output}: going on from 6 blocks that an earlier run made"]
    assert again.hierarchy.leaf_count
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.h5", "ortho.tif"]


def test_blocks_go_too_where_a_later_run_needs_none(raster, tmp_path, monkeypatch):
    with Shelf(tmp_path / "h.h5.blocks") as shelf:
        shelf.prepare({"image": "of another run"})
    (tmp_path / "g.h5.blocks").mkdir()
    for name in ("g.h5", "h.h5"):
        segmenting.segment_raster(raster, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.h5", "g.h5.blocks", "h.h5", "ortho.tif"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_but_an_older_hierarchy_is_replaced(raster, tmp_path, overwrite):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.tif").symlink_to(raster)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    for name in ("notes.txt", "folder", "ortho.tif", "link.tif"):
        with pytest.raises(HierarchyError, match=f"{name} (is|exists|does not say that it is a hierarchy)"):
            segmenting.segment_raster(raster, tmp_path / name, overwrite=overwrite)
    with pytest.raises(HierarchyError, match=r"null (is no file|exists)"):
        segmenting.segment_raster(raster, Path(os.devnull), overwrite=overwrite)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    (tmp_path / "h.h5").write_bytes(b"")
    if overwrite:
        segmenting.segment_raster(raster, tmp_path / "h.h5", overwrite=True)
        segmenting.segment_raster(raster, tmp_path / "h.h5", overwrite=True)


def test_a_prediction_is_not_segmented_as_a_picture(tmp_path):
    write_raster(tmp_path / "p.tif", np.zeros((3, 64, 64), np.uint8), made_grid(64, 64), kind=PREDICTION)
    with pytest.raises(RasterError, match=r"p\.tif is a prediction of the workbench, and no picture"):
        segmenting.segment_raster(tmp_path / "p.tif", tmp_path / "h.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["p.tif"]


def test_a_raster_that_cannot_be_segmented_is_named(tmp_path):
    write_raster(tmp_path / "deep.tif", np.zeros((1, 64, 64), np.int16), made_grid(64, 64))
    with pytest.raises(HierarchyError, match=r"deep\.tif: image is int16"):
        segmenting.segment_raster(tmp_path / "deep.tif", tmp_path / "h.h5")


def test_a_zone_whose_raster_is_gone_keeps_no_other_zone_waiting(campaign, make_ortho):
    for name in ("Z1_AA", "Z2_AA"):
        image, _ = make_ortho(name=name, col=512 * (name == "Z2_AA"))
        intake.add_zone(campaign, image, domain="D051_2019", name=name)
    first, second = campaign.zones()
    first.ortho.path.unlink()
    with pytest.raises(HierarchyError, match=r"^1 of 2 zones could not be segmented: .*Z1_AA"):
        list(segmenting.segment_zones(campaign, None, say=lambda message: None))
    assert campaign.hierarchy_path(second).exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_in_the_place_of_a_zones_hierarchy_only_an_older_one_is_replaced(campaign, make_ortho, overwrite):
    zone = intake.add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone
    path = campaign.hierarchy_path(zone)

    def done():
        return list(segmenting.segment_zones(campaign, zone.id, overwrite=overwrite, say=lambda _: None))

    path.write_text("mine")
    with pytest.raises(HierarchyError, match="so it is not replaced; move it away first"):
        done()
    assert path.read_text() == "mine"
    path.unlink()
    done()
    path.write_bytes(path.read_bytes()[:-1])
    done()
    assert read_hierarchy(path).leaf_count, "a damaged one is made again"
