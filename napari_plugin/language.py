"""French and English: what the desk says, in the language of whoever sits at it.

Sentences stand in the code in English and are looked up in ``locale/<language>.po``, a gettext catalogue that
Poedit or Weblate edits. What the core says is English and made of values; such a sentence is found by its
template: ``zone {zone} was closed; open it again to label it``.

The language is one for the whole process, as in gettext.
"""

from __future__ import annotations

__all__ = [
    "LANGUAGES",
    "ago",
    "count",
    "language",
    "number",
    "percent",
    "said",
    "second_title",
    "speak",
    "title",
    "tr",
]

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES: Mapping[str, str] = {"en": "English", "fr": "Français"}
"""Languages of the desk, each by its own name."""
_SOURCE = "en"
_PLACE = re.compile(r"\{(\w+)\}")
_spoken = _SOURCE


def speak(language: str) -> None:
    """Use a language from now on; one that the desk does not know becomes English.

    What is on the screen already stays as it is.
    """
    global _spoken
    _spoken = language if language in LANGUAGES else _SOURCE


def language() -> str:
    """Return the language in use, such as ``fr``."""
    return _spoken


def tr(sentence: str, /, **values: object) -> str:
    """Return a sentence in the language in use, with its values filled in.

    >>> tr("{count} regions in the zone", count=3)
    '3 regions in the zone'
    """
    return _filled(_catalogue(_spoken).get(sentence, (sentence,))[0], values)


def count(one: str, many: str, number_of: int, /, **values: object) -> str:
    """Return the sentence for a number of things; ``{count}`` in it is the number.

    >>> count("{count} pixel", "{count} pixels", 12_000)
    '12,000 pixels'
    """
    forms = _catalogue(_spoken).get(one, (one, many))
    plural = abs(number_of) > 1 if _spoken == "fr" else number_of != 1
    return _filled(forms[-1] if plural else forms[0], {"count": number(number_of), **values})


def said(sentence: str) -> str:
    """Return a sentence of the core, made of values already, in the language in use.

    The longest template that fits is taken; what fits none stays English.
    """
    known = _catalogue(_spoken).get(sentence)
    if known is not None or _spoken == _SOURCE:
        return known[0] if known else sentence
    for pattern, template in _templates(_spoken):
        match = pattern.fullmatch(sentence)
        if match is not None:
            return _filled(template, {name: said(value) for name, value in match.groupdict().items()})
    return sentence


def title(titles: Mapping[str, str]) -> str:
    """Return what something is called in the language in use."""
    return titles.get(_spoken) or titles[_SOURCE]


def second_title(titles: Mapping[str, str]) -> str:
    """Return what something is called in the other language, for those who learned it there."""
    return titles.get("fr" if _spoken == "en" else _SOURCE, "")


def number(value: float, decimals: int = 0) -> str:
    """Write a number as the language does: ``6,829,077`` or ``6 829 077``."""
    places = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    return format_decimal(value, format=places, locale=_locale(_spoken))


def percent(share: float, decimals: int = 1) -> str:
    """Write a share, 0 to 1, in percent, with the space that both languages' style guides ask for units."""
    return f"{number(share * 100, decimals)} %"


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was: ``2 seconds ago``, ``il y a 2 secondes``."""
    past = min(moment - now, timedelta(0))
    return format_timedelta(past, threshold=1.5, add_direction=True, locale=_locale(_spoken))


def _filled(template: str, values: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), template)


@lru_cache(maxsize=4)
def _catalogue(language: str) -> dict[str, tuple[str, ...]]:
    """Return {English: its forms} of a language; empty for English itself."""
    if language == _SOURCE:
        return {}
    with (Path(__file__).parent / "locale" / f"{language}.po").open("rb") as file:
        entries = list(read_po(file, locale=language))
    forms: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        source = entry.id if isinstance(entry.id, str) else entry.id[0]
        target = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ())
        if source and target and all(target):
            forms[source] = target
    return forms


@lru_cache(maxsize=4)
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Return the sentences that have values, as patterns, those with the most text of their own first."""
    found = [source for source in _catalogue(language) if _PLACE.search(source)]
    found.sort(key=lambda source: (-len(_PLACE.sub("", source)), source))
    return [(_pattern(source), _catalogue(language)[source][0]) for source in found]


def _pattern(template: str) -> re.Pattern[str]:
    parts, seen = [], set[str]()
    for position, part in enumerate(_PLACE.split(template)):
        if position % 2 == 0:
            parts.append(re.escape(part))
        elif part in seen:
            parts.append(f"(?P={part})")
        else:
            seen.add(part)
            parts.append(f"(?P<{part}>.+?)")
    return re.compile("".join(parts), re.DOTALL)


@lru_cache(maxsize=4)
def _locale(language: str) -> Locale:
    # English of Europe: weeks and dates as at IGN; its numbers have commas.
    return Locale("en", "GB") if language == _SOURCE else Locale(language)
