"""What stands behind a published model, as sections of its ``README.md``: data, pixels, training."""

from __future__ import annotations

__all__ = ["preprocessing", "training", "training_data"]

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from workbench.counting import counted
from workbench.export.patches import Patch
from workbench.inference.places import CURVES, HISTORY
from workbench.markdown import bullets, inline, table
from workbench.workflows.learned import Learned
from workbench.workflows.publication import Ground, Publication

_MEANINGS: Final = {
    "rate": "highest learning rate; it rises, then falls to 0 over the budget",
    "encoder_factor": "what the rate is multiplied by in the encoder",
    "optimiser": "`adamw`, or `sgd` with Nesterov's momentum 0.9",
    "decay": "weight decay; norms and biases do not decay",
    "batch": "crops of a step",
    "crop": "pixels a side of a crop",
    "loss": "of each labelled pixel, weighted by class",
    "gamma": "of the focal loss",
    "class_weight": "a class of a share f of the pixels weighs f to the minus this",
    "balance": "share of the crops drawn around a pixel of a class drawn first",
    "band_dropout": "share of the crops reduced to fewer bands",
    "band_sets": "the bands that they are reduced to",
    "jitter": "spread of brightness and contrast, in standard deviations of a band",
    "statistics": "whose mean and spread bands are normalised by: `patches`, or the `model` it began with",
    "frozen_below": "zones below which batch-norm statistics stay as they were",
    "validations": "how often it is judged on the held-out zones",
    "patience": "judgements without a better one after which it stops",
    "seed": "of all that is drawn",
}
_SAME: Final = 0.01
"""Difference up to which two statistics are called the same."""


def training_data(made: Publication) -> Iterator[str]:
    """Yield what the model learned from: release, domains, class shares."""
    card, ground = made.card, made.ground
    if ground and ground.learned:
        yield from _ground(made, ground)
        return
    told = card.training
    learned = Learned.of(card)
    said = f"Its card says {inline(learned.source)}" if learned.source else "Its card names no release"
    named = f"domains {', '.join(card.domains)}" if card.domains else "no domain is named"
    counts = [counted(told["patches"], "patch", "patches")] if "patches" in told else []
    yield f"{said}: {'; '.join([*counts, *(learned.parts() or (named,))])}."
    if ground:
        yield (
            f"**{inline(ground.release)}, by which it was looked at here, is not what it learned from**, or "
            "its card does not say so: statistics below are of a release that it may never have seen."
        )
    if pixels := told.get("class_pixels"):
        yield _shares(made, pixels, 0)


def _ground(made: Publication, ground: Ground) -> Iterator[str]:
    zones = {patch.zone for patch in ground.patches}
    area = sum(patch.area for patch in ground.patches) / 1e6
    held = len(made.card.training.get("held_out", ()))
    yield (
        f"Release **{inline(ground.release)}** (content `{ground.content_sha256[:12]}…`), TRAIN and VALID of "
        f"`{ground.split}`: {counted(len(ground.patches), 'patch', 'patches')} of 512 × 512 pixels, "
        f"{area:.3g} km², in {counted(len(zones), 'zone')}. Held out of these, to choose the weights by: "
        f"{held}."
    )
    names = sorted({patch.domain for patch in ground.patches})
    rows = [_domain_row(name, [one for one in ground.patches if one.domain == name]) for name in names]
    yield table(("domain", "zones", "patches", "taken", "cameras"), rows, right=(1, 2))
    yield _shares(made, ground.class_pixels, ground.unlabelled)
    yield "*Other*, and what nobody labelled, is not learned from."


def _domain_row(name: str, patches: Sequence[Patch]) -> tuple[str, ...]:
    dates = sorted({str(patch.acquired) for patch in patches if patch.acquired})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}" if dates else "not known"
    cameras = ", ".join(sorted({patch.camera for patch in patches if patch.camera}))
    zones = len({patch.zone for patch in patches})
    return (name, str(zones), f"{len(patches):,}", span, inline(cameras or "not known"))


def _shares(made: Publication, pixels: Mapping[str, int], unlabelled: int) -> str:
    """Return a table of classes; beside the pixels of the release those that were learned from."""
    total = sum(pixels.values()) + unlabelled
    learned = made.card.training.get("class_pixels", {})
    listed = [key for key in made.card.classes if pixels.get(key)]
    listed += sorted(key for key, count in pixels.items() if count and key not in made.card.classes)
    rows = [
        (
            made.title_of(key),
            f"{pixels[key]:,}",
            f"{100 * pixels[key] / total:.2f}",
            f"{learned[key]:,}" if key in learned else "–",
        )
        for key in listed
    ]
    if unlabelled:
        rows.append(("(unlabelled)", f"{unlabelled:,}", f"{100 * unlabelled / total:.2f}", "0"))
    return table(("class", "pixels", "%", "learned from"), rows, right=(1, 2, 3))


def preprocessing(made: Publication) -> Iterator[str]:
    """Yield how pixels become numbers, and what the pixels of the release are."""
    card, ground = made.card, made.ground
    yield (
        "Each band of a pixel, a byte from 0 to 255, becomes (value − mean) / std. The mean and standard "
        "deviation are the model's own; `workbench` applies them by the names of the bands."
    )
    if any(band.optional for band in card.bands):
        named = ", ".join(band.name for band in card.bands if band.optional)
        yield f"It can do without {named}: the mean goes in where a raster lacks the band."
    if any(band.name == "E" for band in card.bands):
        yield "E is the height above ground times 5, in a byte, as FLAIR has it."
    if ground is None or not ground.statistics:
        own = [(band.name, f"{band.mean:.3f}", f"{band.std:.3f}") for band in card.bands]
        yield table(("band", "model: mean", "model: std"), own, right=(1, 2))
        if ground is not None:
            yield f"{inline(ground.release)} has no patch in TRAIN or VALID of `{ground.split}` to compare."
        return
    found = {one.band: one for one in ground.statistics}
    rows: list[tuple[str, ...]] = []
    other = False
    for band in card.bands:
        cells = [band.name, f"{band.mean:.3f}", f"{band.std:.3f}"]
        if one := found.get(band.name):
            cells += [f"{one.mean:.4f}", f"{one.std:.4f}", f"{one.low}–{one.high}"]
            other |= abs(one.mean - band.mean) > _SAME or abs(one.std - band.std) > _SAME
        rows.append((*cells, *["–"] * (6 - len(cells))))
    where = f"TRAIN+VALID of {inline(ground.release)}"
    yield table(
        ("band", "model: mean", "model: std", f"{where}: mean", "std", "values"), rows, right=(1, 2, 3, 4)
    )
    yield (
        f"Those of {where} (`{ground.split}`) are exact: of all {ground.statistics[0].pixels:,} pixels of "
        f"{counted(len(ground.patches), 'patch', 'patches')}; to the last digit in `card.json`, "
        "`training.statistics`."
    )
    if other:
        yield "**The two differ. Use the model's own**: its weights belong to them."


def training(made: Publication) -> Iterator[str]:
    """Yield how it was trained: the recipe in full, budget, hardware and software, curves."""
    told = made.card.training
    recipe = told.get("recipe")
    if not recipe:
        yield "The card does not say how it was trained."
        return
    yield table(
        ("hyper-parameter", "value", "meaning"),
        [(f"`{key}`", _value(value), _MEANINGS.get(key, "")) for key, value in sorted(recipe.items())],
    )
    yield bullets(_run(made))
    if CURVES in made.pictures:
        yield f"![Loss and learning rate, and scores on the held-out zones, over steps]({CURVES})"
        yield f"The same as numbers: `{HISTORY}`."


def _run(made: Publication) -> Iterator[str]:
    told = made.card.training
    if begun := told.get("begun_with"):
        yield f"It began with the weights of `{inline(begun['id'])}` (card {begun['digest'][:12]}…)."
    elif "begun_with" in told:
        yield "It began with random weights."
    if "steps" in told:
        kept = f"; the weights kept are those of step {told['kept_step']:,}" if "kept_step" in told else ""
        early = ", as it got no better" if told.get("stopped_early") else ""
        yield f"{counted(told['steps'], 'step')}{early}{kept}."
    if told.get("frozen_batch_norm"):
        yield "Statistics of batch-norms stayed those of the model that it began with."
    if budget := told.get("budget"):
        given = [f"{budget[unit]:g} {unit}" for unit in ("steps", "seconds") if budget.get(unit) is not None]
        yield f"Budget: {' or '.join(given)}."
    took = f"{told['seconds']:,} seconds" if "seconds" in told else "time not said"
    yield f"Hardware: {inline(told.get('device', 'not said'))}; {took}."
    if versions := told.get("software"):
        yield f"Software: {', '.join(f'{name} {number}' for name, number in sorted(versions.items()))}."


def _value(value: object) -> str:
    if isinstance(value, list):
        named = ["+".join(one) if isinstance(one, list) else str(one) for one in value]
        return inline(", ".join(named) or "none")
    return inline(value)
