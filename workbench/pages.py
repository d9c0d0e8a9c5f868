"""Pages of HTML for people: one file each, that needs no other; written with jinja2.

Nothing in a page is fetched from anywhere, and all text is escaped. A page says of what kind it is, so that
it replaces older ones of its kind alone.
"""

from __future__ import annotations

__all__ = ["check_jinja", "check_page", "data_address", "fill_page", "page_kind"]

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from workbench.errors import WorkbenchError
from workbench.outputs import FileKind

_HEAD: Final = 1 << 10
"""Bytes at the beginning of a page, in which it says what it is."""


def page_kind(name: str, mark: str) -> FileKind:
    """Return a kind of page, see `workbench.outputs.OutputKind`: its head names it as what made it."""

    def is_one(path: Path) -> bool:
        with path.open("rb") as file:
            return f'<meta name="generator" content="{mark}">'.encode() in file.read(_HEAD)

    return FileKind(name=name, mark=mark, is_one=is_one)


def check_page(path: Path, *, error: type[WorkbenchError] = WorkbenchError) -> None:
    """Refuse a name that says of a page that it is something else, such as a PDF."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise error(
            f"{path} would be a page of HTML under the name of something else; name it "
            f"{path.with_suffix('.html').name}, and print that to PDF with a browser if need be"
        )


def check_jinja(error: type[WorkbenchError] = WorkbenchError) -> None:
    """Refuse to begin what could not be written: the library that fills pages is not installed."""
    if find_spec("jinja2") is None:
        raise error(
            "a page is written with jinja2, which is not installed; pip install 'ocs-workbench[release]'"
        )


def fill_page(
    template: Path, kind: FileKind, *, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any
) -> Iterator[str]:
    """Yield the text of a page, piece by piece.

    Parameters
    ----------
    template
        File of the template; it writes ``generator`` into its head.
    kind
        What the page is.
    filters
        That the template uses beside jinja's.
    values
        What it is filled with; a name that is not there is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters or {}
    yield from environment.get_template(template.name).generate(generator=kind.mark, **values)


def data_address(content: bytes, kind: str) -> str:
    """Return the address of a picture that is in the page, ``data:image/…``.

    >>> data_address(b"GIF", "gif")
    'data:image/gif;base64,R0lG'
    """
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
