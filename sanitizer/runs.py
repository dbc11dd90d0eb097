"""Long runs: base64, hex, lists of bytes, raw binary. What has no fixed piece to look for, but stands out by its length.

The buffer is translated so that every character of an alphabet becomes one letter; a run of so many of that letter is found
several times faster than any automaton counts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

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
LONG_WORD = b"a" * 14
"""A run is looked at more closely where it has so many letters and digits in a row: of base64 they are 62 in 64, of hex all."""

OUTSIDE = re.compile(rb"[^A-Za-z0-9+/_=\-]")

REACH = 1 << 20
"""Bytes after the start of a run in which its pattern may end: several lines of base64 are one match."""


def table(alphabet: bytes) -> bytes:
    return bytes(0x61 if code in alphabet else 0x20 for code in range(256))


TokenTest = Callable[[bytes], Iterable[int]]
"""Given runs joined by line feeds, the places in them where an encoded token may stand."""


def tokens_by_regex(text: bytes) -> Iterable[int]:
    """The slow way, where Vectorscan has no wheel."""
    return [match.start() for match in TOKEN.finditer(text)]


class Runs:
    """Finds what the rules with `run` find, and where an encoded token may stand."""

    def __init__(self, rules: Sequence[Rule], is_token: TokenTest) -> None:
        self.is_token = is_token
        self.base64 = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == "base64"]
        self.lists = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == "list"]
        self.letters = table(LETTERS)
        self.list_table = table(ALPHABETS["list"])
        self.binary = [(number, rule) for number, rule in enumerate(rules) if rule.run and rule.alphabet == "binary"]
        self.patterns: dict[int, tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]] = {}

    def find(self, buffer: bytes) -> tuple[list[Finding], list[int]]:
        """Findings in *buffer*, in no order, and the places of possible tokens."""
        found: list[Finding] = []
        tokens: list[int] = []
        wanted = [(number, rule) for number, rule in self.base64 if not rule.keywords or mentioned(rule, buffer)]
        self.look_for_base64(buffer, wanted, found, tokens)
        if self.lists:
            translated = buffer.translate(self.list_table)
            needle = b"a" * min(rule.run for _, rule in self.lists)
            at = translated.find(needle)
            while at >= 0:
                end = translated.find(b" ", at)
                for number, rule in self.lists:
                    found += self.within(buffer, at, end, number, rule)
                at = translated.find(needle, end)
        if self.binary and (not buffer.isascii() or buffer.translate(None, PRINTABLE)):
            for number, rule in self.binary:
                found += self.within(buffer, 0, len(buffer), number, rule)
        return found, tokens

    def look_for_base64(self, buffer: bytes, rules: Sequence[tuple[int, Rule]], found: list[Finding], tokens: list[int]) -> None:
        """Look more closely around every run of letters and digits that no word is as long as."""
        translated = buffer.translate(self.letters)
        find, least = translated.find, min((rule.run for _, rule in rules), default=1 << 62)
        base64, outside = ALPHABETS["base64"], OUTSIDE.search
        seen: list[bytes] = []
        places: list[int] = []
        at = find(LONG_WORD)
        while at >= 0:
            end = find(b" ", at)
            before = buffer[max(0, at - 64) : at]
            begin = at - (len(before) - len(before.rstrip(base64)))
            seen.append(buffer[max(0, begin - 1) : end + 8])
            places.append(at)
            stop = outside(buffer, end).start()  # type: ignore[union-attr]  # the buffer ends with a line feed
            if stop - begin >= least:
                for number, rule in rules:
                    if stop - begin >= rule.run:
                        found += self.within(buffer, begin, stop, number, rule)
                end = max(end, stop)
            at = find(LONG_WORD, end)
        if seen:
            starts = [0, *accumulate(len(text) + 1 for text in seen)]
            tokens += sorted(
                {places[bisect_right(starts, place) - 1] for place in self.is_token(b"\n".join(seen)) if place < starts[-1]}
            )

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
            if rule.keywords and not mentioned(rule, buffer[max(0, span[0] - rule.within) : span[0]]):
                at = match.end()
                continue
            if check is None or check(buffer[span[0] : span[1]]):
                yield Finding(*span, number)
            at = max(match.end(), at + 1)


def mentioned(rule: Rule, text: bytes) -> bool:
    """Whether a keyword of *rule* stands in *text*, in lower or in upper case."""
    return any(word.lower().encode() in text or word.upper().encode() in text for word in rule.keywords)


def compile_run(rule: Rule) -> tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]:
    from sanitizer.checks import CHECKS  # noqa: PLC0415 - loaded with the first run that is found

    pattern = re.compile((rule.pattern or "").encode(), re.DOTALL if rule.multiline else 0)
    return pattern, "secret" if "secret" in pattern.groupindex else 0, CHECKS[rule.check] if rule.check else None
