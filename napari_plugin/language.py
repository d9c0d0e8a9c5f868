"""French and English: what the desk says, in the language of whoever sits at it.

Sentences stand in the code in English and are looked up in ``locale/<language>.po``, a gettext catalogue that
Poedit or Weblate edits. What the core says is English and made of values; such a sentence is found by its
template, ``zone {zone} was closed; open it again to label it``, among those that are marked ``core`` there.

The language is one for the whole process, as in gettext.
"""

from __future__ import annotations

__all__ = [
    "CORE",
    "JOINTS",
    "LANGUAGES",
    "ago",
    "area",
    "count",
    "figure",
    "language",
    "number",
    "percent",
    "said",
    "second_title",
    "sentence",
    "speak",
    "title",
    "tr",
]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from babel import Locale
from babel.dates import format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES: Mapping[str, str] = {"en": "English", "fr": "Français"}
"""Languages of the desk, each by its own name."""
CORE = "core"
"""What the comment of a sentence of the core begins with, in a catalogue."""
_SOURCE = "en"
_PLACE = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?(?:[\s,]|$)")
"""A word that begins a sentence, not a name such as ``model-unet`` or ``hierarchy.h5``."""
_NUMBER = re.compile(r"(-?)((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?)( ?%)?")
_HECTARE, _SQUARE_KILOMETRE = 1e4, 1e6
JOINTS = ("; ", " and ", ", ")
"""What stands between parts of a sentence, as `tr` takes it."""
_LISTS = {"names": " and ", "kinds": ", "}
"""What the core puts between things that it lists, by what the value is called."""
_RUN, _MOST_PARTS = 4, 40
"""Parts that a sentence of the core has at most, between semicolons or on lines; and several in one."""
_WORDS = "words"
"""What a value is called that somebody wrote: it is left as it is."""
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
    # French, as CLDR has it: none and one; whole millions, *un million de pixels*; others.
    place = {"one": 0, "many": 1}.get(_locale(_spoken).plural_form(abs(int(number_of))), -1)
    return _filled(forms[place], {"count": number(number_of), **values})


def said(sentence: str) -> str:
    """Return a sentence of the core, made of values already, in the language in use.

    Values that are sentences themselves are said in the language too, and numbers written as it does. Of the
    templates that fit, the one is taken by which most of the words are known; what none fits stays English.
    """
    return sentence if _spoken == _SOURCE else _told(sentence, _spoken).text


class _Told(NamedTuple):
    """A sentence of the core in another language."""

    text: str
    known: int
    """Letters of it that templates have; −1 where none fits."""


@lru_cache(maxsize=1024)
def _told(sentence: str, language: str) -> _Told:
    best = _Told(sentence, -1)
    for template in _templates(language):
        match = template.pattern.fullmatch(sentence) if template.landmark in sentence else None
        if match is not None:
            values = {name: _value(name, text, language) for name, text in match.groupdict().items()}
            known = template.letters + sum(max(0, value.known) for value in values.values())
            if known > best.known:
                texts = {name: value.text for name, value in values.items()}
                best = _Told(_filled(template.target, texts), known)
    for joint in ("\n", "; "):
        parts = sentence.split(joint)
        if 1 < len(parts) <= _MOST_PARTS:
            apart = _told_apart(parts, joint, language)
            best = apart if apart.known > best.known else best
    return best


def _told_apart(parts: list[str], joint: str, language: str) -> _Told:
    """Return several sentences in one, each of which may have up to `_RUN` parts."""
    best = [_Told("", -1)]
    """What is said in the first parts, by how many they are."""
    for stop in range(1, len(parts) + 1):
        ways = []
        for start in range(max(0, stop - min(_RUN, len(parts) - 1)), stop):
            before, one = best[start], _told(joint.join(parts[start:stop]), language)
            text = f"{before.text}{tr(joint)}{one.text}" if start else one.text
            both = min(before.known, one.known) >= 0
            ways.append(_Told(text, before.known + one.known if both else max(before.known, one.known)))
        best.append(max(ways, key=lambda way: way.known))
    return best[-1]


def _value(name: str, text: str, language: str) -> _Told:
    """Return a value of a sentence of the core as a language says or writes it."""
    if name == _WORDS:
        return _Told(text, sum(map(str.isalpha, text)))  # known to be somebody's
    joint = _LISTS.get(name.rstrip("0123456789"))
    if joint is not None and joint in text:
        parts = [_told(part, language) for part in text.split(joint)]
        known = sum(max(0, part.known) for part in parts)
        return _Told(tr(joint).join(part.text for part in parts), known)
    if _NUMBER.fullmatch(text) and not name.endswith("version"):
        return _Told(_NUMBER.sub(_rewritten, text), -1)
    return _told(text, language)


def _rewritten(found: re.Match[str]) -> str:
    """Return a number as the language in use writes it; one without commas or decimals stays as it is."""
    sign, digits, decimals, percents = found.groups()
    if "," not in digits and decimals is None:
        return f"{sign}{digits}{_percents() if percents else ''}"
    written = number(float(digits.replace(",", "")), len(decimals or ""))
    return f"{sign}{written}{_percents() if percents else ''}"


def title(titles: Mapping[str, str]) -> str:
    """Return what something is called in the language in use."""
    return titles.get(_spoken) or titles[_SOURCE]


def second_title(titles: Mapping[str, str]) -> str:
    """Return what something is called in the other language, for those who learned it there."""
    return titles.get("fr" if _spoken == "en" else _SOURCE, "")


def sentence(text: str) -> str:
    """Return an error's text as the desk says things; names of files and ids keep their letters.

    >>> sentence("the zone is gone; add it again")
    'The zone is gone; add it again.'
    >>> sentence("journal.sqlite is damaged.")
    'journal.sqlite is damaged.'
    """
    begun = f"{text[:1].upper()}{text[1:]}" if _WORD.match(text) else text
    return begun if not text or text.endswith((".", "!", "?", "…")) else f"{begun}."


def number(value: float, decimals: int = 0) -> str:
    """Write a number as the language does: ``6,829,077`` or ``6 829 077``."""
    places = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    return format_decimal(value, format=places, locale=_locale(_spoken))


def figure(value: float, digits: int = 4) -> str:
    """Write a value with so many leading digits: ``0.01234`` or ``0,01234``."""
    return format_decimal(value, format="@" * digits, locale=_locale(_spoken))


def percent(share: float, decimals: int = 1) -> str:
    """Write a share, 0 to 1, in percent, with the space that both languages' style guides ask for units.

    No line breaks in it.
    """
    return f"{number(share * 100, decimals)}{_percents()}"


def area(square_metres: float) -> str:
    """Write an area in the unit in which it is read best: ``5,001 m²``, ``1.25 ha``, ``4.19 km²``."""
    for unit, size in (("km²", _SQUARE_KILOMETRE), ("ha", _HECTARE)):
        if square_metres >= size:
            return f"{number(square_metres / size, 2)}\N{NO-BREAK SPACE}{unit}"
    return f"{number(square_metres)}\N{NO-BREAK SPACE}m²"


def _percents() -> str:
    return "\N{NARROW NO-BREAK SPACE}%" if _spoken == "fr" else "\N{NO-BREAK SPACE}%"


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was: ``2 seconds ago``, ``il y a 2 secondes``."""
    past = min(moment - now, timedelta(0))
    return format_timedelta(past, threshold=1.5, add_direction=True, locale=_locale(_spoken))


def _filled(template: str, values: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), template)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A sentence of the core that may have values, and what it is in another language."""

    pattern: re.Pattern[str]
    landmark: str
    """The longest text in it: what has not got that is not this sentence."""
    letters: int
    """How many it has of its own."""
    target: str


@lru_cache(maxsize=4)
def _entries(language: str) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """Return (English, its forms in a language, whether the core says it); none for English itself.

    English has two forms where things are counted, one elsewhere.
    """
    if language == _SOURCE:
        return []
    with (Path(__file__).parent / "locale" / f"{language}.po").open("rb") as file:
        entries = list(read_po(file, locale=language))
    found = []
    for entry in entries:
        source = (entry.id,) if isinstance(entry.id, str) else tuple(entry.id)
        target = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ())
        if all(source) and target and all(target):
            found.append((source, target, any(one.startswith(CORE) for one in entry.auto_comments)))
    return found


@lru_cache(maxsize=4)
def _catalogue(language: str) -> dict[str, tuple[str, ...]]:
    """Return {English: its forms} of a language."""
    return {source[0]: forms for source, forms, _ in _entries(language)}


@lru_cache(maxsize=4)
def _templates(language: str) -> list[_Template]:
    """Return the sentences of the core, those with the most text of their own first: they win a tie."""
    found = [(source[0], forms[0]) for source, forms, core in _entries(language) if core]
    found += [(source[1], forms[-1]) for source, forms, core in _entries(language) if core and source[1:]]
    found.sort(key=lambda entry: (-len(_PLACE.sub("", entry[0])), entry[0]))
    return [
        _Template(
            pattern=_pattern(source),
            landmark=max(_PLACE.split(source)[::2], key=len),
            letters=sum(map(str.isalpha, _PLACE.sub("", source))),
            target=target,
        )
        for source, target in found
    ]


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
