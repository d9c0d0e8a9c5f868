"""What a release cannot know of itself and whoever publishes it has to say: title, makers, licence, date."""

from __future__ import annotations

__all__ = ["Edition", "read_edition"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from workbench.dataset.licences import Licence, licence_of
from workbench.errors import ReleaseError

_LONGEST: Final = 1000
"""Letters of a line."""
_DOI: Final = re.compile(r"10\.[0-9]{4,9}/[!-~]+")
_MAIL: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What is said of a release when it is published.

    Lines may hold any signs; each file that they go into escapes them in its own way.
    """

    title: str
    licence: Licence
    published: date
    authors: tuple[str, ...] = ()
    contact: str | None = None
    url: str | None = None
    """Where it will be found."""
    doi: str | None = None
    """Without ``https://doi.org/``."""
    description: str | None = None
    """Markdown."""
    known_biases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = {"title": self.title, "contact": self.contact}
        lines |= {f"author {place}": name for place, name in enumerate(self.authors, start=1)}
        lines |= {f"known bias {place}": text for place, text in enumerate(self.known_biases, start=1)}
        for what, text in lines.items():
            if text is not None:
                _check_line(what, text)
        if self.description is not None:
            _check_text("the description", self.description)
        if self.url is not None and not _is_address(self.url):
            raise ReleaseError(f"{self.url!r} is no address of the web; write it like https://example.org/FR")
        if self.doi is not None and not _DOI.fullmatch(self.doi):
            raise ReleaseError(f"{self.doi!r} is no DOI; write it like 10.5281/zenodo.1234567")

    @property
    def makers(self) -> str:
        """Those whom a citation names."""
        return ", ".join(self.authors) or "its makers"

    @property
    def mail(self) -> str | None:
        """The address in the contact, if it is one."""
        found = _MAIL.search(self.contact or "")
        return found[0] if found else None

    @property
    def link(self) -> str | None:
        """Where to find it for good: its DOI, or else its address."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def attribution(self) -> str:
        """The sentence by which users say whose data they have."""
        where = f", {self.link}" if self.link else ""
        return f"{self.title}, {self.makers}, {self.published}{where}, {self.licence.spdx}."


def read_edition(
    *,
    title: str,
    licence: str,
    published: date,
    authors: Sequence[str] | None = None,
    contact: str | None = None,
    url: str | None = None,
    doi: str | None = None,
    description: Path | None = None,
    biases: Sequence[str] = (),
) -> Edition:
    """Return an edition as it is said on a command line.

    Parameters
    ----------
    title, published, authors, contact, url
        As `Edition` has them.
    licence
        Its id at the hub or at SPDX.
    doi
        With or without ``https://doi.org/``.
    description
        A file of Markdown.
    biases
        What is known to be out of balance, a sentence each.

    Raises
    ------
    ReleaseError
        The licence is unknown, the file is no text, or something cannot be written.
    """
    return Edition(
        title=title,
        licence=licence_of(licence),
        published=published,
        authors=tuple(authors or ()),
        contact=contact,
        url=url,
        doi=re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", doi, flags=re.IGNORECASE) if doi else None,
        description=_text_of(description) if description else None,
        known_biases=tuple(biases),
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ReleaseError(f"{path} cannot be read as text ({reason}); give a file of Markdown") from error


def _check_line(what: str, text: str) -> None:
    _check_text(what, text)
    if len(text) > _LONGEST or text != " ".join(text.split()):
        raise ReleaseError(f"{what} is no line of up to {_LONGEST} letters: {text[:60]!r}; write it on one")


def _check_text(what: str, text: str) -> None:
    """Refuse what some document cannot hold: nothing at all, signs that are no text."""
    if not text.strip():
        raise ReleaseError(f"{what} is empty; write it, or leave it out")
    for sign in text:
        if (ord(sign) < 32 and sign not in "\t\n\r") or 0xD800 <= ord(sign) < 0xE000 or ord(sign) == 127:
            raise ReleaseError(f"{what} has the sign {sign!r}, which is no text; leave it out")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and re.fullmatch(r"[!-~]+", text) is not None
    )
