"""The head of a data set's ``README.md``: metadata for the Hugging Face hub, written by its library."""

from __future__ import annotations

__all__ = ["hub_head"]

from itertools import pairwise
from typing import Final

from workbench.dataset.edition import Edition
from workbench.dataset.survey import Survey
from workbench.export.index import INDEX

_TASK: Final = "image-segmentation"
_SIZES: Final = (0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_NAMED: Final = {1_000: "1K", 10_000: "10K", 100_000: "100K", 1_000_000: "1M", 10_000_000: "10M"}


def hub_head(survey: Survey, edition: Edition, *, preview: str) -> str:
    """Return the metadata as YAML between two lines of ``---``.

    Parameters
    ----------
    survey
        The release.
    edition
        What is said of it.
    preview
        File that the viewer of the hub opens first.
    """
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        license=edition.licence.id,
        pretty_name=edition.title,
        task_categories=[_TASK],
        task_ids=["semantic-segmentation"],
        size_categories=[size_category(survey.card["counts"]["patches"])],
        tags=[
            "land-cover",
            "semantic-segmentation",
            "aerial-imagery",
            "orthophoto",
            "remote-sensing",
            "earth-observation",
            "geospatial",
            "croissant",
            "stac",
            survey.nomenclature.name,
        ],
        configs=[
            {
                "config_name": "preview",
                "default": True,
                "data_files": [{"split": "preview", "path": preview}],
            },
            {"config_name": "index", "data_files": [{"split": "patches", "path": INDEX}]},
        ],
    )
    return f"---\n{data.to_yaml()}\n---"


def size_category(rows: int) -> str:
    """Return what the hub calls a number of rows.

    >>> size_category(7), size_category(1_000), size_category(250_150)
    ('n<1K', '1K<n<10K', '100K<n<1M')
    """
    for low, high in pairwise(_SIZES):
        if rows < high:
            return f"{_NAMED[low]}<n<{_NAMED[high]}" if low else f"n<{_NAMED[high]}"
    return "n>10M"
