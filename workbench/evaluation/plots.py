"""Pictures of figures: the confusion matrix and the reliability diagram, as PNG; needs matplotlib.

No global state of matplotlib is touched: a figure is made, drawn into bytes and forgotten.
"""

from __future__ import annotations

__all__ = ["CONFUSION", "RELIABILITY", "confusion_png", "reliability_png"]

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.counting import counted
from workbench.errors import EvaluationError
from workbench.evaluation.calibration import Calibration
from workbench.evaluation.scores import Score, percent
from workbench.nomenclature import Nomenclature
from workbench.outputs import SAID, OutputKind, picture_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONFUSION: Final = picture_kind("a picture of a confusion matrix", "ocs-workbench/confusion-matrix")
RELIABILITY: Final = picture_kind("a reliability diagram", "ocs-workbench/reliability-diagram")

_INK: Final = "#1b1f24"
_SOFT: Final = "#6b7280"
_GRID: Final = "#e5e7eb"
_BLUE: Final = "#1d5fa8"
_RED: Final = "#c0392b"
_DPI: Final = 150
_LEFT: Final = 2.15
_RIGHT: Final = 1.55
"""Inches beside the matrix, for names and for figures."""


def confusion_png(score: Score, nomenclature: Nomenclature, *, title: str, language: str = "en") -> bytes:
    """Draw a confusion matrix: rows are true classes, each row adds up to 100 %.

    Beside the class names their colours, on the right the IoU of each class and how much of the truth it is.
    Classes that are in neither map are left out.

    Parameters
    ----------
    score
        Its matrix is drawn as its rule reads it.
    nomenclature
        Titles and colours; a class that it does not have is called by its key.
    title
        Above the picture.
    language
        Of the titles.

    Returns
    -------
    bytes
        A PNG image.

    Raises
    ------
    EvaluationError
        matplotlib is not there.
    """
    made = score.confusion
    # What is in neither map would be an empty row and column.
    there = [place for place, key in enumerate(made.keys) if key not in score.nowhere]
    there = there or list(range(len(made.keys)))
    keys, support = [made.keys[place] for place in there], made.support[there]
    counts, iou, size = made.counts[np.ix_(there, there)], made.iou[there], len(there)
    wide = max(3.8, 0.47 * size)
    figure = _figure(wide + _LEFT + _RIGHT, 2.6 + 0.40 * size)
    axes: Axes = figure.add_axes(_inside(figure, left=_LEFT, right=_RIGHT, bottom=1.75, top=0.85))
    shares = counts / np.where(support, support, 1)[:, None]
    axes.imshow(shares, cmap=_shades(), vmin=0, vmax=1, aspect="auto")
    for row in range(size):
        for col in range(size):
            if text := _cell(float(shares[row, col]), int(support[row])):
                axes.text(
                    col,
                    row,
                    text,
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if shares[row, col] > 0.55 else _INK,
                    fontweight="bold" if row == col else "normal",
                )
    _name_axis(
        axes,
        [_title(key, nomenclature, language) for key in keys],
        [_colour(key, nomenclature) for key in keys],
    )
    first, second = 1 + 0.15 / wide, 1 + 1.4 / wide
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 8}
    axes.text(first, -0.75, "IoU", fontweight="bold", **beside)
    axes.text(second, -0.75, "% of truth", color=_SOFT, ha="right", **beside)
    for row, key in enumerate(keys):
        brackets = "{}" if key in score.scored else "({})"
        axes.text(first, row, brackets.format(percent(iou[row])), va="center", **beside)
        share = f"{100 * support[row] / max(1, made.pixels):.1f}"
        axes.text(second, row, share, va="center", ha="right", color=_SOFT, **beside)
    mean = f"mIoU {percent(score.mean_iou)} % of {counted(len(score.averaged), 'class', 'classes')}"
    told = [f"rule {score.rule}: {mean}, OA {percent(score.accuracy)} %", counted(made.pixels, "pixel")]
    if score.nowhere:
        told.append(f"in neither map: {counted(len(score.nowhere), 'class', 'classes')}")
    _head(figure, title, "; ".join(told), "Rows are the truth, each adds up to 100 %.")
    return _png(figure, CONFUSION)


def reliability_png(calibration: Calibration, *, title: str) -> bytes:
    """Draw a reliability diagram: how often what was said with a probability was right.

    Parameters
    ----------
    calibration
        Of the pixels to show.
    title
        Above the picture.

    Returns
    -------
    bytes
        A PNG image.

    Raises
    ------
    EvaluationError
        matplotlib is not there.
    """
    bins = [one for one in calibration.bins() if one.pixels]
    figure = _figure(5.6, 6.4)
    axes: Axes = figure.add_axes(_inside(figure, left=0.75, right=0.3, bottom=1.95, top=0.85))
    axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for one in bins:
        width, middle = one.high - one.low, (one.low + one.high) / 2
        axes.bar(middle, one.accuracy, width=0.92 * width, color=_BLUE, alpha=0.85, zorder=2)
        low, high = sorted((one.accuracy, one.confidence))
        axes.bar(
            middle,
            high - low,
            bottom=low,
            width=0.92 * width,
            facecolor="none",
            edgecolor=_RED,
            hatch="////",
            linewidth=0.8,
            zorder=3,
        )
    axes.plot(
        [one.confidence for one in bins], [one.accuracy for one in bins], "o", color=_INK, ms=4, zorder=4
    )
    _plain(axes)
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is right")
    axes.tick_params(labelbottom=False)
    axes.text(0.03, 0.95, _legend(calibration), fontsize=9, va="top", linespacing=1.5, color=_INK)
    below: Axes = figure.add_axes(_inside(figure, left=0.75, right=0.3, bottom=0.65, top=4.6))
    total = sum(one.pixels for one in bins)
    for one in bins:
        share = one.pixels / total
        told = f"{100 * share:.0f}" if share >= 0.005 else "<1"
        below.bar((one.low + one.high) / 2, share, width=0.92 * (one.high - one.low), color=_SOFT, zorder=2)
        below.text((one.low + one.high) / 2, share, told, ha="center", va="bottom", fontsize=7.5)
    _plain(below)
    below.set(xlim=(0, 1), ylim=(0, 1.25 * max((one.pixels / total for one in bins), default=1)))
    below.set(xlabel="probability of the predicted class", ylabel="% of pixels")
    below.set_yticks([])
    _head(figure, title, f"{counted(total, 'pixel')}; hatched: the gap between what was said and what was so")
    return _png(figure, RELIABILITY)


def _legend(calibration: Calibration) -> str:
    return (
        f"said {percent(calibration.confidence)} %, right {percent(calibration.accuracy)} %\n"
        f"expected calibration error {percent(calibration.expected_error())} %"
    )


def _cell(share: float, support: int) -> str:
    """Return what is written into a cell; nothing below half a percent."""
    if not support or share < 0.005:
        return ""
    return "100" if share > 0.9995 else f"{100 * share:.0f}"


def _name_axis(axes: Axes, names: Sequence[str], colours: Sequence[str]) -> None:
    """Write class names along both axes, with a strip of their colours between them and the matrix."""
    from matplotlib.patches import Rectangle

    size = len(names)
    axes.set_xlim(-0.95, size - 0.5)
    axes.set_ylim(size - 0.05, -0.5)
    for place, colour in enumerate(colours):
        edge: dict[str, Any] = {"facecolor": colour, "edgecolor": _SOFT, "linewidth": 0.4, "clip_on": False}
        axes.add_patch(Rectangle((-0.93, place - 0.42), 0.33, 0.84, **edge))
        axes.add_patch(Rectangle((place - 0.42, size - 0.4), 0.84, 0.33, **edge))
    axes.set_xticks(range(size), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8.5)
    axes.set_yticks(range(size), names, fontsize=8.5)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted", fontsize=9, color=_SOFT)
    axes.set_ylabel("true", fontsize=9, color=_SOFT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for place in range(size + 1):
        axes.plot([-0.5, size - 0.5], [place - 0.5] * 2, color=_GRID, linewidth=0.6)
        axes.plot([place - 0.5] * 2, [-0.5, size - 0.5], color=_GRID, linewidth=0.6)


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, color=_GRID, linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8.5, color=_SOFT)


def _head(figure: Figure, title: str, *told: str) -> None:
    height = float(figure.get_size_inches()[1])
    figure.text(0.02, 1 - 0.24 / height, title, fontsize=11.5, fontweight="bold", color=_INK, va="center")
    for line, sentence in enumerate(told):
        figure.text(0.02, 1 - (0.47 + 0.18 * line) / height, sentence, fontsize=8, color=_SOFT, va="center")


def _title(key: str, nomenclature: Nomenclature, language: str) -> str:
    if key not in nomenclature.keys:
        return key.replace("_", " ")
    titles = nomenclature.by_key(key).titles
    return titles.get(language, titles["en"])


def _colour(key: str, nomenclature: Nomenclature) -> str:
    return nomenclature.by_key(key).colour if key in nomenclature.keys else "#000000"


def _inside(
    figure: Figure, *, left: float, right: float, bottom: float, top: float
) -> tuple[float, float, float, float]:
    """Return the box of axes in a figure from its margins in inches."""
    width, height = figure.get_size_inches()
    return left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height


def _shades() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shares", ["#ffffff", "#d6e4f3", "#6fa3d6", _BLUE, "#123a69"])


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure as _Figure
    except ImportError as error:
        raise EvaluationError(
            "pictures need matplotlib; install it: pip install ocs-workbench[plots]"
        ) from error
    return _Figure(figsize=(width, height), dpi=_DPI, facecolor="white")


def _png(figure: Figure, kind: OutputKind) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None, SAID: kind.mark})
    return content.getvalue()
