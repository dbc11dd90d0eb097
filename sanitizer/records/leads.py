"""Lines that lead to a value below them: they wait for it, and what a container wraps line by line is read as one text."""

from __future__ import annotations

from dataclasses import dataclass

from sanitizer import patterns
from sanitizer.record import Join
from sanitizer.records.wrappers import Unwrapped

LEADS = patterns.lazy(
    rb"(?:[:=(\\]|=>|\w:[ ]?[|>][+-]?|<\w[^<>]{0,64}>"
    rb"|</(?:dt|t[dh]|key|name|label|b|strong)>|\x27{3}|\x22\x22\x22)[\x22\x27*_]{0,2}\s*$"
    rb"|[=(,][ ]?\?\)?\s*$|binding parameter [^\n]{1,200}$|\A\s*(?:- +)?(?:--?|\$|\? |\(?[\x22\x27])[\w.-]{1,64}[\x22\x27]?,?\s*$"
    rb"|\A\s*[\w.-]{0,40}(?i:key|token|secret|passw|pwd|session)[\w.-]{0,24}\s*$"
    rb"|(?:\bGET|In \[\d{1,6}\]:|>>>|\d\)) [\w.\x22-]{1,66}\s*$"
    rb"|\A\s*(?:#{1,6} [^\n]{1,80}|\*\*[^\n]{1,80}|`{3}\w{0,12}|\|[^|\n]*\|)\s*$"
    rb"|\x22(?:name|key|header|variable)\x22\s?:\s?\x22[^\x22\n]{1,64}\x22,?\s*$"
)
"""A line that ends in what joins a name and a value, or is a name as lists, consoles, documents and databases print it."""

REACH = 256
"""Bytes of it that are looked at: its end."""

MOST_LED = 4
"""Lines, blank ones too, that wait for a value below them."""

UNTOLD = frozenset(b"}].;!?0123456789")
"""What a line that is too long to be a name does not lead in."""
LONGEST_NAME = 96


def leads(line: bytes) -> bool:
    """Whether the value to a name in *line* may stand below it."""
    if not line or (line[-1] in UNTOLD and len(line) > LONGEST_NAME):
        return False
    return LEADS.search(line[-REACH:]) is not None


@dataclass(slots=True)
class Waiting:
    """A line that leads and those below it, as places of physical lines. It waits for so many *more* that lead nowhere."""

    places: list[tuple[int, int, int]]
    escaped: bool
    more: int

    def join(self) -> list[Join]:
        """Its reading, if it is of several lines."""
        glue = (b"\\n" if self.escaped else b"\n",) * (len(self.places) - 1)
        return [Join(tuple(self.places), glue, self.escaped)] if glue else []


class Leads:
    """The lines that lead somewhere in the streams of a wrapper, with those below them, to where a value may be."""

    def __init__(self) -> None:
        self._open: dict[str, Waiting] = {}

    def take(self, line: Unwrapped, index: int) -> list[Join]:
        """Give the next line of its stream, the physical one of that *index*; gives the reading that it ends."""
        waiting = self._open.get(line.stream)
        more = (2 if line.text.endswith(b">") else 1) if leads(line.text) else 0
        if waiting is None:
            if not more:
                return []
            waiting = self._open[line.stream] = Waiting([], line.escaped, more)
        elif not line.text or line.text.isspace() or line.text.lstrip().startswith(b"- "):
            more = waiting.more  # between a name and its value, or one of many
        waiting.places.append((index, line.start, line.end))
        waiting.more = more or waiting.more - 1
        if waiting.more and len(waiting.places) <= MOST_LED:
            return []
        return self._open.pop(line.stream).join()

    def held(self) -> list[int]:
        """The first line of each that waits."""
        return [waiting.places[0][0] for waiting in self._open.values()]

    def close_all(self) -> list[Join]:
        """End all that waits; gives their readings."""
        joins = [join for waiting in self._open.values() for join in waiting.join()]
        self._open.clear()
        return joins
