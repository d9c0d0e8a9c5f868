"""What napari opens and saves of ours: layers where they should lie, one sentence for a broken file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import npe2
import numpy as np
import pytest
from affine import Affine
from made_orthos import MakeOrtho
from napari.components import ViewerModel
from napari.layers import Labels, Layer

from napari_plugin import readers, releases, writers
from napari_plugin.patch_mosaic import PatchMosaic
from napari_plugin.strangers import put_in_place
from workbench.campaign import Campaign
from workbench.errors import WorkbenchError
from workbench.export import open_release, subset_release
from workbench.export.patches import Patch
from workbench.export.wanted import Wanted
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.raster import inspect_raster, read_bands
from workbench.segmentation import read_hierarchy
from workbench.segmentation.hierarchy import NODATA_LEAF
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_raster, segment_zones

NAME = "D051_2019/Z1_AA"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of two accepted zones, the first of four patches in an L and segmented, and its release."""
    from made_orthos import made_grid, made_image, made_truth

    folder = tmp_path_factory.mktemp("made")
    campaign = Campaign.create(folder / "campaign")
    for place, (name, height) in enumerate((("Z1_AA", 1024), ("Z2_AA", 512))):
        truth, grid = made_truth(height, 512, 3), made_grid(height, 512, row=4096 * place)
        image, mask = folder / f"{name}.tif", folder / f"{name}-mask.tif"
        write_raster(image, made_image(truth), grid, level=1)
        write_raster(mask, truth, grid)
        add_zone(campaign, image, domain="D051_2019", name=name, mask=mask, scheme="flair")
    list(segment_zones(campaign, NAME, say=lambda sentence: None))
    publish(campaign, ReleaseOrder(name="FR_V0.1", out=folder), say=lambda sentence: None)
    return folder


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    """A copy of the release, to be broken."""
    return shutil.copytree(made / "FR_V0.1", tmp_path / "FR_V0.1")


def opened(path: Path) -> list[Layer]:
    """Return the layers of the one reader that takes a path."""
    takes = (readers.campaign_reader, readers.regions_reader, readers.release_reader)
    (read,) = [found for reader in takes if (found := reader(str(path))) is not None]
    return [Layer.create(*made) for made in read([str(path)])]


def world(layer: Layer, row: float, col: float) -> tuple[float, float]:
    """Return where a data position of a layer lies on the ground, by its own metadata and scale."""
    down, across = layer.data_to_world((row, col))
    step = layer.metadata["transform"][0]
    x, _, left, _, y, top = layer.metadata["transform"]
    return left + (across / step + 0.5) * x, top + (down / step + 0.5) * y


# Campaign


@pytest.mark.parametrize("name", ["", "registry.gpkg"])
def test_a_campaign_is_opened_by_its_folder_and_by_its_registry(made: Path, name: str) -> None:
    (layer,) = opened(made / "campaign" / name)
    assert layer.name == f"Orthophoto {NAME}"
    assert layer.metadata["campaign"] == str(made / "campaign")
    assert layer.metadata["zone"] == NAME
    assert layer.metadata["crs"] == "EPSG:2154"
    assert layer.metadata["source"].endswith("Z1_AA.tif")


def test_every_layer_is_in_metres_with_named_axes(made: Path) -> None:
    campaign = Campaign.open(made / "campaign")
    paths = (made / "campaign", campaign.hierarchy_path(campaign.zone(NAME)), made / "FR_V0.1")
    layers = [layer for path in paths for layer in opened(path)]
    assert len(layers) == 9
    for layer in layers:
        assert [str(unit) for unit in layer.units] == ["meter", "meter"]
        assert tuple(layer.axis_labels) == ("y", "x")
        assert tuple(layer.scale) == (0.2, 0.2)
        assert {"crs", "transform", "source"} <= layer.metadata.keys()


# Regions


def test_regions_are_those_of_the_hierarchy_about_2500_pixels_large(made: Path) -> None:
    campaign = Campaign.open(made / "campaign")
    path = campaign.hierarchy_path(campaign.zone(NAME))
    hierarchy = read_hierarchy(path)
    regions, contours = opened(path)
    assert regions.name.endswith("regions Z1_AA")
    assert regions.metadata["hierarchy"] == hierarchy.digest
    count = regions.metadata["regions"]
    assert count == len(np.unique(regions.data))
    assert 2500 <= hierarchy.area.sum() / count < 2500 * 1.5
    expected = hierarchy.cut(regions.metadata["region_scale"]).labels()
    assert (regions.data == expected + 1).all()
    assert contours.multiscale
    low, high = contours.contrast_limits
    assert (low, high) == (regions.metadata["level"], regions.metadata["level"] + 1)
    edges = np.asarray(contours.data[0]) > low
    across, down = np.diff(regions.data, axis=1) != 0, np.diff(regions.data, axis=0) != 0
    assert (edges[:-1, :-1] == (across[:-1] | down[:, :-1])).all()


def test_pixels_without_image_are_no_region(tmp_path: Path, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho(256, 256)
    info, pixels = inspect_raster(image), read_bands(image)
    pixels[:, :40] = 0
    holed = tmp_path / "holed.tif"
    write_raster(holed, pixels, info.grid)
    import rasterio

    with rasterio.open(holed, "r+") as file:
        file.nodata = 0
    segment_raster(holed, tmp_path / "scene.h5")
    regions, contours = opened(tmp_path / "scene.h5")
    leaves = read_hierarchy(tmp_path / "scene.h5").leaves
    assert ((regions.data == 0) == (leaves == NODATA_LEAF)).all()
    assert (regions.data == 0).any()
    assert not contours.multiscale
    assert regions.name.endswith("regions scene")


def test_a_foreign_h5_is_left_to_others(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file["weights"] = np.zeros(3)
    assert readers.regions_reader(str(tmp_path / "model.h5")) is None
    assert readers.regions_reader([str(tmp_path / "a.h5"), str(tmp_path / "b.h5")]) is None
    assert readers.regions_reader(str(tmp_path / "absent.h5")) is None


# Release


@pytest.mark.parametrize("name", ["", "release.json", "index.parquet"])
def test_a_release_shows_the_patches_of_its_first_zone_where_they_lie(made: Path, name: str) -> None:
    release = open_release(made / "FR_V0.1")
    picture, *_, outlines, labels = opened(made / "FR_V0.1" / name)
    assert picture.name == f"{NAME}, 2 of 3 patches"
    shown = [patch for patch in release.patches() if patch.zone == NAME]
    assert list(outlines.features["id"]) == [patch.id for patch in shown]
    assert set(outlines.features["split_1"]) <= {"train", "valid", "test"}
    for patch, corners in zip(shown, outlines.data, strict=True):
        window = patch.window
        assert (labels.data[window.slices] == release.labels(patch)).all()
        assert (picture.data[window.slices] == np.moveaxis(release.image(patch)[:3], 0, 2)).all()
        bounds = patch.grid.bounds
        found = [world(outlines, *corner) for corner in corners]
        assert {round(x, 3) for x, _ in found} == {round(bounds.left, 3), round(bounds.right, 3)}
        assert {round(y, 3) for _, y in found} == {round(bounds.top, 3), round(bounds.bottom, 3)}
    assert world(labels, 0, 0) == pytest.approx(shown[0].grid.xy(0, 0))


def test_only_so_many_patches_are_shown(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "_MOST_PATCHES", 1)
    picture, *_, outlines, labels = opened(made / "FR_V0.1")
    assert picture.name == f"{NAME}, 1 of 3 patches"
    assert labels.data.shape == (512, 512)
    assert len(outlines.data) == 1


def test_zones_near_the_first_are_read_when_they_are_shown(release: Path) -> None:
    opened_release = open_release(release)
    second = [patch for patch in opened_release.patches() if patch.zone != NAME]
    hidden = release / second[0].files["flair-hub"]["label"].path
    content = hidden.read_bytes()
    hidden.unlink()
    layers = opened(release)
    assert [layer.visible for layer in layers] == [True, False, False, False, True, True]
    _, _, outlines, labels, *_ = layers
    with pytest.raises(WorkbenchError, match=hidden.name):
        np.asarray(labels.data)
    hidden.write_bytes(content)
    assert (np.asarray(labels.data) == opened_release.labels(second[0])).all()
    corner = layers[-1].metadata["transform"]
    bounds = second[0].grid.bounds
    top, left = outlines.data_to_world(outlines.data[0][0])
    assert corner[2] + left + 0.1 == pytest.approx(bounds.left)
    assert corner[5] - top - 0.1 == pytest.approx(bounds.top)


def test_zones_far_from_the_first_are_left_out_with_a_word(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(releases, "_NEAR", 100.0)
    monkeypatch.setattr(releases, "show_info", said.append)
    assert len(opened(made / "FR_V0.1")) == 3
    assert said == ["FR_V0.1: you see 1 of 2 zones; open the folder of another one to see it."]


@pytest.mark.parametrize("layout", ["flair-hub", "flair1"])
def test_a_folder_in_a_release_shows_what_it_holds(made: Path, layout: str) -> None:
    release = open_release(made / "FR_V0.1")
    patch = next(patch for patch in release.patches() if patch.zone != NAME)
    folder = (release.path / patch.files[layout]["label"].path).parent
    picture, outlines, labels = opened(folder)
    assert list(outlines.features["id"]) == [patch.id]
    assert (np.asarray(labels.data) == release.labels(patch)).all()
    assert picture.visible


@pytest.mark.parametrize("layout", ["flair-hub", "flair1"])
@pytest.mark.parametrize("modality", ["image", "label"])
def test_a_file_of_a_patch_shows_that_patch_in_the_colours_of_its_classes(
    made: Path, modality: str, layout: str
) -> None:
    release = open_release(made / "FR_V0.1")
    patch = release.patches()[1]
    picture, outlines, labels = opened(release.path / patch.files[layout][modality].path)
    assert list(outlines.features["id"]) == [patch.id]
    assert (picture.visible, labels.visible) == (True, modality == "label")
    assert (np.asarray(labels.data) == release.labels(patch)).all()
    code = int(labels.data[0, 0])
    colour = release.nomenclature.by_code(code).colour
    assert tuple(labels.get_color(code)[:3]) == pytest.approx(
        [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)], abs=0.005
    )


def test_what_else_lies_in_a_release_is_left_to_others(made: Path) -> None:
    folder = made / "FR_V0.1"
    for path in (folder / "README.md", next(folder.rglob("csv")), next(folder.rglob("*.csv"))):
        assert readers.release_reader(str(path)) is None


def test_a_mosaic_is_the_array_that_it_stands_for(made: Path) -> None:
    release = open_release(made / "FR_V0.1")
    shown = [patch for patch in release.patches() if patch.zone == NAME]
    whole = Window(row=0, col=0, height=1024, width=512)
    asked: list[str] = []

    def read(patch: Patch) -> Any:
        asked.append(patch.id)
        return release.labels(patch)

    expected = np.vstack([release.labels(patch) for patch in shown])
    lazy = PatchMosaic(shown, whole, read)
    assert (lazy.shape, lazy.ndim, lazy.size, lazy.dtype) == (expected.shape, 2, expected.size, np.uint8)
    assert asked == []
    assert (lazy[600, 3:9] == expected[600, 3:9]).all()
    assert asked == [shown[1].id]
    for key in (np.s_[:], np.s_[5], np.s_[..., 7], np.s_[::50, ::-1], expected == 5, ([1, 2], [3, 4])):
        assert (PatchMosaic(shown, whole, release.labels)[key] == expected[key]).all()
    lazy[0, 0] = 7
    assert np.asarray(lazy)[0, 0] == 7
    assert sorted(asked) == sorted(patch.id for patch in shown)


def test_withheld_labels_are_no_layer(made: Path, tmp_path: Path) -> None:
    whole = open_release(made / "FR_V0.1")
    subset_release(whole, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    assert [type(layer).__name__ for layer in opened(tmp_path / "OPEN")] == [
        "Image",
        "Image",
        "Shapes",
        "Shapes",
    ]


def test_a_folder_that_is_neither_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text(json.dumps({"name": "a package of another kind"}))
    assert readers.release_reader(str(tmp_path / "release.json")) is None
    assert readers.campaign_reader(str(tmp_path)) is None
    assert readers.release_reader(str(tmp_path)) is None
    assert readers.release_reader(str(tmp_path / "index.parquet")) is None


# Broken files


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    path.write_bytes(b"this is no such file")


BREAKS = {
    "registry cut short": ("campaign/registry.gpkg", cut_short, "campaign"),
    "registry that is none": ("campaign/registry.gpkg", overwritten, "campaign"),
    "nomenclature gone": ("campaign/nomenclature.json", Path.unlink, "campaign/registry.gpkg"),
    "raster gone": ("Z1_AA.tif", Path.unlink, "campaign"),
    "raster cut short": ("Z1_AA.tif", cut_short, "campaign"),
    "hierarchy cut short": (
        "campaign/zones/D051_2019/Z1_AA/hierarchy.h5",
        cut_short,
        "campaign/zones/D051_2019/Z1_AA/hierarchy.h5",
    ),
    "hierarchy that is none": (
        "campaign/zones/D051_2019/Z1_AA/hierarchy.h5",
        overwritten,
        "campaign/zones/D051_2019/Z1_AA/hierarchy.h5",
    ),
    "card cut short": ("FR_V0.1/release.json", cut_short, "FR_V0.1"),
    "index cut short": ("FR_V0.1/index.parquet", cut_short, "FR_V0.1/index.parquet"),
    "index gone": ("FR_V0.1/index.parquet", Path.unlink, "FR_V0.1"),
    "nomenclature of a release gone": ("FR_V0.1/nomenclature.json", Path.unlink, "FR_V0.1"),
}


@pytest.mark.parametrize(("file", "harm", "path"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_file_is_one_sentence(
    made: Path, tmp_path: Path, file: str, harm: Callable[[Path], Any], path: str
) -> None:
    copy = shutil.copytree(made, tmp_path / "made")
    rewrite_raster_paths(copy, made)
    harm(copy / file)
    asked = str(copy / path)
    takes = (readers.campaign_reader, readers.regions_reader, readers.release_reader)
    (read,) = [found for reader in takes if (found := reader(asked)) is not None]
    if "nomenclature" in file and "campaign" in file:
        read(asked)  # a picture needs none
        return
    with pytest.raises(WorkbenchError) as raised:
        read(asked)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert Path(file).name in sentence or Path(path).name in sentence
    assert len(sentence) < 400


def test_a_patch_that_is_gone_is_named(release: Path) -> None:
    patch = open_release(release).patches()[0]
    (release / patch.files["flair-hub"]["label"].path).unlink()
    with pytest.raises(WorkbenchError, match=Path(patch.files["flair-hub"]["label"].path).name):
        releases.release_layers(release)


def test_a_campaign_without_a_zone_says_how_to_add_one(campaign: Campaign) -> None:
    with pytest.raises(WorkbenchError, match="has no zone yet; add one: workbench zone add"):
        readers.campaign_layers(campaign.path)


def rewrite_raster_paths(copy: Path, original: Path) -> None:
    """Have a copied campaign use the copied rasters."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(copy / "campaign" / "registry.gpkg")) as connection, connection:
        connection.execute("UPDATE zones SET rasters = replace(rasters, ?, ?)", (str(original), str(copy)))
        connection.execute("DELETE FROM campaign WHERE key = 'content_sha256'")


# Saving


@pytest.mark.parametrize(
    ("write", "scheme"),
    [
        (writers.write_flair, "flair"),
        (writers.write_flair_hub, "flair_hub"),
        (writers.write_cosia_numero, "cosia_numero"),
    ],
)
def test_labels_are_saved_where_they_lie_in_the_numbers_of_a_scheme(
    made: Path, tmp_path: Path, write: Callable[..., list[str]], scheme: str
) -> None:
    release = open_release(made / "FR_V0.1")
    labels = opened(made / "FR_V0.1")[-1]
    path = tmp_path / "étiquettes.tif"
    for _ in range(2):  # napari's dialog has asked whether to replace it
        assert write(str(path), labels.data, labels._get_state()) == [str(path)]
    info = inspect_raster(path)
    assert (read_bands(path)[0] == release.nomenclature.encode(np.asarray(labels.data), scheme)).all()
    assert info.grid.crs == "EPSG:2154"
    assert tuple(info.grid.transform)[:6] == pytest.approx(labels.metadata["transform"])
    assert info.tags["SCHEME"] == scheme
    assert info.tags["ZONE"] == NAME


def test_napari_itself_opens_a_release_and_saves_its_labels(made: Path, tmp_path: Path, npe2pm: Any) -> None:
    npe2pm.register(npe2.PluginManifest.from_distribution("ocs-workbench"))
    viewer = ViewerModel()
    viewer.open(str(made / "FR_V0.1"), plugin="ocs-workbench")
    saved = viewer.layers[-1:].save(str(tmp_path / "labels"), plugin="ocs-workbench")
    assert saved == [str(tmp_path / "labels.tif")]
    assert (read_bands(tmp_path / "labels.tif")[0] == viewer.layers[-1].data).all()


def test_a_zone_beside_the_first_is_drawn_when_its_eye_is_opened(
    made: Path, make_napari_viewer_proxy: Callable[..., Any], npe2pm: Any
) -> None:
    npe2pm.register(npe2.PluginManifest.from_distribution("ocs-workbench"))
    viewer = make_napari_viewer_proxy(show=True)
    viewer.open(str(made / "FR_V0.1"), plugin="ocs-workbench")
    second = viewer.layers[1]
    assert "Z2_AA" in second.name
    assert viewer.scene.camera.center[-2] == pytest.approx(102.4, abs=1), (
        "it looks at the middle of the first zone"
    )
    viewer.scene.camera.center = (viewer.scene.camera.center[0], second.translate[0] + 51.2, 51.2)
    assert not viewer.screenshot(flash=False)[..., :3].any()
    second.visible = True
    assert viewer.screenshot(flash=False)[..., :3].any()


@pytest.mark.parametrize("layout", ["flair-hub", "flair1"])
@pytest.mark.parametrize("modality", ["image", "label"])
def test_napari_itself_opens_a_patch_of_a_release(
    made: Path, modality: str, layout: str, npe2pm: Any
) -> None:
    npe2pm.register(npe2.PluginManifest.from_distribution("ocs-workbench"))
    viewer = ViewerModel()
    patch = open_release(made / "FR_V0.1").patches()[0]
    viewer.open(str(made / "FR_V0.1" / patch.files[layout][modality].path), plugin="ocs-workbench")
    assert list(viewer.layers[1].features["id"]) == [patch.id]


def test_napari_shows_the_sentence_of_a_broken_file(tmp_path: Path, npe2pm: Any) -> None:
    npe2pm.register(npe2.PluginManifest.from_distribution("ocs-workbench"))
    (tmp_path / "hierarchy.h5").write_bytes(b"this is no such file")
    with pytest.raises(WorkbenchError, match="it is no hierarchy file, or its beginning is damaged"):
        ViewerModel().open(str(tmp_path / "hierarchy.h5"), plugin="ocs-workbench")


def test_napari_shows_why_a_layer_is_not_saved(tmp_path: Path, npe2pm: Any) -> None:
    npe2pm.register(npe2.PluginManifest.from_distribution("ocs-workbench"))
    viewer = ViewerModel()
    viewer.add_labels(np.full((4, 4), 77, np.uint8), name="mine", metadata=PLACED)
    with pytest.raises(WorkbenchError, match="mine: unknown value 77 in 16 pixels"):
        viewer.layers[:1].save(str(tmp_path / "labels.tif"), plugin="ocs-workbench")


# Beside a zone


def layer_at(east: float, south: float, *, crs: str = "EPSG:2154") -> Labels:
    """A layer of 8 m × 8 m, that much from a corner of Paris."""
    transform = (0.2, 0.0, 650_000 + east, 0.0, -0.2, 6_860_000 - south)
    metadata = {"source": "a release", "crs": crs, "transform": transform}
    return Labels(np.ones((40, 40), np.uint8), scale=(0.2, 0.2), metadata=metadata)


@pytest.mark.parametrize(
    ("east", "south", "told"),
    [
        (0.0, 0.0, []),
        (10.0, 4.0, []),
        (-7.0, 0.0, []),
        (1500.0, 0.0, ["Labels lies 1.5 km from here."]),
        (0.0, -40.0, ["Labels lies 0.1 km from here."]),
    ],
    ids=("the very place", "inside", "over the edge", "east of it", "just north of it"),
)
def test_what_lies_elsewhere_on_the_ground_lies_elsewhere_on_the_screen(
    east: float, south: float, told: list[str]
) -> None:
    grid = PixelGrid(
        crs="EPSG:2154", transform=Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000), height=100, width=100
    )
    layer = layer_at(east, south)
    for _ in range(2):  # it may be there already when a zone is opened once more
        assert put_in_place([layer], grid) == told
        assert tuple(layer.translate) == (south, east)
    assert layer.visible
    other, plain = layer_at(0, 0, crs="EPSG:4326"), Labels(np.ones((4, 4), np.uint8), translate=(3, 3))
    assert put_in_place([other, plain], grid) == [
        "Labels is in EPSG:4326 and this zone in EPSG:2154: it is not shown here."
    ]
    assert not other.visible
    assert tuple(plain.translate) == (3, 3)


# What cannot be saved

PLACED = {"crs": "EPSG:2154", "transform": (0.2, 0.0, 831081.6, 0.0, -0.2, 6829179.2)}
CODES = np.full((4, 4), 5, np.uint8)
REFUSALS = {
    "no place": (CODES, {}, "do not say where it lies"),
    "no crs": (CODES, {"transform": PLACED["transform"]}, "have no crs"),
    "half a transform": (CODES, {"crs": "EPSG:2154", "transform": (0.2, 0.0)}, "do not say where it lies"),
    "a rotated grid": (CODES, {"crs": "EPSG:2154", "transform": (0.2, 0.1, 0, 0.1, -0.2, 0)}, "rotated"),
    "no crs that is one": (CODES, PLACED | {"crs": "Lambert"}, "Lambert"),
    "a pyramid": ([CODES, CODES[::2, ::2]], PLACED, "no single raster"),
    "three axes": (np.zeros((2, 4, 4), np.uint8), PLACED, "no single raster"),
    "no class codes": (CODES.astype(float), PLACED, "not class codes"),
    "an unknown code": (np.full((4, 4), 77, np.uint8), PLACED, "77"),
    "an unknown nomenclature": (CODES, PLACED | {"nomenclature": "corine"}, "corine"),
}


@pytest.mark.parametrize(("data", "metadata", "sentence"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_saved_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, data: Any, metadata: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "labels.tif"
    with pytest.raises(WorkbenchError, match=sentence) as raised:
        writers.write_flair(str(path), data, {"name": "Classes", "metadata": metadata})
    assert "\n" not in str(raised.value)
    assert not path.exists()
