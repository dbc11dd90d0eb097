"""What a labelled record is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.leaks.formats import Fresh


@dataclass(frozen=True, slots=True)
class Secret:
    """A planted value, and the text that carries it in the record (`None` where lines or layers cut it apart)."""

    kind: str
    value: str
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One record: its physical lines, what must not be readable afterwards, and what must still stand there."""

    family: str
    lines: tuple[str, ...]
    secrets: tuple[Secret, ...] = ()
    keep: tuple[str, ...] = ()


Family = Callable[[Fresh, int], Iterator[Case]]
"""A generator of cases; the number is the scale, about how many cases a variant is to give."""


def case(family: str, text: str, *secrets: Secret, keep: tuple[str, ...] = ()) -> Case:
    """A record of *text*, cut at its line ends."""
    return Case(family, tuple(text.split("\n")), secrets, keep)
