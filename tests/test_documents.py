"""Documents: what is read, what is refused, and what is on disk afterwards."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.documents import (
    canonical_bytes,
    digest,
    digest_file,
    inside,
    parse_document,
    read_document,
    replacing,
    shipped,
    validate,
    write_document,
)
from workbench.errors import DocumentError, WorkbenchError

SHIPPED = {
    "nomenclature": ["nomenclatures/flair-19"],
    "crosswalk": [
        "crosswalks/flair-19-to-15",
        "crosswalks/flair-19-to-12-1",
        "crosswalks/flair-19-to-ocsge-cover",
    ],
    "artificialisation": ["rules/ocsge-artificialisation"],
}
PAIRS = [(schema, name) for schema, names in SHIPPED.items() for name in names]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def document() -> dict[str, Any]:
    return _shipped("crosswalk", "crosswalks/flair-19-to-15")


def _shipped(schema: str, name: str) -> dict[str, Any]:
    return read_document(shipped("schema") / f"{name}.json", schema=schema)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object of a document, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _objects(inner)


@pytest.mark.parametrize("schema", SHIPPED)
def test_shipped_schemas_are_schemas(schema: str) -> None:
    from jsonschema import Draft202012Validator

    rules = json.loads((shipped("schema") / f"{schema}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(rules)
    assert rules["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(("schema", "name"), PAIRS)
def test_no_object_of_a_shipped_document_takes_a_foreign_key(schema: str, name: str) -> None:
    whole = _shipped(schema, name)
    for entry in _objects(whole):
        entry["Surprise!"] = "?"
        with pytest.raises(DocumentError, match="Surprise!"):
            validate(whole, schema, source=name)
        del entry["Surprise!"]


@given(JSON)
def test_canonical_bytes_are_json_that_reads_back(content: Any) -> None:
    assert json.loads(canonical_bytes(content)) == content


@given(st.dictionaries(st.text(), JSON))
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(content: dict[str, Any]) -> None:
    assert canonical_bytes(content) == canonical_bytes(dict(reversed(content.items())))


def test_canonical_bytes_are_pinned() -> None:
    content = {"b": [1, 2.5, None, True], "a": "λ≥1", "A": {}}
    assert canonical_bytes(content) == b'{"A":{},"a":"\xce\xbb\xe2\x89\xa51","b":[1,2.5,null,true]}'


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_number_has_no_canonical_bytes(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_bytes({"scale": number})


def test_digests_are_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"patch")
    assert digest(b"patch") == digest_file(tmp_path / "x") == hashlib.sha256(b"patch").hexdigest()


def _with(document: dict[str, Any], raw: str) -> str:
    """Write a document with a piece of raw JSON text as one more note."""
    return json.dumps({**document, "notes": ["HERE"]}).replace('"HERE"', raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"a": 1, "a": 2}', "key 'a' appears twice in one object"),
        ("NaN", "NaN is not a JSON number"),
        ("-Infinity", "-Infinity is not a JSON number"),
        ("1e400", "1e400 is too large for a number"),
        (r'"\ud800"', "surrogates not allowed"),
        ("'x'", "Expecting value"),
        ("[" * 100_000 + "]" * 100_000, "is nested too deeply"),
        ("[" * 400 + "]" * 400, "is not of type 'string'"),
    ],
    ids=["duplicate key", "NaN", "infinity", "overflow", "half a pair", "no JSON", "too deep", "deep"],
)
def test_text_that_readers_would_disagree_on_is_refused(
    document: dict[str, Any], raw: str, said: str
) -> None:
    with pytest.raises(DocumentError, match=r"^sent\.json: ") as refused:
        parse_document(_with(document, raw), schema="crosswalk", source="sent.json")
    assert said in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_whole_surrogate_pair_is_a_character(document: dict[str, Any]) -> None:
    read = parse_document(_with(document, r'"\ud83c\udf33"'), schema="crosswalk", source="sent.json")
    assert read["notes"] == ["🌳"]


def test_many_keys_of_which_one_is_there_twice_are_read_in_linear_time(document: dict[str, Any]) -> None:
    keys = ", ".join(f'"k{i}": 0' for i in range(200_000))
    with pytest.raises(DocumentError, match="key 'k7' appears twice"):
        parse_document(_with(document, f'{{{keys}, "k7": 1}}'), schema="crosswalk", source="sent.json")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_bytes_that_are_not_utf8_are_refused(document: dict[str, Any], encoding: str) -> None:
    content = json.dumps(document, ensure_ascii=False).encode(encoding)
    with pytest.raises(DocumentError, match="is not JSON: 'utf-8' codec can't decode"):
        parse_document(content, schema="crosswalk", source="sent.json")


def test_a_byte_order_mark_is_read_over(document: dict[str, Any]) -> None:
    content = json.dumps(document).encode("utf-8-sig")
    assert parse_document(content, schema="crosswalk", source="sent.json") == document


@pytest.mark.parametrize("text", ["[]", "1", '"text"', "null"])
def test_a_document_is_an_object(text: str) -> None:
    with pytest.raises(DocumentError, match="is not of type 'object'"):
        parse_document(text, schema="crosswalk", source="sent.json")


def test_an_integer_is_written_without_a_point(document: dict[str, Any]) -> None:
    document["targets"][0]["value"] = 1.0
    document["targets"][1]["value"] = True
    with pytest.raises(DocumentError) as refused:
        validate(document, "crosswalk", source="sent.json")
    assert [str(problem) for problem in refused.value.problems] == [
        "targets/0/value: 1.0 is not of type 'integer'",
        "targets/1/value: True is not of type 'integer'",
    ]


def test_a_name_cannot_end_in_a_line_break(document: dict[str, Any]) -> None:
    document["name"] += "\n"
    with pytest.raises(DocumentError, match=r"name: .* does not match") as refused:
        validate(document, "crosswalk", source="sent.json")
    assert [problem.kind for problem in refused.value.problems] == ["pattern"]


def test_problems_come_in_the_order_of_the_document(document: dict[str, Any]) -> None:
    for i in (10, 2, 0):
        document["targets"][i]["value"] = -1
    with pytest.raises(DocumentError) as refused:
        validate(document, "crosswalk", source="sent.json")
    assert [problem.loc for problem in refused.value.problems] == [
        ("targets", i, "value") for i in (0, 2, 10)
    ]


def test_a_problem_does_not_quote_a_whole_document(document: dict[str, Any]) -> None:
    document["targets"][0] = list(range(100_000))
    with pytest.raises(DocumentError, match=r"\[0, 1, 2, .* … .* is not of type 'object'$") as refused:
        validate(document, "crosswalk", source="sent.json")
    assert len(str(refused.value)) < 400


def test_a_missing_document_is_one_problem(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(DocumentError, match=r": cannot be read: ") as refused:
            read_document(path, schema="crosswalk")
        assert [problem.kind for problem in refused.value.problems] == ["file"]


def test_a_written_document_reads_back_and_has_the_same_bytes_twice(
    document: dict[str, Any], tmp_path: Path
) -> None:
    write_document(document, tmp_path / "a.json", schema="crosswalk")
    again = dict(reversed(copy.deepcopy(document).items()))
    write_document(again, tmp_path / "b.json", schema="crosswalk")
    assert read_document(tmp_path / "a.json", schema="crosswalk") == document
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_document_that_breaks_its_schema_is_not_written(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    del document["version"]
    with pytest.raises(DocumentError, match="'version' is a required property"):
        write_document(document, path, schema="crosswalk")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_replacing_leaves_the_old_file_and_nothing_else_on_an_error(tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["release.json"]


def test_replacing_puts_the_whole_new_file_in_place(tmp_path: Path) -> None:
    path = tmp_path / "prediction.tif"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".tif"
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["prediction.tif"]


def test_replacing_by_nothing_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    "parts", [("zones", "D055_2018", "Z2_UF"), ("a/b",), ("..hidden",), ("a", "..", "b")]
)
def test_names_below_the_root_are_joined(tmp_path: Path, parts: tuple[str, ...]) -> None:
    assert inside(tmp_path, *parts) == tmp_path.resolve().joinpath(*parts).resolve()


@pytest.mark.parametrize(
    "parts",
    [("..",), ("../x",), ("a", "../../x"), ("/etc/passwd",), ("a", "/"), (".",), ("",), ("a/..",), ("a\0b",)],
    ids=repr,
)
def test_names_that_lead_out_of_the_root_are_refused(tmp_path: Path, parts: tuple[str, ...]) -> None:
    with pytest.raises(WorkbenchError, match="use a plain name"):
        inside(tmp_path, *parts)


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_are_followed_before_a_name_is_judged(tmp_path: Path) -> None:
    root = tmp_path / "campaign"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    for name in ("out", "out/x"):
        with pytest.raises(WorkbenchError, match="leads out of"):
            inside(root, name)
    try:
        assert inside(root, "loop").name == "loop"  # from Python 3.13 on a loop is a plain path
    except WorkbenchError as error:
        assert "use a plain name" in str(error)  # noqa: PT017


def test_shipped_folders_are_found_and_others_are_an_error() -> None:
    assert (shipped("schema") / "nomenclatures").is_dir()
    with pytest.raises(WorkbenchError, match="install the package again"):
        shipped("no_such_folder")
