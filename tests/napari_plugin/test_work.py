"""Long work begun from the window: dialogs, activity, what comes of it. Needs a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import far_work
import pytest
from made_orthos import MakeOrtho
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_plugin import work as work_module
from napari_plugin.inquiries import get_ready
from napari_plugin.opening import OpenZone, open_zone
from napari_plugin.processes import in_kept_process, prepare
from napari_plugin.release_dialog import ReleaseDialog
from napari_plugin.session import Session
from napari_plugin.work import Snapshots, Work
from workbench.campaign import Campaign
from workbench.workflows.intake import add_zone

NO_DISPLAY = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(NO_DISPLAY, reason="a window needs a display: apt-get install xvfb"),
]
ZONE = "D051_2019/Z1_AA"


@pytest.fixture
def opened(campaign: Campaign, make_ortho: MakeOrtho) -> Iterator[OpenZone]:
    """A zone that is labelled, accepted and not segmented."""
    image, mask = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, scheme="flair")
    zone = open_zone(campaign.path, zone_id=None, author="marie")
    yield zone
    zone.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What napari is told to show."""
    shown: list[str] = []
    monkeypatch.setattr(work_module, "show_info", shown.append)
    monkeypatch.setattr(work_module, "show_warning", shown.append)
    return shown


@pytest.fixture
def work(qtbot: Any, opened: OpenZone) -> Iterator[Work]:
    window = QWidget()
    qtbot.addWidget(window)
    begun = Work(window, lambda: opened)
    yield begun
    begun.stop()
    qtbot.waitUntil(lambda: not begun.busy, timeout=30_000)


def finish(qtbot: Any, work: Work) -> None:
    qtbot.waitUntil(lambda: not work.busy, timeout=60_000)


def test_a_zone_that_was_segmented_is_told_once_it_has_regions(
    qtbot: Any, work: Work, opened: OpenZone, told: list[str]
) -> None:
    with qtbot.waitSignal(work.segmented, timeout=60_000) as signal:
        work.segment()
        work.segment()  # a second one of the kind waits for nothing and does nothing
    assert signal.args == [ZONE]
    assert opened.campaign.hierarchy_path(opened.zone).exists()
    assert len(told) == 1
    assert "being done already" in told[0]
    work.segment()
    finish(qtbot, work)
    assert told[1] == f"{ZONE} has its regions already."


def test_work_that_is_stopped_says_nothing_and_leaves_nothing(
    qtbot: Any, work: Work, opened: OpenZone, told: list[str]
) -> None:
    work.segment()
    work.stop()
    finish(qtbot, work)
    assert told == []
    assert not opened.campaign.hierarchy_path(opened.zone).exists()


def test_labels_go_to_the_file_and_in_the_numbers_that_are_chosen(
    qtbot: Any, work: Work, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []

    def choose(parent: QWidget, title: str, path: str, filters: str) -> tuple[str, str]:
        offered.extend([Path(path).name, *filters.split(";;")])
        return str(tmp_path / "labels"), filters.split(";;")[1]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    work.export()
    finish(qtbot, work)
    assert offered[:3] == ["D051_2019_Z1_AA.tif", "FLAIR 1–19 (*.tif)", "FLAIR-HUB 0–18 (*.tif)"]
    assert (tmp_path / "labels.tif").is_file()
    assert told[0].endswith("numbered as flair_hub")


def test_an_export_nobody_wants_after_all_does_nothing(
    work: Work, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: ("", ""))
    work.export()
    assert not work.busy
    assert told == []


def test_what_cannot_be_written_is_one_sentence(
    qtbot: Any, work: Work, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *given: (str(tmp_path / "no" / "folder.tif"), "FLAIR (*.tif)")
    )
    work.export()
    finish(qtbot, work)
    assert len(told) == 1
    assert "is not a folder; make it first" in told[0]
    assert "\n" not in told[0]


def test_a_release_is_built_as_the_dialog_says(
    qtbot: Any, work: Work, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(dialog: ReleaseDialog) -> ReleaseDialog.DialogCode:
        dialog.name.setText("FR_V0.1")
        dialog.folder.setText(str(tmp_path / "out"))
        dialog.layouts["flair1"].setChecked(False)
        assert dialog.ok.isEnabled()
        return ReleaseDialog.DialogCode.Accepted

    monkeypatch.setattr(ReleaseDialog, "exec", fill)
    work.release()
    finish(qtbot, work)
    assert (tmp_path / "out" / "FR_V0.1" / "FLAIR-HUB").is_dir()
    assert not (tmp_path / "out" / "FR_V0.1" / "FLAIR1").exists()
    assert "1 patch" in told[0]


@pytest.mark.parametrize(
    ("name", "layouts", "problem"),
    [
        ("FR V0.1", (), "cannot name a release"),
        ("con", (), "cannot name a release"),
        ("taken", (), "exists and is no release"),
        ("FR_V0.1", ("flair-hub", "flair1"), "no layout is named"),
        ("", (), ""),
    ],
)
def test_a_release_that_cannot_be_built_is_not_begun(
    qtbot: Any, tmp_path: Path, name: str, layouts: tuple[str, ...], problem: str
) -> None:
    (tmp_path / "releases" / "taken").mkdir(parents=True)
    dialog = ReleaseDialog(None, folder=tmp_path)
    qtbot.addWidget(dialog)
    for layout in layouts:
        dialog.layouts[layout].setChecked(False)
    dialog.name.setText(name)
    assert problem in dialog.problem
    assert bool(problem) == bool(dialog.problem)
    assert not dialog.ok.isEnabled()


def test_a_process_gets_ready_for_questions_when_the_zone_has_settled_and_ends_with_the_window(
    qtbot: Any, opened: OpenZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "_SETTLED_MILLISECONDS", 1)
    begun: list[Any] = []
    monkeypatch.setattr(work_module, "prepare", lambda *given: begun.append(given))
    window = QWidget()
    work = Work(window, lambda: opened)
    work.expect_questions()
    qtbot.waitUntil(lambda: bool(begun))
    assert begun == [(get_ready, opened.campaign.path, ZONE, "")]

    prepare(*begun[0])
    ready = in_kept_process(far_work.whoami)(lambda share, what: None)
    with qtbot.waitSignal(window.destroyed):
        window.deleteLater()
    with pytest.raises(ProcessLookupError):
        os.kill(ready, 0)


def test_a_snapshot_is_written_after_many_edits_when_the_hand_rests(
    qtbot: Any, opened: OpenZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "_MANY_EDITS", 3)
    monkeypatch.setattr(work_module, "_QUIET_MILLISECONDS", 200)
    session = Session(opened)
    keeper, folder = Snapshots(session), opened.campaign.snapshot_dir(opened.zone)
    written = len(list(folder.glob("*.npz")))
    for _ in range(2):
        session.repainted.emit(session.grid.whole)
    qtbot.wait(500)
    assert len(list(folder.glob("*.npz"))) == written
    session.repainted.emit(session.grid.whole)
    qtbot.waitUntil(lambda: keeper.job is not None and not keeper.job.running, timeout=30_000)
    assert len(list(folder.glob("*.npz"))) > written
    keeper.release()
