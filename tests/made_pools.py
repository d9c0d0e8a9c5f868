"""Pools of zones as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.active.budget import Budget, Tariff
from workbench.active.measures import Known, Measures
from workbench.active.parts import Parts
from workbench.active.task import Task

CLASSES = ("building", "water", "brushwood", "greenhouse")


def measures(rows: int, *, seed: int = 0, name: str = "c", domains: int = 3, doubt: bool = True) -> Measures:
    """Return zones of some domains that lie in clusters, with everything drawn by a seed."""
    rng = np.random.default_rng(seed)
    domain = rng.integers(domains, size=rows)
    expected = rng.dirichlet([3, 1, 0.5, 0.05], size=rows) * 1e6
    return Measures(
        ids=tuple(f"{name}{number}" for number in range(rows)),
        domains=tuple(f"D0{10 + number}_2020" for number in domain.tolist()),
        themes=tuple(("UU", "AF", None)[number] for number in rng.integers(3, size=rows).tolist()),
        places=domain[:, None] * 2e5 + rng.normal(0, 5e3, (rows, 2)),
        area=np.full(rows, 0.26),
        picks=np.round(rng.lognormal(4, 0.7, rows)),
        classes=CLASSES,
        expected=expected,
        doubtful=expected * rng.uniform(0.02, 0.6, expected.shape) * doubt,
        features=rng.normal(0, 1, (rows, 6)) + domain[:, None],
        parts=tuple(_parts(rng, int(one), doubt=doubt) for one in domain),
    )


def _parts(rng: np.random.Generator, domain: int, *, doubt: bool) -> Parts:
    """Return what a zone is made of: a dozen parts of looks that its domain has."""
    pixels = np.round(rng.lognormal(8, 1, 12))
    return Parts(
        looks=rng.normal(0, 1, (12, 6)) + 3 * domain,
        classes=rng.choice(len(CLASSES), 12, p=[0.6, 0.25, 0.1, 0.05]),
        pixels=pixels,
        doubtful=pixels * rng.uniform(0.02, 0.6, 12) * doubt,
    )


def task(**changes: Any) -> Task:
    """Return a task; keywords replace what is drawn."""
    given: dict[str, Any] = {
        "candidates": measures(40),
        "known": Known(zones=measures(5, seed=9, name="k", domains=2)),
        "budget": Budget.parse("800picks"),
        "tariff": Tariff(),
        "seed": 7,
    }
    return Task(**(given | changes))
