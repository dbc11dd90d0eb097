"""Calls as programs show objects: Node (`{ method: 'tools/call', params: { name: 'x', arguments: {} } }`), Rust's `Debug`
(`Some({"a": String("b")})`), Go's `%#v`, Ruby's and Elixir's `inspect`, and keyword arguments of Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sanitizer import patterns

MAX_INSPECTED_CHARS = 1 << 17
MAX_DEPTH = 64

_SPEAKS = patterns.lazy(r"[{,\s](?:params|arguments|args|input|kwargs|parameters|tool_?input|tool_?args):\s", re.IGNORECASE)
_VERBS = r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE"
_CALLS_SOMETHING = patterns.lazy(rf"\b(?:jsonrpc|tool\w*|func\w*|name|method(?!:\s*'(?:{_VERBS})')):\s", re.IGNORECASE)
_TOKEN = patterns.lazy(
    r"""\s*+(?:(?P<string>'[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+"|`[^`\\]*+(?:\\.[^`\\]*+)*+`)"""
    r"""|(?P<sign>=>|[{}()\[\],:=])|(?P<atom>[^\s{}()\[\],:='"`]++))""",
    re.DOTALL,
)
_NUMBER = patterns.lazy(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?", re.ASCII)
_NAME = patterns.lazy(r"[A-Za-z_$][\w$]*")
_ESCAPE = patterns.lazy(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_ABSENT = object()
_CONSTANTS = {"true": True, "false": False, "null": None, "NaN": None, "Infinity": None, "-Infinity": None, "undefined": _ABSENT,
              "True": True, "False": False, "None": None, "Null": None, "nil": None}  # fmt: skip
"""What atoms are as JSON, by ECMAScript's `JSON.stringify`, which leaves `undefined` out; and as others spell them."""

_VARIANTS = frozenset(("Some", "Ok", "String", "Number", "Bool", "Array", "Object"))
"""What `serde_json` and Rust itself put around a value."""
_TYPE = patterns.lazy(r"\s*+(?:map\[[\w.*]{1,64}\]|(?P<slice>\[\]))[\w.*]{1,64}(?: ?\{\})?(?=\{)")
"""The type of a map or a slice, as `%#v` of Go shows it before its elements."""


class _UnreadableError(ValueError):
    pass


def speaks(text: str) -> bool:
    """Whether keys of a call stand in *text* as Node writes them, without quotes; false is certain."""
    return _SPEAKS.search(text) is not None and _CALLS_SOMETHING.search(text) is not None


def rewrite_inspected(text: str, start: int, rewrite: Callable[[bytes], bytes]) -> tuple[int, int, str | None] | None:
    """The object that begins at *start*: from where to where something takes its place, and what (None: it stays); None for none.

    *rewrite* gets it as JSON. One that does not end, or does not show all it holds (`[Object]`), and looks like a call is cut off
    at its params.
    """
    reading = _Reading(text, start)
    try:
        reading.token()
        value = reading.object(1)
        new = rewrite(data := json.dumps(value).encode())
        return start, reading.at, None if new is data else reading.written(value, json.loads(new))
    except (ValueError, RecursionError):
        stop = end(text, start)
        key = _SPEAKS.search(text, start, stop)
        if key is None or _CALLS_SOMETHING.search(text, start, stop) is None:
            return None
        return key.start() + 1, stop, "params_withheld: 'unreadable' }"


class _Reading:
    """One object, token by token. `fields` are its own: each key, and where it begins, where its colon and where its value ends."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.at = start
        self.limit = min(len(text), start + MAX_INSPECTED_CHARS)
        self.fields: list[tuple[str, int, int, int]] = []

    def token(self) -> re.Match[str]:
        found = self.peek()
        self.at = found.end()
        return found

    def peek(self) -> re.Match[str]:
        if (found := _TOKEN.match(self.text, self.at, self.limit)) is None:
            raise _UnreadableError
        return found

    def closes(self, sign: str) -> bool:
        """Whether *sign* comes next, and takes it; of two values, also the comma between."""
        if self.peek()["sign"] == ",":
            self.token()
        if self.peek()["sign"] != sign:
            return False
        self.token()
        return True

    def object(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not self.closes("}"):
            token = self.token()
            if token["sign"] == ":":  # a symbol
                token = self.token()
            key = _string(token["string"]) if token["string"] else token["atom"] or ""
            if not (token["string"] or _NAME.fullmatch(key)) or key in value or self.token()["sign"] not in (":", "=>"):
                raise _UnreadableError
            colon = self.at
            item = self.value(depth)
            if item is not _ABSENT:
                value[key] = item
            if depth == 1:
                self.fields.append((key, token.start(token.lastgroup or 0), colon, self.at))
        return value

    def value(self, depth: int) -> Any:
        if (typed := _TYPE.match(self.text, self.at, self.limit)) is not None:
            self.at = typed.end()
            if typed["slice"]:
                self.token()
                return self.items("}", depth)
        token = self.token()
        if token["string"]:
            text = _string(token["string"])
            while self.peek()["atom"] == "+":  # how a text of several lines is shown
                self.token()
                text += _string(self.token()["string"])
            return text
        if depth >= MAX_DEPTH:
            raise _UnreadableError
        match token["sign"]:
            case "{":
                return self.object(depth + 1)
            case "[":
                return self.items("]", depth)
            case "(":
                return self.items(")", depth)
            case _:
                return self.named(token["atom"], depth)

    def items(self, closing: str, depth: int) -> list[Any]:
        if depth >= MAX_DEPTH:
            raise _UnreadableError
        items: list[Any] = []
        while not self.closes(closing):
            item = self.value(depth + 1)
            items.append(None if item is _ABSENT else item)
        return items

    def named(self, atom: str | None, depth: int) -> Any:
        """What a word begins: a variant with its value, a pointer to an object, or a constant."""
        if atom in _VARIANTS and self.text.startswith("(", self.at):
            items = self.value(depth)
            if len(items) != 1:
                raise _UnreadableError
            return items[0]
        if (atom in _VARIANTS or atom in ("&", "%")) and self.peek()["sign"] in ("{", "["):
            return self.value(depth)
        return _constant(atom)

    def keywords(self) -> Any:
        """The arguments between the parentheses of a call: by name, or the one that is there."""
        given: dict[str, Any] = {}
        while not self.closes(")"):
            at = self.at
            name = self.token()["atom"]
            if not (name and _NAME.fullmatch(name)) or self.peek()["sign"] != "=":
                self.at = at
                only = self.value(1)
                if given or not self.closes(")"):
                    raise _UnreadableError
                return only
            self.token()
            if name in given:
                raise _UnreadableError
            given[name] = self.value(1)
        return given

    def written(self, value: Mapping[str, Any], changed: Mapping[str, Any]) -> str:
        """The object with what is *changed* of its *value*: new fields come where one is gone, others stay as they stand."""
        added = [f"{name}: {_shown(item)}" for name, item in changed.items() if name not in value]
        pieces: list[str] = []
        for key, begin, colon, end in self.fields:
            if key not in value or (key in changed and changed[key] == value[key]):
                pieces.append(self.text[begin:end])
            elif key in changed:
                pieces.append(f"{self.text[begin:colon]} {_shown(changed[key])}")
            else:
                pieces += added
                added = []
        return f"{{ {', '.join(pieces + added)} }}"


def _constant(atom: str | None) -> Any:
    if atom in _CONSTANTS:
        return _CONSTANTS[atom]
    if atom is None or not _NUMBER.fullmatch(atom):
        raise _UnreadableError
    return json.loads(atom)


def _string(quoted: str | None) -> str:
    if quoted is None:
        raise _UnreadableError
    return _ESCAPE.sub(_unescaped, quoted[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3] or found[4]
    if code is None:
        return _ESCAPED.get(found[5], found[5])
    if (number := int(code, 16)) > 0x10FFFF:
        raise _UnreadableError
    return chr(number)


def _shown(value: Any) -> str:
    """*value* as Node would show it, on one line."""
    if isinstance(value, dict):
        fields = [f"{name if _NAME.fullmatch(name) else _shown(name)}: {_shown(item)}" for name, item in value.items()]
        return f"{{ {', '.join(fields)} }}"
    if isinstance(value, list):
        return f"[ {', '.join(map(_shown, value))} ]"
    if isinstance(value, str):
        return "'" + json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return json.dumps(value)


def read(text: str, start: int) -> tuple[Any, int]:
    """The object, list or arguments between parentheses that begin at *start*, and where they end. Raises `ValueError`."""
    reading = _Reading(text, start)
    if text.startswith("(", start):
        reading.token()
        return reading.keywords(), reading.at
    try:
        return reading.value(0), reading.at
    except RecursionError:
        raise _UnreadableError from None


def end(text: str, start: int) -> int:
    """Where the brackets that open at *start* are closed; where *text* ends when they are not, or only far away."""
    depth = 0
    at = start
    while at < start + MAX_INSPECTED_CHARS and (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
        if (sign := token["sign"]) in ("{", "[", "("):
            depth += 1
        elif sign in ("}", "]", ")"):
            depth -= 1
            if depth <= 0:
                return at
    return len(text)
