"""``preview.parquet``: patches of every zone and class as pictures, for pyarrow alone, small."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_editions import edition
from made_zones import MadeZone, build, make_zone

from workbench.dataset import publish_dataset
from workbench.dataset.preview import PATCHES
from workbench.dataset.thumbnails import SIDE, Thumbnails
from workbench.export import Release
from workbench.export.layouts import Shards
from workbench.nomenclature import load_nomenclature

Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_pyarrow_alone_opens_it(folder: Path, release: Release) -> None:
    code = (
        "import sys, pyarrow.parquet as pq\n"
        f"table = pq.read_table({str(folder / 'preview.parquet')!r})\n"
        "assert table.column('picture')[0].as_py()['bytes'][:4] == b'\\x89PNG'\n"
        "print(table.num_rows, [name for name in ('geopandas', 'datasets', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{len(release.patches())} []"


def test_its_schema_tells_a_hub_which_columns_are_pictures(folder: Path) -> None:
    schema = pq.read_schema(folder / "preview.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    pictures = [name for name, one in features.items() if one["_type"] == "Image"]
    assert pictures == ["picture", "infrared", "labels"]
    assert features["share_water"] == {"dtype": "float32", "_type": "Value"}
    assert features["fold"] == {"dtype": "int64", "_type": "Value"}


def test_rows_say_what_the_index_says(folder: Path, release: Release) -> None:
    rows = {row["id"]: row for row in pq.read_table(folder / "preview.parquet").to_pylist()}
    for patch in release.patches():
        row = rows[patch.id]
        assert (row["zone"], row["domain"], row["fold"]) == (patch.zone, patch.domain, patch.fold)
        assert {name: row[name] for name in patch.splits} == dict(patch.splits)
        assert row["share_water"] == pytest.approx(patch.class_counts["water"] / 512**2)
        assert row["share_unlabelled"] == pytest.approx(200 / 512**2)


def test_pictures_are_means_and_labels_are_colours_of_classes(folder: Path, release: Release) -> None:
    """By plain numpy: blocks of 4 × 4 pixels."""
    row = pq.read_table(folder / "preview.parquet").to_pylist()[0]
    (patch,) = [patch for patch in release.patches() if patch.id == row["id"]]
    image = release.image(patch, layout="flair1").astype(np.float64)
    means = image.reshape(5, SIDE, 4, SIDE, 4).mean(axis=(2, 4))
    for name, bands in (("picture", [0, 1, 2]), ("infrared", [3, 0, 1])):
        assert np.abs(pixels(row[name]["bytes"]) - np.moveaxis(means[bands], 0, -1)).max() <= 0.5 + 1e-6
    colours = {entry.code: tuple(bytes.fromhex(entry.colour[1:])) for entry in release.nomenclature.classes}
    codes, drawn = release.labels(patch), pixels(row["labels"]["bytes"])
    for at in [(0, 0), (3, 70), (127, 127)]:
        block = codes[4 * at[0] : 4 * at[0] + 4, 4 * at[1] : 4 * at[1] + 4]
        assert tuple(drawn[at]) in {colours[int(code)] for code in block.ravel()}


def test_the_sheet_has_a_legend_of_the_classes_that_it_shows(folder: Path, release: Release) -> None:
    below = pixels((folder / "preview.png").read_bytes())[3 * SIDE + 12 :].reshape(-1, 3)
    found = {tuple(colour) for colour in below.tolist()}
    assert {tuple(bytes.fromhex(entry.colour[1:])) for entry in release.nomenclature.classes} <= found


def test_without_infrared_there_is_no_picture_of_it(tmp_path: Path) -> None:
    zone = make_zone(bands=("R", "G", "B"))
    release = build([zone], tmp_path, layouts=(Shards(bands=("R", "G", "B")),))
    done = publish_dataset(release.path, tmp_path / "out", edition=edition())
    assert done.preview.names == ("picture", "labels")
    assert "infrared" not in pq.read_schema(done.directory / "preview.parquet").names


def test_the_largest_preview_is_smaller_than_30_megabytes() -> None:
    """Of noise, which no PNG can shrink, in every place."""
    rng = np.random.default_rng(0)
    thumbnails = Thumbnails(bands=("R", "G", "B", "NIR"), nomenclature=load_nomenclature("flair-19"))
    drawn = thumbnails.draw(
        rng.integers(0, 256, (4, SIDE, SIDE), dtype=np.uint8),
        rng.integers(1, 20, (SIDE, SIDE), dtype=np.uint8),
    )
    assert PATCHES * (sum(map(len, drawn.values())) + 1000) < 30_000_000


def test_a_patch_smaller_than_a_thumbnail_keeps_its_size() -> None:
    thumbnails = Thumbnails(bands=("R", "G", "B"), nomenclature=load_nomenclature("flair-19"))
    drawn = thumbnails.draw(np.zeros((3, 32, 32), np.uint8), np.ones((32, 32), np.uint8))
    assert {pixels(png).shape for png in drawn.values()} == {(32, 32, 3)}


def test_all_zones_of_a_small_release_are_in_it(folder: Path, zones: list[MadeZone]) -> None:
    shown = set(pq.read_table(folder / "preview.parquet").column("zone").to_pylist())
    assert shown == {zone.source.zone.id for zone in zones}
