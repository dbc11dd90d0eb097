"""Long runs of letters and digits: no word is as long, so what shows nothing else by which to find it is looked for in them alone.

The buffer is translated so that every letter and digit becomes one letter; a run of so many of that letter is found several times
faster than any automaton counts. The runs of a buffer, joined, are scanned for the probes that need one. Base64 and hex of great
length, lists of bytes and raw binary are told by their length.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import accumulate

from sanitizer import patterns
from sanitizer.disguises.foreign import CONTROLS, LIKELY, foreign, is_telling
from sanitizer.finding import BETWEEN_TEXTS, Finding
from sanitizer.rulesets import anchors
from sanitizer.rulesets.ruleset import Rule

ALPHABETS = {
    "base64": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-=",
    "list": b"0123456789, -",
}
BASE64 = frozenset(ALPHABETS["base64"])
LONG_WORD = b"a" * anchors.RUN
AROUND = anchors.WIDEST + 1 - anchors.RUN
"""Bytes before and after a run that are looked at with it: no anchor with a run in it reaches further."""

REACH_BACK = 320
"""Bytes before a run in which its base64 may begin: what is longer holds a run there, too."""

OUTSIDE = patterns.lazy(rb"[^A-Za-z0-9+/_=\-]")

REACH = 1 << 20
"""Bytes after the start of a run in which its pattern may end: several lines of base64 are one match."""

JUDGED, AGAIN = 8192, 16
"""Bytes of several lines by which they are judged. Where these are none, a place so many times nearer may begin others."""

STRIDE = 5
"""Of a list of bytes one character in so many is looked at first."""

UNLETTERED = patterns.lazy(rb"[^A-Za-z]{3,}")


CONTROL = b"\x01"
"""What each of `foreign.CONTROLS` is translated to, where it must be told from other marks."""


def table(alphabet: bytes) -> bytes:
    return bytes(0x61 if code in alphabet else 0x20 for code in range(256))


LETTERS = table(bytes(anchors.LETTERS))
LETTERS_AND_CONTROLS = bytes(CONTROL[0] if code in CONTROLS else LETTERS[code] for code in range(256))
LIST = table(ALPHABETS["list"])
ASCII_TEXT = bytes(set(range(128)) - set(CONTROLS) - {0x0A} | {0x7F})
TEXT = ASCII_TEXT + bytes(range(128, 256))
"""What is no sign of raw binary: printable ASCII and blanks, and where all else is UTF-8 that, too."""


class Texts:
    """Pieces of a buffer, joined by line feeds, and where each place of them stands in the buffer."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.places: list[int] = []
        self.starts: list[int] = []
        self.foreign: list[int] = []
        """Where in the buffer runs begin that may be encoded text of another script (`sanitizer.disguises.foreign`)."""

    def add(self, piece: bytes, place: int) -> None:
        self.pieces.append(piece)
        self.places.append(place)

    def joined(self) -> bytes:
        """All of them, each between line feeds."""
        self.starts = list(accumulate((len(piece) + 1 for piece in self.pieces), initial=1))
        return b"\n" + b"\n".join(self.pieces) + b"\n"

    def locate(self, at: int) -> int:
        """Where in the buffer the place *at* of `joined()` stands; -1 for one between two pieces."""
        number = bisect_right(self.starts, at) - 1
        if not 0 <= number < len(self.pieces):
            return -1
        offset = at - self.starts[number]
        return self.places[number] + offset if offset < len(self.pieces[number]) else -1


class Runs:
    """Finds runs, and what the rules with `run` find."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        numbered = [(number, rule) for number, rule in enumerate(rules) if rule.run]
        self.by_length = sorted(
            ((rule.run, number, rule) for number, rule in numbered if rule.alphabet == "base64"), key=lambda each: each[:2]
        )
        self.with_keywords = {number for number, rule in numbered if rule.keywords}
        self.lists = [(number, rule) for number, rule in numbered if rule.alphabet == "list"]
        self.binary = [(number, rule) for number, rule in numbered if rule.alphabet == "binary"]
        self.samples = b"a" * (min((rule.run for _, rule in self.lists), default=STRIDE) // STRIDE)
        self.patterns: dict[int, tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]] = {}

    def find(self, buffer: bytes, known: Sequence[Finding]) -> tuple[list[Finding], Texts]:
        """Findings in *buffer*, in no order, and its runs. Runs within what is *known*, in order, are left out."""
        found: list[Finding] = []
        translated = buffer.translate(LETTERS_AND_CONTROLS)
        has_controls = CONTROL in translated
        texts = self.look_for_runs(buffer, buffer.translate(LETTERS) if has_controls else translated, known, found)
        if self.lists and buffer[::STRIDE].translate(LIST).find(self.samples) >= 0:
            found += self.look_for_lists(buffer)
        if self.binary and (has_controls or not is_utf8(buffer)):
            found += self.look_for_binary(buffer)
        return found, texts

    def look_for_runs(self, buffer: bytes, translated: bytes, known: Sequence[Finding], found: list[Finding]) -> Texts:
        texts = Texts()
        add, place = texts.pieces.append, texts.places.append
        lengthy = Lengthy(self, buffer, found)
        base64, outside, alphabet = BASE64, OUTSIDE.search, ALPHABETS["base64"]
        find = translated.find
        spans = iter(known)
        begun, done, _ = next(spans, (1 << 62, 1 << 62, 0))
        settled = 0
        at = find(LONG_WORD)
        while at >= 0:
            end = find(b" ", at)
            while done < end:
                begun, done, _ = next(spans, (1 << 62, 1 << 62, 0))
            if (begun <= at and buffer[end] not in base64) or end <= lengthy.covered:
                at = find(LONG_WORD, end)
                continue
            if is_telling(buffer, at, end) and LIKELY.match(buffer, at, end) and foreign(buffer, at, end) >= 0:
                texts.foreign.append(at)
            # What stands on other lines is theirs: a hit there would depend on whose neighbours they are.
            start = at - AROUND if at > AROUND else 0
            start = max(start, buffer.rfind(b"\n", start, at))
            add(buffer[start : buffer.find(b"\n", end, end + AROUND) + 1 or end + AROUND])
            place(start)
            if end > settled and (end - at >= lengthy.least or buffer[end] in base64 or buffer[at - 1] in base64):
                before = buffer[max(0, at - REACH_BACK) : at]
                begin = at - (len(before) - len(before.rstrip(alphabet)))
                stop = outside(buffer, end).start()  # type: ignore[union-attr]  # the buffer ends with a line feed
                if stop - begin >= lengthy.least:
                    lengthy.look(begin, stop)
                settled = stop
            at = find(LONG_WORD, end)
        return texts

    def look_for_lists(self, buffer: bytes) -> Iterator[Finding]:
        translated = buffer.translate(LIST)
        needle = b"a" * min(rule.run for _, rule in self.lists)
        at = translated.find(needle)
        while at >= 0:
            end = translated.find(b" ", at)
            for number, rule in self.lists:
                yield from self.within(buffer, at, end, number, rule)
            at = translated.find(needle, end)

    def look_for_binary(self, buffer: bytes) -> Iterator[Finding]:
        """What the rules for raw binary find in the lines that have enough bytes that are no text."""
        counts = list(map(len, buffer.translate(None, TEXT if is_utf8(buffer) else ASCII_TEXT).split(b"\n")))
        if max(counts) < min(rule.run for _, rule in self.binary):
            return
        start = 0
        for line, count in zip(buffer.split(b"\n"), counts, strict=True):
            for number, rule in self.binary:
                if count >= rule.run:
                    yield from self.within(buffer, start, start + len(line), number, rule)
            start += len(line) + 1

    def over_lines(self, buffer: bytes, at: int, number: int) -> tuple[Finding | None, int]:
        """What begins at *at* and goes on over lines, and from where on there may be another: its beginning tells what it is."""
        pattern, _, check = self.compiled(number)
        begun = pattern.match(buffer, at, at + JUDGED)
        if begun is None:
            return None, at
        if check is not None and not check(begun[0]):
            return None, at + JUDGED // AGAIN
        end = pattern.match(buffer, at, at + REACH).end()  # type: ignore[union-attr]  # it goes on, if anything
        return (at, end, number), end

    def within(self, buffer: bytes, start: int, end: int, number: int, rule: Rule) -> Iterator[Finding]:
        """Matches that begin between *start* and *end*."""
        pattern, group, check = self.compiled(number)
        at = start
        while at < end:
            match = pattern.search(buffer, at, end)
            if match is None:
                return
            span = match.span(group)
            if rule.keywords and not mentioned(rule, buffer[max(0, span[0] - rule.within) : span[0]].rpartition(BETWEEN_TEXTS)[2]):
                at = match.end()
                continue
            if check is None or check(buffer[span[0] : span[1]]):
                yield (*span, number)
            at = max(match.end(), at + 1)

    def compiled(self, number: int) -> tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]:
        """The pattern of a rule, its group and its check: compiled when it is first needed."""
        known = self.patterns.get(number)
        if known is None:
            known = self.patterns[number] = compile_run(self.rules[number])
        return known


class Lengthy:
    """What is told by its length in *buffer*, added to *found*. `covered` is how far something over several lines goes."""

    def __init__(self, runs: Runs, buffer: bytes, found: list[Finding]) -> None:
        self.runs = runs
        self.buffer = buffer
        self.found = found
        self.rules = runs.by_length
        self.unsure = runs.with_keywords.copy()
        self.least = self.rules[0][0] if self.rules else 1 << 62
        self.covered = self.passed = 0

    def look(self, start: int, end: int) -> None:
        """See what a run of base64 is."""
        for run, number, rule in self.rules:
            if end - start < run:
                return
            if number in self.unsure and not self.is_mentioned(number, rule):
                continue
            if not rule.multiline:
                self.found += self.runs.within(self.buffer, start, end, number, rule)
            elif start >= self.passed:
                blob, self.passed = self.runs.over_lines(self.buffer, start, number)
                if blob is not None:
                    self.found.append(blob)
                    self.covered = self.passed

    def is_mentioned(self, number: int, rule: Rule) -> bool:
        """What is mentioned nowhere in the buffer need not be looked for at each run."""
        self.unsure.remove(number)
        if mentioned(rule, self.buffer):
            return True
        self.rules = [each for each in self.rules if each[1] != number]
        self.least = self.rules[0][0] if self.rules else 1 << 62
        return False


def is_utf8(buffer: bytes) -> bool:
    if buffer.isascii():
        return True
    try:
        buffer.decode()
    except UnicodeDecodeError:
        return False
    return True


def mentioned(rule: Rule, text: bytes) -> bool:
    """Whether a keyword of *rule* stands in *text*, in lower or in upper case."""
    return any(sign in text and (lower in text or upper in text) for sign, lower, upper in spellings(rule.keywords))


@cache
def spellings(keywords: tuple[str, ...]) -> tuple[tuple[bytes, bytes, bytes], ...]:
    """Of each keyword what it holds in either case (of a few marks it is soonest told that they are not there), and both cases."""
    found = []
    for word in keywords:
        lower, upper = word.lower().encode(), word.upper().encode()
        found.append((max(UNLETTERED.findall(lower), key=len, default=b""), lower, upper))
    return tuple(found)


def compile_run(rule: Rule) -> tuple[re.Pattern[bytes], str | int, Callable[[bytes], bool] | None]:
    from sanitizer.validators.checks import CHECKS  # noqa: PLC0415 - loaded with the first run that is found

    pattern = re.compile((rule.pattern or "").encode(), re.DOTALL if rule.multiline else 0)
    return pattern, "secret" if "secret" in pattern.groupindex else 0, CHECKS[rule.check] if rule.check else None
