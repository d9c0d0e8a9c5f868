"""``croissant.json``: read and judged by mlcroissant, and true."""

from __future__ import annotations

import json
import logging
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from made_editions import HOSTILE

from workbench.dataset import PublishedDataset
from workbench.documents import digest_file
from workbench.export import Release

mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
# rdflib and pandas deprecate what mlcroissant does while it reads, which is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*")


@pytest.fixture
def document(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "croissant.json").read_text(encoding="utf-8")))


def test_mlcroissant_finds_no_error_and_no_warning(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert (set(issues.errors), set(issues.warnings), caplog.messages) == (set(), set(), [])
    assert dataset.metadata.ctx.is_v1_1()


def test_the_records_of_patches_are_the_rows_of_the_index(folder: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    records = list(dataset.records("patches"))
    rows = pq.read_table(folder / "index.parquet").drop_columns(["geometry"]).to_pylist()
    assert len(records) == len(rows)
    for record, row in zip(records, rows, strict=True):
        assert {key.partition("/")[2] for key in record} == set(row)
        for name in ("id", "zone", "split_1", "flair1_image_sha256"):
            assert record[f"patches/{name}"].decode() == row[name]
        for name in ("fold", "pixels_water", "pixels_unlabelled"):
            assert record[f"patches/{name}"] == row[name]


def test_the_splits_are_croissants_own(folder: Path) -> None:
    records = list(mlcroissant.Dataset(jsonld=folder / "croissant.json").records("splits"))
    assert {one["splits/name"] for one in records} == {"train", "valid", "test"}


def test_each_file_has_its_size_and_digest(folder: Path, document: dict[str, Any]) -> None:
    files = [one for one in document["distribution"] if one["@type"] == "cr:FileObject"]
    assert {one["contentUrl"] for one in files} >= {"index.parquet", "preview.parquet", "nomenclature.json"}
    for one in files:
        path = folder / one["contentUrl"]
        assert one["sha256"] == digest_file(path)
        assert one["contentSize"] == f"{path.stat().st_size} B"


def test_each_set_of_files_has_exactly_those_that_the_index_names(
    folder: Path, release: Release, document: dict[str, Any]
) -> None:
    sets = {one["@id"]: one["includes"] for one in document["distribution"] if one["@type"] == "cr:FileSet"}
    named: dict[str, set[str]] = {}
    for patch in release.patches():
        for layout, files in patch.files.items():
            for modality, file in files.items():
                named.setdefault(f"{layout}-{modality}", set()).add(file.path)
    assert set(sets) == set(named)
    for kind, glob in sets.items():
        found = {path.relative_to(folder).as_posix() for path in folder.glob(glob)}
        assert found == named[kind]
        assert all(fnmatchcase(path, glob) for path in found)


def test_it_has_the_terms_of_geocroissant_with_their_context(document: dict[str, Any]) -> None:
    assert document["@context"]["geocr"] == "http://mlcommons.org/croissant/geo/"
    assert document["conformsTo"] == [
        "http://mlcommons.org/croissant/1.1",
        "http://mlcommons.org/croissant/RAI/1.0",
        "http://mlcommons.org/croissant/geo/1.0",
    ]
    assert document["geocr:coordinateReferenceSystem"] == "EPSG:2154"
    assert document["geocr:spatialResolution"] == {
        "@type": "QuantitativeValue",
        "value": 0.2,
        "unitText": "m",
    }
    assert document["geocr:bandConfiguration"] == {
        "@type": "geocr:BandConfiguration",
        "geocr:totalBands": 5,
        "geocr:bandNameList": ["R", "G", "B", "NIR", "E"],
    }
    assert "102.4 m" in document["geocr:samplingStrategy"]
    assert "50 %, is in D055_2018" in document["geocr:spatialBias"]
    # Zones begin 8,000 cells of 102.4 m east of 3.2 m, and 66,000 north of 20.8 m.
    assert "CRS2154RES10000mN6750000E810000" in document["geocr:spatialIndex"]
    south, west, north, east = map(float, document["spatialCoverage"]["geo"]["box"].split())
    assert (47.9 < south < north < 48.0, 4.5 < west < east < 4.7) == (True, True)


def test_it_says_what_rai_asks(document: dict[str, Any], published: PublishedDataset) -> None:
    assert document["rai:dataBiases"][-2:] == ["Roofs of slate are rare.", HOSTILE]
    assert any("pseudonyms" in one for one in document["rai:personalSensitiveInformation"])
    assert any("reviewer has accepted" in one for one in document["rai:dataAnnotationProtocol"])
    assert document["rai:dataCollectionTimeFrame"] == ["2018-09-16", "2018-09-16"]
    assert document["rai:dataCollectionMissingData"].startswith("1,600 pixels")


def test_what_people_say_can_stand_in_a_script_of_a_page(folder: Path, document: dict[str, Any]) -> None:
    raw = (folder / "croissant.json").read_text(encoding="utf-8")
    assert "</" not in raw
    assert document["name"] == HOSTILE
    assert [one["name"] for one in document["creator"]] == ["IGN", "A & B"]
