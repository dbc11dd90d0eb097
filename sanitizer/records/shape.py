"""What a record of several lines is: opened by its first line, asked about each line after it."""

from __future__ import annotations

from typing import NamedTuple

TAKE, LAST, REFUSE = 1, 2, 0
"""A shape's answers: the line belongs to the record; it belongs and ends it; it does not belong, the record ended before it."""


class Pieces(NamedTuple):
    """One way to read a record without its layout: pieces `(line of the record, start, end)` and what stood between them."""

    pieces: tuple[tuple[int, int, int], ...]
    glue: tuple[bytes, ...]


class Shape:
    """A record that may go on. `tentative` trailing lines belong to it only if the next one does.

    `breaks`: whether its layout may break a value, so that it has `views`.
    """

    __slots__ = ("kind", "tentative")

    breaks = True

    def __init__(self, kind: str = "text") -> None:
        self.kind = kind
        self.tentative = 0

    def take(self, line: bytes) -> int:
        """Say whether *line* belongs to the record."""
        raise NotImplementedError

    def certain(self, lines: list[bytes], at: int) -> int:  # noqa: ARG002 - for those who can say
        """How many of the *lines* from *at* on belong to the record and leave its state as it is, if `is_certain` of them."""
        return 0

    def text(self, lines: list[bytes]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        """The record's text and its seams `(offset, length)`: where layout was replaced by a glue of that length."""
        return b"\n".join([line[:-1] if line.endswith(b"\r") else line for line in lines]), ()

    def views(self, lines: list[bytes]) -> list[Pieces]:  # noqa: ARG002 - for those who have any
        """Readings in which a value that the layout broke is whole again."""
        return []

    def fields(self) -> dict[str, object]:
        """What the layout says about the record."""
        return {}

    def resume(self) -> bool:
        """Go on after the record was closed for its size; False when later lines have to start afresh."""
        self.tentative = 0
        return self.kind != "text"
