"""What the core may say to the desk, collected from its code as templates: ``zone {zone} was closed; …``.

The core speaks English and fills its sentences at once; the desk finds them again by their templates, so the
catalogues have to know all of these. They are the texts of errors, and what the functions of `TOLD` say, with
names in the places of values. A text made of parts that are chosen where it is said is as many templates.
How many there are of something, as `counted` says it, is a value that is called after the things, and a
sentence of its own: ``{count} patch`` or ``{count} patches``.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_LABELS = (
    "annotation canvas carrying comments editing edits fold folder guard journal losses meta outline "
    "prelabels reading review strokes tables wal"
)
_WORKFLOWS = (
    "accepting admitting authors closing comparing doubling held_ground intake labelling predictions "
    "prelabelling publishing rasters readying refining segmenting standing"
)
_EXPORT = "building gates hamming honesty judging layouts/__init__ leakage proving release rules shares"
_ASSESSMENT = "agreement closing seams slivers surfaces"
_DESK = "handin opening processes readers releases reviewing session writers"
MODULES = (
    *(f"workbench/labels/{name}.py" for name in _LABELS.split()),
    *(f"workbench/geo/{name}.py" for name in ("geotiff", "placed", "predictions", "raster", "vectors")),
    *(
        f"workbench/segmentation/{name}.py"
        for name in ("building", "hierarchy", "refining", "sealing", "storage")
    ),
    *(f"workbench/assessment/{name}.py" for name in _ASSESSMENT.split()),
    "workbench/active/proposal.py",
    *(f"workbench/export/{name}.py" for name in _EXPORT.split()),
    *(f"workbench/workflows/{name}.py" for name in _WORKFLOWS.split()),
    *(
        f"workbench/{name}.py"
        for name in (
            "arrivals",
            "campaign",
            "documents",
            "leases",
            "outputs",
            "pool",
            "registry",
            "zone_rows",
        )
    ),
    *(f"napari_plugin/{name}.py" for name in _DESK.split()),
)
"""Whose errors reach the desk: they read or write what it shows, or judge what it asks for."""
TOLD: Mapping[str, tuple[str, ...]] = {
    "workbench/labels/losses.py": ("lost_edits",),
    "workbench/labels/prelabels.py": ("_nothing_there",),
    "workbench/labels/reading.py": ("_scan",),
    "workbench/labels/wal.py": ("wal_damage",),
    "workbench/geo/vectors.py": ("read_overlay",),
    "workbench/assessment/closing.py": ("_unresolved", "_left_out"),
    "workbench/assessment/seams.py": ("find_breaks",),
    "workbench/assessment/slivers.py": ("find_slivers",),
    "workbench/assessment/surfaces.py": ("_tall_water", "_green_impervious", "_flat_buildings"),
    "workbench/export/gates.py": (
        "_zone_problems",
        "_fold_problems",
        "_band_problems",
        "_scheme_problems",
        "_class_problems",
        "_patch_problems",
    ),
    "workbench/export/proving.py": ("proven", "prove_index"),
    "workbench/export/judging.py": ("_ground_verdicts", "_told"),
    "workbench/export/shares.py": ("unlabelled_verdicts", "blank_verdict", "drift_verdict"),
    "workbench/export/release.py": ("text",),
    "workbench/workflows/closing.py": ("refusal",),
    "workbench/workflows/doubling.py": ("hidden",),
    "workbench/workflows/held_ground.py": ("text",),
    "workbench/workflows/labelling.py": ("export_labels",),
    "workbench/workflows/publishing.py": ("release_sources", "_admitted"),
    "workbench/workflows/refining.py": ("refined_by",),
    "workbench/documents.py": ("write_files",),
    "workbench/outputs.py": ("check_output",),
    "workbench/leases.py": ("_take",),
    "napari_plugin/opening.py": ("_read_hierarchy",),
}
"""Functions that say something else than errors, or raise what they are given; by module."""
KINDS = (
    "unlabelled",
    "unresolved",
    "tall-water",
    "green-impervious",
    "flat-building",
    "sliver",
    "border-break",
)
BY_HAND: Mapping[str, tuple[str, ...]] = {
    # What is wrong, after where it is: so errors pass others on.
    "workbench": ("{where}: {what}", "op {op}: {what}", "{listed} and {more} more"),
    # A state in other sentences.
    "workbench/labels/review.py": (
        "open",
        "submitted",
        "accepted",
        "sent back",
        "submitted by {author}",
        "submitted by {author}: {words}",
        "accepted by {author}",
        "accepted by {author}: {words}",
        "sent back by {author}: {words}",
    ),
    "workbench/assessment/closing.py": ("no label",),
    "workbench/assessment/findings.py": (*KINDS, *(f"{{count}} {kind}" for kind in KINDS)),
    "workbench/geo/raster_kinds.py": ("a raster of labels",),
    "workbench/documents.py": ("a GeoTIFF", "a hierarchy"),
    # Ways out of what a rule refuses, and what it finds.
    "workbench/export/judging.py": (
        "put their domains into one fold, or take one of them out",
        "draw footprints farther apart, take one of them out, or allow less: --buffer",
        "take one of their zones out, or put its orthophoto right",
    ),
    "workbench/export/leakage.py": (
        "patches {one} and {other} show one picture ({correlation}), in different sets of {listed}",
        "zones {one} and {other} show the same ground ({pairs} patches), in different sets of {listed}",
        "zones {one} and {other} are {distance} m apart, in different sets of {listed}",
    ),
    "workbench/export/shares.py": (
        "put the orthophotos right, draw a footprint without them, or allow more: --blank",
        "add zones of other landscapes, put domains into other folds, or allow more: --drift",
    ),
    "workbench/export/honesty.py": (
        "test zones are labelled by models that were trained on their fold: {names}",
        "test zones are labelled by models of which nobody knows what they were trained on: {names}",
        "test zones are {names}",
        "chosen by {strategy}",
        "chosen by {strategy} with a probability of {inclusion}",
        "add them with the probability by which they were chosen: zone add --inclusion, take them out, or "
        "say that they may be test: --assisted-test",
        "have them labelled unaided, take them out, or say that they may be test: --assisted-test",
    ),
    "workbench/segmentation/building.py": ("image", "leaves", "merging", "scales", "numbering"),
    # What operating systems and SQLite say of disks.
    "errno": (
        "No space left on device",
        "Permission denied",
        "Read-only file system",
        "No such file or directory",
        "Input/output error",
        "Disk quota exceeded",
    ),
    "sqlite3": (
        "database or disk is full",
        "disk I/O error",
        "database is locked",
        "attempt to write a readonly database",
        "unable to open database file",
        "database disk image is malformed",
        "file is not a database",
    ),
}
"""Sentences, and words in them, that cannot be read off the code; by who says them."""
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "way_out": ("", "; cut the mask at its edge"),
    "unmarking": ("", "; if it is known that nothing is missing, remove {files}"),
    "hidden": ("hidden until both are handed in: {names}",),
    "told": ("{names}",),
    "_zones": ("zone {zone} is", "zones {listed} are"),
}
"""What arguments and other functions give for a part of a text, by the name of either."""
_NAMES = {
    "self.canvas.subject.zone": "zone",
    "made.zone": "other",
    "error.strerror or error": "reason",
    "' '.join(str(error).split())": "error",
    "facts['format_version']": "version",
    "before": "state",
    "read + 1": "seq",
    "self._end[0]": "last",
    "target[0]": "row",
    "target[1]": "col",
    "source[0]": "other_row",
    "source[1]": "other_col",
    "inside[name]": "other",
    "max(said)": "confidence",
    "' or '.join(map(str, usual))": "usual",
    "_told(there.since)": "since",
    "_told(there.heartbeat)": "heartbeat",
    "'/'.join(sorted(set(source.dtypes)))": "kind",
    "_text(file, 'digest')": "digest",
    "(hierarchy.matrix.shape[1], *hierarchy.grid.shape)": "expected",
    "1 << number": "level",
    "ceil": "needed",
    "count_nonzero": "count",
    "gettempdir": "folder",
    "lost_edits": "lost",
    "parent": "folder",
    "shortened": "name",
    "short": "place",
    "stem": "author",
    "strerror": "reason",
    "zone_dir": "folder",
}
"""What values are called for a translator where their code, or the last name in it, tells too little."""
_ERRORS = re.compile(r"(\w*(Error|Refused|Taken|Journal|NothingToDo)|error)")
_LEAST = 7
"""Letters of its own that a sentence has."""
_MOST = 12


class _Text(NamedTuple):
    """One way to put a text together: what is said, and the code of each value in it by its name."""

    template: str
    values: tuple[tuple[str, str], ...]


def templates() -> dict[str, str]:
    """Return {template: module that says it first}."""
    found: dict[str, str] = {}
    for module in MODULES:
        for template in templates_of(_code(module), told=TOLD.get(module, ())):
            found.setdefault(template, module)
    for module, sentences in BY_HAND.items():
        for template in sentences:
            found.setdefault(template, module)
    return found


def counted_things() -> dict[tuple[str, str], str]:
    """Return {(template of one thing, template of several): module that counts them first}."""
    found: dict[tuple[str, str], str] = {}
    for module in MODULES:
        for one, many in counted_in(_code(module), told=TOLD.get(module, ())):
            found.setdefault((f"{{count}} {one}", f"{{count}} {many}"), module)
    return found


def templates_of(code: str, *, told: Iterable[str] = ()) -> Iterator[str]:
    """Yield the templates of the errors in some code, and of what the functions of some names say."""
    tree = ast.parse(code)
    constants = _constants(tree)
    for function, texts in _said_in(tree, told):
        known = _Known(function, constants)
        for text in texts:
            yield from (one.template for one in known.texts(text) if _tells(one.template))


def counted_in(code: str, *, told: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield what one thing is called, and several, of the things that are counted in these texts."""
    for _, texts in _said_in(ast.parse(code), told):
        for node in (node for text in texts for node in ast.walk(text)):
            match node:
                case ast.Call(func=ast.Name(id="counted"), args=[_, *things]):
                    yield _one_and_many(things)


def _one_and_many(things: Sequence[ast.expr]) -> tuple[str, str]:
    one, *many = (str(ast.literal_eval(name)) for name in things)
    return one, many[0] if many else f"{one}s"


def _said_in(tree: ast.Module, told: Iterable[str]) -> Iterator[tuple[ast.FunctionDef, list[ast.expr]]]:
    """Yield each function with the texts that somebody reads."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        yield function, list(_whole_texts(function) if function.name in told else _raised(function))


def _code(module: str) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


def _parsed(module: str) -> ast.Module:
    return ast.parse(_code(module))


def _tells(template: str) -> bool:
    """Tell whether a template has words enough of its own to be known again."""
    return sum(map(str.isalpha, _own(template))) >= _LEAST


def _own(template: str) -> str:
    """Return a template without its values."""
    return re.sub(r"\{\w+\}", "", template)


def _constants(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return the texts that are constants of a module, or that it has from another."""
    found = {name: values for name, values in _assigned(tree.body) if name.isupper()}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("workbench."):
            names = {alias.name for alias in node.names if alias.name.isupper()}
            path = f"{node.module.replace('.', '/')}.py"
            if names and (ROOT / path).exists():
                found |= {name: texts for name, texts in _assigned(_parsed(path).body) if name in names}
    return found


def _raised(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield the texts of errors."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[text, *_]) if _ERRORS.fullmatch(name):
                yield text


def _whole_texts(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what a function returns or yields as a text, and every text with values that is part of none."""
    parts = {
        node.id
        for text in ast.walk(function)
        if isinstance(text, ast.JoinedStr)
        for node in ast.walk(text)
        if isinstance(node, ast.Name)
    }

    def visit(node: ast.AST, *, said: bool) -> Iterator[ast.expr]:
        said = said or isinstance(node, ast.Return | ast.Yield)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.JoinedStr) or (said and isinstance(child, ast.Constant)):
                yield child
            elif not (isinstance(child, ast.Assign) and {ast.unparse(one) for one in child.targets} & parts):
                yield from visit(child, said=said and not isinstance(child, ast.Call))

    for statement in function.body:
        yield from visit(statement, said=False)


def _assigned(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, list[ast.expr]]]:
    """Yield each name and all that is assigned to it."""
    found: dict[str, list[ast.expr]] = {}
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    for name, value in _pairs(target, node.value):
                        found.setdefault(name, []).append(value)
    yield from found.items()


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.IfExp):
        yield from _pairs(target, value.body)
        yield from _pairs(target, value.orelse)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, its)


class _Known:
    """What the names in a function stand for, as far as they stand for texts."""

    def __init__(self, function: ast.FunctionDef, constants: Mapping[str, list[ast.expr]]) -> None:
        self._assigned = {**constants, **dict(_assigned(function.body))}
        taken = (*function.args.args, *function.args.kwonlyargs)
        for argument in taken:
            self._assigned.pop(argument.arg, None)

    def texts(self, node: ast.expr) -> list[_Text]:
        """Return the ways in which an expression becomes a text; a value where nothing is known of it."""
        match node:
            case ast.Constant(value=str(text)):
                return [_Text(text.replace("{", "").replace("}", ""), ())]
            case ast.JoinedStr():
                parts = [
                    self.texts(part.value if isinstance(part, ast.FormattedValue) else part)
                    for part in node.values
                ]
                return [_joined(some) for some in itertools.islice(itertools.product(*parts), _MOST)]
            case ast.IfExp():
                return [*self.texts(node.body), *self.texts(node.orelse)]
            case ast.BoolOp(op=ast.Or()) if ast.unparse(node) not in _NAMES:
                return [text for one in node.values for text in self.texts(one)]
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mult()):
                return [_Text("", ()), _Text(text, ())]
            case ast.BinOp(op=ast.Add()) if any(_is_text(one) for one in (node.left, node.right)):
                both = itertools.product(self.texts(node.left), self.texts(node.right))
                return [_joined(some) for some in both]
            case ast.Call(func=ast.Attribute(value=ast.Dict(values=values), attr="get"), args=[_, other]):
                return [text for one in (*values, other) for text in self.texts(one)]
            case ast.Call(func=ast.Name(id="str"), args=[value]):
                return self.texts(value)
            case ast.Name(id=name) if name not in _NAMES:
                found = self._chosen(name)
                if any(map(_has_words, found)):
                    return found
        return _choices(node)

    def _chosen(self, name: str) -> list[_Text]:
        """Return the texts that a name stands for, where it stands for texts."""
        assigned = self._assigned.pop(name, [])  # what is made of itself, such as `a = a or b`, ends here
        found = [text for one in assigned for text in self.texts(one)] if any(map(_is_text, assigned)) else []
        self._assigned[name] = assigned
        return found


def _has_words(text: _Text) -> bool:
    return any(map(str.isalpha, _own(text.template)))


def _is_text(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Dict(), attr="get")):
            return True
        case ast.IfExp():
            return _is_text(node.body) or _is_text(node.orelse)
        case ast.BoolOp():
            return any(map(_is_text, node.values))
        case ast.BinOp(op=ast.Add()):
            return _is_text(node.left) or _is_text(node.right)
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mult()):
            return True
    return False


def _joined(parts: Iterable[_Text]) -> _Text:
    """Put texts together; values of one name that are not the same get numbers."""
    template, values = "", dict[str, str]()
    for part in parts:
        names = {}
        for name, code in part.values:
            new, number = name, 1
            while values.get(new, code) != code:
                number += 1
                new = f"{name}{number}"
            values[new] = code
            names[name] = new
        template += re.sub(r"\{(\w+)\}", lambda place, names=names: f"{{{names[place[1]]}}}", part.template)
    return _Text(template, tuple(values.items()))


def _choices(node: ast.expr) -> list[_Text]:
    """Return the parts of a text that an expression gives: mostly a value under its name."""
    code, found = ast.unparse(node), _name(node)
    name = _NAMES.get(code) or _NAMES.get(found, found)
    given = ast.unparse(node.func) if isinstance(node, ast.Call) else code
    return [
        _Text(text, tuple((place, f"{code} {place}") for place in re.findall(r"\{(\w+)\}", text)))
        for text in _CHOICES.get(given, ())
    ] or [_Text(f"{{{name}}}", ((name, code),))]


def _name(node: ast.expr) -> str:
    """Return what a value is called: the last name in its code that tells something."""
    match node:
        case ast.Name(id=name):
            return name.strip("_").lower().removesuffix("_id")
        case ast.Attribute(attr="__name__"):
            return "kind"
        case ast.Attribute(value=owner, attr="id" | "shape" | "dtype" | "size" as attr):
            return _name(owner) if attr == "id" else attr
        case ast.Attribute(attr=attr):
            return attr.strip("_").removesuffix("_id")
        case ast.Subscript(value=owner, slice=ast.Constant(value=0 | 1 as place)) if _name(owner) == "shape":
            return ("height", "width")[place]
        case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript(value=owner):
            return _name(owner)
        case ast.Call(func=ast.Name(id="len")):
            return "count"
        case ast.Call(func=ast.Name(id="counted"), args=[_, *things]):
            return _one_and_many(things)[1].split()[-1]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=between), attr="join")):
            return {" and ": "names", "; ": "problems"}.get(str(between), "listed")
        case ast.Call(func=ast.Attribute(value=owner, attr="tolist" | "resolve" | "replace")):
            return _name(owner)
        case ast.Call(func=ast.Name(id="max" | "min" | "repr"), args=[first, *_]):
            return _name(first)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name.strip("_")
        case ast.BinOp(op=ast.Div(), left=left, right=ast.Name() | ast.Attribute()):
            return _name(left) if _name(left) != "directory" else "path"
        case ast.BinOp(left=left):
            return _name(left)
        case ast.BoolOp(values=[first, *_]):
            return _name(first)
    return "value"
