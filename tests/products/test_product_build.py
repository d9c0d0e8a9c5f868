"""Maps on disk: what is in the files, that polygons and pixels agree, and that nothing is half done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_orthos import made_grid, made_truth
from rasterio.features import rasterize

from workbench.documents import read_document, shipped, validate
from workbench.errors import ProductError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.geo.polygons import polygonise
from workbench.geo.predictions import PREDICTION, PROBABILITIES
from workbench.geo.raster import inspect_raster
from workbench.nomenclature import load_nomenclature
from workbench.products import blocks_of
from workbench.segmentation import segment, write_hierarchy
from workbench.workflows.products import Product, build_product

FLAIR = load_nomenclature("flair-19")
PATCHES = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"
SCHEME = {"other": None, "palette": None, "unlabelled": 0}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(pixels: np.ndarray, *, grid: PixelGrid | None = None, name: str = "prediction") -> Path:
        path = tmp_path / f"{name}.tif"
        path.unlink(missing_ok=True)
        write_raster(path, pixels, grid or made_grid(*pixels.shape[-2:]), level=1)
        return path

    return write


def checked(product: Product) -> dict:
    document = json.loads(json.dumps(product.document(), allow_nan=False))
    head = {"format": "ocs-workbench/product-build", "format_version": 1}
    validate(head | document, "outputs/product-build", source="product")
    assert product.text().endswith(str(product.files[-1]))
    return document


def burnt(path: Path, field: str, like: Path) -> np.ndarray:
    """Return the polygons of a GeoPackage as pixels of a raster."""
    frame = pyogrio.read_dataframe(path)
    with rasterio.open(like) as source:
        return rasterize(
            zip(frame.geometry, frame[field], strict=True),
            out_shape=source.shape,
            transform=source.transform,
            fill=0,
            dtype="uint8",
        )


@given(hnp.arrays(np.uint8, (9, 11), elements=st.integers(0, 2)))
def test_polygons_are_valid_and_cover_the_pixels_exactly(values: np.ndarray) -> None:
    grid = made_grid(9, 11)
    outlines = polygonise(values, grid)
    assert shapely.is_valid(outlines.polygons).all()
    assert (shapely.get_type_id(outlines.polygons) == shapely.GeometryType.POLYGON).all()
    assert shapely.area(outlines.polygons).sum() == pytest.approx(0.04 * np.count_nonzero(values))
    if len(outlines.values):
        back = rasterize(
            zip(outlines.polygons, outlines.values.tolist(), strict=True),
            out_shape=values.shape,
            transform=grid.transform,
            dtype="uint8",
        )
        assert np.array_equal(back, values)


def test_cosia_is_written_in_igns_numbers_names_and_colours(write: Write, tmp_path: Path) -> None:
    truth = made_truth(300, 200)
    built = build_product(write(truth), tmp_path / "cosia", kind="cosia", domain="D051_2019")
    stem, raster = (tmp_path / "cosia" / f"D051_2019_830_6830_{end}" for end in ("vecto", "raster.tif"))
    assert built.files == (stem.with_suffix(".gpkg"), raster, stem.with_suffix(".qml"))
    numbers = FLAIR.encode(truth, "cosia_numero")
    with rasterio.open(raster) as source:
        assert np.array_equal(source.read(1), numbers)
        assert source.crs.to_epsg() == 2154
        assert source.colormap(1)[12][:3] == (0x8C, 0xD7, 0x6A)  # Pelouse
    frame = pyogrio.read_dataframe(stem.with_suffix(".gpkg"))
    assert list(frame.columns) == ["numero", "classe", "geometry"]
    assert frame.crs.to_epsg() == 2154
    titles = dict(zip(frame["numero"], frame["classe"], strict=True))
    assert (
        titles.items()
        <= {
            1: "Bâtiment",
            3: "Zone imperméable",
            6: "Surface eau",
            9: "Feuillu",
            12: "Pelouse",
            13: "Culture",
        }.items()
    )
    assert np.array_equal(burnt(stem.with_suffix(".gpkg"), "numero", raster), numbers)
    document = checked(built)
    assert sum(one["area_m2"] for one in document["classes"]) == pytest.approx(300 * 200 * 0.04)
    assert sum(one["polygons"] for one in document["classes"]) == len(frame)


def test_the_style_has_the_colour_of_each_class(write: Write, tmp_path: Path) -> None:
    built = build_product(write(made_truth(50, 50)), tmp_path / "map.gpkg", kind="cosia")
    root = ElementTree.fromstring(built.files[2].read_text())
    renderer = root.find("renderer-v2")
    assert renderer.get("attr") == "numero"
    labels = {one.get("value"): one.get("label") for one in renderer.iter("category")}
    assert labels["1"] == "Bâtiment"
    symbols = {
        one.get("name"): one.find(".//Option[@name='color']").get("value") for one in renderer.iter("symbol")
    }
    place = next(one.get("symbol") for one in renderer.iter("category") if one.get("value") == "1")
    assert symbols[place] == "206,112,121,255"


def test_fifteen_classes_have_no_coupe(write: Write, tmp_path: Path) -> None:
    path = write(np.full((40, 40), FLAIR.by_key("clear_cut").code, np.uint8))
    sixteen = build_product(path, tmp_path / "16.gpkg", kind="cosia")
    fifteen = build_product(path, tmp_path / "15.gpkg", kind="cosia", crosswalk="flair-19-to-cosia-15")
    assert [one["title"] for one in checked(sixteen)["classes"]] == ["Coupe"]
    assert [one["title"] for one in checked(fifteen)["classes"]] == ["Autre"]


def test_the_same_prediction_gives_the_same_bytes(write: Write, tmp_path: Path) -> None:
    path = write(made_truth(200, 200))
    first, second = (
        build_product(path, tmp_path / f"{name}" / "map.gpkg", kind="cosia")
        for name in ("a", "b")
        if (tmp_path / name).mkdir() is None
    )
    assert [one.read_bytes() for one in first.files] == [one.read_bytes() for one in second.files]


def test_a_raster_across_a_corner_becomes_four_blocks(write: Write, tmp_path: Path) -> None:
    truth = made_truth(100, 100)
    corner = Affine(0.2, 0, 830_000 - 50 * 0.2, 0, -0.2, 6_830_000 + 30 * 0.2)
    grid = PixelGrid(crs="EPSG:2154", transform=corner, height=100, width=100)
    shapes = {(block.west, block.north): block.window.shape for block in blocks_of(grid)}
    assert shapes == {
        (820, 6840): (30, 50),
        (830, 6840): (30, 50),
        (820, 6830): (70, 50),
        (830, 6830): (70, 50),
    }
    built = build_product(write(truth, grid=grid), tmp_path / "cosia", kind="cosia", domain="D051_2019")
    assert len(built.files) == 12
    assert sum(built.pixels.values()) == truth.size


@given(st.integers(1, 300), st.integers(1, 300), st.integers(-60_000, 60_000), st.integers(-60_000, 60_000))
def test_blocks_share_the_pixels_out(height: int, width: int, east: int, south: int) -> None:
    corner = Affine(0.2, 0, 830_000 + 0.2 * east + 0.03, 0, -0.2, 6_830_000 - 0.2 * south + 0.07)
    grid = PixelGrid(crs="EPSG:2154", transform=corner, height=height, width=width)
    covered = np.zeros((height, width), int)
    for block in blocks_of(grid):
        covered[block.window.slices] += 1
        x, y = grid.crop(block.window).xy(0, 0)
        assert block.west * 1000 <= x < block.west * 1000 + 10_000
        assert block.north * 1000 - 10_000 <= y <= block.north * 1000
    assert (covered == 1).all()


def test_ocsge_is_generalised_and_has_codes_for_numbers(write: Write, tmp_path: Path) -> None:
    codes = np.full((600, 600), FLAIR.by_key("herbaceous_vegetation").code, np.uint8)
    codes[50:150, 50:150] = FLAIR.by_key("building").code  # 400 m²
    codes[300:350, 300:350] = FLAIR.by_key("building").code  # 100 m²
    codes[400:550, 100:300] = FLAIR.by_key("water").code  # 1,200 m²
    path = write(codes)
    built = build_product(path, tmp_path / "rural.gpkg", kind="ocsge")
    frame = pyogrio.read_dataframe(built.files[0])
    assert sorted(frame["code_cs"]) == ["CS1.1.1.1", "CS2.2.1"]
    assert set(frame["libelle_cs"]) >= {"Zones bâties"}
    assert checked(built)["merged"] == 2
    urban = build_product(path, tmp_path / "urban.gpkg", kind="ocsge", mmu="500,CS1.1.1.1=200")
    frame = pyogrio.read_dataframe(urban.files[0])
    assert sorted(frame["code_cs"]) == ["CS1.1.1.1", "CS1.2.2", "CS2.2.1"]
    least = {"CS1.1.1.1": 200}
    assert all(
        one.area >= least.get(code, 500) for code, one in zip(frame["code_cs"], frame.geometry, strict=True)
    )


def test_a_class_that_is_undecided_has_to_be_decided(write: Write, tmp_path: Path) -> None:
    codes = np.full((200, 200), 10, np.uint8)
    codes[:100] = FLAIR.by_key("swimming_pool").code
    path, output = write(codes), tmp_path / "o.gpkg"
    with pytest.raises(
        ProductError, match=r"swimming_pool \(20,000 pixels\): .* --decide swimming_pool=CS1\.1\.1\.2"
    ):
        build_product(path, output, kind="ocsge")
    assert not list(tmp_path.glob("o.*"))
    built = build_product(path, output, kind="ocsge", decisions={"swimming_pool": "CS1.1.1.2"}, mmu="0")
    assert [one["key"] for one in checked(built)["classes"]] == ["CS1.1.1.2", "CS2.2.1"]


def test_nothing_stays_nothing(write: Write, tmp_path: Path) -> None:
    codes = made_truth(100, 100)
    codes[20:60, 20:60] = 0
    for kind in ("cosia", "ocsge"):
        built = build_product(write(codes), tmp_path / f"{kind}.gpkg", kind=kind, mmu="1")
        with rasterio.open(built.files[1]) as source:
            assert np.array_equal(source.read(1) == 0, codes == 0)
        frame = pyogrio.read_dataframe(built.files[0])
        assert frame.geometry.area.sum() == pytest.approx((100 * 100 - 40 * 40) * 0.04)
    empty = build_product(write(np.zeros((30, 30), np.uint8)), tmp_path / "empty.gpkg", kind="cosia")
    assert checked(empty)["classes"] == []
    assert len(pyogrio.read_dataframe(empty.files[0])) == 0


def test_with_a_hierarchy_each_leaf_has_one_class(write: Write, tmp_path: Path, make_ortho) -> None:
    image, _ = make_ortho(256, 256)
    with rasterio.open(image) as source:
        hierarchy = segment(source.read(), grid=made_grid(256, 256))
    write_hierarchy(hierarchy, tmp_path / "h.h5")
    truth = made_truth(256, 256)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(truth.shape) < 0.1, 8, truth).astype(np.uint8)
    path = write(noisy)
    bare = build_product(path, tmp_path / "pixels.gpkg", kind="cosia")
    along = build_product(path, tmp_path / "regions.gpkg", kind="cosia", hierarchy=tmp_path / "h.h5")
    with rasterio.open(along.files[1]) as source:
        found = source.read(1)
    leaves = hierarchy.leaves
    spread = [np.unique(found[leaves == leaf]).size for leaf in range(0, hierarchy.leaf_count, 7)]
    assert max(spread) == 1
    right = FLAIR.encode(truth, "cosia_numero")
    with rasterio.open(bare.files[1]) as source:
        assert (source.read(1) == right).mean() < (found == right).mean()
    assert sum(along.polygons.values()) < sum(bare.polygons.values()) / 20
    whole = build_product(path, tmp_path / "one.gpkg", kind="cosia", hierarchy=tmp_path / "h.h5", scale=1e30)
    assert sum(whole.polygons.values()) == 1
    other = write(truth[:200], name="other")
    with pytest.raises(ProductError, match="segment the same image"):
        build_product(other, tmp_path / "o.gpkg", kind="cosia", hierarchy=tmp_path / "h.h5")


def test_a_forest_mask_at_50_cm_needs_a_table_and_no_code(write: Write, tmp_path: Path) -> None:
    table = read_document(shipped("schema") / "crosswalks" / "flair-19-to-cosia.json", schema="crosswalk")
    trees = {"coniferous", "deciduous", "mixed", "ligneous"}
    table |= {
        "name": "flair-19-to-forest",
        "target": "forest-mask",
        "titles": {"en": "forest", "fr": "forêt"},
    }
    common = {"parent": None, "scored": True}
    table["targets"] = [
        common
        | {"value": 1, "key": "forest", "titles": {"en": "forest", "fr": "Forêt"}, "colour": "#0a5c1e"},
        common
        | {"value": 2, "key": "no_forest", "titles": {"en": "none", "fr": "Hors forêt"}, "colour": "#eeeeee"},
    ]
    table["table"] = {key: "forest" if key in trees else "no_forest" for key in FLAIR.keys}
    (tmp_path / "forest.json").write_text(json.dumps(table))
    truth = made_truth(500, 500, seed=4)
    assert 0.1 < (truth == 7).mean() < 0.9
    built = build_product(
        write(truth),
        tmp_path / "forest.gpkg",
        kind="cosia",
        crosswalk=str(tmp_path / "forest.json"),
        mmu="25",
        resolution=0.5,
    )
    assert checked(built)["resolution"] == 0.5
    with rasterio.open(built.files[1]) as source:
        assert source.res == (0.5, 0.5)
        assert source.shape == (200, 200)
        assert set(np.unique(source.read(1))) == {1, 2}
        assert (source.read(1) == 1).mean() == pytest.approx((truth == 7).mean(), abs=0.01)
    frame = pyogrio.read_dataframe(built.files[0])
    assert set(frame["classe"]) == {"Forêt", "Hors forêt"}
    assert (frame.geometry.area >= 25).all()


def test_a_nomenclature_of_one_s_own_makes_its_own_product(write: Write, tmp_path: Path) -> None:
    """Hedges: a class that FLAIR does not have, in a nomenclature file, and a table to what is published."""
    own = FLAIR.document() | {
        "name": "hedges",
        "titles": {"en": "hedges", "fr": "haies"},
        "schemes": {"own": {"description": "own", "defined_by": "a test", "ours": []} | SCHEME},
        "groups": [],
    }
    kept = [dict(FLAIR.document()["classes"][number]) for number in (6, 9)]
    for code, (entry, key) in enumerate(zip(kept, ("hedge", "open_land"), strict=True), start=1):
        entry |= {
            "code": code,
            "key": key,
            "parent": None,
            "confused_with": [],
            "values": {"own": code},
            "palettes": {},
        }
    own["classes"] = kept
    (tmp_path / "hedges.json").write_text(json.dumps(own))
    table = read_document(shipped("schema") / "crosswalks" / "flair-19-to-cosia.json", schema="crosswalk")
    table |= {"name": "hedges-to-hedge-map", "source": "hedges", "target": "hedge-map"}
    table["targets"] = [
        {
            "value": 1,
            "key": "hedge",
            "titles": {"en": "hedge", "fr": "Haie"},
            "colour": "#228833",
            "parent": None,
            "scored": True,
        }
    ]
    table["groups"] = []
    table["table"] = {"hedge": "hedge"}
    table["undecided"] = {"open_land": {"candidates": [], "reason": "No part of the map of hedges."}}
    (tmp_path / "table.json").write_text(json.dumps(table))
    codes = np.where(made_truth(100, 100) == 3, 1, 0).astype(np.uint8)
    built = build_product(
        write(codes),
        tmp_path / "hedges.gpkg",
        kind="cosia",
        nomenclature=str(tmp_path / "hedges.json"),
        crosswalk=str(tmp_path / "table.json"),
    )
    assert [(one["title"], one["polygons"]) for one in checked(built)["classes"]] == [("Haie", 1)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"output": "map", "kind": "cosia"}, "named after a domain"),
        ({"output": "map", "kind": "ocsge"}, "is one GeoPackage"),
        ({"output": "map", "kind": "cosia", "domain": "055"}, "department and year"),
        ({"output": "no/map.gpkg", "kind": "cosia"}, "is not a folder"),
        ({"output": "no/map", "kind": "cosia", "domain": "D055_2018"}, "is not a folder"),
        ({"output": "prediction.tif", "kind": "cosia", "domain": "D055_2018"}, "is a file; give a folder"),
        ({"output": "prediction.gpkg", "kind": "cosia", "overwrite": True}, "what the output is made of"),
        ({"output": "map.gpkg", "kind": "cosia", "mmu": "many"}, "minimum areas"),
        ({"output": "map.gpkg", "kind": "cosia", "resolution": 0.1}, "finer"),
    ],
)
def test_maps_that_cannot_be_made_are_refused_and_nothing_is_written(
    write: Write, tmp_path: Path, options: dict, told: str
) -> None:
    path = write(made_truth(50, 50))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ProductError, match=told):
        build_product(path, tmp_path / options.pop("output"), **options)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_older_map_is_replaced_only_when_asked_and_nothing_else_ever(write: Write, tmp_path: Path) -> None:
    path, output = write(made_truth(50, 50)), tmp_path / "map.gpkg"
    build_product(path, output, kind="cosia")
    with pytest.raises(ProductError, match="--overwrite"):
        build_product(path, output, kind="cosia")
    build_product(path, output, kind="cosia", overwrite=True)
    output.write_text("my notes")
    with pytest.raises(ProductError, match="does not say that it is a map of CoSIA"):
        build_product(path, output, kind="cosia", overwrite=True)
    assert output.read_text() == "my notes"


def test_a_map_of_one_product_does_not_replace_that_of_another(write: Write, tmp_path: Path) -> None:
    path, output = write(made_truth(50, 50)), tmp_path / "map.gpkg"
    build_product(path, output, kind="cosia")
    before = {one: one.read_bytes() for one in tmp_path.iterdir()}
    with pytest.raises(ProductError, match="does not say that it is a map of OCS GE"):
        build_product(path, output, kind="ocsge", overwrite=True)
    assert {one: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_probabilities_of_each_class_make_no_map(tmp_path: Path) -> None:
    path = tmp_path / "all.tif"
    write_raster(path, np.zeros((19, 50, 50), np.uint8), made_grid(50, 50), kind=PROBABILITIES)
    with pytest.raises(RasterError, match="is the file of --probabilities"):
        build_product(path, tmp_path / "map.gpkg", kind="cosia")
    assert list(tmp_path.iterdir()) == [path]


def test_a_prediction_that_says_its_numbers_is_not_read_by_a_scheme(tmp_path: Path) -> None:
    path = tmp_path / "p.tif"
    write_raster(path, made_truth(50, 50), made_grid(50, 50), kind=PREDICTION)
    with pytest.raises(RasterError, match="codes of their nomenclature, not flair-argmax"):
        build_product(path, tmp_path / "map.gpkg", kind="cosia", scheme="flair-argmax")


def test_a_map_of_nothing_says_so(write: Write, tmp_path: Path) -> None:
    path = write(np.zeros((30, 30), np.uint8))
    built = build_product(path, tmp_path / "empty.gpkg", kind="cosia")
    assert built.text().startswith(f"empty: no pixel of {path} has a class\n")
    assert "empty" not in build_product(write(made_truth(30, 30)), tmp_path / "m.gpkg", kind="cosia").text()


def test_a_full_disk_leaves_no_part_of_a_map(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(made_truth(50, 50))

    def full(self: Path, content: bytes) -> int:
        if self.suffix == ".qml":
            raise OSError(28, "No space left on device")
        return write_bytes(self, content)

    write_bytes = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ProductError, match=r"qml cannot be written \(No space left on device\)"):
        build_product(path, tmp_path / "cosia", kind="cosia", domain="D051_2019")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not PATCHES.is_dir(), reason=f"no real patches in {PATCHES}")
def test_real_masks_become_cosia_where_they_are_said_to_be(tmp_path: Path) -> None:
    local = 0
    for path in sorted(PATCHES.glob("*/*/msk/MSK_*.tif")):
        output, scheme = tmp_path / f"{path.stem}.gpkg", {"kind": "cosia", "scheme": "flair"}
        if inspect_raster(path).local:
            local += 1
            with pytest.raises(ProductError, match=r"CRS of its own, .* pass the true one: --crs EPSG:2154"):
                build_product(path, output, **scheme)
        built = build_product(path, output, crs="epsg:2154", **scheme)
        assert sum(built.pixels.values()) == 512 * 512
        assert pyogrio.read_info(output)["crs"] == "EPSG:2154"
        with rasterio.open(built.files[1]) as source:
            assert source.crs.to_epsg() == 2154
    assert local


def test_a_prediction_that_knows_where_it_lies_is_not_said_to_lie_elsewhere(
    write: Write, tmp_path: Path
) -> None:
    path = write(made_truth(50, 50))
    for crs, told in (
        ("EPSG:32631", "lies in EPSG:2154, not in EPSG:32631; leave --crs out"),
        ("x", "no CRS"),
    ):
        with pytest.raises((ProductError, RasterError), match=told):
            build_product(path, tmp_path / "map.gpkg", kind="cosia", crs=crs)
    assert list(tmp_path.iterdir()) == [path]
