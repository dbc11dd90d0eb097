"""What assembly gives: lines, the records they make, and the readings that undo their layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Cut:
    """A physical line longer than `max_bytes`: its real size, and the digest of all of it."""

    size: int
    digest: str


class Join(NamedTuple):
    """One reading of broken lines: pieces `(line, start, end)` of `Assembled.lines`, and what to put between them.

    A finding in the reading that spans a seam redacts its part of every piece. `escaped`: the pieces are the insides of JSON
    strings, and so is the reading. `doubtful`: the lines may have nothing to do with each other. `of_text`: the pieces are places
    in the texts of records that are a line each, without its wrapper.
    """

    pieces: tuple[tuple[int, int, int], ...]
    glue: tuple[bytes, ...]
    escaped: bool = False
    doubtful: bool = False
    of_text: bool = False

    def text(self, lines: list[bytes]) -> bytes:
        """The reading itself."""
        spans = zip(self.pieces, (*self.glue, b""), strict=True)
        return b"".join([lines[line][start:end] + glue for (line, start, end), glue in spans])

    def moved(self, by: int, doubtful: bool = False) -> Join:
        """The same join over lines counted from elsewhere, and doubtful if so said."""
        pieces = tuple([(line + by, start, end) for line, start, end in self.pieces])
        return self._replace(pieces=pieces, doubtful=doubtful or self.doubtful)


@dataclass(slots=True)
class Record:
    """One logical record of one or more physical lines.

    `text` is the content without wrapper and layout; `seams` are the places `(offset, length)` in it where layout was replaced by
    a glue of that length. Where its lines stand in it as they were written, `readings` are its joins over the lines of `text`.
    `kind` is text, rich, rows (of Rich, below a line that is none), traceback, panel, json, object, key (private key material),
    pem (other armour) or journald.
    """

    lines: tuple[int, ...]
    text: bytes
    kind: str = "text"
    fields: dict[str, object] = field(default_factory=dict)
    seams: tuple[tuple[int, int], ...] = ()
    joins: tuple[Join, ...] = ()
    readings: tuple[Join, ...] = ()

    @property
    def first(self) -> int:
        """Index of its first physical line."""
        return self.lines[0]

    @property
    def last(self) -> int:
        """Index of its last physical line."""
        return self.lines[-1]


@dataclass(slots=True)
class Assembled:
    """Complete lines in order, without line ends, and what is known of them.

    `records` names only the lines that are not simply a record each, ordered by first line; every line is in one record at most.
    `joins` holds every reading to try: those of the records, and doubtful ones of neighbours that stay records of their own.
    """

    lines: list[bytes]
    offset: int
    upto: int
    records: list[Record] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    cuts: dict[int, Cut] = field(default_factory=dict)
    terminated: bool = True

    def offsets(self) -> list[int]:
        """The lane position of each line."""
        sizes = [len(line) + 1 for line in self.lines]
        for at, cut in self.cuts.items():
            sizes[at] = cut.size + 1
        return [*accumulate(sizes, initial=self.offset)][:-1]
