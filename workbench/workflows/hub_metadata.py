"""The head of a model's ``README.md``: metadata that the Hugging Face hub reads, in the form of its library.

Machines read it without the sentences below it, so it holds figures only where they are of a test.
"""

from __future__ import annotations

__all__ = ["check_library", "front_matter", "licence_id"]

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.evaluation import Score
from workbench.workflows.publication import Figures, Publication

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

LIBRARY: Final = "ocs-workbench"
TASK: Final = "image-segmentation"
_IDS: Final = """
agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsl-1.0 cc-by-2.0 cc-by-3.0 cc-by-4.0
cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-4.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0
cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gpl-2.0 gpl-3.0 isc lgpl-2.1 lgpl-3.0
mit mpl-2.0 ncsa odbl odc-by openrail pddl unknown unlicense zlib
"""
"""Licences that the hub has an id for, of those that a model may have."""
_CALLED: Final = {
    "etalab-2.0-licence-ouverte-2.0-ign": "etalab-2.0",
    "licence-ouverte-2.0": "etalab-2.0",
    "open-licence-2.0": "etalab-2.0",
}
_UNSTATED: Final = ("not-stated", "unknown")


def check_library() -> None:
    """Refuse before any work where the hub's library is missing.

    Raises
    ------
    ModelError
        It is not installed.
    """
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise ModelError(
            "a model's card is written by huggingface_hub, which is not installed: "
            "pip install 'ocs-workbench[torch]'"
        ) from error


def licence_id(licence: str) -> tuple[str, str | None]:
    """Return the hub's id of a licence, and its name where the hub has none for it.

    >>> licence_id("Apache-2.0"), licence_id("Licence Ouverte 2.0"), licence_id("not stated")
    (('apache-2.0', None), ('etalab-2.0', None), ('unknown', None))
    >>> licence_id("IGN, for research")
    ('other', 'ign-for-research')
    """
    slug = re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-.")
    found = _CALLED.get(slug, slug)
    if found in _IDS.split():
        return found, None
    return ("unknown", None) if found.startswith(_UNSTATED) or not found else ("other", found[:80])


def front_matter(made: Publication) -> str:
    """Return the metadata as YAML between two lines of ``---``."""
    from huggingface_hub import ModelCardData

    licence, name = licence_id(made.card.licence)
    network = made.card.architecture
    results = list(_results(made))
    data = ModelCardData(
        license=licence,
        license_name=name,
        library_name=LIBRARY,
        pipeline_tag=TASK,
        tags=[
            "land-cover",
            "semantic-segmentation",
            "aerial-imagery",
            "orthophoto",
            made.card.nomenclature,
            network.network,
            *([network.encoder] if network.encoder else []),
        ],
        datasets=[made.card.release] if made.card.release else None,
        model_name=made.card.id if results else None,
        eval_results=results or None,
    )
    return f"---\n{data.to_yaml()}\n---"


def _results(made: Publication) -> Iterator[EvalResult]:
    """Yield the figures of a test in percent, as IGN gives them; none where nobody knows that they are."""
    from huggingface_hub import EvalResult

    if not isinstance(made.figures, Figures) or made.figures.doubt:
        return
    found = made.figures.evaluation
    score, sure = found.score, found.calibration(found.total)
    error = math.nan if sure is None else sure.expected_error()
    listed = [
        *(
            ("mean_iou", _by("mIoU", one, _mean_of(one)), one.mean_iou)
            for one in (score, *made.figures.other_rules)
        ),
        ("accuracy", _by("Overall accuracy", score), score.accuracy),
        ("f1", _by("F1", score, _mean_of(score)), score.mean(score.confusion.f1)),
        ("ece", _by("Expected calibration error", score), error),
        *(
            ("iou", _by(f"IoU {made.title_of(key)}", score, *_not_in_truth(score, key)), score.of(key))
            for key in score.scored
        ),
    ]
    for kind, name, value in listed:
        if not math.isnan(value):
            yield EvalResult(
                task_type=TASK,
                task_name="Land-cover segmentation",
                dataset_type=found.reference,
                dataset_name=found.reference,
                dataset_config=str(found.split).partition(":")[0],
                dataset_split="test",
                dataset_revision=made.figures.content_sha256,
                dataset_args={"domains": list(found.domains)},
                metric_type=kind,
                metric_name=name,
                metric_value=round(100 * value, 4),
            )


def _by(figure: str, score: Score, *more: str) -> str:
    """Return what a figure is called: with its rule, and how many classes that takes out, pixels and all."""
    left_out = [f"{counted(len(score.dropped), 'class', 'classes')} left out"] if score.dropped else []
    return f"{figure} ({', '.join([f'rule {score.rule}', *more, *left_out])})"


def _mean_of(score: Score) -> str:
    return f"mean of {counted(len(score.averaged), 'class', 'classes')}"


def _not_in_truth(score: Score, key: str) -> tuple[str, ...]:
    return ("no pixel of it in the truth",) if key in score.only_predicted else ()
