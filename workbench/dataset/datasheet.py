"""``datasheet.md``: the questions of Gebru et al. (2021), answered where a release knows, else open."""

from __future__ import annotations

__all__ = ["DATASHEET", "datasheet"]

from collections.abc import Iterator
from typing import Final

from workbench.dataset import statements
from workbench.dataset.edition import Edition
from workbench.dataset.survey import Survey
from workbench.markdown import plain

DATASHEET: Final = "datasheet.md"
_OPEN: Final = "*Not answered: the release does not know it, and whoever published it did not say.*"
Answer = tuple[str, str | None]
"""A question, and what can be said; None where nothing can."""


def datasheet(survey: Survey, edition: Edition) -> str:
    """Return the text; questions are shortened where the original gives examples."""
    parts = {
        "Motivation": _motivation(edition),
        "Composition": _composition(survey, edition),
        "Collection process": _collection(survey),
        "Preprocessing, cleaning, labelling": _labelling(survey),
        "Uses": _uses(survey),
        "Distribution": _distribution(survey, edition),
        "Maintenance": _maintenance(survey, edition),
    }
    lines = [
        f"# Datasheet: {plain(edition.title)}",
        "After Gebru et al., *Datasheets for Datasets*, Communications of the ACM 64 (12), 2021. Answers are "
        "taken from the release itself.",
    ]
    for title, answers in parts.items():
        lines.append(f"## {title}")
        for question, answer in answers:
            lines += [f"**{question}**", plain(answer) if answer else _OPEN]
    return "\n\n".join(lines) + "\n"


def _motivation(edition: Edition) -> Iterator[Answer]:
    yield "For what purpose was the data set created?", None
    yield "Who created it, and on behalf of whom?", ", ".join(edition.authors) or None
    yield "Who funded it?", None


def _composition(survey: Survey, edition: Edition) -> Iterator[Answer]:
    counts = survey.card["counts"]
    yield (
        "What do the instances represent, and how many are there?",
        f"Squares of ground (patches) as orthophoto and labels. {statements.summary(survey)}",
    )
    yield "Does it contain all possible instances, or is it a sample?", statements.sampling(survey)
    yield (
        "What data does each instance consist of?",
        "; ".join(f"layout {one.name}: {', '.join(one.modalities)}" for one in survey.release.layouts) + ".",
    )
    yield "Is there a label or target with each instance?", "Yes, a class for each pixel."
    yield (
        "Is any information missing from instances?",
        " ".join(
            [*([statements.withheld(survey)] if survey.withheld else []), statements.unlabelled(survey)]
        ),
    )
    yield (
        "Are relationships between instances made explicit?",
        f"Yes: of each patch the zone ({counts['zones']:,}), domain ({counts['domains']:,}), row and column.",
    )
    yield "Are there recommended splits?", statements.splitting()
    yield (
        "Are there errors, sources of noise, or redundancies?",
        " ".join(statements.limitations(survey)) or None,
    )
    yield "Is it self-contained?", "Yes: nothing in it refers to files elsewhere."
    yield "Does it contain data that might be considered confidential?", " ".join(statements.personal(survey))
    yield "Does it identify subpopulations, or people?", "No. " + next(statements.personal(survey))
    yield "What is out of balance in it?", " ".join(statements.biases(survey, edition))


def _collection(survey: Survey) -> Iterator[Answer]:
    yield "How was the data associated with each instance acquired?", statements.collection(survey)
    yield "What was the sampling strategy?", statements.sampling(survey)
    yield "Who was involved, and how were they compensated?", None
    yield "Over what time frame was the data collected?", f"Pictures were taken {statements.period(survey)}."
    yield "Were any ethical review processes conducted?", None


def _labelling(survey: Survey) -> Iterator[Answer]:
    yield "Was any labelling done?", " ".join(statements.annotation(survey))
    yield (
        "Was the raw data saved?",
        "The labels' journals remain with the campaign; they are not in the release.",
    )
    yield (
        "Is the software that was used available?",
        f"{survey.card['software']['name']} {survey.card['software']['version']}, under Apache-2.0.",
    )


def _uses(survey: Survey) -> Iterator[Answer]:
    yield "Has the data set been used for any tasks already?", None
    yield "What other tasks could it be used for?", None
    yield "Is there anything that might impact future uses?", _joined(statements.limitations(survey))
    yield "Are there tasks for which it should not be used?", None


def _distribution(survey: Survey, edition: Edition) -> Iterator[Answer]:
    yield "How will it be distributed?", f"At {edition.link}." if edition.link else None
    yield "When?", f"Published on {edition.published}."
    yield "Under which licence?", f"{edition.licence.name}, {edition.licence.url}."
    yield "Have third parties imposed restrictions on the data?", None


def _maintenance(survey: Survey, edition: Edition) -> Iterator[Answer]:
    yield "Who supports and maintains it, and how can they be reached?", edition.contact
    yield "Is there an erratum?", None
    gone = "; ".join(
        f"{one['zone']} since {one['since']}: {one['reason']}" for one in survey.release.withdrawn
    )
    yield (
        "Will it be updated?",
        "A release never changes; corrections come as a new version, whose number says what changed (classes "
        "or folds, zones, labels)." + (f" Withdrawn: {gone}." if gone else ""),
    )
    parent = survey.card.get("parent")
    yield (
        "Will older versions continue to be available?",
        f"This one, {survey.release.version}, builds on {parent['name']} {parent['version']}."
        if parent
        else None,
    )
    yield "Can others extend or contribute to it?", None


def _joined(sentences: Iterator[str]) -> str | None:
    return " ".join(sentences) or None
