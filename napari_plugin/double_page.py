"""The page on double annotation: who is done, where the two differ and in which way, how far they agree."""

from __future__ import annotations

__all__ = ["DIFFERENCE_TITLES", "DoublePage", "PlaceRow", "STATE_TITLES"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_plugin.actions import Keymap
from napari_plugin.doubles import Shown
from napari_plugin.language import number, percent, tr
from napari_plugin.pieces import Page, button, choice, fit, heading, note, quietly, swatch, tree
from napari_plugin.veils import DISAGREEMENT_COLOURS
from workbench.assessment.blocks import Interval
from workbench.assessment.disagreement import BORDER, CLASS
from workbench.workflows.doubling import Annotator

_DATA = Qt.ItemDataRole.UserRole
STATE_TITLES = {
    "open": "at work",
    "submitted": "handed in",
    "accepted": "accepted",
    "sent_back": "sent back",
}
DIFFERENCE_TITLES: Mapping[int, str] = {BORDER: "border moved", CLASS: "another class"}
_MOST = 500
"""Places that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """A place where two annotations differ."""

    kind: int
    told: str
    pixels: int


class DoublePage(Page):
    """Shows two annotations in figures; says which are compared, what is seen and where to go.

    Parameters
    ----------
    keys
        Shown beside what they do.
    """

    authors_chosen = Signal(str, str)
    compare_wanted = Signal()
    shown_chosen = Signal(str)
    """`Shown`."""
    place_chosen = Signal(int)
    """Number of the place to go to."""
    next_wanted = Signal()

    def __init__(self, keys: Keymap) -> None:
        super().__init__()
        self.authors = tree((tr("Author"), tr("labelled"), ""))
        self.first, self.second = QComboBox(), QComboBox()
        for box in (self.first, self.second):
            box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hidden = note()
        self.compare = button(tr("Compare"), tr("Lays the two annotations over each other"))
        titles: dict[Shown, str] = {
            "nothing": tr("Nothing"),
            "kinds": tr("Differences"),
            "first": tr("First"),
            "second": tr("Second"),
        }
        self._shown_row, self._shown = choice(titles, self.shown_chosen.emit)
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.figures = note()
        self.figures.setObjectName("")
        self.places = tree(("", ""))
        self.next = button(
            tr("Next difference"), tr("The largest first"), action="next_difference", keys=keys
        )
        self._comparing, self._comparable = False, False
        self._compared = QWidget()
        self._lay_out()
        self._connect()

    def show_authors(self, annotators: Sequence[Annotator], chosen: tuple[str, str] | None) -> None:
        """Show who labelled the zone, and whose labels are compared."""
        self.authors.clear()
        for one in annotators:
            state = tr(STATE_TITLES[one.state])
            how = tr("blind, {state}", state=state) if one.blind else state
            QTreeWidgetItem(self.authors, [one.author, percent(one.labelled, 0), how])
        fit(self.authors, len(annotators))
        names = [one.author for one in annotators]
        with quietly(self.first, self.second):
            for place, box in enumerate((self.first, self.second)):
                box.clear()
                box.addItems(names)
                if chosen is not None:
                    box.setCurrentText(chosen[place])

    def show_hidden(self, sentence: str) -> None:
        """Show why the two are not laid over each other; empty where they can be."""
        self.hidden.setText(sentence)
        self.hidden.setVisible(bool(sentence))
        self._comparable = not sentence
        self._enable()

    def show_comparing(self, *, on: bool) -> None:
        """Show that the two are being compared."""
        self._comparing = on
        self.compare.setText(tr("Comparing…") if on else tr("Compare"))
        self._enable()

    def show_shown(self, shown: Shown) -> None:
        """Show what is laid over the picture."""
        for one in self._shown.buttons():
            one.setChecked(one.property("key") == shown)
        self.legend.setVisible(shown == "kinds")

    def show_figures(
        self, overall: Interval, kappa: Interval, boundary: float | None, classes: Mapping[str, float]
    ) -> None:
        """Show how far the two agree.

        Parameters
        ----------
        overall, kappa
            Share of pixels of the same class; Cohen's kappa.
        boundary
            Share of what differs of which moved borders give account; None where nothing differs.
        classes
            Intersection over union by title of class.
        """
        alike, value = percent(overall.value), number(kappa.value, 2)
        lines = [
            tr("{share} of the pixels alike ({interval})", share=alike, interval=_span(overall)),
            tr("kappa {value} ({interval})", value=value, interval=_span(kappa, shares=False)),
        ]
        if boundary is not None:
            moved, other = percent(boundary, 0), percent(1 - boundary, 0)
            told = tr("of what differs: {moved} moved borders, {other} class", moved=moved, other=other)
            lines.append(told)
            shares = {BORDER: moved, CLASS: other}
            self.legend.setText("<br>".join(_legend_line(kind, share) for kind, share in shares.items()))
        worst = sorted(classes.items(), key=lambda item: item[1])[:3]
        if worst and worst[0][1] < 1:
            told = ", ".join(f"{title} {number(value, 2)}" for title, value in worst)
            lines.append(tr("least alike (IoU): {classes}", classes=told))
        self.figures.setText("\n".join(lines))
        self._compared.show()

    def show_places(self, rows: Sequence[PlaceRow]) -> None:
        """Show where the two differ, the largest first."""
        self.places.clear()
        for place, row in enumerate(rows[:_MOST]):
            item = QTreeWidgetItem(self.places, [row.told, f"{number(row.pixels)} px"])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
            item.setIcon(0, swatch(DISAGREEMENT_COLOURS[row.kind]))
            item.setToolTip(0, f"{tr(DIFFERENCE_TITLES[row.kind])}: {row.told}")
            item.setData(0, _DATA, place)

    def show_nothing(self) -> None:
        """Show that nothing is compared."""
        self._compared.hide()

    def _enable(self) -> None:
        self.compare.setEnabled(self._comparable and not self._comparing)

    def _lay_out(self) -> None:
        column = self.column
        column.addWidget(self.authors)
        pair = QGridLayout()
        pair.addWidget(QLabel(tr("First")), 0, 0)
        pair.addWidget(self.first, 0, 1)
        pair.addWidget(QLabel(tr("Second")), 1, 0)
        pair.addWidget(self.second, 1, 1)
        pair.setColumnStretch(1, 1)
        column.addLayout(pair)
        column.addWidget(self.hidden)
        column.addWidget(self.compare)
        column.addWidget(self._compared, 4)
        column.addStretch()
        body = QVBoxLayout(self._compared)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading(tr("Laid over the picture")))
        body.addLayout(self._shown_row)
        body.addWidget(self.legend)
        body.addWidget(heading(tr("Agreement")))
        body.addWidget(self.figures)
        head = QHBoxLayout()
        head.addWidget(heading(tr("Where they differ")))
        head.addStretch()
        head.addWidget(self.next)
        body.addLayout(head)
        body.addWidget(self.places, 1)
        self._compared.hide()

    def _connect(self) -> None:
        for box in (self.first, self.second):
            box.currentTextChanged.connect(
                lambda _: self.authors_chosen.emit(self.first.currentText(), self.second.currentText())
            )
        self.compare.clicked.connect(lambda: self.compare_wanted.emit())
        self.places.itemClicked.connect(lambda item: self.place_chosen.emit(item.data(0, _DATA)))
        self.next.clicked.connect(lambda: self.next_wanted.emit())


def _span(interval: Interval, *, shares: bool = True) -> str:
    ends = (interval.low, interval.high)
    return "–".join(percent(end) if shares else number(end, 2) for end in ends)


def _legend_line(kind: int, share: str) -> str:
    colour, title = DISAGREEMENT_COLOURS[kind], tr(DIFFERENCE_TITLES[kind])
    return f"<span style='color:{colour}'>■</span> {title} · {share}"
