"""Physical lines into records, bounded in lines, bytes and time.

A chunk may be cut anywhere: what comes out depends on the lines alone. Most lines are records as they stand and are only split
off; a line that a continuation, a wrapper or a wrap betrays is looked at together with the one before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from sanitizer.record import Assembled, Cut, Join, Record
from sanitizer.records.groups import Groups
from sanitizer.records.held import Held, hand_over, tied
from sanitizer.records.lines import Digest, Lines
from sanitizer.records.logical import Logical
from sanitizer.records.special import TOLD_APART, is_certain, is_open, marks
from sanitizer.records.wrappers import WRAPPED, ExportEntry, Partial, Unwrapped, Wrapper, journal_fields, octets, unwrap

__all__ = ["Assembled", "Assembler", "Cut", "Join", "Record"]


class Assembler:
    """Assembles one lane. `hold_secs` is what the caller's timer waits before `flush(end=False)` while `holding`.

    Unless records are to be `told`, of them only those come out that have joins: enough for output that keeps lines as they stand.
    """

    def __init__(
        self,
        wrapper: Wrapper = "auto",
        max_lines: int = 500,
        max_bytes: int = 1 << 20,
        *,
        hold_secs: float = 0.2,
        offset: int = 0,
        fields: dict[str, object] | None = None,
        digest: Callable[[], Digest] = hashlib.sha256,
        told: bool = True,
    ) -> None:
        self.hold_secs = hold_secs
        self._wrapper = wrapper
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._lane_fields = fields or {}
        self._split = Lines(max_bytes, digest)
        self._held = Held(offset)
        self._groups = Groups(self._held.line, told)
        self._partials: dict[str, Partial] = {}
        self._entry: ExportEntry | None = None
        self._family = ""
        self._seen = 0
        self._entry_first = self._entry_begun = self._check_index = self._check_bytes = 0

    @property
    def told(self) -> bool:
        """Whether every record comes out, or only those with joins; may change at any time."""
        return self._groups.told

    @told.setter
    def told(self, told: bool) -> None:
        self._groups.told = told

    @property
    def holding(self) -> bool:
        """Whether complete lines wait for a continuation, so that the caller starts its timer."""
        return bool(self._held.lines)

    @property
    def pending_bytes(self) -> int:
        """Bytes kept back: held lines and the unterminated last one."""
        return self._held.size + self._split.pending_bytes

    def feed(self, data: bytes) -> Assembled:
        """Take the lane's next bytes, cut anywhere, and release what cannot be continued any more."""
        lines, block, cuts = self._split.split(data)
        if lines:
            self._take_block(lines, block, cuts)
        return self._release()

    def flush(self, end: bool = True) -> Assembled:
        """Release what is held. With *end* the input is over, and the unterminated last line goes too.

        When only the hold time has passed (`end=False`) an unterminated line stays: half a line may be half a secret.
        """
        terminated = not (end and self._split.pending_bytes)
        if not terminated:
            line, cuts = self._split.end()
            self._take_block([line], line, cuts)
        self._close_all(keys=not end)
        return self._release(terminated, flushed=True)

    def _take_block(self, lines: list[bytes], block: bytes, cuts: dict[int, Cut]) -> None:
        """Look at the lines that something betrays, and at those that an open record waits for."""
        first = self._held.add(lines, len(block) + 1, cuts)
        at = self._take_runs(lines, first) if self._groups.told else 0
        if at == len(lines):
            return
        if self._wrapper not in TOLD_APART:
            found: Sequence[int] = range(at, len(lines))
        else:
            found = [mark + at for mark in marks(lines[at:], b"\n".join(lines[at:]) if at else block, self._groups.told)]
        for mark, following in zip(found, [*found[1:], -1], strict=True):
            while at < mark and not self._lets_go():
                self._take_line(lines[at], first + at, alone=True)
                at += 1
            at = max(at, mark)
            if at == mark and following == mark + 1 and lines[at][:1] in WRAPPED:
                at += self._take_run(lines, at, first)
            if at == mark:
                self._take_line(lines[at], first + at)
                at += 1
                at += self._take_certain(lines, at, first)

    def _lets_go(self) -> bool:
        """Whether lines that nothing betrays may follow unseen: they have no wrapper, and go on with no more than broken text."""
        if self._family:
            if self._groups.open or self._partials or self._entry is not None:
                return False
            self._family = ""
        return self._groups.forget()

    def _take_certain(self, lines: list[bytes], at: int, first: int) -> int:
        """Take all at once what goes on with a record for certain, if no bound is near; says how many lines that is."""
        count = self._groups.certain(lines, at)
        if not count:
            return 0
        taken = lines[at : at + count]
        block = b"\n".join(taken)
        seen = self._seen + len(block) + 1
        if first + at + count > self._check_index or seen >= self._check_bytes or not is_certain(block):
            return 0
        self._groups.extend(range(first + at, first + at + count))
        self._seen = seen
        return count

    def _take_runs(self, lines: list[bytes], first: int) -> int:
        """Take the first of *lines* that have a wrapper, as in a container's log all have; says how many."""
        at, count = 0, len(lines)
        while at < count and self._entry is None and lines[at][:1] in WRAPPED:
            taken = self._take_run(lines, at, first)
            if not taken:
                if not self._partials:
                    break
                self._take_line(lines[at], first + at)
            at += taken or 1
        return at

    def _take_run(self, lines: list[bytes], at: int, first: int) -> int:
        """Take lines in a wrapper from *at* on all at once, as far as they are whole and no bound is near; says how many."""
        if self._entry is not None or self._partials or self._wrapper == "plain":
            return 0
        if first + at >= self._check_index:
            self._bound(first + at)
        streams: dict[str, list[tuple[Unwrapped, int, int]]] = {}
        family, seen, index = "", self._seen, first + at
        for line in lines[at : max(at, self._check_index - first)]:
            unwrapped = self._unwrap(line, index, family)
            if unwrapped is None or unwrapped.partial or seen + len(line) + 1 >= self._check_bytes:
                break
            if unwrapped.family != family:
                if family:
                    break
                family = unwrapped.family
                self._change_family(family)
            seen += len(line) + 1
            if (members := streams.get(unwrapped.stream)) is None:
                members = streams[unwrapped.stream] = []
            members.append((unwrapped, index, seen))
            index += 1
        self._seen = seen
        for stream, members in streams.items():
            self._take_stream(stream, members)
        return index - first - at

    def _take_stream(self, stream: str, lines: list[tuple[Unwrapped, int, int]]) -> None:
        """Take unwrapped lines of one stream, with their indexes, as plain ones are taken: most are records as they stand."""
        self._groups.lead(lines)
        texts = [line.text for line, _, _ in lines]
        block = b"\n".join(texts)
        at = 0
        # what Docker wrote as one line may hold line ends
        for mark in marks(texts, block) if block.count(b"\n") == len(texts) - 1 else range(len(texts)):
            while at < mark and not self._groups.settle(stream):
                self._take_whole(*lines[at], alone=True)
                at += 1
            if at < mark and self._groups.told:
                self._groups.records += [self._record(line, index) for line, index, _ in lines[at:mark]]
            self._take_whole(*lines[mark])
            at = mark + 1

    def _take_whole(self, line: Unwrapped, index: int, seen: int, alone: bool = False) -> None:
        if is_open(line.text) or line.stream in self._groups.open:
            span = (index, line.start, line.end, len(line.text))
            logical = Logical([span], line.text, line.escaped, {**self._lane_fields, **line.fields})
            self._groups.take(line.stream, logical, index, seen, alone)
        elif self._groups.told:
            self._groups.records.append(self._record(line, index))

    def _record(self, line: Unwrapped, index: int) -> Record:
        return Record((index,), line.text, "text", {**self._lane_fields, **line.fields})

    def _take_line(self, line: bytes, index: int, alone: bool = False) -> None:
        self._seen += len(line) + 1
        if index >= self._check_index or self._seen >= self._check_bytes:
            self._bound(index)
        if self._entry is not None or (line[:1] in WRAPPED and self._wrapper != "plain"):
            if self._entry is not None or (line.startswith(b"__CURSOR=") and self._wrapper in ("auto", "journald-export")):
                self._take_export(line, index)
                return
            if (unwrapped := self._unwrap(line, index)) is not None:
                self._take_wrapped(unwrapped, index)
                return
        if self._family:
            self._change_family("")
        self._groups.take_plain(index, line, self._seen, alone)

    def _unwrap(self, line: bytes, index: int, family: str = "") -> Unwrapped | None:
        return unwrap(line, self._wrapper, self._groups.told, b"" if family or self._family else self._held.before(index))

    def _bound(self, index: int) -> None:
        """Close everything once the oldest open record holds too much; else note when to look again."""
        firsts = [(group.first, group.begun) for group in self._groups.open.values() if group.lines]
        firsts += [(partial.first, partial.begun) for partial in self._partials.values()]
        if self._entry is not None:
            firsts.append((self._entry_first, self._entry_begun))
        oldest, begun = min(firsts, default=(index, self._seen))
        if index - oldest >= self._max_lines or self._seen - begun >= self._max_bytes:
            self._close_all(resume=True)
            oldest, begun = index, self._seen
        self._check_index, self._check_bytes = oldest + self._max_lines, begun + self._max_bytes

    def _change_family(self, family: str) -> None:
        if family != self._family:
            if self._groups.open or self._partials:
                self._close_all()
            self._family, self._entry = family, None

    def _take_wrapped(self, line: Unwrapped, index: int) -> None:
        self._change_family(line.family)
        partial = self._partials.pop(line.stream, None) if self._partials else None
        if partial is None:
            if not line.partial:
                self._groups.lead([(line, index, 0)])
                self._take_whole(line, index, self._seen)
                return
            partial = Partial([], [], line.escaped, {**self._lane_fields, **line.fields}, index, self._seen)
        partial.spans.append((index, line.start, line.end, len(line.text)))
        partial.parts.append(line.text)
        if line.partial:
            self._partials[line.stream] = partial
        else:
            self._take_partial(line.stream, partial)

    def _take_partial(self, stream: str, partial: Partial) -> None:
        line = Logical(partial.spans, b"".join(partial.parts), partial.escaped, partial.fields)
        self._groups.take(stream, line, partial.first, partial.begun)

    def _take_export(self, line: bytes, index: int) -> None:
        if self._entry is None:
            self._change_family("export")
            self._entry = ExportEntry()
            self._entry_first, self._entry_begun = index, self._seen
        if self._entry.take(line):
            values, self._entry = self._entry.values, None
            if self._groups.told:
                at, fields = tuple(range(self._entry_first, index + 1)), {**self._lane_fields, **journal_fields(values)}
                self._groups.records.append(Record(at, octets(values.get("MESSAGE")), "journald", fields))

    def _close_all(self, resume: bool = False, keys: bool = False) -> None:
        """Close what is open; with *resume* (or, with *keys*, for key material alone) later lines go on in the same shape."""
        for stream, partial in list(self._partials.items()):
            del self._partials[stream]
            partial.fields["partial"] = True
            self._take_partial(stream, partial)
        self._groups.close_all(resume, keys)
        self._entry = None

    def _release(self, terminated: bool = True, flushed: bool = False) -> Assembled:
        held, groups = self._held, self._groups
        base, limit = held.upto - len(held.lines), self._limit(flushed)
        released = held.release(limit, terminated)
        if not (groups.records or groups.joins):
            return released
        records, joins, groups.records, groups.joins = groups.records, groups.joins, [], []
        if held.lines:
            groups.records = [record for record in records if record.first >= limit]
            groups.joins = [join for join in joins if join.pieces[0][0] >= limit]
            records = [record for record in records if record.first < limit]
            joins = [join for join in joins if join.pieces[0][0] < limit]
        hand_over(released, base, records, joins)
        return released

    def _limit(self, flushed: bool) -> int:
        """The first line to hold back."""
        waiting = self._groups.held() + [partial.first for partial in self._partials.values()]
        if self._entry is not None:
            waiting.append(self._entry_first)
        limit = min(waiting, default=self._held.upto)
        return tied(limit if flushed else self._held.led(limit), self._groups.records, self._groups.joins)
