"""Rules and a buffer give findings. The only module that knows Vectorscan, and `regex` where that has no wheel.

One pass over the buffer reports where a rule's anchor stands; at each such hit the rule's own pattern says what is redacted. A
second pass looks at the long runs that are left. The two engines report the same hits, and everything after a hit is the same code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from sanitizer.detection.extents import Extent, Refused, extent_of
from sanitizer.detection.keyed import NOTHING, KeyedValues
from sanitizer.detection.runs import Runs
from sanitizer.finding import Finding, merged
from sanitizer.rulesets.database import DUMP, KEY, SHARED, TOKEN, Compiled, Probes

SHORT = 512
"""A hit inside a longer finding is not looked at: else inner hits could cost quadratic time."""


MOST_VAIN, VAIN_WITHIN = 8192, 1 << 16
"""Hits within so many bytes of one line that may lead to nothing. A key whose value is refused counts as two, any other as one, and
what lists and objects cost besides.

The densest of what programs write has a quarter of them; a line made of nothing else would take a second for each megabyte.
"""

NOT_LETTERS = bytes(set(range(256)) - set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))


class BoundError(Exception):
    """Raised for a text that would have to be followed further than is done: it is withheld. It says nothing of the text."""


class FloodError(BoundError):
    """Raised for a line that is made of beginnings of secrets and holds next to none: it is withheld."""


Match = Callable[[bytes, int], "re.Match[bytes] | None"]


class Engine(Protocol):
    """Reports each place where a probe matches, as `(place << bits) | probe`, in any order."""

    def hits(self, buffer: bytes) -> list[int]: ...


class Vectorscan:
    """All probes in one pass."""

    def __init__(self, probes: Probes, bits: int) -> None:
        import hyperscan  # noqa: PLC0415 - absent where it has no wheel

        self.database = hyperscan.loadb(probes.serialized, mode=hyperscan.HS_MODE_BLOCK)
        self.database.scratch = hyperscan.Scratch(self.database)
        self.shifts = tuple([number - (width << bits) for number, width in enumerate(probes.widths)])
        self.bits = bits

    def hits(self, buffer: bytes) -> list[int]:
        found: list[int] = []
        add, shifts, bits = found.append, self.shifts, self.bits

        def on_match(probe: int, _start: int, end: int, _flags: int, _context: object) -> None:
            add((end << bits) + shifts[probe])

        self.database.scan(buffer, match_event_handler=on_match)
        return found


class Regex:
    """Probe by probe, with `regex`: slower, and the same hits."""

    def __init__(self, probes: Probes, bits: int) -> None:
        import regex  # noqa: PLC0415 - slow to load

        self.probes = [
            (regex.compile(expression, regex.V0 | regex.DOTALL), width, number)
            for number, (expression, width) in enumerate(zip(probes.unpacked(), probes.widths, strict=True))
        ]
        self.bits = bits

    def hits(self, buffer: bytes) -> list[int]:
        bits = self.bits
        return [
            (match.end() - width) << bits | number
            for probe, width, number in self.probes
            for match in probe.finditer(buffer, overlapped=True)
        ]


class Pass:
    """One scan: its engine, and whose each of its probes is."""

    def __init__(self, probes: Probes, engine: str) -> None:
        self.bits = max(1, len(probes.owners).bit_length())
        self.owners, self.widths, self.groups = probes.owners, probes.widths, probes.groups
        self.engine: Engine = (Vectorscan if engine == "vectorscan" else Regex)(probes, self.bits)

    def hits(self, buffer: bytes) -> list[int]:
        """Each place where a probe matches, as `(place << bits) | probe`, in order."""
        found = self.engine.hits(buffer)
        found.sort()
        return found


class Signs(NamedTuple):
    """Places of a buffer that may be of an encoded token (`views.ANCHORS`), of what is spelled otherwise (`views.MARKS`),
    or of a row of a dump (`hexdump.ANCHORS`)."""

    tokens: list[int]
    marks: list[int]
    dumps: list[int]


class Scanner:
    """Finds what a compiled rule set finds. Not shared between threads; a worker process makes its own."""

    def __init__(self, compiled: Compiled, engine: str | None = None) -> None:
        self.rules = compiled.rules
        use = engine or ("vectorscan" if compiled.everywhere.serialized else "regex")
        self.everywhere = Pass(compiled.everywhere, use)
        self.in_runs = Pass(compiled.in_runs, use)
        self.of_calls, self.of_frames = Pass(compiled.of_calls, use), Pass(compiled.of_frames, use)
        self.extents: list[Extent | None] = [None] * len(self.rules)
        self.needs: dict[tuple[int, ...], Match] = {}
        self.refused = Refused()
        self.kinds = tuple([rule.label for rule in self.rules])
        self.general = tuple(["general" in rule.tags for rule in self.rules])
        self.keyed = KeyedValues(self.rules)
        self.signs = Signs([], [], [])
        self.apart = b"\n"
        self.vain = self.most_vain = 0
        self.runs = Runs(self.rules)

    def find(self, buffer: bytes, apart: bytes = b"\n", most_vain: int = 1 << 62) -> list[Finding]:
        """Findings in *buffer*, in order, none overlapping. The buffer begins and ends with a line feed.

        *apart* stands between what was read as lines of their own. Raises `FloodError` for one made of beginnings, or if more than
        *most_vain* hits in all lead to nothing; afterwards `vain` says how many did, and `signs` where a line may hold what only
        its views show.
        """
        self.signs = Signs([], [], [])
        self.apart, self.vain, self.most_vain = apart, 0, most_vain
        found, disjoint = self.follow(buffer, self.everywhere, self.everywhere.hits(buffer))
        if not disjoint:
            found = merged(found)
        more, hits = self.run_hits(buffer, found)
        if hits:
            more += self.follow(buffer, self.in_runs, hits)[0]
        return merged(found + more) if more else found

    def signs_of_calls(self, text: bytes) -> list[int]:
        """Where each of `calls.SIGNS` ends in *text*, in any order."""
        return [hit >> self.of_calls.bits for hit in self.of_calls.engine.hits(text)]

    def signs_of_frames(self, text: bytes) -> list[int]:
        """Where each of `calls.SIGNS` and `calls.SIGNS_OF_FRAMES` ends in *text*, in any order."""
        return [hit >> self.of_frames.bits for hit in self.of_frames.engine.hits(text)]

    def run_hits(self, buffer: bytes, known: Sequence[Finding]) -> tuple[list[Finding], list[int]]:
        """What long runs are by themselves, and the hits in those that are not *known*, as `Pass.hits` gives them."""
        found, texts = self.runs.find(buffer, known)
        self.signs.tokens.extend(texts.foreign)
        if not texts.pieces:
            return found, []
        bits = self.in_runs.bits
        mask = (1 << bits) - 1
        hits: set[int] = set()
        for hit in self.in_runs.engine.hits(texts.joined()):
            place = texts.locate(hit >> bits)
            if place >= 0:
                hits.add(place << bits | hit & mask)
        return found, sorted(hits)

    def follow(  # noqa: PLR0912, PLR0915 - the hot loop
        self, buffer: bytes, scan: Pass, hits: Sequence[int]
    ) -> tuple[list[Finding], bool]:
        """What the *hits* of *scan* lead to, in the order of hits, and whether no finding overlaps another."""
        found: list[Finding] = []
        add = found.append
        apart = True
        done = last = asked = missed = vain = since = 0
        kind = ""
        bits, mask = scan.bits, (1 << scan.bits) - 1
        owners, widths, extents, kinds, general = scan.owners, scan.widths, self.extents, self.kinds, self.general
        for hit in hits:
            at = hit >> bits
            probe = hit & mask
            rule = owners[probe]
            if rule >= 0:
                if last <= at < done and (
                    done - last > SHORT or (at + widths[probe] <= done and (general[rule] or kinds[rule] == kind))
                ):
                    continue
                extent = extents[rule]
                if extent is None:
                    extent = extents[rule] = extent_of(self.rules[rule], self.refused)
                span = extent(buffer, at, done if at >= done else last if at >= last else 0)
                if span is None:
                    if at > missed + 3:  # what two rules look for from about the same place counts once
                        missed = at
                        vain += 1
                        if vain > MOST_VAIN:
                            vain, since = self.withstand(buffer, since, at)
                    continue
                start, end = span
                if start >= done:
                    last, done, kind = start, end, kinds[rule]
                else:
                    apart = False
                    if end > done:
                        last, done, kind = min(start, last), end, kinds[rule]
                add((start, end, rule))
            elif DUMP <= rule <= TOKEN:
                self.signs[TOKEN - rule].append(at)
            elif (at != asked or rule != KEY) and (at >= done or at < last or done - last <= SHORT):
                if rule == KEY:
                    asked = at  # one key is often hit twice: as what it is, and as what it ends with
                    here = self.keyed.find(buffer, at)
                    vain += self.keyed.weigh(here, at, last, done) if here is not NOTHING else 0
                else:
                    here = self.shared(buffer, at, scan.groups[SHARED - rule])
                    vain += not here
                if vain > MOST_VAIN:
                    vain, since = self.withstand(buffer, since, at)
                for finding in here:
                    start, end, rule = finding
                    if start >= done:
                        last, done, kind = start, end, kinds[rule]
                    else:
                        apart = False
                        if end > done:
                            last, done, kind = min(start, last), end, kinds[rule]
                    add(finding)
        self.vain += vain
        return found, apart

    def shared(self, buffer: bytes, at: int, group: tuple[int, ...]) -> list[Finding]:
        """What the rules of a *group* find, whose anchor stands *at*."""
        needs = self.needs.get(group)
        if needs is None:
            needs = self.needs[group] = re.compile((self.rules[group[0]].needs or "").encode()).match
        if needs(buffer, at) is None:
            return NOTHING
        found: list[Finding] = []
        for rule in group:
            extent = self.extents[rule]
            if extent is None:
                extent = self.extents[rule] = extent_of(self.rules[rule], self.refused)
            span = extent(buffer, at, 0)
            if span is not None:
                found.append((*span, rule))
        return found

    def withstand(self, buffer: bytes, since: int, at: int) -> tuple[int, int]:
        """Begin to count vain hits anew *at* this place. Raises `FloodError` if those *since* another are too many for their line.

        Numbers in a row are no flood: results hold them by the ten thousand.
        """
        self.vain += MOST_VAIN
        text = buffer[since:at]
        if self.vain > self.most_vain:
            raise FloodError
        if len(text) < VAIN_WITHIN and self.apart not in text and 8 * len(text.translate(None, NOT_LETTERS)) > len(text):
            raise FloodError
        return 0, at
