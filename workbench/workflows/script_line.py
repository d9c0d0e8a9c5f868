"""Which keys of a line of a label script go together; `script-line.schema.json` says what each may hold."""

from __future__ import annotations

__all__ = ["check_keys", "check_line"]

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from workbench.errors import EditRefused

_CLASS = {"class", "upper", "confidence"}
# What a line that does this needs besides, and what else it may say. Where a line has several of these keys
# the first here is what it does: a cut says where it cuts by a pick, a recode may have a polygon.
_NEEDED: dict[str, set[str]] = {
    "cut": {"pick", "scale"},
    "recode": set(),
    "fill": set(),
    "absorb": set(),
    "prelabels": set(),
    "pick": {"scale"},
    "drag": {"scale"},
    "polygon": set(),
    "brush": {"radius"},
    "line": {"width"},
    "merge": set(),
    "protect": set(),
    "unprotect": set(),
    "accept": set(),
    "reopen": set(),
    "comment": {"at"},
    "justify": {"at", "text"},
    "undo": set(),
    "redo": set(),
}
_PAINTING = ("cut", "pick", "drag", "polygon", "brush", "line")
_ALLOWED = dict.fromkeys(_PAINTING, _CLASS) | {
    "recode": {"polygon"},
    "fill": {"polygon", "pick", "scale"},
    "absorb": {"polygon", "pick", "scale"},
    "prelabels": {"class", "above", "polygon", "pick", "scale"},
    "comment": {"question", "answers", "ruling"},
}
_KNOWN = set(_NEEDED).union(_CLASS, *_NEEDED.values(), *_ALLOWED.values())


def check_keys(text: str) -> None:
    """Refuse a line with a key that no line has; whether it is JSON at all is asked elsewhere.

    Raises
    ------
    EditRefused
        With the key, and what a line may do.
    """
    line: object = None
    with suppress(ValueError, RecursionError):
        line = json.loads(text)
    strange = sorted(line.keys() - _KNOWN) if isinstance(line, dict) else []
    if not strange or not isinstance(line, dict):
        return
    first = next((key for key in _NEEDED if key in line), None)
    if first is None:
        raise EditRefused(f"{strange[0]!r} is nothing to do; what a line does is one of {', '.join(_NEEDED)}")
    takes = sorted(_NEEDED[first] | _ALLOWED.get(first, set()))
    raise EditRefused(f"{first} takes no {strange[0]!r}; it takes {', '.join(takes) or 'nothing else'}")


def check_line(line: Mapping[str, Any]) -> None:
    """Refuse a line whose keys do not go together.

    Raises
    ------
    EditRefused
        With the keys.
    """
    first = next((key for key in _NEEDED if key in line), None)
    if first is None:
        raise EditRefused(f"the line says nothing to do; it needs one of {', '.join(_NEEDED)}")
    missing = sorted(_NEEDED[first] - line.keys())
    if first in _PAINTING and not line.keys() & {"class", "upper"}:
        missing.append("class (or upper)")
    if first in ("prelabels", "fill", "absorb") and ("pick" in line) != ("scale" in line):
        missing = sorted({"pick", "scale"} - line.keys())
    if missing:
        raise EditRefused(f"{first} needs {' and '.join(missing)}, too")
    extra = sorted(line.keys() - {first} - _NEEDED[first] - _ALLOWED.get(first, set()))
    if extra:
        raise EditRefused(f"{first} does not go with {' and '.join(extra)}; leave one of them out")
    for one, other in (("class", "upper"), ("polygon", "pick")):
        if one in line and other in line:
            raise EditRefused(f"{one} does not go with {other}; leave one of them out")
    if "ruling" in line and "answers" not in line:
        raise EditRefused("ruling needs answers, the id of the question")
