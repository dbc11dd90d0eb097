"""Long runs: base64, hex, lists of bytes, raw binary. What has no fixed piece to look for, but stands out by its length.

The buffer is translated so that every character of an alphabet becomes one letter; a run of so many of that letter is found
several times faster than any automaton counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from sanitizer import views
from sanitizer.finding import Finding
from sanitizer.ruleset import Rule

ALPHABETS = {
    "base64": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-=",
    "list": b"0123456789, -",
}
PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\n\r\x1b"
IN_RUNS = tuple(anchor for anchor in views.ANCHORS if b"[ :-]" not in anchor)
"""Anchors of encoded tokens that stand in one run; these are looked for there."""

TOKEN = re.compile(b"|".join(b"(?:" + anchor + b")" for anchor in IN_RUNS), re.DOTALL)
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
TOKEN_LETTERS = b"a" * 14
"""A token is looked at more closely where it has so many letters and digits in a row: of base64 they are 62 in 64, of hex all."""

REACH = 1 << 20
"""Bytes after the start of a run in which its pattern may end: several lines of base64 are one match."""


def table(alphabet: bytes) -> bytes:
    return bytes(0x61 if code in alphabet else 0x20 for code in range(256))


class Runs:
    """Finds what the rules with `run` find, and where an encoded token may stand."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.groups: list[tuple[bytes, int, list[tuple[int, Rule]]]] = []
        for name, alphabet in ALPHABETS.items():
            members = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == name]
            if members:
                self.groups.append((table(alphabet), min(rule.run for _, rule in members), members))
        self.letters = table(LETTERS)
        self.binary = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == "binary"]
        self.patterns: dict[int, tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]] = {}

    def find(self, buffer: bytes) -> tuple[list[Finding], list[int]]:
        """Findings in *buffer*, in no order, and the places of possible tokens."""
        found: list[Finding] = []
        for translation, least, members in self.groups:
            translated = buffer.translate(translation)
            needle = b"a" * least
            at = translated.find(needle)
            while at >= 0:
                end = translated.find(b" ", at)
                for number, rule in members:
                    if end - at >= rule.run:
                        found += self.within(buffer, at, end, number, rule)
                at = translated.find(needle, max(end, at + 1))
        if self.binary and (not buffer.isascii() or buffer.translate(None, PRINTABLE)):
            for number, rule in self.binary:
                found += self.within(buffer, 0, len(buffer), number, rule)
        return found, self.tokens(buffer)

    def tokens(self, buffer: bytes) -> list[int]:
        """Places that may be of an encoded token."""
        tokens: list[int] = []
        translated = buffer.translate(self.letters)
        find, look = translated.find, TOKEN.search
        at = find(TOKEN_LETTERS)
        while at >= 0:
            end = find(b" ", at)
            before = buffer[max(0, at - 64) : at]
            begin = at - (len(before) - len(before.rstrip(ALPHABETS["base64"])))
            if look(buffer, max(0, begin - 1), end + 8):
                tokens.append(at)
            at = find(TOKEN_LETTERS, end)
        return tokens

    def within(self, buffer: bytes, start: int, end: int, number: int, rule: Rule) -> Iterator[Finding]:
        """Matches that begin between *start* and *end*."""
        compiled = self.patterns.get(number)
        if compiled is None:
            compiled = self.patterns[number] = compile_run(rule)
        pattern, group, check = compiled
        at = start
        while at < end:
            match = pattern.match(buffer, at, end + REACH) if rule.multiline else pattern.search(buffer, at, end)
            if match is None:
                return
            span = match.span(group)
            if check is None or check(buffer[span[0] : span[1]]):
                yield Finding(*span, number)
            at = max(match.end(), at + 1)


def compile_run(rule: Rule) -> tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]:
    from sanitizer.checks import CHECKS  # noqa: PLC0415 - loaded with the first run that is found

    pattern = re.compile((rule.pattern or "").encode(), re.DOTALL if rule.multiline else 0)
    return pattern, "secret" if "secret" in pattern.groupindex else 0, CHECKS[rule.check] if rule.check else None
