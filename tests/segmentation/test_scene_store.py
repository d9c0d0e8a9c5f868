"""Scenes in blocks on disk: what an image in memory gives, and going on after a kill."""

from __future__ import annotations

import numpy as np
import pytest
from segmentation_oracles import grid_of, hierarchy_of, scene

from workbench.errors import HierarchyError
from workbench.segmentation import building
from workbench.segmentation import scene as scenes
from workbench.segmentation.hierarchy import SegmentationParameters


@pytest.fixture
def image(monkeypatch):
    monkeypatch.setattr(building, "BLOCK", 64)
    return scene(6, side=200, noise=6.0)


def run(image, folder, *, parameters=building.DEFAULT, digest="0" * 64, seen=None, kept=None):
    def read(window):
        if seen is not None:
            seen.append(window)
        part = image[:, *window.slices]
        return part, np.ones(window.shape, np.bool_)

    with scenes.Shelf(folder) as shelf:
        return scenes.segment_scene(
            read,
            grid=grid_of(image),
            image_digest=digest,
            shelf=shelf,
            kept=(lambda blocks: None) if kept is None else kept.append,
            parameters=parameters,
            progress=lambda step, done: None,
        )


def same(one, other):
    names = ("leaves", "s", "area", "sums", "squares", "matrix")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize("preset", ["default", "plain"])
def test_a_scene_is_segmented_like_an_image_in_memory(image, tmp_path, preset):
    parameters = SegmentationParameters.preset(preset)
    found = run(image, tmp_path / "blocks", parameters=parameters)
    assert same(found, hierarchy_of(image, parameters))
    assert found.image_digest == "0" * 64


def test_a_scene_that_was_stopped_goes_on_where_it_was(image, tmp_path, monkeypatch):
    shelf = tmp_path / "blocks"
    whole = run(image, tmp_path / "other")
    made = []
    reduce_block = building.reduce_block

    def stops(*args, **options):
        if len(made) == 7:
            raise KeyboardInterrupt
        made.append(1)
        return reduce_block(*args, **options)

    monkeypatch.setattr(building, "reduce_block", stops)
    with pytest.raises(KeyboardInterrupt):
        run(image, shelf)
    done = sorted(shelf.glob("*.npz"))
    assert len(done) == 7
    (shelf / "000003.npz").unlink()  # as if killed between its two files
    made[:] = []
    monkeypatch.setattr(building, "reduce_block", lambda *a, **k: made.append(1) or reduce_block(*a, **k))
    kept = []
    assert same(run(image, shelf, kept=kept), whole)
    assert len(made) == 16 - 6
    assert kept == [6]


@pytest.mark.parametrize(
    "change", [{"digest": "1" * 64}, {"parameters": SegmentationParameters()}], ids=["image", "parameters"]
)
def test_blocks_of_something_else_are_not_taken(image, tmp_path, change):
    shelf = tmp_path / "blocks"
    run(image, shelf)
    before = (shelf / "000000.npz").stat().st_mtime_ns
    seen = []
    run(image, shelf, seen=seen, **change)
    assert (shelf / "000000.npz").stat().st_mtime_ns > before


def test_a_broken_block_is_made_again(image, tmp_path):
    shelf = tmp_path / "blocks"
    whole = run(image, shelf)
    (shelf / "000005.npz").write_bytes(b"PK")
    (shelf / "000006.npy").write_bytes(b"")
    turned = bytearray((shelf / "000007.npy").read_bytes())
    turned[-1] ^= 1
    (shelf / "000007.npy").write_bytes(turned)
    assert same(run(image, shelf), whole)


def test_blocks_without_data_are_empty(image, tmp_path):
    parameters = building.DEFAULT

    def read(window):
        valid = np.zeros(image.shape[1:], np.bool_)
        valid[70:190, 5:60] = True
        return image[:, *window.slices], valid[window.slices]

    with scenes.Shelf(tmp_path / "blocks") as shelf:
        found = scenes.segment_scene(
            read,
            grid=grid_of(image),
            image_digest="0" * 64,
            shelf=shelf,
            kept=lambda blocks: None,
            parameters=parameters,
            progress=lambda step, done: None,
        )
    assert found.area.sum() == 120 * 55


def test_a_folder_that_is_not_ours_stays_as_it_is(image, tmp_path):
    folder = tmp_path / "blocks"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(HierarchyError, match=r"thesis\.txt, which is no block"):
        run(image, folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    for place in (folder / "thesis.txt", link):
        with pytest.raises(HierarchyError, match="in the way"):
            run(image, place)


def test_one_run_at_a_time(tmp_path):
    another = scenes.Shelf(tmp_path / "blocks")
    with (
        scenes.Shelf(tmp_path / "blocks"),
        pytest.raises(HierarchyError, match="another run is making this"),
        another,
    ):
        pass
    with scenes.Shelf(tmp_path / "blocks") as shelf:
        shelf.discard()
    assert not (tmp_path / "blocks").exists()


def test_a_full_disk_names_the_folder_and_keeps_what_is_there(image, tmp_path, monkeypatch):
    folder = tmp_path / "blocks"
    save, made = np.savez, []

    def full(*args, **arrays):
        if len(made) == 3:
            raise OSError(28, "No space left on device")
        made.append(1)
        return save(*args, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(HierarchyError, match=r"blocks: a block cannot be written \(No space left"):
        run(image, folder)
    assert sorted(path.name for path in folder.glob("0*.npz")) == ["000000.npz", "000001.npz", "000002.npz"]
    assert not list(folder.glob(".*"))
