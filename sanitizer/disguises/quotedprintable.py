"""Quoted-printable (RFC 2045, section 6.7), which looks like what half of all log lines hold: `size=4096` must not pass for it.

A unit is told by what is no number, by what is no name before it, by another one in its word, or as a mark that a letter follows.
"""

from __future__ import annotations

from binascii import unhexlify

from sanitizer import patterns
from sanitizer.disguises.decoding import Span, Substitution, lines_where, utf8

UNIT = rb"(=(?:[2-7][0-9A-F]|0[9AD]|1B|[89A-F][0-9A-F](?:(?:=[89A-F][0-9A-F])+|(?![0-9A-Z]))|\r?\n(?!\n\n)))"
"""High bytes are taken as a run, since only together are they UTF-8. What ends a text (`BETWEEN_TEXTS`) breaks no line."""

# Behind a number and its unit of measure, and an id in hexadecimal, no alternative is tried, unless what stands before is no name.
GATE = rb"""(?x)=(?:
    [2-7](?:[A-F](?![ ])|[0-9](?!(?<=[a-z_]=..)\d{0,6}[a-z]{0,2}[\s\x22]|(?<=[g-z_][a-z]=..)[0-9a-f]{6,62}(?![\w=]))(?:
        [0-9A-Za-z.+@_%~:/-]{0,40}=[2-7][0-9A-F]
      | (?:(?<=2.)|(?<=40)|(?<=60))[A-Za-z@] | (?<=25)[2-7](?:[A-Fa-f]|[0-9][\w.@=-]{0,20}%[2-7][0-9A-F])
      | (?<=\d{3}=[2-7].)(?:\d|(?<=\d{4}=[2-7].)) | (?<=\d\d=[3-7].)[0-9a-z]{4} | (?<=\d=3.)\d{6}
      | (?<=[0-9a-f]{8}=[3-7].) | (?<=[0-9a-f]{4}=[3-7].)[0-9a-f]{6}
      | (?<=[0-9A-Z]{8}=[3-5].)[0-9A-Z]{0,7}(?![\w=]) | (?<![a-z_]=..)(?<==[3-5].)[0-9A-Z]{8}
      | (?=[0-9A-Za-z._-]{0,16}[a-z][0-9]{0,2}[A-Z])[0-9A-Za-z._+/-]{8}
      | (?<=%=..) | (?<=%[0-9A-F]=..) | (?<=[/.]=..) | (?<=[\ :,(\[][\x22'`]=..) | (?<=[:,;]=20) | (?<=\\u[0-9a-f]{4}=20)))
  | [89A-F][0-9A-F][0-9A-Za-z.+@_%~:/-]{0,40}=[2-7][0-9A-F] | [C-F][0-9A-F]=[89AB][0-9A-F] | 1B\[
  | (?<=[A-Za-z0-9.@]=)\r?\n(?=[A-Za-z0-9.@]))"""

NAMED = rb"(?<![\w.%-])(?:(?<!=)[A-Z]|[a-z_])[\w.-]{1,40}=(?=[0-9A-F]{2})"
"""A name, and what stands behind it; behind another's, what begins with a capital is its value."""

BEHIND = tuple(
    (form[:1], patterns.lazy(form))
    for form in (rb"%[2-7][0-9A-F][\w.@-]{0,20}=[2-7][0-9A-F]", rb"@[\w.-]{1,19}=[4-7][0-9][a-z.]")
)
"""What tells a unit from further before it: a character that is spelled with a percent sign in its word, the sign of a mailbox."""


def meant(unit: bytes) -> bytes:
    return b"" if unit.endswith(b"\n") else utf8(unhexlify(unit.replace(b"=", b"")))


class Quoted(Substitution):
    """Quoted-printable as mail has it."""

    def __init__(self) -> None:
        super().__init__((b"=",), UNIT, meant, gate=GATE)
        self._last: tuple[bytes, list[Span]] = (b"", [])

    def suspects(self, text: bytes) -> bool:
        return super().suspects(text) or any(mark in text and form.search(text) for mark, form in BEHIND)

    def lines(self, text: bytes) -> list[Span]:
        if self._last[0] is not text:
            found = super().lines(text)
            for mark, form in BEHIND:
                if mark in text and (more := lines_where(text, form.search)):
                    found = sorted({*found, *more})
            self._last = text, found
        return self._last[1]


class QuotedValues(Substitution):
    """The same for a value that alone was encoded, whose name has an `=` behind it that begins no unit: `card=41=3111...`."""

    def __init__(self, quoted: Quoted) -> None:
        super().__init__(
            (b"=",),
            b"(%b|=[2-7][0-9A-F])" % NAMED,
            lambda unit: meant(unit) if unit[0] == 0x3D else unit,
            gate=NAMED + rb"[0-9A-Za-z.+@_%~:/-]{2,60}=[2-7][0-9A-F]",
        )
        self._quoted = quoted

    def suspects(self, text: bytes) -> bool:
        return super().suspects(text) and self._quoted.suspects(text)

    def lines(self, text: bytes) -> list[Span]:
        return [(start, end) for start, end in self._quoted.lines(text) if super(QuotedValues, self).suspects(text[start:end])]


QUOTED = Quoted()
QUOTED_VALUES = QuotedValues(QUOTED)
