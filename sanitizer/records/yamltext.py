"""Items of YAML over lines: a pair of a name and its value, and a secret's name with its value on the lines below.

    - name: DB_PASSWORD          password: |          password:
      value: hunter2               hunter2              hunter2
"""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.records.shape import LAST, REFUSE, TAKE, Pieces, Shape

_KEY = rb"[\"']?(?P<key>[\w.\-]{1,64})[\"']?:"
_ITEM = patterns.lazy(rb"(?P<indent>[ \t]*(?:- +)+)" + _KEY + rb"[ \t]+[\"'\w$]")
_OPEN = patterns.lazy(rb"(?P<indent>[ \t]*(?:- +)*)" + _KEY + rb"[ \t]*(?P<block>[|>][+\-]?\d?)?[ \t]*(?:#.*)?\r?$")
_LABEL = patterns.lazy(rb"(?P<indent>[ \t]*)(?:[^\s:=]{1,64} ){1,11}(?P<key>[\w\-]{1,64}):[ \t]*\r?$")
"""Words of prose that end in one."""

_FIELD = patterns.lazy(rb"(?P<indent>[ \t]+)" + _KEY)
_MORE = patterns.lazy(rb"(?P<indent>[ \t]+(?P<item>- +)?)(?![\"']?[\w.\-]{1,64}[\"']?:(?:\s|$))\S")

_NAMES = frozenset((b"name", b"key", b"variable", b"header"))
_VALUES = frozenset((b"value", b"val", b"content", b"data", b"secret"))
_SECRET = patterns.lazy(
    rb"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credential|cookie|authorization|auth|(?:api|access|private|secret|signing|encryption|"
    rb"master|account|client|service|ssh|license)[_.\-]?key|pin|otp|cert(?:ificate)?|dsn|connection[_.\-]?string)s?$",
    re.IGNORECASE,
)
"""How the names of secrets end, of which the value may stand on lines of its own: what else does so is no concern of ours."""


class Item(Shape):
    """An item that its first line leaves unfinished. Its lines stay as they are, and are read together."""

    __slots__ = ("_block", "_column", "_pair")

    def __init__(self, column: int, pair: frozenset[bytes] | None, block: bool) -> None:
        super().__init__("object")
        self._column = column
        self._pair = pair
        self._block = block

    @classmethod
    def parse(cls, line: bytes) -> Item | None:
        """The item that *line* begins, or None if it is whole."""
        if (found := _ITEM.match(line)) is not None:
            key = found["key"].lower()
            other = _VALUES if key in _NAMES else _NAMES if key in _VALUES else None
            if other is not None:
                return cls(len(found["indent"]), other, block=False)
        if (found := _OPEN.match(line)) is not None and _SECRET.search(found["key"]):
            return cls(len(found["indent"]), None, block=found["block"] is not None)
        if found is None and line.rstrip().endswith(b":"):
            found = _LABEL.match(line)
            if found is not None and _SECRET.search(found["key"]):
                return cls(len(found["indent"]), None, block=False)
        return None

    def take(self, line: bytes) -> int:
        if self._pair is not None:
            field = _FIELD.match(line)
            if field is None or len(field["indent"]) != self._column or field["key"].lower() not in self._pair:
                return REFUSE
            self._pair = None
            left = _OPEN.match(line)
            self._block = left is not None
            return TAKE if left else LAST
        if self._block:
            return TAKE if len(line) - len(line.lstrip(b" \t")) > self._column and line.strip() else REFUSE
        more = _MORE.match(line)
        return TAKE if more and len(more["indent"]) > self._column else REFUSE

    def views(self, lines: list[bytes]) -> list[Pieces]:
        pieces = tuple((at, 0, len(line)) for at, line in enumerate(lines))
        return [Pieces(pieces, (b"\n",) * (len(lines) - 1))]

    def resume(self) -> bool:
        return False
