"""How well picks are expected: the estimate that proposals go by against the picks of the scripted annotator.

    PYTHONPATH=. python tests/benchmarks/expected_picks.py --pools redundant,diverse,hidden_rare \
        --cache DIR --flair ../shared/data/flair --json figures.json

Zones are made scenes, of all themes by turns, labelled from nothing and after the pre-labels of the network
that ships: as it sees them, and with the gain and offset of each band drawn anew, the regions being those of
the true picture. On the development pools of active learning (`active_learning`) they are region tables, and
models are heads that learned from the initial zones of a seed and more by chance, up to 4, 8, 16 and 40;
every zone of the pool that was not learned from is asked for. No number of the estimate was fitted on any of
these zones; which readings it is made of was chosen in sight of the development pools.

*rank* is Spearman's; *at most* what it would be for an order without ties that is right in all pairs: many
zones of equal picks keep it below 1. *pairs* are those of unequal picks that are in the right order, ties
half. *level* is the median of (1 + expected) / (1 + real), with quartiles.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from next_region import predicted
from numpy.typing import NDArray
from prelabel_picks import _patches
from scipy.stats import spearmanr

from workbench.active.cost import expected_left, expected_picks
from workbench.geo.grid import PixelGrid
from workbench.inference.embedded import embedded_model
from workbench.inference.network import NetworkSegmenter, open_segmenter
from workbench.nomenclature import load_nomenclature
from workbench.segmentation import Hierarchy, segment
from workbench.segmentation.explaining import PRICE, explain, gather_mass
from workbench.workflows.annotator import write_script
from workbench.workflows.habits import Habits
from workbench.workflows.predictions import Prediction

FIRST_SEED = 9000
SHIFTS = {"as they are": 0.0, "colours shifted": 0.5, "colours shifted far": 1.0}
GAIN, OFFSET = 0.15, 12.0
"""Standard deviations of a band's gain and of its offset in grey levels, of a shift of 1."""
LEARNED = 4, 8, 16, 40


class Case(NamedTuple):
    """A zone, what was expected, and what it took."""

    group: str
    zone: str
    right: float
    """Share of the pixels that the model has right; 0 without one."""
    expected: float
    real: int


class Row(NamedTuple):
    """How well the picks of a group are expected."""

    group: str
    zones: int
    right: float
    none_left: float
    """Share of the zones that take no pick."""
    rank: float
    at_most: float
    pairs: float
    level: tuple[float, float, float]
    """Lower quartile, median, upper quartile."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    options = _parser().parse_args(arguments)
    found = defaultdict[str, list[Case]](list)
    for case in _cases(options):
        found[case.group].append(case)
    rows = [row_of(group, own) for group, own in found.items()]
    print(table(rows))
    if options.json is not None:
        document = {"format": "ocs-workbench/expected-picks", "format_version": 1}
        document |= {"rows": [row._asdict() for row in rows]}
        document |= {"cases": [case._asdict() for own in found.values() for case in own]}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def scenes(count: int, side: int, *, first: int) -> Iterator[Case]:
    """Yield made scenes from nothing, and after the network that ships."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from sample_data import THEMES, make_scene

    segmenter, nomenclature = open_segmenter(embedded_model(), device="cpu"), load_nomenclature("flair-19")
    for number in range(count):
        theme = THEMES[7 * number % len(THEMES)]
        scene = make_scene(seed=first + number, height=side, theme=theme)
        truth = nomenclature.decode(scene.classes, "flair")
        hierarchy = segment(scene.image, grid=_grid(scene.image))
        yield from picture(
            "scenes", f"{first + number} {theme}", scene.image, hierarchy, truth, segmenter, SHIFTS
        )


def flair(folder: Path) -> Iterator[Case]:
    """Yield FLAIR patches from nothing, and after the network that ships, which learned from made scenes."""
    segmenter = open_segmenter(embedded_model(), device="cpu")
    for number, (image, hierarchy, truth) in enumerate(_patches(folder)):
        shifts = {"as they are": 0.0}
        yield from picture("FLAIR", f"patch {number}", image, hierarchy, truth, segmenter, shifts)


def picture(
    kind: str,
    zone: str,
    image: NDArray[np.uint8],
    hierarchy: Hierarchy,
    truth: NDArray[np.uint8],
    segmenter: NetworkSegmenter,
    shifts: dict[str, float],
) -> Iterator[Case]:
    """Yield a picture from nothing, and after a network that sees it with shifted colours."""
    nothing = np.zeros_like(truth)
    real = picks_left(hierarchy, truth, nothing)
    yield Case(f"{kind}, no model", zone, 0.0, expected_picks(hierarchy, nothing, nothing), real)
    for name, strength in shifts.items():
        seen = shifted(image, strength, seed=[int(part) for part in zone.encode()])
        said = predicted(segmenter, seen)
        yield Case(
            f"{kind}, {name}",
            zone,
            float((said.codes == truth)[truth > 0].mean()),
            expected_picks(hierarchy, said.codes, said.probability),
            picks_left(hierarchy, truth, prelabels(hierarchy, said)),
        )


def pool(name: str, seeds: int, cache: Path) -> Iterator[Case]:
    """Yield the zones of a development pool after heads that learned from a few of it."""
    sys.path.insert(0, str(Path(__file__).with_name("active_learning")))
    import annotator
    from linear_head import Settings, fit
    from loop import open_field
    from pools import initial_zones

    field = open_field(name, "development", cache)
    for seed in range(seeds):
        drawn = np.random.default_rng(seed).permutation(len(field.tables)).tolist()
        order = list(dict.fromkeys([*initial_zones(field.pool, seed), *drawn]))
        for learned in LEARNED:
            head = fit([field.tables[at] for at in order[:learned]], Settings())
            for at in order[learned:]:
                table = field.tables[at]
                proba = head.proba(table.features)
                said = proba.argmax(axis=1)
                right = table.counts[np.arange(table.s.size), said].sum() / table.counts.sum()
                yield Case(
                    f"{name}, {learned} zones",
                    f"{field.zones.ids[at]}, seed {seed}",
                    float(right),
                    expected_left(table.s, annotator.mass_of(table, proba), table.area),
                    annotator.picks_left(table, proba),
                )


def shifted(image: NDArray[np.uint8], strength: float, *, seed: Sequence[int]) -> NDArray[np.uint8]:
    """Return a picture of which each band has another gain and offset."""
    rng = np.random.default_rng(seed)
    gain, offset = (strength * size * rng.standard_normal(len(image)) for size in (GAIN, OFFSET))
    seen = image * (1 + gain)[:, None, None] + offset[:, None, None]
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def prelabels(hierarchy: Hierarchy, said: Prediction) -> NDArray[np.uint8]:
    """Return the codes that are proposed of a prediction, shape (row, col)."""
    classes, mass = gather_mass(
        hierarchy.leaves, said.codes, said.probability, leaf_count=hierarchy.leaf_count
    )
    found = explain(hierarchy.s, mass, price=PRICE)
    proposed: NDArray[np.uint8] = classes[found.column][found.region][hierarchy.leaves]
    return proposed


def picks_left(hierarchy: Hierarchy, truth: NDArray[np.uint8], proposed: NDArray[np.uint8]) -> int:
    """Return the picks of somebody who mistakes nothing, after what is proposed was accepted."""
    nomenclature = load_nomenclature("flair-19")
    script = write_script(hierarchy, truth, nomenclature, habits=Habits(), zone="made", prelabels=proposed)
    return script.picks - bool(proposed.any())


def row_of(group: str, cases: Sequence[Case]) -> Row:
    """Return how well the picks of some zones are expected."""
    expected = np.array([round(case.expected, 1) for case in cases])
    real = np.array([case.real for case in cases], float)
    first, second = np.triu_indices(real.size, 1)
    unequal = real[first] != real[second]
    agreeing = np.sign(expected[first] - expected[second]) * np.sign(real[first] - real[second])
    tied = np.unique(real, return_counts=True)[1]
    ratio = np.percentile((1 + expected) / (1 + real), [25, 50, 75])
    return Row(
        group=group,
        zones=real.size,
        right=float(np.mean([case.right for case in cases])),
        none_left=float((real == 0).mean()),
        rank=float(spearmanr(expected, real).statistic),
        at_most=float(np.sqrt(1 - (tied**3 - tied).sum() / (real.size**3 - real.size))),
        pairs=float(((1 + agreeing[unequal]) / 2).mean()),
        level=(float(ratio[0]), float(ratio[1]), float(ratio[2])),
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [
        "| zones | | right | take none | rank | at most | pairs | level |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        low, middle, high = row.level
        cells = (
            f"{row.zones:,}",
            f"{row.right:.0%}" if row.right else "",
            f"{row.none_left:.0%}",
            f"**{row.rank:.2f}**",
            f"{row.at_most:.2f}",
            f"{row.pairs:.0%}",
            f"{middle:.1f} ({low:.1f} … {high:.1f})",
        )
        lines.append(f"| {row.group} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    yield from scenes(options.scenes, options.side, first=options.first)
    if options.flair is not None:
        yield from flair(options.flair)
    for name in options.pools.split(",") if options.pools else ():
        yield from pool(name, options.seeds, options.cache)


def _grid(image: NDArray[Any]) -> PixelGrid:
    transform = Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=image.shape[1], width=image.shape[2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=100, help="made scenes (default 100)")
    parser.add_argument("--side", type=int, default=1024, help="pixels a side of these (default 1024)")
    parser.add_argument("--first", type=int, default=FIRST_SEED, help="seed of the first one (default 9000)")
    parser.add_argument("--flair", type=Path, help="folder of FLAIR patches with their masks")
    parser.add_argument("--pools", default="", help="development pools, with commas between")
    parser.add_argument("--seeds", type=int, default=3, help="starts of each pool (default 3)")
    parser.add_argument("--cache", type=Path, help="folder of the pools' tables of regions")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
