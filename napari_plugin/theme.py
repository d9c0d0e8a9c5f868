"""Colours of the dock's own paint, taken from napari's theme so that light and dark both read well."""

from __future__ import annotations

__all__ = ["Ink", "ink", "style_sheet", "use_theme"]

from dataclasses import dataclass

from napari.utils.theme import get_theme
from qtpy.QtGui import QColor


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """Colours of a theme."""

    theme: str
    """napari's name of it, by which its icons are found."""
    text: QColor
    dim: QColor
    """Of what is said by the way."""
    line: QColor
    chosen: QColor
    """Behind what is in hand."""
    tick: QColor
    """Behind the tick of what is chosen in a list."""
    good: QColor
    """Of what is saved and done."""
    error: QColor
    """Behind a sentence on what went wrong."""
    advice: QColor
    """Behind a sentence on what to do first."""


def _ink_of(theme: str) -> Ink:
    colours = get_theme(theme)
    text, background = QColor(colours.text.as_hex()), QColor(colours.background.as_hex())
    light = background.lightness() > 128
    return Ink(
        theme=get_theme(theme).id,
        text=text,
        dim=_between(text, background, 0.42),
        line=_between(text, background, 0.68),
        chosen=QColor(colours.primary.as_hex()),
        tick=QColor(colours.current.as_hex()),
        good=QColor("#1f8a4c" if light else "#62c08a"),
        error=QColor("#f3c6c1" if light else "#6b2f2b"),
        advice=QColor("#c7dcf0" if light else "#2f4a63"),
    )


_used: Ink | None = None


def use_theme(theme: str) -> None:
    """Paint in the colours of a napari theme from now on."""
    global _used
    _used = _ink_of(theme)


def ink() -> Ink:
    """Return the colours in use; those of the dark theme until one is chosen."""
    if _used is None:
        use_theme("dark")
    assert _used is not None  # noqa: S101 - just chosen
    return _used


def style_sheet() -> str:
    """Return the dock's style in the colours in use; what it does not name is napari's."""
    colours = ink()
    text, dim = colours.text.name(), colours.dim.name()
    return f"""
QLabel#title {{ font-size: 14px; font-weight: 600; }}
QLabel#heading {{ font-weight: 600; }}
QLabel#dim, QLabel#notice {{ color: {dim}; }}
QFrame#banner {{ border-radius: 4px; }}
QFrame#banner[kind="error"], QFrame#banner[kind="bar"] {{ background: {colours.error.name()}; }}
QFrame#banner[kind="advice"] {{ background: {colours.advice.name()}; }}
QFrame#banner QLabel {{ background: transparent; color: {text}; }}
QFrame#banner QToolButton {{ background: transparent; color: {text}; }}
QListWidget {{ background: transparent; }}
QTreeView::indicator, QListWidget::indicator {{
  width: 11px; height: 11px; border: 1px solid {dim}; border-radius: 2px; background: transparent;
}}
QTreeView::indicator:checked, QListWidget::indicator:checked {{
  image: url("theme_{colours.theme}:/check.svg"); background: {colours.tick.name()};
}}
QToolButton#tool {{ padding: 3px 6px; border-radius: 3px; }}
QToolButton#tool:checked {{ background: {colours.chosen.name()}; font-weight: 600; }}
"""


def _between(one: QColor, other: QColor, share: float) -> QColor:
    """Return the colour some share of the way from one to another."""
    mixed = (round(a + (b - a) * share) for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True))
    return QColor(*mixed)
