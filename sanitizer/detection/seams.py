"""Between two lines that may have nothing to do with each other: is what was found over their seam there, or made by chance?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from sanitizer import patterns
from sanitizer.disguises import endings
from sanitizer.disguises.decoding import Span
from sanitizer.finding import Finding
from sanitizer.records.wraps import FIELD, NO_KEY
from sanitizer.rulesets.anchors import has_one_length
from sanitizer.rulesets.ruleset import Rule

REST = patterns.lazy(
    rb"(?!(?:sha|md)\d{1,3}[=:_-]|/?[a-z0-9]{1,20}/[a-z]{2,20}/|v?\d+(?:\.\d+){1,3}[-+])(?!(?:[a-z]{1,12}-)?[0-9A-Fa-f-]+(?![^\s]))(?!\S*\d{4}-?\d\d-?\d\d)(?!\S*\.[a-z]{1,8}(?!\S)|\.[a-z]{2,12}/)"
    rb"(?![a-z0-9-]+-[0-9a-z]{8,10}-[0-9a-z]{5}(?!\S)|[a-z]{4,20}/[a-z]{3,20}-)[A-Za-z0-9+/_.~-]{8,}={0,2}(?![=:(.@])"
)
"""What may be the rest of a token that was broken: no digest, no id of a cloud (`vol-0f3a`), date, file, host, pod, version."""


TELLING = patterns.lazy(rb"[=:@0-9]")
"""In the last word of a line that ends in a soft break (RFC 2045, section 6.7), and not in a key without a value."""

SHORT_REST = patterns.lazy(
    rb"(?!v?\d+(?:[\-/:.]\d+)+(?:(?!\S)|-g[0-9a-f]{7})|[0-9a-f-]{36}\.[a-z]{2,5}(?!\S)|[a-z]{3,12}_\d{3,12}(?!\S)|\.[a-z]{2,12}/|\d{1,2}-[A-Z][a-z]{2}-\d{4}(?!\S)|/?[a-z0-9]{1,20}/[a-z]{2,20}/)"
    rb"(?=[^0-9\s]*[0-9]|[^A-Z\s]*[A-Z][^a-z\s]*[a-z])[A-Za-z0-9+/_.~!$%^&*-]{4,}={0,2}"
)
"""What may be the rest of a token behind a soft break: no date, no path, no id (`job_4711`)."""

STRINGS = patterns.lazy(rb"([\x22'])[ \t]*[+.&]?[ \t]*\r?\n[ \t]*(?:[+.&][ \t]*)?[bfruBFRU]?\1" + NO_KEY)
"""Between the strings that a program puts together over lines."""

CONTINUED = patterns.lazy(rb"(?<![\s\\])\\\r?\n(?=\S)")
"""What a shell takes out of a word (POSIX shell, section 2.2.1)."""

ATTRIBUTE = patterns.lazy(rb"[A-Za-z_][\w.\-]{1,40}=[\x22']")
"""A name and the quote that its value opens with, at the start of a line."""

FEWEST, LEAST = 4, 8
"""Bytes of a head that tell it, and of a rest."""

PROVEN = frozenset(("payment-card", "iban"))
"""What check digits prove: chance does not make it, whatever it was found by."""

KEY_SIZES = frozenset((32, 36, 40, 48, 56, 64, 80, 96, 128))
HEX_DIGITS = b"0123456789abcdef"

TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_.~-="
SHORTEST = 16
"""What a piece of a token consists of, and how long the shortest is of which `random` tells anything."""

PREFIX = patterns.lazy(rb"[A-Za-z]\w*[_-]\w")
"""What a token of no known provider shows before the seam: its prefix, and some of what follows that."""

CONSOLES = frozenset((72, 76, 78, 79, 80, 100, 120, 128, 132, 140, 160, 200, 256))
"""Where digits, or a word and what follows it, are taken for one value that was broken: at other widths chance makes many."""


ROUND = CONSOLES | frozenset(range(40, 260, 10))
"""Where more than the width tells that the two are one."""


CLOSES = patterns.lazy(rb"[^\s\x22'\\]{1,512}\x22[ ]?[,}\]]")
"""The rest of a string of JSON, and what follows it."""


ENDS = (b"\n", b"=\n", b"\\\n", b'\\n"')
"""What stands behind the last character of a line, perhaps in a file of Docker's; a soft break, a continuation."""

WRAPPER = patterns.lazy(rb"\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:?\d\d) std(?:out|err) [FP] |\{\x22log\x22: ?\x22")
"""What the runtime of a container writes before a line."""


def is_shape(rule: Rule) -> bool:
    """Whether what *rule* finds is told by its own form, from its beginning to its end."""
    return not (rule.fields or rule.lead or rule.run or rule.multiline or rule.loose)


class Seams:
    """Judges findings that go over a seam between lines which may have nothing to do with each other.

    *found* is what was found without joining. What ends there where its line ends goes on in the next line only if that begins
    like the rest of a token; what begins the next line began in this one only if this ends like the head of a token; what is new
    counts if its rule is of a shape that chance does not make.
    """

    def __init__(self, buffer: bytes, found: Sequence[Finding], rules: Sequence[Rule]) -> None:
        self.buffer = buffer
        self.starts = {start for start, _, _ in found}
        self.ends = {end for _, end, _ in found}
        self.padded = {end for start, end, _ in found if buffer.endswith(b"=", start, end) and endings.is_padded(buffer[start:end])}
        self.heads = {end: (start, rule) for start, end, rule in found}
        self.bodies = {(start, rule): end for start, end, rule in found}
        self.rules = rules
        self.whole = {start for start, _, rule in found if is_shape(rules[rule]) and "general" not in rules[rule].tags}

    def hold(self, spans: Sequence[Span], rule: int, depth: int) -> Sequence[Span]:
        """Those of *spans*, of what *rule* found in them together at *depth*, up to the first seam that does not hold.

        None, if that is the first of all, or if the rule is of a shape that is whole or nothing.
        """
        told = self.rules[rule]
        shaped = depth == 0 and (told.label in PROVEN or is_shape(told))
        shapeless = depth == 0 and not shaped
        vague = "general" in told.tags
        first, before = spans[0]
        for number, (start, end) in enumerate(spans[1:], 1):
            held = spans[:number] if shapeless and number > 1 else ()
            if depth == 0 and self.is_spliced(before, start, end):
                first, before = start, end
                continue
            closes = depth == 0 and self.closes(first, before, start, end)
            if self.begins(start) == start and not closes and self.is_named(start, shapeless):
                return held
            if told.label == "payment-card" and depth == 0 and not self.is_number(start, end):
                return held
            if self.is_whole(first, before) or (depth == 0 and self.is_closed(first, before, rule)):
                return held
            marked = depth == 0 and self.softly(before)
            if told.label == "email" and not marked and before in self.ends and self.buffer.find(b".", start, end) < 0:
                return held  # a mailbox that has its domain is cut within another part of that, or not at all
            new = shaped and (self.is_open(before, start) or self.is_headed(first, before, start, end, rule))
            new = new and (marked or self.buffer[before - 1] not in b")]}>\"'")  # what closes ends what it stands behind
            cut = depth == 0 and self.is_cut(first, before, start, end)
            goes_on = (cut or (marked and shapeless)) and self.rests(start, end)
            if shapeless and not goes_on and start not in self.whole:  # a token of a known form is the rest of none
                goes_on = self.continues(start, end) or self.is_hex(first, before, start, end)
            if new and not marked and self.is_number(first, before, start, end):
                new = self.fills(before, ROUND if told.fields or told.lead else CONSOLES)
            if goes_on and not marked and self.is_ended(first, before):
                goes_on = self.fills(before)
            goes_on = goes_on or closes
            if new and vague and not marked and (first in self.whole or self.is_ended(first, before)):
                return held
            if new and vague and not marked and not PREFIX.match(self.buffer, first, before):
                return held
            mailbox = told.label == "email" and (marked or (depth == 0 and self.breaks_at_sign(before, start, end)))
            if not (new or goes_on or mailbox or (start in self.starts and (marked or self.continues(first, before)))):
                return held
            first, before = start, end
        return spans

    def is_spliced(self, before: int, start: int, end: int) -> bool:
        """Whether what stands between *before* and *start* is nothing, to the program or the shell that these lines are for."""
        joint = self.joint(before, start)
        return joint is STRINGS or (joint is CONTINUED and self.rests(start, end))

    def joint(self, before: int, start: int) -> re.Pattern[bytes] | None:
        """What of programs and shells stands between *before* and *start*, if that is all."""
        for joint in (STRINGS, CONTINUED):
            between = joint.match(self.buffer, before)
            if between is not None and between.end() == start:
                return joint
        return None

    def is_open(self, before: int, start: int) -> bool:
        """Whether a line ends at *before*, and nothing that was found without joining ends or starts there or at *start*."""
        ended = self.buffer.startswith(ENDS, before)
        return ended and before not in self.ends and start not in self.starts

    def fills(self, before: int, widths: frozenset[int] = CONSOLES) -> bool:
        """Whether the line that ends *before* is as wide as a console."""
        return before - self.begins(before) in widths

    def begins(self, at: int) -> int:
        """Where the line *at* begins, behind what a container's runtime wrote before it."""
        line = self.buffer.rfind(b"\n", 0, at) + 1
        wrapper = WRAPPER.match(self.buffer, line, at)
        return wrapper.end() if wrapper else line

    def closes(self, *ends: int) -> bool:
        """Whether a string of JSON, as long as its line is wide, is open at its end, and the next one begins with its rest."""
        first, before, start, end = ends
        opened = self.buffer[first - 1] == 0x22 and self.buffer[end : end + 1] == b'"' and self.begins(start) == start
        return opened and self.fills(before, ROUND) and CLOSES.match(self.buffer, start) is not None

    def is_cut(self, *ends: int) -> bool:
        """Whether a line ends in what is known to be a secret, and the next one begins with letters and digits.

        The line is as wide as a console, or a field of a header that the next one goes on with behind an indent.
        """
        first, before, start, end = ends
        known = self.heads.get(before)
        cut = known is not None and known[0] == first and end - start >= LEAST and self.is_tokenlike(start, start + LEAST)
        if self.buffer[start - 1] in b" \t" and FIELD.match(self.buffer, self.begins(before)):
            return cut
        return cut and self.fills(before, ROUND) and not self.is_number(start, end)

    def breaks_at_sign(self, before: int, start: int, end: int) -> bool:
        """Whether a mailbox was broken at its @, which begins no decorator."""
        if self.buffer[before - 1] != 0x40 and (self.buffer[start] != 0x40 or self.buffer[end] == 0x28):
            return False
        return self.fills(before)

    def is_hex(self, *ends: int) -> bool:
        """Whether both pieces, given by their ends, are hexadecimal and together as long as keys are, and the line is full."""
        first, before, start, end = ends
        sized = before - first + end - start in KEY_SIZES and LEAST <= end - start not in KEY_SIZES and before in self.ends
        text = self.buffer[first:before] + self.buffer[start:end]
        return sized and self.fills(before, ROUND) and not text.translate(None, HEX_DIGITS)

    def is_headed(self, first: int, before: int, start: int, end: int, rule: int) -> bool:
        """Whether what was found at the end of a line is the head of this, taken for something else: `jwt=eyJhbGci`."""
        known = self.heads.get(before)
        headed = known is not None and known[0] >= first and known[1] != rule and before - known[0] >= FEWEST
        return headed and end - start >= LEAST and self.is_tokenlike(start, start + LEAST)

    def may_hold(self, pieces: Sequence[Span]) -> bool:
        """Whether `hold` could agree to anything that is found over a seam between *pieces*."""
        for (first, before), (start, end) in pairwise(pieces):
            if self.joint(before, start) is not None:
                return True
            if first >= before or start >= end or self.softly(before) or self.is_open(before, start):
                return True
            if before in self.ends and start + LEAST <= end and self.is_tokenlike(start, start + LEAST):
                return True
            if 0x40 in (self.buffer[start], self.buffer[before - 1]):
                return True
            if self.fills(before, ROUND) and CLOSES.match(self.buffer, start):
                return True
            if start + SHORTEST <= end and self.is_tokenlike(start, start + SHORTEST):
                return True
        return self.may_hold_decoded(pieces)

    def may_hold_decoded(self, pieces: Sequence[Span]) -> bool:
        """Whether `hold` could agree to what is found over a seam between *pieces* at any depth but 0."""
        for (first, before), (start, _) in pairwise(pieces):
            if start in self.starts and before - first >= SHORTEST and self.is_tokenlike(before - SHORTEST, before):
                return True
        return False

    def is_tokenlike(self, start: int, end: int) -> bool:
        return not self.buffer[start:end].translate(None, TOKEN)

    def softly(self, end: int) -> bool:
        """Whether the line that *end* is the end of breaks softly."""
        after = self.buffer.find(b"\n", end, end + 3) + 1
        if after < 2 or not self.buffer.endswith((b"=\n", b"=\r\n"), 0, after):
            return False
        line = self.buffer[max(self.buffer.rfind(b"\n", 0, end) + 1, end - 256) : after].rstrip(b"\r\n")[:-1]
        if not line or line[-1:].isspace() or line[-1:] == b"=":
            return False
        return TELLING.search(line.rsplit(None, 1)[-1]) is not None

    def is_whole(self, start: int, end: int) -> bool:
        """Whether nothing goes on with what ends its line, from *start* to *end* or to the equals sign there."""
        known = self.heads.get(end)
        if known is not None and known[0] in self.whole and has_one_length(self.rules[known[1]].pattern or ""):
            return True
        after = self.buffer.find(b"=", max(start, end - 1), end + 1) + 1
        if after and (after in self.padded or endings.PADDED.search(self.buffer, max(0, start - 96), after) is not None):
            return True
        after += after > 0 and self.buffer[after] == 0x3D
        if after and endings.is_text(self.buffer[max(start, after - 256) : after]):
            return True
        return endings.WHOLE.search(self.buffer, start, end) is not None

    def is_named(self, start: int, shapeless: bool) -> bool:
        """Whether a line begins with the name of another value, as fields of a header do if what is told is *shapeless*."""
        return (shapeless and FIELD.match(self.buffer, start) is not None) or ATTRIBUTE.match(self.buffer, start) is not None

    def is_closed(self, first: int, before: int, rule: int) -> bool:
        """Whether *rule* finds the same without the next line, up to a mark that ends a sentence there."""
        end = self.bodies.get((first, rule), before)
        return end < before and not self.buffer[end:before].strip(b".,;:!?")

    def is_ended(self, start: int, end: int) -> bool:
        """Whether a line ends at *end* with a word, or with a mark that ends what stands before it."""
        from sanitizer.text.words import wordlike  # noqa: PLC0415 - as below

        return self.buffer[end - 1] in b")]}>\"',;:!.?" or wordlike(self.buffer[start:end])

    def rests(self, start: int, end: int) -> bool:
        """Whether `buffer[start:end]` is more like a piece of a token than like a word."""
        from sanitizer.text.words import wordlike  # noqa: PLC0415 - as below

        return SHORT_REST.fullmatch(self.buffer, start, end) is not None and not wordlike(self.buffer[start:end])

    def is_number(self, *ends: int) -> bool:
        """Whether the pieces, given by their ends, hold no letter."""
        return not any(c >= 0x41 for start, end in zip(ends[::2], ends[1::2], strict=True) for c in self.buffer[start:end])

    def continues(self, start: int, end: int) -> bool:
        """Whether `buffer[start:end]`, at the end or the beginning of its line, may be of a token that was broken there."""
        from sanitizer.text.words import random  # noqa: PLC0415 - likewise
        from sanitizer.validators.token_checks import record_id  # noqa: PLC0415 - loaded with the first line that may be broken

        text = self.buffer[start:end]
        return REST.fullmatch(self.buffer, start, end) is not None and random(text) and record_id(text) is None
