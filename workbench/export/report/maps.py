"""The map of a release: its zones by fold, the ground of its domains, and where that lies in France."""

from __future__ import annotations

__all__ = ["FOLD_SIGNS", "zone_map"]

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.export.inventory import ZoneSum
from workbench.export.report.pictures import INK, SOFT, WIDTH, drawn, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLD_SIGNS: Final = {
    1: ("#0072b2", "o", "●"),
    2: ("#e69f00", "s", "■"),
    3: ("#009e73", "^", "▲"),
    4: ("#cc79a7", "D", "◆"),
    5: ("#d55e00", "v", "▼"),
}
"""Colour (Okabe & Ito 2008), sign of matplotlib and letter of each fold."""
_Box = tuple[float, float, float, float]
_LAMBERT: Final = "EPSG:2154"
_HEIGHT: Final = 8.1
_SIDE: Final = 2.9
"""Inches of the column beside the map."""
_FRAME: Final = (80.0, 6030.0, 1260.0, 7130.0)
"""Left, bottom, right, top of metropolitan France in Lambert-93, km."""
# Some forty capes, mouths and border towns, to 1 km: enough to see where one is, and nothing to measure by.
_OUTLINE: Final = (
    (
        (667, 7109), (600, 7087), (597, 7012), (490, 6937), (402, 6926), (390, 6964), (343, 6967),
        (361, 6849), (253, 6879), (127, 6839), (127, 6798), (154, 6770), (285, 6703), (376, 6570),
        (367, 6398), (313, 6263), (511, 6181), (593, 6156), (714, 6148), (708, 6222), (830, 6257),
        (961, 6222), (1065, 6308), (1010, 6374), (1013, 6475), (998, 6541), (939, 6571), (995, 6696),
        (1045, 6732), (1083, 6887), (947, 6933), (837, 6968), (786, 6990), (667, 7109),
    ),
    ((1222, 6232), (1162, 6155), (1165, 6105), (1220, 6050), (1242, 6134), (1222, 6232)),
)  # fmt: skip
_FEW: Final = 7.0
"""Points; a zone that is drawn smaller gets a sign."""


def zone_map(sums: Sequence[ZoneSum], crs: str) -> bytes:
    """Draw the zones of a release, coloured by fold, and the domains around them.

    Parameters
    ----------
    sums
        Zones, see `workbench.export.inventory`.
    crs
        Such as ``EPSG:2154``; in any other the overview of France stays out.

    Returns
    -------
    bytes
        An SVG image.
    """
    figure = new_figure(WIDTH, _HEIGHT)
    wide = WIDTH - _SIDE - 0.95
    axes: Axes = figure.add_axes((0.82 / WIDTH, 0.42 / _HEIGHT, wide / WIDTH, 1 - 0.52 / _HEIGHT))
    frame = _framed(sums, wide / (_HEIGHT - 0.52))
    axes.set_xlim(frame[0], frame[2])
    axes.set_ylim(frame[1], frame[3])
    if crs == _LAMBERT:
        _draw_outline(axes, color="#aeb6bf", linewidth=0.9)
    _draw_domains(axes, sums)
    _draw_zones(axes, sums, points=72 * wide / (frame[2] - frame[0]))
    _draw_scale(axes, frame)
    _label_axes(axes, crs)
    _label_domains(figure, axes, sums)
    if crs == _LAMBERT:
        _draw_overview(figure, frame)
    _draw_legend(figure, sums)
    return drawn(figure)


def _framed(sums: Sequence[ZoneSum], aspect: float) -> tuple[float, float, float, float]:
    """Return left, bottom, right, top in km of what is drawn: all zones and some air, in an aspect."""
    import shapely

    left, bottom, right, top = shapely.total_bounds([one.ground for one in sums]) / 1000
    height = max(top - bottom, (right - left) / aspect, 0.2) * 1.16
    middle, centre = (left + right) / 2, (bottom + top) / 2
    half, tall = height * aspect / 2, height / 2
    return middle - half, centre - tall, middle + half, centre + tall


def _draw_outline(axes: Axes, **style: Any) -> None:
    for ring in _OUTLINE:
        xs, ys = zip(*ring, strict=True)
        axes.plot(xs, ys, zorder=1, solid_joinstyle="round", **style)


def _draw_domains(axes: Axes, sums: Sequence[ZoneSum]) -> None:
    """Draw the hull of the zones of each domain."""
    import shapely

    for _, fold, zones in _domains(sums):
        hull = shapely.convex_hull(shapely.union_all([one.ground for one in zones]))
        xs, ys = shapely.get_coordinates(hull).T / 1000
        colour = FOLD_SIGNS[fold][0]
        axes.fill(xs, ys, facecolor=colour, alpha=0.13, edgecolor="none", zorder=2)
        axes.plot(xs, ys, color=colour, linewidth=0.7, zorder=2)


def _draw_zones(axes: Axes, sums: Sequence[ZoneSum], *, points: float) -> None:
    """Draw the zones, and signs for those that would be too small to see.

    Parameters
    ----------
    axes, sums
        Where to, and what.
    points
        Of the picture that a kilometre has.
    """
    from matplotlib.collections import PolyCollection

    many = min(1.0, math.sqrt(150 / len(sums)))
    for fold, (colour, sign, _) in FOLD_SIGNS.items():
        own = [one for one in sums if one.fold == fold]
        small = [one.ground.centroid for one in own if _side(one) * points < _FEW]
        rings = [ring for one in own if _side(one) * points >= _FEW for ring in _rings(one)]
        axes.add_collection(
            PolyCollection(rings, facecolors=colour, edgecolors=INK, linewidths=0.3, zorder=3)
        )
        if small:
            xs, ys = ([getattr(point, axis) / 1000 for point in small] for axis in "xy")
            axes.scatter(
                xs,
                ys,
                s=8 + 34 * many,
                color=colour,
                marker=sign,
                edgecolors="white",
                linewidths=0.3,
                zorder=4,
            )


def _rings(one: ZoneSum) -> list[NDArray[np.float64]]:
    import shapely

    rings = shapely.get_exterior_ring(shapely.get_parts(one.ground))
    return [shapely.get_coordinates(ring) / 1000 for ring in rings]


def _side(one: ZoneSum) -> float:
    """Return the longer side of a zone in km."""
    left, bottom, right, top = one.ground.bounds
    return max(right - left, top - bottom) / 1000


def _domains(sums: Sequence[ZoneSum]) -> list[tuple[str, int, list[ZoneSum]]]:
    """Return domains by name, with fold and zones."""
    names = sorted({one.domain for one in sums})
    grouped = {name: [one for one in sums if one.domain == name] for name in names}
    return [(name, zones[0].fold, zones) for name, zones in grouped.items()]


def _draw_scale(axes: Axes, frame: tuple[float, float, float, float]) -> None:
    """Draw a bar of a round number of metres, and where north of the grid is."""
    wide, high = frame[2] - frame[0], frame[3] - frame[1]
    length = _round_below(wide / 5)
    left, bottom = frame[0] + 0.03 * wide, frame[1] + 0.035 * high
    box: dict[str, Any] = {"facecolor": "white", "edgecolor": INK, "linewidth": 0.8, "zorder": 6}
    axes.barh(bottom, length / 2, left=left, height=0.009 * high, **box)
    axes.barh(bottom, length / 2, left=left + length / 2, height=0.009 * high, **(box | {"facecolor": INK}))
    told = f"{length:g} km" if length >= 1 else f"{1000 * length:g} m"
    style: dict[str, Any] = {"fontsize": 8.5, "color": INK, "zorder": 6}
    axes.annotate("0", (left, bottom), (0, 5), textcoords="offset points", ha="center", **style)
    axes.annotate(told, (left + length, bottom), (0, 5), textcoords="offset points", ha="center", **style)
    foot, tip = bottom - 0.008 * high, bottom + 0.05 * high
    east = left + length + 0.07 * wide
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (east, tip), (east, foot), arrowprops=arrow, zorder=6)
    axes.annotate("N", (east, tip), (0, 2), textcoords="offset points", ha="center", va="bottom", **style)


def _round_below(length: float) -> float:
    """Return the largest 1, 2 or 5 × 10ⁿ that is not above a length.

    >>> [_round_below(length) for length in (0.34, 7.2, 260.0)]
    [0.2, 5.0, 200.0]
    """
    exponent = math.floor(math.log10(length))
    steps = [part * 10.0**n for n in (exponent - 1, exponent) for part in (1, 2, 5)]
    return round(max(step for step in steps if step <= length), 9)


def _label_axes(axes: Axes, crs: str) -> None:
    name = "Lambert-93" if crs == _LAMBERT else crs
    axes.set_xlabel(f"easting, km ({name})", fontsize=8.5, color=SOFT)
    axes.set_ylabel("northing, km", fontsize=8.5, color=SOFT)
    axes.tick_params(labelsize=8, color=SOFT, labelcolor=SOFT, length=3)
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.grid(visible=True, color="#eceff2", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color("#9aa3ad")


def _label_domains(figure: Figure, axes: Axes, sums: Sequence[ZoneSum]) -> None:
    """Write each domain's name where it hides no other name; near its middle, or with a line to that."""
    import shapely

    size, taken = (8.5 if len({one.domain for one in sums}) <= 30 else 6.6), list[_Box]()
    for name, fold, zones in _domains(sums):
        left, bottom, right, top = shapely.total_bounds([one.ground for one in zones]) / 1000
        (x, y), (east, north) = axes.transData.transform([(left, bottom), (right, top)]) * 72 / figure.dpi
        told = f"{name} · {fold}"
        half, tall = 0.3 * size * len(told), 0.62 * size
        own = [] if min(east - x, north - y) > 6 * tall else [(x - 5, y - 5, east + 5, north + 5)]
        middle = (x + east) / 2, (y + north) / 2
        away = _place(*middle, half, tall, [*taken, *own])
        taken.append(_box(*middle, half, tall, away))
        far = math.hypot(*away) > 3.5 * size + math.hypot(east - x, north - y) / 2
        axes.annotate(
            told, ((left + right) / 2, (bottom + top) / 2), away, textcoords="offset points", ha="center",
            va="center", fontsize=size, color=INK, zorder=7, parse_math=False,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.78},
            arrowprops={"arrowstyle": "-", "color": SOFT, "linewidth": 0.6} if far else None,
        )  # fmt: skip


def _place(x: float, y: float, half: float, tall: float, taken: Sequence[_Box]) -> tuple[float, float]:
    """Return how far from a point a name is written: the nearest place on rings around it that is free."""
    for ring in range(16):
        for turn in range(16 if ring else 1):
            angle = math.pi / 2 + turn * math.pi / 8
            away = half * 0.55 * ring * math.cos(angle), 1.15 * tall * ring * math.sin(angle)
            left, low, right, high = _box(x, y, half, tall, away)
            if not any(left < b[2] and right > b[0] and low < b[3] and high > b[1] for b in taken):
                return away
    return 0.0, 0.0


def _box(x: float, y: float, half: float, tall: float, away: tuple[float, float]) -> _Box:
    """Return the left, bottom, right and top of a name beside a point, in points of the picture."""
    return x + away[0] - half, y + away[1] - tall, x + away[0] + half, y + away[1] + tall


def _draw_overview(figure: Figure, frame: tuple[float, float, float, float]) -> None:
    """Draw where the map lies in France, beside it."""
    from matplotlib.patches import Rectangle

    left, bottom, right, top = _FRAME
    wide = _SIDE - 0.25
    tall = wide * (top - bottom) / (right - left)
    axes: Axes = figure.add_axes(
        (1 - (_SIDE - 0.1) / WIDTH, 1 - (tall + 0.38) / _HEIGHT, wide / WIDTH, tall / _HEIGHT)
    )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    _draw_outline(axes, color="#7b8591", linewidth=1.1)
    seen = (max(frame[0], left), max(frame[1], bottom), min(frame[2], right), min(frame[3], top))
    size = (max(seen[2] - seen[0], 18), max(seen[3] - seen[1], 18))
    axes.add_patch(
        Rectangle(seen[:2], *size, facecolor="#d55e0022", edgecolor="#b03a00", linewidth=1.4, zorder=3)
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#d5dae0")
    axes.set_title("the map in France (rough outline)", fontsize=8.5, color=SOFT, loc="left", pad=4)


def _draw_legend(figure: Figure, sums: Sequence[ZoneSum]) -> None:
    """Tell folds by colour and sign, and what each holds."""
    from matplotlib.lines import Line2D

    handles, labels = [], []
    for fold, (colour, sign, _) in FOLD_SIGNS.items():
        own = [one for one in sums if one.fold == fold]
        handles.append(Line2D([], [], color=colour, marker=sign, linestyle="none", markersize=9))
        domains = len({one.domain for one in own})
        held = f"{_many(domains, 'domain')}, {_many(len(own), 'zone')}" if own else "empty"
        labels.append(f"fold {fold}: {held}")
    legend = figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(1 - (_SIDE - 0.05) / WIDTH, 0.40 / _HEIGHT),
        frameon=False, fontsize=9.5, labelcolor=INK, handletextpad=0.4, borderpad=0, borderaxespad=0,
        title="Names are domains, with their fold.", title_fontsize=8.5, alignment="left",
    )  # fmt: skip
    legend.get_title().set_color(SOFT)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
