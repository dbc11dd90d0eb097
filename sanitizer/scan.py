"""Rules and a buffer give findings. The only module that knows Vectorscan, and `regex` where that has no wheel.

One pass over the buffer reports where a rule's anchor stands; at each such hit the rule's own pattern says what is redacted. The
two engines report the same hits, and everything after a hit is the same code.
"""

from __future__ import annotations

from typing import Protocol

from sanitizer.database import TOKEN, Compiled
from sanitizer.extents import Extent, extent_of
from sanitizer.finding import Finding, merged
from sanitizer.keyed import KeyedValues
from sanitizer.runs import Runs, TokenTest, tokens_by_regex

SHORT = 512
"""A hit inside a longer finding is not looked at: else inner hits could cost quadratic time."""


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


def ends_of(serialized: bytes) -> TokenTest:
    """Where the expressions of a serialized database match: the last byte of each."""
    import hyperscan  # noqa: PLC0415 - absent where it has no wheel

    database = hyperscan.loadb(serialized, mode=hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)

    def ends(text: bytes) -> list[int]:
        found: list[int] = []

        def on_match(_probe: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append(end - 1)

        database.scan(text, match_event_handler=on_match)
        return found

    return ends


class Regex:
    """Probe by probe, with `regex`: slower, and the same hits."""

    def __init__(self, compiled: Compiled, bits: int) -> None:
        import regex  # noqa: PLC0415 - slow to load

        self.probes = [
            (regex.compile(probe.expression, regex.V0 | regex.DOTALL), probe.width, number)
            for number, probe in enumerate(compiled.probes)
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
        self.runs = Runs(self.rules, ends_of(compiled.tokens) if use == "vectorscan" else tokens_by_regex)

    def find(self, buffer: bytes) -> list[Finding]:  # noqa: PLR0912 - the hot loop: a call for each branch would cost more than it
        """Findings in *buffer*, in order, none overlapping. The buffer begins and ends with a line feed.

        Afterwards `tokens` holds the places where a line may hold an encoded token (`views.ANCHORS`).
        """
        hits = self.engine.hits(buffer)
        hits.sort()
        found, tokens = self.runs.find(buffer)
        self.tokens = tokens
        apart = not found
        done, last = 0, -1
        bits, mask = self.bits, (1 << self.bits) - 1
        owners, extents = self.owners, self.extents
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
