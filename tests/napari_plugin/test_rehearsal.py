"""The rehearsal: once, and again when code has changed; it calls what the desk calls."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from napari_plugin import rehearsal
from workbench.geo import hillshading
from workbench.labels import covering, painting
from workbench.segmentation import scanning


def test_it_is_due_until_it_is_done_and_when_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    assert rehearsal.is_due()
    done: list[Path] = []
    for step in ("_make_zone", "_label", "_look"):
        monkeypatch.setattr(rehearsal, step, done.append)
    rehearsal.rehearse(lambda share, what: None)
    assert len(done) == 3
    assert not done[0].exists()
    assert not rehearsal.is_due()
    os.utime(rehearsal._stamp(), (0, 0))
    assert rehearsal.is_due()


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    for step in ("_make_zone", "_label", "_look"):
        monkeypatch.setattr(rehearsal, step, lambda folder: None)
    rehearsal.rehearse(lambda share, what: None)
    assert rehearsal.is_due()


def test_every_kernel_that_a_hand_waits_for_is_called(tmp_path: Path) -> None:
    kernels: dict[str, Any] = {
        "paint": painting.paint,
        "fill": painting.fill,
        "touched": covering.touched,
        "spans": scanning.spans_between,
        "hillshade": hillshading._hillshade,
    }
    rehearsal._make_zone(tmp_path)
    rehearsal._label(tmp_path)
    rehearsal._look(tmp_path)
    assert [name for name, kernel in kernels.items() if not kernel.signatures] == []
