"""Lines that a terminal, a mailer or a shell broke at its width, without a mark that tells.

They stay records of their own and are also read joined. What counts as a sign: a usual width reached, the same width twice in a
row, a JSON object that stops short, a backslash or a quoted-printable `=` at the end, a first word that 80 columns had no room for,
a quote that ends a string and one that begins it again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Generic, TypeVar

from sanitizer import patterns
from sanitizer.records.shape import Pieces

FRESH_TIME = rb"\d{3}[-/]\d\d[-/]\d\d[T _,;|]|\d[/:.]\d\d[/:.]\d\d|(?:(?<=1)[4-9]|(?<=2)[01])\d{8}(?:\.\d+)? "
"""A time at the start of a record, after its first digit; in seconds of this epoch's years from 2014 to 2039."""
FRESH_WORD = (
    rb"[IWEFD]\d{4} \d\d:|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|"
    rb"(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|TRACE)\b|(?:level|time|ts)=|-----|Traceback |"
    rb"(?:debug|info|notice|warn|warning|error|critical|fatal|trace|npm)\b ?:?"
)
FRESH = patterns.lazy(rb"[{\[<(]|\d(?:" + FRESH_TIME + rb")|" + FRESH_WORD)
"""How a fresh record starts."""

WIDTHS = frozenset(
    [
        *range(40, 260, 10), 64, 72, 76, 78, 79, 88, 96, 98, 99, 118, 119, 127, 128, 131, 132, 158, 159, 254, 255, 256, 300, 400,
        500, 511, 512, 1000, 1023, 1024, 2000, 2047, 2048, 4095, 4096, 8000, 8191, 8192, 16383, 16384, 32767, 32768, 65535, 65536,
    ]
)  # fmt: skip
"""Where terminals, pagers, mailers, loggers and pipes break lines."""

BROKEN = frozenset([b"\\", b"="])
"""What a broken line ends in."""
UNBROKEN = frozenset([b"}", b",", b"{"])
"""What a line ends in that begins with a brace and is not broken."""
STRING_LASTS = frozenset([b"'", b'"', b"+", b".", b"&", b" "])
STRING_END = patterns.lazy(rb"([\x22'])[ \t]*[+.&]?[ \t]*\r?$")
NO_KEY = (
    rb"(?![\x22'\s,:)\]}]|[\w.@/ \-\x80-\xff]{1,64}\1[ \t]*[:=]|[\w.@/\-\x80-\xff]{1,64}\1[ \t]*,?[ \t]*[\x22'])"
)
"""What follows a quote that is the first of its pattern, and is not the key of another value, or one of many."""

STRING_BEGINS = patterns.lazy(rb"[ \t]*(?:[+.&][ \t]*)?[bfruBFRU]?([\x22'])" + NO_KEY)
"""Where a string ends and begins again that a program puts together over lines: `"a" +` and `"b"`."""

FIELD = patterns.lazy(rb"(?:[<>*] )?[A-Za-z][A-Za-z0-9-]{1,40}:[ ]\S")
FOLDED = patterns.lazy(rb"[ \t]\S{8,}\r?$")
"""A field of a header, and one word on a line that goes on with it (RFC 5322, section 2.2.3)."""

SHORTEST = 40
SOFT = 80
"""The width of a console that nobody told its width."""
SOFT_LEAST = 56
MOST_LINES = 64
LONGEST_LINE = 70_000

T = TypeVar("T")


def follows(before: bytes, line: bytes) -> bool:
    """Whether *line*, unless it begins as a fresh record does, may be the rest of *before*, by the look of the two."""
    if not 0 < len(before) <= LONGEST_LINE or len(line) > LONGEST_LINE:
        return False
    if _is_broken(before, line):
        return True
    size = len(before)
    if before[-1:] == b"\r" or line[-1:] == b"\r":
        size = len(before.rstrip(b"\r"))
        return size == len(line.rstrip(b"\r")) and size >= SHORTEST and before != line
    return size == len(line) and size >= SHORTEST and before != line


def _is_broken(before: bytes, line: bytes) -> bool:
    """Whether *line* may be the rest of *before* by the look of its end."""
    if _is_cut(before) or is_folded(before, line) or string_joint(before, line) is not None:
        return True
    size = len(before.rstrip(b"\r"))
    return SOFT_LEAST <= size < SOFT <= size + len(line[:SOFT].split(b" ", 1)[0])


def is_folded(before: bytes, line: bytes) -> bool:
    """Whether *line* goes on with a field of a header, within a word."""
    return line[:1] in (b" ", b"\t") and FOLDED.match(line) is not None and FIELD.match(before) is not None


def string_joint(before: bytes, line: bytes) -> tuple[int, int] | None:
    """Where in *before* a string ends that goes on in *line*, and where it does, within the quotes; None if none does."""
    if before[-1:] not in STRING_LASTS or (begins := STRING_BEGINS.match(line)) is None:
        return None
    ends = STRING_END.search(before, max(0, len(before) - 16))
    return (ends.start(), begins.end()) if ends and ends[1] == begins[1] else None


def _is_cut(before: bytes) -> bool:
    """Whether *before* may have been cut within a word."""
    text = before.rstrip(b"\r")
    last = text[-1:]
    return len(text) in WIDTHS or last in BROKEN or (text[:1] == b"{" and last not in UNBROKEN)


class Run(Generic[T]):
    """Two or more lines of a stream, each of which may be the rest of the one before."""

    __slots__ = ("_texts", "_width", "lines")

    def __init__(self, lines: list[T], texts: list[bytes]) -> None:
        self.lines = lines
        self._texts = texts
        self._width = len(texts[0])

    @classmethod
    def of(cls, first: T, text: bytes, second: T, following: bytes) -> Run[T] | None:
        """The run that *first* and *second* make, or None."""
        if FRESH.match(following) or not follows(text, following) or not following.strip():
            return None
        return cls([first, second], [text, following])

    def take(self, line: T, text: bytes) -> bool:
        """Add *line* if it goes on with the run."""
        before = self._texts[-1]
        if len(self.lines) >= MOST_LINES or len(text) > LONGEST_LINE or len(before) > LONGEST_LINE:
            return False
        if len(before) != self._width and not _is_broken(before, text):
            return False
        if not text.strip() or FRESH.match(text):
            return False
        self.lines.append(line)
        self._texts.append(text)
        return True

    def _may_part(self, before: bytes, line: bytes) -> bool:
        """Whether a word may begin in *before* and end in *line*: where a console wraps words it does so at hyphens alone."""
        return _is_cut(before) or len(before) == len(line) or before.endswith((b"-", b"\r")) or is_folded(before, line)

    def views(self) -> list[Pieces]:
        """How to read the lines as one."""
        texts = self._texts
        starts = [0, *(len(text) - len(text.lstrip(b" \t")) for text in texts[1:])]
        ends = [len(text.rstrip(b"\r")) for text in texts]
        seams = len(texts) - 1
        pieces = tuple(zip(range(len(texts)), starts, ends, strict=True))
        cut = tuple([b"" if self._may_part(*two) else b" " for two in pairwise(texts)])
        views = [Pieces(pieces, glue) for glue in dict.fromkeys((cut, (b" ",) * seams))]
        bare = [len(text[:end].removesuffix(b"\\").removesuffix(b"=")) for text, end in zip(texts, ends, strict=True)]
        if bare[:-1] != ends[:-1]:
            views.append(Pieces(tuple(zip(range(len(texts)), starts, [*bare[:-1], ends[-1]], strict=True)), (b"",) * seams))
        joints = [string_joint(*two) for two in pairwise(texts)]
        if any(joints):
            begins = [starts[0], *[joint[1] if joint else start for joint, start in zip(joints, starts[1:], strict=True)]]
            stops = [*[joint[0] if joint else end for joint, end in zip(joints, ends[:-1], strict=True)], ends[-1]]
            views.append(Pieces(tuple(zip(range(len(texts)), begins, stops, strict=True)), (b"",) * seams))
        return views
