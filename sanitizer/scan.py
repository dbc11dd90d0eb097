"""Rules and a buffer give findings. The only module that knows Vectorscan, and `regex` where that has no wheel.

One pass over the buffer reports where a rule's anchor stands; at each such hit the rule's own pattern says what is redacted. The
two engines report the same hits, and everything after a hit is the same code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from sanitizer.database import TOKEN, Compiled
from sanitizer.keyed import KeyedValues
from sanitizer.ruleset import Rule, RuleError

Extent = Callable[[bytes, int, int], "tuple[int, int] | None"]
"""(buffer, where the hit is, where the last finding ended) → what to redact."""

BEFORE = 320
"""Bytes looked at before an anchor for the start of its match (RFC 5321 allows a mailbox 64 and a domain 255)."""

SHORT = 512
"""A hit inside a finding is looked at only if the finding is shorter than so many bytes: else inner hits could cost quadratic time."""


class Finding(NamedTuple):
    """`buffer[start:end]` is to be redacted as rule number `rule` says."""

    start: int
    end: int
    rule: int


class Engine(Protocol):
    """Reports each place where a probe matches, as `(place << bits) | probe`, in any order."""

    def hits(self, buffer: bytes) -> list[int]: ...


class Vectorscan:
    """All probes in one pass."""

    def __init__(self, compiled: Compiled, bits: int) -> None:
        import hyperscan  # noqa: PLC0415 - absent where it has no wheel

        self.database = hyperscan.loadb(compiled.serialized, mode=hyperscan.HS_MODE_BLOCK)
        self.database.scratch = hyperscan.Scratch(self.database)
        self.widths = tuple(probe.width for probe in compiled.probes)
        self.bits = bits

    def hits(self, buffer: bytes) -> list[int]:
        found: list[int] = []
        add, widths, bits = found.append, self.widths, self.bits

        def on_match(probe: int, _start: int, end: int, _flags: int, _context: object) -> None:
            add((end - widths[probe]) << bits | probe)

        self.database.scan(buffer, match_event_handler=on_match)
        return found


class Regex:
    """Probe by probe, with `regex`: slower, and the same hits."""

    def __init__(self, compiled: Compiled, bits: int) -> None:
        import regex  # noqa: PLC0415 - slow to load

        self.probes = [
            (regex.compile(probe.expression, regex.V0 | regex.DOTALL), probe.width, number) for number, probe in enumerate(compiled.probes)
        ]
        self.bits = bits

    def hits(self, buffer: bytes) -> list[int]:
        bits = self.bits
        return [
            (match.end() - width) << bits | number
            for probe, width, number in self.probes
            for match in probe.finditer(buffer, overlapped=True)
        ]


class Scanner:
    """Finds what a compiled rule set finds. Not shared between threads; a worker process makes its own."""

    def __init__(self, compiled: Compiled, engine: str | None = None) -> None:
        self.rules = compiled.rules
        self.bits = max(1, len(compiled.probes).bit_length())
        self.owners = tuple(probe.rule for probe in compiled.probes)
        use = engine or ("vectorscan" if compiled.serialized else "regex")
        self.engine: Engine = Vectorscan(compiled, self.bits) if use == "vectorscan" else Regex(compiled, self.bits)
        self.extents: list[Extent | None] = [None] * len(self.rules)
        self.keyed = KeyedValues(self.rules)
        self.tokens: list[int] = []

    def find(self, buffer: bytes) -> list[Finding]:
        """Findings in *buffer*, in order, none overlapping. The buffer begins and ends with a line feed.

        Afterwards `tokens` holds the places where a line may hold an encoded token (`views.ANCHORS`).
        """
        hits = self.engine.hits(buffer)
        hits.sort()
        found: list[Finding] = []
        done, last = 0, -1
        bits, mask = self.bits, (1 << self.bits) - 1
        owners, extents = self.owners, self.extents
        tokens = self.tokens = []
        apart = True
        for hit in hits:
            at = hit >> bits
            rule = owners[hit & mask]
            if rule == TOKEN:
                tokens.append(at)
                continue
            if last <= at < done and done - last > SHORT:
                continue
            if rule >= 0:
                extent = extents[rule]
                if extent is None:
                    extent = extents[rule] = extent_of(self.rules[rule])
                span = extent(buffer, at, done if at >= done else max(last, 0))
                if span is None:
                    continue
                start, end = span
                if start >= done:
                    last, done = start, end
                else:
                    apart = False
                    if end > done:
                        last, done = min(start, last), end
                found.append(Finding(start, end, rule))
            else:
                for start, end, by in self.keyed.find(buffer, at):
                    if start >= done:
                        last, done = start, end
                    else:
                        apart = False
                        if end > done:
                            last, done = min(start, last), end
                    found.append(Finding(start, end, by))
        return found if apart else merged(found)


def merged(found: list[Finding]) -> list[Finding]:
    """In order, and what overlaps made one, called by the longest one's name (of equals, the first in the rules' order)."""
    out: list[Finding] = []
    longest = 0
    for finding in sorted(found):
        start, end, rule = finding
        if out and start < out[-1].end:
            before = out[-1]
            if end - start > longest:
                longest = end - start
                out[-1] = Finding(before.start, max(before.end, end), rule)
            elif end > before.end:
                out[-1] = Finding(before.start, end, before.rule)
        else:
            out.append(finding)
            longest = end - start
    return out


def extent_of(rule: Rule) -> Extent:
    """How a hit of *rule* becomes a span. Compiled at its first hit: most rules never have one."""
    try:
        pattern = re.compile(whole(rule), re.DOTALL if rule.multiline else 0)
    except re.error as fault:
        raise RuleError(f"{rule.file}: rule {rule.id!r}: its pattern does not compile: {fault}") from None
    group = "secret" if "secret" in pattern.groupindex else 0
    match = pattern.match
    if rule.before or rule.anchor:
        extent = reaching_back(rule, pattern, group)
    elif group:

        def extent(buffer: bytes, at: int, _done: int) -> tuple[int, int] | None:
            found = match(buffer, at)
            return found.span(group) if found else None
    else:

        def extent(buffer: bytes, at: int, _done: int) -> tuple[int, int] | None:
            found = match(buffer, at)
            return found.span() if found else None

    if rule.check or rule.entropy or rule.keywords:
        return judged(rule, extent)
    return extent


FLAGS = re.compile(r"\s*\(\?([aimsx]+)\)")


def scoped(pattern: str) -> str:
    """*pattern* with its global flags put around it, so that it can stand beside another."""
    flags = FLAGS.match(pattern)
    if flags is None:
        return f"(?:{pattern})"
    end = "\n)" if "x" in flags[1] else ")"
    return f"(?{flags[1]}:{pattern[flags.end() :]}{end}"


def whole(rule: Rule) -> bytes:
    """The pattern of *rule*, with its lead before it."""
    if rule.lead is None or rule.pattern is None:
        return (rule.pattern or "").encode()
    value = scoped(rule.pattern) if "(?P<secret>" in rule.pattern else f"(?P<secret>{scoped(rule.pattern)})"
    return (scoped(rule.lead) + value).encode()


def reaching_back(rule: Rule, pattern: re.Pattern[bytes], group: str | int) -> Extent:
    """A match that begins with any number of `before` characters ahead of its anchor."""
    before = rule.before.encode() + (bytes(range(0x80, 0x100)) if "\\x80-\\xff" in (rule.pattern or "") else b"")
    search = pattern.search

    def extent(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        window = buffer[max(done, at - BEFORE) : at]
        start = at - (len(window) - len(window.rstrip(before)))
        found = search(buffer, start, at + 2 * BEFORE)
        if found is None or found.start() > at + 1 or found.end() <= at:
            return None
        return found.span(group)

    return extent


def judged(rule: Rule, extent: Extent) -> Extent:
    """The same, if keyword, entropy and validator agree."""
    from sanitizer.checks import CHECKS  # noqa: PLC0415 - loaded with the first rule that needs it
    from sanitizer.words import entropy  # noqa: PLC0415

    keywords = [word.lower().encode() for word in rule.keywords]
    check = CHECKS[rule.check] if rule.check else None
    within, least = rule.within, rule.entropy

    def with_checks(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        if keywords:
            near = buffer[max(0, at - within) : at].lower()
            if not any(word in near for word in keywords):
                return None
        span = extent(buffer, at, done)
        if span is None:
            return None
        text = buffer[span[0] : span[1]]
        if (least and entropy(text) < least) or (check is not None and not check(text)):
            return None
        return span

    return with_checks
