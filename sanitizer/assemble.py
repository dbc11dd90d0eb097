"""Physical lines into records, bounded in lines, bytes and time.

A chunk may be cut anywhere: what comes out depends on the lines alone. Most lines are records as they stand and are only split
off; a line that a continuation, a wrapper or a wrap betrays is looked at together with the one before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sanitizer.multiline import Text, opening
from sanitizer.record import Assembled, Cut, Join, Record
from sanitizer.shape import LAST, REFUSE, Pieces, Shape
from sanitizer.wrappers import ExportEntry, Unwrapped, Wrapper, escaped_offset, journal_fields, octets, unwrap
from sanitizer.wraps import Wraps, suspects

SPECIAL = re.compile(
    rb"\n(?:[ \t}\])]|\{\s*\"log\"|[{\[]\r?(?:\n|\Z)|\[[^\[\]\n]{5,32}\] [A-Z]|--|\.\.\. |\xe2\x95\xad|__CURSOR=|"
    rb"Traceback |Exception |Uncaught |Unhandled |Caused by: |Suppressed: |Wrapped by: |panic: |goroutine |fatal error: |thread '|"
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d) std(?:out|err) |[A-Za-z0-9+/]{40,}={0,2}\r?(?:\n|\Z)|"
    rb"[\w$.]*(?:Exception|Error|Throwable|Failure|Fault|Interrupt|Exit|Warning|Group)(?: \[[\w-]+\])?(?::|\r?(?:\n|\Z)))"
)
"""The start of a line that may not be a record by itself; the line before it is looked at too."""

INSIDE = (b"-----BEGIN ", b'"__REALTIME_TIMESTAMP"')
"""What makes a line special wherever it stands in it."""


WHOLE_JSON = {b"}"}
PLAIN_JSON = frozenset([b'{"'])


class Digest(Protocol):
    """A running digest, as of `hashlib` or `hmac`."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


@dataclass(slots=True)
class Logical:
    """One line as its writer wrote it: spans `(line, start, end, decoded size)` of physical lines, put together."""

    spans: list[tuple[int, int, int, int]]
    text: bytes
    escaped: bool = False
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """A record under construction, begun at `first` when `begun` bytes had been looked at."""

    shape: Shape
    lines: list[Logical]
    first: int
    begun: int


@dataclass(slots=True)
class Partial:
    """A line under construction, likewise."""

    line: Logical
    parts: list[bytes]
    size: int
    first: int
    begun: int


class Assembler:
    """Assembles one lane. `hold_secs` is what the caller's timer waits before `flush(end=False)` while `holding`."""

    def __init__(
        self,
        wrapper: Wrapper = "auto",
        max_lines: int = 500,
        max_bytes: int = 1 << 20,
        hold_secs: float = 0.2,
        offset: int = 0,
        fields: dict[str, object] | None = None,
        digest: Callable[[], Digest] = hashlib.sha256,
    ) -> None:
        self.hold_secs = hold_secs
        self._wrapper = wrapper
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._lane_fields = fields or {}
        self._digest = digest
        self._offset = offset
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._long: Digest | None = None
        self._lines: list[bytes] = []
        self._base = 0
        self._held_bytes = 0
        self._groups: dict[str, Group] = {}
        self._partials: dict[str, Partial] = {}
        self._entry: ExportEntry | None = None
        self._entry_first = self._entry_begun = 0
        self._wraps: dict[str, Wraps[Logical]] = {}
        self._family = ""
        self._rich_time: object = None
        self._seen = 0
        self._check_index = self._check_bytes = 0
        self._records: list[Record] = []
        self._joins: list[Join] = []
        self._cuts: dict[int, Cut] = {}

    @property
    def holding(self) -> bool:
        """Whether complete lines wait for a continuation, so that the caller starts its timer."""
        return bool(self._lines)

    @property
    def pending_bytes(self) -> int:
        """Bytes kept back: held lines and the unterminated last one."""
        return self._held_bytes + min(self._tail_size, self._max_bytes)

    def feed(self, data: bytes) -> Assembled:
        """Take the lane's next bytes, cut anywhere, and release what cannot be continued any more."""
        cut = data.rfind(b"\n")
        if cut < 0:
            self._keep_tail(data)
            return self._release()
        block = data[:cut]
        if self._tail_size:
            head, newline, rest = block.partition(b"\n")
            self._keep_tail(head)
            self._take_ended()
            block = rest
            if not newline:
                self._keep_tail(data[cut + 1 :])
                return self._release()
        self._take_block(block.split(b"\n"), block)
        self._keep_tail(data[cut + 1 :])
        return self._release()

    def flush(self, end: bool = True) -> Assembled:
        """Release what is held. With *end* the input is over, and the unterminated last line goes too.

        When only the hold time has passed (`end=False`) an unterminated line stays: half a line may be half a secret.
        """
        terminated = True
        if end and self._tail_size:
            self._take_ended()
            terminated = False
        self._close_all(keys=not end)
        return self._release(terminated)

    # physical lines

    def _keep_tail(self, data: bytes) -> None:
        if not data:
            return
        room = self._max_bytes - self._tail_size
        if room > 0:
            self._tail.append(data[:room])
        self._tail_size += len(data)
        if self._long is not None:
            self._long.update(data)
        elif self._tail_size > self._max_bytes:
            self._long = self._digest()
            for part in self._tail:
                self._long.update(part)
            self._long.update(data[max(room, 0) :])

    def _end_tail(self) -> bytes:
        line = b"".join(self._tail)
        if self._long is not None:
            self._cuts[self._base + len(self._lines)] = Cut(self._tail_size, self._long.hexdigest())
        self._tail, self._tail_size, self._long = [], 0, None
        return line

    def _take_ended(self) -> None:
        line = self._end_tail()
        self._take_block([line], line)

    def _take_block(self, lines: list[bytes], block: bytes) -> None:
        """Look at the lines that something betrays, and at those that an open record waits for."""
        first = self._base + len(self._lines)
        if len(block) > self._max_bytes:
            self._cut_long(lines, first)
        self._lines += lines
        self._held_bytes += len(block) + 1
        marks = self._marks(lines, block)
        at, count = 0, len(lines)
        for mark in marks:
            if mark > at + 1 and self._settled():
                self._groups.clear()
                self._wraps.clear()
                at = mark - 1
            while at < count and (at <= mark or not self._settled()):
                self._take_line(lines[at], first + at)
                at += 1

    def _cut_long(self, lines: list[bytes], first: int) -> None:
        for at, line in enumerate(lines):
            if len(line) > self._max_bytes:
                digest = self._digest()
                digest.update(line)
                self._cuts[first + at] = Cut(len(line), digest.hexdigest())
                self._held_bytes -= len(line) - self._max_bytes
                lines[at] = line[: self._max_bytes]

    def _settled(self) -> bool:
        """Whether the next line needs no look unless something betrays it."""
        if self._partials or self._entry is not None or self._family:
            return False
        for group in self._groups.values():
            if group.shape.kind != "text" or len(group.lines) != 1 or group.shape.tentative:
                return False
        for wraps in self._wraps.values():
            if len(wraps.lines) > 1:
                return False
        return True

    def _marks(self, lines: list[bytes], block: bytes) -> list[int]:
        """Sorted indexes of the lines to look at; the first and the last, which have a neighbour elsewhere, always."""
        if self._wrapper not in ("auto", "plain"):
            return list(range(len(lines)))
        ends = {line[-1:] for line in lines}
        if ends == WHOLE_JSON and b'"__REALTIME_TIMESTAMP"' not in block and PLAIN_JSON.issuperset({line[:2] for line in lines}):
            if b'{"log"' not in {line[:6] for line in lines}:
                return [0, len(lines) - 1]
        marks = suspects(lines, ends)
        at = line = 0
        block = b"\n" + block
        for found in SPECIAL.finditer(block):
            line += block.count(b"\n", at, found.start())
            at = found.start()
            marks.append(line)
        for needle in INSIDE:
            if needle in block:
                marks += [at for at, line in enumerate(lines) if needle in line]
        marks += (0, len(lines) - 1)
        return sorted(set(marks))

    def _take_line(self, line: bytes, index: int) -> None:
        self._seen += len(line) + 1
        if index >= self._check_index or self._seen >= self._check_bytes:
            self._bound(index)
        if self._wrapper != "plain":
            if self._entry is not None or (line.startswith(b"__CURSOR=") and self._wrapper in ("auto", "journald-export")):
                self._take_export(line, index)
                return
            unwrapped = unwrap(line, self._wrapper)
            if unwrapped is not None:
                self._take_wrapped(unwrapped, index)
                return
        if self._family:
            self._change_family("")
        self._take("", Logical([(index, 0, len(line), len(line))], line), index)

    def _bound(self, index: int) -> None:
        """Close everything once the oldest open record holds too much; else note when to look again."""
        firsts = [(group.first, group.begun) for group in self._groups.values() if group.lines]
        firsts += [(partial.first, partial.begun) for partial in self._partials.values()]
        if self._entry is not None:
            firsts.append((self._entry_first, self._entry_begun))
        oldest, begun = min(firsts, default=(index, self._seen))
        if index - oldest >= self._max_lines or self._seen - begun >= self._max_bytes:
            self._close_all(resume=True)
            oldest, begun = index, self._seen
        self._check_index, self._check_bytes = oldest + self._max_lines, begun + self._max_bytes

    # wrappers

    def _change_family(self, family: str) -> None:
        if family != self._family:
            self._close_all()
            self._family = family

    def _take_wrapped(self, line: Unwrapped, index: int) -> None:
        self._change_family(line.stream.partition(":")[0])
        span = (index, line.start, line.end, len(line.text))
        partial = self._partials.pop(line.stream, None)
        if partial is None:
            if not line.partial:
                self._take(line.stream, Logical([span], line.text, line.escaped, {**self._lane_fields, **line.fields}), index)
                return
            logical = Logical([], b"", line.escaped, {**self._lane_fields, **line.fields})
            partial = Partial(logical, [], 0, index, self._seen)
        partial.line.spans.append(span)
        partial.parts.append(line.text)
        partial.size += len(line.text)
        if line.partial:
            self._partials[line.stream] = partial
        else:
            self._take_partial(line.stream, partial)

    def _take_partial(self, stream: str, partial: Partial) -> None:
        partial.line.text = b"".join(partial.parts)
        self._take(stream, partial.line, partial.first)

    def _take_export(self, line: bytes, index: int) -> None:
        if self._entry is None:
            self._change_family("export")
            self._entry = ExportEntry()
            self._entry_first, self._entry_begun = index, self._seen
        if self._entry.take(line):
            fields = {**self._lane_fields, **journal_fields(self._entry.values)}
            message = octets(self._entry.values.get("MESSAGE"))
            self._records.append(Record(tuple(range(self._entry_first, index + 1)), message, "journald", fields))
            self._entry = None

    # records

    def _take(self, stream: str, line: Logical, first: int) -> None:
        group = self._groups.get(stream)
        if group is not None:
            answer = group.shape.take(line.text)
            if answer != REFUSE:
                if not group.lines:
                    group.first, group.begun = first, self._seen
                group.lines.append(line)
                self._end_wraps(stream)
                if answer == LAST:
                    self._close(stream)
                return
            self._close(stream)
        shape = opening(line.text)
        if not isinstance(shape, Text):
            self._end_wraps(stream)
        else:
            self._follow_wraps(stream, line)
        if shape is None:
            self._finish(None, [line])
        else:
            self._groups[stream] = Group(shape, [line], first, self._seen)

    def _follow_wraps(self, stream: str, line: Logical) -> None:
        wraps = self._wraps.get(stream)
        if wraps is None:
            self._wraps[stream] = wraps = Wraps()
        if (run := wraps.take(line.text, line)) is not None:
            for view in run[1]:
                self._joins += self._join(run[0], view)

    def _end_wraps(self, stream: str) -> None:
        wraps = self._wraps.pop(stream, None)
        if wraps is not None and (run := wraps.end()) is not None:
            for view in run[1]:
                self._joins += self._join(run[0], view)

    def _close(self, stream: str, resume: bool = False) -> None:
        group = self._groups.pop(stream)
        lines, shape = group.lines, group.shape
        kept = len(lines) if resume else max(0, len(lines) - shape.tentative)
        if kept:
            self._finish(shape, lines[:kept])
        elif len(lines) > 1:
            for view in shape.views([line.text for line in lines]):
                self._joins += self._join(lines, view)
        for line in lines[kept:]:
            self._finish(None, [line])
        if resume and shape.resume():
            self._groups[stream] = Group(shape, [], 0, 0)

    def _finish(self, shape: Shape | None, lines: list[Logical]) -> None:
        """Make a record of *lines*, unless it is one plain line."""
        alone = len(lines) == 1 and (shape is None or shape.kind == "text")
        if alone and not self._family:
            return
        fields = dict(lines[0].fields)
        joins = [join for line in lines if len(line.spans) > 1 for join in self._join([line], WHOLE)]
        text, kind = lines[0].text, "text"
        seams: tuple[tuple[int, int], ...] = ()
        if shape is not None and not alone:
            texts = [line.text for line in lines]
            text, seams = shape.text(texts)
            kind = shape.kind
            fields = {**shape.fields(), **fields}
            joins += [join for view in shape.views(texts) for join in self._join(lines, view)]
        if kind == "rich":
            # the handler prints the time of the records of one second once
            self._rich_time = fields.get("timestamp", self._rich_time)
            if self._rich_time is not None:
                fields["timestamp"] = self._rich_time
        indexes = tuple(sorted({index for line in lines for index, _, _, _ in line.spans}))
        self._records.append(Record(indexes, text, kind, fields, seams, tuple(joins)))

    def _join(self, lines: list[Logical], view: Pieces) -> list[Join]:
        """The reading of *lines* as a join over physical lines, unless it is within one."""
        pieces: list[tuple[int, int, int]] = []
        glue: list[bytes] = []
        for (at, start, end), between in zip(view.pieces, (*view.glue, b""), strict=True):
            found = self._locate(lines[at], start, end)
            pieces += found
            glue += [b""] * (len(found) - 1) + [between] if found else []
        if len(pieces) < 2:
            return []
        return [Join(tuple(pieces), tuple(glue[:-1]), lines[0].escaped)]

    def _locate(self, line: Logical, start: int, end: int) -> list[tuple[int, int, int]]:
        """The physical places of the bytes *start* to *end* of a logical line."""
        found, at = [], 0
        if end < 0:
            end = len(line.text)
        for index, first, last, size in line.spans:
            low, high = min(max(start - at, 0), size), min(max(end - at, 0), size)
            if low < high:
                raw = self._lines[index - self._base][first:last]
                if line.escaped and b"\\" in raw:
                    low, high = escaped_offset(raw, low), escaped_offset(raw, high)
                found.append((index, first + low, first + high))
            at += size
        return found

    def _close_all(self, resume: bool = False, keys: bool = False) -> None:
        """Close what is open; with *resume* (or, with *keys*, for key material alone) later lines go on in the same shape."""
        for stream, partial in list(self._partials.items()):
            del self._partials[stream]
            partial.line.fields["partial"] = True
            self._take_partial(stream, partial)
        for stream, group in list(self._groups.items()):
            self._close(stream, resume or (keys and group.shape.kind == "key"))
        for stream in list(self._wraps):
            self._end_wraps(stream)
        self._entry = None

    # release

    def _release(self, terminated: bool = True) -> Assembled:
        held = [group.first for group in self._groups.values() if group.lines]
        held += [partial.first for partial in self._partials.values()]
        held += [wraps.lines[0].spans[0][0] for wraps in self._wraps.values() if wraps.lines]
        if self._entry is not None:
            held.append(self._entry_first)
        base = self._base
        limit = min(held, default=base + len(self._lines))
        for record in sorted(self._records, key=lambda record: record.first, reverse=True):
            if record.first < limit <= record.last:
                limit = record.first
        released = Assembled(self._lines[: limit - base], self._offset, self._offset, terminated=terminated)
        del self._lines[: limit - base]
        self._base = limit
        size = sum(map(len, released.lines)) + len(released.lines)
        self._held_bytes -= size
        released.upto += size - (not terminated)
        if self._cuts:
            for index in [index for index in self._cuts if index < limit]:
                cut = self._cuts.pop(index)
                released.upto += cut.size - len(released.lines[index - base])
                released.cuts[index - base] = cut
        self._offset = released.upto
        if self._records or self._joins:
            self._hand_over(released, base, limit)
        return released

    def _hand_over(self, released: Assembled, base: int, limit: int) -> None:
        ready = [record for record in self._records if record.first < limit]
        self._records = [record for record in self._records if record.first >= limit]
        doubtful = [join for join in self._joins if join.pieces[0][0] < limit]
        self._joins = [join for join in self._joins if join.pieces[0][0] >= limit]
        for record in sorted(ready, key=lambda record: record.first):
            record.lines = tuple([index - base for index in record.lines])
            record.joins = tuple([join.moved(-base) for join in record.joins])
            released.records.append(record)
            released.joins += record.joins
        released.joins += [join.moved(-base) for join in doubtful]


WHOLE = Pieces(((0, 0, -1),), ())
