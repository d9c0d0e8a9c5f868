"""JSON documents: read, checked against their schema, written canonically and durably.

A document carries ``format`` and ``format_version``. Its schema is a JSON Schema (2020-12) shipped in
``schema/``; the ``jsonschema`` library validates it and *every* problem is reported at once.
"""

from __future__ import annotations

__all__ = [
    "canonical_bytes",
    "digest",
    "digest_file",
    "inside",
    "parse_document",
    "read_document",
    "replacing",
    "shipped",
    "validate",
    "write_document",
]

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import DocumentError, Problem, WorkbenchError

_PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """Return the folder of files that ship with the package: ``schema`` or ``sample_data``.

    In a wheel they lie inside the package (``workbench/_schema``), in a checkout beside it.
    """
    for candidate in (_PACKAGE / f"_{folder}", _PACKAGE.parent / folder):
        if candidate.is_dir():
            return candidate
    raise WorkbenchError(f"{folder}/ is missing beside {_PACKAGE}; install the package again")


def canonical_bytes(document: object) -> bytes:
    r"""Encode a document so that equal documents have equal bytes (sorted keys, UTF-8, no spaces, no NaN).

    >>> canonical_bytes({"b": 1, "a": "é"})
    b'{"a":"\xc3\xa9","b":1}'
    """
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def validate(document: object, schema: str, *, source: str) -> None:
    """Check a document against a shipped schema.

    Parameters
    ----------
    document
        Parsed JSON.
    schema
        Name of the schema below ``schema/`` without ``.schema.json``, such as ``"release"``.
    source
        What the document is called in the error, usually its path.

    Raises
    ------
    DocumentError
        With every problem and its location.
    """
    import jsonschema

    rules = json.loads((shipped("schema") / f"{schema}.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(rules, format_checker=jsonschema.FormatChecker())
    problems = tuple(
        Problem(loc=tuple(error.absolute_path), message=error.message, kind=str(error.validator))
        for error in sorted(
            validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path))
        )
    )
    if problems:
        raise DocumentError(source, problems)


def parse_document(text: str | bytes, *, schema: str, source: str) -> dict[str, Any]:
    """Parse and validate one JSON object; duplicate keys and NaN are problems too."""
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DocumentError(
            source, (Problem(loc=(), message=f"is not JSON: {error}", kind="json"),)
        ) from error
    validate(document, schema, source=source)
    if not isinstance(document, dict):
        raise DocumentError(source, (Problem(loc=(), message="is not a JSON object", kind="type"),))
    return document


def read_document(path: Path, *, schema: str) -> dict[str, Any]:
    """Read a JSON document from a file and validate it.

    Raises
    ------
    DocumentError
        The file is missing, is not JSON, or breaks its schema.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        problem = Problem(loc=(), message=f"cannot be read: {error.strerror}", kind="file")
        raise DocumentError(str(path), (problem,)) from error
    return parse_document(text, schema=schema, source=str(path))


def write_document(document: Mapping[str, Any], path: Path, *, schema: str) -> None:
    """Validate a document and write it, indented for people, by atomic rename."""
    validate(document, schema, source=str(path))
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary sibling to write; on success sync it and rename it over ``path``.

    A reader sees the old file or the whole new one, also after a crash; on an error the old one stays.
    """
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def inside(root: Path, *parts: str) -> Path:
    """Join names below a root and prove that the result is still below it.

    Raises
    ------
    WorkbenchError
        A name such as ``../x`` or ``/x`` leads out of the root.
    """
    path = root.joinpath(*parts).resolve()
    if not path.is_relative_to(root.resolve()):
        raise WorkbenchError(f"{'/'.join(parts)!r} leads out of {root}; use a plain name")
    return path


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows has no directory handles to sync
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"key {twice[0]!r} appears twice in one object")
    return document


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
