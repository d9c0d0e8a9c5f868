"""What a class is: its definition, what it is taken for, and what it looks like in accepted zones."""

from __future__ import annotations

__all__ = ["ClassCard"]

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from napari_plugin.language import title, tr
from napari_plugin.theme import ink
from workbench.nomenclature import LandCoverClass, Nomenclature

_SHOWN, _SIDE = 3, 46


class ClassCard(QFrame):
    """Shows one class, and beside its examples those of the classes that it is taken for.

    Parameters
    ----------
    nomenclature
        Whose classes.
    """

    def __init__(self, nomenclature: Nomenclature) -> None:
        super().__init__()
        self._nomenclature = nomenclature
        self._examples: Mapping[int, Sequence[NDArray[np.uint8]]] = {}
        self._shown: LandCoverClass | None = None
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._pictures = QHBoxLayout()
        self._pictures.setSpacing(3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._text)
        column.addLayout(self._pictures)
        # Six lines and a row of pictures, kept free: nothing may move under the pointer from class to class.
        self.setFixedHeight(6 * self.fontMetrics().lineSpacing() + _SIDE + 14)

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def take_examples(self, examples: Mapping[int, Sequence[NDArray[np.uint8]]]) -> None:
        """Take {code: pictures}, each of shape (row, col, 3)."""
        self._examples = examples
        self.show_class(self._shown.key if self._shown is not None else None)

    def show_class(self, key: str | None) -> None:
        """Show a class; None shows nothing."""
        self._clear()
        self._shown = self._nomenclature.by_key(key) if key is not None else None
        if self._shown is None:
            self._text.clear()
            return
        entry, dim = self._shown, ink().dim.name()
        pairs = [self._nomenclature.by_key(other) for other in entry.confused_with]
        lines = [f"<b>{title(entry.titles)}</b> <span style='color:{dim}'>{title(entry.definition)}</span>"]
        if pairs:
            named = ", ".join(
                f"<span style='color:{pair.colour}'>■</span>&nbsp;{title(pair.titles)}" for pair in pairs
            )
            lines.append(f"<span style='color:{dim}'>{tr('Taken for:')}</span> {named}")
        self._text.setText("<br>".join(lines))
        self._add(entry, tr("examples of {title}", title=title(entry.titles)))
        for pair in pairs[:1]:
            if self._examples.get(pair.code):
                between = QLabel(tr("not"))
                between.setObjectName("dim")
                self._pictures.addWidget(between)
                self._add(pair, tr("examples of {title}", title=title(pair.titles)))
        self._pictures.addStretch()

    def _add(self, entry: LandCoverClass, tip: str) -> None:
        for picture in self._examples.get(entry.code, ())[:_SHOWN]:
            label = QLabel()
            height, width = picture.shape[:2]
            data = np.ascontiguousarray(picture).tobytes()
            image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
            smooth = Qt.TransformationMode.SmoothTransformation
            label.setPixmap(QPixmap.fromImage(image).scaledToHeight(_SIDE, smooth))
            label.setToolTip(tip)
            label.setStyleSheet(f"border: 2px solid {entry.colour};")
            self._pictures.addWidget(label)

    def _clear(self) -> None:
        while (item := self._pictures.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
