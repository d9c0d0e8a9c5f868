"""Strategies by name: those of the workbench, and those that other packages register."""

from __future__ import annotations

__all__ = ["strategies", "strategy_named"]

from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Final

from workbench.active.strategies import k_centre, random_zones, stratified, uncertain, varied
from workbench.active.task import Strategy
from workbench.active.value import value
from workbench.counting import listed
from workbench.errors import CampaignError

_GROUP: Final = "workbench.strategies"
_OURS: Final[Mapping[str, Strategy]] = MappingProxyType(
    {
        "value": value,
        "random": random_zones,
        "stratified": stratified,
        "k-centre": k_centre,
        "uncertain": uncertain,
        "varied": varied,
    }
)


def strategies() -> tuple[str, ...]:
    """Return the names of all strategies, those of the workbench first."""
    others = {entry.name for entry in entry_points(group=_GROUP)} - set(_OURS)
    return (*_OURS, *sorted(others))


def strategy_named(name: str) -> Strategy:
    """Return a strategy.

    Raises
    ------
    CampaignError
        There is none of that name, or another package's cannot be loaded.
    """
    if name in _OURS:
        return _OURS[name]
    found = [entry for entry in entry_points(group=_GROUP) if entry.name == name]
    if not found:
        raise CampaignError(f"there is no strategy {name!r}; choose {listed(list(strategies()))}")
    try:
        loaded: Strategy = found[0].load()
    except (ImportError, AttributeError) as error:
        raise CampaignError(
            f"strategy {name} of {found[0].value} cannot be loaded ({error}); install its package again"
        ) from error
    return loaded
