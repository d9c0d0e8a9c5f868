"""Scene files: on the national grid, what was asked for, and nothing in the way is lost."""

from __future__ import annotations

import doctest
import importlib
import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from workbench.documents import shipped
from workbench.errors import GridError, RasterError
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.raster import inspect_raster, read_bands
from workbench.workflows.demo import load_sample_maker

maker = load_sample_maker()
make = importlib.import_module(f"{maker.__name__}.command").make

# Left, right, bottom and top of each department in Lambert-93, in km, rounded.
DEPARTMENTS = {
    "D012": (616, 740, 6_287, 6_425),
    "D034": (660, 800, 6_233, 6_320),
    "D067": (985, 1_083, 6_790, 6_900),
}


def run(*arguments):
    return CliRunner().invoke(make, [str(argument) for argument in arguments])


def content(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("name", ["files", "plan"])
def test_examples_in_the_documentation_hold(name):
    results = doctest.testmod(importlib.import_module(f"{maker.__name__}.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_the_folder_loads_by_its_path_under_any_name_and_runs_as_a_script(tmp_path):
    """Both roads that users take: the script in a checkout, and a package under another name in a wheel."""
    script = shipped("sample_data") / "make.py"
    command = [
        sys.executable,
        script,
        "--seed",
        "5",
        "--size",
        "40",
        "--theme",
        "AU",
        "-o",
        tmp_path / "scene",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = maker.make_scene(seed=5, height=40, theme="AU")
    assert np.array_equal(read_bands(tmp_path / "scene/truth.tif")[0], made.classes)
    module = [
        sys.executable,
        "-c",
        "import sample_data.make, sample_data as s; print(len(s.make_scene(seed=1, height=16).image))",
    ]
    done = subprocess.run(module, capture_output=True, text=True, check=False, cwd=script.parent.parent)
    if script.parent.name == "sample_data":
        assert done.stdout.strip() == "5", done.stderr


def test_the_command_writes_what_it_says(tmp_path):
    out = tmp_path / "deep" / "scene"
    done = run("--seed", 9, "--size", 96, "--theme", "ua", "-o", out, "--x", 700_000, "--y", 6_600_000)
    assert done.exit_code == 0, done.output
    made = maker.make_scene(seed=9, height=96, theme="UA")
    assert sorted(content(out)) == ["objects.tif", "ortho.tif", "scene.json", "truth.tif"]
    assert np.array_equal(read_bands(out / "ortho.tif"), made.image)
    assert np.array_equal(read_bands(out / "truth.tif")[0], made.classes)
    assert np.array_equal(read_bands(out / "objects.tif")[0], made.objects)
    info = inspect_raster(out / "ortho.tif")
    assert info.descriptions == ("R", "G", "B", "NIR", "E")
    assert (info.grid.crs, info.grid.resolution) == ("EPSG:2154", 0.2)
    with rasterio.open(out / "objects.tif") as objects, rasterio.open(out / "truth.tif") as truth:
        assert objects.dtypes == ("uint32",)
        assert truth.colormap(1)[1][:3] == (0xDB, 0x0E, 0x9A)
        assert truth.nodata is None
    document = json.loads((out / "scene.json").read_text(encoding="utf-8"))
    assert (document["seed"], document["theme"], document["height"]) == (9, "UA", 96)
    assert (document["x"], document["y"]) == maker.national_corner(700_000, 6_600_000)
    assert document["objects"] == made.object_count
    assert sum(document["class_shares"].values()) == pytest.approx(1, abs=1e-4)


def test_elevation_can_be_left_out(tmp_path):
    assert run("--seed", 1, "--size", 32, "--no-elevation", "-o", tmp_path / "s").exit_code == 0
    assert inspect_raster(tmp_path / "s/ortho.tif").descriptions == ("R", "G", "B", "NIR")


def test_the_same_command_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        assert run("--seed", 1, "--size", 48, "-o", tmp_path / name).exit_code == 0
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_scene_in_the_way_is_kept_unless_it_may_be_replaced(tmp_path):
    assert run("--seed", 1, "--size", 32, "-o", tmp_path).exit_code == 0
    before = content(tmp_path)
    refused = run("--seed", 2, "--size", 32, "-o", tmp_path)
    assert refused.exit_code == 1
    assert refused.output.count("\n") == 1
    assert "exists already" in refused.output
    assert "--overwrite" in refused.output
    assert content(tmp_path) == before
    assert run("--seed", 2, "--size", 32, "-o", tmp_path, "--overwrite").exit_code == 0
    assert content(tmp_path) != before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "taken").write_text("mine")
    refused = run("--seed", 1, "--size", 32, "-o", tmp_path / "taken")
    assert refused.exit_code == 1
    assert "is a file" in refused.output
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--size", 32], 2, "--seed"),
        (["--seed", -1, "--size", 32], 2, "-1"),
        (["--seed", "x", "--size", 32], 2, "x"),
        (["--seed", 1, "--size", 3], 2, "3"),
        (["--seed", 1, "--size", 10**6], 2, "1000000"),
        (["--seed", 1, "--size", 32, "--theme", "QQ"], 2, "QQ"),
        (["--seed", 1, "--size", 32, "--x", 700_000], 2, "--y"),
        (["--seed", 1, "--size", 32, "--x", 5, "--y", 5], 1, "mainland France"),
        (["--seed", 1, "--size", 32, "--x", "nan", "--y", 6_600_000], 1, "mainland France"),
    ],
)
def test_a_bad_value_is_refused_and_nothing_is_written(tmp_path, arguments, code, words):
    refused = run(*arguments, "-o", tmp_path / "scene")
    assert refused.exit_code == code
    assert words in refused.output
    assert not (tmp_path / "scene").exists()


@given(x=st.floats(100_000, 1_250_000), y=st.floats(6_050_000, 7_120_000))
def test_a_corner_is_the_nearest_one_of_the_national_grid(x, y):
    left, top = maker.national_corner(x, y)
    assert (left - NATIONAL_GRID.x) / NATIONAL_GRID.pitch == pytest.approx(
        round((left - NATIONAL_GRID.x) / NATIONAL_GRID.pitch), abs=1e-6
    )
    assert max(abs(left - x), abs(top - y)) <= NATIONAL_GRID.pitch / 2 + 0.06


@given(seeds=st.sets(st.integers(0, 9_645), min_size=2, max_size=12))
def test_scenes_of_different_seeds_never_overlap(seeds):
    side = 32_768 * NATIONAL_GRID.resolution
    for (x, y), (other_x, other_y) in combinations([maker.place_of(seed) for seed in seeds], 2):
        assert max(abs(x - other_x), abs(y - other_y)) >= side - 0.2


def test_files_lie_on_the_patch_lattice(tmp_path):
    paths = maker.write_scene(maker.make_scene(seed=3, height=20), tmp_path)
    for path in (paths.ortho, paths.truth, paths.objects):
        assert NATIONAL_GRID.offset(inspect_raster(path).grid) == (0, 0)


def test_half_a_place_and_a_second_scene_are_refused(tmp_path):
    made = maker.make_scene(seed=3, height=20)
    with pytest.raises(GridError, match="both x and y"):
        maker.write_scene(made, tmp_path / "s", x=700_000)
    assert not (tmp_path / "s").exists()
    maker.write_scene(made, tmp_path / "s")
    with pytest.raises(RasterError, match="exists already"):
        maker.write_scene(made, tmp_path / "s")


def test_the_sample_campaign_has_several_zones_in_several_domains():
    plan = maker.sample_campaign_plan()
    assert len({(zone.domain, zone.zone) for zone in plan}) == len(plan) == 6
    assert len({zone.domain for zone in plan}) == 3
    for zone in plan:
        left, right, bottom, top = (1_000 * edge for edge in DEPARTMENTS[zone.domain[:4]])
        assert left < zone.x < right - 300
        assert bottom + 300 < zone.y < top
        assert (zone.x, zone.y) == maker.national_corner(zone.x, zone.y)
        assert zone.theme in maker.THEMES
        assert str(zone.acquired.year) == zone.domain[5:]
        assert zone.size % NATIONAL_GRID.pixels == 0


def test_zones_of_the_sample_campaign_do_not_overlap():
    for one, other in combinations(maker.sample_campaign_plan(), 2):
        reach = NATIONAL_GRID.resolution * max(one.size, other.size)
        assert max(abs(one.x - other.x), abs(one.y - other.y)) >= reach


def test_the_sample_campaign_holds_every_class_that_the_models_learn_but_snow():
    """Weight 0 in the 15-class models: clear cut, mixed, ligneous, other (15, 16, 17, 19)."""
    found = set()
    for zone in maker.sample_campaign_plan():
        made = maker.make_scene(seed=zone.seed, height=zone.size, theme=zone.theme)
        found |= set(made.class_shares())
    assert found >= set(range(1, 14)) | {18}


def test_the_readme_of_the_folder_is_its_help():
    done = run("--help")
    assert done.exit_code == 0
    for option in ("--seed", "--size", "--theme", "--x", "--y", "--snow", "--no-elevation", "--overwrite"):
        assert option in done.output
    assert Path("sample_data/make.py").name in done.output
