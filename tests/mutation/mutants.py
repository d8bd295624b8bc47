"""PURE: every small fault that is put into a module, one at a time, to see whether a test notices.

What is changed: comparisons, `and`/`or`, `not`, conditions, arithmetic, constants (numbers, true and false, text), what
is returned, branches of conditional expressions; statements are left out; the entries of tables (dict, set, tuple and
list displays) are swapped with their neighbours, and left out.

What is not: imports, annotations, decorators, docstrings, what is said to people (texts of errors, logs and f-strings,
descriptions of enum members), plain assignments of local names (without one of them nothing runs at all).
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: where, what stood there, what stands there instead, and the module's whole text with it."""

    line: int
    name: str
    """What it is known by: the function around it and its words, not its line, which moves."""
    lines: frozenset[int]
    """Those of the statement around it: a test that runs none of them cannot notice."""
    source: str


_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.BitOr: "&",
    ast.BitAnd: "|",
}
_SAID = ("error", "warning", "info", "debug", "log", "exception")


def mutants_of(source: str) -> list[Mutant]:
    """Make every mutant of a module, in the order of its text."""
    same = ast.dump(ast.parse(source))
    found = {mutant.source: mutant for mutant in _Maker(source).all() if ast.dump(ast.parse(mutant.source)) != same}
    times: Counter[str] = Counter()
    made = []
    for mutant in found.values():
        times[mutant.name] += 1
        which = f" (no. {times[mutant.name]})" if times[mutant.name] > 1 else ""
        made.append(replace(mutant, name=mutant.name + which))
    return sorted(made, key=lambda mutant: mutant.line)


class _Maker:
    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._tree = ast.parse(source)

    def all(self) -> Iterator[Mutant]:
        yield from self._of(self._tree, "", frozenset())

    def _of(self, node: ast.AST, place: str, lines: frozenset[int]) -> Iterator[Mutant]:
        if isinstance(node, ast.stmt):
            lines = _lines_of(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            place = f"{place}.{node.name}".lstrip(".")
        for found, text in self._changes(node):
            yield self._mutant(found, text, place, lines)
        for child in _children(node):
            yield from self._of(child, place, lines)

    def _mutant(self, node: ast.AST, text: str, place: str, lines: frozenset[int]) -> Mutant:
        begin, end = self._span(node)
        source = (self._bytes[:begin] + text.encode() + self._bytes[end:]).decode()
        name = f"{place or 'module'}: {_short(self._text(node))} -> {_short(text)}"
        return Mutant(node.lineno, name, lines, source)  # type: ignore[attr-defined]

    def _span(self, node: ast.AST) -> tuple[int, int]:
        begin = self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return begin, self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def _text(self, node: ast.AST) -> str:
        begin, end = self._span(node)
        return self._bytes[begin:end].decode()

    def _changes(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        """Give the nodes to replace and what stands there instead."""
        yield from self._in_values(node)
        yield from self._in_steps(node)

    def _in_values(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        match node:
            case ast.Compare():
                yield from ((node, text) for text in self._comparisons(node))
            case ast.BoolOp(op=op, values=values):
                word = " or " if isinstance(op, ast.And) else " and "
                yield node, f"({word.join(f'({self._text(value)})' for value in values)})"
                yield from ((node, f"({self._text(value)})") for value in values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield node, f"({self._text(operand)})"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                yield node, f"({self._text(left)} {_OPERATORS[type(op)]} {self._text(right)})"
            case ast.Constant():
                yield from ((node, text) for text in _constants(node.value))
            case ast.IfExp(test=test, body=body, orelse=other):
                yield node, f"({self._text(other)} if {self._text(test)} else {self._text(body)})"
            case ast.Dict() | ast.Set() | ast.Tuple() | ast.List():
                yield from ((node, text) for text in self._tables(node))

    def _in_steps(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        match node:
            case ast.If(test=test) | ast.While(test=test):
                yield test, "True"
                yield test, "False"
            case ast.Return(value=value) if value is not None and not _is_none(value):
                yield node, "return None"
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in _OPERATORS:
                yield node, f"{self._text(target)} {_OPERATORS[type(op)]}= {self._text(value)}"
                yield node, "pass"
            case ast.Raise() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Call() | ast.Await()):
                yield node, "pass"
            case ast.Return(value=None):
                yield node, "pass"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield node, "pass"

    def _comparisons(self, node: ast.Compare) -> Iterator[str]:
        terms = [node.left, *node.comparators]
        for at, op in enumerate(node.ops):
            signs = [_comparison(other) for other in node.ops]
            signs[at] = _COMPARISONS[type(op)]
            rest = "".join(f" {sign} {self._text(term)}" for sign, term in zip(signs, terms[1:], strict=True))
            yield f"({self._text(terms[0])}{rest})"

    def _tables(self, node: ast.Dict | ast.Set | ast.Tuple | ast.List) -> Iterator[str]:
        if isinstance(node, ast.Dict):
            keys = [None if key is None else self._text(key) for key in node.keys]
            values = [self._text(value) for value in node.values]
            yield from (_dict(_without(keys, at), _without(values, at)) for at in range(len(keys)))
            for at in range(len(keys) - 1):
                if keys[at] is not None and keys[at + 1] is not None:
                    yield _dict(keys, _swapped(values, at))
        elif isinstance(node, ast.Set) or isinstance(getattr(node, "ctx", None), ast.Load):
            items = [self._text(item) for item in node.elts]
            for at in range(len(items)):
                yield _display(node, _without(items, at))
            if not isinstance(node, ast.Set):
                for at in range(len(items) - 1):
                    yield _display(node, _swapped(items, at))


def _lines_of(statement: ast.stmt) -> frozenset[int]:
    """Give a statement's lines; of one with a body those before it; of a definition none: it runs at import."""
    body = getattr(statement, "body", None)
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset()
    last = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
    return frozenset(range(statement.lineno, max(last, statement.lineno) + 1))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Give what of a node is looked into: not what is said to people, nor annotations, decorators and docstrings."""
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom) or _is_saying(node):
        return
    skipped: list[ast.AST] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        skipped = [*node.decorator_list, *([node.returns] if node.returns else [])]
    elif isinstance(node, ast.ClassDef):
        skipped = [*node.decorator_list, *node.bases, *node.keywords, *_descriptions(node)]
    elif isinstance(node, ast.arg):
        return
    elif isinstance(node, ast.AnnAssign):
        skipped = [node.annotation, node.target]
    elif isinstance(node, ast.Assign) and _is_type(node):
        return
    for child in ast.iter_child_nodes(node):
        is_text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if child not in skipped and not is_text:
            yield child


def _is_saying(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return isinstance(called, ast.Attribute) and called.attr in _SAID


def _is_type(node: ast.Assign) -> bool:
    """Tell an alias of types, and what is exported: neither does anything."""
    target = node.targets[0]
    is_name = isinstance(target, ast.Name)
    is_alias = is_name and isinstance(node.value, ast.BinOp | ast.Subscript) and target.id[:1].isupper()
    return (is_alias and not target.id.isupper()) or (is_name and target.id == "__all__")


def _descriptions(node: ast.ClassDef) -> list[ast.AST]:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return [line for line in node.body if isinstance(line, ast.Assign)] if "Enum" in bases else []


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constants(value: object) -> list[str]:
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, int | float):
        return [str(value + 1), str(value - 1)]
    if isinstance(value, str):
        return [repr("XX" + value)]
    return []


def _comparison(op: ast.cmpop) -> str:
    return {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}.get(type(op)) or {
        ast.Is: "is",
        ast.IsNot: "is not",
        ast.In: "in",
        ast.NotIn: "not in",
    }[type(op)]


def _dict(keys: list[str | None], values: list[str]) -> str:
    pairs = (f"**{value}" if key is None else f"{key}: {value}" for key, value in zip(keys, values, strict=True))
    return "{" + ", ".join(pairs) + "}"


def _display(node: ast.AST, items: list[str]) -> str:
    inside = ", ".join(items)
    if isinstance(node, ast.Set):
        return f"{{{inside}}}" if items else "set()"
    if isinstance(node, ast.List):
        return f"[{inside}]"
    return f"({inside},)" if items else "()"


def _without(items: list[Any], at: int) -> list[Any]:
    return [*items[:at], *items[at + 1 :]]


def _swapped(items: list[Any], at: int) -> list[Any]:
    return [*items[:at], items[at + 1], items[at], *items[at + 2 :]]


def _short(text: str) -> str:
    return " ".join(text.split())
