"""``stac/``: a collection with an item per zone, valid, self-contained, and true."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from made_editions import HOSTILE

from workbench.dataset import PublishedDataset
from workbench.dataset.ground import lonlat_outline
from workbench.documents import digest_file
from workbench.errors import ReleaseError
from workbench.export import Release

pystac = pytest.importorskip("pystac", reason="pystac is not installed")


@pytest.fixture
def collection(folder: Path) -> Any:
    return pystac.Collection.from_file(folder / "stac" / "collection.json")


def test_the_core_of_each_document_is_valid(folder: Path, collection: Any) -> None:
    """Schemas of extensions are on the web; those of STAC itself come with pystac."""
    from pystac.validation.stac_validator import JsonSchemaSTACValidator

    validator = JsonSchemaSTACValidator()
    for kind, path in (
        (pystac.STACObjectType.COLLECTION, folder / "stac" / "collection.json"),
        *((pystac.STACObjectType.ITEM, path) for path in (folder / "stac" / "items").iterdir()),
    ):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["stac_version"] == "1.1.0"
        validator.validate_core(document, kind, "1.1.0", str(path))


def test_every_zone_is_an_item(release: Release, collection: Any) -> None:
    items = {item.properties["ocs:zone"]: item for item in collection.get_items()}
    assert set(items) == {zone["id"] for zone in release.card["zones"]}
    for zone in release.card["zones"]:
        properties = items[zone["id"]].properties
        assert properties["ocs:fold"] == zone["fold"]
        assert {column: properties[f"ocs:{column}"] for column in zone["splits"]} == zone["splits"]
        assert properties["ocs:patches"] == zone["patches"]
        sets = {"train": "train", "valid": "validate", "test": "test"}
        assert properties["ml-aoi:split"] == sets[zone["splits"]["split_1"]]


def test_an_item_lies_where_its_patches_lie(release: Release, collection: Any) -> None:
    """By geopandas, from the outlines in the index."""
    index = geopandas.read_parquet(release.path / "index.parquet").to_crs("EPSG:4326")
    outlines = index.dissolve("zone").geometry
    for item in collection.get_items():
        mine, theirs = shapely.geometry.shape(item.geometry), outlines[item.properties["ocs:zone"]]
        assert mine.is_valid
        assert mine.symmetric_difference(theirs).area < 5e-4 * theirs.area
        assert item.bbox == pytest.approx(theirs.bounds, abs=2e-7)


def test_the_counts_of_labels_are_those_of_the_release(release: Release, collection: Any) -> None:
    total: Counter[str] = Counter()
    for item in collection.get_items():
        total.update(item.properties["ocs:class_pixels"])
    assert total == release.card["class_pixels"]


def test_every_link_and_asset_leads_somewhere_below_the_folder(folder: Path) -> None:
    documents = [folder / "stac" / "collection.json", *(folder / "stac" / "items").iterdir()]
    for path in documents:
        document = json.loads(path.read_text(encoding="utf-8"))
        for link in document["links"]:
            if link["rel"] not in ("license", "about", "cite-as"):
                assert (path.parent / link["href"]).resolve().is_relative_to(folder), link
                assert (path.parent / link["href"]).is_file(), link
        assert not any(link["rel"] == "self" for link in document["links"])
        for asset in document["assets"].values():
            there = (path.parent / asset["href"]).resolve()
            assert there.is_relative_to(folder)
            assert there.exists(), asset
            if "file:checksum" in asset:
                assert asset["file:checksum"] == f"1220{digest_file(there)}"
                assert asset["file:size"] == there.stat().st_size
            else:
                assert there.is_dir()


def test_folders_of_a_zone_hold_its_patches_alone(release: Release, collection: Any) -> None:
    for item in collection.get_items():
        patches = release.patches().of_zone(item.properties["ocs:zone"])
        for layout in ("flair-hub", "flair1"):
            folder = Path(item.get_self_href()).parent / item.assets[f"{layout}-label"].href
            assert {path.name for path in folder.iterdir()} == {
                Path(patch.files[layout]["label"].path).name for patch in patches
            }


def test_the_values_of_labels_are_explained_once_for_all_items(release: Release, folder: Path) -> None:
    document = json.loads((folder / "stac" / "collection.json").read_text(encoding="utf-8"))
    for layout, scheme in (("flair1", "flair"), ("flair-hub", "flair_hub")):
        classes = document["item_assets"][f"{layout}-label"]["classification:classes"]
        assert {one["name"]: one["value"] for one in classes} == {
            entry.key: entry.values[scheme] for entry in release.nomenclature.classes
        }
    assert any("classification" in uri for uri in document["stac_extensions"])


def test_what_people_say_is_there_as_they_said_it(collection: Any, published: PublishedDataset) -> None:
    assert collection.title == HOSTILE
    assert collection.license == "etalab-2.0"
    assert [one.name for one in collection.providers] == ["IGN", "A & B"]
    assert collection.ext.version.version == "0.1.0"
    assert collection.ext.sci.doi == "10.5281/zenodo.1234567"
    assert collection.summaries.get_list("ocs:domain") == ["D036_2020", "D051_2019", "D055_2018"]


def test_ground_without_longitude_and_latitude_is_refused_and_no_box_has_nan() -> None:
    far = shapely.box(1e11, 6.6e6, 1e11 + 100, 6.6e6 + 100)
    with pytest.raises(ReleaseError, match=r"x 1e\+11, y .* of EPSG:2154 has no longitude and latitude"):
        lonlat_outline(far, "EPSG:2154")
