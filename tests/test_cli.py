"""The command line: what it prints, how it exits, and that what it says is documented."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from made_models import INC_NAME, TINY, inc, made_model, save, state
from made_orthos import MakeOrtho, made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import validate
from workbench.geo.geotiff import write_raster
from workbench.workflows.intake import add_zone

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command as a person does, in a process of its own."""

    def run(*arguments: object, code: int = 0, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            input=stdin,
            env=os.environ | {"PYTHONWARNINGS": "error::DeprecationWarning:workbench"},
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def document(done: subprocess.CompletedProcess[str], name: str) -> dict[str, object]:
    """Parse what --json printed and hold it against its published schema."""
    parsed = json.loads(done.stdout)
    validate(parsed, f"outputs/{name}", source=name)
    return dict(parsed)


@pytest.fixture
def directory(campaign: Campaign, make_ortho: MakeOrtho) -> Path:
    """Return a campaign of one zone with an imported, accepted mask."""
    image, mask = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z15_UN", mask=mask)
    return campaign.path


def test_the_whole_chain_by_hand(run: Run, make_ortho: MakeOrtho, tmp_path: Path) -> None:
    zone, directory = ("--zone", "D051_2019/Z15_UN"), tmp_path / "campaign"
    image, mask = make_ortho(1024, 512)
    run("campaign", "init", "campaign")
    done = run(
        *("zone", "add", "campaign", image, "--domain", "D051_2019", "--zone", "Z15_UN"),
        *("--labels", mask, "--scheme", "flair", "--acquired", "2019-08-26", "--json"),
    )
    assert document(done, "zone-add")["patches"] == 2
    listed = document(run("zone", "list", directory, "--json"), "zone-list")
    assert [(one["zone"], one["state"]) for one in listed["zones"]] == [("D051_2019/Z15_UN", "accepted")]
    segmented = document(run("segment", directory, "--all", "--json"), "segment")
    assert segmented["leaves"] > 100
    assert segmented["build_seconds"] > 0
    assert document(run("segment", directory, *zone, "--json"), "segment")["hierarchies"][0]["skipped"]

    hierarchy = directory / "zones" / "D051_2019" / "Z15_UN" / "hierarchy.h5"
    info = document(run("hierarchy", "info", hierarchy, "--json"), "hierarchy-info")
    assert (info["height"], info["width"], info["bands"]) == (1024, 512, 5)
    run("hierarchy", "cut", hierarchy, "--regions", 40, "-o", "regions.tif")
    with rasterio.open(tmp_path / "regions.tif") as source:
        regions = source.read(1)
    assert regions.min() == 1
    assert 1 < len(np.unique(regions)) <= 40
    evaluated = document(run("hierarchy", "evaluate", hierarchy, mask, "--json"), "hierarchy-evaluate")
    assert set(evaluated["picks"]) == {"90", "95", "98"}
    assert evaluated["picks"]["95"]["nested"] <= evaluated["picks"]["95"]["disjoint"]

    run("labels", "export", directory, *zone, "--scheme", "flair", "-o", "labels.tif")
    with rasterio.open(tmp_path / "labels.tif") as source, rasterio.open(mask) as truth:
        assert (source.read() == truth.read()).all()
    built = run("release", "build", directory, "--name", "FR_V0.1", "-o", "out", "--json")
    assert document(built, "release-build")["counts"]["patches"] == 2
    verified = document(run("release", "verify", "out/FR_V0.1", "--json"), "release-verify")
    assert verified["sound"]
    figures = document(run("release", "stats", "out/FR_V0.1", "--json"), "release-stats")
    assert figures["labels"]["origins"]["imported"] == figures["total"]["pixels"] == 2 * 512**2
    assert "prod           R" in run("release", "stats", "out/FR_V0.1").stdout
    run("release", "report", "out/FR_V0.1", "-o", "report.html", "--campaign", directory)
    assert "exists already" in run("release", "report", "out/FR_V0.1", "-o", "report.html", code=1).stderr
    run("release", "report", "out/FR_V0.1", "-o", "report.html", "--no-pixels", "--overwrite")
    assert "The pixels were not read" in (tmp_path / "report.html").read_text()

    label = next((tmp_path / "out").rglob("MSK_*.tif"))
    label.write_bytes(label.read_bytes()[:-1] + b"!")
    broken = document(run("release", "verify", "out/FR_V0.1", "--json", code=1), "release-verify")
    assert any(label.name in problem["file"] for problem in broken["problems"])


def test_a_release_is_published_by_who_says_when_and_under_which_licence(run: Run, directory: Path) -> None:
    run("release", "build", directory, "--name", "FR_V0.1", "-o", "out")
    call = ("release", "publish", "out/FR_V0.1", "-o", "public")
    asked = run(*call, "--licence", "etalab-2.0", code=2).stderr
    assert "a release does not know when it is published; give the day with --date" in asked
    assert "nobody may use data without a licence" in run(*call, "--date", "2026-01-31", code=2).stderr
    assert "'soon'" in run(*call, "--licence", "odbl", "--date", "soon", code=2).stderr
    refused = run(*call, "--licence", "mine", "--date", "2026-01-31", code=1).stderr
    assert "licence 'mine' is none that data are published under" in refused
    assert not (directory.parent / "public").exists()

    said = ("--licence", "etalab-2.0", "--date", "2026-01-31", "--title", "Land cover of Gers")
    done = document(run(*call, *said, "--authors", "IGN, CNES", "--json"), "release-publish")
    assert (done["title"], done["licence"], done["date"]) == (
        "Land cover of Gers",
        "etalab-2.0",
        "2026-01-31",
    )
    assert "sound" in run("release", "verify", "public/FR_V0.1").stdout
    again = document(run(*call, *said, "--authors", "IGN, CNES", "--json"), "release-publish")
    assert again == done | {"reused": True}
    assert "says something else (first CITATION.cff)" in run(*call, *said, code=1).stderr


def test_two_releases_are_compared_and_what_no_journal_explains_is_a_problem(
    run: Run, directory: Path, tmp_path: Path
) -> None:
    zone, diff = ("--zone", "Z15_UN"), ("release", "diff", "out/V0.1", "out/V0.1.1")
    run("release", "build", directory, "--name", "V0.1", "-o", "out")
    run("review", directory, *zone, "--send-back", "there is a greenhouse", "--author", "paul")
    script = '{"polygon": [[0, 0], [0, 9], [9, 9], [9, 0]], "class": "greenhouse"}'
    run("label", directory, *zone, "--author", "marie", "--script", "-", stdin=script)
    run("review", directory, *zone, "--submit", "--anyway", "made", "--author", "marie")
    run("review", directory, *zone, "--accept", "--author", "paul")
    run("release", "build", directory, "--name", "V0.1.1", "-o", "out", "--parent", "out/V0.1")
    told = document(run(*diff, "--campaign", directory, "--json"), "release-diff")
    assert told["pixels"] == {"changed": 100, "untold": 0}
    assert told["reasons"]["unexplained"] == {"patches": 0, "pixels": 0}
    run(*diff, "--changelog", "notes.md", "--report", "page.html")
    assert "\n# V0.1.1" in (tmp_path / "notes.md").read_text()
    assert "exists already" in run(*diff, "--changelog", "notes.md", code=1).stderr
    run("campaign", "init", "other")
    assert "unexplained: 1 patch, 100 pixels" in run(*diff, "--campaign", "other", code=1).stdout
    next((tmp_path / "out" / "V0.1.1").rglob("*LABEL*.tif")).write_bytes(b"II*\0")
    assert "is not as it was built" in run(*diff, code=1).stderr


def test_a_challenge_from_a_tree_to_a_score(run: Run, directory: Path, tmp_path: Path) -> None:
    run("release", "build", directory, "--name", "FR_V0.1", "-o", "out")
    tree = ("release", "import", "out/FR_V0.1/FLAIR1", "-o", "again", "--json")
    imported = document(run(*tree), "release-import")
    assert [(zone["zone"], zone["accepted"]) for zone in imported["zones"]] == [("D051_2019/Z15_UN", True)]
    assert "there already and" in run(*tree[:-1]).stdout
    assert "no domain D001" in run(*tree[:-1], "--domain", "D001", code=1).stderr
    subset = ("release", "subset", "out/FR_V0.1", "-o", "out", "--name", "OPEN", "--layout", "flair1")
    made = document(run(*subset, "--withhold-test", "--json"), "release-subset")
    assert made["withheld"]["patches"] == 1
    sealed = made["sealed"]
    proved = run("release", "verify", "out/OPEN", "--sealed", sealed, "--json")
    assert document(proved, "release-verify")["withheld"] == 1
    (tmp_path / "predictions").mkdir()
    (mask,) = (tmp_path / sealed).rglob("MSK_*.tif")
    shutil.copyfile(mask, tmp_path / "predictions" / mask.name.replace("MSK", "PRED"))
    score = ("release", "score", sealed, "predictions", "--rule", "flair")
    found = document(run(*score, "--scheme", "flair", "--json"), "release-score")
    assert found["score"]["accuracy"] == 1
    refused = document(run(*score, "--json", code=1), "release-score")
    assert [problem["kind"] for problem in refused["problems"]] == ["scheme"]
    assert "withholds the labels" in run("release", "score", "out/OPEN", "predictions", code=1).stderr


def test_a_zone_is_withdrawn_and_no_later_release_has_it(
    run: Run, directory: Path, make_ortho: MakeOrtho
) -> None:
    image, mask = make_ortho(512, 512, col=2048, name="east")
    run("zone", "add", directory, image, "--domain", "D051_2019", "--zone", "Z2_UU", "--labels", mask)
    run("release", "build", directory, "--name", "V0.1", "-o", "out")
    gone = ("--zone", "D051_2019/Z2_UU", "--reason", "shows a prison")
    withdraw = ("release", "withdraw", "out/V0.1", "-o", "out", *gone)
    told = run(*withdraw, "--name", "V0.2", "--campaign", directory, "--json")
    done = document(told, "release-withdraw")
    assert (done["version"], done["parent"]["version"], done["counts"]["zones"]) == ("0.2.0", "0.1.0", 1)
    assert [one["path"] for one in done["remains"]] == ["out/V0.1"]
    assert "sound" in run("release", "verify", "out/V0.2").stdout
    diff = run("release", "diff", "out/V0.1", "out/V0.2").stdout
    assert "removed: D051_2019/Z2_UU (1 patch, " in diff
    assert "withdrawn: shows a prison" in diff
    for name, parent in (("V0.3", "out/V0.2"), ("V0.3.0", "out/V0.1")):
        built = run("release", "build", directory, "--name", name, "-o", "out", "--parent", parent)
        assert "Z2_UU was withdrawn in 0.2.0 and stays out: shows a prison" in built.stderr
        assert "1 zone in 1 domain" in built.stdout
    assert "V0.2 is there already, with the same content" in run(*withdraw, "--name", "V0.2").stdout
    again = run(*withdraw[:-1], "another reason", "--name", "V0.2", code=1).stderr
    assert "tells otherwise how it was made (withdrawn in its release.json)" in again
    assert "has no other zone" in run(*withdraw, "--zone", "D051_2019/Z15_UN", "--name", "W", code=1).stderr


def test_a_release_in_other_classes(run: Run, directory: Path, tmp_path: Path) -> None:
    run("release", "build", directory, "--name", "FR_V0.1", "-o", "out")
    recode = ("release", "recode", "out/FR_V0.1", "-o", "out", "--name")
    made = document(run(*recode, "FR_V0.1_15", "--to", "15", "--json"), "release-recode")
    assert (made["reused"], made["derived"]["of"], made["nomenclature"]["name"]) == (
        False,
        "FR_V0.1",
        "flair-15",
    )
    assert "sound" in run("release", "verify", "out/FR_V0.1_15").stdout
    assert document(run(*recode, "FR_V0.1_15", "--to", "15", "--json"), "release-recode")["reused"]
    (image,) = (tmp_path / "out" / "FR_V0.1" / "FLAIR1").rglob("IMG_*.tif")
    with rasterio.open(image) as source:
        bounds = source.bounds
    whole = geopandas.GeoDataFrame({"us": ["US5"]}, geometry=[shapely.box(*bounds)], crs=2154)
    whole.to_file(tmp_path / "usage.gpkg")
    asked = (*recode, "USED", "--to", "artificialised", "--usage", "usage.gpkg", "--usage-field")
    assert "has no field code_us; it has us" in run(*asked, "code_us", code=1).stderr
    told = document(run(*asked, "us", "--json"), "release-recode")
    assert told["class_pixels"]["depends_on_usage"] == 0
    assert told["derived"]["usage"]["features"] == 1
    assert not (tmp_path / "out" / "OCSGE").exists()
    decided = run(*recode, "OCSGE", "--to", "ocsge-cover", "--decide", "ligneous=CS2.1", code=1).stderr
    assert "CS2.1 is a group, and a pixel has a class" in decided


def test_a_script_prints_each_op_once_it_is_durable(run: Run, directory: Path) -> None:
    zone = ("--zone", "Z15_UN")
    lines = [
        {"polygon": [[0, 0], [0, 9], [9, 9], [9, 0]], "class": "greenhouse"},
        {"undo": 1},
        {"polygon": [[0, 0], [0, 9], [9, 9], [9, 0]], "class": "water"},
    ]
    script = "\n".join(map(json.dumps, lines))
    labelling = ("label", directory, *zone, "--author", "marie", "--script", "-", "--json-lines")
    assert "accepted by import and is locked" in run(*labelling, stdin=script, code=1).stderr
    run("review", directory, *zone, "--send-back", "there is a greenhouse", "--author", "paul")
    done = run(*labelling, stdin=script)
    assert [json.loads(line)["op"] for line in done.stdout.splitlines()] == ["marie:1", "marie:2", "marie:3"]
    status = document(run("zone", "status", directory, *zone, "--json"), "zone-status")
    assert status["state"] == "sent_back"
    assert status["heads"]["marie"] == 3
    dumped = [json.loads(line) for line in run("journal", "dump", directory, *zone).stdout.splitlines()]
    assert [op["id"] for op in dumped if op["author"] == "marie"] == ["marie:1", "marie:2", "marie:3"]
    for op in dumped:
        validate(op, "op", source=op["id"])
    report = document(run("journal", "verify", directory, *zone, "--json"), "journal-verify")
    assert [one["author"] for one in report["journals"]] == ["import", "marie", "paul"]
    refused = run("review", directory, *zone, "--submit", "--author", "marie", code=1).stderr
    assert "1 open finding (1 tall-water), the largest tall-water at pixel (4, 5)" in refused
    checked = document(run("zone", "check", directory, *zone, "--json", code=1), "zone-check")
    assert [one["told"] for one in checked["findings"] if one["justified"] is None]
    justify = '{"justify": "tall-water", "at": [4, 5], "text": "a tank on a roof"}'
    run("label", directory, *zone, "--author", "marie", "--script", "-", stdin=justify)
    assert "justified by marie:4: a tank on a roof" in run("zone", "check", directory, *zone).stdout
    run("review", directory, *zone, "--submit", "--author", "marie")
    run("review", directory, *zone, "--send-back", "the greenhouse is a pond", "--author", "paul")
    assert "the greenhouse is a pond" in run("zone", "status", directory, *zone).stdout
    run("review", directory, *zone, "--submit", "--author", "marie")
    run("review", directory, *zone, "--accept", "--author", "paul")
    assert "accepted" in run("zone", "list", directory).stdout


def test_a_zone_gets_more_rasters_to_look_at(run: Run, directory: Path, tmp_path: Path) -> None:
    zone, grid = ("--zone", "Z15_UN"), made_grid(512, 256)
    write_raster(tmp_path / "dsm.tif", np.zeros(grid.shape, np.float32), grid)
    add = ("zone", "add-raster", directory, *zone, "dsm.tif", "--role", "dsm")
    done = document(run(*add, "--date", "2019-08-26", "--json"), "zone-add-raster")
    assert (done["key"], done["bands"], done["share"]) == ("dsm-2019-08-26", ["DSM"], 0.5)
    assert "dsm-2019-08-26" in run("zone", "status", directory, *zone).stdout
    status = document(run("zone", "status", directory, *zone, "--json"), "zone-status")
    assert [one["key"] for one in status["rasters"]] == ["ortho", "dsm-2019-08-26"]
    assert "has a raster dsm-2019-08-26 already" in run(*add, "--date", "2019-08-26", code=1).stderr


def test_a_refused_line_exits_1_and_names_the_line(run: Run, directory: Path) -> None:
    script = '{"undo": 1}\n'
    done = run(
        "label", directory, "--zone", "Z15_UN", "--author", "marie", "--script", "-", stdin=script, code=1
    )
    assert done.stderr.startswith("workbench: line 1: ")
    assert done.stdout == ""


def files(root: Path) -> dict[str, bytes]:
    """Return all files but the empty lock files, which stay where somebody once looked for the lock."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


BAD_CALLS = {
    "zone name": (["zone", "add", "DIR", "IMAGE", "--domain", "D051_2019", "--zone", "../Z1"], 1, "../Z1"),
    "mask of another size": (
        ["zone", "add", "DIR", "IMAGE", "--domain", "D001_2020", "--zone", "Z1", "--labels", "SMALL"],
        1,
        "600 × 512",
    ),
    "text as raster": (
        ["zone", "add", "DIR", "TEXT", "--domain", "D001_2020", "--zone", "Z1"],
        1,
        "text.tif",
    ),
    "raster without a role": (["zone", "add-raster", "DIR", "--zone", "Z15_UN", "IMAGE"], 2, "--role"),
    "raster of no known role": (
        ["zone", "add-raster", "DIR", "--zone", "Z15_UN", "SMALL", "--role", "dms"],
        1,
        "choose one of dsm, dtm",
    ),
    "text as another raster": (
        ["zone", "add-raster", "DIR", "--zone", "Z15_UN", "TEXT", "--role", "dsm"],
        1,
        "is not a GeoTIFF",
    ),
    "text as a model": (["model", "import", "TEXT", "-o", "m"], 1, "is no checkpoint"),
    "model of the hub": (["model", "import", "IGNF/FLAIR", "-o", "m"], 1, "without --network"),
    "campaign as a model": (["model", "info", "DIR"], 1, "has no card.json"),
    "campaign to publish": (["model", "publish", "DIR", "-o", "p"], 1, "has no card.json"),
    "publish without output": (["model", "publish", "DIR"], 2, "-o"),
    "split to publish": (["model", "publish", "DIR", "-o", "p", "--split", "6"], 2, "choose 1 to 5 or prod"),
    "bands of a model": (["model", "import", "TEXT", "-o", "m", "--bands", "R:1"], 1, "NAME:MEAN:STD"),
    "model without output": (["model", "import", "TEXT"], 2, "-o"),
    "text as raster to segment": (["segment", "TEXT", "-o", "h.h5"], 1, "text.tif"),
    "missing raster": (["segment", "nothing.tif", "-o", "h.h5"], 1, "nothing.tif"),
    "evaluation of nothing": (["evaluate", "SMALL"], 2, "--prediction"),
    "evaluation of a mask of another size": (
        ["evaluate", "SMALL", "--prediction", "MASK"],
        1,
        "does not cover the pixels",
    ),
    "evaluation of a split of a mask": (
        ["evaluate", "SMALL", "--prediction", "SMALL", "--split", "all"],
        2,
        "is for a release",
    ),
    "evaluation without a model": (["evaluate", "DIR", "--model", "DIR"], 1, "release.json"),
    "a picture over a text": (
        ["evaluate", "SMALL", "--prediction", "SMALL", "--plot", "TEXT", "--overwrite"],
        1,
        "ends in .png",
    ),
    "an unknown numbering": (
        ["evaluate", "SMALL", "--prediction", "SMALL", "--scheme", "corine"],
        1,
        "no scheme 'corine'",
    ),
    "a proposal without a pool": (["propose", "DIR", "--budget", "2h"], 1, "has no pool to propose from"),
    "a budget of nothing": (["propose", "DIR", "--budget", "0picks"], 1, "labels nothing"),
    "a budget of what": (["propose", "DIR", "--budget", "500"], 1, "write it like 500picks"),
    "a strategy of no name": (
        ["propose", "DIR", "--budget", "2h", "--strategy", "best"],
        1,
        "there is no strategy 'best'",
    ),
    "an evaluation that is none": (
        ["propose", "DIR", "--budget", "2h", "--evaluation", "TEXT"],
        1,
        "is no evaluation",
    ),
    "a pick of no time": (
        ["propose", "DIR", "--budget", "2h", "--seconds-per-pick", "0"],
        1,
        "a pick takes time",
    ),
    "text in the pool": (["pool", "add", "DIR", "TEXT", "--domain", "D001_2020"], 1, "text.tif"),
    "a domain of no year": (
        ["pool", "add", "DIR", "IMAGE", "--domain", "Vosges"],
        1,
        "write it like D055_2018",
    ),
    "no such dalle": (["pool", "drop", "DIR", "D001_2020/x"], 1, "the pool has no dalle"),
    "nothing was proposed": (["proposal", "list", "DIR"], 1, "have zones proposed"),
    "which proposals": (["proposal", "accept", "DIR"], 2, "--first N, or --all"),
    "a map of a text": (["product", "build", "TEXT", "-o", "m.gpkg", "--kind", "cosia"], 1, "text.tif"),
    "a map without a name": (["product", "build", "SMALL", "-o", "map", "--kind", "cosia"], 1, "--domain"),
    "a scale of no regions": (
        ["product", "build", "SMALL", "-o", "m.gpkg", "--kind", "cosia", "--scale", "5"],
        2,
        "give their --hierarchy, too",
    ),
    "confidence in nothing": (
        ["train", "DIR", "-o", "m", "--confidence", "0.5"],
        2,
        "give their campaign by --sure, too",
    ),
    "a map of a picture": (
        ["product", "build", "IMAGE", "-o", "m.gpkg", "--kind", "cosia"],
        1,
        "has 5 bands; a prediction has class",
    ),
    "a map over the registry": (
        ["product", "build", "SMALL", "-o", "DIR/registry.gpkg", "--kind", "cosia", "--overwrite"],
        1,
        "does not say that it is a map of CoSIA",
    ),
    "a map of no kind": (["product", "build", "SMALL", "-o", "m.gpkg", "--kind", "corine"], 2, "--kind"),
    "raster beyond the memory": (["segment", "IMAGE", "-o", "h.h5", "--memory", "0.001"], 1, "--memory 0.3"),
    "segment without output": (["segment", "IMAGE"], 2, "-o"),
    "segment a zone of a raster": (["segment", "IMAGE", "-o", "h.h5", "--zone", "X"], 2, "campaign DIR"),
    "no memory at all": (["segment", "IMAGE", "-o", "h.h5", "--memory", "-1"], 2, "--memory"),
    "raster onto itself": (["segment", "IMAGE", "-o", "IMAGE", "--overwrite"], 1, "made of"),
    "hierarchy over a text": (
        ["segment", "IMAGE", "-o", "TEXT", "--overwrite"],
        1,
        "does not say that it is a hierarchy",
    ),
    "memory of a zone": (["segment", "DIR", "--all", "--memory", "2"], 2, "--memory is for a raster"),
    "segment a campaign without a zone": (["segment", "DIR"], 2, "--all"),
    "no campaign": (["zone", "list", "nowhere"], 1, "workbench campaign init"),
    "no zone": (["zone", "status", "DIR", "--zone", "Z9"], 1, "Z9"),
    "bad scheme": (
        ["labels", "export", "DIR", "--zone", "Z15_UN", "--scheme", "x", "-o", "l.tif"],
        1,
        "flair-19 has no scheme 'x'; it has cosia_numero, flair, flair_hub",
    ),
    "migration without a way": (["zone", "migrate", "DIR", "new", "--all"], 2, "--table"),
    "migration of no zone": (["zone", "migrate", "DIR", "new", "--to", "flair-19"], 2, "--all"),
    "no such table": (["zone", "migrate", "DIR", "new", "--all", "--table", "corine"], 1, "corine"),
    "table of another nomenclature": (
        ["zone", "migrate", "DIR", "new", "--all", "--table", "ign-naf-to-flair-19"],
        1,
        "starts from ign-naf, not from flair-19",
    ),
    "migration inside": (["zone", "migrate", "DIR", "DIR/new", "--all", "--to", "flair-19"], 1, "inside"),
    "half a decision": (
        ["zone", "migrate", "DIR", "new", "--all", "--to", "flair-19", "--decide", "snow"],
        2,
        "OLD=NEW",
    ),
    "two decisions": (
        ["zone", "migrate", "DIR", "n", "--all", "--to", "flair-19", "--decide", "a=b", "--decide", "a=c"],
        2,
        "a is decided twice",
    ),
    "no folder": (
        ["labels", "export", "DIR", "--zone", "Z15_UN", "--scheme", "flair", "-o", "a/l.tif"],
        1,
        "a",
    ),
    "text as hierarchy": (["hierarchy", "info", "TEXT"], 1, "workbench segment"),
    "campaign twice": (["campaign", "init", "DIR"], 1, "already"),
    "unknown nomenclature": (["campaign", "init", "new", "--nomenclature", "corine"], 1, "corine"),
    "release name": (["release", "build", "DIR", "--name", "../x", "-o", "out"], 1, "../x"),
    "unknown layout": (
        ["release", "build", "DIR", "--name", "X", "-o", "out", "--layout", "coco"],
        1,
        "coco",
    ),
    "no release": (["release", "verify", "DIR"], 1, "release.json"),
    "figures of no release": (["release", "stats", "DIR"], 1, "release.json"),
    "report of no release": (["release", "report", "DIR", "-o", "report.html"], 1, "release.json"),
    "report over a text": (
        ["release", "report", "DIR", "-o", "TEXT", "--overwrite"],
        1,
        "does not say that it is a report",
    ),
    "subset of no release": (["release", "subset", "DIR", "-o", "out", "--name", "X"], 1, "release.json"),
    "withdrawal from no release": (
        ["release", "withdraw", "DIR", "-o", "out", "--name", "X", "--zone", "D1/Z", "--reason", "law"],
        1,
        "release.json",
    ),
    "withdrawal without a reason": (
        ["release", "withdraw", "DIR", "-o", "out", "--name", "X", "--zone", "D1/Z"],
        2,
        "--reason",
    ),
    "subset without a name": (["release", "subset", "DIR", "-o", "out"], 2, "--name"),
    "other classes of no release": (
        ["release", "recode", "DIR", "-o", "out", "--name", "X", "--to", "15"],
        1,
        "release.json",
    ),
    "other classes that are none": (
        ["release", "recode", "DIR", "-o", "out", "--name", "X", "--to", "17"],
        2,
        "ocsge-cover",
    ),
    "a layer of no usage": (
        [
            "release",
            "recode",
            "DIR",
            "-o",
            "o",
            "--name",
            "X",
            "--to",
            "artificialised",
            "--usage-layer",
            "L",
        ],
        2,
        "--usage FILE",
    ),
    "score by no release": (["release", "score", "DIR", "DIR"], 1, "release.json"),
    "import of no tree": (["release", "import", "DIR", "-o", "new"], 1, "holds no patches such as"),
    "import by no layout": (["release", "import", "DIR", "-o", "new", "--layout", "coco"], 1, "flair-hub"),
    "no verdict": (["review", "DIR", "--zone", "Z15_UN", "--author", "paul"], 2, "--accept"),
    "accepted twice": (["review", "DIR", "--zone", "Z15_UN", "--accept", "--author", "paul"], 1, "accepted"),
    "bad author": (["review", "DIR", "--zone", "Z15_UN", "--submit", "--author", "../paul"], 1, "../paul"),
    "no journal": (["journal", "verify", "DIR", "--zone", "Z15_UN", "--author", "zoe"], 1, "zoe"),
    "no script": (
        ["label", "DIR", "--zone", "Z15_UN", "--author", "m", "--script", "no.jsonl"],
        2,
        "no.jsonl",
    ),
    "bad date": (
        ["zone", "add", "DIR", "IMAGE", "--domain", "D001_2020", "--zone", "Z1", "--acquired", "26/08/2019"],
        2,
        "26/08/2019",
    ),
    "demo in a full directory": (["demo", "DIR"], 1, "not an empty directory"),
    "two verdicts": (
        ["review", "DIR", "--zone", "Z15_UN", "--author", "p", "--submit", "--accept"],
        2,
        "give one",
    ),
    "below a file": (["campaign", "init", "TEXT/new"], 1, "text.tif"),
    "text as pack": (["zone", "unpack", "DIR", "TEXT"], 1, "no zip"),
    "pack over a text": (
        ["zone", "pack", "DIR", "--zone", "Z15_UN", "-o", "TEXT", "--overwrite"],
        1,
        "does not say that it is a packed zone",
    ),
    "pack of no zone": (["zone", "pack", "DIR", "--zone", "Z9", "-o", "z.zip"], 1, "Z9"),
    "backup into the campaign": (["campaign", "backup", "DIR", "DIR/backup"], 1, "lies in the campaign"),
    "onto a folder": (
        ["labels", "export", "DIR", "--zone", "Z15_UN", "--scheme", "flair", "-o", "DIR", "--overwrite"],
        1,
        "campaign",
    ),
    "bias without leaves": (
        ["labels", "bias", "DIR", "--zone", "Z15_UN", "--reference", "import"],
        1,
        "workbench segment",
    ),
    "two scales": (
        ["hierarchy", "cut", "x.h5", "--scale", "1", "--regions", "2", "-o", "x.tif"],
        2,
        "--regions",
    ),
}


def filled(argument: str, names: dict[str, Path]) -> str:
    """Replace the name that an argument begins with by its path."""
    head, slash, rest = argument.partition("/")
    return f"{names.get(head, head)}{slash}{rest}"


@pytest.mark.parametrize("case", BAD_CALLS)
def test_a_bad_call_gets_one_sentence_and_changes_nothing(
    run: Run, directory: Path, make_ortho: MakeOrtho, tmp_path: Path, case: str
) -> None:
    arguments, code, reason = BAD_CALLS[case]
    small = make_ortho(600, 512, name="small")[1]
    (tmp_path / "text.tif").write_text("not a raster")
    names = {"DIR": directory, "IMAGE": tmp_path / "scene.tif", "SMALL": small, "TEXT": tmp_path / "text.tif"}
    names |= {"MASK": tmp_path / "scene-mask.tif"}
    before = files(tmp_path)
    done = run(*(filled(argument, names) for argument in arguments), code=code)
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if code == 1:
        assert done.stderr.startswith("workbench: ")
        assert done.stderr.count("\n") == 1
    assert files(tmp_path) == before


SEVERAL = re.compile(
    r"(?<![\d,.])1 ([a-z]+ )?"
    r"(cells|classes|domains|edits|files|journals|leaves|ops|parts|patches|pieces|pixels|polygons|problems|"
    r"regions|tiles|zones)\b"
)
"""One of something, said as if it were several."""


def test_one_thing_is_counted_as_one(run: Run, directory: Path, tmp_path: Path) -> None:
    """A campaign of one zone of one patch; a map of two pieces, one of them too small."""
    zone = ("--zone", "Z15_UN")
    codes = np.full((512, 512), 10, np.uint8)
    codes[:2, :2] = 1
    write_raster(tmp_path / "map.tif", codes, made_grid(512, 512))
    run("labels", "export", directory, *zone, "--scheme", "flair", "-o", "labels.tif")
    told = [
        run("zone", "status", directory, *zone).stdout,
        run("campaign", "double", directory, "--share", 1).stdout,
        run("campaign", "backup", directory, "backup").stdout,
        run("zone", "pack", directory, *zone, "-o", "zone.zip").stdout,
        run("journal", "verify", directory, *zone).stdout,
        run("product", "build", "map.tif", "-o", "m.gpkg", "--kind", "cosia", "--mmu", 500).stdout,
        run("release", "build", directory, "--name", "X", "-o", "out").stdout,
    ]
    next((tmp_path / "out").rglob("MSK_*.tif")).unlink()
    told.append(run("release", "verify", "out/X", code=1).stdout)
    assert "1 zone, " in told[2]
    assert "1 polygon" in told[5]
    assert "1 piece below" in told[5]
    assert "1 patch, 0.010486 km², 1 zone in 1 domain;" in told[6]
    assert "1 patch" in told[7]
    assert [found[0] for text in told for found in SEVERAL.finditer(text)] == []


def test_the_doctor_mends_a_journal_and_says_what_is_lost(run: Run, directory: Path) -> None:
    zone = ("--zone", "Z15_UN")
    run("journal", "doctor", directory, *zone)
    journal = next((directory / "zones").rglob("import.sqlite"))
    content = journal.read_bytes()
    journal.write_bytes(bytes(100) + content[100:])
    assert "journal doctor" in run("zone", "status", directory, *zone, code=1).stderr
    listed = json.loads(run("zone", "list", directory, "--json", code=1).stdout)
    validate(listed, "outputs/zone-list", source="list")
    assert [one["zone"] for one in listed["damaged"]] == ["D051_2019/Z15_UN"]
    assert "damaged" in run("zone", "list", directory, code=1).stdout
    assert "first_bad" in run("journal", "verify", directory, *zone, "--json", code=1).stdout
    told = run("journal", "doctor", directory, *zone, code=1).stdout
    assert "import: mended" in told
    assert "whether there were later ones cannot be known" in told
    report = json.loads(run("journal", "doctor", directory, *zone, "--json", code=1).stdout)
    validate(report, "outputs/journal-doctor", source="doctor")
    (found,) = (one for one in report["journals"] if one["author"] == "import")
    assert (found["problem"], found["first_lost"]) == (None, None)
    assert report["missing"] == {"import": found["ops"] + 1}
    (mark,) = journal.parent.glob("quarantine/*/lost")
    assert f"remove {mark}" in run("journal", "verify", directory, *zone, code=1).stdout
    mark.unlink()
    report = json.loads(run("journal", "doctor", directory, *zone, "--json").stdout)
    assert report["sound"]
    run("journal", "verify", directory, *zone)
    journal.write_bytes(content[: len(content) // 2])
    report = json.loads(run("journal", "doctor", directory, *zone, "--json", code=1).stdout)
    validate(report, "outputs/journal-doctor", source="doctor")
    (found,) = (one for one in report["journals"] if one["author"] == "import")
    assert found["first_lost"] is None, "the copy in quarantine has what this one lost"
    shutil.rmtree(journal.parent / "quarantine")
    journal.write_bytes(content[: len(content) // 2])
    report = json.loads(run("journal", "doctor", directory, *zone, "--json", code=1).stdout)
    (found,) = (one for one in report["journals"] if one["author"] == "import")
    assert found["first_lost"] == f"import:{found['ops'] + 1}"
    assert Path(found["quarantine"], "import.sqlite").read_bytes() == content[: len(content) // 2]
    told = run("journal", "verify", directory, *zone, code=1).stdout
    assert f"no journal holds op {found['first_lost']};" in told


@pytest.mark.skipif(sys.platform != "linux", reason="where a screen has a name in the environment")
def test_without_a_screen_annotate_says_so(
    run: Run, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    refused = run("annotate", directory, "--zone", "Z15_UN", "--author", "zoe", code=1).stderr
    assert refused.startswith("workbench: there is no screen to open a window on")
    assert refused.count("\n") == 1


def test_a_second_annotation_is_blind_and_is_compared(run: Run, directory: Path, tmp_path: Path) -> None:
    zone = ("--zone", "Z15_UN")
    square, line = [[0, 0], [0, 99], [99, 99], [99, 0]], tmp_path / "edits.jsonl"
    before = json.loads(run("zone", "status", directory, *zone, "--json").stdout)
    line.write_text(json.dumps({"polygon": square, "class": "plowed_land"}) + "\n")
    run("label", directory, *zone, "--author", "zoe", "--script", line, "--blind")
    after = json.loads(run("zone", "status", directory, *zone, "--json").stdout)
    assert after["pixels"] == before["pixels"], "a blind label is none of the zone's"
    assert after["conflicts"] == []
    run("agreement", directory, *zone, "--authors", "zoe", "import")
    found = json.loads(run("agreement", directory, *zone, "--authors", "zoe", "import", "--json").stdout)
    validate(found, "outputs/agreement", source="agreement")
    assert found["authors"] == ["zoe", "import"]
    assert 0 < found["pixels"] <= 100 * 100
    assert "nobody" in run("agreement", directory, *zone, "--authors", "zoe", "nobody", code=1).stderr
    alone = run("agreement", directory, *zone, "--authors", "zoe", "zoe", code=1).stderr
    assert "zoe is compared with zoe; give two authors" in alone
    run("label", directory, *zone, "--author", "paul", "--script", line, "--blind")
    same = ("agreement", directory, *zone, "--authors", "zoe", "paul")
    assert "they differ in no pixel" in run(*same).stdout
    found = json.loads(run(*same, "--json").stdout)
    validate(found, "outputs/agreement", source="agreement")
    assert found["boundary_share"] is None


def test_provenance_is_a_raster_and_a_table_under_pseudonyms(
    run: Run, directory: Path, tmp_path: Path
) -> None:
    output, line = tmp_path / "provenance.tif", tmp_path / "edits.jsonl"
    square = [[0, 0], [0, 99], [99, 99], [99, 0]]
    line.write_text(json.dumps({"polygon": square, "class": "plowed_land"}) + "\n")
    zone = ("--zone", "Z15_UN")
    run("review", directory, *zone, "--send-back", "a field is missing", "--author", "paul")
    run("label", directory, *zone, "--author", "zoe", "--script", line)
    arguments = ("labels", "provenance", directory, *zone, "-o", output)
    found = json.loads(run(*arguments, "--json").stdout)
    validate(found, "outputs/labels-provenance", source="provenance")
    with rasterio.open(output) as raster:
        assert raster.read(1).max() == found["sources"]
    table = output.with_suffix(".csv").read_text()
    assert table.count("\n") == found["sources"] + 1
    assert "import:1,import," in table, "an import is nobody's name"
    assert "person-" in table
    assert "zoe" not in table
    run(*arguments, code=1)
    run(*arguments, "--overwrite", "--names")
    assert ",zoe," in output.with_suffix(".csv").read_text()


def test_a_campaign_in_igns_older_codes_goes_to_flair(
    run: Run, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho()
    run("campaign", "init", "old", "--nomenclature", "ign-naf")
    add = ("zone", "add", "old", image, "--domain", "D051_2019", "--zone", "Z15_UN", "--labels", mask)
    assert "ign-naf has no scheme 'flair'; it has naf" in run(*add, code=1).stderr
    run(*add, "--scheme", "naf")
    call = ("zone", "migrate", "old", "new", "--zone", "Z15_UN", "--table", "ign-naf-to-flair-19", "--json")
    done = document(run(*call), "zone-migrate")
    assert [one["class"] for one in done["undecided"]] == ["zone_permeable"]
    (zone,) = done["zones"]
    assert sum(one["pixels"] for one in zone["classes"]) == 512 * 512
    run("journal", "verify", "new", "--zone", "Z15_UN")
    run("labels", "export", "new", "--zone", "Z15_UN", "--scheme", "flair", "-o", "labels.tif")
    flair_of_naf = np.array([19, 1, 2, 3, 13, 4, 5, 6, 15, 7, 8, 9, 11, 12])
    with rasterio.open(tmp_path / "labels.tif") as source, rasterio.open(mask) as naf:
        assert (source.read() == flair_of_naf[naf.read()]).all()
    assert "has D051_2019/Z15_UN already" in run(*call, code=1).stderr


def test_a_zone_goes_to_a_colleague_and_back_and_all_is_backed_up(
    run: Run, directory: Path, tmp_path: Path
) -> None:
    zone, script = ("--zone", "Z15_UN"), '{"polygon": [[0, 0], [0, 9], [9, 9]], "class": "water"}'
    run("campaign", "init", "away")
    run("review", directory, *zone, "--send-back", "there is a pond", "--author", "import")
    packed = document(run("zone", "pack", directory, *zone, "-o", "out.zip", "--json"), "zone-pack")
    assert packed["journals"].keys() == {"import"}
    assert "pseudonyms" in run("zone", "pack", directory, *zone, "-o", "out.zip", "--overwrite").stdout
    assert document(run("zone", "unpack", "away", "out.zip", "--json"), "zone-unpack")["added"]
    run("label", "away", *zone, "--author", "bob", "--script", "-", stdin=script)
    run("zone", "pack", "away", *zone, "-o", "back.zip")
    brought = document(run("zone", "unpack", directory, "back.zip", "--json"), "zone-unpack")
    assert sorted(one["new"] for one in brought["journals"]) == [0, 1]
    assert "nothing was done" in run("zone", "unpack", directory, "back.zip").stdout
    for place in (directory, "away"):
        run("labels", "export", place, *zone, "--scheme", "flair", "-o", f"{Path(place).name}.tif")
    assert (tmp_path / "away.tif").read_bytes() == (tmp_path / "campaign.tif").read_bytes()
    done = document(run("campaign", "backup", directory, "backups/monday", "--json"), "campaign-backup")
    assert (done["journals"], done["damaged"]) == (2, [])
    listed = run("zone", "list", directory).stdout
    assert run("zone", "list", "backups/monday").stdout == listed
    journal = next((directory / "zones").rglob("import.sqlite"))
    journal.write_bytes(journal.read_bytes()[:5000])
    told = document(run("campaign", "backup", directory, "tuesday", "--json", code=1), "campaign-backup")
    assert told["damaged"][0]["path"] == "zones/D051_2019/Z15_UN/journal/import.sqlite"


def test_a_model_is_imported_looked_at_and_listed(run: Run, directory: Path, tmp_path: Path) -> None:
    name = "FLAIR-INC_rgb_12cl_resnet34-unet_weights.pth"
    save(inc(state(TINY)), tmp_path / name)
    (directory / "models").mkdir()
    model = directory / "models" / "twelve"
    done = document(run("model", "import", name, "-o", model, "--json"), "model-import")
    assert (done["tensors"], done["matched"], done["aside"]) == (done["tensors"], done["tensors"], 1)
    info = document(run("model", "info", model, "--json"), "model-info")
    validate(info["card"], "model-card", source="card")
    assert info["card"]["id"] == "twelve"
    assert len(info["card"]["untrained"]) == 7
    assert info["codes"][:3] == [1, 2, 3]
    assert "never trained, never given" in run("model", "info", model).stdout
    again = run("model", "import", name, "-o", model, code=1).stderr
    assert "exists already" in again
    renamed = ("--overwrite", "--id", "irg", "--bands", "NIR,R:100:50,G", "--resolution", "0.5")
    assert "bands NIR,R,G" in run("model", "import", name, "-o", model, *renamed).stdout
    listed = document(run("model", "list", directory, "--json"), "model-list")
    assert [one["card"]["id"] for one in listed["models"]] == ["irg"]
    assert "NIR,R,G" in run("model", "list", model).stdout
    assert "has no model" in run("model", "list", tmp_path / "campaign" / "zones").stdout
    published = document(run("model", "list", "--published", "--json"), "model-list")["published"]
    assert {"v10-vgg16-unet", "V12-swin-upernet-large"} <= {one["name"] for one in published}
    with (model / "weights.safetensors").open("ab") as file:
        file.write(b"!")
    listed = document(run("model", "list", directory, "--json", code=1), "model-list")
    assert "is not the file that the card was written for" in listed["damaged"][0]["problem"]


def test_a_model_proposes_and_says_what(run: Run, directory: Path, tmp_path: Path) -> None:
    zone = ("--zone", "Z15_UN")
    planes = np.full((3, 512, 512), 200, np.uint8)
    planes[0] = made_truth(512, 512)
    tags = {"MODEL": "tiny", "MODEL_SHA256": "ab" * 32, "NOMENCLATURE": "flair-19"}
    write_raster(tmp_path / "prediction.tif", planes, made_grid(512, 512), tags=tags)
    call = ("prelabel", directory, *zone, "--prediction", "prediction.tif")
    assert "is not segmented; run: workbench segment" in run(*call, code=1).stderr
    run("segment", directory, *zone)
    done = document(run(*call, "--json"), "prelabel")
    assert [(one["author"], one["pixels"]) for one in done["zones"]] == [("model-tiny", 512 * 512)]
    assert "all there already" in run(*call).stdout
    assert "Z15_UN: left out, accepted" in run("prelabel", directory, "--all").stderr
    run("review", directory, *zone, "--send-back", "look again", "--author", "paul")
    assert "has no prediction" in run("prelabel", directory, "--all", code=1).stderr
    for wrong in (
        (),
        ("--all", *zone),
        ("--all", "--prediction", "p.tif"),
        (*zone, "--model", "a", "--models", "b"),
    ):
        assert "give --zone ID" in run("prelabel", directory, *wrong, code=2).stderr
    assert "holds no models" in run("prelabel", directory, *zone, "--models", tmp_path, code=1).stderr
    assert "is no model" in run("prelabel", directory, *zone, "--model", tmp_path, code=1).stderr


def test_a_journal_of_another_zone_is_refused(run: Run, directory: Path, make_ortho: MakeOrtho) -> None:
    image, mask = make_ortho(512, 512, col=512, name="east")
    run("zone", "add", directory, image, "--domain", "D051_2019", "--zone", "Z2_UU", "--labels", mask)
    zones = directory / "zones" / "D051_2019"
    stranger = zones / "Z15_UN" / "journal" / "import.sqlite"
    stranger.replace(zones / "Z2_UU" / "journal" / "import.sqlite")
    before = files(directory)
    for arguments in (
        ["zone", "status", directory, "--zone", "Z2_UU"],
        ["label", directory, "--zone", "Z2_UU", "--author", "marie", "--script", "-"],
        ["labels", "export", directory, "--zone", "Z2_UU", "--scheme", "flair", "-o", "l.tif"],
    ):
        done = run(*arguments, code=1, stdin='{"undo": 1}')
        assert "D051_2019/Z15_UN" in done.stderr
        assert "D051_2019/Z2_UU" in done.stderr
        assert done.stderr.count("\n") == 1
    report = document(
        run("journal", "verify", directory, "--zone", "Z2_UU", "--json", code=1), "journal-verify"
    )
    assert "Z15_UN" in report["problem"]
    assert files(directory) == before


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from commands(one, *path, name)
        else:
            yield (*path, name), one


COMMANDS = dict(commands(command))
CONTRACT = (
    "demo; campaign init; zone add; zone add-raster; zone list; zone status; segment; hierarchy info; "
    "hierarchy cut; hierarchy evaluate; predict; annotate; label; prelabel; zone check; labels export; "
    "labels provenance; labels bias; agreement; journal dump; journal verify; journal doctor; review; "
    "suspects; "
    "gold add; gold admit; gold remove; campaign double; campaign folds; release build; release verify; "
    "release publish; release stats; release report; release leakage; release diff; release subset; "
    "release withdraw; release recode; release score; release import; zone migrate; zone pack; zone unpack; "
    "campaign backup; model import; model info; model list; model publish; evaluate; product build; "
    "train; crossval; pool add; pool list; propose; proposal list; proposal accept; pool drop"
)


def test_the_commands_are_those_of_the_contract() -> None:
    assert {" ".join(path) for path in COMMANDS} == set(CONTRACT.split("; "))


def example_of(path: tuple[str, ...]) -> list[str]:
    """Return the words of the example that ends a command's help."""
    one = COMMANDS[path]
    assert one.help
    example = re.search(r"Example:\n  workbench (.*)\Z", one.epilog or "")
    assert example, f"{' '.join(path)} has no example"
    words = shlex.split(example[1])
    assert tuple(words[: len(path)]) == path
    return words


def test_the_examples_of_all_commands_run(
    make_ortho: MakeOrtho, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run in the order of a campaign, but for `demo` (in .ci/run), `annotate` (in the tests of the desk) and
    `crossval` (in those of its workflow, on two domains)."""
    image, mask = make_ortho()
    image.rename(tmp_path / "ortho.tif")
    mask.rename(tmp_path / "truth.tif")
    write_raster(tmp_path / "dsm.tif", made_truth(512, 512).astype(np.float32), made_grid(512, 512))
    whole = [[-1, -1], [-1, 512], [512, 512], [512, -1]]  # nothing unlabelled, or it is not accepted
    square = [[50, 50], [50, 200], [200, 200], [200, 50]]  # a border, or there is no bias
    (tmp_path / "predictions").mkdir()
    for number, east in ((1, 0), (2, 5120)):
        predicted = tmp_path / "predictions" / f"PRED_IMG_{number:06}.tif"
        write_raster(predicted, made_truth(512, 512), made_grid(512, 512, col=east))
    made_model(tmp_path / "MODEL")
    truth = made_truth(1024, 1024, 5)
    write_raster(tmp_path / "dalle.tif", made_image(truth), made_grid(1024, 1024, row=40_960), level=1)
    lines = [{"polygon": whole, "class": "brushwood"}, {"polygon": square, "class": "plowed_land"}]
    (tmp_path / "edits.jsonl").write_text("\n".join(map(json.dumps, lines)))
    save(inc(state(TINY)), tmp_path / INC_NAME)
    monkeypatch.chdir(tmp_path)
    order = [tuple(one.split()) for one in CONTRACT.split("; ")]
    for path in order:
        words = example_of(path)
        if path not in {("demo",), ("annotate",), ("crossval",)}:
            done = CliRunner().invoke(command, words, catch_exceptions=False)
            assert done.exit_code == 0, (words, done.output)
        if path == ("release", "build"):  # another one, to be compared with
            words[words.index("FR_V0.1")] = "FR_V0.2"
            CliRunner().invoke(command, words, catch_exceptions=False)
        if path == ("campaign", "folds"):  # a second zone, that stays when the first one is withdrawn
            truth, grid = made_truth(512, 512, 7), made_grid(512, 512, col=5120)
            write_raster(tmp_path / "other.tif", made_image(truth), grid)
            write_raster(tmp_path / "mask.tif", truth, grid)
            more = ["other.tif", "--domain", "D055_2018", "--zone", "Z3_UU", "--labels", "mask.tif"]
            CliRunner().invoke(command, ["zone", "add", "DIR", *more], catch_exceptions=False)
        if path == ("label",):  # a second annotator for the comparison, and one who is a reference
            words[words.index("marie")] = "jean"
            CliRunner().invoke(command, words, catch_exceptions=False)
            words[words.index("jean")] = "zoe"
            CliRunner().invoke(command, [*words, "--blind"], catch_exceptions=False)
            CliRunner().invoke(command, ["segment", "DIR", "--all"], catch_exceptions=False)


REPEATED = {
    ("predict", "--model"),
    ("evaluate", "--model"),
    ("prelabel", "--model"),
    ("propose", "--model"),
    ("suspects", "--model"),
    ("zone migrate", "--zone"),
    ("zone migrate", "--decide"),
    ("product build", "--decide"),
    ("release build", "--readmit"),
    ("release publish", "--known-bias"),
    ("release withdraw", "--zone"),
    ("release recode", "--decide"),
}
"""Options that are made to be given several times."""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_option_of_one_value_that_is_given_again_is_a_mistake(path: tuple[str, ...]) -> None:
    """Click would take the last one, and say nothing of the others."""
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option) and not (option.is_flag and not option.secondary_opts):
            name = max(option.opts, key=len)
            given = [name, *["x"] * (0 if option.is_flag else option.nargs)]
            done = CliRunner().invoke(command, [*path, *given, *given])
            repeated = (" ".join(path), name) in REPEATED
            assert (f"{name} is given twice; give one" in done.stderr) == (not repeated), done.output
            assert done.exit_code == 2 or repeated
            thrice = CliRunner().invoke(command, [*path, *given * 3])
            assert (f"{name} is given 3 times; give one" in thrice.stderr) == (not repeated)


def test_both_sides_of_a_flag_are_a_mistake_and_the_same_one_again_is_none() -> None:
    both = CliRunner().invoke(command, ["crossval", "x", "-o", "y", "--prod", "--no-prod"])
    assert (both.exit_code, "--prod is given twice; give one" in both.stderr) == (2, True)
    again = CliRunner().invoke(command, ["model", "list", "--published", "--json", "--json", "--published"])
    assert again.exit_code == 0


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_readme_or_the_guide(path: tuple[str, ...]) -> None:
    pages = (ROOT / "README.md").read_text() + (ROOT / "docs" / "guide.md").read_text()
    assert f"workbench {' '.join(path)}" in pages


def test_each_json_output_has_its_schema() -> None:
    reporting = {
        "-".join(path)
        for path, one in COMMANDS.items()
        if any("--json" in param.opts for param in one.params)
    }
    assert reporting == {path.name.split(".")[0] for path in (ROOT / "schema" / "outputs").glob("*.json")}
