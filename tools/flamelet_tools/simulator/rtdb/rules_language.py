"""Parses the language of security rules: an expression becomes a function that decides; no I/O, and no `eval`.

A recursive-descent parser makes closures. What the language does not have (a name, a method, a property, a `$variable`
that the path does not bind, a regular expression beyond the language's) is refused by name when the rules are written.
Types are strict: `+` takes strings and numbers, other arithmetic numbers, `<` two of one type, `!`, `&&`, `||` and `?:`
booleans, so a claim or a `val()` has to be compared. An error during the evaluation denies.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from flamelet_tools.simulator.rtdb import tree
from flamelet_tools.simulator.rtdb.tree import InvalidData, Node, Path


class BadRule(ValueError):
    """The rule cannot be evaluated; the message names what is not allowed in it."""


class _Fails(Exception):
    """The expression fails with these values."""


class Snapshot(NamedTuple):
    """A place in a tree, whether it has a value or not."""

    root: Node
    path: Path


class Scope(NamedTuple):
    """The variables of a rule: `auth`, `now`, `root`, `data`, each `$variable`, and for some rules `newData` or
    `query`.
    """

    variables: Mapping[str, Any]


Evaluate = Callable[[Scope], Any]


class Expression(NamedTuple):
    """A parsed expression; `kind` is the type of its value, or "any" if only the evaluation decides."""

    kind: str
    evaluate: Evaluate


SNAPSHOTS = ("root", "data", "newData")
_BOOLEAN_QUERY_PROPERTIES = ("orderByKey", "orderByValue", "orderByPriority")
_QUERY_PROPERTIES = (
    *_BOOLEAN_QUERY_PROPERTIES,
    *("orderByChild", "startAt", "endAt", "equalTo", "limitToFirst", "limitToLast"),
)

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>\$?[A-Za-z_][\w-]*(?<!-)|\$[\w-]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:().,\[\]]))""",
    re.VERBOSE | re.ASCII,
)
_REGEX = re.compile(r"\s*/((?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)")
_PRECEDENCE = (("==", "!=", "===", "!=="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
# Each level takes eleven calls of the parser, and Python's limit is a thousand.
_MAX_NESTING = 40


def parse_rule(text: str, names: Iterable[str]) -> Callable[[Scope], bool]:
    """Return the function that evaluates an expression; `names` are the variables that it may use.

    Raises: BadRule.
    """
    expression = _Parser(text, frozenset(names)).parse()
    _want_boolean(expression, "A rule")

    def judge(scope: Scope) -> bool:
        try:
            return expression.evaluate(scope) is True
        except (_Fails, RecursionError):
            return False

    return judge


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str, names: frozenset[str]):
        self._text = text
        self._names = names
        self._at = 0
        self._nesting = 0
        self._kind = self._token = ""
        self._next()

    def parse(self) -> Expression:
        expression = self._ternary()
        if self._kind != "end":
            raise BadRule(f"Unexpected {self._token!r}.")
        return expression

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        if match:
            self._kind, self._token, self._at = str(match.lastgroup), match[match.lastgroup or 0], match.end()
        elif self._text[self._at :].strip():
            raise BadRule(f"Unexpected {self._text[self._at :].strip()[0]!r}.")
        else:
            self._kind, self._token = "end", "end of the rule"

    def _is(self, *signs: str) -> bool:
        return self._kind == "sign" and self._token in signs

    def _take(self, sign: str) -> None:
        if not self._is(sign):
            raise BadRule(f"Expected {sign!r} and found {self._token!r}.")
        self._next()

    def _ternary(self) -> Expression:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise BadRule(f"The rule is nested deeper than {_MAX_NESTING} levels.")
        condition = self._or()
        if self._is("?"):
            _want_boolean(condition, "?:")
            self._next()
            yes = self._ternary()
            self._take(":")
            no = self._ternary()
            condition = _choice(condition.evaluate, yes, no)
        self._nesting -= 1
        return condition

    def _or(self) -> Expression:
        left = self._and()
        while self._is("||"):
            self._next()
            left = _logical("||", left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._binary(0)
        while self._is("&&"):
            self._next()
            left = _logical("&&", left, self._binary(0))
        return left

    def _binary(self, level: int) -> Expression:
        if level == len(_PRECEDENCE):
            return self._unary()
        left = self._binary(level + 1)
        while self._is(*_PRECEDENCE[level]):
            sign = self._token
            self._next()
            left = _operation(sign, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        signs = []
        while self._is("!", "-"):
            signs.append(self._token)
            self._next()
        expression = self._postfix()
        for sign in reversed(signs):
            expression = _not(expression) if sign == "!" else _minus(expression)
        return expression

    def _postfix(self) -> Expression:
        expression = self._primary()
        while self._is(".", "["):
            if self._is("["):
                self._next()
                index = self._ternary()
                self._take("]")
                expression = _indexed(expression, index)
                continue
            self._next()
            name = self._token
            if self._kind != "name":
                raise BadRule(f"Expected a name and found {name!r}.")
            self._next()
            expression = self._call(expression, name) if self._is("(") else _property(expression, name)
        return expression

    def _call(self, subject: Expression, name: str) -> Expression:
        if name == "matches":
            return self._matches(subject)
        self._next()
        arguments = []
        while not self._is(")"):
            arguments.append(self._list() if self._is("[") else self._ternary())
            if not self._is(")"):
                self._take(",")
        self._next()
        return _method(subject, name, arguments)

    def _list(self) -> Expression:
        self._take("[")
        items = [self._ternary()]
        while not self._is("]"):
            self._take(",")
            items.append(self._ternary())
        self._next()
        for item in items:
            _want(item, "string", "A list")
        return Expression("list", lambda scope: [_string(item.evaluate(scope)) for item in items])

    def _matches(self, subject: Expression) -> Expression:
        _want(subject, "string", "matches")
        match = _REGEX.match(self._text, self._at)
        if not match:
            raise BadRule("matches takes a regular expression such as /^a+$/.")
        pattern = _pattern(match[1], match[2])
        self._at = match.end()
        self._next()
        self._take(")")
        return Expression("boolean", lambda scope: bool(pattern.search(_string(subject.evaluate(scope)))))

    def _primary(self) -> Expression:
        kind, token = self._kind, self._token
        if self._is("("):
            self._next()
            expression = self._ternary()
            self._take(")")
            return expression
        if kind not in ("number", "string", "name"):
            raise BadRule(f"Unexpected {token!r}.")
        self._next()
        if kind == "number":
            return _constant("number", json.loads(token) if token.isdecimal() else float(token))
        if kind == "string":
            return _constant("string", _unescape(token))
        if token in ("true", "false"):
            return _constant("boolean", token == "true")
        if token == "null":
            return _constant("null", None)
        if token not in self._names:
            raise BadRule(f"Unknown variable {token!r}.")
        kinds = {"now": "number", "query": "query"}
        kind = "string" if token[0] == "$" else "snapshot" if token in SNAPSHOTS else kinds.get(token, "any")
        return Expression(kind, lambda scope: scope.variables[token])


def _constant(kind: str, value: Any) -> Expression:
    return Expression(kind, lambda scope: value)


def _want(expression: Expression, kind: str, who: str) -> None:
    if expression.kind not in (kind, "any"):
        raise BadRule(f"{who} takes a {kind}, not a {expression.kind}.".replace("a any", "a value"))


def _want_boolean(expression: Expression, who: str) -> None:
    # The language is strict: a value of unknown type, such as a claim or a val(), must be compared first.
    if expression.kind != "boolean":
        raise BadRule(f"{who} takes a boolean, not a {expression.kind}.".replace("a any", "a value of any type"))


def _want_value(expression: Expression, who: str) -> None:
    if expression.kind in ("snapshot", "query", "list"):
        raise BadRule(f"{who} takes a value, not a {expression.kind}.")


def _choice(condition: Evaluate, yes: Expression, no: Expression) -> Expression:
    kind = yes.kind if yes.kind == no.kind else "any"
    if kind == "any":
        _want_value(yes, "?:")
        _want_value(no, "?:")
    return Expression(kind, lambda scope: (yes if _boolean(condition(scope)) else no).evaluate(scope))


def _logical(sign: str, left: Expression, right: Expression) -> Expression:
    _want_boolean(left, sign)
    _want_boolean(right, sign)
    stops = sign == "||"

    def evaluate(scope: Scope) -> bool:
        return stops if _boolean(left.evaluate(scope)) is stops else _boolean(right.evaluate(scope))

    return Expression("boolean", evaluate)


def _operation(sign: str, left: Expression, right: Expression) -> Expression:
    for side in (left, right):
        _want_value(side, sign)
        if sign in "-*/%":
            _want(side, "number", sign)
        elif sign[0] not in "=!" and side.kind in ("boolean", "null"):
            raise BadRule(f"{sign} takes numbers and strings, not a {side.kind}.")
    if sign[0] in "<>" and {left.kind, right.kind} == {"number", "string"}:
        raise BadRule(f"{sign} takes two numbers or two strings, not one of each.")
    operate = _OPERATIONS[sign]
    kind = "number" if sign in "-*/%" else _sum_kind(left, right) if sign == "+" else "boolean"
    return Expression(kind, lambda scope: operate(left.evaluate(scope), right.evaluate(scope)))


def _sum_kind(left: Expression, right: Expression) -> str:
    kinds = {left.kind, right.kind}
    return "string" if "string" in kinds else "any" if "any" in kinds else "number"


def _not(expression: Expression) -> Expression:
    _want_boolean(expression, "!")
    return Expression("boolean", lambda scope: not _boolean(expression.evaluate(scope)))


def _minus(expression: Expression) -> Expression:
    _want(expression, "number", "-")
    return Expression("number", lambda scope: -_number(expression.evaluate(scope)))


def _indexed(subject: Expression, index: Expression) -> Expression:
    _want(index, "string", "[]")
    _want(subject, "any", "[]")
    return Expression("any", lambda scope: _member(subject.evaluate(scope), _string(index.evaluate(scope))))


def _property(subject: Expression, name: str) -> Expression:
    if subject.kind == "query" and name in _QUERY_PROPERTIES:
        kind = "boolean" if name in _BOOLEAN_QUERY_PROPERTIES else "any"
        return Expression(kind, lambda scope: subject.evaluate(scope)[name])
    if subject.kind == "string" and name == "length":
        return Expression("number", lambda scope: _length(subject.evaluate(scope)))
    if subject.kind != "any":
        raise BadRule(f"A {subject.kind} has no property {name!r}.")
    if name == "length":
        return Expression("any", lambda scope: _length_or_member(subject.evaluate(scope)))
    return Expression("any", lambda scope: _member(subject.evaluate(scope), name))


def _method(subject: Expression, name: str, arguments: list[Expression]) -> Expression:
    methods = _SNAPSHOT_METHODS if subject.kind == "snapshot" else _STRING_METHODS
    if name not in methods or subject.kind not in ("snapshot", "string", "any"):
        raise BadRule(f"A {subject.kind} has no method {name!r}.")
    kind, wanted, call = methods[name]
    optional = name == "hasChildren" and not arguments
    if len(arguments) != len(wanted) and not optional:
        raise BadRule(f"{name} takes {len(wanted)} arguments, not {len(arguments)}.")
    for argument, wanted_kind in zip(arguments, wanted, strict=False):
        _want(argument, wanted_kind, name)
    return Expression(kind, lambda scope: call(subject.evaluate(scope), *(a.evaluate(scope) for a in arguments)))


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Fails
    return value


def _number(value: Any) -> int | float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _Fails
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Fails
    return value


def _utf16(text: str) -> bytes:
    # As JavaScript counts and compares.
    return text.encode("utf-16-be", "surrogatepass")


def _length(value: Any) -> int:
    return len(_utf16(_string(value))) // 2


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _length_or_member(value: Any) -> Any:
    return _length(value) if isinstance(value, str) else _member(value, "length")


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return _text(left) + _text(right)
    return _finite(lambda: _number(left) + _number(right))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    number = _number(value)
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _arithmetic(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: _finite(lambda: operate(_number(left), _number(right)))


def _finite(operate: Callable[[], Any]) -> Any:
    try:
        result = operate()
    except (ArithmeticError, ValueError):
        raise _Fails from None
    if not math.isfinite(result):
        raise _Fails
    return result


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def operate(left: Any, right: Any) -> bool:
        if isinstance(left, str):
            return compare(_utf16(left), _utf16(_string(right)))
        return compare(_number(left), _number(right))

    return operate


def _equal(left: Any, right: Any) -> bool:
    # Not Python's `==` alone, which treats 1 and true as equal.
    return isinstance(left, bool) == isinstance(right, bool) and left == right


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "===": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "!==": lambda left, right: not _equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "+": _add,
    "-": _arithmetic(lambda left, right: left - right),
    "*": _arithmetic(lambda left, right: left * right),
    "/": _arithmetic(lambda left, right: left / right),
    "%": _arithmetic(math.fmod),
}


def _node(snapshot: Snapshot) -> Node:
    return tree.get(snapshot.root, snapshot.path)


def _child(snapshot: Snapshot, path: Any) -> Snapshot:
    try:
        keys = tree.split_path(_string(path))
    except InvalidData:
        raise _Fails from None
    if not path:
        raise _Fails
    return Snapshot(snapshot.root, snapshot.path + keys)


def _parent(snapshot: Snapshot) -> Snapshot:
    if not snapshot.path:
        raise _Fails
    return Snapshot(snapshot.root, snapshot.path[:-1])


def _has_children(snapshot: Snapshot, names: list[str] | None = None) -> bool:
    if names is None:
        return bool(tree.child_keys(_node(snapshot)))
    return all(_node(_child(snapshot, name)) is not None for name in names)


def _is_number(snapshot: Snapshot) -> bool:
    value = tree.leaf(_node(snapshot))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_SNAPSHOT_METHODS: dict[str, tuple[str, tuple[str, ...], Callable[..., Any]]] = {
    "val": ("any", (), lambda snapshot: tree.to_json(_node(snapshot))),
    "child": ("snapshot", ("string",), _child),
    "parent": ("snapshot", (), _parent),
    "hasChild": ("boolean", ("string",), lambda snapshot, path: _node(_child(snapshot, path)) is not None),
    "hasChildren": ("boolean", ("list",), _has_children),
    "exists": ("boolean", (), lambda snapshot: _node(snapshot) is not None),
    "getPriority": ("any", (), lambda snapshot: tree.get(_node(snapshot), (tree.PRIORITY,))),
    "isNumber": ("boolean", (), _is_number),
    "isString": ("boolean", (), lambda snapshot: isinstance(tree.leaf(_node(snapshot)), str)),
    "isBoolean": ("boolean", (), lambda snapshot: isinstance(tree.leaf(_node(snapshot)), bool)),
}
_STRING_METHODS: dict[str, tuple[str, tuple[str, ...], Callable[..., Any]]] = {
    "contains": ("boolean", ("string",), lambda text, part: _string(part) in _string(text)),
    "beginsWith": ("boolean", ("string",), lambda text, part: _string(text).startswith(_string(part))),
    "endsWith": ("boolean", ("string",), lambda text, part: _string(text).endswith(_string(part))),
    "replace": ("string", ("string", "string"), lambda text, a, b: _string(text).replace(_string(a), _string(b))),
    "toLowerCase": ("string", (), lambda text: _string(text).lower()),
    "toUpperCase": ("string", (), lambda text: _string(text).upper()),
}


def _unescape(token: str) -> str:
    body = token[1:-1]
    if token[0] == "'":
        body = re.sub(r"\\.|\"", lambda match: {"\\'": "'", '"': '\\"'}.get(match[0], match[0]), body)
    try:
        return json.loads(f'"{body}"')
    except ValueError:
        raise BadRule(f"The string {token} cannot be read.") from None


def _pattern(source: str, flags: str) -> re.Pattern[str]:
    if flags not in ("", "i"):
        raise BadRule(f"A regular expression has no flags {flags!r}.")
    if "(?" in source or re.search(r"(?<!\\)(?:\\\\)*\\[1-9bBAZpPkuUN]|[*+?}][+]", source):
        raise BadRule(f"The regular expression /{source}/ has what the language does not have.")
    # Python's `$` would also match before a final line feed.
    parts = re.findall(r"\\.|\[(?:[^\]\\]|\\.)*\]|.", source)
    try:
        return re.compile(
            "".join(r"\Z" if part == "$" else part for part in parts),
            re.ASCII | re.IGNORECASE if flags else re.ASCII,
        )
    except re.error as error:
        raise BadRule(f"The regular expression /{source}/ is wrong: {error}.") from None
