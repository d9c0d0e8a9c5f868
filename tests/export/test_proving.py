"""What is read of a release is what was built, or is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_zones import build, make_zone, make_zones

from workbench.errors import ReleaseError
from workbench.export import Release, open_release, recode_release, subset_release, verify_release
from workbench.export.diff import diff_releases
from workbench.export.figures import measure_release
from workbench.export.leakage import leaks_of
from workbench.export.rules import DEFAULTS
from workbench.export.wanted import Wanted
from workbench.export.withdrawing import release_without
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands
from workbench.nomenclature import derivation_to, load_nomenclature


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return build([make_zone()], tmp_path_factory.mktemp("built"))


@pytest.fixture
def copy(built: Release, tmp_path: Path) -> Release:
    return open_release(Path(shutil.copytree(built.path, tmp_path / built.name)))


def repaint(path: Path) -> None:
    """Change the pixels of a raster, which stays a sound raster."""
    pixels, info = read_bands(path), inspect_raster(path)
    path.unlink()
    write_raster(path, np.where(pixels == pixels.max(), pixels.min(), pixels), info.grid)


CHANGES: dict[str, Callable[[Path], None]] = {
    "other pixels": repaint,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_is_named_when_it_is_read_and_no_other_is_in_doubt(copy: Release, change: str) -> None:
    (patch,) = copy.patches()
    files = patch.files["flair1"]
    CHANGES[change](copy.path / files["label"].path)
    with pytest.raises(ReleaseError) as caught:
        copy.labels(patch, layout="flair1")
    assert files["label"].path in str(caught.value)
    assert f"run: workbench release verify {copy.path}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not verify_release(copy.path).sound
    assert copy.image(patch, layout="flair1").shape == (5, 512, 512)
    assert copy.labels(patch, layout="flair-hub").shape == (512, 512)


@pytest.mark.parametrize("name", ["index.parquet", "nomenclature.json", "SHA256SUMS"])
def test_what_the_digests_of_files_hang_on_is_proven_by_release_json(copy: Release, name: str) -> None:
    copy.prove()
    path = copy.path / name
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"D055", b"D056").replace(b"water", b"wader") + b" ")
    with pytest.raises(ReleaseError, match=f"is not as it was built: {name} .*run: workbench release verify"):
        copy.prove()
    path.unlink()
    with pytest.raises(ReleaseError, match=f"is not as it was built: {name} cannot be read"):
        copy.prove()
    path.write_bytes(whole)
    copy.prove()


def test_a_changed_release_json_is_not_that_of_the_manifest(copy: Release) -> None:
    path = copy.path / "release.json"
    path.write_text(path.read_text().replace('"R"', '"B"', 1))
    with pytest.raises(ReleaseError, match=r"is not as it was built: release\.json has other content; run: "):
        open_release(copy.path).prove()


def test_a_manifest_that_was_changed_with_the_index_is_not_that_of_release_json(
    copy: Release, tmp_path: Path
) -> None:
    other = build([make_zone(seed=1)], tmp_path / "other")
    for name in ("index.parquet", "SHA256SUMS"):
        shutil.copy(other.path / name, copy.path / name)
    with pytest.raises(ReleaseError, match=r"SHA256SUMS is not that of its release\.json"):
        copy.prove()


READERS: dict[str, Callable[[Release, Release, Path], object]] = {
    "diff before": lambda damaged, sound, out: diff_releases(damaged, sound),
    "diff after": lambda damaged, sound, out: diff_releases(sound, damaged),
    "stats": lambda damaged, sound, out: measure_release(damaged, pixels=False),
    "leakage": lambda damaged, sound, out: leaks_of(damaged, rules=DEFAULTS),
    "subset": lambda damaged, sound, out: subset_release(damaged, name="S", out=out, wanted=Wanted()),
    "withdraw": lambda damaged, sound, out: release_without(
        damaged, ["D055_2018/Z3-AU"], reason="the law", name="S", out=out
    ),
    "recode": lambda damaged, sound, out: recode_release(
        damaged, name="S", out=out, derivation=FIFTEEN, software="0.1.0"
    ),
}
FIFTEEN = derivation_to("15", load_nomenclature("flair-19"))


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release of several zones in all layouts; tests must not change it."""
    layouts = ["flair-hub", "flair1", "hdf5", "shards"]
    return build(make_zones(), tmp_path_factory.mktemp("several"), layouts=layouts)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["release.json", "index.parquet", "nomenclature.json"])
def test_whoever_reads_a_release_proves_what_it_tells_first(
    reader: str, name: str, several: Release, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(several.path, tmp_path / several.name))
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content + b"\n")
    with pytest.raises(ReleaseError, match=f"{name} has other content; run: workbench release verify"):
        READERS[reader](open_release(copy), several, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_figures_prove_each_image_that_they_read(copy: Release) -> None:
    (patch,) = copy.patches()
    repaint(copy.path / patch.files["flair1"]["image"].path)
    assert measure_release(copy, pixels=False).inventory.whole.patches == 1
    with pytest.raises(ReleaseError, match=r"IMG_\d+\.tif has other content"):
        measure_release(copy)


@pytest.mark.parametrize(
    "where", ["FLAIR-HUB/**/*AERIAL_LABEL*.tif", "FLAIR1/**/MSK*.tif", "HDF5/*.h5", "SHARDS/*.tar"]
)
def test_labels_of_every_layout_are_proven_before_others_replace_them(
    where: str, several: Release, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(several.path, tmp_path / several.name))
    path = sorted(copy.glob(where))[-1]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ReleaseError, match=f"{path.name} (is not what its release says|has other content)"):
        READERS["recode"](open_release(copy), several, tmp_path / "out")
    assert not (tmp_path / "out").exists()
