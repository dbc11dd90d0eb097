"""Lines that a terminal, a mailer or a shell broke at its width, without a mark that tells.

They stay records of their own and are also read joined. What counts as a sign: a usual width reached, the same width twice in a
row, a JSON object that stops short, a backslash or a quoted-printable `=` at the end, a first word that 80 columns had no room for.
"""

from __future__ import annotations

from itertools import islice, pairwise
from operator import eq
from typing import Generic, TypeVar

from sanitizer.multiline import FRESH
from sanitizer.shape import Pieces

WIDTHS = frozenset(
    [
        *range(40, 260, 10), 64, 72, 76, 78, 79, 88, 96, 98, 99, 118, 119, 127, 128, 131, 132, 158, 159, 254, 255, 256, 300, 400,
        500, 511, 512, 1000, 1023, 1024, 2000, 2047, 2048, 4095, 4096, 8000, 8191, 8192, 16383, 16384, 32767, 32768, 65535, 65536,
    ]
)  # fmt: skip
"""Where terminals, pagers, mailers, loggers and pipes break lines."""

BROKEN = (b"\\", b"=", b"\\\r", b"=\r")
SHORTEST = 40
SOFT = 80
"""The width of a console that nobody told its width."""
SOFT_LEAST = 56
MOST_LINES = 64
LONGEST_LINE = 70_000

T = TypeVar("T")


def _is_broken(before: bytes, line: bytes) -> bool:
    """Whether *line* may be the rest of *before*, by the look of its end."""
    bare = before.rstrip(b"\r")
    size = len(bare)
    if size in WIDTHS or before.endswith(BROKEN) or (before[:1] == b"{" and bare[-1:] not in (b"}", b",", b"{")):
        return True
    return SOFT_LEAST <= size < SOFT <= size + len(line[:SOFT].split(b" ", 1)[0])


def suspects(lines: list[bytes], ends: set[bytes]) -> list[int]:
    """Indexes of the lines that may be the rest of the line before; *ends* holds the last byte of each."""
    sizes = [len(line.rstrip(b"\r")) for line in lines] if b"\r" in ends else list(map(len, lines))
    found: list[int] = []
    if not LIKELY.isdisjoint(sizes):
        found += [at for at, size in enumerate(sizes[:-1], 1) if size in LIKELY and _is_broken(lines[at - 1], lines[at])]
    if True in map(eq, sizes, islice(sizes, 1, None)):
        found += [at for at, (size, other) in enumerate(pairwise(sizes), 1) if size == other and size >= SHORTEST]
    if not ends.isdisjoint((b"\\", b"=", b"\r")):
        found += [at for at, line in enumerate(lines[:-1], 1) if line.endswith(BROKEN)]
    found += [at for at, line in enumerate(lines[:-1], 1) if line[:1] == b"{" and line[-1:] != b"}"]
    return [at for at in found if not FRESH.match(lines[at])]


LIKELY = WIDTHS | frozenset(range(SOFT_LEAST, SOFT))


class Wraps(Generic[T]):
    """The run of broken lines that ends in the newest line of a stream."""

    __slots__ = ("_texts", "_width", "lines")

    def __init__(self) -> None:
        self.lines: list[T] = []
        self._texts: list[bytes] = []
        self._width = 0

    def take(self, text: bytes, line: T) -> tuple[list[T], list[Pieces]] | None:
        """Add a line; gives the run that it ended, if that was one."""
        ended = None
        if len(self.lines) == 1 and FRESH.match(text):
            self.lines[0], self._texts[0] = line, text
            return None
        if self._goes_on(text) and len(self.lines) < MOST_LINES:
            self._width = self._width or len(self._texts[-1])
        else:
            ended = self.end()
        self.lines.append(line)
        self._texts.append(text)
        return ended

    def _goes_on(self, text: bytes) -> bool:
        if not self._texts or len(text) > LONGEST_LINE or not text.strip() or FRESH.match(text):
            return False
        before = self._texts[-1]
        if len(before) > LONGEST_LINE:
            return False
        if (self._width and len(before) == self._width) or _is_broken(before, text):
            return True
        return not self._width and len(before.rstrip(b"\r")) == len(text.rstrip(b"\r")) >= SHORTEST and before != text

    def end(self) -> tuple[list[T], list[Pieces]] | None:
        """End the run: its lines, and how to read them as one."""
        lines, texts = self.lines, self._texts
        self.lines, self._texts, self._width = [], [], 0
        if len(lines) < 2:
            return None
        starts = [0, *(len(text) - len(text.lstrip(b" \t")) for text in texts[1:])]
        ends = [len(text.rstrip(b"\r")) for text in texts]
        seams = len(texts) - 1
        pieces = tuple(zip(range(len(texts)), starts, ends, strict=True))
        views = [Pieces(pieces, (glue,) * seams) for glue in (b"", b" ")]
        bare = [len(text[:end].removesuffix(b"\\").removesuffix(b"=")) for text, end in zip(texts, ends, strict=True)]
        if bare[:-1] != ends[:-1]:
            views.append(Pieces(tuple(zip(range(len(texts)), starts, [*bare[:-1], ends[-1]], strict=True)), (b"",) * seams))
        return lines, views
