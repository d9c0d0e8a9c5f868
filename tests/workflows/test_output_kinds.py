"""Each command replaces what it wrote itself, when it is asked to, and no file of any other kind."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import click
import h5py
import numpy as np
import pyogrio
import pytest
from click.testing import CliRunner, Result
from made_models import made_model
from made_orthos import made_grid, made_image, made_truth
from made_proposals import pooled
from made_proposals import propose as propose_made

from workbench.active.proposal import PROPOSALS
from workbench.active.reasons import PROPOSAL_STYLE
from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.errors import CampaignError
from workbench.evaluation.plots import CONFUSION, RELIABILITY
from workbench.export.report import PAGE
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PREDICTION, PROBABILITIES
from workbench.geo.raster_kinds import LABELS, ORIGINS, REGIONS
from workbench.geo.styles import PREDICTION_STYLE
from workbench.outputs import OutputKind, is_known
from workbench.products import COSIA, OCSGE
from workbench.products.files import files_of
from workbench.segmentation.storage import HIERARCHY
from workbench.workflows.archive import PACK
from workbench.workflows.changelog import CHANGELOG
from workbench.workflows.diff_page import PAGE as DIFFERENCE
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.suspect_map import SUSPECTS, SUSPECTS_STYLE

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "outputs_unmarked"
ZONE = ("--zone", "D051_2019/Z15_UN")


class Output(NamedTuple):
    """A command, and the file that it writes."""

    kind: OutputKind
    name: str
    arguments: tuple[str, ...]
    option: str = "-o"
    beside: Mapping[str, OutputKind] = {}
    """Further files that it writes, by suffix."""


OUTPUTS = {
    "labels": Output(LABELS, "labels.tif", ("labels", "export", "campaign", *ZONE, "--scheme", "flair")),
    "provenance": Output(ORIGINS, "provenance.tif", ("labels", "provenance", "campaign", *ZONE)),
    "regions": Output(REGIONS, "regions.tif", ("hierarchy", "cut", "made/hierarchy.h5", "--regions", "9")),
    "hierarchy": Output(HIERARCHY, "hierarchy.h5", ("segment", "small.tif")),
    "prediction": Output(
        PREDICTION,
        "prediction.tif",
        ("predict", "small.tif", "--model", "model", "--device", "cpu"),
        beside={".qml": PREDICTION_STYLE},
    ),
    "probabilities": Output(
        PROBABILITIES,
        "probabilities.tif",
        ("predict", "small.tif", "--model", "model", "--device", "cpu", "-o", "other.tif"),
        "--probabilities",
    ),
    "cosia": Output(
        files_of(COSIA).polygons,
        "cosia.gpkg",
        ("product", "build", "codes.tif", "--kind", "cosia"),
        beside={".tif": files_of(COSIA).pixels, ".qml": files_of(COSIA).style},
    ),
    "ocsge": Output(
        files_of(OCSGE).polygons,
        "ocsge.gpkg",
        ("product", "build", "codes.tif", "--kind", "ocsge", "--mmu", "0"),
        beside={".tif": files_of(OCSGE).pixels, ".qml": files_of(OCSGE).style},
    ),
    "suspects": Output(
        SUSPECTS,
        "suspects.gpkg",
        ("suspects", "campaign", *ZONE, "--model", "model", "--device", "cpu"),
        beside={".qml": SUSPECTS_STYLE},
    ),
    "pack": Output(PACK, "pack.zip", ("zone", "pack", "campaign", *ZONE)),
    "confusion": Output(
        CONFUSION, "confusion.png", ("evaluate", "truth.tif", "--prediction", "planes.tif"), "--plot"
    ),
    "reliability": Output(
        RELIABILITY,
        "reliability.png",
        ("evaluate", "truth.tif", "--prediction", "planes.tif"),
        "--reliability",
    ),
    "report": Output(PAGE, "report.html", ("release", "report", "releases/R1", "--no-pixels")),
    "difference": Output(
        DIFFERENCE, "diff.html", ("release", "diff", "releases/R1", "releases/R1"), "--report"
    ),
    "changelog": Output(
        CHANGELOG, "notes.md", ("release", "diff", "releases/R1", "releases/R1"), "--changelog"
    ),
}
PROPOSED: Mapping[str, OutputKind] = {"proposals.gpkg": PROPOSALS, "proposals.qml": PROPOSAL_STYLE}
"""What ``propose`` writes into a campaign, where nobody says a name."""
KINDS = (
    {one.kind.name: one.kind for one in OUTPUTS.values()}
    | {kind.name: kind for one in OUTPUTS.values() for kind in one.beside.values()}
    | {kind.name: kind for kind in PROPOSED.values()}
)
ELSEWHERE = {"train", "model import", "model publish"}
"""Commands that write folders: see test_nothing_but_a_model_is_replaced."""


def run(folder: Path, *arguments: object) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(command, [str(one) for one in arguments])


def run_output(folder: Path, output: Output, target: Path) -> Result:
    (folder / "other.tif").unlink(missing_ok=True)
    return run(folder, *output.arguments, output.option, target, "--overwrite")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a campaign, a release, a model, rasters, and in ``made`` one of each output."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    folder = tmp_path_factory.mktemp("outputs")
    truth, grid = made_truth(512, 512), made_grid(512, 512)
    small, place = truth[:64, :64], made_grid(64, 64)
    write_raster(folder / "ortho.tif", made_image(truth), grid, level=1)
    write_raster(folder / "truth.tif", truth, grid)
    planes = np.stack([truth, np.full_like(truth, 200), np.zeros_like(truth)])
    write_raster(folder / "planes.tif", planes, grid)
    write_raster(folder / "small.tif", made_image(truth)[:3, :64, :64], place)
    write_raster(folder / "codes.tif", small, place)
    made_model(folder / "model")
    campaign = Campaign.create(folder / "campaign")
    add_zone(campaign, folder / "ortho.tif", domain="D051_2019", name="Z15_UN", mask=folder / "truth.tif")
    publish(campaign, ReleaseOrder(name="R1", out=folder / "releases"), say=lambda sentence: None)
    (folder / "made").mkdir()
    for name in ("hierarchy", *(OUTPUTS.keys() - {"hierarchy"})):
        done = run_output(folder, OUTPUTS[name], folder / "made" / OUTPUTS[name].name)
        assert done.exit_code == 0, done.output
    return folder


def foreign(root: Path, suffix: str) -> Iterator[Path]:
    """Yield files that no command may replace, and that begin as its own do."""
    if suffix == ".tif":
        yield root / "ortho.tif"
        yield next((root / "releases").rglob("MSK_*.tif"))
    if suffix == ".gpkg":
        yield root / "campaign" / "registry.gpkg"
        yield next((root / "releases").rglob("*.gpkg"))
    if suffix == ".h5":
        path = root / "mine.h5"
        with h5py.File(path, "w") as file:
            file["mine"] = np.arange(9)
        yield path
    if suffix == ".zip":
        path = root / "arrays.npz"  # numpy dates its members as a pack's are
        np.savez(path, mine=np.arange(9))
        with zipfile.ZipFile(path) as archive:
            assert archive.infolist()[0].date_time[0] == 1980
        yield path
    if suffix == ".png":
        path = root / "mine.png"
        pyplot_image = pytest.importorskip("matplotlib.image")
        pyplot_image.imsave(path, np.zeros((8, 8)))
        yield path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_a_command_writes_is_known_as_its_own_kind_and_as_no_other(root: Path, name: str) -> None:
    output, before = OUTPUTS[name], files(root / "made")
    path = root / "made" / output.name
    written = {path: output.kind} | {path.with_suffix(end): kind for end, kind in output.beside.items()}
    for one, kind in written.items():
        assert [name for name, other in KINDS.items() if is_known(one, other)] == [kind.name]
    assert files(root / "made") == before


@pytest.mark.parametrize("name", PROPOSED)
def test_proposals_and_their_style_are_known_and_nothing_else_is_replaced_by_them(
    root: Path, campaign: Campaign, name: str
) -> None:
    pooled(campaign)
    done = propose_made(campaign, adviser=None)
    path, kind = campaign.path / name, PROPOSED[name]
    assert [known for known, other in KINDS.items() if is_known(path, other)] == [kind.name]
    before = path.read_bytes()
    assert done.style == campaign.path / "proposals.qml"
    assert propose_made(campaign, adviser=None).proposals
    assert path.read_bytes() == before
    for other in (root / "made").glob(f"*{path.suffix}"):
        path.write_bytes(other.read_bytes())
        if name == "proposals.gpkg":
            with pytest.raises(CampaignError, match="does not say that it is a file of proposals"):
                propose_made(campaign, adviser=None)
        else:
            told = propose_made(campaign, adviser=None)
            assert told.style is None
            assert "proposals.qml is another style than the workbench's, and stays as it is" in told.text()
        assert path.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_command_replaces_what_it_wrote_itself(root: Path, tmp_path: Path, name: str) -> None:
    output = OUTPUTS[name]
    shutil.copytree(root / "made", tmp_path / "made")
    before = files(tmp_path / "made")
    done = run_output(root, output, tmp_path / "made" / output.name)
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "made") == before


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_command_never_replaces_anything_else(root: Path, tmp_path: Path, name: str) -> None:
    output = OUTPUTS[name]
    suffix = Path(output.name).suffix
    others = [root / "made" / one.name for one in OUTPUTS.values() if one.kind != output.kind]
    others += [root / "made" / "cosia.tif", *foreign(root, suffix)]
    for other in others:
        if other.suffix not in (suffix, ".npz"):
            continue
        target = Path(shutil.copyfile(other, tmp_path / f"{other.stem}{suffix}"))
        before = files(tmp_path)
        done = run_output(root, output, target)
        assert (done.exit_code, files(tmp_path)) == (1, before), done.output
        assert f"does not say that it is {output.kind.name} of the workbench" in str(done.exception)
        target.unlink()


@pytest.mark.parametrize("beside", [".tif", ".qml"])
def test_a_map_replaces_no_raster_and_no_style_beside_it(root: Path, tmp_path: Path, beside: str) -> None:
    mine = root / "ortho.tif" if beside == ".tif" else root / "made" / "prediction.qml"
    shutil.copyfile(mine, tmp_path / f"cosia{beside}")
    before = files(tmp_path)
    done = run_output(root, OUTPUTS["cosia"], tmp_path / "cosia.gpkg")
    assert (done.exit_code, files(tmp_path)) == (1, before)


def test_a_table_that_is_none_of_provenance_is_not_replaced(root: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("number,op,of,mine\n")
    done = run_output(root, OUTPUTS["provenance"], tmp_path / "p.tif")
    assert (done.exit_code, [path.name for path in tmp_path.iterdir()]) == (1, ["p.csv"])


def test_a_style_of_a_persons_own_stays_beside_a_prediction(root: Path, tmp_path: Path) -> None:
    own = (root / "made" / "prediction.qml").read_text().replace("ocs-workbench/prediction-style", "mine")
    (tmp_path / "p.qml").write_text(own)
    done = run_output(root, OUTPUTS["prediction"], tmp_path / "p.tif")
    assert done.exit_code == 0
    assert "p.qml is another style than the workbench's, and stays as it is" in done.output
    assert (tmp_path / "p.qml").read_text() == own


def test_a_map_with_a_layer_of_a_persons_own_is_not_replaced(root: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(root / "made" / "cosia.gpkg", tmp_path / "cosia.gpkg"))
    frame = pyogrio.read_dataframe(path)
    pyogrio.write_dataframe(frame, path, layer="corrected")
    assert run_output(root, OUTPUTS["cosia"], path).exit_code == 1


def test_all_commands_that_overwrite_are_held_to_it() -> None:
    def commands(group: click.Group, above: str = "") -> Iterator[str]:
        for name, one in group.commands.items():
            if isinstance(one, click.Group):
                yield from commands(one, f"{above}{name} ")
            elif any(option.name == "overwrite" for option in one.params):
                yield above + name

    held = {" ".join(one.arguments) for one in OUTPUTS.values()}
    for name in commands(command):
        assert name in ELSEWHERE or any(f"{one} ".startswith(f"{name} ") for one in held), name


@pytest.mark.parametrize("path", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_what_earlier_versions_wrote_is_replaced_where_it_can_be_told(path: Path) -> None:
    known = {
        "cosia.gpkg": "a map of CoSIA",
        "cosia.qml": "a style of CoSIA",
        "labels.tif": "a raster of labels",
        "ocsge.gpkg": "a map of OCS GE, couverture",
        "ocsge.qml": "a style of OCS GE, couverture",
        "prediction.tif": "a prediction",
        "probabilities.tif": "a file of --probabilities",
        "provenance.tif": "a raster of provenance",
    }
    expected = [known[path.name]] if path.name in known else []  # rasters of maps said nothing of themselves
    assert [name for name, kind in KINDS.items() if is_known(path, kind)] == expected
