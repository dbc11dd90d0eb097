"""Lines in, the same number of lines out, redacted. Pure.

All lines are scanned as one buffer. Lines that show a disguise are scanned once more in their decoded views, all of them as
one buffer too, and so on to a fixpoint; a finding in a view is mapped back and redacts what carries it in the original. Then the
buffer is spliced once. A JSON line stays JSON: where a plain splice would break it, findings are fitted to its strings and numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from sanitizer import patterns
from sanitizer.detection.disguise import Disguises, line_starts
from sanitizer.detection.exemptions import Exemptions
from sanitizer.detection.repeats import Repeats, tracebacks
from sanitizer.detection.scan import Scanner
from sanitizer.disguises.decoding import Span
from sanitizer.finding import Finding, merged
from sanitizer.record import Join
from sanitizer.redaction import members
from sanitizer.redaction.actions import Replace, mask_of
from sanitizer.text import masks

RULE = itemgetter(2)
JSON_TOKEN = patterns.lazy(rb'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*|true|false|null', re.S)
NUMBERS = patterns.lazy(rb"-?\d[\d.eE+-]*(?:\s*,\s*-?\d[\d.eE+-]*)+")
ESCAPE = patterns.lazy(rb"\\(?:u[0-9A-Fa-f]{4}|.)", re.S)
MARK = patterns.lazy(rb"%(?:2[0-9A-Fa-f]|3[A-Fa-f]|5[B-Fb-f]|7[B-Eb-e])")
"""A mark in percent-encoding (RFC 3986, section 2.1): no part of what stands behind it."""
COLOUR = patterns.lazy(rb"(?:(?<=\x1b)|(?<=\\u001[bB])|(?<=\\x1[bB])|(?<=\\033))\[[\d;]{0,32}m")
"""What follows the escape of a colour (ECMA-48, section 8.3.117), however that is spelled."""
COLOUR_REACH = 34
"""Bytes of the longest of them."""

NAMED = patterns.lazy(rb"[A-Za-z_][\w.-]{1,63}=")
FURTHER = patterns.lazy(rb"[&?][A-Za-z_][\w.-]{1,63}=\Z")
"""The name of a field of a query, and what stands before it..."""
LONGEST_NAME = 66
"""... and its bytes at most."""

any_json = msgspec.json.Decoder(msgspec.Raw)


class Redacted(NamedTuple):
    """`lines` are clean. `counts` by rule number. `found` are the findings in order, in `buffer`, which holds what was redacted: it
    goes into keyed digests and reports of names, and no further."""

    lines: list[bytes]
    counts: Counter[int]
    found: Sequence[Finding] = ()
    buffer: bytes = b""


class Redactor:
    """Redacts lines with one rule set and one key."""

    def __init__(self, scanner: Scanner, replace: Sequence[Replace], exemptions: Exemptions | None = None) -> None:
        self.scanner = scanner
        self.replace = replace
        self.masks = [mask_of(rule) if rule.action == "mask" else b"" for rule in scanner.rules]
        self.exemptions = exemptions
        self.disguises = Disguises(scanner)
        self.repeats = Repeats(scanner.rules)

    def redact(self, lines: Sequence[bytes], joins: Sequence[Join] = (), records: Sequence[tuple[int, int]] = ()) -> Redacted:
        """Redact *lines* (no line ends inside). The result has as many. *records* of several: the first one, how many."""
        buffer = b"\n" + b"\n".join(lines) + b"\n"
        if is_masked := masks.are_in(buffer):
            text = masks.walled(buffer)
            found, hidden = self.find(text, text[1:-1].split(b"\n"), joins, is_walled=True)
        else:
            found, hidden = self.find(buffer, lines, joins)
        if hidden and (new := [each for each in set(hidden).difference(found) if not masks.is_drawn(buffer, each[0], each[1])]):
            found = merged([*found, *(beyond_names(buffer, found, new) if b"=" in buffer else new)])
        if not found:
            return Redacted(list(lines), Counter())
        if b"\\" in buffer or b"%" in buffer or b"\x1b" in buffer:
            found = aligned(buffer, found)
        found = self.repeats.add(buffer, found, record_spans(lines, records) or tracebacks(buffer))
        if is_masked:
            found = [(*part, rule) for start, end, rule in found for part in masks.beside(buffer, start, end)]
        if self.exemptions:
            found = self.exemptions.apply(buffer, found)
        out = self.splice(buffer, found)[1:-1].split(b"\n")
        if len(out) != len(lines):  # a finding went over a line end: then each line of it is redacted by itself
            found = by_line(buffer, found)
            out = self.splice(buffer, found)[1:-1].split(b"\n")
        self.mend_json(lines, out, buffer, found)
        return Redacted(out, Counter(map(RULE, found)), found, buffer)

    def find(
        self, buffer: bytes, lines: Sequence[bytes], joins: Sequence[Join], *, is_walled: bool = False
    ) -> tuple[list[Finding], list[Finding]]:
        """What *buffer*, of *lines*, shows plainly, and what its views do."""
        found = self.scanner.find(buffer)
        return found, self.disguises.find(buffer, lines, joins, self.scanner.signs, found, is_walled=is_walled)

    def texts(self, texts: Sequence[bytes]) -> list[bytes]:
        """Redact texts that may hold line ends, each by itself."""
        parts = [text.split(b"\n") for text in texts]
        lines = iter(self.redact([line for part in parts for line in part]).lines)
        return [b"\n".join([next(lines) for _ in part]) for part in parts]

    def text(self, text: bytes) -> bytes:
        """Redact one text."""
        return self.texts([text])[0]

    def splice(self, buffer: bytes, found: Sequence[Finding]) -> bytes:
        out: list[bytes] = []
        done = 0
        replace, fixed = self.replace, self.masks
        for start, end, rule in found:
            out += buffer[done:start], fixed[rule] or replace[rule](buffer[start:end])
            done = end
        out.append(buffer[done:])
        return b"".join(out)

    def mend_json(self, lines: Sequence[bytes], out: list[bytes], buffer: bytes, found: Sequence[Finding]) -> None:
        """Where splicing made JSON into something else, splice that line again with the findings fitted to its tokens."""
        pairs = enumerate(zip(lines, out, strict=True))
        suspects = [n for n, (line, clean) in pairs if clean != line and clean and clean[0] in b"{["]
        if not suspects:
            return
        starts = line_starts(lines)
        if not all_json([out[n] for n in suspects]):
            self.refit(lines, out, [n for n in suspects if not is_json(out[n]) and is_json(lines[n])], found)
        for n in members.in_names(buffer, found, starts):
            if is_json(out[n]):
                out[n] = members.distinct(out[n])

    def refit(self, lines: Sequence[bytes], out: list[bytes], broken: Sequence[int], found: Sequence[Finding]) -> None:
        starts = line_starts(lines)
        for n in broken:
            begin, end = starts[n], starts[n] + len(lines[n])
            low = bisect_right(found, (begin, -1, -1))
            here = []
            for start, stop, rule in found[low:]:
                if start >= end:
                    break
                here.append((start - begin, stop - begin, rule))
            out[n] = self.fitted(lines[n], here)

    def fitted(self, line: bytes, found: Sequence[Finding]) -> bytes:
        """*line* (valid JSON) with each finding clipped to the strings it touches, and whole numbers as strings."""
        out: list[bytes] = []
        done = at = 0
        for token in JSON_TOKEN.finditer(line):
            start, end = token.span()
            while at < len(found) and found[at][1] <= start:
                at += 1
            if at >= len(found) or found[at][0] >= end:
                continue
            if start < done:
                continue
            if line[start] != 0x22:
                stop = min(found[at][1], len(line))
                end = stop if NUMBERS.fullmatch(line, start, stop) else end
                out += line[done:start], b'"', self.replace[found[at][2]](line[start:end]), b'"'
                done = end
                continue
            out.append(line[done : start + 1])
            done = start + 1
            escapes = [match.span() for match in ESCAPE.finditer(line, start + 1, end - 1)]
            position = at
            while position < len(found) and found[position][0] < end - 1:
                begin, stop, rule = found[position]
                begin, stop = max(begin, done), min(stop, end - 1)
                for a, b in escapes:
                    begin = a if a < begin < b else begin
                    stop = b if a < stop < b else stop
                begin = max(begin, done)
                if begin < stop:
                    out += line[done:begin], self.replace[rule](line[begin:stop])
                    done = stop
                position += 1
            out.append(line[done:end])
            done = end
        out.append(line[done:])
        return b"".join(out)


def beyond_names(buffer: bytes, found: Sequence[Finding], hidden: Iterable[Finding]) -> list[Finding]:
    """*hidden* without the names of what is *found*, where they end in it: `token=53ab` can be read as quoted-printable, too."""
    named = [(start, end) for start, end, _ in found if buffer[start - 1] == 0x3D and buffer[start] != 0x3D]
    beyond = []
    for start, end, rule in hidden:
        begin, stop = named[at] if (at := bisect_left(named, end, key=itemgetter(1))) < len(named) else (0, 0)
        if start < begin and (end == stop or end < begin):
            if NAMED.fullmatch(buffer, start, begin):
                continue
            field = FURTHER.search(buffer, max(start, begin - LONGEST_NAME), begin)
            beyond.append((start, min(end, field.start()) if field else end, rule))
        else:
            beyond.append((start, end, rule))
    return beyond


def record_spans(lines: Sequence[bytes], records: Sequence[tuple[int, int]]) -> list[Span]:
    """Where in the buffer of *lines* each of *records* begins and ends."""
    starts = line_starts(lines) if records else []
    return [(starts[first], starts[first + count - 1] + len(lines[first + count - 1])) for first, count in records]


def rows_of(found: Sequence[Finding], lines: Sequence[bytes]) -> list[int]:
    """Which of *lines* each finding begins in."""
    starts = line_starts(lines)
    return [bisect_right(starts, start) - 1 for start, _, _ in found]


def aligned(buffer: bytes, found: list[Finding]) -> list[Finding]:
    """A finding that begins with the letter of an escape (`\\nuser@x.com`, `%22eyJ...`, `\\x1b[33muser@x.com`) begins after it."""
    out = []
    for finding in found:
        start, end, rule = finding
        if buffer[start] in masks.MARKS and not buffer[start:end].strip(masks.MARKS):
            continue  # of what was broken within an escape: it says nothing
        if buffer[start - 1] == 0x5C and buffer[start] in b"nrtbf" and end - start > 1:
            back = start - 1
            while buffer[back - 1] == 0x5C:
                back -= 1
            out.append((start + (start - back) % 2, end, rule))
        elif 0x25 in buffer[start - 2 : start] and (mark := MARK.match(buffer, buffer.rfind(b"%", 0, start), end - 1)):
            out.append((mark.end(), end, rule))
        elif buffer[start] in b"0123456789;m" and buffer[start - 1] in b"[0123456789;":
            colour = COLOUR.match(buffer, buffer.rfind(b"[", max(0, start - COLOUR_REACH), start), end - 1)
            out.append((max(start, colour.end()) if colour else start, end, rule))
        else:
            out.append(finding)
    return out


def by_line(buffer: bytes, found: list[Finding]) -> list[Finding]:
    """A finding over several lines becomes one on each, without the indent and the line end."""
    if not any(b"\n" in buffer[start:end] for start, end, _ in found):
        return found
    out: list[Finding] = []
    for start, end, rule in found:
        at = start
        for part in buffer[start:end].split(b"\n"):
            text = part.strip()
            if text:
                begin = at + part.index(text)
                out.append((begin, begin + len(text), rule))
            at += len(part) + 1
    return out


def is_json(line: bytes) -> bool:
    try:
        any_json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def all_json(lines: Sequence[bytes]) -> bool:
    """Whether each of *lines* is one JSON document: all of them in one call."""
    try:
        found = any_json.decode_lines(b"\n".join(lines))
    except (msgspec.DecodeError, RecursionError):
        return False
    return list(map(len, found)) == list(map(len, map(bytes.strip, lines)))
