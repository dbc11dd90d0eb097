"""Logical lines into records, stream by stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sanitizer import patterns
from sanitizer.record import Join, Record
from sanitizer.records.keyblock import Base64Run
from sanitizer.records.leads import Leads
from sanitizer.records.logical import ANSI, ESCAPE, NO_FIELDS, Logical, Relayed
from sanitizer.records.multiline import Text, opening
from sanitizer.records.readings import Line, Readings
from sanitizer.records.relays import relayed
from sanitizer.records.shape import LAST, REFUSE, Pieces, Shape
from sanitizer.records.wrappers import Unwrapped
from sanitizer.records.wraps import Run

BEGUN = patterns.lazy(rb"(?:[\w.\-][\x22']?[=:](?:[ ](?=\S*=$))?[\x22']?|eyJ)[A-Za-z0-9+/_.~\-]{4,}=?$")
"""The head of a value at the end of a line, perhaps before a soft break (RFC 2045, section 6.7)."""

WHOLE = Pieces(((0, 0, -1),), ())

ARMOUR = frozenset(("key", "pem"))
"""Kinds of records that are one value."""


NO_SEAMS: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Group:
    """A record under construction, begun at `first` when `begun` bytes had been looked at."""

    shape: Shape
    lines: list[Line]
    first: int
    begun: int


class Groups:
    """The open records of a lane's streams, and the records and joins that are complete.

    *line* gives a held physical line. Unless they are to be *told* all records, they keep those that have joins, without a text.
    `runs` are those of broken lines: each ends in the line of text that its stream has open.
    """

    def __init__(self, line: Callable[[int], bytes], told: bool = True) -> None:
        self._line = line
        self._readings = Readings(line)
        self._text = self._readings.text
        self.told = told
        self.open: dict[str, Group] = {}
        self.runs: dict[str, Run[Line]] = {}
        self.records: list[Record] = []
        self.joins: list[Join] = []
        self._leads = Leads()
        self._rich_time: object = None
        self._relays = ""
        """The stream that the last line relayed, if it did one."""

    def forget(self) -> bool:
        """Drop the single lines of text that are open, if nothing else is, and say so: what follows does not belong to them."""
        if self.runs or self._leads.held():
            return False
        for group in self.open.values():
            if group.shape.kind != "text" or len(group.lines) != 1 or group.shape.tentative:
                return False
        self.open.clear()
        return True

    def settle(self, stream: str) -> bool:
        """End the single line of text that *stream* has open, if it has nothing else, and say so."""
        group = self.open.get(stream)
        if group is None:
            return True
        if group.shape.kind != "text" or len(group.lines) != 1 or group.shape.tentative or stream in self.runs:
            return False
        self._close(stream)
        return True

    def held(self) -> list[int]:
        """The first physical line of everything that is open."""
        firsts = [group.first for group in self.open.values() if group.lines] + self._leads.held()
        for run in self.runs.values():
            first = run.lines[0]
            firsts.append(first if isinstance(first, int) else first.spans[0][0])
        return firsts

    def close_all(self, resume: bool, keys: bool) -> None:
        """Close what is open; with *resume* (or, with *keys*, for key material alone) later lines go on in the same shape."""
        for stream, group in list(self.open.items()):
            self._close(stream, resume or (keys and group.shape.kind == "key"))
        for stream in list(self.runs):
            self._end_run(stream)
        self.joins += self._leads.close_all()

    def lead(self, lines: Iterable[tuple[Unwrapped, int, int]]) -> None:
        """See which whole lines in a wrapper, given with their indexes, lead to a value below them."""
        for line, index, _ in lines:
            self.joins += self._leads.take(line, index)

    def certain(self, lines: list[bytes], at: int) -> int:
        """How many of the plain *lines* from *at* on belong to the open record for certain."""
        group = self.open.get("")
        if group is None or not group.lines or group.shape.kind == "text":
            return 0
        return group.shape.certain(lines, at)

    def extend(self, lines: range) -> None:
        """Give plain lines, of which `certain` counted all."""
        self.open[""].lines += lines

    def take_plain(self, index: int, text: bytes, seen: int, alone: bool = False) -> None:
        """Give the next physical line that has no wrapper, when *seen* bytes have been looked at.

        *alone*: nothing betrays that the next one goes on with it, nor it with the one before, unless that one is of a record.
        """
        if ESCAPE in text:
            text = ANSI.sub(b"", text)
        self._take("", index, text, index, seen, alone)

    def take(self, stream: str, line: Logical, first: int, seen: int, alone: bool = False) -> None:
        """Give the next line of *stream*, whose first physical line is *first*, likewise."""
        self._take(stream, line, line.text, first, seen, alone)

    def _take(self, stream: str, line: Line, text: bytes, first: int, seen: int, alone: bool = False) -> None:
        before: Line | None = None
        if not stream and (self._relays or not alone):
            self._relay(line, text, first, seen)
        group = self.open.get(stream)
        if group is not None:
            answer = group.shape.take(text)
            if answer != REFUSE:
                if not group.lines:
                    group.first, group.begun = first, seen
                group.lines.append(line)
                self._end_run(stream)
                if answer == LAST:
                    self._close(stream)
                return
            if type(group.shape) is Text and group.shape.kind == "text" and len(group.lines) == 1:
                before = group.lines[0]
            self._close(stream)
        if alone and stream not in self.runs:
            if stream:
                self._finish(None, [line])
            return
        shape = opening(text)
        if type(shape) is Base64Run and before is not None and (stream in self.runs or BEGUN.search(self._text(before)[-256:])):
            shape = Text(text)  # the middle of a value that was broken more than once
        if before is None or type(shape) is not Text or not self._goes_on(stream, before, line, text):
            self._end_run(stream)
        if shape is not None:
            self.open[stream] = Group(shape, [line], first, seen)
        elif stream:
            self._finish(None, [line])

    def _relay(self, line: Line, text: bytes, first: int, seen: int) -> None:
        """Read what *line* relays of another program, as a line of its own, and end what another one relayed."""
        found = relayed(text)
        if self._relays and (found is None or found[0] != self._relays):
            self._close_relay()
        if found is not None and isinstance(line, int) and ESCAPE not in self._line(line):
            stream, start = found
            self._relays = stream
            self._take(stream, Relayed([(line, start, len(text), len(text) - start)], text[start:]), text[start:], first, seen)

    def _close_relay(self) -> None:
        if self._relays in self.open:
            self._close(self._relays)
        self._end_run(self._relays)
        self._relays = ""

    def _goes_on(self, stream: str, before: Line, line: Line, text: bytes) -> bool:
        """Whether *line* of *text* goes on with the run that ends in *before*."""
        run = self.runs.get(stream)
        if run is not None:
            return run.take(line, text)
        if (run := Run.of(before, self._text(before), line, text)) is None:
            return False
        self.runs[stream] = run
        return True

    def _end_run(self, stream: str) -> None:
        if self.runs and (run := self.runs.pop(stream, None)) is not None:
            self.joins += self._readings.apart(run.lines, run.views(), self.told)

    def _close(self, stream: str, resume: bool = False) -> None:
        group = self.open.pop(stream)
        lines, shape = group.lines, group.shape
        if len(lines) == 1 and shape.kind == "text" and not stream:
            return
        kept = len(lines) if resume else max(0, len(lines) - shape.tentative)
        if kept:
            self._finish(shape, lines[:kept])
        elif len(lines) > 1:
            self.joins += self._readings.apart(lines, shape.views([self._text(line) for line in lines]), self.told)
        for line in lines[kept:] if stream else ():
            self._finish(None, [line])
        if resume and shape.resume():
            self.open[stream] = Group(shape, [], 0, 0)

    def _finish(self, shape: Shape | None, lines: list[Line]) -> None:
        """Make a record of *lines*, unless it is one that has no wrapper."""
        first = lines[0]
        alone = shape is None or (len(lines) == 1 and shape.kind == "text")
        if isinstance(first, Relayed):  # its line is a record as it stands, and is read as another
            if shape is not None and not alone:
                self.joins += self._readings.over(lines, shape.views([self._text(line) for line in lines]), shape.kind == "text")
            return
        if isinstance(first, int) and (alone or not (self.told or (shape is not None and shape.breaks))):
            return
        text, kind, seams = b"", "text", NO_SEAMS
        readings: list[Join] = []
        fields = NO_FIELDS if isinstance(first, int) else first.fields
        over = self._readings.over
        joins = [join for line in lines if not isinstance(line, int) and line.spans[1:] for join in over([line], [WHOLE])]
        if shape is None or alone:
            text = self._text(first)
        else:
            kind = shape.kind
            texts = [self._text(line) for line in lines] if self.told or shape.breaks else []
            views = shape.views(texts)
            joins += over(lines, views)
            if isinstance(first, Logical) and kind not in ARMOUR:
                whole = Pieces(tuple((at, 0, -1) for at in range(len(lines))), (b"\n",) * (len(lines) - 1))
                joins += [join for join in over(lines, [whole]) if join not in joins]
            if self.told:
                text, seams = shape.text(texts)
                readings = [Join(*view) for view in views if not seams and text.count(b"\n") == len(lines) - 1]
                fields = {**shape.fields(), **fields}
        if not (self.told or joins):
            return
        if kind == "rich" and self.told:
            # the handler prints the time of the records of one second once
            self._rich_time = fields.get("timestamp", self._rich_time)
            if self._rich_time is not None:
                fields["timestamp"] = self._rich_time
        self.records.append(Record(_indexes(lines), text, kind, fields, seams, tuple(joins), tuple(readings)))

def _indexes(lines: list[Line]) -> tuple[int, ...]:
    """The physical lines of *lines*, in order."""
    plain = [line for line in lines if isinstance(line, int)]
    return tuple(plain or sorted({index for line in lines if isinstance(line, Logical) for index, _, _, _ in line.spans}))
