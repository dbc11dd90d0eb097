"""Allowlists: what is found and may pass. An exemption covers the part that it matches, never the rest of the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sanitizer.detection import context
from sanitizer.detection.extents import scoped
from sanitizer.finding import Finding
from sanitizer.rulesets.keys import words
from sanitizer.rulesets.ruleset import Allow, Rule, RuleError


class Exemptions:
    """Compiled allowlists. Raises `RuleError` for a pattern that does not compile."""

    def __init__(self, allow: Sequence[Allow], rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.entries = [(one, self.pattern(one)) for one in allow]

    def pattern(self, one: Allow) -> re.Pattern[bytes] | None:
        if not (one.values or one.patterns):
            return None
        try:
            parts = [*map(re.escape, one.values), *map(scoped, one.patterns)]
            return re.compile("|".join(parts).encode(), re.DOTALL)
        except re.error as fault:
            raise RuleError(f"allow: a pattern does not compile: {fault}") from None

    def apply(self, buffer: bytes, found: Sequence[Finding]) -> list[Finding]:
        """*found* without what is exempt."""
        return [left for finding in found for left in self.rest(buffer, finding)]

    def rest(self, buffer: bytes, finding: Finding) -> Iterator[Finding]:
        spans = [finding[:2]]
        for one, pattern in self.entries:
            if self.concerns(one, buffer, finding):
                spans = [left for span in spans for left in cut(buffer, span, pattern)]
        for start, end in spans:
            yield start, end, finding[2]

    def concerns(self, one: Allow, buffer: bytes, finding: Finding) -> bool:
        start, end, rule = finding
        if one.rules and self.rules[rule].id not in one.rules:
            return False
        if one.fields:
            key = words(context.field(buffer, start).encode())
            if not any(key[-len(words(name.encode())) :] == words(name.encode()) for name in one.fields):
                return False
        if one.tools:
            return context.tool(buffer[buffer.rfind(b"\n", 0, start) + 1 : buffer.find(b"\n", end)]) in one.tools
        return True


def cut(buffer: bytes, span: tuple[int, int], pattern: re.Pattern[bytes] | None) -> Iterator[tuple[int, int]]:
    """What of *span* the pattern leaves; no pattern means that all of it is exempt."""
    if pattern is None:
        return
    start, end = span
    done = start
    for match in pattern.finditer(buffer[start:end]):
        if match[0]:
            if start + match.start() > done:
                yield done, start + match.start()
            done = start + match.end()
    if done < end:
        yield done, end
