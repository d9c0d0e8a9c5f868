"""How a release is cited: ``CITATION.cff`` and BibTeX."""

from __future__ import annotations

__all__ = ["CITATION", "bibtex", "cff"]

import re
from typing import Any, Final

from workbench.dataset import statements
from workbench.dataset.edition import Edition
from workbench.dataset.survey import Survey

CITATION: Final = "CITATION.cff"
_KEY: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def cff(survey: Survey, edition: Edition) -> bytes:
    """Return the content of ``CITATION.cff`` (Citation File Format 1.2.0)."""
    import yaml

    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this data set, please cite it.",
        "type": "dataset",
        "title": edition.title,
        "version": str(survey.release.version),
        "date-released": edition.published.isoformat(),
        "license": edition.licence.spdx,
        "authors": [{"name": name} for name in edition.authors] or [{"name": f"The makers of {survey.name}"}],
        "abstract": statements.summary(survey),
        "keywords": ["land cover", "semantic segmentation", "orthophoto"],
        "identifiers": [
            {
                "type": "other",
                "value": f"sha256:{survey.card['content_sha256']}",
                "description": "Digest of the data (content_sha256 in release.json)",
            }
        ],
    }
    if edition.contact:
        document["contact"] = [{"name": edition.contact} | ({"email": edition.mail} if edition.mail else {})]
    if edition.doi:
        document["doi"] = edition.doi
    if edition.url:
        document["url"] = edition.url
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def bibtex(survey: Survey, edition: Edition) -> str:
    """Return an entry for BibTeX."""
    key = _KEY.sub("-", survey.name)
    authors = " and ".join(f"{{{_tex(name)}}}" for name in edition.authors)
    lines = [
        f"@misc{{{key},",
        *([f"  author = {{{authors}}},"] if authors else []),
        f"  title = {{{_tex(edition.title)}}},",
        f"  year = {{{edition.published.year}}},",
        f"  version = {{{survey.release.version}}},",
        *([f"  doi = {{{_tex(edition.doi)}}},"] if edition.doi else []),
        *([f"  url = {{{edition.url}}},"] if edition.url else []),
        f"  note = {{Content SHA-256 {survey.card['content_sha256']}}}",
        "}",
    ]
    return "\n".join(lines)


def _tex(text: str) -> str:
    r"""Return text as TeX reads it.

    >>> _tex("Bois & fils_{2}")
    'Bois \\& fils\\_\\{2\\}'
    """
    return re.sub(r"([&%$#_{}])", r"\\\1", text.replace("\\", "/")).replace("~", "-").replace("^", "")
