"""``README.md`` of a published model, section by section as IGN writes it for its FLAIR-INC models.

Plain functions of a `Publication`: nothing is read, and the same publication gives the same text.
"""

from __future__ import annotations

__all__ = ["readme"]

import re
from collections.abc import Iterator
from typing import Final

from workbench.counting import counted
from workbench.evaluation.scores import percent
from workbench.inference.card import CARD, WEIGHTS
from workbench.markdown import bullets, inline, table
from workbench.workflows.learned import Learned
from workbench.workflows.licences import owed_of
from workbench.workflows.model_evidence import preprocessing, training, training_data
from workbench.workflows.model_figures import evaluation
from workbench.workflows.publication import Figures, Publication

_EXTRAS: Final = {"workbench": "demo", "odeon": "demo", "transformers": "transformers"}
"""What must be installed to open the networks of a provider; `torch` for the others."""
_MONTHS: Final = "January,February,March,April,May,June,July,August,September,October,November,December"
_RARE: Final = 0.001
"""Share of the training pixels below which a class is said to be hardly seen."""
_WEAK: Final = 0.3
"""IoU below which a class is said to be weak."""


def readme(made: Publication, *, front: str, software: str) -> str:
    """Return the text.

    Parameters
    ----------
    made
        What is told.
    front
        The metadata above it, as `workbench.workflows.hub_metadata.front_matter` returns it.
    software
        Name and version of what writes it.
    """
    card = made.card
    sections = [
        front,
        f"# {inline(card.title)}",
        *([f"**{made.bold}**"] if made.bold else []),
        _summary(made),
        "## Model",
        _model(made),
        "## Uses",
        *_uses(made),
        "## Limits",
        bullets(_limits(made)),
        "## How to get started",
        *_start(made, software),
        "## Training data",
        *training_data(made),
        "## Pre-processing",
        *preprocessing(made),
        "## Training",
        *training(made),
        "## Evaluation",
        *evaluation(made),
        "## Technical specification",
        *_specification(made),
        "## Licence",
        *_licence(made),
        "## Citation",
        _citation(made),
        "## Digests",
        _digests(made),
        f"This card was written by `workbench model publish` of {software}.",
    ]
    return "\n\n".join(sections) + "\n"


def _summary(made: Publication) -> str:
    card = made.card
    trained = len(card.classes) - len(card.untrained)
    bands = ", ".join(band.name for band in card.bands)
    told = (
        f"Gives each pixel of an orthophoto ({bands}; {card.resolution:g} m per pixel) one of {trained} "
        f"classes of {card.nomenclature}."
    )
    if source := Learned.of(card).source:
        told += f" Trained on {inline(source)}."
    if isinstance(made.figures, Figures):
        found, score = made.figures.evaluation, made.figures.evaluation.score
        dropped = counted(len(score.dropped), "class", "classes")
        left = f" without the pixels of {dropped}" if score.dropped else ""
        where = "" if made.figures.doubt else " of domains that it never saw"
        told += (
            f" On patches{where} (TEST of {inline(found.reference)}), by the rule *{score.rule}*: mIoU "
            f"{percent(score.mean_iou)} % of {counted(len(score.averaged), 'class', 'classes')}, overall "
            f"accuracy {percent(score.accuracy)} %{left}."
        )
    return told


def _model(made: Publication) -> str:
    card, network = made.card, made.network
    rows = [("name", f"`{card.id}`")]
    if made.authors:
        rows.append(("made by", inline(", ".join(made.authors))))
    if made.contact:
        rows.append(("contact", inline(made.contact)))
    rows += [
        ("network", f"{card.architecture}; {network.parameters:,} parameters"),
        ("bands", ", ".join(band.name for band in card.bands)),
        ("resolution", f"{card.resolution:g} m per pixel"),
        ("classes", f"{len(card.classes) - len(card.untrained)} of {card.nomenclature}, listed below"),
        ("trained on", inline(Learned.of(card).source or "not said")),
        ("source", inline(card.source)),
        ("licence", inline(card.licence)),
    ]
    return table(("", ""), rows)


def _uses(made: Publication) -> Iterator[str]:
    card = made.card
    yield "### Direct use"
    yield card.usage.strip() or "Not said."
    yield "### Out of scope"
    named = ", ".join(made.title_of(key) for key in card.untrained)
    yield bullets(
        [
            "Labels, statistics or decisions that nobody looked at: what it gives are proposals.",
            f"Images of other bands than {', '.join(band.name for band in card.bands)}, of a pixel size far "
            f"from {card.resolution:g} m, oblique, or taken by other sensors.",
            *([f"Finding {named}: it was never trained on these."] if named else []),
        ]
    )


def _limits(made: Publication) -> Iterator[str]:
    card, ground = made.card, made.ground
    if card.limits.strip():
        yield " ".join(card.limits.split())
    yield (
        "**Radiometry.** It takes bytes, 0 to 255, in the dynamics of the pictures that it learned from. Raw "
        "radiometry, 16 bits or another colour balance must be brought there first; normalise as below."
    )
    yield (
        f"**Resolution.** {card.resolution:g} m per pixel. Pixels of another size are to be resampled "
        "(`workbench predict --resample`); what that costs was not measured."
    )
    yield _domains(made)
    if ground and ground.learned:
        yield _seasons(made)
    if card.untrained:
        named = ", ".join(made.title_of(key) for key in card.untrained)
        yield f"**Never trained**, and never given: {named}. Where they are, it gives something else."
    if rare := _rare(made):
        yield f"**Hardly seen** (below {100 * _RARE:g} % of the pixels that it learned from): {rare}."
    if isinstance(made.figures, Figures):
        yield from _weak(made, made.figures)


def _domains(made: Publication) -> str:
    learned = Learned.of(made.card)
    if not made.card.domains:
        return "**Domains.** Its card names no department and year that it was trained on."
    told = f"It was trained on {len(learned.domains)} (department and year): {', '.join(learned.domains)}."
    if learned.zones:
        told += f" In all: {'; '.join(learned.parts())}."
    return (
        f"**Domains.** {told} In other landscapes, and with other cameras or processing, expect less of it."
    )


def _seasons(made: Publication) -> str:
    patches = made.ground.patches if made.ground else ()
    dates = sorted({patch.acquired for patch in patches if patch.acquired})
    undated = len({patch.zone for patch in patches if not patch.acquired})
    if not dates:
        return "**Seasons.** When its pictures were taken is not known."
    months = sorted({date.month for date in dates})
    named = ", ".join(_MONTHS.split(",")[month - 1] for month in months)
    told = f"**Seasons.** Its pictures were taken in {named}, from {dates[0]} to {dates[-1]}"
    told += f"; of {counted(undated, 'zone')} that is not known" if undated else ""
    return f"{told}. Leaves, crops and shadows look otherwise in other months."


def _rare(made: Publication) -> str:
    pixels = made.card.training.get("class_pixels", {})
    total = sum(pixels.values())
    rare = [
        (key, pixels.get(key, 0))
        for key in made.card.classes
        if key not in made.card.untrained and pixels.get(key, 0) < _RARE * total
    ]
    return ", ".join(f"{made.title_of(key)} ({counted(count, 'pixel')})" for key, count in rare)


def _weak(made: Publication, figures: Figures) -> Iterator[str]:
    score, sure = figures.evaluation.score, figures.evaluation.calibration(figures.evaluation.total)
    support = dict(zip(score.confusion.keys, score.confusion.support, strict=True))
    weak = sorted((score.of(key), key) for key in score.scored if support[key] and score.of(key) < _WEAK)
    if weak:
        named = ", ".join(f"{made.title_of(key)} {percent(value)} %" for value, key in weak)
        yield f"**Weak classes** (IoU below {100 * _WEAK:g} %): {named}."
    if absent := [made.title_of(key) for key in score.scored if key in score.nowhere]:
        yield f"**Not judged**, for the test has no pixel of them: {', '.join(absent)}."
    if score.only_predicted:
        yield (
            "**Judged by mistakes alone**, with an IoU of 0, for the test has no pixel of them and the model "
            f"gives some: {', '.join(map(made.title_of, score.only_predicted))}."
        )
    if sure is not None:
        yield (
            f"**Probabilities.** It says {percent(sure.confidence)} % on average and is right in "
            f"{percent(sure.accuracy)} %."
        )


def _start(made: Publication, software: str) -> Iterator[str]:
    card = made.card
    extra = _EXTRAS.get(card.architecture.provider, "torch")
    names = ", ".join(band.name for band in card.bands)
    yield f"It is opened by `{software}`: ask whoever gave you the model for its source, and run there"
    yield f"```sh\npip install '.[{extra}]'\n```"
    yield (
        "Take nothing of that name from a package index on the word of this card: who put it there it cannot "
        "tell. Then, in the folder of the model:"
    )
    yield "```sh\nworkbench model info .\nworkbench predict ortho.tif --model . -o prediction.tif\n```"
    yield (
        "`prediction.tif` has three bands of bytes: the class as a code of the nomenclature (0 = no data), "
        "its probability and the entropy, both from 0 to 255. Rasters may be of any size. In Python:"
    )
    yield (
        "```python\nfrom pathlib import Path\n\nimport numpy as np\n\n"
        "from workbench.inference.network import open_segmenter\n\n"
        'segmenter = open_segmenter(Path("."))\n'
        f"tiles = np.zeros((1, 512, 512, {len(card.bands)}), np.uint8)  # (tile, row, col, band): {names}\n"
        "output, probability, entropy = segmenter.predict_reduced(tiles)[0]  # (row, col) each\n```"
    )
    yield (
        "Normalisation is part of it: pixels go in as bytes. `output` is the number in the table of classes "
        "below; 0 = nothing."
    )


def _specification(made: Publication) -> Iterator[str]:
    card, network = made.card, made.network
    crop = card.training.get("recipe", {}).get("crop")
    learned = f"; it learned from crops of {crop} × {crop}" if crop else ""
    yield bullets(
        [
            f"Network: {card.architecture}.",
            f"{network.parameters:,} parameters; {network.tensors:,} tensors of {network.number}, "
            f"{network.weights_bytes / 1e6:,.1f} MB in `{WEIGHTS}`.",
            f"Input: {counted(len(card.bands), 'band')} of any number of rows and columns that are multiples "
            f"of 32{learned}. `workbench predict` cuts a raster into tiles that overlap.",
            f"Output: a score for each of {len(card.classes)} classes and pixel, of the size of the input.",
        ]
    )
    rows = []
    for number, key in enumerate(card.classes, start=1):
        code = made.code_of(key)
        never = "never trained, never given" if key in card.untrained else ""
        rows.append((str(number), made.title_of(key), f"`{key}`", "–" if code is None else str(code), never))
    yield table(("output", "class", "key", f"code in {card.nomenclature}", ""), rows, right=(0, 3))


def _licence(made: Publication) -> Iterator[str]:
    yield inline(made.card.licence) + "."
    if owed := owed_of(made.card):
        yield "Made of other weights, which whoever passes it on credits under their own licences:"
        yield bullets(f"{inline(one.text())}." for one in owed)


def _citation(made: Publication) -> str:
    card = made.card
    authors = " and ".join(f"{{{one}}}" for one in made.authors)
    lines = [
        f"@misc{{{card.id},",
        f"  title = {{{re.sub('[{}]', '', ' '.join(card.title.split()))}}},",
        *([f"  author = {{{authors}}},"] if authors else []),
        f"  note = {{Weights SHA-256 {card.weights_sha256}}}",
        "}",
    ]
    return "```bibtex\n" + "\n".join(lines) + "\n```"


def _digests(made: Publication) -> str:
    card, ground = made.card, made.ground
    rows = [(f"`{WEIGHTS}`", f"`{card.weights_sha256}`"), (f"card (`{CARD}`)", f"`{card.digest}`")]
    source = card.training.get("source", {})
    if "content_sha256" in source:
        rows.append((f"learned from: {inline(card.release)}", f"`{source['content_sha256']}`"))
    if ground and not ground.learned:
        rows.append((f"held against: {inline(ground.release)}", f"`{ground.content_sha256}`"))
    listed = "`SHA256SUMS` has the digest of each file: `sha256sum -c SHA256SUMS`."
    return f"{table(('what', 'SHA-256'), rows)}\n\n{listed}"
