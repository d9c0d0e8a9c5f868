"""Parts of a prediction: proven before they are taken, told of when they are not, gone with what failed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_models import made_model
from made_orthos import MakeOrtho, made_grid

from workbench.errors import ModelError, RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import read_bands
from workbench.inference import parts
from workbench.inference.tiles import Tiling
from workbench.workflows.predicting import Predicted, open_models, predict_file

TILING = Tiling(size=128, margin=32, across=2)


class Stopped(BaseException):
    """As Ctrl-C does."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return made_model(tmp_path / "model")


@pytest.fixture
def image(make_ortho: MakeOrtho) -> Path:
    return make_ortho(300, 421)[0]


def predict(image: Path, output: Path, model: Path, **options: object) -> tuple[Predicted, list[str]]:
    said: list[str] = []
    segmenter = open_models([model], device="cpu")
    return predict_file(image, output, segmenter, tiling=TILING, say=said.append, **options), said


def stop_after(image: Path, output: Path, model: Path, *, tiles: int) -> list[Path]:
    """Stop a prediction; return the parts that it left."""

    def stop(done: int, total: int) -> None:
        if done >= tiles:
            raise Stopped

    with pytest.raises(Stopped):
        predict(image, output, model, progress=stop)
    return sorted(output.with_name(f".{output.name}.parts").glob("*.tif"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(8)
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "8 bytes": flip,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "of an earlier version": lambda path: path.rename(path.with_name(f"{path.name[:11]}.tif")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_part_that_is_not_as_it_was_written_is_done_again(
    tmp_path: Path, image: Path, model: Path, damage: str
) -> None:
    whole, _ = predict(image, tmp_path / "whole.tif", model)
    output = tmp_path / "p.tif"
    left = stop_after(image, output, model, tiles=8)
    assert len(left) > 1
    DAMAGES[damage](left[0])
    done, said = predict(image, output, model)
    assert done.done.reused == len(left) - 1
    assert said == [f"{left[0].parent}: 1 parts are not as they were written, and are done again"]
    assert output.read_bytes() == whole.done.path.read_bytes()
    assert done.done.classified == whole.done.classified


def test_what_was_being_written_when_it_was_killed_is_no_part_and_goes(
    tmp_path: Path, image: Path, model: Path
) -> None:
    output = tmp_path / "p.tif"
    left = stop_after(image, output, model, tiles=8)
    for name in (".00000-00009-1a2b3c4d.part.tif", "p.vrt", "abc.ovr.tmp"):
        (left[0].parent / name).write_bytes(b"half")
    done, said = predict(image, output, model)
    assert (done.done.reused, said) == (len(left), [])
    assert [path.name for path in tmp_path.glob(".*")] == []


def own_folder(place: Path) -> None:
    (place / "deep").mkdir(parents=True)


def own_file(place: Path) -> None:
    place.mkdir()
    (place / "mine.tif").write_text("precious")


@pytest.mark.parametrize(
    "own",
    [own_folder, own_file, lambda place: place.write_text("precious")],
    ids=["folder", "file", "no folder"],
)
@pytest.mark.parametrize("begun", [False, True])
def test_what_is_somebodys_own_in_the_place_of_parts_stays(
    tmp_path: Path, image: Path, model: Path, own: Callable[[Path], object], begun: bool
) -> None:
    place = tmp_path / ".p.tif.parts"
    own(place)
    if begun and place.is_dir():
        kept = [(path.name, path) for path in place.iterdir()]
        away = tmp_path / "away"
        place.rename(away)
        stop_after(image, tmp_path / "p.tif", model, tiles=4)
        for name, _ in kept:
            (away / name).rename(place / name)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(
        ModelError, match=r"no part of a prediction, which would be lost|is no folder of parts"
    ):
        predict(image, tmp_path / "p.tif", model)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_parts_of_another_model_are_not_taken_and_that_is_said(
    tmp_path: Path, image: Path, model: Path
) -> None:
    left = stop_after(image, tmp_path / "p.tif", model, tiles=4)
    other = made_model(tmp_path / "other", seed=1)
    done, said = predict(image, tmp_path / "p.tif", other)
    assert done.done.reused == 0
    assert said == [
        f"{left[0].parent}: parts of another prediction, of other pixels, models or settings, are dropped"
    ]


def test_parts_stay_after_a_stop_and_nothing_where_none_was_done(
    tmp_path: Path, image: Path, model: Path
) -> None:
    assert stop_after(image, tmp_path / "p.tif", model, tiles=0) == []
    assert list(tmp_path.glob(".*")) == []
    assert stop_after(image, tmp_path / "p.tif", model, tiles=1)


def test_pixels_that_cannot_be_read_leave_nothing_but_a_sentence(
    tmp_path: Path, image: Path, model: Path
) -> None:
    content = image.read_bytes()
    image.write_bytes(content[: len(content) * 9 // 10])
    with pytest.raises(RasterError, match="pixels cannot be decoded"):
        predict(image, tmp_path / "cut.tif", model)
    assert list(tmp_path.glob(".*")) == []


def full_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Have the disk take some files of parts, the plan among them, and no more."""
    write, written = parts.write_file, []

    def write_file(path: Path, content: bytes, *, error: type[Exception]) -> None:
        written.append(path)
        if len(written) > count:
            raise error(f"{path} cannot be written (No space left on device); look at the room on the disk")
        write(path, content)

    monkeypatch.setattr(parts, "write_file", write_file)


def test_a_full_disk_leaves_the_parts_that_are_done_and_says_where(
    tmp_path: Path, image: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "p.tif"
    with monkeypatch.context() as patch:
        full_after(patch, 3)
        told = r"No space left .*; 2 parts that are done stay in .*\.p\.tif\.parts: predict again to go on"
        with pytest.raises(RasterError, match=told):
            predict(image, output, model)
    assert predict(image, output, model)[0].done.reused == 2
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("count", [0, 1], ids=["no plan", "no part"])
def test_a_full_disk_that_took_no_part_leaves_nothing(
    tmp_path: Path, image: Path, model: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    full_after(monkeypatch, count)
    with pytest.raises(RasterError, match=r"No space left on device\); look at the room on the disk$"):
        predict(image, tmp_path / "p.tif", model)
    assert list(tmp_path.glob(".*")) == []


def test_nobody_predicts_where_nothing_can_be_written(tmp_path: Path, image: Path, model: Path) -> None:
    with pytest.raises(ModelError, match=r"/proc/p.tif cannot be written \(.*\); choose another place"):
        predict(image, Path("/proc/p.tif"), model)


_SCRIPT = """
import sys
from pathlib import Path
from workbench.workflows.predicting import open_models, predict_file
image, output, model = map(Path, sys.argv[1:])
predict_file(image, output, open_models([model], device="cpu"), say=print)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_kill_while_parts_become_one_file_leaves_overviews_among_the_parts(
    tmp_path: Path, make_ortho: MakeOrtho, model: Path
) -> None:
    image, _ = make_ortho(600, 600)
    out, log = tmp_path / "out", tmp_path / "log"
    out.mkdir()
    command = ["strace", "-f", "-e", "trace=openat", "-o", str(log), sys.executable, "-c", _SCRIPT]
    subprocess.run([*command, str(image), str(out / "p.tif"), str(model)], check=True, capture_output=True)
    made = [Path(name) for name in re.findall(r'"([^"]+)", O_[A-Z|_]*O_CREAT', log.read_text())]
    overviews = [path for path in made if "ovr" in path.name]
    assert overviews
    assert {path.parent for path in overviews} == {out / ".p.tif.parts"}


def test_a_raster_without_data_makes_an_empty_prediction_and_that_is_said(
    tmp_path: Path, model: Path
) -> None:
    for name, value in (("empty", 0), ("partly", 90)):
        pixels = np.zeros((3, 200, 200), np.uint8)
        pixels[:, :50] = value
        write_raster(tmp_path / f"{name}.tif", pixels, made_grid(200, 200))
        with rasterio.open(tmp_path / f"{name}.tif", "r+") as target:
            target.nodata = 0
    done, said = predict(tmp_path / "empty.tif", tmp_path / "p.tif", model)
    assert (done.document()["classified_pixels"], said) == (0, [])
    told = f"{tmp_path / 'p.tif'}: empty, for none of the 40,000 pixels has data; made was not asked"
    assert done.text() == told
    assert not read_bands(tmp_path / "p.tif").any()
    done, _ = predict(tmp_path / "partly.tif", tmp_path / "q.tif", model)
    assert "10,000 of 40,000 pixels by made" in done.text()
