"""What can go wrong, as few types as a caller can act on.

Every message says what is wrong, where, and the way out.
"""

from __future__ import annotations

__all__ = [
    "CampaignError",
    "DocumentError",
    "EditRefused",
    "EvaluationError",
    "GridError",
    "HierarchyError",
    "JournalError",
    "ModelError",
    "NomenclatureError",
    "NothingToDo",
    "Problem",
    "ProductError",
    "RasterError",
    "ReleaseError",
    "VectorError",
    "WorkbenchError",
]

from dataclasses import dataclass

from workbench.counting import counted

_MOST_LISTED = 20


class WorkbenchError(Exception):
    """Base of every error that a user can mend; the command line prints it as one sentence."""


class GridError(WorkbenchError, ValueError):
    """A window, grid or footprint that cannot exist or does not fit another one."""


class RasterError(WorkbenchError, OSError):
    """A raster that cannot be read, written or trusted."""


class VectorError(WorkbenchError, OSError):
    """A vector file that cannot be read, or laid over a zone."""


class HierarchyError(WorkbenchError, ValueError):
    """A hierarchy, or a hierarchy file, that breaks its own rules."""


class JournalError(WorkbenchError, OSError):
    """A journal that cannot be opened, continued or believed."""


class EditRefused(WorkbenchError, ValueError):
    """An edit that the annotation store will not take; nothing was written."""


class NothingToDo(EditRefused):
    """An edit that would change nothing where it is made; nothing was written."""


class CampaignError(WorkbenchError, ValueError):
    """A campaign directory, domain or zone that is missing, ill-named or in the way."""


class NomenclatureError(WorkbenchError, ValueError):
    """A class, code or scheme that the nomenclature does not know."""


class ModelError(WorkbenchError, ValueError):
    """A model, its card or a checkpoint that cannot be read, trusted or used for what was asked."""


class EvaluationError(WorkbenchError, ValueError):
    """Figures that cannot be had from what was given."""


class ProductError(WorkbenchError, ValueError):
    """A map that cannot be made of a prediction."""


class ReleaseError(WorkbenchError, ValueError):
    """A release that cannot be built, or that is not what it says it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a document."""

    loc: tuple[str | int, ...]
    """Path of keys and positions from the document's root."""
    message: str
    kind: str
    """The rule that was broken: a JSON Schema keyword, or a rule of the document's owner."""

    def __str__(self) -> str:
        where = "/".join(str(part) for part in self.loc)
        return f"{where}: {self.message}" if where else self.message


class DocumentError(WorkbenchError, ValueError):
    """A JSON document that is not what its schema says; carries every problem at once."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        listed = "; ".join(str(problem) for problem in problems[:_MOST_LISTED])
        more = len(problems) - _MOST_LISTED
        super().__init__(
            f"{source}: {listed}" + (f"; and {counted(more, 'more problem')}" if more > 0 else "")
        )
