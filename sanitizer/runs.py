"""Long runs: base64, hex, lists of bytes, raw binary. What has no fixed piece to look for, but stands out by its length.

The buffer is translated so that every character of an alphabet becomes one letter; a run of so many of that letter is found
several times faster than any automaton counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from sanitizer.finding import Finding
from sanitizer.ruleset import Rule

ALPHABETS = {
    "base64": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-=",
    "list": b"0123456789, -",
}
PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\n\r\x1b"
REACH = 1 << 20
"""Bytes after the start of a run in which its pattern may end: several lines of base64 are one match."""


def table(alphabet: bytes) -> bytes:
    return bytes(0x61 if code in alphabet else 0x20 for code in range(256))


class Runs:
    """Finds what the rules with `run` find."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.groups: list[tuple[bytes, int, list[tuple[int, Rule]]]] = []
        for name, alphabet in ALPHABETS.items():
            members = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == name]
            if members:
                self.groups.append((table(alphabet), min(rule.run for _, rule in members), members))
        self.binary = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == "binary"]
        self.patterns: dict[int, tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]] = {}

    def find(self, buffer: bytes) -> list[Finding]:
        found: list[Finding] = []
        for translation, least, members in self.groups:
            translated = buffer.translate(translation)
            needle = b"a" * least
            at = translated.find(needle)
            while at >= 0:
                end = translated.find(b" ", at)
                for number, rule in members:
                    found += self.within(buffer, at, end, number, rule)
                at = translated.find(needle, max(end, at + 1))
        if self.binary and (not buffer.isascii() or buffer.translate(None, PRINTABLE)):
            for number, rule in self.binary:
                found += self.within(buffer, 0, len(buffer), number, rule)
        return found

    def within(self, buffer: bytes, start: int, end: int, number: int, rule: Rule) -> Iterator[Finding]:
        """Matches that begin between *start* and *end*."""
        compiled = self.patterns.get(number)
        if compiled is None:
            compiled = self.patterns[number] = compile_run(rule)
        pattern, group, check = compiled
        if end - start < rule.run:
            return
        at = start
        while at < end:
            match = pattern.search(buffer, at, min(len(buffer), end + REACH) if rule.multiline else end)
            if match is None or match.start() >= end:
                return
            span = match.span(group)
            if check is None or check(buffer[span[0] : span[1]]):
                yield Finding(*span, number)
            at = max(match.end(), at + 1)


def compile_run(rule: Rule) -> tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]:
    from sanitizer.checks import CHECKS  # noqa: PLC0415 - loaded with the first run that is found

    pattern = re.compile((rule.pattern or "").encode(), re.DOTALL if rule.multiline else 0)
    return pattern, "secret" if "secret" in pattern.groupindex else 0, CHECKS[rule.check] if rule.check else None
