"""Ops in the codes of another nomenclature: the same pixels, the same author, another name for the class."""

from __future__ import annotations

__all__ = ["recoded", "spoken_of"]

from dataclasses import replace

from workbench.errors import JournalError, NomenclatureError
from workbench.labels.edits import AssignMask, Comment
from workbench.labels.op import Op, join_payload, split_payload
from workbench.labels.payloads import edit_of
from workbench.nomenclature import Nomenclature, Recoding


def spoken_of(op: Op, nomenclature: Nomenclature) -> str | None:
    """Return the key of the class, or upper class, that an op speaks of; None if it speaks of none.

    Raises
    ------
    JournalError
        The op cannot be read, or speaks of what the nomenclature does not have; the message names the op.
    """
    match edit_of(op):
        case AssignMask(code=code, upper=None) if code:
            try:
                return nomenclature.by_code(code).key
            except NomenclatureError as error:
                raise JournalError(f"op {op.id}: {error}") from error
        case AssignMask(upper=key) | Comment(ruling=key) if key is not None:
            if key not in nomenclature.keys and all(group.key != key for group in nomenclature.groups):
                raise JournalError(
                    f"op {op.id} speaks of {key!r}, which is no class of {nomenclature.name} "
                    f"{nomenclature.version}; it was made with another version of it"
                )
            return key
    return None


def recoded(op: Op, recoding: Recoding) -> Op:
    """Return an op that says in the target nomenclature what it says in the source; it is not sealed.

    Only class, upper class and ruling change; whatever else a payload holds stays, also what this version
    does not know.

    Raises
    ------
    JournalError
        As for `spoken_of`.
    NomenclatureError
        The recoding leaves the class undecided.
    """
    key = spoken_of(op, recoding.source)
    if key is None:
        return op
    landing = recoding.landing(key)
    header, body = split_payload(op.payload)
    if op.kind == "comment":
        header["ruling"] = recoding.links[key]
    else:
        header = {name: value for name, value in header.items() if name != "upper"} | {"code": landing.code}
        header |= {"upper": landing.upper} if landing.upper else {}
    return replace(op, payload=join_payload(header, body))
