"""JSON with comments and trailing commas, as editors keep it, read with the place of each value: so that a change touches nothing
else in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sanitizer import patterns

_BLANK = patterns.lazy(r"(?:[\s\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = patterns.lazy(r'"(?:[^"\\\n]|\\.)*"')
_SCALAR = patterns.lazy(r"[^\s,\]}/]+")
_MAX_DEPTH = 100


class JsonError(ValueError):
    """Raised when a text is no JSON. The message says where; nothing of the text is in it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands: `text[start:end]`. Objects have `members`, arrays `items`, scalars a `value`."""

    start: int
    end: int
    value: object = None
    members: Mapping[str, Node] | None = None
    items: Sequence[Node] | None = field(default=None)

    def get(self, name: str) -> Node | None:
        """The member *name*, if this is an object that has it."""
        return self.members.get(name) if self.members is not None else None

    def strings(self) -> list[str] | None:
        """The items, where this is an array of strings."""
        values = [item.value for item in self.items or ()]
        return values if self.items is not None and all(isinstance(value, str) for value in values) else None  # type: ignore[return-value]

    def scalars(self) -> Iterator[Node]:
        """Every scalar in it, in order."""
        inner = (self.members or {}).values() if self.members is not None else self.items
        if inner is None:
            yield self
        for node in inner or ():
            yield from node.scalars()


def parse(text: str) -> Node:
    """The value that *text* is. Raises `JsonError`."""
    at = _skip(text, 0)
    node = _value(text, at, 0)
    if _skip(text, node.end) != len(text):
        raise _error(text, node.end)
    return node


def _value(text: str, at: int, depth: int) -> Node:
    if depth > _MAX_DEPTH:
        raise _error(text, at)
    opening = text[at : at + 1]
    if opening == "{":
        return _object(text, at, depth)
    if opening == "[":
        return _array(text, at, depth)
    found = _STRING.match(text, at) or _SCALAR.match(text, at)
    if found is None:
        raise _error(text, at)
    try:
        return Node(at, found.end(), json.loads(found[0]))
    except ValueError:
        raise _error(text, at) from None


def _object(text: str, start: int, depth: int) -> Node:
    members: dict[str, Node] = {}
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        if (key := _STRING.match(text, at)) is None:
            raise _error(text, at)
        at = _skip(text, key.end())
        if text[at : at + 1] != ":":
            raise _error(text, at)
        try:
            name = json.loads(key[0])
        except ValueError:
            raise _error(text, key.start()) from None
        members[name] = node = _value(text, _skip(text, at + 1), depth + 1)
        at = _next(text, node.end, "}")
    return Node(start, at + 1, members=members)


def _array(text: str, start: int, depth: int) -> Node:
    items: list[Node] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        items.append(node := _value(text, at, depth + 1))
        at = _next(text, node.end, "]")
    return Node(start, at + 1, items=items)


def _next(text: str, at: int, closing: str) -> int:
    """Where the next member begins, or *closing* stands."""
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise _error(text, at)
    return at


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _error(text: str, at: int) -> JsonError:
    line = text.count("\n", 0, at) + 1
    return JsonError(f"line {line}, column {at - text.rfind(chr(10), 0, at)} is no JSON")
