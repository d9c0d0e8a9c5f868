"""Things counted and listed in a sentence: one patch, two patches."""

from __future__ import annotations

__all__ = ["counted", "listed"]

from collections.abc import Sequence


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and what it is of, in English.

    Parameters
    ----------
    number
        How many.
    one
        What one of them is called; words that agree with it may follow, such as a verb.
    many
        What several are called, and none; with an *s* if not given.

    >>> counted(1, "zone"), counted(0, "zone"), counted(12_000, "patch", "patches")
    ('1 zone', '0 zones', '12,000 patches')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return the first names of many.

    >>> listed(["a", "b", "a", "c"], most=2)
    'a, b and 1 more'
    """
    each = list(dict.fromkeys(names))
    more = f" and {len(each) - most} more" if len(each) > most else ""
    return ", ".join(each[:most]) + more
