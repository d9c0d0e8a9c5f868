"""JSON documents: read, checked against their schema, written canonically and durably.

A document carries ``format`` and ``format_version``. Its schema is a JSON Schema (2020-12) shipped in
``schema/``; the ``jsonschema`` library validates it and *every* problem is reported at once.
"""

from __future__ import annotations

__all__ = [
    "canonical_bytes",
    "content_of",
    "digest",
    "digest_arrays",
    "digest_file",
    "format_document",
    "inside",
    "is_abandoned",
    "parse_document",
    "read_document",
    "replacing",
    "shipped",
    "sync_directory",
    "validate",
    "write_document",
    "write_file",
    "write_files",
]

import hashlib
import json
import math
import os
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from workbench.errors import DocumentError, Problem, WorkbenchError

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from numpy.typing import NDArray

_PACKAGE = Path(__file__).resolve().parent
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_HASHED_AT_ONCE = 1 << 20
_ABANDONED = 24 * 3600
"""Seconds after which nobody is still at work on what is temporary."""
_TOO_DEEP = Problem(loc=(), message="is nested too deeply", kind="json")


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


def digest(content: bytes | memoryview) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_arrays(head: bytes, arrays: Iterable[NDArray[Any]]) -> str:
    """Return the SHA-256 of some bytes and then those of arrays, row by row, as 64 hexadecimal digits.

    A few rows at a time, so that a part of a large image is hashed without a copy of it.

    >>> import numpy as np
    >>> image = np.frombuffer(b"a.b.", np.uint8).reshape(2, 2)
    >>> digest_arrays(b"> ", [image[:, :1], image]) == digest(b"> aba.b.")
    True
    """
    hasher = hashlib.sha256(head)
    for array in arrays:
        step = max(1, _HASHED_AT_ONCE // max(1, array[:1].nbytes))
        for row in range(0, len(array), step):
            hasher.update(array[row : row + step].tobytes())
    return hasher.hexdigest()


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
    try:
        errors = sorted(_validator(schema).iter_errors(document), key=lambda error: list(error.absolute_path))
    except RecursionError as error:
        raise DocumentError(source, (_TOO_DEEP,)) from error
    problems = tuple(
        Problem(loc=tuple(error.absolute_path), message=_shortened(_told(error)), kind=str(error.validator))
        for error in errors
    )
    if problems:
        raise DocumentError(source, problems)


def parse_document(text: str | bytes, *, schema: str, source: str) -> dict[str, Any]:
    """Parse and validate one JSON object in UTF-8.

    What Python's parser lets pass and other readers do not is a problem too: duplicate keys, NaN, numbers too
    large for a float, halves of surrogate pairs.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        document = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite
        )
        if _SURROGATE.search(text):
            canonical_bytes(document)
    except RecursionError as error:
        raise DocumentError(source, (_TOO_DEEP,)) from error
    except ValueError as error:
        problem = Problem(loc=(), message=f"is not JSON: {_shortened(str(error))}", kind="json")
        raise DocumentError(source, (problem,)) from error
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
    return parse_document(content_of(path), schema=schema, source=str(path))


def content_of(path: Path) -> bytes:
    """Return the bytes of a document's file.

    Raises
    ------
    DocumentError
        The file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        problem = Problem(loc=(), message=f"cannot be read: {error.strerror}", kind="file")
        raise DocumentError(str(path), (problem,)) from error


def write_document(document: Mapping[str, Any], path: Path, *, schema: str) -> None:
    """Validate a document and write it, indented for people, by atomic rename."""
    write_file(path, format_document(document, schema=schema, source=str(path)))


def format_document(document: Mapping[str, Any], *, schema: str, source: str) -> bytes:
    """Validate a document and return it as it is written: indented for people."""
    validate(document, schema, source=source)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary sibling to write; on success sync it and rename it over ``path``.

    A reader sees the old file or the whole new one, also after a crash; on an error the old one stays. What a
    killed process left goes when something is written to its folder a day later.
    """
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
        _remove_abandoned(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_file(
    path: Path, content: bytes | memoryview, *, error: type[WorkbenchError] = WorkbenchError
) -> None:
    """Write a file whole, durably, in the place of an older one.

    Raises
    ------
    WorkbenchError
        Of the type given: the disk is full, say. The old file stays.
    """
    write_files({path: content}, error=error)


def write_files(
    contents: Mapping[Path, bytes | memoryview], *, error: type[WorkbenchError] = WorkbenchError
) -> None:
    """Write files that belong together: none takes its place before there is room for all of them.

    Raises
    ------
    WorkbenchError
        Of the type given; the old files stay.
    """
    path = None
    try:
        with ExitStack() as places:
            for path, content in contents.items():
                places.enter_context(replacing(path)).write_bytes(content)
    except OSError as failure:
        reason = failure.strerror or failure
        raise error(f"{path} cannot be written ({reason}); look at the room on the disk") from failure


def is_abandoned(path: Path) -> bool:
    """Tell whether something temporary was last written to so long ago that its process must be dead."""
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except OSError:  # somebody else removed it
        return False


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(".*-????????.part*"):
        if path.is_file() and is_abandoned(path):
            path.unlink(missing_ok=True)


@contextmanager
def alone(output: Path, *, error: type[WorkbenchError] = WorkbenchError) -> Iterator[None]:
    """Keep other processes from making the same output meanwhile, by a lock beside it.

    Parameters
    ----------
    output
        File or folder that is being made.
    error
        What to raise.

    Raises
    ------
    WorkbenchError
        Another process is at it, or nothing can be written there.
    """
    place = output.with_name(f".{output.name}.lock")
    lock = FileLock(place)
    try:
        place.touch()  # a lock that cannot be made is waited for as if somebody held it
        lock.acquire(timeout=0)
    except Timeout as held:
        raise error(f"{output} is being made by another process; wait for it, or stop it") from held
    except OSError as failure:
        reason = failure.strerror or failure
        raise error(f"{output} cannot be written ({reason}); choose another place") from failure
    try:
        yield
    finally:
        lock.release()
        place.unlink(missing_ok=True)


def inside(root: Path, *parts: str) -> Path:
    """Join names below a root and prove that the result lies below it, links followed.

    Raises
    ------
    WorkbenchError
        A name such as ``../x`` or ``/x`` leads out of the root, ``.`` is the root itself, or no file can be
        called so.
    """
    top = root.resolve()
    try:
        path = root.joinpath(*parts).resolve()
    except (ValueError, OSError, RuntimeError) as error:  # a null character; a link that leads to itself
        raise WorkbenchError(
            f"{'/'.join(parts)!r} is no name below {root}: {error}; use a plain name"
        ) from error
    if path == top or not path.is_relative_to(top):
        raise WorkbenchError(f"{'/'.join(parts)!r} leads out of {root}; use a plain name")
    return path


@cache
def _validator(schema: str) -> Any:
    import jsonschema

    strict = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft202012Validator,
        {"pattern": _pattern},
        type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
    )
    rules = json.loads((shipped("schema") / f"{schema}.schema.json").read_text(encoding="utf-8"))
    return strict(rules, format_checker=jsonschema.FormatChecker())


def _is_integer(_: object, value: object) -> bool:
    """Refuse 1.0, an integer to JSON Schema: read as a float it would be no index, and have other bytes."""
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(validator: Any, pattern: str, value: object, _: object) -> Iterator[Any]:
    """Match as JSON Schema does, where ``$`` is the end; Python's also matches before a last line break."""
    from jsonschema import ValidationError

    exact = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if validator.is_type(value, "string") and not re.search(exact, str(value)):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _shortened(message: str, size: int = 300) -> str:
    """Cut out the middle of a message that quotes a whole document; its end says what is wrong."""
    return message if len(message) <= size else f"{message[: size // 2]} … {message[-size // 2 :]}"


def sync_directory(directory: Path) -> None:
    """Make what was made, renamed or removed in a directory durable."""
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
        counts = Counter(key for key, _ in pairs)
        twice = min(key for key, count in counts.items() if count > 1)
        raise ValueError(f"key {_shortened(repr(twice), 80)} appears twice in one object")
    return document


def _told(error: ValidationError) -> str:
    """Return what is wrong in words, where jsonschema would speak of its own terms."""
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})  # type: ignore[union-attr]
        extra = sorted(error.instance.keys() - known)
        near = [found for name in extra for found in get_close_matches(name, known, n=1)]
        hint = f"; did you mean {' and '.join(near)}?" if near else ""
        return f"has no key {' and '.join(map(repr, extra))}{hint}"
    if error.validator == "minItems" and isinstance(error.instance, list):
        return f"has {len(error.instance)} items, and needs {error.validator_value} at least"
    return error.message


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{_shortened(number, 40)} is too large for a number")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
