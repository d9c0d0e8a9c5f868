"""Pictures of class shares, as SVG; needs matplotlib.

Classes have the colours of their nomenclature, and their number beside or inside: nothing is told by colour
alone. No global state of matplotlib is left changed.
"""

from __future__ import annotations

__all__ = ["SOFT", "check_libraries", "domain_bars", "drawn", "fold_bars", "new_figure"]

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.figures import percent
from workbench.export.inventory import Part
from workbench.nomenclature import LandCoverClass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#1b1f24"
SOFT: Final = "#5b6470"
_EDGE: Final = "#3f4650"
WIDTH: Final = 12.4
"""Inches; on a screen 96 pixels each."""
_ROW: Final = 0.235
"""Inches of a bar with its gap."""
_AT_ONCE: Final = 28
"""Domains in a picture at most, so that each fits a page."""
_NUMBERED: Final = 0.022
"""Share from which on a part of a bar has room for its class's number."""


def check_libraries() -> None:
    """Raise, with the way out, where what draws and writes the page is not installed.

    Raises
    ------
    ReleaseError
        Naming the extra.
    """
    from importlib.util import find_spec

    if lacking := [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]:
        raise ReleaseError(
            f"a report needs {' and '.join(lacking)}; install them: pip install ocs-workbench[release]"
        )


def fold_bars(classes: Sequence[LandCoverClass], parts: Mapping[str, Part], *, log: bool) -> bytes:
    """Draw the classes of each part beside each other: bars of shares, or of pixels on a log scale.

    Parameters
    ----------
    classes
        In the sequence of the parts' pixels.
    parts
        By title.
    log
        Whether pixels are drawn, so that rare classes show.

    Returns
    -------
    bytes
        An SVG image.
    """
    height = _ROW * len(classes) + 0.75
    figure = new_figure(WIDTH, height)
    left, gap = 1.75 / WIDTH, 0.1 / WIDTH
    wide = (1 - left) / len(parts) - gap
    lengths = {title: part.pixels.astype(float) if log else part.shares for title, part in parts.items()}
    most = max(float(length.max(initial=0)) for length in lengths.values()) or 1.0
    least = min(float(length[length > 0].min(initial=most)) for length in lengths.values())
    begin = 10.0 ** (math.ceil(math.log10(least)) - 1) if log else 0.0
    for number, (title, part) in enumerate(parts.items()):
        place = (left + number * (wide + gap), 0.3 / height, wide, 1 - 0.62 / height)
        axes: Axes = figure.add_axes(place)
        axes.set_ylim(len(classes) - 0.5, -0.5)
        if log:
            axes.set_xscale("log")
        # Room for the figure behind the longest bar.
        axes.set_xlim(begin, begin * (most / begin) ** 1.5 if log else 1.42 * most)
        _bare(axes)
        axes.set_title(title, fontsize=9.5, fontweight="bold", color=INK, loc="left", pad=5, parse_math=False)
        if part.labelled:
            told = [_short(int(pixels)) if log else _share(pixels / part.labelled) for pixels in part.pixels]
            _draw_bars(axes, classes, lengths[title], told)
        else:
            axes.text(0.04, 0.5, "no patch", transform=axes.transAxes, fontsize=8.5, color=SOFT)
        if number == 0:
            _name_rows(axes, [f"{entry.titles['en']}  {entry.code}" for entry in classes])
    return drawn(figure)


def _draw_bars(
    axes: Axes, classes: Sequence[LandCoverClass], lengths: NDArray[np.float64], told: Sequence[str]
) -> None:
    """Draw a bar for each class that is there, and a figure behind it."""
    begin = axes.get_xlim()[0]
    for row, (entry, length) in enumerate(zip(classes, lengths.tolist(), strict=True)):
        if length:
            style: dict[str, Any] = {"color": entry.colour, "edgecolor": _EDGE, "linewidth": 0.5}
            axes.barh(row, length, height=0.74, **style)
        end = max(begin, length), row
        style = {"va": "center", "fontsize": 8, "color": INK if length else SOFT}
        axes.annotate(told[row], end, (3, 0), textcoords="offset points", **style)


def domain_bars(classes: Sequence[LandCoverClass], rows: Sequence[tuple[str, Part]]) -> list[bytes]:
    """Draw the class shares of domains as bars in parts, a few domains in each picture.

    Parameters
    ----------
    classes
        In the sequence of the parts' pixels.
    rows
        Title and part of each domain.

    Returns
    -------
    list of bytes
        SVG images.
    """
    size = math.ceil(len(rows) / math.ceil(len(rows) / _AT_ONCE))
    return [_bars(classes, rows[first : first + size]) for first in range(0, len(rows), size)]


def _bars(classes: Sequence[LandCoverClass], rows: Sequence[tuple[str, Part]]) -> bytes:
    height = _ROW * len(rows) + 0.45
    figure = new_figure(WIDTH, height)
    axes: Axes = figure.add_axes((2.1 / WIDTH, 0.35 / height, 1 - 2.4 / WIDTH, 1 - 0.4 / height))
    axes.set_xlim(0, 100)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _bare(axes)
    for row, (_, part) in enumerate(rows):
        begin = 0.0
        for entry, share in zip(classes, part.shares.tolist(), strict=True):
            if not share:
                continue
            axes.barh(
                row, 100 * share, left=begin, height=0.8, color=entry.colour, edgecolor=_EDGE, linewidth=0.4
            )
            if share >= _NUMBERED:
                axes.text(
                    begin + 50 * share, row, str(entry.code), ha="center", va="center_baseline", fontsize=7.5,
                    color=_on(entry.colour),
                )  # fmt: skip
            begin += 100 * share
    _name_rows(axes, [title for title, _ in rows])
    axes.set_xticks(range(0, 101, 10), [f"{tick} %" for tick in range(0, 101, 10)], fontsize=8, color=SOFT)
    return drawn(figure)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of some inches."""
    from matplotlib.figure import Figure as _Figure

    return _Figure(figsize=(width, height), facecolor="white")


def drawn(figure: Figure) -> bytes:
    """Return a figure as SVG, letters as outlines: it looks the same everywhere, and has the same bytes."""
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context({"svg.hashsalt": "ocs-workbench", "svg.fonttype": "path"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()


def _bare(axes: Axes) -> None:
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color("#9aa3ad")
    axes.set_xticks([])
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.set_yticks([])


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8.5, color=INK)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)


def _on(colour: str) -> str:
    """Return black or white, whichever can be read on a colour (WCAG 2.2 relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if light > 0.179 else "#ffffff"


def _share(share: float) -> str:
    return f"{percent(share)} %" if share else "0"


def _short(pixels: int) -> str:
    """Write a number of pixels in three digits.

    >>> [_short(pixels) for pixels in (0, 999, 65_600, 12_345_678_901)]
    ['0', '999', '65.6 k', '12.3 G']
    """
    value, unit = float(pixels), ""
    for unit in ("", " k", " M", " G", " T"):
        if value < 999.5 or unit == " T":
            break
        value /= 1000
    return f"{value:.3g}{unit}"
