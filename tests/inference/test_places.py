"""A model's folder is replaced where every file in it is as the workbench wrote it, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from made_models import made_card, opinionated
from matplotlib.figure import Figure

from workbench.documents import digest_file
from workbench.errors import ModelError
from workbench.export.manifest import MANIFEST, Manifest
from workbench.inference.card import WEIGHTS
from workbench.inference.models import write_model
from workbench.inference.places import CURVES, HISTORY, check_place
from workbench.training.history import History

README = "README.md"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Return a model as training leaves it."""
    history = History(losses=[{"step": 1, "seconds": 1.0, "rate": 0.1, "loss": 2.0}])
    card = made_card()
    write_model(card, opinionated(card.architecture), tmp_path / "model", beside=history.files())
    return tmp_path / "model"


@pytest.fixture
def published(trained: Path) -> Path:
    """Return a model with files that its digests alone tell."""
    for name in (README, "confusion.png"):
        (trained / name).write_bytes(b"a card, or a picture")
    digests = {path.name: digest_file(path) for path in trained.iterdir()}
    Manifest(digests.items()).write(trained)
    return trained


def test_what_training_and_publishing_wrote_is_replaced(
    trained: Path, request: pytest.FixtureRequest
) -> None:
    assert {HISTORY, CURVES} <= {path.name for path in trained.iterdir()}
    check_place(trained, overwrite=True)
    check_place(request.getfixturevalue("published"), overwrite=True)


@pytest.mark.parametrize(("size", "ours"), [((9, 3.6), True), ((8, 3.6), False)], ids=["earlier", "own"])
def test_curves_that_do_not_say_what_they_are_are_known_by_their_size(
    trained: Path, size: tuple[float, float], ours: bool
) -> None:
    Figure(figsize=size).savefig(trained / CURVES)
    with nullcontext() if ours else pytest.raises(ModelError, match=r"holds curves\.png, not as"):
        check_place(trained, overwrite=True)


def test_what_is_left_without_its_weights_is_replaced(trained: Path) -> None:
    (trained / WEIGHTS).unlink()
    check_place(trained, overwrite=True)


@pytest.mark.parametrize(
    "name", [README, MANIFEST, HISTORY, CURVES, WEIGHTS, "metrics.json", "confusion.png"]
)
def test_a_file_of_ones_own_with_the_name_of_a_models_is_not(trained: Path, name: str) -> None:
    (trained / name).write_bytes(b"\x89PNG\r\n\x1a\n three days of notes")
    with pytest.raises(ModelError, match=f"holds {name}, not as the workbench wrote it, which would be lost"):
        check_place(trained, overwrite=True)


def _replaced_by_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "notes.txt").write_text("mine")


def _replaced_by_link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.with_name("moved").rename(path.parent.parent / "moved")
    path.symlink_to(path.parent.parent / "moved")


@pytest.mark.parametrize(
    "change",
    [lambda path: path.write_text("my own words"), _replaced_by_folder, _replaced_by_link],
    ids=["other words", "a folder", "a link"],
)
def test_a_file_that_a_published_model_lists_is_not_where_it_changed(
    published: Path, change: Callable[[Path], object]
) -> None:
    change(published / README)
    with pytest.raises(ModelError, match=r"holds README.md, not as the workbench wrote it"):
        check_place(published, overwrite=True)
