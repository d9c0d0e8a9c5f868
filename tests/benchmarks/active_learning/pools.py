"""The pools that strategies are compared on: which zones there are, where they lie and what they look like.

No pixels here: a zone is the arguments of `sample_data.make_scene` and a place. Written before any strategy
was, and held by a digest (``tests/active/test_pools.py``): who changes a pool changes what was promised,
and says so there. There are two sets of the same recipe with other seeds. *development* is to tune on;
*reported* is measured once, with what was tuned.

Three pools. *redundant*: six domains of open fields, three of them flown together over the same soils;
villages, woods and ponds are one zone in seven. *diverse*: twelve domains, each with landscapes, a season
and soils of its own. *hidden_rare*: eight domains without woodland, and a ninth, 5 % of the zones, of
mountain woods in patches of snow: snow and clear cuts are nowhere else, and no initial set has a zone of
it.

Of each pool a strategy may choose the candidates. Where it starts is drawn by a seed: four zones of one or
two domains. Tested on are zones that are no candidates, as many of every domain, each domain's landscapes
in the pool's proportions and at least one of each.
"""

from __future__ import annotations

__all__ = [
    "POOLS",
    "SETS",
    "SIDE",
    "STARTING_ZONES",
    "Pool",
    "PoolSet",
    "PoolZone",
    "digest",
    "initial_zones",
    "make_pool",
    "zone_scene",
]

import importlib
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from sample_data import VERSION, Scene, make_scene, national_corner
from workbench import documents

PoolSet = Literal["development", "reported"]
SETS: tuple[PoolSet, ...] = ("development", "reported")
SIDE = 1024
"""Rows and columns of a zone: 2 × 2 patches."""
STARTING_ZONES = 4
_RADIUS = 15_000.0
"""Metres from a domain's centre to its farthest zone."""
_FIRST_SEED: Mapping[PoolSet, int] = {"development": 3_100_000, "reported": 4_100_000}
_STRIDE = 10_000
"""Seeds that a pool has to itself."""
_GRASSY = 0.1
"""Up to this share of vines in farmland a domain is no wine country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Domain:
    """What is asked of a domain; its seeds do the rest."""

    name: str
    themes: Mapping[str, int]
    """Candidates of each theme."""
    x: float
    """Its centre in Lambert-93, in kilometres."""
    y: float
    season: tuple[float, float] = (0.0, 1.0)
    """How ripe its crops are at least, and at most."""
    vines: bool = False
    snow: bool = False
    flown_with: str | None = None
    """The domain whose flight it shares, season, soils and all."""
    hidden: bool = False
    """Whether no initial set may have a zone of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    name: str
    tested: int
    """Zones of each domain to test on."""
    domains: tuple[_Domain, ...]


_REDUNDANT = _Recipe(
    name="redundant",
    tested=10,
    domains=(
        _Domain(
            name="D028_2021", themes={"AA": 44, "AU": 2, "UU": 1, "AF": 1}, x=588, y=6806, season=(0.4, 0.6)
        ),
        _Domain(
            name="D045_2021",
            themes={"AA": 34, "AF": 2, "FF": 1, "AH": 1},
            x=625,
            y=6754,
            flown_with="D028_2021",
        ),
        _Domain(
            name="D041_2021",
            themes={"AA": 26, "AN": 1, "NF": 1},
            x=573,
            y=6722,
            flown_with="D028_2021",
        ),
        _Domain(name="D010_2022", themes={"AA": 20, "AU": 1, "UA": 1}, x=780, y=6800, season=(0.6, 0.8)),
        _Domain(name="D089_2020", themes={"AA": 10, "FA": 3, "AN": 2}, x=742, y=6743, season=(0.2, 0.4)),
        _Domain(
            name="D037_2020", themes={"AA": 8, "UA": 3, "AH": 2, "UU": 2}, x=518, y=6700, season=(0.7, 0.95)
        ),
    ),
)
_DIVERSE = _Recipe(
    name="diverse",
    tested=5,
    domains=(
        _Domain(name="D029_2018", themes={"AN": 6, "HN": 4, "NA": 4}, x=172, y=6794, season=(0.0, 0.2)),
        _Domain(name="D059_2021", themes={"UA": 6, "UU": 5, "AU": 3}, x=704, y=7040, season=(0.5, 0.65)),
        _Domain(
            name="D051_2019", themes={"AA": 8, "AU": 3, "AF": 3}, x=774, y=6907, season=(0.6, 0.8), vines=True
        ),
        _Domain(name="D067_2021", themes={"FF": 6, "FA": 4, "AF": 4}, x=1030, y=6840, season=(0.8, 1.0)),
        _Domain(
            name="D033_2020", themes={"AF": 6, "FH": 4, "AH": 4}, x=417, y=6421, season=(0.4, 0.6), vines=True
        ),
        _Domain(
            name="D034_2021", themes={"AU": 5, "UN": 5, "NA": 4}, x=770, y=6290, season=(0.8, 1.0), vines=True
        ),
        _Domain(name="D074_2020", themes={"NF": 6, "FN": 5, "HF": 3}, x=943, y=6540, snow=True),
        _Domain(name="D063_2019", themes={"NA": 5, "NN": 5, "FN": 4}, x=708, y=6520, season=(0.3, 0.5)),
        _Domain(name="D013_2020", themes={"UN": 5, "UH": 5, "HU": 4}, x=893, y=6260, season=(0.9, 1.0)),
        _Domain(name="D035_2018", themes={"AF": 5, "AA": 5, "UA": 4}, x=352, y=6789, season=(0.0, 0.15)),
        _Domain(name="D064_2021", themes={"FA": 5, "NF": 5, "AN": 4}, x=427, y=6250, season=(0.15, 0.35)),
        _Domain(name="D021_2020", themes={"AA": 5, "FU": 5, "AF": 4}, x=853, y=6692, season=(0.35, 0.5)),
    ),
)
_HIDDEN_RARE = _Recipe(
    name="hidden_rare",
    tested=7,
    domains=(
        _Domain(name="D017_2021", themes={"AH": 8, "HA": 6, "AA": 6}, x=385, y=6560, season=(0.5, 0.7)),
        _Domain(name="D044_2022", themes={"AN": 8, "AU": 6, "UA": 6}, x=355, y=6689, season=(0.2, 0.4)),
        _Domain(name="D079_2020", themes={"AA": 14, "AN": 6}, x=445, y=6590, season=(0.7, 0.9)),
        _Domain(name="D087_2020", themes={"NA": 8, "AN": 8, "NN": 4}, x=565, y=6528, season=(0.3, 0.6)),
        _Domain(
            name="D024_2021",
            themes={"AN": 7, "UA": 7, "NU": 6},
            x=510,
            y=6452,
            season=(0.5, 0.8),
            vines=True,
        ),
        _Domain(
            name="D033_2021", themes={"AA": 8, "AU": 6, "UU": 6}, x=417, y=6421, season=(0.4, 0.6), vines=True
        ),
        _Domain(name="D031_2019", themes={"UU": 8, "UA": 8, "AU": 4}, x=574, y=6279, season=(0.8, 1.0)),
        _Domain(name="D032_2019", themes={"AA": 10, "AH": 5, "NA": 5}, x=495, y=6310, season=(0.0, 0.3)),
        _Domain(name="D065_2019", themes={"FF": 5, "FN": 3}, x=463, y=6225, snow=True, hidden=True),
    ),
)
_RECIPES = {recipe.name: recipe for recipe in (_REDUNDANT, _DIVERSE, _HIDDEN_RARE)}
POOLS = tuple(_RECIPES)
"""Names of the pools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolZone:
    """One zone of a pool: which scene it is, and where it lies."""

    domain: str
    zone: str
    """Its name as in FLAIR, with main and second theme: ``Z12_AU``."""
    seed: int
    flight: int
    """The seed that the domain's season, soils and camera are drawn by."""
    snow: bool
    x: float
    """Left edge in Lambert-93, on the national patch grid."""
    y: float
    """Top edge in Lambert-93, on the national patch grid."""

    @property
    def id(self) -> str:
        """Return domain and zone, such as ``D028_2021/Z12_AU``."""
        return f"{self.domain}/{self.zone}"

    @property
    def theme(self) -> str:
        """Return the last two letters of the zone's name."""
        return self.zone[-2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Zones to choose from, and zones to test on."""

    name: str
    set: PoolSet
    candidates: tuple[PoolZone, ...]
    tested: tuple[PoolZone, ...]
    hidden: tuple[str, ...]
    """Domains of which no initial set has a zone."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the names of the domains, in the recipe's order."""
        return tuple(dict.fromkeys(zone.domain for zone in self.candidates))


def make_pool(name: str, which: PoolSet) -> Pool:
    """Return a pool of a set; the same names always give the same pool.

    >>> pool = make_pool("hidden_rare", "development")
    >>> len(pool.candidates), len(pool.tested), pool.hidden
    (168, 63, ('D065_2019',))
    """
    recipe = _RECIPES[name]
    first = _FIRST_SEED[which] + _STRIDE * POOLS.index(name)
    seeds = itertools.count(first)
    flights: dict[str, int] = {}
    candidates: list[PoolZone] = []
    tested: list[PoolZone] = []
    for number, domain in enumerate(recipe.domains):
        begun = first + _STRIDE // 2 + 100 * number
        flights[domain.name] = flights[domain.flown_with] if domain.flown_with else _flight(domain, begun)
        proofs = _shared(recipe.tested, domain.themes)
        themes = [*_repeated(domain.themes), *_repeated(proofs)]
        rng = np.random.default_rng(begun)
        places = _places(domain, len(themes), rng)
        zones = [
            PoolZone(
                domain=domain.name,
                zone=f"Z{place + 1}_{theme}",
                seed=next(seeds),
                flight=flights[domain.name],
                snow=domain.snow,
                x=x,
                y=y,
            )
            for place, (theme, (x, y)) in enumerate(zip(themes, places, strict=True))
        ]
        count = sum(domain.themes.values())
        candidates += zones[:count]
        tested += zones[count:]
    hidden = tuple(domain.name for domain in recipe.domains if domain.hidden)
    return Pool(name=name, set=which, candidates=tuple(candidates), tested=tuple(tested), hidden=hidden)


def initial_zones(pool: Pool, seed: int) -> tuple[int, ...]:
    """Return the candidates that are labelled from the start: four of one domain, or of two.

    Domains are drawn in proportion to their zones, as somebody would who takes any zone to begin with; hidden
    ones never.

    Returns
    -------
    tuple of int
        Places in ``pool.candidates``, rising.
    """
    rng = np.random.default_rng((_FIRST_SEED[pool.set], POOLS.index(pool.name), seed))
    known = [domain for domain in pool.domains if domain not in pool.hidden]
    sizes = np.array([sum(zone.domain == domain for zone in pool.candidates) for domain in known], float)
    drawn = rng.choice(len(known), size=int(rng.integers(1, 3)), replace=False, p=sizes / sizes.sum())
    chosen: list[int] = []
    for domain in drawn:
        places = [at for at, zone in enumerate(pool.candidates) if zone.domain == known[domain]]
        chosen += rng.choice(places, size=STARTING_ZONES // drawn.size, replace=False).tolist()
    return tuple(sorted(chosen))


def zone_scene(zone: PoolZone) -> Scene:
    """Make the picture and the truth of a zone."""
    return make_scene(seed=zone.seed, height=SIDE, theme=zone.theme, snow=zone.snow, flight=zone.flight)


def digest(which: PoolSet) -> str:
    """Return the SHA-256 of all that a set of pools is made of, with twenty initial sets of each."""
    pools = {}
    for name in POOLS:
        pool = make_pool(name, which)
        pools[name] = {
            "candidates": [asdict(zone) for zone in pool.candidates],
            "tested": [asdict(zone) for zone in pool.tested],
            "initial": [list(initial_zones(pool, seed)) for seed in range(20)],
        }
    document = {"set": which, "side": SIDE, "generator": VERSION, "pools": pools}
    return documents.digest(documents.canonical_bytes(document))


def _flight(domain: _Domain, begun: int) -> int:
    """Return the first seed whose style is in season, and has vines where there ought to be some."""
    style = importlib.import_module("sample_data.style")
    textures = importlib.import_module("sample_data.textures")
    for seed in itertools.count(begun):
        drawn = style.draw_style(textures.stream(seed, 4))
        if domain.season[0] <= drawn.ripeness <= domain.season[1] and (drawn.vines > _GRASSY) == domain.vines:
            return seed
    raise AssertionError("seeds do not end")


def _repeated(counts: Mapping[str, int]) -> Iterator[str]:
    for name, count in counts.items():
        yield from [name] * count


def _shared(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Share so many zones out in proportion, at least one for each: always to the one that lacks most."""
    whole = sum(weights.values())
    shares = dict.fromkeys(weights, 1)
    for _ in range(total - len(weights)):
        poorest = max(weights, key=lambda name: total * weights[name] / whole - shares[name])
        shares[poorest] += 1
    return shares


def _places(domain: _Domain, count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Draw upper left corners around a domain's centre, none twice and no two zones on the same ground."""
    found: list[tuple[float, float]] = []
    while len(found) < count:
        turn, reach = rng.uniform(0, 2 * math.pi), _RADIUS * math.sqrt(rng.uniform())
        x, y = national_corner(
            1000 * domain.x + reach * math.cos(turn), 1000 * domain.y + reach * math.sin(turn)
        )
        if all(max(abs(x - left), abs(y - top)) >= 500 for left, top in found):
            found.append((x, y))
    return found
