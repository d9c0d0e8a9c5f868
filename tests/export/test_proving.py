"""What is read of a release is what was built, or is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_zones import build, make_zone

from workbench.errors import ReleaseError
from workbench.export import Release, open_release, verify_release
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands


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
