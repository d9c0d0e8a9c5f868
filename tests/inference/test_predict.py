"""Predictions of rasters: what is written, what is not looked at, and that a kill costs little."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from made_models import made_card, made_model
from made_orthos import MakeOrtho, made_grid
from safetensors.torch import load_file

from workbench.campaign import Campaign
from workbench.errors import ModelError, RasterError, WorkbenchError
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import DISAGREEMENT, PLANES, PREDICTION
from workbench.geo.raster import inspect_raster, read_bands
from workbench.inference.embedded import embedded_model
from workbench.inference.models import write_model
from workbench.inference.network import NetworkSegmenter, open_segmenter
from workbench.inference.tiles import Tiling
from workbench.nomenclature import load_nomenclature
from workbench.workflows.intake import add_zone
from workbench.workflows.predicting import Predicted, open_models, predict_file, predict_zone

SMALL = Tiling(size=128, margin=32, across=2)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return made_model(tmp_path / "model")


@pytest.fixture
def image(make_ortho: MakeOrtho) -> Path:
    return make_ortho(300, 421)[0]


def predicted(
    image: Path, output: Path, *models: Path, tiling: Tiling = SMALL, **options: object
) -> Predicted:
    segmenter = open_models(models, device="cpu", views=options.pop("views", 1))
    return predict_file(image, output, segmenter, tiling=tiling, say=lambda text: None, **options)


def test_what_is_written_is_what_the_network_says_of_the_whole(
    tmp_path: Path, image: Path, model: Path
) -> None:
    done = predicted(image, tmp_path / "p.tif", model, tiling=Tiling(size=448, margin=0))
    segmenter = open_segmenter(model, device="cpu")
    pixels = np.moveaxis(read_bands(image, bands=(1, 2, 3)), 0, 2)
    whole = np.pad(pixels, ((0, 148), (0, 27), (0, 0)), mode="symmetric")[np.newaxis]
    told = segmenter.predict_reduced(whole)[0, :, :300, :421]
    codes = np.array([0, *segmenter.card.codes(load_nomenclature("flair-19"))], dtype=np.uint8)
    written = read_bands(done.done.path)
    # A part is computed with other sums than the whole, so a byte may be rounded otherwise.
    assert (written[0] != codes[told[0]]).mean() < 1e-4
    assert np.abs(written[1:].astype(int) - told[1:]).max() <= 1
    assert len(np.unique(written[0])) > 1


def test_tiles_say_nearly_what_the_whole_says(tmp_path: Path, image: Path) -> None:
    model = embedded_model()  # random weights look farther than they would if they had learned
    whole = predicted(image, tmp_path / "whole.tif", model, tiling=Tiling(size=448, margin=0))
    right = read_bands(whole.done.path, bands=[1])
    differing = []
    for margin in (0, 64):
        done = predicted(image, tmp_path / f"{margin}.tif", model, tiling=Tiling(size=256, margin=margin))
        differing.append((read_bands(done.done.path, bands=[1]) != right).mean())
    assert 0 < differing[1] < 0.05
    assert differing[1] < differing[0]


def test_the_file_says_what_it_is(tmp_path: Path, image: Path, model: Path) -> None:
    done = predicted(image, tmp_path / "p.tif", model)
    info = inspect_raster(done.done.path)
    assert info.grid == inspect_raster(image).grid
    assert info.descriptions == ("class", "probability of the class", "entropy")
    assert info.nodata is None
    assert info.tags["MODEL"] == "made"
    assert info.tags["NOMENCLATURE"] == "flair-19 1.0.0"
    with rasterio.open(done.done.path) as written:
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert [path.name for path in tmp_path.glob(".p.tif*")] == []


def test_probabilities_are_those_of_the_classes(tmp_path: Path, image: Path, model: Path) -> None:
    predicted(image, tmp_path / "p.tif", model, probabilities=tmp_path / "all.tif")
    info, planes = inspect_raster(tmp_path / "all.tif"), read_bands(tmp_path / "p.tif")
    assert info.descriptions == ("building", "water", "clear_cut", "herbaceous_vegetation")
    shares = read_bands(tmp_path / "all.tif")
    assert not shares[2].any()
    assert np.abs(shares.max(axis=0).astype(int) - planes[1]).max() <= 1
    assert np.abs(shares.sum(axis=0, dtype=int) - 255).max() <= 2


def test_nothing_is_said_where_there_is_no_data_and_empty_tiles_are_not_looked_at(
    tmp_path: Path, model: Path
) -> None:
    pixels = np.full((3, 256, 256), 90, dtype=np.uint8)
    pixels[:, :, :140] = 0
    path = tmp_path / "gaps.tif"
    write_raster(path, pixels, made_grid(256, 256))
    with rasterio.open(path, "r+") as target:
        target.nodata = 0
    done = predicted(path, tmp_path / "p.tif", model)
    planes = read_bands(done.done.path)
    assert not planes[:, :, :140].any()
    assert planes[0, :, 140:].all()
    assert (done.done.executed, done.done.tiles) == (6, 9)


def test_blocks_and_threads_leave_no_trace(tmp_path: Path, image: Path, model: Path) -> None:
    for across in (1, 2, 8):
        predicted(image, tmp_path / f"{across}.tif", model, tiling=Tiling(size=128, margin=32, across=across))
    contents = {(tmp_path / f"{across}.tif").read_bytes() for across in (1, 2, 8)}
    assert len(contents) == 1


@pytest.mark.parametrize("blended", [False, True])
def test_tiles_asked_for_together_leave_no_trace(
    tmp_path: Path, image: Path, model: Path, monkeypatch: pytest.MonkeyPatch, *, blended: bool
) -> None:
    tiling = replace(SMALL, blended=blended)
    one = predicted(image, tmp_path / "one.tif", model, tiling=tiling, probabilities=tmp_path / "1.tif")
    monkeypatch.setattr(NetworkSegmenter, "batch", 3)
    three = predicted(image, tmp_path / "three.tif", model, tiling=tiling, probabilities=tmp_path / "3.tif")
    assert one.done.path.read_bytes() == three.done.path.read_bytes()
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "3.tif").read_bytes()
    assert one.done.executed == three.done.executed


@pytest.mark.parametrize("views", [1, 4])
def test_what_several_disagree_on_is_told_whether_tiles_are_blended_or_not(
    tmp_path: Path, image: Path, model: Path, views: int
) -> None:
    """Of one tile that holds all, the same; and blended in blocks of any size."""
    models = [model, made_model(tmp_path / "other", seed=1)][: 2 if views == 1 else 1]
    told = {}
    for blended in (False, True):
        output, every = tmp_path / f"{blended}.tif", tmp_path / f"{blended}-all.tif"
        tiling = Tiling(size=448, margin=0, blended=blended)
        predicted(image, output, *models, tiling=tiling, views=views, probabilities=every)
        assert inspect_raster(output).descriptions == (*PLANES, DISAGREEMENT)
        told[blended] = read_bands(output).astype(int)
        assert np.abs(read_bands(every).max(axis=0).astype(int) - told[blended][1]).max() <= 1
    assert np.abs(told[True][1:] - told[False][1:]).max() <= 1
    assert told[True][3].max() > 10
    for across in (1, 2, 8):
        tiling = Tiling(size=256, margin=64, across=across, blended=True)
        predicted(image, tmp_path / f"{across}.tif", *models, tiling=tiling, views=views)
    assert len({(tmp_path / f"{across}.tif").read_bytes() for across in (1, 2, 8)}) == 1


def test_a_run_that_is_stopped_goes_on_and_has_the_same_bytes(
    tmp_path: Path, image: Path, model: Path
) -> None:
    predicted(image, tmp_path / "whole.tif", model)

    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > 0:
            raise Enough

    with pytest.raises(Enough):
        predicted(image, tmp_path / "p.tif", model, progress=stop)
    assert not (tmp_path / "p.tif").exists()
    done = predicted(image, tmp_path / "p.tif", model)
    assert done.done.reused > 0
    assert done.done.executed < done.done.tiles
    assert (tmp_path / "p.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_blended_tiles_say_nearly_what_the_whole_says_and_the_same_in_blocks_of_any_size(
    tmp_path: Path, image: Path
) -> None:
    model = embedded_model()
    whole = predicted(image, tmp_path / "whole.tif", model, tiling=Tiling(size=448, margin=0))
    for across in (1, 2, 8):
        tiling = Tiling(size=256, margin=64, across=across, blended=True)
        predicted(image, tmp_path / f"{across}.tif", model, tiling=tiling)
    assert len({(tmp_path / f"{across}.tif").read_bytes() for across in (1, 2, 8)}) == 1
    told, right = read_bands(tmp_path / "1.tif"), read_bands(whole.done.path)
    assert (told[0] != right[0]).mean() < 0.1
    assert np.abs(told[1].astype(int) - right[1]).mean() < 10


_SCRIPT = """
import sys
from pathlib import Path
from workbench.inference.tiles import Tiling
from workbench.workflows.predicting import open_models, predict_file
image, output, model = map(Path, sys.argv[1:])
segmenter, tiling = open_models([model], device="cpu"), Tiling(size=128, margin=32, across=1)
told = lambda done, total: print(done, flush=True)
predict_file(image, output, segmenter, tiling=tiling, say=print, progress=told)
"""


def test_a_killed_process_leaves_parts_that_are_whole(tmp_path: Path, image: Path, model: Path) -> None:
    output = tmp_path / "p.tif"
    command = [sys.executable, "-c", _SCRIPT, str(image), str(output), str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 5:
            pass
        os.kill(process.pid, signal.SIGKILL)
    assert not output.exists()
    tiling = Tiling(size=128, margin=32, across=1)
    again = predicted(image, output, model, tiling=tiling)
    assert again.done.reused >= 5
    whole = predicted(image, tmp_path / "whole.tif", model, tiling=tiling)
    assert output.read_bytes() == whole.done.path.read_bytes()


def test_two_processes_do_not_write_the_same_output(tmp_path: Path, image: Path, model: Path) -> None:
    def again(done: int, total: int) -> None:
        with pytest.raises(ModelError, match="is being made by another process"):
            predicted(image, tmp_path / "p.tif", model)

    predicted(image, tmp_path / "p.tif", model, progress=again)


def test_a_committee_is_the_mean_of_its_members_whatever_their_order(tmp_path: Path, image: Path) -> None:
    one = made_model(tmp_path / "one")
    card = made_card(("water", "herbaceous_vegetation", "building"), ("NIR", "R"), untrained=(), name="two")
    two = made_model(tmp_path / "two", card, seed=3)
    for name, models in (("one", [one]), ("two", [two]), ("both", [one, two])):
        predicted(
            image, tmp_path / f"{name}.tif", *models, probabilities=tmp_path / f"{name}-all.tif", tiling=SMALL
        )
    classes = ("building", "water", "herbaceous_vegetation")
    shares = {}
    for name in ("one", "two", "both"):
        info = inspect_raster(tmp_path / f"{name}-all.tif")
        numbers = [info.descriptions.index(key) + 1 for key in classes]
        shares[name] = read_bands(tmp_path / f"{name}-all.tif", bands=numbers).astype(float)
    assert np.abs(shares["both"] - (shares["one"] + shares["two"]) / 2).max() <= 1
    info = inspect_raster(tmp_path / "both.tif")
    assert info.descriptions[3] == "mutual information"
    assert read_bands(tmp_path / "both.tif", bands=[4]).any()


def test_each_member_of_a_committee_sees_its_own_mean_where_a_band_lacks(tmp_path: Path, image: Path) -> None:
    names, alone = ("low", "high"), []
    for name, mean in zip(names, (8.0, 120.0), strict=True):
        card = made_card(bands=("R", "G", "NIR"), optional=("NIR",))
        bands = tuple(replace(band, mean=mean) if band.name == "NIR" else band for band in card.bands)
        made_model(tmp_path / name, replace(card, id=name, bands=bands))
        predicted(image, tmp_path / f"{name}.tif", tmp_path / name, probabilities=tmp_path / "alone.tif")
        alone.append(read_bands(tmp_path / "alone.tif").astype(float))
        (tmp_path / "alone.tif").unlink()
    for order in (names, names[::-1]):
        output = tmp_path / f"{'-'.join(order)}.tif"
        together = tmp_path / f"all-{order[0]}.tif"
        predicted(image, output, *(tmp_path / name for name in order), probabilities=together)
        assert np.abs(read_bands(together) - np.mean(alone, axis=0)).max() <= 1


def test_the_same_network_twice_is_no_committee_whatever_it_is_called(tmp_path: Path, image: Path) -> None:
    for name in ("one", "copy"):
        made_model(tmp_path / name, replace(made_card(), id=name))
    for names, told in ((("one", "one"), "one and one"), (("one", "copy"), "one and copy")):
        with pytest.raises(ModelError, match=f"models {told} are the same network, which has one opinion"):
            predicted(image, tmp_path / "out.tif", *(tmp_path / name for name in names))
        assert not (tmp_path / "out.tif").exists()


def test_of_a_committee_with_a_member_of_unknown_ground_nobody_knows_what_it_saw(
    tmp_path: Path, image: Path
) -> None:
    for seed, (name, domains) in enumerate((("known", ("D055_2018",)), ("silent", ()))):
        made_model(tmp_path / name, replace(made_card(), id=name, domains=domains), seed=seed)
    for names, told in ((("known",), '["D055_2018"]'), (("known", "silent"), None), (("silent",), None)):
        for views in (1, 4):
            output = tmp_path / f"{'-'.join(names)}-{views}.tif"
            predicted(image, output, *(tmp_path / name for name in names), views=views)
            assert inspect_raster(output).tags.get("MODEL_DOMAINS") == told


def test_a_model_that_sees_a_tile_turned_says_the_same_of_the_turned_raster(
    tmp_path: Path, model: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 128, 128), dtype=np.uint8)
    for name, turned in (("as-is", pixels), ("turned", np.rot90(pixels, axes=(1, 2)))):
        write_raster(tmp_path / f"{name}.tif", np.ascontiguousarray(turned), made_grid(128, 128))
        predicted(tmp_path / f"{name}.tif", tmp_path / f"{name}-p.tif", model, views=8)
    one, other = (read_bands(tmp_path / f"{name}-p.tif") for name in ("as-is", "turned"))
    differing = np.abs(np.rot90(one, axes=(1, 2)).astype(int) - other)
    assert differing[1:].max() <= 1
    assert (differing[0] > 0).mean() < 0.001


def test_another_resolution_is_told_and_mended_on_request(tmp_path: Path, image: Path, model: Path) -> None:
    grid, pixels = made_grid(150, 211), read_bands(image)[:3, :, :]
    coarse = np.ascontiguousarray(pixels[:, ::2, ::2])
    path = tmp_path / "coarse.tif"
    write_raster(path, coarse, replace(grid, transform=grid.transform @ Affine.scale(2)))
    said: list[str] = []
    segmenter = open_models([model], device="cpu")
    predict_file(path, tmp_path / "as-is.tif", segmenter, tiling=SMALL, say=said.append)
    assert "0.4 m" in said[0]
    assert "--resample" in said[0]
    assert inspect_raster(tmp_path / "as-is.tif").grid.resolution == 0.4
    finer = tmp_path / "finer.tif"
    predict_file(path, finer, segmenter, tiling=SMALL, resample=True, say=said.append)
    assert len(said) == 1
    assert inspect_raster(tmp_path / "finer.tif").grid.shape == (300, 422)
    assert inspect_raster(tmp_path / "finer.tif").grid.resolution == pytest.approx(0.2)


def test_a_zone_is_predicted_on_its_own_pixels(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path, model: Path
) -> None:
    image, _ = make_ortho(640, 700, row=-64, col=-64)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone
    segmenter = open_models([model], device="cpu")
    path = predict_zone(campaign, zone, segmenter, tiling=SMALL, say=lambda text: None)
    assert path == campaign.zone_dir(zone) / "prediction.tif"
    assert inspect_raster(path).grid.coincides(zone.grid)


def test_in_the_place_of_a_zones_prediction_only_an_older_one_is_replaced(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path, model: Path
) -> None:
    zone = add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone
    path = campaign.zone_dir(zone) / "prediction.tif"
    path.write_text("mine")
    segmenter = open_models([model], device="cpu")
    with pytest.raises(RasterError, match=r"prediction\.tif does not say that it is a prediction of"):
        predict_zone(campaign, zone, segmenter, tiling=SMALL, say=lambda text: None)
    assert path.read_text() == "mine"
    path.unlink()
    for one in (segmenter, open_models([made_model(tmp_path / "other", seed=1)], device="cpu")):
        predict_zone(campaign, zone, one, tiling=SMALL, say=lambda text: None)
        assert inspect_raster(path).tags["MODEL_SHA256"] == one.digest


@pytest.mark.parametrize(("tiling", "views"), [(SMALL, 1), (SMALL, 2), (replace(SMALL, blended=True), 1)])
def test_a_model_that_overflows_is_refused_and_does_not_pass_for_no_data(
    tmp_path: Path, image: Path, model: Path, tiling: Tiling, views: int
) -> None:
    weights = load_file(model / "weights.safetensors")
    kernels = {name: weight * 1e20 for name, weight in weights.items() if weight.ndim == 4}
    write_model(made_card(), weights | kernels, tmp_path / "large")
    with pytest.raises(ModelError, match=r"model made.* gives no number for .* the first at row \d+"):
        predicted(image, tmp_path / "p.tif", tmp_path / "large", tiling=tiling, views=views)
    assert not (tmp_path / "p.tif").exists()


def test_what_does_not_fit_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, image: Path, model: Path
) -> None:
    gray = tmp_path / "gray.tif"
    write_raster(gray, np.zeros((1, 64, 64), np.uint8), made_grid(64, 64))
    deep = tmp_path / "deep.tif"
    write_raster(deep, np.zeros((3, 64, 64), np.uint16), made_grid(64, 64))
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    tagged = tmp_path / "tagged.tif"
    write_raster(tagged, np.zeros((3, 64, 64), np.uint8), made_grid(64, 64), kind=PREDICTION)
    classes = tmp_path / "classes.tif"
    names = ("building", "water", "snow")
    write_raster(classes, np.zeros((3, 64, 64), np.uint8), made_grid(64, 64), descriptions=names)
    before = sorted(path.name for path in tmp_path.iterdir())
    for raster, options, told in (
        (gray, {}, "nobody says of what"),
        (gray, {"bands": ("P",)}, "takes R,G,B; R and G and B missing"),
        (gray, {"bands": ("P", "R")}, "name each of them"),
        (
            image,
            {"bands": ("R", "G", "B", "nir", "-")},
            "names nir, which is neither .*; give one of R, G, B, P, NIR, E",
        ),
        (tagged, {}, "is a prediction of the workbench, and no picture"),
        (tagged, {"bands": ("R", "G", "B")}, "is a prediction of the workbench, and no picture"),
        (classes, {}, "has a band called building, as predictions have"),
        (deep, {}, "models take 8 bits"),
        (text, {}, "is not a GeoTIFF"),
        (tmp_path / "none.tif", {}, "is not a file"),
    ):
        with pytest.raises(WorkbenchError, match=told):
            predicted(raster, tmp_path / "p.tif", model, **options)
    predicted(classes, tmp_path / "named.tif", model, bands=("R", "G", "B"))
    for name in ("named.tif", "named.qml"):
        (tmp_path / name).unlink()
    with pytest.raises(RasterError, match="is what the output is made of"):
        predicted(image, image, model, overwrite=True)
    degrees = tmp_path / "degrees.tif"
    grid = replace(made_grid(64, 64), crs="EPSG:4326", transform=Affine(1e-5, 0, 2.0, 0, -1e-5, 48.0))
    write_raster(degrees, np.zeros((3, 64, 64), np.uint8), grid)
    with pytest.raises(RasterError, match=r"lies in degrees, .* gdalwarp"):
        predicted(degrees, tmp_path / "p.tif", model, resample=True)
    degrees.unlink()
    with pytest.raises(RasterError, match="cannot hold the probabilities, too"):
        predicted(image, tmp_path / "p.tif", model, probabilities=tmp_path / "p.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
