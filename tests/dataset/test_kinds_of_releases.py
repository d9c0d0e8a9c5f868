"""Releases of every kind are published: old ones, other grids, all modalities, one layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import mlcroissant
import numpy as np
import pystac
import pytest
from made_editions import edition
from made_zones import build, make_zone
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from workbench.dataset import PublishedDataset, publish_dataset
from workbench.export import open_release, verify_release
from workbench.export.layouts import FlairHub, Hdf5, Shards
from workbench.export.modalities import MODALITIES
from workbench.export.patches import View
from workbench.geo.grid import parse_lattice
from workbench.geo.zone import Cell

OLD = Path(__file__).resolve().parents[1] / "golden" / "release_v1" / "release_v1"
DAYS = (date(2018, 6, 3), date(2018, 8, 22))


def old(folder: Path) -> Path:
    return OLD


def coarse(folder: Path) -> Path:
    """A patch of 256 m at half a metre; nobody knows the day of its picture."""
    cells = tuple(Cell(row=row, col=col) for row in range(5) for col in range(5))
    zone = make_zone(cells=cells, acquired=None)
    lattice = parse_lattice("256@0.5")
    return build([zone], folder, layouts=(Hdf5(),), lattice=lattice).path


def of_all_modalities(folder: Path) -> Path:
    made = make_zone()
    views = {}
    for place, (name, modality) in enumerate(MODALITIES.items()):
        depth = len(modality.bands) * (len(DAYS) if modality.series else 1)

        def read(grid: object, *, depth: int = depth, dtype: str = modality.dtype) -> np.ndarray:
            return np.ones((depth, *grid.shape), dtype)  # type: ignore[attr-defined]

        dates = DAYS if modality.series else DAYS[:1] if name in ("spot", "historical") else ()
        views[name] = View(read=read, sha256=f"{place:064x}", dates=dates)
    made = replace(made, source=replace(made.source, views=views))
    layout = FlairHub(modalities=("image", "label", *MODALITIES))
    return build([made], folder, layouts=(layout,)).path


def in_one_tar(folder: Path) -> Path:
    return build([make_zone(bands=("R", "G", "B"))], folder, layouts=(Shards(bands=("R", "G", "B")),)).path


@pytest.fixture(scope="module", params=[old, coarse, of_all_modalities, in_one_tar])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PublishedDataset:
    make: Callable[[Path], Path] = request.param
    folder = tmp_path_factory.mktemp(make.__name__)
    return publish_dataset(make(folder), folder / "published", edition=edition())


def test_it_is_sound_and_has_the_same_content(done: PublishedDataset) -> None:
    assert verify_release(done.directory).problems == ()
    assert open_release(done.directory).card == done.survey.card


@pytest.mark.filterwarnings("ignore:.*deprecated.*")
def test_mlcroissant_reads_it(done: PublishedDataset) -> None:
    dataset = mlcroissant.Dataset(jsonld=done.directory / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    assert len(list(dataset.records("patches"))) == done.survey.card["counts"]["patches"]
    for one in dataset.metadata.distribution:
        if isinstance(one, mlcroissant.FileSet):
            (glob,) = one.includes
            assert list(done.directory.glob(glob)), glob


def test_stac_is_valid_and_its_assets_are_there(done: PublishedDataset) -> None:
    validator = JsonSchemaSTACValidator()
    for path in (done.directory / "stac").rglob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        kind = pystac.STACObjectType(document["type"])
        validator.validate_core(document, kind, "1.1.0", str(path))
        assert all((path.parent / one["href"]).exists() for one in document["assets"].values())


def test_a_day_that_nobody_knows_is_the_year_of_the_domain(tmp_path: Path) -> None:
    done = publish_dataset(coarse(tmp_path), tmp_path / "published", edition=edition())
    (item,) = (done.directory / "stac" / "items").iterdir()
    properties = json.loads(item.read_text(encoding="utf-8"))["properties"]
    assert properties["datetime"] is None
    assert properties["start_datetime"] == "2018-01-01T00:00:00Z"
    assert properties["end_datetime"] == "2018-12-31T23:59:59Z"
    assert properties["gsd"] == 0.5
    text = (done.directory / "README.md").read_text(encoding="utf-8")
    assert "of 1 of 1 zone the year alone is known" in text
