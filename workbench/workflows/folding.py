"""Folds of a campaign: looked at, balanced, or taken from a table, as long as no release has them."""

from __future__ import annotations

__all__ = ["FoldTable", "balance_campaign", "fold_table", "keep_for_test", "set_folds"]

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import listed
from workbench.errors import CampaignError
from workbench.export.balancing import DomainGround, balance_folds, imbalance
from workbench.export.folds import FOLDS, NEAR
from workbench.geo.zone import domain_of, nearest
from workbench.nomenclature.code_counts import code_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldTable:
    """The folds of a campaign and what lies in them."""

    domains: tuple[DomainGround, ...]
    """Areas in km²; classes in pixels."""
    folds: Mapping[str, int]
    fixed: frozenset[str]
    """Domains that a release has, whose fold stays for ever."""
    imbalance: float
    changed: Mapping[str, int]
    """By domain that is in another fold than before, the fold that it was in."""
    test: frozenset[int] = frozenset()
    """Folds that are kept for test."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/campaign-folds.schema.json``)."""
        return {
            "domains": [
                {
                    "name": one.name,
                    "fold": self.folds[one.name],
                    "fixed": one.name in self.fixed,
                    "before": self.changed.get(one.name),
                    "beside": sorted(one.beside),
                    "area_km2": round(one.area, 6),
                    "pixels": {key: int(count) for key, count in one.classes.items()},
                }
                for one in self.domains
            ],
            "imbalance": round(self.imbalance, 6),
            "test_folds": sorted(self.test),
        }

    def text(self) -> str:
        """Return a line for each fold."""
        areas = Counter[int]()
        named: dict[int, list[str]] = defaultdict(list)
        for one in self.domains:
            fold = self.folds[one.name]
            areas[fold] += one.area  # type: ignore[assignment]
            was = f" (was {self.changed[one.name]})" if one.name in self.changed else ""
            named[fold].append(f"{one.name}{'*' * (one.name in self.fixed)}{was}")
        lines = [
            f"fold {fold}: {areas[fold]:8.3f} km²  {', '.join(named[fold]) or 'none'}"
            + ("  (kept for test)" if fold in self.test else "")
            for fold in FOLDS
        ]
        kept = ["* a release has it: its fold stays for ever"] if self.fixed else []
        even = f"imbalance {self.imbalance:.3f}, 0 where all folds are alike"
        return "\n".join([*lines, *kept, *self._torn(), even])

    def _torn(self) -> list[str]:
        """Return a sentence for each two domains that lie beside each other in different folds."""
        found = {tuple(sorted((one.name, other))) for one in self.domains for other in one.beside}
        return [
            f"{one} and {other} share ground or lie nearer than {NEAR:g} m, and are in folds "
            f"{self.folds[one]} and {self.folds[other]}; put them into one, by --balance or --table, before "
            "a release has them"
            for one, other in sorted(found)
            if self.folds[one] != self.folds[other]
        ]


def fold_table(campaign: Campaign, *, before: Mapping[str, int] | None = None) -> FoldTable:
    """Return the folds as they are; ``before`` are those to compare with."""
    folds = campaign.folds()
    domains = _ground(campaign)
    return FoldTable(
        domains=domains,
        folds=folds,
        fixed=frozenset(_released(campaign)),
        imbalance=imbalance(domains, folds),
        changed={}
        if before is None
        else {name: before[name] for name in folds if folds[name] != before[name]},
        test=campaign.test_folds,
    )


def balance_campaign(campaign: Campaign) -> FoldTable:
    """Give the domains that no release has new folds, so that folds are alike.

    None comes into a fold that is kept for test of whose zones a strategy chose some.
    """
    before, fixed = campaign.folds(), _released(campaign)
    kept = {name: fold for name, fold in before.items() if name in fixed}
    barred = dict.fromkeys(_chosen(campaign), campaign.test_folds)
    campaign.registry.set_folds(balance_folds(_ground(campaign), fixed=kept, barred=barred))
    return fold_table(campaign, before=before)


def set_folds(campaign: Campaign, table: Path) -> FoldTable:
    """Give domains the folds of a CSV table with the columns ``domain`` and ``fold``.

    Raises
    ------
    CampaignError
        The table is none, names a domain that is not there or one twice, or moves one that a release has, or
        of which a strategy chose zones to where is test.
    """
    before, wanted = campaign.folds(), _read_table(table)
    if strange := sorted(set(wanted) - set(before)):
        raise CampaignError(
            f"{table}: {campaign.path} has no domain {', '.join(strange[:8])}; it has {', '.join(before)}"
        )
    moved = [name for name in sorted(_released(campaign)) if wanted.get(name, before[name]) != before[name]]
    if moved:
        raise CampaignError(
            f"{table}: a release has {', '.join(moved[:8])}, and a domain keeps its fold for ever; "
            "leave it out"
        )
    chosen, held = _chosen(campaign), campaign.test_folds
    if biased := [name for name in sorted(wanted) if name in chosen and wanted[name] in held]:
        raise CampaignError(
            f"{table}: {_were_chosen(chosen[biased[0]])} and {biased[0]} cannot come into fold "
            f"{wanted[biased[0]]}, which is kept for test; leave it out"
        )
    campaign.registry.set_folds(wanted)
    return fold_table(campaign, before=before)


def keep_for_test(campaign: Campaign, folds: Sequence[str]) -> None:
    """Keep folds for test, in place of those that were kept; ``none`` alone keeps none.

    Raises
    ------
    CampaignError
        One is no fold, a zone in it was chosen by a strategy, or none would be left to train on.
    """
    if list(folds) == ["none"]:
        campaign.registry.keep_for_test(())
        return
    if wrong := [fold for fold in folds if not fold.isdecimal()]:
        raise CampaignError(f"{wrong[0]!r} is no fold; write them like 1,2, or none")
    kept, domains = {int(fold) for fold in folds}, campaign.folds()
    chosen = _chosen(campaign)
    if biased := sorted((domains[name], name) for name in chosen if domains.get(name) in kept):
        fold, name = biased[0]
        raise CampaignError(f"{_were_chosen(chosen[name])} and fold {fold} is no test; keep another fold")
    campaign.registry.keep_for_test(kept)


def _chosen(campaign: Campaign) -> dict[str, list[str]]:
    """Return, by domain, the zones that were chosen by what nobody can weigh: they are no test."""
    found: dict[str, list[str]] = defaultdict(list)
    for zone, choice in sorted(campaign.registry.choices().items()):
        if choice.inclusion is None:
            found[domain_of(zone)].append(zone)
    return dict(found)


def _were_chosen(zones: Sequence[str]) -> str:
    return f"{listed(zones)} {'was' if len(zones) == 1 else 'were'} chosen by a strategy,"


def _ground(campaign: Campaign) -> tuple[DomainGround, ...]:
    zones = campaign.zones()
    areas: dict[str, float] = defaultdict(float)
    beside: dict[str, set[str]] = defaultdict(set)
    pixels: dict[str, Counter[str]] = defaultdict(Counter)
    keys = {entry.code: entry.key for entry in campaign.nomenclature.classes}
    for zone in zones:
        beside[zone.domain] |= {other.domain for other in nearest(zone, zones, within=NEAR)}
        areas[zone.domain] += zone.area / 1e6
        with campaign.open_store(zone) as store:
            counts = code_counts(store.settled_labels())
        pixels[zone.domain].update({key: int(counts[code]) for code, key in keys.items() if counts[code]})
    return tuple(
        DomainGround(
            name=name,
            area=areas[name],
            classes=dict(sorted(pixels[name].items())),
            beside=frozenset(beside[name] - {name}),
        )
        for name in sorted(areas)
    )


def _released(campaign: Campaign) -> set[str]:
    """Return the domains that some release has."""
    return {name for row in campaign.registry.rows("releases") for name in row["domains"].split(",")}


def _read_table(path: Path) -> dict[str, int]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        folds = [(row["domain"].strip(), int(row["fold"])) for row in rows]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CampaignError(
            f"{path} is no table of folds; write CSV with the columns domain and fold: D055_2018,2"
        ) from error
    named = dict(folds)
    if len(named) < len(folds) or not folds:
        raise CampaignError(f"{path} names {'a domain twice' if folds else 'no domain'}; name each once")
    if wrong := [name for name, fold in named.items() if fold not in FOLDS]:
        raise CampaignError(f"{path}: {wrong[0]} is in fold {named[wrong[0]]}; folds are 1 to 5")
    return named
