"""Lines that lead to a value below them: they wait for it, and what a container wraps line by line is read as one text."""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.record import Join
from sanitizer.records.wrappers import Unwrapped

LEADS = patterns.lazy(
    rb"(?:[:=(\\]|=>|\w:[ ]?[|>][+-]?|<\w[^<>]{0,64}>"
    rb"|</(?:dt|t[dh]|key|name|label|b|strong)>|\x27{3}|\x22\x22\x22)[\x22\x27*_]{0,2}\s*$"
    rb"|[=(,][ ]?\?\)?\s*$|binding parameter [^\n]{1,200}$|\A\s*(?:- +)?(?:--?|\$|\(?[\x22\x27])[\w.-]{1,64}[\x22\x27]?,?\s*$"
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


Place = tuple[int, int, int]


class Leads:
    """The lines that lead somewhere in the streams of a wrapper, with those below them, to where a value may be."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[list[Place], bool]] = {}

    def take(self, line: Unwrapped, index: int) -> list[Join]:
        """Give the next line of its stream, the physical one of that *index*; gives the reading that it ends."""
        known = self._open.get(line.stream)
        is_lead = leads(line.text)
        if known is None:
            if is_lead:
                self._open[line.stream] = ([(index, line.start, line.end)], line.escaped)
            return []
        known[0].append((index, line.start, line.end))
        waits = len(known[0]) <= MOST_LED and (is_lead or line.text.isspace() or not line.text)
        return [] if waits else self.close(line.stream)

    def held(self) -> list[int]:
        """The first line of each that waits."""
        return [places[0][0] for places, _ in self._open.values()]

    def close(self, stream: str) -> list[Join]:
        """End what waits in *stream*; gives its reading, if that is of several lines."""
        places, escaped = self._open.pop(stream)
        return [Join(tuple(places), (b"\\n" if escaped else b"\n",) * (len(places) - 1), escaped)] if len(places) > 1 else []

    def close_all(self) -> list[Join]:
        """End all that waits; gives their readings."""
        return [join for stream in list(self._open) for join in self.close(stream)]
