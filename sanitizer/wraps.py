"""Lines that a terminal or a tool broke at its width, without a mark that tells: they stay records of their own and are also read joined."""

from __future__ import annotations

from itertools import islice, pairwise
from operator import eq
from typing import Generic, TypeVar

from sanitizer.multiline import FRESH
from sanitizer.shape import Pieces

WIDTHS = frozenset(
    [64, 70, 72, 76, 78, 79, 80, 88, 90, 96, 98, 99, 100, 110, 118, 119, 120, 127, 128, 130, 131, 132, 140, 150, 158, 159, 160, 180, 200, 220, 240]
    + [250, 254, 255, 256, 300, 400, 500, 511, 512, 1000, 1023, 1024, 2000, 2047, 2048, 4095, 4096, 8000, 8191, 8192, 16383, 16384, 32768, 65536]
)
"""Where terminals, pagers, mailers, loggers and pipes break lines."""

BROKEN = (b"\\", b"=", b"\\\r", b"=\r")
SHORTEST = 40
LONGEST = 64
LONGEST_LINE = 70_000

T = TypeVar("T")


def is_full(line: bytes) -> bool:
    """Whether *line* may have been broken at its end."""
    return len(line) in WIDTHS or line.endswith(BROKEN)


def suspects(lines: list[bytes], ends: set[bytes]) -> list[int]:
    """Indexes of the lines that may be the rest of the line before; *ends* holds the last byte of each."""
    sizes = list(map(len, lines))
    found: list[int] = []
    if not WIDTHS.isdisjoint(sizes):
        found += [at for at, size in enumerate(sizes[:-1], 1) if size in WIDTHS]
    if True in map(eq, sizes, islice(sizes, 1, None)):
        found += [at for at, (size, other) in enumerate(pairwise(sizes), 1) if size == other and size >= SHORTEST]
    if not ends.isdisjoint((b"\\", b"=", b"\r")):
        found += [at for at, line in enumerate(lines[:-1], 1) if line.endswith(BROKEN)]
    return [at for at in found if not FRESH.match(lines[at])]


class Wraps(Generic[T]):
    """The run of lines, each full to the same width, that ends in the newest line of a stream."""

    __slots__ = ("_texts", "_width", "lines")

    def __init__(self) -> None:
        self.lines: list[T] = []
        self._texts: list[bytes] = []
        self._width = 0

    def take(self, text: bytes, line: T) -> tuple[list[T], list[Pieces]] | None:
        """Add a line; gives the run that it ended, if that was one."""
        if self._goes_on(text) and len(self.lines) < LONGEST:
            self._width = self._width or len(self._texts[-1])
            ended = None
        else:
            ended = self.end()
        self.lines.append(line)
        self._texts.append(text)
        return ended

    def _goes_on(self, text: bytes) -> bool:
        if not self._texts or len(text) > LONGEST_LINE or text[:1] in (b"", b" ", b"\t", b"\r") or FRESH.match(text):
            return False
        before = self._texts[-1]
        if self._width and len(before) == self._width:
            return True
        return is_full(before) or (not self._width and len(before) == len(text) >= SHORTEST and before != text)

    def end(self) -> tuple[list[T], list[Pieces]] | None:
        """End the run: its lines, and how to read them as one."""
        lines, texts = self.lines, self._texts
        self.lines, self._texts, self._width = [], [], 0
        if len(lines) < 2:
            return None
        pieces = tuple((at, 0, len(text.rstrip(b"\r"))) for at, text in enumerate(texts))
        views = [Pieces(pieces, (glue,) * (len(texts) - 1)) for glue in (b"", b" ")]
        if any(text.rstrip(b"\r").endswith((b"\\", b"=")) for text in texts[:-1]):
            ends = [len(text.rstrip(b"\r").removesuffix(b"\\").removesuffix(b"=")) for text in texts[:-1]] + [len(texts[-1])]
            bare = tuple((at, 0, end) for at, end in enumerate(ends))
            views.append(Pieces(bare, (b"",) * (len(texts) - 1)))
        return lines, views
