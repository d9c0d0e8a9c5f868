"""What the courses of all arms come to: a table, a document, a figure.

The area under a curve of mean IoU is its mean height from no picks to the pool's budget, by trapezoids
between rounds. Differences are to stratified random with the same start, seed by seed. Pools are reported
apart, and one where an arm loses is in the same table and the same figure.
"""

from __future__ import annotations

__all__ = ["REFERENCE", "Row", "draw", "rows_of", "table"]

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from curves import Interval, area_under, bootstrap, level_at, picks_to
from loop import Course, Score

REFERENCE = "stratified"
TARGET = 0.95
"""Share of the full pool's mean IoU that picks are counted to."""
_WEAK = 3
_TITLES = {
    "value": "value per pick (ours)",
    "stratified": "stratified random",
    "k-centre": "geographic k-centre",
    "uncertain": "entropy",
    "varied": "entropy + diversity",
    "class_oracle": "oracle of classes",
}
_COLOURS = {
    "value": "#d55e00",
    "stratified": "#000000",
    "random": "#8a8a8a",
    "k-centre": "#0072b2",
    "uncertain": "#cc79a7",
    "varied": "#009e73",
    "class_oracle": "#e69f00",
}
"""Colours that colour-blind eyes tell apart (Okabe and Ito 2008)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An arm on a pool, over all seeds."""

    pool: str
    arm: str
    seeds: int
    area: float
    """Mean normalised area under the curve of mean IoU."""
    gain: Interval | None
    """Paired difference of areas to the reference; None for the reference, or where no seed has both."""
    share: float
    """Mean IoU at the budget over that of the full pool."""
    picks_to_target: float | None
    """Median over seeds of the picks to `TARGET`; one that never comes there counts as infinite."""
    reached: int
    """Seeds that come there."""
    worst: float
    """IoU at the budget of the class that is worst, seed by seed; mean."""
    weak: float
    """Mean area under the IoU of the pool's weak classes: three that the reference is worst at."""
    weak_gain: Interval | None
    domain_spread: float
    """Standard deviation between domains of the mean IoU at the budget; mean over seeds."""
    domain_worst: float
    """Mean IoU at the budget of the domain that is worst, seed by seed; mean."""
    zones: float
    """Zones that were labelled after the start; mean."""


def rows_of(courses: Sequence[Course], full: Mapping[str, Score]) -> list[Row]:
    """Return a row for each pool and arm, in the order in which they come."""
    found: dict[str, dict[str, dict[int, Course]]] = {}
    for course in courses:
        found.setdefault(course.pool, {}).setdefault(course.arm, {})[course.seed] = course
    rows = []
    for pool, arms in found.items():
        weak = _weak_classes(arms.get(REFERENCE) or next(iter(arms.values())), full[pool])
        rows += [
            _row(pool, arm, by_seed, arms.get(REFERENCE, {}), full[pool], weak)
            for arm, by_seed in arms.items()
        ]
    return rows


def _row(
    pool: str,
    arm: str,
    by_seed: Mapping[int, Course],
    reference: Mapping[int, Course],
    full: Score,
    weak: Sequence[int],
) -> Row:
    courses = list(by_seed.values())
    pairs = [(one, reference[seed]) for seed, one in by_seed.items() if seed in reference]
    paired = bool(pairs) and arm != REFERENCE
    reached = [picks_to(*_curve(one), TARGET * full.miou) for one in courses]
    median = statistics.median(np.inf if one is None else one for one in reached)
    last = [_at_budget(one) for one in courses]
    domains = [list(one.points[-1].score.domains.values()) for one in courses]
    return Row(
        pool=pool,
        arm=arm,
        seeds=len(courses),
        area=_mean(_area(one) for one in courses),
        gain=bootstrap([_area(one) - _area(other) for one, other in pairs]) if paired else None,
        share=_mean(level_at(*_curve(one), one.budget) for one in courses) / full.miou,
        picks_to_target=None if np.isinf(median) else float(median),
        reached=sum(one is not None for one in reached),
        worst=_mean(min(iou.values()) for iou in last),
        weak=_mean(_area_of(one, weak) for one in courses),
        weak_gain=bootstrap([_area_of(one, weak) - _area_of(other, weak) for one, other in pairs])
        if paired
        else None,
        domain_spread=_mean(statistics.pstdev(found) for found in domains),
        domain_worst=_mean(min(found) for found in domains),
        zones=_mean(sum(len(point.zones) for point in one.points[1:]) for one in courses),
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| pool | arm | seeds | area | Δ area to stratified | mIoU at budget / full | picks to 95 % "
        "| reached | worst class | weak classes | Δ weak | domains ± | worst domain | zones |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.pool} | {row.arm} | {row.seeds} | {row.area:.4f} | {_signed(row.gain)} | {row.share:.1%} "
        f"| {'–' if row.picks_to_target is None else f'{row.picks_to_target:,.0f}'} "
        f"| {row.reached} of {row.seeds} | {row.worst:.3f} | {row.weak:.3f} | {_signed(row.weak_gain)} "
        f"| {row.domain_spread:.3f} | {row.domain_worst:.3f} | {row.zones:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def draw(courses: Sequence[Course], full: Mapping[str, Score], rows: Sequence[Row], path: Path) -> None:
    """Draw a column for each pool: curves with bands, and below them the paired differences."""
    import matplotlib.pyplot as plt

    pools, arms = list(full), list(dict.fromkeys(course.arm for course in courses))
    colours = {arm: _COLOURS.get(arm, "#8a8a8a") for arm in arms}
    figure, axes = plt.subplots(
        2,
        len(pools),
        figsize=(4.2 * len(pools), 6.4),
        height_ratios=(2.2, 1),
        squeeze=False,
        layout="constrained",
    )
    for (above, below), pool in zip(axes.T, pools, strict=True):
        for arm in arms:
            mine = [one for one in courses if (one.pool, one.arm) == (pool, arm)]
            _draw_band(above, mine, arm, colours[arm])
        above.axhline(full[pool].miou, color="black", lw=0.8)
        above.axhline(TARGET * full[pool].miou, color="black", lw=0.8, ls=":")
        above.set(title=pool.replace("_", " "), xlabel="picks after the start")
        found = [row for row in rows if row.pool == pool and row.gain is not None]
        for place, row in enumerate(reversed(found)):
            assert row.gain is not None
            reach = [[row.gain.mean - row.gain.low], [row.gain.high - row.gain.mean]]
            below.errorbar(row.gain.mean, place, xerr=reach, fmt="o", color=colours[row.arm], capsize=3)
        below.set_yticks(range(len(found)), [_TITLES.get(row.arm, row.arm) for row in reversed(found)])
        below.axvline(0, color="black", lw=0.8)
        below.set(xlabel="Δ area under the curve to stratified random")
        below.margins(y=0.15)
    axes[0, 0].set_ylabel("mean IoU on test zones")
    axes[0, -1].legend(loc="lower right")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_band(axes: Any, courses: Sequence[Course], arm: str, colour: Any) -> None:
    if not courses:
        return
    at = np.linspace(0, courses[0].budget, 60)
    values = np.array([[level_at(*_curve(one), place) for place in at] for one in courses])
    low, middle, high = np.percentile(values, [25, 50, 75], axis=0)
    ours = arm == "value"
    axes.plot(
        at,
        middle,
        color=colour,
        label=_TITLES.get(arm, arm),
        lw=2.6 if ours else 1.3,
        zorder=3 if ours else 2,
    )
    axes.fill_between(at, low, high, color=colour, alpha=0.2 if ours else 0.08, lw=0)


def _curve(course: Course) -> tuple[list[float], list[float]]:
    return [point.picks for point in course.points], [point.score.miou for point in course.points]


def _area(course: Course) -> float:
    return area_under(*_curve(course), course.budget)


def _area_of(course: Course, codes: Sequence[int]) -> float:
    values = [_mean(point.score.iou[code] for code in codes) for point in course.points]
    return area_under([point.picks for point in course.points], values, course.budget)


def _at_budget(course: Course) -> dict[int, float]:
    picks = [point.picks for point in course.points]
    return {
        code: level_at(picks, [point.score.iou[code] for point in course.points], course.budget)
        for code in course.points[0].score.iou
    }


def _weak_classes(by_seed: Mapping[int, Course], full: Score) -> list[int]:
    """Return the classes with the least area under the IoU, of those that the full pool teaches at all."""
    courses = list(by_seed.values())
    learnable = [code for code, value in full.iou.items() if value >= 0.1]
    return sorted(learnable, key=lambda code: (_mean(_area_of(one, [code]) for one in courses), code))[:_WEAK]


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def _signed(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.mean:+.4f} ({interval.low:+.4f} … {interval.high:+.4f})"
