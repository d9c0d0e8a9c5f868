"""Outputs: what a command may replace, and what is left of one that failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.documents import alone, write_files
from workbench.errors import ModelError, RasterError, WorkbenchError
from workbench.outputs import FileKind, begins_with, check_older, check_output, is_known, new_folder

KIND = FileKind(name="a hierarchy", is_one=begins_with(b"\x89HDF"))


def raising(error: Exception) -> Callable[[Path], bool]:
    def is_one(path: Path) -> bool:
        raise error

    return is_one


def test_an_output_replaces_only_an_older_one_of_its_kind(tmp_path: Path) -> None:
    old, other, empty = tmp_path / "old.h5", tmp_path / "notes.txt", tmp_path / "empty.h5"
    old.write_bytes(b"\x89HDF and more")
    other.write_text("mine")
    empty.touch()
    (tmp_path / "EMPTY.TIF").touch()
    for path in (old, empty, tmp_path / "EMPTY.TIF", tmp_path / "new.h5"):
        check_output(path, KIND, overwrite=True)
    check_output(tmp_path / "new.h5", KIND, overwrite=False)
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    for path, complaint, overwrite in (
        (old, "exists already", False),
        (other, "does not say that it is a hierarchy .* or remove it first", True),
        (tmp_path, "no file that could be replaced", True),
        (tmp_path / "broken", "no file that could be replaced", True),
        (tmp_path / "no" / "h.h5", "not a folder", True),
    ):
        with pytest.raises(WorkbenchError, match=complaint):
            check_output(path, KIND, overwrite=overwrite)
    sources = [tmp_path / "gone", tmp_path / "." / "old.h5"]
    with pytest.raises(RasterError, match="what the output is made of"):
        check_output(old, KIND, overwrite=True, sources=sources, error=RasterError)


@pytest.mark.parametrize("name", [".lock", "marie.lock", "marie.sqlite", "stop", ".adding", ".tif"])
def test_an_empty_file_that_may_mean_something_by_being_there_is_not_replaced(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(WorkbenchError, match="does not say that it is a hierarchy"):
        check_output(tmp_path / name, KIND, overwrite=True)


def test_in_a_place_that_nobody_chose_only_an_older_output_of_the_kind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "old.h5").write_bytes(b"\x89HDF and more")
    (tmp_path / "half.h5").touch()
    for name in ("old.h5", "half.h5", "new.h5"):
        check_older(tmp_path / name, KIND)
    (tmp_path / "notes.h5").write_text("mine")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "notes.h5", tmp_path / "broken", tmp_path):
        with pytest.raises(RasterError, match="so it is not replaced; move it away first"):
            check_older(path, KIND, error=RasterError)


@pytest.mark.parametrize("error", [OSError("damaged"), ValueError("no JSON"), RasterError("no raster")])
def test_what_cannot_be_read_as_one_of_a_kind_is_none(tmp_path: Path, error: Exception) -> None:
    (tmp_path / "file").write_text("mine")
    assert not is_known(tmp_path / "file", FileKind(name="a thing", is_one=raising(error)))


def test_a_new_folder_in_which_nothing_came_to_lie_is_gone(tmp_path: Path) -> None:
    class Stopped(BaseException):
        pass

    def stop(folder: Path, *names: str) -> None:
        with new_folder(folder):
            for name in names:
                (folder / name).touch()
            raise Stopped

    (tmp_path / "old").mkdir()
    for name in ("old", "new"):
        with pytest.raises(Stopped):
            stop(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    with pytest.raises(Stopped):
        stop(tmp_path / "new", "half")
    with new_folder(tmp_path / "whole"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old", "whole"]


def test_of_files_that_belong_together_none_is_written_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_text("old")
    write, written = Path.write_bytes, []

    def full(self: Path, content: bytes) -> int:
        written.append(self.name)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    contents = {tmp_path / name: b"new" for name in ("one", "two")}
    with pytest.raises(ModelError, match=r"two cannot be written \(No space left on device\)"):
        write_files(contents, error=ModelError)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("one", "old")]
    write_files(contents)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"one": "new", "two": "new"}


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder in which nobody may write")
def test_a_place_where_nobody_may_write_is_not_taken_for_one_where_somebody_does(tmp_path: Path) -> None:
    def enter(path: Path) -> None:
        with alone(path, error=ModelError):
            pass

    with pytest.raises(ModelError, match=r"/proc/t cannot be written \(.*\); choose another place"):
        enter(Path("/proc/t"))
    with alone(tmp_path / "t"), pytest.raises(ModelError, match="is being made by another process"):
        enter(tmp_path / "t")
    assert list(tmp_path.iterdir()) == []
