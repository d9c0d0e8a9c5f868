"""Strategies that ours has to beat: chance, chance by domain, distance, doubt, and doubt with variety."""

from __future__ import annotations

__all__ = ["k_centre", "random_zones", "stratified", "uncertain", "varied"]

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from workbench.active.measures import Measures
from workbench.active.selection import Chosen, Reason, Selection, affordable
from workbench.active.task import Task
from workbench.active.variety import farthest_first, standardised

_DRAWS = 2000
"""Draws by which the chance to be chosen is estimated; one standard deviation of it is 0.011 at most."""


def random_zones(task: Task) -> Selection:
    """Choose by chance alone.

    How probably each zone is chosen is estimated by drawing again and again, for cheap zones fit where dear
    ones do not: with that probability what is chosen may be test.
    """
    rng = task.rng
    return _drawn("random", task, lambda: rng.permutation(len(task.candidates)).tolist(), ())


def stratified(task: Task) -> Selection:
    """Choose by chance, domain by domain, inside each theme by theme, inside that class by class.

    Domains with fewer labelled patches come first, at random where that is equal. The class is the most
    frequent one of a zone, by a prediction or an old map, where there is one.
    """
    rng = task.rng
    strata = _strata(task.candidates)
    area: Counter[str] = Counter()
    for domain, ground in zip(task.known.zones.domains, task.known.zones.area.tolist(), strict=True):
        area[domain] += ground
    each = task.candidates.area.tolist()
    return _drawn(
        "stratified",
        task,
        lambda: _in_turns(strata, area, each, rng),
        ("domain", "theme", "main class"),
    )


def k_centre(task: Task) -> Selection:
    """Choose the zone that lies farthest from all that are labelled or chosen, again and again.

    What is left lies at most twice as far from the next chosen one as it could (Gonzalez 1985).
    """
    apart = farthest_first(task.candidates.places, task.known.zones.places, rng=task.rng)
    reasons = {row: _far(metres) for row, metres in apart.items()}
    return _ordered("k-centre", task, apart, reasons)


def uncertain(task: Task) -> Selection:
    """Choose the zones whose pixels the model is least sure of on average."""
    doubt = task.doubt("uncertain")
    order = np.lexsort((task.rng.permutation(doubt.size), -doubt)).tolist()
    scores = {row: float(doubt[row]) for row in order}
    return _ordered("uncertain", task, scores, _doubtful(scores))


def varied(task: Task) -> Selection:
    """Choose, of the more doubtful half, zones that look least like what is labelled or chosen.

    Among doubtful ones it is the core-set of Sener & Savarese (*Active learning for convolutional neural
    networks*, ICLR 2018), by Gonzalez' greedy algorithm in feature space.
    """
    doubt, rng = task.doubt("varied"), task.rng
    half = np.sort(np.lexsort((rng.permutation(doubt.size), -doubt))[: -(-doubt.size // 2)])
    own, labelled = standardised(task.candidates.features, task.known.zones.features)
    apart = farthest_first(own[half], labelled, rng=rng)
    scores = {int(half[place]): distance for place, distance in apart.items()}
    return _ordered("varied", task, scores, _doubtful({row: float(doubt[row]) for row in scores}))


def _ordered(name: str, task: Task, scores: Mapping[int, float], reasons: Mapping[int, Reason]) -> Selection:
    """Return the first candidates of an order that fit the budget."""
    costs = task.costs
    chosen = (
        Chosen(row=row, score=scores[row], cost=float(costs[row]), reasons=(reasons[row],))
        for row in affordable(scores, costs, task.budget.limit)
    )
    return Selection(strategy=name, chosen=tuple(chosen))


def _drawn(name: str, task: Task, draw: Callable[[], Iterable[int]], among: tuple[str, ...]) -> Selection:
    """Return what chance chose first, and how often it chooses each."""
    costs, limit = task.costs, task.budget.limit
    draws = [affordable(draw(), costs, limit) for _ in range(_DRAWS)]
    often = np.bincount(np.concatenate(draws), minlength=costs.size) / _DRAWS
    reason = Reason(kind="drawn", share=1.0, named=among)
    chosen = (
        Chosen(row=row, score=1.0, cost=float(costs[row]), reasons=(reason,), inclusion=float(often[row]))
        for row in draws[0]
    )
    return Selection(strategy=name, chosen=tuple(chosen))


def _strata(candidates: Measures) -> dict[str, list[list[list[int]]]]:
    """Return the candidates by domain, theme and most frequent class."""
    main = candidates.expected.argmax(axis=1) if candidates.classes else np.zeros(len(candidates), np.int64)
    found: dict[str, dict[str, dict[int, list[int]]]] = defaultdict(lambda: defaultdict(dict))
    for row, (domain, theme) in enumerate(zip(candidates.domains, candidates.themes, strict=True)):
        found[domain][theme or ""].setdefault(int(main[row]), []).append(row)
    return {
        domain: [[classes[one] for one in sorted(classes)] for _, classes in sorted(themes.items())]
        for domain, themes in sorted(found.items())
    }


def _in_turns(
    strata: Mapping[str, list[list[list[int]]]],
    area: Mapping[str, float],
    each: list[float],
    rng: np.random.Generator,
) -> Iterable[int]:
    """Yield all candidates, the domain with the least ground so far next."""
    queues = {
        domain: _merged([_merged([_mixed(c, rng) for c in t], rng) for t in themes], rng)
        for domain, themes in strata.items()
    }
    had = {domain: area.get(domain, 0.0) for domain in queues}
    lots = dict(zip(queues, rng.permutation(len(queues)).tolist(), strict=True))
    while queues:
        domain = min(queues, key=lambda one: (had[one], lots[one]))
        row = queues[domain].pop()
        had[domain] += each[row]
        if not queues[domain]:
            del queues[domain]
        yield row


def _merged(lists: list[list[int]], rng: np.random.Generator) -> list[int]:
    """Return one list that takes from each in turn, beginning anywhere; it is taken from its end."""
    turns = [lists[place] for place in rng.permutation(len(lists)).tolist()]
    longest = max(map(len, turns))
    return [one[turn] for turn in range(longest) for one in turns if turn < len(one)][::-1]


def _mixed(rows: list[int], rng: np.random.Generator) -> list[int]:
    return [rows[place] for place in rng.permutation(len(rows)).tolist()]


def _doubtful(doubt: Mapping[int, float]) -> dict[int, Reason]:
    return {row: Reason(kind="uncertain", share=1.0, measured=one) for row, one in doubt.items()}


def _far(metres: float) -> Reason:
    return Reason(kind="far", share=1.0, measured=None if metres == float("inf") else metres)
