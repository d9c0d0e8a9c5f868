"""The dialog that asks how a release is to be called, where it goes and in which layouts."""

from __future__ import annotations

__all__ = ["ReleaseDialog", "WantedRelease"]

from dataclasses import dataclass
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.language import said, tr
from workbench.errors import WorkbenchError
from workbench.export.layouts import DEFAULT_LAYOUTS, LAYOUTS, parse_layouts
from workbench.export.release import check_target

_TITLES = {
    "flair-hub": "FLAIR-HUB",
    "flair1": "FLAIR#1",
    "flair2": "FLAIR#2",
    "hdf5": "HDF5",
    "shards": "tar",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRelease:
    """A release that somebody wants built."""

    name: str
    folder: Path
    """Where releases lie; this one goes into a folder of its name there."""
    layouts: tuple[str, ...]


class ReleaseDialog(QDialog):
    """Asks for a release; what cannot be is said while it is typed.

    Parameters
    ----------
    parent
        Over which it opens.
    folder
        Where the release goes unless told otherwise.
    """

    def __init__(self, parent: QWidget | None, *, folder: Path) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Build a release"))
        self.name = QLineEdit()
        self.name.setPlaceholderText("FR_V0.1")
        self.folder = QLineEdit(str(folder / "releases"))
        self.layouts = {layout: QCheckBox(_TITLES.get(layout, layout)) for layout in LAYOUTS}
        self._problem = QLabel()
        self._problem.setObjectName("notice")
        self._problem.setWordWrap(True)
        self._problem.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.ok = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText(tr("Build"))
        self._buttons.button(QDialogButtonBox.StandardButton.Cancel).setText(tr("Cancel"))
        self._lay_out()
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self.name.textChanged.connect(self._look)
        self.folder.textChanged.connect(self._look)
        for layout, box in self.layouts.items():
            box.setChecked(layout in DEFAULT_LAYOUTS)
            box.toggled.connect(self._look)
        self._look()

    @property
    def wanted(self) -> WantedRelease:
        """What was asked for."""
        chosen = tuple(name for name, box in self.layouts.items() if box.isChecked())
        return WantedRelease(
            name=self.name.text().strip(), folder=Path(self.folder.text().strip()), layouts=chosen
        )

    @property
    def problem(self) -> str:
        """Why the release cannot be built like that; empty where it can."""
        return self._problem.text()

    def _lay_out(self) -> None:
        told = QLabel(tr("All accepted zones, cut into patches of 512 pixels; whole, or nothing is written."))
        told.setObjectName("dim")
        told.setWordWrap(True)
        browse = QToolButton()
        browse.setText("…")
        browse.clicked.connect(self._browse)
        place, boxes = QHBoxLayout(), QHBoxLayout()
        place.addWidget(self.folder, 1)
        place.addWidget(browse)
        for box in self.layouts.values():
            boxes.addWidget(box)
        boxes.addStretch()
        form = QFormLayout()
        form.addRow(tr("Name"), self.name)
        form.addRow(tr("Folder"), place)
        form.addRow(tr("Layouts"), boxes)
        column = QVBoxLayout(self)
        column.addWidget(told)
        column.addLayout(form)
        column.addWidget(self._problem)
        column.addWidget(self._buttons)
        self.setMinimumWidth(460)

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Folder for releases"), self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _look(self) -> None:
        """Say what cannot be, and keep it from being begun."""
        wanted, problem = self.wanted, ""
        if wanted.name:
            try:
                check_target(wanted.folder, wanted.name)
                parse_layouts(wanted.layouts)
            except (WorkbenchError, OSError) as error:
                problem = said(str(error))
        self._problem.setText(problem)
        self.ok.setEnabled(bool(wanted.name) and bool(self.folder.text().strip()) and not problem)
