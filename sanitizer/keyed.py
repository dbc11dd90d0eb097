"""Values that are secret because of the key they stand under, in whatever syntax the two are joined."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sanitizer import values
from sanitizer.keys import Keys
from sanitizer.ruleset import Rule

REACH = 128
"""Bytes looked at before a separator for its key."""

SEPARATORS = b"\"'`\\])*_ \t:=,;({}<>|-\r\n"
NOT_KEY = bytes(c if c in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-." or c >= 0x80 else 0x20 for c in range(256))
SPACED = re.compile(rb"[A-Za-z\x80-\xff]+(?:[ _-][A-Za-z\x80-\xff]+){1,3}$")
SCHEMED = values.SCHEME
CELL = re.compile(rb"[ \t]*([^|\r\n]*?)[ \t]*(?=\||\r|\n|$)")
COMMA_CELL = re.compile(rb"(?!\s)[^,\r\n]+")
OBJECT_VALUE = re.compile(rb"\\*[\x22'](?:value|val|content|data)\\*[\x22'][ \t]*:", re.I)
TELLING = re.compile(rb"[ \t]*[\x22'`]?[^\s\x22'`]*[0-9!@#$%^&*~+?_-][^\s\x22'`]*")

Found = tuple[int, int, int]


class KeyedValues:
    """Finds the value to a hit of a key probe. `find(buffer, at)`: *at* is the place right after what the probe matched."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.keys = Keys(rules)
        self.rules = rules
        self.checks: dict[int, Callable[[bytes], bool] | None] = {}

    def find(self, buffer: bytes, at: int) -> list[Found]:
        mark = buffer[at - 1]
        window = buffer[max(0, at - REACH) : at]
        if mark == 0x3A or mark == 0x3D:  # : =
            if mark == 0x3A and (buffer.startswith(b"//", at) or buffer.startswith(b":", at)):
                return []
            rule, _ = self.owner(window)
            return self.accept(buffer, values.value(buffer, at, line=self.rules[rule].extent == "line"), rule) if rule >= 0 else []
        if mark == 0xEF:
            if not buffer.startswith((b"\xbc\x9a", b"\xbc\x9d"), at):
                return []
            rule, _ = self.owner(window[:-1])
            return self.accept(buffer, values.value(buffer, at + 2), rule) if rule >= 0 else []
        return self.otherwise(buffer, at, mark, window)

    def otherwise(self, buffer: bytes, at: int, mark: int, window: bytes) -> list[Found]:
        """The rarer ways to join a key and its value."""
        if window[-5:].lower() == b"value" or window[-7:].lower() == b"content":
            rule, _ = self.owner(window[:-5] if window[-1:] in b"eE" else window[:-7])
            follows = re.compile(rb"[ \t]*=").match(buffer, at)
            return self.accept(buffer, values.value(buffer, follows.end()), rule) if rule >= 0 and follows else []
        if window[-4:-1].lower() in (b" is", b"was", b"are") and mark in b" :":
            rule, _ = self.owner(window[:-4])
            told = TELLING.match(buffer, at)
            return self.accept(buffer, values.value(buffer, at), rule) if rule >= 0 and told else []
        rule, start = self.owner(window)
        if rule < 0:
            return []
        spans: list[values.Span] = []
        if mark == 0x2C:
            spans = self.after_comma(buffer, at, window, start)
        elif mark == 0x3E and window[-2:-1] in b"-=":
            spans = values.value(buffer, at)
        elif mark == 0x3E or mark == 0x3C:
            cell = values.CELL.match(buffer, at - 1 if mark == 0x3C else at)
            text = values.MARKUP.match(buffer, cell.end() if cell else at)
            if (mark == 0x3E or cell) and text:
                spans = [text.span(1)]
        elif mark == 0x28:
            spans = values.value(buffer, at) if values.QUOTE_NEXT.match(buffer, at) else []
        elif mark == 0x3B:
            serialized = values.SERIALIZED.match(buffer, at)
            spans = values.value(buffer, serialized.end()) if serialized else []
        elif mark == 0x7C:
            cell = CELL.match(buffer, at)
            spans = [cell.span(1)] if cell and window[:start].rstrip(b" \t").endswith(b"|") and cell.end(1) > cell.start(1) else []
        elif mark == 0x7D:
            opened = buffer.rfind(b"{", max(0, at - 4096), at)
            named = OBJECT_VALUE.search(buffer, opened, at) if opened >= 0 else None
            spans = [span for span in values.value(buffer, named.end()) if span[1] < at] if named else []
        elif mark in b" \t":
            flag = window[max(0, start - 1) : start + 1]
            if flag[-1:] == b"-" and flag[:1] in b" \t\n\"'-,[" and buffer[at : at + 1] not in b"-":
                spans = values.value(buffer, at)
        return self.accept(buffer, spans, rule)

    def after_comma(self, buffer: bytes, at: int, window: bytes, start: int) -> list[values.Span]:
        named = values.NAMED.match(buffer, at)
        if named:
            return values.value(buffer, named.end())
        quoted = window[-2:-1] in b"\"'`" or window.rstrip(b" ,")[-1:] in b"\"'`"
        if quoted and values.QUOTE_NEXT.match(buffer, at):
            return values.value(buffer, at)
        cell = COMMA_CELL.match(buffer, at)
        if not quoted and cell and window[max(0, start - 1) : start] in (b",", b"\t", b";"):
            return [cell.span()]
        return []

    def owner(self, window: bytes) -> tuple[int, int]:
        """(the rule that claims the key at the end of *window* or -1, where in the window the key starts)."""
        stripped = window.rstrip(SEPARATORS)
        plain = stripped.translate(NOT_KEY)
        key = plain.rpartition(b" ")[2]
        start = len(stripped) - len(key)
        rule = self.keys.verdict(key)
        if start > 1 and stripped[start - 1] == 0x20 and stripped[start - 2] not in b":=,;|>":
            spaced = SPACED.search(plain[-48:])
            if spaced:
                rule = self.keys.verdict(spaced[0])
        return rule, start

    def accept(self, buffer: bytes, spans: list[values.Span], rule: int) -> list[Found]:
        """Leave out placeholders, constants, what the rule's check does not believe, and the scheme of a credential."""
        from sanitizer.words import placeholder  # noqa: PLC0415 - loaded with the first key that is found

        found: list[Found] = []
        for begin, end in spans:
            scheme = SCHEMED.match(buffer, begin, end)
            start = scheme.end() if scheme else begin
            text = buffer[start:end]
            if text in values.CONSTANTS or placeholder(text):
                continue
            check = self.check(rule)
            if check is None or check(text):
                if len(text) >= values.LONG:
                    end = values.REST.match(buffer, end).end()  # type: ignore[union-attr] - matches the empty string
                found.append((start, end, rule))
        return found

    def check(self, rule: int) -> Callable[[bytes], bool] | None:
        if rule not in self.checks:
            from sanitizer.checks import CHECKS  # noqa: PLC0415

            name = self.rules[rule].check
            self.checks[rule] = CHECKS[name] if name else None
        return self.checks[rule]
