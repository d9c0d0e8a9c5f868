"""The scale bar: as long on the screen as it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPainter

from napari_plugin.scale_bar import ScaleBar, bar_length
from napari_plugin.screen import View


@given(longest=st.floats(1e-3, 1e6))
def test_a_bar_has_a_round_length_and_fills_at_least_two_fifths_of_its_place(longest: float) -> None:
    length = bar_length(longest)
    assert 0.4 * longest * (1 - 1e-9) < length <= longest
    digits = f"{length:.0e}"
    assert digits[0] in "125"
    assert float(digits) == pytest.approx(length)


@pytest.mark.parametrize(
    ("zoom", "resolution", "told"),
    [
        (5.0, 0.2, "20 m"),
        (0.01, 0.2, "10 km"),
        (500.0, 0.2, "0.2 m"),
        (2.0, 0.5, "50 m"),
        (2000.0, 0.2, "0.05 m"),
    ],
)
def test_the_line_is_as_long_as_the_text_says(
    qapp: Any, monkeypatch: Any, zoom: float, resolution: float, told: str
) -> None:
    texts: list[str] = []
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)

    class Painter(QPainter):
        def drawText(self, *given: Any) -> None:
            texts.append(given[-1])

    painter = Painter(image)
    ScaleBar(resolution).paint(painter, View.of((0, 0), zoom, (300, 400), resolution))
    painter.end()
    white = [x for x in range(400) if any(image.pixelColor(x, y).lightness() > 200 for y in range(250, 300))]
    value, unit = told.split(" ")
    metres = float(value) * (1000 if unit == "km" else 1)
    assert set(texts) == {told}
    assert len(white) == pytest.approx(metres * zoom, abs=3)
